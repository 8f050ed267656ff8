"""AMAZON_EVENTBRIDGE: PutEvents on whoever serves EventBridge. Used by `resolvers/`.

https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-eventbridge-js.html
"""

import datetime
from collections.abc import Mapping

import orjson

from callpark.graphql.datasources.port import Outcome, SourceError, Upstreams
from callpark.graphql.datasources.requests import Document, invalid, items, mappings, required_text, text
from callpark.kernel.errors import CallerError

_MOST_EVENTS = 10


class EventBridgeSource:
    """One event bus as a data source."""

    def __init__(self, event_bus_arn: str, upstreams: Upstreams) -> None:
        self._event_bus_arn = event_bus_arn
        self._upstreams = upstreams

    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        operation = required_text(request, "operation")
        if operation != "PutEvents":
            raise invalid(f"Unsupported operation '{operation}'. Supported is: PutEvents.")
        events = mappings(request, "events")
        if not 1 <= len(events) <= _MOST_EVENTS:
            raise invalid(f"PutEvents takes between 1 and {_MOST_EVENTS} events, the request has {len(events)}.")
        entries = [self._entry(event, index) for index, event in enumerate(events)]
        try:
            reply = await self._upstreams.call("events", "PutEvents", {"Entries": entries})
        except CallerError as error:
            return Outcome(error=SourceError(error.message, f"EventBridge:{error.code}"))
        return Outcome({"Entries": reply.get("Entries", []), "FailedEntryCount": reply.get("FailedEntryCount", 0)})

    def _entry(self, event: Document, index: int) -> dict[str, object]:
        detail = event.get("detail")
        if detail is None:
            raise invalid(f"Value for field '$[events][{index}][detail]' not found.")
        entry: dict[str, object] = {
            "Source": required_text(event, "source", "events", index),
            "DetailType": required_text(event, "detailType", "events", index),
            "Detail": detail if isinstance(detail, str) else orjson.dumps(detail).decode(),
            "EventBusName": self._event_bus_arn,
        }
        resources = items(event, "resources", "events", index)
        if resources:
            entry["Resources"] = [str(each) for each in resources]
        time = text(event, "time", "events", index)
        if time:
            entry["Time"] = _instant(time, index)
        return entry


def _instant(written: str, index: int) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(written)
    except ValueError:
        raise invalid(f"Value of field '$[events][{index}][time]' is not an RFC 3339 time.") from None
