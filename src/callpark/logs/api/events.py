"""GetLogEvents, FilterLogEvents, PutLogEvents: translate and call the service.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from callpark.kernel.operations import Call, OperationTable
from callpark.logs.api.parameters import event_id, group_name, number, position_of, text, texts
from callpark.logs.chunks import LINE_OVERHEAD_BYTES, weight
from callpark.logs.model import Line, Selection
from callpark.logs.patterns.parse import Matches, filter_pattern
from callpark.logs.refusals import invalid_parameter, not_offered
from callpark.logs.service import Logs

_Position: TypeAlias = tuple[int, int]
"""(instant, sequence)"""


class EventOperations:
    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def table(self) -> OperationTable:
        return {
            ("logs", "GetLogEvents"): self.get_events,
            ("logs", "FilterLogEvents"): self.filter_events,
            ("logs", "PutLogEvents"): self.put_events,
        }

    async def get_events(self, call: Call) -> Mapping[str, object]:
        """One stream. Without a token from the end backwards, unless `startFromHead`; a token has its own direction,
        and at the end of the stream the same token comes back."""
        given = call.parameters
        group, stream = group_name(given), str(given["logStreamName"])
        self._logs.require_stream(group, stream)
        token = text(given, "nextToken")
        backwards = given.get("startFromHead") is not True if token is None else token.startswith("b/")
        after = before = None
        if token is not None:
            position = _position(token)
            after, before = (None, position) if backwards else (position, None)
        wanted = Selection(
            start=number(given, "startTime"),
            end=number(given, "endTime"),
            streams=frozenset((stream,)),
            after=after,
            before=before,
        )
        lines = self._logs.read(group, wanted, newest_first=backwards)
        found, _ = await self._page(lines, _limit(given, self._logs.limits.page_events), filter_pattern(""))
        if backwards:
            found.reverse()
        first, last = _span(found, after, before)
        return {
            "events": [
                {"timestamp": line.at, "message": line.message, "ingestionTime": line.ingested} for line in found
            ],
            "nextForwardToken": _token("f", last),
            "nextBackwardToken": _token("b", first),
        }

    async def filter_events(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        group = group_name(given)
        matches = filter_pattern(text(given, "filterPattern") or "")
        token = text(given, "nextToken")
        wanted = Selection(
            start=number(given, "startTime"),
            end=number(given, "endTime"),
            streams=self._streams(group, given),
            after=None if token is None else position_of(token),
        )
        found, more = await self._page(
            self._logs.read(group, wanted), _limit(given, self._logs.limits.page_events), matches
        )
        members: dict[str, object] = {
            "events": [
                {
                    "logStreamName": line.stream,
                    "timestamp": line.at,
                    "message": line.message,
                    "ingestionTime": line.ingested,
                    "eventId": event_id(line),
                }
                for line in found
            ],
            "searchedLogStreams": [],  # AWS leaves it empty since June 2020 (API_FilterLogEvents)
        }
        return {**members, "nextToken": event_id(found[-1])} if more else members

    async def put_events(self, call: Call) -> Mapping[str, object]:
        """`sequenceToken` is ignored, as AWS ignores it since 2023."""
        if call.parameters.get("entity"):
            raise not_offered("entity in PutLogEvents")
        group, stream = group_name(call.parameters), str(call.parameters["logStreamName"])
        self._logs.require_stream(group, stream)
        events = _events(call.parameters.get("logEvents"))
        self._check(events)
        now, limits = self._logs.now(), self._logs.limits
        oldest, newest = now - limits.oldest_seconds * 1000, now + limits.newest_seconds * 1000
        taken = [(at, message) for at, message in events if oldest <= at <= newest]
        await self._logs.put(group, stream, taken)
        members: dict[str, object] = {"nextSequenceToken": f"{now:056d}"}
        too_old = sum(1 for at, _ in events if at < oldest)
        too_new = next((index for index, (at, _) in enumerate(events) if at > newest), None)
        rejected: dict[str, object] = {}
        if too_old:
            rejected["tooOldLogEventEndIndex"] = too_old
        if too_new is not None:
            rejected["tooNewLogEventStartIndex"] = too_new
        return {**members, "rejectedLogEventsInfo": rejected} if rejected else members

    def _check(self, events: Sequence[tuple[int, str]]) -> None:
        """Raises CallerError."""
        limits = self._logs.limits
        size = sum(len(message.encode()) + LINE_OVERHEAD_BYTES for _, message in events)
        if size > limits.batch_bytes:
            raise invalid_parameter(f"Upload too large: {size} bytes exceeds limit of {limits.batch_bytes}")
        if any(later[0] < earlier[0] for earlier, later in pairwise(events)):
            raise invalid_parameter("Log events in a single PutLogEvents request must be in chronological order.")
        if events and events[-1][0] - events[0][0] > limits.batch_seconds * 1000:
            raise invalid_parameter(
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
            )

    def _streams(self, group: str, given: Mapping[str, object]) -> frozenset[str] | None:
        names, prefix = texts(given, "logStreamNames"), text(given, "logStreamNamePrefix")
        if names is not None and prefix is not None:
            raise invalid_parameter("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
        if names is not None:
            for name in names:
                self._logs.require_stream(group, name)
            return frozenset(names)
        if prefix is None:
            return None
        return frozenset(name for name in self._logs.streams(group) if name.startswith(prefix))

    async def _page(self, lines: AsyncIterator[Line], limit: int, matches: Matches) -> tuple[list[Line], bool]:
        """The first lines that match, as many as one answer holds, and whether there may be more."""
        found: list[Line] = []
        size = 0
        async for line in lines:
            if not matches(line.message):
                continue
            size += weight(line)
            if len(found) == limit or (found and size > self._logs.limits.page_bytes):
                return found, True
            found.append(line)
        return found, False


def _span(found: Sequence[Line], after: _Position | None, before: _Position | None) -> tuple[_Position, _Position]:
    """Where the pages before and behind this one begin. An empty page's own token stays as it was."""
    if found:
        return (found[0].at, found[0].sequence), (found[-1].at, found[-1].sequence)
    if after is not None:
        return (after[0], after[1] + 1), after
    if before is not None:
        return before, (before[0], max(0, before[1] - 1))
    return (0, 0), (0, 0)


def _limit(given: Mapping[str, object], most: int) -> int:
    return min(number(given, "limit") or most, most)


def _events(given: object) -> list[tuple[int, str]]:
    if not isinstance(given, Sequence):
        return []
    return [(int(event["timestamp"]), str(event["message"])) for event in given if isinstance(event, Mapping)]


def _token(direction: str, position: _Position) -> str:
    return f"{direction}/{position[0]:038d}{position[1]:018d}/s"


def _position(token: str) -> _Position:
    direction, _, rest = token.partition("/")
    if direction not in ("f", "b") or not rest.endswith("/s"):
        raise invalid_parameter("The specified nextToken is invalid.")
    return position_of(rest[:-2])
