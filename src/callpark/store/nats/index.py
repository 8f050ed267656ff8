"""Every item of the store, as far as this node knows: where it stands and who holds it, without its body. Pure.

Filled by the follower with what all nodes write, and by the writer with what this node has just written, which comes
back by the follower later. An item may be leased by its holder only; items whose holder is nobody that lives are
*free*. About 300 bytes an item.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from callpark.store.nats.records import NOBODY, ItemHead, Message, ordered
from callpark.store.ports import Position


class Entry:
    """`sequence` orders equal instants, `at` is the stream's sequence of the item's message: 0 when it has none and is
    in this node's journal only. `free_since`: when this node first wanted it while it was free, on its monotonic clock;
    0 before."""

    __slots__ = ("at", "free_since", "holder", "id", "parts", "queue", "ready_at", "sequence")

    def __init__(self, queue: str, item_id: str, head: ItemHead, at: int) -> None:
        self.queue = queue
        self.id = item_id
        self.ready_at = head.ready_at
        self.sequence = head.sequence or ordered(at)
        self.holder = head.holder
        self.parts = head.parts
        self.at = at
        self.free_since = 0.0

    def __lt__(self, other: "Entry") -> bool:
        """A stale place may stand beside its successor; which comes first does not matter."""
        return False

    @property
    def position(self) -> Position:
        return self.ready_at, self.sequence


class Places:
    """Items of one queue, by id and in order. Places that have become stale are swept when they are many."""

    __slots__ = ("_by_id", "_order")

    def __init__(self) -> None:
        self._by_id: dict[str, Entry] = {}
        self._order: list[tuple[float, int, Entry]] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._by_id.values())

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._by_id

    def get(self, item_id: str) -> Entry | None:
        return self._by_id.get(item_id)

    def put(self, entry: Entry) -> None:
        if self._by_id.get(entry.id) is not entry:
            self._by_id[entry.id] = entry
            insort(self._order, (entry.ready_at, entry.sequence, entry))
            self._sweep()

    def pop(self, item_id: str) -> None:
        if self._by_id.pop(item_id, None) is not None:
            self._sweep()

    def after(self, position: Position) -> Iterator[Entry]:
        """What stands behind a position, in order; to be used before anything changes."""
        order, by_id = self._order, self._by_id
        for place in range(bisect_right(order, position, key=_position), len(order)):
            entry = order[place][2]
            if by_id.get(entry.id) is entry:
                yield entry

    def _sweep(self) -> None:
        if len(self._order) > 64 and len(self._order) > 2 * len(self._by_id):
            self._order = [place for place in self._order if self._by_id.get(place[2].id) is place[2]]


def _position(place: tuple[float, int, Entry]) -> Position:
    return place[:2]


class Index:
    def __init__(self) -> None:
        self.queues: dict[str, Places] = {}
        self.free: dict[str, Places] = {}
        self._living: AbstractSet[str] = frozenset()
        self._graves: dict[tuple[str, str], int] = {}
        self._seen: set[tuple[str, str]] | None = None

    def find(self, queue: str, item_id: str) -> Entry | None:
        entries = self.queues.get(queue)
        return entries.get(item_id) if entries is not None else None

    def count(self, queue: str) -> int:
        return len(self.queues.get(queue, ()))

    def after(self, queue: str, position: Position) -> Iterator[Entry]:
        """Items of the queue behind a position, in order; to be used before anything changes."""
        places = self.queues.get(queue)
        return places.after(position) if places is not None else iter(())

    def all(self) -> Iterator[Entry]:
        for places in self.queues.values():
            yield from places

    def sequence_of(self, queue: str, item_id: str) -> int:
        """What a write of this item has to expect: the sequence of its last message, 0 for none."""
        entry = self.find(queue, item_id)
        return entry.at if entry is not None and entry.at else self._graves.get((queue, item_id), 0)

    def set(self, queue: str, item_id: str, head: ItemHead, at: int) -> Entry:
        entry = Entry(queue, item_id, head, at)
        if at:
            self._graves.pop((queue, item_id), None)
        _put(self.queues, entry)
        self._mark(entry)
        return entry

    def remove(self, queue: str, item_id: str, at: int) -> None:
        """`at` is the sequence of the message that says so, 0 when the stream has none at all."""
        _pop(self.queues, queue, item_id)
        _pop(self.free, queue, item_id)
        self.bury(queue, item_id, at)

    def bury(self, queue: str, item_id: str, at: int) -> None:
        """The last message of an item that is in the journal says with this sequence that one before it is gone."""
        if at:
            self._graves[queue, item_id] = at
        else:
            self._graves.pop((queue, item_id), None)

    def hear(self, queue: str, item_id: str, message: Message) -> bool:
        """Take in what the follower brings; False when it was known."""
        name = (queue, item_id)
        self.see(name)
        entry = self.find(queue, item_id)
        if entry is not None and not entry.at and message.head is None:
            self._graves[name] = message.sequence  # of an item of this name before
            return False
        if (entry.at if entry is not None else self._graves.get(name, 0)) >= message.sequence:
            if message.head is None:
                self._graves.pop(name, None)
            return False
        if isinstance(message.head, ItemHead):
            self.set(queue, item_id, message.head, message.sequence)
        else:
            self.remove(queue, item_id, 0)
        return True

    @property
    def beginning(self) -> bool:
        return self._seen is not None

    def see(self, name: tuple[str, str]) -> None:
        """The follower brought something of an item."""
        if self._seen is not None:
            self._seen.add(name)

    def begin_again(self) -> None:
        """From here on the follower brings everything that there is."""
        self._seen = set()

    def end_again(self, until: int) -> list[Entry]:
        """It has brought everything up to the sequence `until`: what it did not bring is gone. Returns that."""
        seen, self._seen = self._seen or set(), None
        gone = [entry for entry in self.all() if 0 < entry.at <= until and (entry.queue, entry.id) not in seen]
        for entry in gone:
            self.remove(entry.queue, entry.id, 0)
        self._graves = {name: at for name, at in self._graves.items() if at > until}
        return gone

    def withdraw(self, queue: str, holder: str, leased: AbstractSet[str], at: int) -> None:
        """What `holder` held in the queue before the sequence `at` is free, but for what it has `leased`."""
        for entry in self.queues.get(queue, ()):
            if entry.holder == holder and 0 < entry.at < at and entry.id not in leased:
                entry.holder = NOBODY
                self._mark(entry)

    def live(self, holders: AbstractSet[str]) -> None:
        """Who lives now; what others hold is free."""
        self._living = holders
        self.free.clear()
        for entry in self.all():
            self._mark(entry)

    def _mark(self, entry: Entry) -> None:
        if entry.at and (entry.holder == NOBODY or entry.holder not in self._living):
            _put(self.free, entry)
        else:
            _pop(self.free, entry.queue, entry.id)


def _put(queues: dict[str, Places], entry: Entry) -> None:
    places = queues.get(entry.queue)
    if places is None:
        places = queues[entry.queue] = Places()
    places.put(entry)


def _pop(queues: dict[str, Places], queue: str, item_id: str) -> None:
    places = queues.get(queue)
    if places is not None:
        places.pop(item_id)
        if not places:
            del queues[queue]
