"""The one thread that writes: whatever commits wait become one transaction.

The store appends work and wakes the thread; outcomes go back through `deliver`, called on the writer's thread, in the
order of the transactions. Refills are read here as well, so that an answer shows the state right after a transaction.
"""

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from callpark.store.ports import Done, Position, StoreFailure, WorkItem
from callpark.store.revisions import RowKey
from callpark.store.sqlite.batch import Batch, Commit, fold, row_keys
from callpark.store.sqlite.faults import FaultHook, pass_by
from callpark.store.sqlite.statements import BatchStatement, SqlValue, load
from callpark.store.window import Bounds, weight

_log = logging.getLogger("callpark")

#: A batch of nothing but patient removals waits this long for company: nobody stands in line behind it.
LINGER_SECONDS = 0.003

#: After a larger batch, a few commits wait this long at most for those who were just answered and write again: a commit
#: costs the disk and this thread nearly the same for one as for sixteen.
REJOIN_SECONDS = 0.0005


class Refill(msgspec.Struct, frozen=True):
    """Wanted: the items of `queue` behind `since`."""

    queue: str
    since: Position


class Refilled(msgspec.Struct, frozen=True):
    """Items with their sequences, as far as `horizon`, None when there are no more. `failed`: the disk said nothing."""

    request: Refill
    rows: Sequence[tuple[int, WorkItem]]
    horizon: Position | None
    failed: bool = False


Work: TypeAlias = Commit | Refill


class Outcome(msgspec.Struct):
    """What became of some work: a batch that is durable (`ignored`: sequences of items that were there already),
    commits that failed, refills."""

    batch: Batch | None = None
    ignored: frozenset[int] = frozenset()
    failed: list[tuple[Commit, Exception]] = msgspec.field(default_factory=list)
    refilled: list[Refilled] = msgspec.field(default_factory=list)


class _Statements:
    def __init__(self) -> None:
        self.items = load("items")
        records = load("records")
        self.put = BatchStatement(self.items["put"], 6)
        self.defer = BatchStatement(self.items["defer"], 4)
        self.done = BatchStatement(self.items["done"], 2)
        self.set_row = BatchStatement(records["set"], 4)
        self.delete_row = BatchStatement(records["delete"], 2)
        self.revisions = BatchStatement(records["revisions"], 3)


class _Execution(msgspec.Struct, frozen=True):
    """One statement of a transaction; `sequences` are those of the items that it puts."""

    sql: str
    values: Sequence[SqlValue]
    sequences: frozenset[int] = frozenset()


