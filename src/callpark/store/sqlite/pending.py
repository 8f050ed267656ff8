"""What the journal holds and the database does not have yet: of each item and row that was changed, what becomes of it.

Pure. Filled by the writer through `backlog.py`, carried over to the database by `database.py`. A change is folded into
what stands here already, so an item that is put and done in the meantime leaves nothing to write.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from callpark.store.ports import Defer, Put, WorkItem
from callpark.store.sqlite.batch import Batch, ItemChange


class Fresh(msgspec.Struct, gc=False):
    """An item that is new. `instead`: the database has a former one of the same id, which goes."""

    sequence: int
    item: WorkItem
    instead: bool


class Moved(msgspec.Struct, frozen=True, gc=False):
    """An item of the database, if it is there at all, has another state and readiness."""

    state: bytes
    ready_at: float


class Gone(msgspec.Struct, frozen=True):
    """The item of the database, if it is there at all, goes."""


ItemFate: TypeAlias = Fresh | Moved | Gone
GONE = Gone()


class Pending:
    """`items`: queue → id → fate; `rows`: table → key → (value, revision), None for one that goes. `number` is that of
    the last record in here."""

    __slots__ = ("items", "number", "rows")

    def __init__(self) -> None:
        self.items: defaultdict[str, dict[str, ItemFate]] = defaultdict(dict)
        self.rows: defaultdict[str, dict[str, tuple[bytes, int] | None]] = defaultdict(dict)
        self.number = 0

    def take(self, number: int, batch: Batch) -> None:
        """The record `number` is in the journal."""
        self.number = number
        for change, sequence in batch.steps:
            if isinstance(change, Put):
                self._put(change.item, sequence)
            else:
                self._touch(change)
        for (table, key), written in batch.rows.items():
            self.rows[table][key] = written

    def item(self, queue: str, item_id: str) -> ItemFate | None:
        """None when nothing is known here."""
        found = self.items.get(queue)
        return found.get(item_id) if found else None

    # Rows of the statements `done`, `put`, `defer`, `set` and `delete`

    def gone(self) -> Iterator[tuple[str, str]]:
        for queue, item_id, fate in self._fates():
            if isinstance(fate, Gone) or (isinstance(fate, Fresh) and fate.instead):
                yield queue, item_id

    def fresh(self) -> Iterator[tuple[int, str, str, float, bytes, bytes]]:
        for queue, item_id, fate in self._fates():
            if isinstance(fate, Fresh):
                item = fate.item
                yield fate.sequence, queue, item_id, item.ready_at, item.state, item.body

    def moved(self) -> Iterator[tuple[str, str, float, bytes]]:
        for queue, item_id, fate in self._fates():
            if isinstance(fate, Moved):
                yield queue, item_id, fate.ready_at, fate.state

    def written_rows(self) -> Iterator[tuple[str, str, int, bytes]]:
        for table, rows in self.rows.items():
            for key, written in rows.items():
                if written is not None:
                    value, revision = written
                    yield table, key, revision, value

    def deleted_rows(self) -> Iterator[tuple[str, str]]:
        for table, rows in self.rows.items():
            for key, written in rows.items():
                if written is None:
                    yield table, key

    def _fates(self) -> Iterator[tuple[str, str, ItemFate]]:
        for queue, fates in self.items.items():
            for item_id, fate in fates.items():
                yield queue, item_id, fate

    def _put(self, item: WorkItem, sequence: int) -> None:
        fates = self.items[item.queue]
        fates[item.id] = Fresh(sequence, item, item.id in fates)

    def _touch(self, change: ItemChange) -> None:
        assert not isinstance(change, Put)
        fates = self.items[change.queue]
        fate = fates.get(change.id)
        if isinstance(change, Defer):
            if isinstance(fate, Fresh):
                item = msgspec.structs.replace(fate.item, state=change.state, ready_at=change.ready_at)
                fates[change.id] = Fresh(fate.sequence, item, fate.instead)
            elif not isinstance(fate, Gone):
                fates[change.id] = Moved(change.state, change.ready_at)
        elif isinstance(fate, Fresh) and not fate.instead:
            del fates[change.id]
        else:
            fates[change.id] = GONE
