"""callpark.db: takes over what the journal holds, and answers reads. All of it on the database's thread.

What is in the journal is durable already, so nobody waits for the database: it is brought up to date when a segment of
the journal is full, before reads that the backlog cannot answer, and at the end. One transaction takes over all that
waits, together with the number of the last record in it.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec

from callpark.store.ports import BEFORE_ALL, Position, Row, StoreFailure, WorkItem
from callpark.store.sqlite.backlog import Backlog
from callpark.store.sqlite.faults import FaultHook, pass_by
from callpark.store.sqlite.pending import Fresh, Moved, Pending
from callpark.store.sqlite.reader import Reader
from callpark.store.sqlite.statements import BatchStatement, SqlValue, load
from callpark.store.window import Bounds, weight

_log = logging.getLogger("callpark")


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


class Database:
    def __init__(
        self, connection: sqlite3.Connection, place: str, backlog: Backlog, bounds: Bounds, fault: FaultHook | None
    ) -> None:
        self._connection = connection
        self._place = place
        self._backlog = backlog
        self._bounds = bounds
        self._fault = fault
        self._reader = Reader(connection)
        items, records = load("items"), load("records")
        self._put = BatchStatement(items["put"], 6)
        self._defer = BatchStatement(items["defer"], 4)
        self._done = BatchStatement(items["done"], 2)
        self._set_row = BatchStatement(records["set"], 4)
        self._delete_row = BatchStatement(records["delete"], 2)
        self._carried = load("journal")["carried"]
        self._failing = False

    def catch_up(self) -> None:
        """Take over what the journal holds. Raises StoreFailure; then it is still in the journal."""
        try:
            if self._backlog.unfinished:
                self._carry()
            self._carry()
        except (sqlite3.Error, OSError) as error:
            if not self._failing:
                self._failing = True
                _log.warning("%s cannot be brought up to date: %s; its journal keeps what is new", self._place, error)
            raise StoreFailure(f"{self._place} cannot be written: {error}") from error
        if self._failing:
            self._failing = False
            _log.warning("%s is up to date again", self._place)

    def waiting(self) -> list[Refilled]:
        """The earliest items of all queues, when the store is opened. Raises sqlite3.Error."""
        return [self._refill(Refill(queue, BEFORE_ALL)) for queue in self._reader.queues()]

    def refill(self, request: Refill) -> Refilled:
        """Read behind a horizon. A failure is an answer."""
        try:
            self.catch_up()
            return self._refill(request)
        except (sqlite3.Error, StoreFailure) as error:
            _log.warning("%s cannot be read: %s; waiting items stay on disk", self._place, error)
            return Refilled(request, (), request.since, failed=True)

    def count(self, queue: str, ready_by: float | None) -> int:
        self.catch_up()
        return self._reader.count(queue, ready_by)

    def browse(self, queue: str, after: Position, limit: int) -> Sequence[tuple[Position, WorkItem]]:
        self.catch_up()
        return list(self._reader.browse(queue, after, limit))

    def queues(self) -> Sequence[str]:
        self.catch_up()
        return self._reader.queues()

    def find(self, queue: str, item_id: str) -> WorkItem | None:
        moved: Moved | None = None
        for fate in self._backlog.fates(queue, item_id):
            if isinstance(fate, Moved):
                moved = moved or fate
            else:
                found = fate.item if isinstance(fate, Fresh) else None
                break
        else:
            found = self._reader.find(queue, item_id)
        if found is None or moved is None:
            return found
        return msgspec.structs.replace(found, state=moved.state, ready_at=moved.ready_at)

    def get(self, table: str, key: str) -> Row | None:
        for layer in self._backlog.layers():
            rows = layer.rows.get(table)
            if rows is not None and key in rows:
                written = rows[key]
                return None if written is None else Row(key, *written)
        return self._reader.get(table, key)

    def scan(self, table: str, prefix: str) -> Sequence[Row]:
        found = {row.key: row for row in self._reader.scan(table, prefix)}
        for key, written in self._backlog.rows(table, prefix):
            if written is None:
                found.pop(key, None)
            else:
                found[key] = Row(key, *written)
        return [found[key] for key in sorted(found)]

    def close(self) -> None:
        """What cannot be taken over stays in the journal for the next start."""
        with contextlib.suppress(StoreFailure):
            self.catch_up()
        self._connection.close()

    def _refill(self, request: Refill) -> Refilled:
        bounds, since = self._bounds, request.since
        rows: list[tuple[int, WorkItem]] = []
        total = 0
        for (ready_at, sequence), item in self._reader.browse(request.queue, since, bounds.items):
            rows.append((sequence, item))
            total += weight(item)
            if total >= bounds.bytes:
                return Refilled(request, rows, (ready_at, sequence))
        if len(rows) < bounds.items:
            return Refilled(request, rows, None)
        sequence, item = rows[-1]
        return Refilled(request, rows, (item.ready_at, sequence))

    def _carry(self) -> None:
        pending = self._backlog.carry()
        if pending is not None:
            self._transact(pending)
            self._backlog.carried()

    def _transact(self, pending: Pending) -> None:
        connection = self._connection
        pass_by(self._fault, "before_carry")
        connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in self._executions(pending):
                connection.execute(sql, values)
                pass_by(self._fault, "within_carry")
            connection.execute(self._carried, (pending.number,))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        pass_by(self._fault, "after_carry")

    def _executions(self, pending: Pending) -> Iterator[tuple[str, Sequence[SqlValue]]]:
        """What goes, goes first: a new item may have the id of a former one. The event loop runs between executions, so
        each makes its rows when it comes up."""
        yield from self._done.executions(pending.gone())
        yield from self._put.executions(pending.fresh())
        yield from self._defer.executions(pending.moved())
        yield from self._set_row.executions(pending.written_rows())
        yield from self._delete_row.executions(pending.deleted_rows())


class DatabaseThread:
    """The database, as the writer sees it: `writer.Behind`."""

    def __init__(self, database: Database, thread: ThreadPoolExecutor) -> None:
        self._database = database
        self._thread = thread

    def catch_up(self) -> "Future[None]":
        return self._thread.submit(self._database.catch_up)

    def refill(self, request: Refill) -> Refilled:
        return self._thread.submit(self._database.refill, request).result()