class Writer:
    def __init__(
        self,
        connection: sqlite3.Connection,
        place: str,
        bounds: Bounds,
        deliver: Callable[[Outcome], None],
        fault: FaultHook | None,
    ) -> None:
        self._connection = connection
        self._place = place
        self._bounds = bounds
        self._deliver = deliver
        self._fault = fault
        self._sql = _Statements()
        (last,) = connection.execute(self._sql.items["last_sequence"]).fetchone()
        self._next_sequence: int = last + 1
        self._work: deque[Work] = deque()
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = False
        self._last_written = 0
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="callpark store writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, work: Work) -> None:
        """Line work up; it is taken with the next wake at the latest."""
        self._work.append(work)

    def wake(self) -> None:
        self._wakes.put(None)

    def stop(self) -> None:
        """Finish what is lined up, then end the thread."""
        self._stopping = True
        self._wakes.put(None)

    def join(self) -> None:
        self._thread.join()

    def refill(self, request: Refill) -> Refilled:
        """Read behind a horizon. Raises sqlite3.Error."""
        bounds, since = self._bounds, request.since
        cursor = self._connection.execute(self._sql.items["refill"], (request.queue, *since, bounds.items))
        rows: list[tuple[int, WorkItem]] = []
        total = 0
        for sequence, name, item_id, ready_at, state, body in cursor:
            item = WorkItem(name, item_id, body, state, ready_at)
            rows.append((sequence, item))
            total += weight(item)
            if total >= bounds.bytes:
                break
        else:
            if len(rows) < bounds.items:
                return Refilled(request, rows, None)
        cursor.close()
        sequence, item = rows[-1]
        return Refilled(request, rows, (item.ready_at, sequence))

    def _run(self) -> None:
        while not self._stopping or self._work:
            if not self._work:
                self._wakes.get()
            commits: list[Commit] = []
            refills: list[Refill] = []
            self._take(commits, refills)
            if commits and not refills:
                if _all_patient(commits):
                    self._linger(commits, refills)
                elif 2 * len(commits) < self._last_written:
                    self._await_return(commits, refills)
            if commits:
                self._last_written = len(commits)
                self._write(commits)
            for request in refills:
                self._deliver(Outcome(refilled=[self._try_refill(request)]))

    def _take(self, commits: list[Commit], refills: list[Refill]) -> None:
        work = self._work
        with contextlib.suppress(IndexError):
            while True:
                piece = work.popleft()
                if isinstance(piece, Commit):
                    commits.append(piece)
                else:
                    refills.append(piece)

    def _linger(self, commits: list[Commit], refills: list[Refill]) -> None:
        until = time.monotonic() + LINGER_SECONDS
        while not self._stopping and (left := until - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                self._wakes.get(timeout=left)
            known = len(commits)
            self._take(commits, refills)
            if refills or not _all_patient(commits[known:]):
                return

    def _await_return(self, commits: list[Commit], refills: list[Refill]) -> None:
        """Those who were answered last are more than those who wait, and likely to be back at once."""
        until = time.monotonic() + REJOIN_SECONDS
        while 2 * len(commits) < self._last_written and (left := until - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                self._wakes.get(timeout=left)
            self._take(commits, refills)

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
        return StoreFailure(f"{self._place} cannot be written: {error}")

    def _transact(self, commits: Sequence[Commit]) -> Outcome:
        batch = fold(commits, self._revisions(commits), self._next_sequence)
        executions = self._executions(batch)
        removes = any(group.dones for group in batch.groups)
        pass_by(self._fault, "before_commit")
        if removes:
            pass_by(self._fault, "before_done")
        ignored = self._execute(executions) if executions else frozenset[int]()
        self._next_sequence = batch.next_sequence
        if self._failing:
            self._failing = False
            _log.warning("commits to %s work again", self._place)
        pass_by(self._fault, "after_commit")
        if removes:
            pass_by(self._fault, "after_done")
        return Outcome(batch, ignored)

    def _revisions(self, commits: Sequence[Commit]) -> dict[RowKey, int]:
        keys = tuple(dict.fromkeys(row_keys(commits)))
        columns: list[SqlValue] = []
        for index, row in enumerate(keys):
            columns += index, *row
        found: dict[RowKey, int] = {}
        for sql, values in self._sql.revisions.executions(columns):
            (text,) = self._connection.execute(sql, values).fetchone()
            for pair in text.split(",") if text else ():
                index, _, revision = pair.partition(":")
                found[keys[int(index)]] = int(revision)
        return found

    def _executions(self, batch: Batch) -> list[_Execution]:
        sql = self._sql
        found: list[_Execution] = []
        for group in batch.groups:
            for text, values in sql.put.executions(group.puts):
                sequences = frozenset(value for value in values[:: sql.put.columns] if isinstance(value, int))
                found.append(_Execution(text, values, sequences))
            found += (_Execution(text, values) for text, values in sql.defer.executions(group.defers))
            found += (_Execution(text, values) for text, values in sql.done.executions(group.dones))
        sets: list[SqlValue] = []
        deletes: list[SqlValue] = []
        for row, written in batch.rows.items():
            if written is None:
                deletes += row
            else:
                value, revision = written
                sets += *row, revision, value
        found += (_Execution(text, values) for text, values in sql.set_row.executions(sets))
        found += (_Execution(text, values) for text, values in sql.delete_row.executions(deletes))
        return found

    def _execute(self, executions: Sequence[_Execution]) -> frozenset[int]:
        """Run one transaction; returns the sequences whose items were in their queues already."""
        connection = self._connection
        ignored: frozenset[int] = frozenset()
        wrapped = len(executions) > 1  # a single statement is a transaction of its own
        try:
            if wrapped:
                connection.execute("BEGIN IMMEDIATE")
            for position, execution in enumerate(executions):
                if position:
                    pass_by(self._fault, "within_commit")
                written = connection.execute(execution.sql, execution.values).rowcount
                if written < len(execution.sequences):
                    ignored |= execution.sequences - self._present(execution.sequences)
            if wrapped:
                connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return ignored

    def _present(self, sequences: frozenset[int]) -> frozenset[int]:
        sql = self._sql.items["put_between"]
        (text,) = self._connection.execute(sql, (min(sequences), max(sequences))).fetchone()
        return frozenset(map(int, text.split(","))) if text else frozenset()

    def _try_refill(self, request: Refill) -> Refilled:
        try:
            return self.refill(request)
        except sqlite3.Error as error:
            _log.warning("%s cannot be read: %s; waiting items stay on disk", self._place, error)
            return Refilled(request, (), request.since, failed=True)


def _all_patient(commits: Sequence[Commit]) -> bool:
    return all(isinstance(change, Done) and change.patient for commit in commits for change in commit.changes)


def _engine_failed(error: Exception) -> bool:
    """Whether the disk or the database refused, as against one commit that holds something unwritable."""
    return type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError)
