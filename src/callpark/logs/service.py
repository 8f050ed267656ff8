"""Amazon CloudWatch Logs: the slice's face. Built by `app.py`, fed by its recorder, read by `api/`.

`append` is the hot path: a list append, no commit. What was appended is written in one commit per
`logs.flush_seconds`, all groups together, encoded on a thread of its own; a `kill -9` loses what came after the last
one. What the API puts is durable before it is answered. Reading sees what is not written yet.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LogsLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.timers import Timer
from callpark.logs import chunks, reading, refusals, upkeep
from callpark.logs.journal import Journal
from callpark.logs.model import ChunkInfo, GroupDefinition, GroupRecord, Line, LogGroup, LogStream, Selection
from callpark.logs.upkeep import CHUNKS, DAY_MILLISECONDS, GROUPS, INDEX, deletions, row_key
from callpark.store.ports import Change, DeleteRow, SetRow, Store, StoreFailure

_log = logging.getLogger("callpark")

Follower = Callable[[str, Line], None]
"""Told (group, line) for each line as it comes."""


class Logs:
    def __init__(self, clock: Clock, limits: LogsLimits, store: Store) -> None:
        self.limits = limits
        self._clock = clock
        self._store = store
        self._journals: dict[str, Journal] = {}
        self._tasks = Tasks("logs")
        self._writing = asyncio.Lock()
        self._flush_timer: Timer | None = None
        self._expiry: Timer | None = None
        self._unwritten_bytes = 0
        self._dropped = 0
        self._failing = False
        self._closed = False
        self._trimmed: set[str] = set()
        self._followers: list[Follower] = []

    async def start(self) -> None:
        """Take up what the store holds: records and index, no lines."""
        for row in await self._store.scan(GROUPS):
            self._journals[row.key] = Journal(row.key, chunks.decode_record(row.value), 0, record_kept=True)
        for row in await self._store.scan(INDEX):
            name = row.key.rpartition(":")[0]
            if (journal := self._journals.get(name)) is not None:
                journal.load(chunks.decode_info(row.value))
        self._arm_expiry()

    async def reload(self) -> None:
        """Another node has written since: write what is not written yet, then take up what the store holds."""
        await self.flush()
        self._journals.clear()
        await self.start()

    async def close(self) -> None:
        """Write what is not written yet. Lines that come later are not kept."""
        self._closed = True
        self._disarm()
        await self.flush()
        await self._tasks.aclose()

    def now(self) -> int:
        return milliseconds(self._clock.now())

    # Lines

    def append(self, group: str, stream: str, subject: str, at: float, message: str) -> None:
        """Add a line that happened at `at` (epoch seconds); durable with the next flush."""
        if self._unwritten_bytes > self.limits.unwritten_bytes:
            self._dropped += 1
            return
        journal = self._journals.get(group)
        if journal is None:
            journal = self._journals[group] = Journal(group, GroupRecord(self.now()), 0, record_kept=False)
        instant = milliseconds(at)
        self._added(journal, journal.add(instant, stream, subject, message, instant))

    async def put(self, group: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        """Add lines (instant, text) of a client; returns when they are durable. Raises CallerError."""
        journal = self._stream_of(group, stream)
        now = self.now()
        for at, message in lines:
            self._added(journal, journal.add(at, stream, "", message, now))
        await self._durable()

    def follow(self, follower: Follower) -> Callable[[], None]:
        """Call back with each line from now on; returns what ends it."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    def read(self, group: str, wanted: Selection, *, newest_first: bool = False) -> AsyncIterator[Line]:
        """The wanted lines in order. What retention has taken does not come. Raises CallerError."""
        journal = self._journal(group)
        wanted = self._retained(journal, wanted)

        async def load(info: ChunkInfo) -> Sequence[Line]:
            row = await self._store.get(CHUNKS, row_key(group, info.number))
            return () if row is None else chunks.decode_lines(row.value)

        direction = reading.backwards if newest_first else reading.forwards
        return direction(tuple(journal.closed), tuple(journal.growing), wanted, load)

    # Groups and streams

    def groups(self) -> list[LogGroup]:
        """By name."""
        return [self._journals[name].describe() for name in sorted(self._journals)]

    def group(self, name: str) -> LogGroup:
        """Raises CallerError."""
        return self._journal(name).describe()

    def streams(self, group: str) -> dict[str, LogStream]:
        """Raises CallerError."""
        return self._journal(group).streams()

    def require_stream(self, group: str, stream: str) -> None:
        """Raises CallerError when there is no such group or stream."""
        self._stream_of(group, stream)

    async def apply(self, declared: Sequence[GroupDefinition]) -> list[str]:
        """Make a project's groups, with their retention; warnings. One that is no longer declared keeps its lines."""
        warnings: list[str] = []
        for group in declared:
            try:
                if group.name not in self._journals:
                    await self.create_group(group.name, dict(group.tags))
                record = self._journal(group.name).record
                if record.tags != group.tags:
                    await self.tag(group.name, dict(group.tags), list(record.tags))
                if record.retention_days != group.retention_days:
                    await self.retain(group.name, group.retention_days)
            except CallerError as refusal:
                warnings.append(f"log group {group.name}: {refusal.message}")
        return warnings

    async def create_group(self, name: str, tags: dict[str, str]) -> None:
        """Raises CallerError."""
        if name in self._journals:
            raise refusals.group_exists()
        if len(self._journals) >= self.limits.groups:
            raise refusals.too_many(f"{self.limits.groups} log groups")
        self._journals[name] = Journal(name, GroupRecord(self.now(), tags=tags), 0, record_kept=False)
        await self._durable()

    async def delete_group(self, name: str) -> None:
        """Raises CallerError."""
        self._journal(name)
        async with self._writing:
            journal = self._journals.pop(name, None)
            if journal is not None:
                self._trimmed.discard(name)
                numbers = [info.number for info in journal.closed] + [journal.number]
                await self._commit([DeleteRow(GROUPS, name), *deletions(name, numbers)])

    async def create_stream(self, group: str, stream: str) -> None:
        """Raises CallerError."""
        journal = self._journal(group)
        if journal.has_stream(stream):
            raise refusals.stream_exists()
        if len(journal.record.streams) >= self.limits.streams:
            raise refusals.too_many(f"{self.limits.streams} log streams in a group")
        await self._revise(journal, streams={**journal.record.streams, stream: self.now()})

    async def delete_stream(self, group: str, stream: str) -> None:
        """Raises CallerError."""
        journal = self._stream_of(group, stream)
        async with self._writing:
            changed, emptied = journal.forget_stream(stream)
            journal.growing = [line for line in journal.growing if line.stream != stream]
            journal.written = None
            numbers = [info.number for info in emptied] + ([] if journal.growing else [journal.number])
            updates = [SetRow(INDEX, row_key(group, info.number), chunks.encode_info(info)) for info in changed]
            await self._commit([*updates, *deletions(group, numbers)])
        await self._revise(journal, streams={k: v for k, v in journal.record.streams.items() if k != stream})

    async def retain(self, group: str, days: int | None) -> None:
        """Keep lines for `days`, None for as long as the bounds allow. Raises CallerError."""
        journal = self._journal(group)
        record = journal.record
        journal.record = GroupRecord(record.created, days, record.tags, record.streams)
        journal.record_kept = False
        await self._durable()
        await self._expire()

    async def tag(self, group: str, added: dict[str, str], removed: Sequence[str] = ()) -> None:
        """Raises CallerError."""
        journal = self._journal(group)
        tags = {key: value for key, value in journal.record.tags.items() if key not in removed} | added
        if len(tags) > 50:
            raise refusals.invalid_parameter("A resource can have at most 50 tags")
        await self._revise(journal, tags=tags)

    # Writing

    async def flush(self) -> None:
        """Make durable what was appended; what cannot be written now is tried again later."""
        try:
            await self._write()
        except StoreFailure as failure:
            if not self._failing:
                self._failing = True
                _log.warning("logs cannot be stored: %s; trying again", failure)
            self._arm_flush()

    def _added(self, journal: Journal, line: Line) -> None:
        self._unwritten_bytes += chunks.weight(line)
        for follower in self._followers:
            follower(journal.name, line)
        if self._flush_timer is None:
            self._arm_flush()
        elif self._unwritten_bytes > self.limits.buffer_bytes and not self._writing.locked():
            self._flush_now()

    def _arm_flush(self) -> None:
        if self._flush_timer is None and not self._closed:
            at = self._clock.now() + self.limits.flush_seconds
            self._flush_timer = self._clock.timer(at, self._flush_now, "logs")

    def _flush_now(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        self._tasks.spawn(self.flush(), "flush")

    def _disarm(self) -> None:
        for timer in (self._flush_timer, self._expiry):
            if timer is not None:
                timer.cancel()
        self._flush_timer = self._expiry = None

    async def _durable(self) -> None:
        try:
            await self._write()
        except StoreFailure as failure:
            self._arm_flush()
            raise refusals.unavailable(str(failure)) from failure

    async def _write(self) -> None:
        """Raises StoreFailure; then nothing was written and everything is still here."""
        async with self._writing:
            unwritten = [journal for journal in self._journals.values() if journal.unwritten]
            if not unwritten:
                return
            size = self._unwritten_bytes
            batches = [(journal, journal.record, tuple(journal.growing)) for journal in unwritten]
            with self._clock.hold("logs flush"):
                written = await asyncio.to_thread(_encode, [(j.name, j.number, lines) for j, _, lines in batches])
            changes: list[Change] = [
                SetRow(GROUPS, journal.name, chunks.encode_record(record)) for journal, record, _ in batches
            ]
            changes += [change for _, encoded in written for change in encoded]
            await self._store.commit(changes)
            for (journal, record, lines), (info, _) in zip(batches, written, strict=True):
                journal.record_kept = journal.record is record  # it may have changed meanwhile
                if info is not None:
                    journal.wrote(info, len(lines), self.limits.chunk_bytes)
            self._unwritten_bytes -= size
            self._failing = False
            await self._trim(unwritten)
        self._tell_dropped()
        self._arm_expiry()

    async def _trim(self, written: Sequence[Journal]) -> None:
        changes, lost = upkeep.trim(written, tuple(self._journals.values()), self.limits)
        for group in lost - self._trimmed:
            _log.warning("log group %s is full: its oldest lines go (logs.group_bytes, logs.total_bytes)", group)
        self._trimmed |= lost
        try:
            if changes:
                await self._store.commit(changes)
        except StoreFailure as failure:
            _log.warning("log lines beyond the bounds could not be removed: %s; the next start does it", failure)

    def _tell_dropped(self) -> None:
        if self._dropped:
            _log.warning("%d log lines were dropped: they came faster than they could be stored", self._dropped)
            self._dropped = 0

    # Retention

    def _retained(self, journal: Journal, wanted: Selection) -> Selection:
        days = journal.record.retention_days
        if days is None:
            return wanted
        start = max(wanted.start or 0, self.now() - days * DAY_MILLISECONDS)
        return Selection(start, wanted.end, wanted.streams, wanted.subject, wanted.after, wanted.before)

    def _arm_expiry(self) -> None:
        """Wake when the next chunk of a group with retention is too old."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        at = None if self._closed else upkeep.next_expiry(self._journals.values())
        if at is not None:
            self._expiry = self._clock.timer(at / 1000, self._expiry_due, "logs")

    def _expiry_due(self) -> None:
        self._expiry = None
        self._tasks.spawn(self._expire(), "retention")

    async def _expire(self) -> None:
        async with self._writing:
            changes = upkeep.expire(self._journals.values(), self.now())
            try:
                if changes:
                    await self._store.commit(changes)
            except StoreFailure as failure:
                _log.warning("expired log lines could not be removed: %s; the next start shows them again", failure)
        self._arm_expiry()

    # Inside

    async def _revise(
        self, journal: Journal, *, tags: dict[str, str] | None = None, streams: dict[str, int] | None = None
    ) -> None:
        record = journal.record
        journal.record = GroupRecord(
            record.created,
            record.retention_days,
            record.tags if tags is None else tags,
            record.streams if streams is None else streams,
        )
        journal.record_kept = False
        await self._durable()

    async def _commit(self, changes: Sequence[Change]) -> None:
        try:
            await self._store.commit(changes)
        except StoreFailure as failure:
            raise refusals.unavailable(str(failure)) from failure

    def _journal(self, name: str) -> Journal:
        journal = self._journals.get(name)
        if journal is None:
            raise refusals.no_group()
        return journal

    def _stream_of(self, group: str, stream: str) -> Journal:
        journal = self._journal(group)
        if not journal.has_stream(stream):
            raise refusals.no_stream()
        return journal


def milliseconds(at: float) -> int:
    """Epoch seconds as CloudWatch counts instants."""
    return round(at * 1000)


def _encode(
    batches: Sequence[tuple[str, int, Sequence[Line]]],
) -> list[tuple[ChunkInfo | None, list[Change]]]:
    """On a thread: the index entry and the rows of each group's growing chunk."""
    found: list[tuple[ChunkInfo | None, list[Change]]] = []
    for name, number, lines in batches:
        if not lines:
            found.append((None, []))
            continue
        info = chunks.describe(number, lines)
        key = row_key(name, number)
        rows: list[Change] = [
            SetRow(INDEX, key, chunks.encode_info(info)),
            SetRow(CHUNKS, key, chunks.encode_lines(lines)),
        ]
        found.append((info, rows))
    return found
