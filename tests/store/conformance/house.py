"""A store under test."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from callpark.kernel.clock import VirtualClock
from callpark.store.ports import Change, Put, Store, WorkItem

Reopen = Callable[[Store], Awaitable[Store]]


@dataclass(slots=True)
class House:
    """A store under test on a clock, and how its process dies and comes back."""

    clock: VirtualClock
    store: Store
    reopen: Reopen

    async def commit(self, *changes: Change) -> None:
        await self.clock.run_until(self.store.commit(changes))

    async def restart(self) -> None:
        self.store = await self.reopen(self.store)

    def put(self, item_id: str, after: float = 0.0, body: bytes = b"", queue: str = "q") -> Put:
        return Put(WorkItem(queue, item_id, body, b"new", self.clock.now() + after))

    def lease(self, limit: int = 100, queue: str = "q") -> list[str]:
        return [item.id for item in self.store.lease(queue, limit)]

    async def lease_soon(self, wanted: int, queue: str = "q") -> list[WorkItem]:
        """Lease `wanted` ready items, waiting for those that are not in memory yet."""
        found: list[WorkItem] = []
        more = asyncio.Event()
        end = self.store.watch(queue, more.set)
        while len(found) < wanted:
            await self.clock.run_until(more.wait())
            more.clear()
            found += self.store.lease(queue, wanted - len(found))
        end()
        return found
