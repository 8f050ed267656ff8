"""The durable store of a single node: SQLite in a data directory of its own.

Commits are lined up on the event loop, written to the journal in groups by the writer's thread, and applied to the
windows in memory when they are durable. The database's thread takes over what the journal holds, and reads.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from callpark.kernel.clock import Clock
from callpark.kernel.holds import Hold
from callpark.store.ports import Change, Defer, Position, Put, Row, StoreFailure, WorkItem
from callpark.store.queues import Queues
from callpark.store.sqlite import blobs, faults
from callpark.store.sqlite.batch import Commit
from callpark.store.sqlite.database import DatabaseThread, Refill, Refilled
from callpark.store.sqlite.directory import DirectoryLock
from callpark.store.sqlite.gathering import Gathering, urgent
from callpark.store.sqlite.opening import OpenFiles, open_files
from callpark.store.sqlite.writer import Outcome, Work, Writer
from callpark.store.topics import Topics
from callpark.store.window import Bounds

T = TypeVar("T")

WINDOW = Bounds(items=1_000, bytes=8_388_608)


class SqliteStore:
    """Implements `store.ports.Store`. To be used from one event loop."""

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        lock: DirectoryLock,
        files: OpenFiles,
        window: Bounds,
        fault: faults.FaultHook | None,
    ) -> None:
        self._clock = clock
        self._lock = lock
        self._opened = files
        self._database = files.database
        self._fault = fault
        self._blobs = directory / "blobs"
        self._queues = Queues(clock, window, self._ask_refill)
        self._topics = Topics()
        self._reads = ThreadPoolExecutor(1, "callpark store database")
        self._files = ThreadPoolExecutor(1, "callpark store files")
        self._writer = Writer(
            place=str(directory),
            backlog=files.backlog,
            lookups=files.lookups,
            database=DatabaseThread(files.database, self._reads),
            next_sequence=files.next_sequence,
            deliver=self._delivered,
            fault=fault,
        )
        self._gathering = Gathering(self._writer.__len__, self._writer.wake)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._outstanding = 0
        self._hold: Hold | None = None
        self._idle: asyncio.Future[None] | None = None
        self._closed = False

    @classmethod
    def open(
        cls, directory: Path, clock: Clock, *, window: Bounds = WINDOW, fault: faults.FaultHook | None = None
    ) -> "SqliteStore":
        """Open or create the store in `directory`. `window` bounds what one queue keeps in memory.

        Raises ProjectError: in use by another process, written by a newer callpark, damaged, not writable.
        """
        fault = fault or faults.from_environment(os.environ)
        lock = DirectoryLock.take(directory)
        try:
            blobs.prepare(directory / "blobs")
            files = open_files(directory, window, fault)
            store = cls(directory, clock, lock, files, window, fault)
            for found in files.waiting:
                store._queues.load(found.request.queue, found.rows, found.horizon)
        except BaseException:
            lock.release()
            raise
        store._writer.start()
        return store

    def commit(self, changes: Sequence[Change]) -> "asyncio.Future[None]":
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        if self._closed:
            done.set_exception(StoreFailure("the store is closed"))
            return done
        self._expect(Commit(changes, done), urgent(changes))
        return done

    def lease(self, queue: str, limit: int) -> Sequence[WorkItem]:
        return self._queues.lease(queue, limit)

    def watch(self, queue: str, callback: Callable[[], None]) -> Callable[[], None]:
        return self._queues.watch(queue, callback)

    async def count(self, queue: str, ready_by: float | None = None) -> int:
        return await self._read(lambda: self._database.count(queue, ready_by))

    async def find(self, queue: str, item_id: str) -> WorkItem | None:
        return await self._read(lambda: self._database.find(queue, item_id))

    async def browse(self, queue: str, after: Position, limit: int) -> Sequence[tuple[Position, WorkItem]]:
        return await self._read(lambda: self._database.browse(queue, after, limit))

    async def queues(self) -> Sequence[str]:
        return await self._read(self._database.queues)

    async def get(self, table: str, key: str) -> Row | None:
        return await self._read(lambda: self._database.get(table, key))

    async def scan(self, table: str, prefix: str = "") -> Sequence[Row]:
        return await self._read(lambda: self._database.scan(table, prefix))

    async def put_blob(self, data: bytes) -> str:
        try:
            return await self._work_on_files(lambda: blobs.write(self._blobs, data, self._fault))
        except OSError as error:
            raise StoreFailure(f"{self._blobs} cannot be written: {error.strerror}") from error

    async def get_blob(self, digest: str) -> bytes | None:
        return await self._work_on_files(lambda: blobs.read(self._blobs, digest))

    async def delete_blob(self, digest: str) -> None:
        try:
            await self._work_on_files(lambda: blobs.delete(self._blobs, digest))
        except OSError as error:
            raise StoreFailure(f"{self._blobs} cannot be written: {error.strerror}") from error

    def follow(self, table: str, callback: Callable[[str], None]) -> Callable[[], None]:
        return _nobody_to_follow

    def publish(self, topic: str, message: bytes) -> None:
        self._topics.publish(topic, message)

    def subscribe(self, topic: str, callback: Callable[[bytes], None]) -> Callable[[], None]:
        return self._topics.subscribe(topic, callback)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._writer.stop()
        if self._outstanding:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle
        self._writer.join()
        self._queues.close()
        await asyncio.get_running_loop().run_in_executor(self._reads, self._opened.close)
        self._reads.shutdown()
        self._files.shutdown()
        self._lock.release()

    def _ask_refill(self, queue: str, since: Position) -> None:
        if self._closed:
            return
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._expect(Refill(queue, since), True)

    def _expect(self, work: Work, urgent: bool) -> None:
        """Line work up for the writer; time is held until its outcome is here."""
        self._writer.add(work)
        self._outstanding += 1
        if self._hold is None:
            self._hold = self._clock.hold("store commit")
        self._gathering.add(urgent)

    def _delivered(self, outcome: Outcome) -> None:
        """On the writer's thread."""
        assert self._loop is not None
        if not self._loop.is_closed():  # it is when somebody stopped the loop without closing the store
            self._loop.call_soon_threadsafe(self._settle, outcome)

    def _settle(self, outcome: Outcome) -> None:
        try:
            if outcome.batch is not None:
                self._apply(outcome)
            for refilled in outcome.refilled:
                self._apply_refill(refilled)
            self._queues.review()
        finally:
            self._answer(outcome)
            self._gathering.settled()

    def _apply(self, outcome: Outcome) -> None:
        assert outcome.batch is not None
        queues, puts = self._queues, False
        for change, sequence in outcome.batch.steps:
            if isinstance(change, Put):
                puts = True
                queues.put(change.item, sequence)
            elif isinstance(change, Defer):
                queues.defer(change.queue, change.id, change.state, change.ready_at)
            else:
                queues.done(change.queue, change.id)
        if puts:
            faults.pass_by(self._fault, "after_put_before_ack")

    def _apply_refill(self, refilled: Refilled) -> None:
        request = refilled.request
        if refilled.failed:
            self._queues.refill_failed(request.queue)
        else:
            self._queues.refilled(request.queue, refilled.rows, request.since, refilled.horizon)

    def _answer(self, outcome: Outcome) -> None:
        settled = len(outcome.failed) + len(outcome.refilled)
        if outcome.batch is not None:
            settled += len(outcome.batch.accepted) + len(outcome.batch.refused)
            for commit in outcome.batch.accepted:
                if commit.done is not None and not commit.done.done():
                    commit.done.set_result(None)
            for commit, conflict in outcome.batch.refused:
                if commit.done is not None and not commit.done.done():
                    commit.done.set_exception(conflict)
        for commit, failure in outcome.failed:
            if commit.done is not None and not commit.done.done():
                commit.done.set_exception(failure)
        faults.pass_by(self._fault, "after_ack")
        self._outstanding -= settled
        hold, self._hold = self._hold, None
        if self._outstanding:
            self._hold = self._clock.hold("store commit")
        elif self._idle is not None:
            self._idle.set_result(None)
        if hold is not None:
            hold.release()

    async def _read(self, read: Callable[[], T]) -> T:
        with self._clock.hold("store read"):
            return await asyncio.get_running_loop().run_in_executor(self._reads, read)

    async def _work_on_files(self, work: Callable[[], T]) -> T:
        with self._clock.hold("store blob"):
            return await asyncio.get_running_loop().run_in_executor(self._files, work)


def _nobody_to_follow() -> None:
    """Ends a `follow`: the data directory has one node."""
