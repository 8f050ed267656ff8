"""The one timer heap.

Called by `kernel.clock` only. Timers are slotted records; a cancelled timer stays in the heap until it is reached or
until the dead outnumber the living, so that a hundred thousand parked contacts cost a heap entry each and never a task.
Equal instants come out in canonical order: by key, then by the order of arming.
"""

import heapq
from collections.abc import Callable


class Timer:
    """A callback that is due at an instant. `cancel()` is idempotent and does nothing once the timer has fired."""

    __slots__ = ("_heap", "callback")

    def __init__(self, callback: Callable[[], None], heap: "TimerHeap") -> None:
        self.callback: Callable[[], None] | None = callback
        self._heap = heap

    def cancel(self) -> None:
        if self.callback is not None:
            self.callback = None
            self._heap.note_cancelled()


class TimerHeap:
    """Timers by (instant, key, order of arming)."""

    __slots__ = ("_dead", "_entries", "_sequence")

    def __init__(self) -> None:
        self._entries: list[tuple[float, str, int, Timer]] = []
        self._sequence = 0
        self._dead = 0

    def __len__(self) -> int:
        return len(self._entries) - self._dead

    def arm(self, at: float, callback: Callable[[], None], key: str = "") -> Timer:
        timer = Timer(callback, self)
        self._sequence += 1
        heapq.heappush(self._entries, (at, key, self._sequence, timer))
        return timer

    def next_at(self) -> float | None:
        """The earliest instant at which a living timer is due, in epoch seconds."""
        entries = self._entries
        while entries and entries[0][3].callback is None:
            heapq.heappop(entries)
            self._dead -= 1
        return entries[0][0] if entries else None

    @property
    def last_sequence(self) -> int:
        """The number of the timer that was armed last."""
        return self._sequence

    def pop_due(self, now: float, last_sequence: int) -> Callable[[], None] | None:
        """Take the next callback, if it is due at `now` and was armed no later than the timer `last_sequence`."""
        at = self.next_at()
        if at is None or at > now or self._entries[0][2] > last_sequence:
            return None
        timer = heapq.heappop(self._entries)[3]
        callback, timer.callback = timer.callback, None
        return callback

    def note_cancelled(self) -> None:
        self._dead += 1
        if self._dead > 64 and self._dead * 2 > len(self._entries):
            self._entries = [entry for entry in self._entries if entry[3].callback is not None]
            heapq.heapify(self._entries)
            self._dead = 0
