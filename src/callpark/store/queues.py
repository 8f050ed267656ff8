"""All queues of one store as its process sees them: leases, readiness in time, watches.

Called by the stores, on the event loop's thread, once changes are durable. Whoever watches a queue is called back soon
on the loop; each watched queue has at most one timer, for its earliest item.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from callpark.kernel.clock import Clock
from callpark.kernel.timers import Timer
from callpark.store.ports import BEFORE_ALL, Position, WorkItem
from callpark.store.window import Bounds, Window


class _Watch:
    """One watcher; armed until it is called, and again after the next lease."""

    __slots__ = ("armed", "callback")

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback
        self.armed = True

    def call(self) -> None:
        if self.callback is not None:
            self.callback()


class _Queue:
    __slots__ = ("name", "refilling", "timer", "timer_at", "watches", "window")

    def __init__(self, name: str, window: Window) -> None:
        self.name = name
        self.window = window
        self.watches: list[_Watch] = []
        self.timer: Timer | None = None
        self.timer_at = 0.0
        self.refilling = False

    def disarm(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Queues:
    """`refill(queue, horizon)` asks the store for the items behind the horizon; the answer comes by `refilled`."""

    def __init__(self, clock: Clock, bounds: Bounds, refill: Callable[[str, Position], None]) -> None:
        self._clock = clock
        self._bounds = bounds
        self._refill = refill
        self._queues: dict[str, _Queue] = {}
        self._touched: dict[_Queue, None] = {}

    def load(self, name: str, rows: Iterable[tuple[int, WorkItem]], horizon: Position | None) -> None:
        """What the store found when it was opened."""
        window = Window(self._bounds, BEFORE_ALL)
        window.refill(rows, BEFORE_ALL, horizon)
        self._queues[name] = _Queue(name, window)

    def put(self, item: WorkItem, sequence: int) -> None:
        queue = self._queue(item.queue)
        queue.window.put(item, sequence)
        self._touched[queue] = None

    def defer(self, name: str, item_id: str, state: bytes, ready_at: float) -> None:
        queue = self._queue(name)
        queue.window.defer(item_id, state, ready_at)
        self._touched[queue] = None

    def done(self, name: str, item_id: str) -> None:
        queue = self._queue(name)
        queue.window.done(item_id)
        self._touched[queue] = None

    def refilled(
        self, name: str, rows: Iterable[tuple[int, WorkItem]], since: Position, horizon: Position | None
    ) -> None:
        queue = self._queue(name)
        queue.refilling = False
        queue.window.refill(rows, since, horizon)
        self._touched[queue] = None

    def refill_failed(self, name: str) -> None:
        """The disk did not answer; the next change or lease of the queue asks again."""
        self._queue(name).refilling = False

    def review(self) -> None:
        """Look at every queue that was changed since the last review: call watchers, arm timers, ask for refills."""
        touched, self._touched = self._touched, {}
        for queue in touched:
            self._review(queue)

    def lease(self, name: str, limit: int) -> Sequence[WorkItem]:
        if limit <= 0:
            return ()
        queue = self._queue(name)
        leased = queue.window.lease(self._clock.now(), limit)
        for watch in queue.watches:
            watch.armed = True
        self._review(queue)
        return leased

    def watch(self, name: str, callback: Callable[[], None]) -> Callable[[], None]:
        queue = self._queue(name)
        watch = _Watch(callback)
        queue.watches.append(watch)
        self._review(queue)

        def end() -> None:
            if watch.callback is not None:
                watch.callback = None
                if watch in queue.watches:  # not when the store was closed first
                    queue.watches.remove(watch)
                    self._review(queue)

        return end

    def peek(self, name: str, item_id: str) -> WorkItem | None:
        """An item that is in memory, waiting or leased."""
        queue = self._queues.get(name)
        return queue.window.peek(item_id) if queue is not None else None

    def ready(self, name: str, limit: int) -> int:
        """How many items of the queue in memory could be leased now, counted up to `limit`."""
        queue = self._queues.get(name)
        return queue.window.ready(self._clock.now(), limit) if queue is not None else 0

    def rouse(self) -> None:
        """Call all watchers of queues with ready items again, as if they had leased."""
        for queue in self._queues.values():
            for watch in queue.watches:
                watch.armed = True
            self._review(queue)

    def close(self) -> None:
        for queue in self._queues.values():
            queue.watches.clear()
            queue.disarm()

    def _queue(self, name: str) -> _Queue:
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = _Queue(name, Window(self._bounds))
        return queue

    def _review(self, queue: _Queue) -> None:
        window = queue.window
        if not queue.refilling and window.horizon is not None and window.wants_refill():
            queue.refilling = True
            self._refill(queue.name, window.horizon)
        armed = [watch for watch in queue.watches if watch.armed]
        ready_at = window.next_ready_at() if armed else None
        if ready_at is None:
            queue.disarm()
        elif ready_at <= self._clock.now():
            queue.disarm()
            loop = asyncio.get_running_loop()
            for watch in armed:
                watch.armed = False
                loop.call_soon(watch.call)
        elif queue.timer is None or queue.timer_at != ready_at:
            queue.disarm()
            queue.timer_at = ready_at
            queue.timer = self._clock.timer(ready_at, lambda: self._due(queue), f"store queue {queue.name}")

    def _due(self, queue: _Queue) -> None:
        queue.timer = None
        self._review(queue)
