"""What a fold asks of what its node knows. Implemented by `knowledge.py`, stated for `folding.py` and the writer."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from callpark.store.nats.index import Entry
from callpark.store.nats.journal import ItemKey
from callpark.store.nats.records import Parts
from callpark.store.ports import WorkItem
from callpark.store.revisions import RowKey


class RowState(msgspec.Struct, frozen=True):
    """What is known of a row: the sequence of its last message (0: none), its revision (0: there is none), its
    parts."""

    at: int = 0
    revision: int = 0
    parts: Parts | None = None


class View(Protocol):
    """What the node knows. `item` is asked for items of known queues; `content` must know those that `wanted` names."""

    def entry(self, name: ItemKey) -> Entry | None: ...

    def sequence_of(self, name: ItemKey) -> int: ...

    def content(self, name: ItemKey) -> WorkItem | None: ...

    def row(self, name: RowKey) -> RowState: ...

    def lost(self, name: ItemKey) -> bool:
        """Whether an item that this node leased is somebody else's by now."""
        ...

    def serves(self, queue: str) -> bool:
        """Whether somebody here leases from the queue."""
        ...

    def takes(self, queue: str, more: int) -> bool:
        """Whether this node holds what it puts into the queue, beside `more` of the same batch."""
        ...

    def withdrawn_at(self, queue: str) -> int:
        """The sequence of this node's last withdrawal from the queue, 0 for none."""
        ...

    def leased(self, queue: str) -> frozenset[str]:
        """Ids of the items of the queue that this node has leased."""
        ...

    def keeps(self, item: WorkItem) -> bool:
        """Whether an item that this node takes goes into its journal."""
        ...

    def kept(self, queue: str) -> Iterable[ItemKey]:
        """The items of the queue that are in the journal."""
        ...

    def journal_end(self) -> tuple[int, int]:
        """The sequence of the journal's last record, 0 when it is to be opened, and the number of the next one."""
        ...
