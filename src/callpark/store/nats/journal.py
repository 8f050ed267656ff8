"""What a node has put and holds and has not written down as items: its journal, as it is in memory. Pure.

An item that is done within seconds should cost no message of its own, and nobody else's attention. So what a node puts
and takes at once goes, with the other changes of the batch, into one record: one message, acknowledged like any other.
Whatever is still there some seconds later is written down as an item, and records of which nothing is left are purged,
oldest first. The last record always stays: each expects the one before, so the first thing that somebody else writes
into the journal (a fence, once the node is taken for dead) ends it.

`replay` is how the others learn what a dead node had.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from callpark.store.nats.records import Message, RecordHead, ordered
from callpark.store.ports import Defer, Done, Put, WorkItem
from callpark.store.window import weight

ItemKey = tuple[str, str]
"""(queue, id)"""

Noted = Put | Defer | Done
"""What a record is made of. Done: the item is gone, or written down."""

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(list[Noted]).decode


def name_of(change: Noted) -> ItemKey:
    return (change.item.queue, change.item.id) if isinstance(change, Put) else (change.queue, change.id)


class _Record:
    """`left`: items that it put and that are still in the journal."""

    __slots__ = ("at", "left", "now")

    def __init__(self, at: int, now: float) -> None:
        self.at = at
        self.now = now
        self.left = 0


class Kept(msgspec.Struct, eq=False):
    """An item of the journal: `sequence` orders equal instants."""

    item: WorkItem
    sequence: int
    record: _Record


class Journal:
    """The journal of `holder`. `last` is the sequence of its last record, 0 before the first; `number` that of the next
    one. `ready`: it may be written, which is so once the others can know that its holder lives."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.last = 0
        self.number = 0
        self.ready = False
        self.size = 0
        self._items: dict[ItemKey, Kept] = {}
        self._records: deque[_Record] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, name: ItemKey) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[tuple[ItemKey, Kept]]:
        return iter(self._items.items())

    def get(self, name: ItemKey) -> Kept | None:
        return self._items.get(name)

    def apply(self, changes: Sequence[Noted], at: int, now: float, behind: int = 0) -> None:
        """A record is stored, with the sequence `at`, `behind` other messages of its batch. What it puts is ordered
        between the batch before and those messages."""
        record = _Record(at, now)
        self._records.append(record)
        self.last = at
        self.number += 1
        for place, change in enumerate(changes):
            match change:
                case Put(item):
                    self.drop((item.queue, item.id))
                    self._items[item.queue, item.id] = Kept(item, ordered(at - behind - 1, place + 1), record)
                    record.left += 1
                    self.size += weight(item)
                case Defer(queue, item_id, state, ready_at):
                    kept = self._items.get((queue, item_id))
                    if kept is not None:
                        self.size -= weight(kept.item)
                        kept.item = msgspec.structs.replace(kept.item, state=state, ready_at=ready_at)
                        self.size += weight(kept.item)
                case Done(queue, item_id):
                    self.drop((queue, item_id))

    def drop(self, name: ItemKey) -> None:
        """It is somebody else's."""
        kept = self._items.pop(name, None)
        if kept is not None:
            kept.record.left -= 1
            self.size -= weight(kept.item)

    def due(self, before: float, size: int, records: int) -> list[ItemKey]:
        """Items to be written down: those of records from before that instant, and the oldest while the journal has
        more bytes and records than that."""
        over, spare = self.size - size, len(self._records) - records
        last = self._records[spare - 1].at if spare > 0 else 0
        found: list[ItemKey] = []
        for name, kept in self._items.items():
            if kept.record.now >= before and kept.record.at > last and over <= 0:
                break
            found.append(name)
            over -= weight(kept.item)
        return found

    def spent(self) -> int:
        """Records up to this sequence are needed no more; 0 when there are none. They are forgotten here."""
        found = 0
        while len(self._records) > 1 and not self._records[0].left:
            found = self._records.popleft().at
        return found


def replay(holder: str, messages: Iterable[Message]) -> Journal:
    """A journal by what it has in the stream, in any order; what is no record is passed over."""
    journal = Journal(holder)
    for message in sorted(messages, key=lambda message: message.sequence):
        if isinstance(message.head, RecordHead):
            journal.apply(decode(message.payload), message.sequence, 0.0, message.head.behind)
    return journal
