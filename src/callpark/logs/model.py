"""Amazon CloudWatch Logs' values: groups, streams, and lines as they are kept.

Instants are epoch milliseconds, as everywhere in CloudWatch Logs. A line is what AWS calls a log event; the word event
is taken in this house.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

#: API_PutRetentionPolicy.
RETENTION_DAYS = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)


@dataclass(frozen=True, slots=True)
class GroupDefinition:
    """A group that a project declares; `retention_days` None keeps lines as long as the bounds allow."""

    name: str
    retention_days: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One log event. `sequence` orders the lines of a group that bear the same instant; `subject` is what callpark
    knows the line by beside its text (a request id, a contact id), "" for none."""

    sequence: int
    at: int
    stream: str
    subject: str
    message: str
    ingested: int


class StreamSpan(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one chunk holds of one stream."""

    first: int
    last: int
    ingested: int
    bytes: int


class ChunkInfo(msgspec.Struct, frozen=True, array_like=True):
    """The index entry of a chunk. A stream that is not in `streams` has been deleted, whatever the chunk holds."""

    number: int
    last_sequence: int
    first: int
    last: int
    bytes: int
    streams: dict[str, StreamSpan]


class GroupRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a group beside its lines; `streams` are those made through the API, with the instant."""

    created: int
    retention_days: int | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    streams: dict[str, int] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogGroup:
    """A group as DescribeLogGroups shows it."""

    name: str
    created: int
    retention_days: int | None
    stored_bytes: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogStream:
    """A stream as DescribeLogStreams shows it; no instants before its first line."""

    name: str
    created: int
    first: int | None = None
    last: int | None = None
    ingested: int | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines of a group are wanted: `start` inclusive, `end` exclusive, both in milliseconds; `after` and `before`
    are positions (instant, sequence), exclusive."""

    start: int | None = None
    end: int | None = None
    streams: frozenset[str] | None = None
    subject: str | None = None
    after: tuple[int, int] | None = None
    before: tuple[int, int] | None = None

    def has(self, line: Line) -> bool:
        position = line.at, line.sequence
        return (
            (self.start is None or line.at >= self.start)
            and (self.end is None or line.at < self.end)
            and (self.streams is None or line.stream in self.streams)
            and (self.subject is None or line.subject == self.subject)
            and (self.after is None or position > self.after)
            and (self.before is None or position < self.before)
        )

    def may_touch(self, info: ChunkInfo) -> bool:
        """Whether a chunk can hold a wanted line."""
        return (
            (self.start is None or info.last >= self.start)
            and (self.end is None or info.first < self.end)
            and (self.after is None or info.last >= self.after[0])
            and (self.before is None or info.first <= self.before[0])
            and (self.streams is None or not self.streams.isdisjoint(info.streams))
        )
