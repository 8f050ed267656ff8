"""The one thread that makes commits durable: whatever commits wait become one record of the journal.

The store appends work and wakes the thread; outcomes go back through `deliver`, called on the writer's thread, in the
order of the records. It waits for refills as well, so that an answer shows the state right after a record.
"""

import concurrent.futures
import contextlib
import logging
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from callpark.store.ports import StoreFailure
from callpark.store.sqlite.backlog import Backlog
from callpark.store.sqlite.batch import Batch, Commit, encode, fold
from callpark.store.sqlite.database import Refill, Refilled
from callpark.store.sqlite.faults import FaultHook, pass_by
from callpark.store.sqlite.lookups import Lookups

_log = logging.getLogger("callpark")

#: When a segment of the journal has this many bytes, the database takes it over.
SEGMENT_BYTES = 524_288

Work: TypeAlias = Commit | Refill


class Outcome(msgspec.Struct):
    """What became of some work: a batch that is durable, commits that failed, refills."""

    batch: Batch | None = None
    failed: list[tuple[Commit, Exception]] = msgspec.field(default_factory=list)
    refilled: list[Refilled] = msgspec.field(default_factory=list)


class Behind(Protocol):
    """The database, as the writer sees it."""

    def catch_up(self) -> "concurrent.futures.Future[None]":
        """Start to take over what the journal holds. Its failure is StoreFailure."""
        ...

    def refill(self, request: Refill) -> Refilled:
        """Wait for what is behind a horizon, everything included that was appended so far."""
        ...


class Writer:
    def __init__(
        self,
        place: str,
        backlog: Backlog,
        lookups: Lookups,
        database: Behind,
        next_sequence: int,
        deliver: Callable[[Outcome], None],
        fault: FaultHook | None,
    ) -> None:
        self._place = place
        self._backlog = backlog
        self._lookups = lookups
        self._database = database
        self._deliver = deliver
        self._fault = fault
        self._next_sequence = next_sequence
        self._catching_up: concurrent.futures.Future[None] | None = None
        self._work: deque[Work] = deque()
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="callpark store writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, work: Work) -> None:
        """Line work up; it is taken with the next wake at the latest."""
        self._work.append(work)

    def __len__(self) -> int:
        """How much is lined up."""
        return len(self._work)

    def wake(self) -> None:
        self._wakes.put(None)

    def stop(self) -> None:
        """Finish what is lined up, then end the thread."""
        self._stopping = True
        self._wakes.put(None)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping or self._work:
            if not self._stopping:
                self._wakes.get()
            commits: list[Commit] = []
            refills: list[Refill] = []
            self._take(commits, refills)
            if commits:
                self._write(commits)
            for request in refills:
                self._deliver(Outcome(refilled=[self._database.refill(request)]))

    def _take(self, commits: list[Commit], refills: list[Refill]) -> None:
        work = self._work
        with contextlib.suppress(IndexError):
            while True:
                piece = work.popleft()
                if isinstance(piece, Commit):
                    commits.append(piece)
                else:
                    refills.append(piece)

    def _write(self, commits: Sequence[Commit]) -> None:
        try:
            outcome = self._transact(commits)
        except Exception as error:
            if _engine_failed(error):
                outcome = Outcome(failed=[(commit, self._failure(error)) for commit in commits])
            elif len(commits) > 1:
                self._write_singly(commits)
                return
            else:
                outcome = Outcome(failed=[(commits[0], error)])
        self._deliver(outcome)

    def _write_singly(self, commits: Sequence[Commit]) -> None:
        """One commit holds something that cannot be written; the others must not suffer."""
        for commit in commits:
            self._write([commit])

    def _failure(self, error: Exception) -> StoreFailure:
        if not self._failing:
            self._failing = True
            _log.warning("commits to %s fail: %s; nothing is lost that was acknowledged", self._place, error)
        return error if isinstance(error, StoreFailure) else StoreFailure(f"{self._place} cannot be written: {error}")

    def _transact(self, commits: Sequence[Commit]) -> Outcome:
        self._make_room()
        lookups = self._lookups
        batch = fold(commits, lookups.revisions(commits), lookups.present(commits), self._next_sequence)
        payload = encode([change for commit in batch.accepted for change in commit.changes])
        pass_by(self._fault, "before_commit")
        if batch.removes:
            pass_by(self._fault, "before_done")
        if batch.accepted:
            self._backlog.append(payload, batch)
        self._next_sequence = batch.next_sequence
        if self._failing:
            self._failing = False
            _log.warning("commits to %s work again", self._place)
        pass_by(self._fault, "after_commit")
        if batch.removes:
            pass_by(self._fault, "after_done")
        return Outcome(batch)

    def _make_room(self) -> None:
        """A full segment is taken over by the database, while the next one fills. Raises StoreFailure when the database
        does not manage."""
        if self._backlog.size < SEGMENT_BYTES:
            return
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = self._database.catch_up()
        if self._backlog.size >= 8 * SEGMENT_BYTES:
            self._catching_up.result()


def _engine_failed(error: Exception) -> bool:
    """Whether the disk or the database refused, as against one commit that holds something unwritable."""
    return type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError) or isinstance(error, OSError | StoreFailure)
