"""The part of one queue that is in memory: its earliest items, and those that are leased.

Called by `store.queues`. Pure: no clock, no disk. The window holds every unleased item up to its horizon, the
(ready_at, sequence) of the last item it vouches for; what lies behind the horizon is on disk only and comes back by
`refill`. A window without a horizon holds everything.
"""

import heapq
from collections.abc import Iterable, Sequence

import msgspec

from callpark.store.ports import Position, WorkItem

_ITEM_OVERHEAD_BYTES = 400


class Bounds(msgspec.Struct, frozen=True):
    """How much of one queue may wait in memory; twice that before it is cut back."""

    items: int
    bytes: int


class _Entry:
    """An item in memory: waiting in the heap, or leased. A Defer makes a new entry; the old heap place is stale."""

    __slots__ = ("item", "sequence", "waiting")

    def __init__(self, item: WorkItem, sequence: int) -> None:
        self.item = item
        self.sequence = sequence
        self.waiting = True

    def __lt__(self, other: "_Entry") -> bool:
        """A stale place may stand beside its successor in the heap; which comes first does not matter."""
        return False


class Window:
    __slots__ = ("_bounds", "_bytes", "_entries", "_heap", "_waiting", "horizon")

    def __init__(self, bounds: Bounds, horizon: Position | None = None) -> None:
        self._bounds = bounds
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[float, int, _Entry]] = []
        self._waiting = 0
        self._bytes = 0
        self.horizon = horizon

    def __len__(self) -> int:
        """Items that wait in memory."""
        return self._waiting

    def put(self, item: WorkItem, sequence: int) -> None:
        """Take in an item that was not in the queue before."""
        if self.horizon is None or (item.ready_at, sequence) <= self.horizon:
            self._enter(item, sequence)
            self._cut_back()

    def lease(self, now: float, limit: int) -> list[WorkItem]:
        heap, leased = self._heap, list[WorkItem]()
        while heap and len(leased) < limit:
            ready_at, _, entry = heap[0]
            if entry.waiting:
                if ready_at > now:
                    break
                self._leave(entry)
                leased.append(entry.item)
            heapq.heappop(heap)
        return leased

    def defer(self, item_id: str, state: bytes, ready_at: float) -> None:
        entry = self._entries.pop(item_id, None)
        if entry is None:
            self._lower_horizon((ready_at, -1))
            return
        if entry.waiting:
            self._leave(entry)
            self._sweep()
        self.put(msgspec.structs.replace(entry.item, state=state, ready_at=ready_at), entry.sequence)

    def done(self, item_id: str) -> None:
        entry = self._entries.pop(item_id, None)
        if entry is not None and entry.waiting:
            self._leave(entry)
            self._sweep()

    def peek(self, item_id: str) -> WorkItem | None:
        """An item that is in memory, waiting or leased."""
        entry = self._entries.get(item_id)
        return entry.item if entry is not None else None

    def ready(self, now: float, limit: int) -> int:
        """How many items could be leased, counted up to `limit`."""
        heap, found, places = self._heap, 0, [0]
        while places and found < limit:
            place = places.pop()
            if place < len(heap) and heap[place][0] <= now:
                found += heap[place][2].waiting
                places += 2 * place + 1, 2 * place + 2
        return found

    def next_ready_at(self) -> float | None:
        """When the earliest waiting item may be leased; None when none waits in memory."""
        heap = self._heap
        while heap and not heap[0][2].waiting:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def wants_refill(self) -> bool:
        bounds = self._bounds
        return self.horizon is not None and self._waiting * 2 < bounds.items and self._bytes * 2 < bounds.bytes

    def refill(self, rows: Iterable[tuple[int, WorkItem]], since: Position, horizon: Position | None) -> None:
        """Take in what the disk holds between `since`, the horizon when it was asked, and the new `horizon`; None when
        that was all. An answer to a window that was cut back meanwhile is dropped."""
        if self.horizon != since:
            return
        self.horizon = horizon
        for sequence, item in rows:
            if item.id not in self._entries:
                self._enter(item, sequence)

    def _enter(self, item: WorkItem, sequence: int) -> None:
        entry = self._entries[item.id] = _Entry(item, sequence)
        heapq.heappush(self._heap, (item.ready_at, sequence, entry))
        self._waiting += 1
        self._bytes += weight(item)

    def _leave(self, entry: _Entry) -> None:
        entry.waiting = False
        self._waiting -= 1
        self._bytes -= weight(entry.item)

    def _cut_back(self) -> None:
        bounds = self._bounds
        if self._waiting <= 2 * bounds.items and self._bytes <= 2 * bounds.bytes:
            return
        places = sorted(place for place in self._heap if place[2].waiting)
        kept, kept_bytes = 0, 0
        for _, _, entry in places[: bounds.items]:
            kept_bytes += weight(entry.item)
            if kept and kept_bytes > bounds.bytes:
                break
            kept += 1
        self._keep(places[:kept], places[kept:])
        self.horizon = places[kept - 1][:2]

    def _lower_horizon(self, horizon: Position) -> None:
        """Give up everything behind `horizon`: an item that is not in memory has moved there."""
        if self.horizon is None or self.horizon <= horizon:
            return
        places = sorted(place for place in self._heap if place[2].waiting)
        kept = sum(place[:2] <= horizon for place in places)
        self._keep(places[:kept], places[kept:])
        self.horizon = horizon

    def _keep(self, kept: "list[tuple[float, int, _Entry]]", dropped: "Sequence[tuple[float, int, _Entry]]") -> None:
        for _, _, entry in dropped:
            self._leave(entry)
            del self._entries[entry.item.id]
        self._heap = kept

    def _sweep(self) -> None:
        """Drop stale places before they outnumber the living."""
        if len(self._heap) > 64 and len(self._heap) > 2 * self._waiting:
            self._heap = [place for place in self._heap if place[2].waiting]
            heapq.heapify(self._heap)


def weight(item: WorkItem) -> int:
    """What an item costs in memory, roughly, in bytes."""
    return len(item.body) + len(item.state) + _ITEM_OVERHEAD_BYTES
