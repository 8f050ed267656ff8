"""One group in memory: the index of its chunks, and the chunk that still grows.

Owned by `service.py`, which decides when to write; here is what there is to write. The growing chunk is written again
with each flush until it is large enough to be closed, so a quiet function costs one small row and not one a second.
"""

from collections.abc import Iterator

from callpark.logs import chunks
from callpark.logs.model import ChunkInfo, GroupRecord, Line, LogGroup, LogStream, StreamSpan


class Journal:
    """`record_kept`: whether the store has the record as it is now."""

    __slots__ = ("_sequence", "closed", "growing", "name", "number", "record", "record_kept", "written")

    def __init__(self, name: str, record: GroupRecord, number: int, record_kept: bool) -> None:
        self.name = name
        self.record = record
        self.record_kept = record_kept
        self.closed: list[ChunkInfo] = []
        self.growing: list[Line] = []
        self.number = number
        self.written: ChunkInfo | None = None
        self._sequence = 0

    def load(self, info: ChunkInfo) -> None:
        """Take in a chunk of a former process; chunks come by number."""
        self.closed.append(info)
        self.number = max(self.number, info.number + 1)
        self._sequence = max(self._sequence, info.last_sequence)

    def add(self, at: int, stream: str, subject: str, message: str, now: int) -> Line:
        self._sequence += 1
        line = Line(self._sequence, at, stream, subject, message, now)
        self.growing.append(line)
        return line

    @property
    def unwritten(self) -> bool:
        written = self.written.last_sequence if self.written is not None else 0
        return not self.record_kept or bool(self.growing and self.growing[-1].sequence > written)

    def wrote(self, info: ChunkInfo, count: int, chunk_bytes: int) -> None:
        """The first `count` growing lines are durable as `info`; close the chunk when it is large enough."""
        if info.bytes < chunk_bytes:
            self.written = info
            return
        self.closed.append(info)
        del self.growing[:count]
        self.number += 1
        self.written = None

    def forget_stream(self, stream: str) -> tuple[list[ChunkInfo], list[ChunkInfo]]:
        """Remove a stream from all chunks but the growing one; returns the entries that changed and those that are
        empty now."""
        changed, emptied, kept = [], [], []
        for info in self.closed:
            if stream not in info.streams:
                kept.append(info)
                continue
            streams = {name: span for name, span in info.streams.items() if name != stream}
            size = sum(span.bytes for span in streams.values())
            fewer = ChunkInfo(info.number, info.last_sequence, info.first, info.last, size, streams)
            if streams:
                changed.append(fewer)
                kept.append(fewer)
            else:
                emptied.append(info)
        self.closed = kept
        return changed, emptied

    @property
    def stored_bytes(self) -> int:
        return sum(info.bytes for info in self._infos())

    def describe(self) -> LogGroup:
        record = self.record
        return LogGroup(self.name, record.created, record.retention_days, self.stored_bytes, record.tags)

    def streams(self) -> dict[str, LogStream]:
        """All streams by name: those with lines, and those made through the API."""
        spans: dict[str, StreamSpan] = {}
        for info in self._infos():
            for name, span in info.streams.items():
                before = spans.get(name)
                spans[name] = span if before is None else _joined(before, span)
        created = self.record.streams
        found = {name: LogStream(name, at) for name, at in created.items()}
        for name, span in spans.items():
            found[name] = LogStream(name, created.get(name, span.first), span.first, span.last, span.ingested)
        return found

    def has_stream(self, name: str) -> bool:
        return name in self.record.streams or any(name in info.streams for info in self._infos())

    def _infos(self) -> Iterator[ChunkInfo]:
        yield from self.closed
        if self.growing:
            yield chunks.describe(self.number, self.growing)


def _joined(one: StreamSpan, other: StreamSpan) -> StreamSpan:
    return StreamSpan(
        min(one.first, other.first),
        max(one.last, other.last),
        max(one.ingested, other.ingested),
        one.bytes + other.bytes,
    )
