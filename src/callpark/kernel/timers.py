"""The one timer heap.

Called by `kernel.clock` only. A timer is one ordered record, its own entry in the heap; a cancelled one stays there
until it is reached or until the dead outnumber the living, so that a hundred thousand parked contacts cost 72 bytes
each here and never a task. Equal instants come out in canonical order: by key, then by the order of arming.
"""

import heapq
from collections.abc import Callable

import msgspec


class Timer(msgspec.Struct, order=True):
    """A callback that is due `at` an instant. `cancel()` is idempotent and does nothing once the timer has fired. The
    sequence differs, so nothing behind it is ever compared."""

    at: float
    key: str
    sequence: int
    callback: Callable[[], None] | None
    heap: "TimerHeap"

    def cancel(self) -> None:
        if self.callback is not None:
            self.callback = None
            self.heap.note_cancelled()


class TimerHeap:
    """Timers by (instant, key, order of arming)."""

    __slots__ = ("_dead", "_entries", "_sequence")

    def __init__(self) -> None:
        self._entries: list[Timer] = []
        self._sequence = 0
        self._dead = 0

    def __len__(self) -> int:
        return len(self._entries) - self._dead

    def arm(self, at: float, callback: Callable[[], None], key: str = "") -> Timer:
        self._sequence += 1
        timer = Timer(at, key, self._sequence, callback, self)
        heapq.heappush(self._entries, timer)
        return timer

    def next_at(self) -> float | None:
        """The earliest instant at which a living timer is due, in epoch seconds."""
        entries = self._entries
        while entries and entries[0].callback is None:
            heapq.heappop(entries)
            self._dead -= 1
        return entries[0].at if entries else None

    @property
    def last_sequence(self) -> int:
        """The number of the timer that was armed last."""
        return self._sequence

    def pop_due(self, now: float, last_sequence: int) -> Callable[[], None] | None:
        """Take the next callback, if it is due at `now` and was armed no later than the timer `last_sequence`."""
        at = self.next_at()
        if at is None or at > now or self._entries[0].sequence > last_sequence:
            return None
        timer = heapq.heappop(self._entries)
        callback, timer.callback = timer.callback, None
        return callback

    def note_cancelled(self) -> None:
        self._dead += 1
        if self._dead > 64 and self._dead * 2 > len(self._entries):
            self._entries = [entry for entry in self._entries if entry.callback is not None]
            heapq.heapify(self._entries)
            self._dead = 0
