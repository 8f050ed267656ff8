"""Reading what is published: a channel and its events, as the HTTP endpoint and `publish` frames have them. Pure.

https://docs.aws.amazon.com/appsync/latest/eventapi/publish-http.html. The texts of refusals are ours.
"""

from collections.abc import Mapping

import orjson

from callpark.graphql.channels.channel import published
from callpark.graphql.channels.messages import ChannelRefused, PublishAsked
from callpark.kernel.limits import AppSyncLimits


def publication(members: Mapping[str, object], limits: AppSyncLimits) -> PublishAsked:
    """Raises ChannelRefused for what is none."""
    channel = published(members.get("channel"), limits)
    if channel is None:
        raise bad_request(f"The channel {shown(members.get('channel'))} is not valid.")
    events = members.get("events")
    if not isinstance(events, list) or not events:
        raise bad_request("events must be a list of at least one JSON text.")
    if len(events) > limits.events_per_publish:
        raise bad_request(f"A publication has at most {limits.events_per_publish} events, not {len(events)}.")
    return PublishAsked(channel, tuple(_event(index, each, limits) for index, each in enumerate(events)))


def bad_request(message: str) -> ChannelRefused:
    return ChannelRefused("BadRequestException", message)


def shown(value: object) -> str:
    """A value of the client's, short enough for a message."""
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        text = str(type(value))
    return text if len(text) <= 120 else f"{text[:117]}…"


def _event(index: int, event: object, limits: AppSyncLimits) -> str:
    if not isinstance(event, str):
        raise bad_request(f"Event {index} must be a JSON text, that is a string.")
    if len(event.encode()) > limits.subscription_message_bytes:
        raise bad_request(f"Event {index} is larger than {limits.subscription_message_bytes} bytes.")
    try:
        orjson.loads(event)
    except orjson.JSONDecodeError:
        raise bad_request(f"Event {index} is not valid JSON.") from None
    return event
