"""Removes what nobody can receive any more: messages past their retention, purged generations, deleted queues.

Made by the service. A purge or a delete is one small commit that begins a new generation; what the old one held goes
here, in batches, while the queue goes on. After a crash the next start finds what is left.
"""

from collections.abc import Callable, Collection, Sequence

from callpark.kernel.timers import Timer
from callpark.queues.delivery.fifo_sending import DEDUPLICATION_TABLE, deduplication_prefix
from callpark.queues.delivery.world import Delivery, QueueWorld
from callpark.queues.model import Queue
from callpark.store.ports import BEFORE_ALL, Change, DeleteRow, Done

_STORE_PREFIX = "sqs/"


class Sweeper:
    """`queues` gives all queues as they are now, `delivery` the delivery of one by name; `held` are the names of those
    whose messages are given out here."""

    def __init__(
        self,
        world: QueueWorld,
        queues: Callable[[], Sequence[Queue]],
        delivery: Callable[[str], Delivery | None],
        held: Collection[str],
    ) -> None:
        self._world = world
        self._queues = queues
        self._delivery = delivery
        self._held = held
        self._timers: dict[str, Timer] = {}
        self._sweeping: set[str] = set()

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    async def take_up(self, taken: Sequence[Queue], tidy: bool) -> None:
        """These are held from now on: each with messages gets its timer. `tidy`: what is nobody's goes."""
        current = {queue.store_queue: queue for queue in self._queues()}
        named = {queue.name for queue in taken}
        for store_queue in await self._world.store.queues():
            queue = current.get(store_queue)
            if queue is not None and queue.name in named:
                self.look(queue.name)
            elif queue is None and tidy and store_queue.startswith(_STORE_PREFIX):
                self.clear(store_queue)
        if not tidy:
            return
        prefixes = tuple(deduplication_prefix(queue) for queue in current.values())
        rows = await self._world.store.scan(DEDUPLICATION_TABLE)
        orphans = [row.key for row in rows if not row.key.startswith(prefixes or ("\0",))]
        if orphans:
            await self._world.persist([DeleteRow(DEDUPLICATION_TABLE, key) for key in orphans])

    def leave(self, name: str) -> None:
        """A queue is held elsewhere now."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def clear(self, store_queue: str) -> None:
        """Remove everything in a queue of the store that is no longer used."""
        if store_queue not in self._sweeping:
            self._sweeping.add(store_queue)
            self._world.tasks.spawn(self._clear(store_queue), f"clearing {store_queue}")

    def forget(self, queue: Queue) -> None:
        """A queue was deleted: what it remembered of sends goes too."""
        timer = self._timers.pop(queue.name, None)
        if timer is not None:
            timer.cancel()
        if queue.fifo:
            self._world.tasks.spawn(self._forget(queue), f"deduplication of {queue.name}")

    def expect(self, queue: Queue) -> None:
        """The queue got a message: look after its retention period at the latest."""
        if queue.name not in self._timers and queue.name in self._held:
            self._arm(queue.name, self._world.clock.now() + queue.settings.retention)

    def look(self, name: str) -> None:
        """Look now: the server has just started, or the retention period was changed."""
        self.leave(name)
        if name in self._held:
            self._arm(name, self._world.clock.now())

    def _arm(self, name: str, at: float) -> None:
        self._timers[name] = self._world.clock.timer(at, lambda: self._due(name), f"retention of {name}")

    def _due(self, name: str) -> None:
        self._timers.pop(name, None)
        self._world.tasks.spawn(self._expire(name), f"expired messages of {name}")

    async def _expire(self, name: str) -> None:
        """An item's place in the store is no earlier than its send, so whatever stands before the limit is expired."""
        world = self._world
        while (queue := world.queue(name)) is not None and name in self._held:
            page = await world.store.browse(queue.store_queue, BEFORE_ALL, world.limits.sweep_batch)
            now = world.clock.now()
            expired = [item.id for (ready_at, _), item in page if ready_at + queue.settings.retention <= now]
            if expired:
                await world.persist([Done(queue.store_queue, message_id) for message_id in expired])
                delivery = self._delivery(name)
                if delivery is not None:
                    delivery.gone(expired)
            if len(expired) < len(page):
                first = page[len(expired)][0][0]
                if name not in self._timers:
                    self._arm(name, max(first + queue.settings.retention, now + 1))
                return
            if not page:
                return

    async def _clear(self, store_queue: str) -> None:
        world = self._world
        try:
            while page := await world.store.browse(store_queue, BEFORE_ALL, world.limits.sweep_batch):
                await world.persist([Done(store_queue, item.id, patient=True) for _, item in page])
        finally:
            self._sweeping.discard(store_queue)

    async def _forget(self, queue: Queue) -> None:
        rows = await self._world.store.scan(DEDUPLICATION_TABLE, deduplication_prefix(queue))
        changes: list[Change] = [DeleteRow(DEDUPLICATION_TABLE, row.key) for row in rows]
        if changes:
            await self._world.persist(changes)
