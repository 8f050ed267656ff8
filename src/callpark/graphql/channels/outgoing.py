"""What an onPublish handler left of the events that were published. Pure.

Called by `service.py`. Handlers return items `{id, payload}`, or `{id, error}` for an event that failed.
https://docs.aws.amazon.com/appsync/latest/eventapi/channel-namespace-handlers.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from callpark.graphql.channels.messages import ChannelRefused, Published


@dataclass(frozen=True, slots=True)
class Incoming:
    """A published event: `text` is its JSON, `payload` what that means."""

    id: str
    text: str
    payload: object


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`texts` are broadcast in this order; `failures` by event id. `flaws` are what of the answer was ignored."""

    texts: Sequence[str]
    failures: Mapping[str, str]
    flaws: Sequence[str] = ()


def incoming(ids: Sequence[str], texts: Sequence[str]) -> tuple[Incoming, ...]:
    return tuple(Incoming(id, text, orjson.loads(text)) for id, text in zip(ids, texts, strict=True))


def unchanged(events: Sequence[Incoming]) -> Outgoing:
    """Without a handler events are broadcast as they came."""
    return Outgoing([event.text for event in events], {})


def outgoing(value: object, events: Sequence[Incoming]) -> Outgoing:
    """Nothing, or an empty list, broadcasts nothing. Raises ChannelRefused for what is no list."""
    if value is None:
        return Outgoing((), {})
    if not isinstance(value, list):
        raise ChannelRefused("Code", "The onPublish handler must return a list of events.", 403)
    known = {event.id for event in events}
    texts: list[str] = []
    failures: dict[str, str] = {}
    flaws: list[str] = []
    for item in value:
        id = item.get("id") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(id, str) or id not in known:
            flaws.append("an item that has no id of a published event")
        elif item.get("error") is not None:
            failures[id] = str(item["error"])
        else:
            known.discard(id)
            texts.append(_text(item.get("payload")))
    return Outgoing(texts, failures, tuple(flaws))


def answer(events: Sequence[Incoming], failures: Mapping[str, str]) -> Published:
    """Events that the handler filtered out are successful too."""
    successful: list[Mapping[str, object]] = []
    failed: list[Mapping[str, object]] = []
    for index, event in enumerate(events):
        place: dict[str, object] = {"identifier": event.id, "index": index}
        if event.id in failures:
            failed.append({**place, "code": 400, "message": failures[event.id]})
        else:
            successful.append(place)
    return Published(successful, failed)


def _text(payload: object) -> str:
    try:
        return orjson.dumps(payload).decode()
    except orjson.JSONEncodeError as error:
        raise ChannelRefused("Code", f"An event cannot be written as JSON: {error}", 403) from None
