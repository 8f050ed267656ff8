"""NATS where the tests of the slices make a store in memory: made at once, joined with the first use."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, TypeVar

from callpark.kernel.clock import Clock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import StoreLimits
from callpark.store.memory import MemoryFaults, MemoryStore
from callpark.store.nats import NatsStore
from callpark.store.nats.connection import Address
from callpark.store.ports import Change, Position, Row, StoreFailure, WorkItem

T = TypeVar("T")

_NUMBERS = itertools.count()


class StandIn(MemoryStore):
    """A `MemoryStore` by name only. Of its faults it knows failures."""

    url = ""
    made: ClassVar[list["StandIn"]] = []

    def __init__(self, clock: Clock, faults: MemoryFaults | None = None, namespace: str = "") -> None:
        super().__init__(clock, faults)
        self.namespace = namespace or f"slice{next(_NUMBERS)}"
        self._nats: NatsStore | None = None
        self._joining: asyncio.Future[NatsStore] | None = None
        self._before: StandIn | None = None
        self._ended = False
        self.made.append(self)

    def crash(self, leases_last: float = 0.0) -> "StandIn":
        self._ended = True
        following = StandIn(self._clock, self._faults, self.namespace)
        following._before = self
        return following

    def commit(self, changes: Sequence[Change]) -> "asyncio.Future[None]":
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._ended or (self._faults is not None and self._chance.fraction() < self._faults.failures):
            failed.set_exception(StoreFailure("the disk is full (a fault that was asked for)"))
            return failed
        if self._nats is not None:
            return self._nats.commit(changes)
        return asyncio.ensure_future(self._on_nats(lambda nats: nats.commit(changes)))

    def lease(self, queue: str, limit: int) -> Sequence[WorkItem]:
        return self._nats.lease(queue, limit) if self._nats is not None and not self._ended else ()

    def watch(self, queue: str, callback: Callable[[], None]) -> Callable[[], None]:
        if self._nats is not None:
            return self._nats.watch(queue, callback)
        ends: list[Callable[[], None]] = []

        async def watch(nats: NatsStore) -> None:
            ends.append(nats.watch(queue, callback))

        task = asyncio.ensure_future(self._on_nats(watch))

        def end() -> None:
            task.cancel()
            for each in ends:
                each()

        return end

    async def count(self, queue: str, ready_by: float | None = None) -> int:
        return await self._on_nats(lambda nats: nats.count(queue, ready_by))

    async def find(self, queue: str, item_id: str) -> WorkItem | None:
        return await self._on_nats(lambda nats: nats.find(queue, item_id))

    async def browse(self, queue: str, after: Position, limit: int) -> Sequence[tuple[Position, WorkItem]]:
        return await self._on_nats(lambda nats: nats.browse(queue, after, limit))

    async def queues(self) -> Sequence[str]:
        return await self._on_nats(lambda nats: nats.queues())

    async def get(self, table: str, key: str) -> Row | None:
        return await self._on_nats(lambda nats: nats.get(table, key))

    async def scan(self, table: str, prefix: str = "") -> Sequence[Row]:
        return await self._on_nats(lambda nats: nats.scan(table, prefix))

    async def put_blob(self, data: bytes) -> str:
        return await self._on_nats(lambda nats: nats.put_blob(data))

    async def get_blob(self, digest: str) -> bytes | None:
        return await self._on_nats(lambda nats: nats.get_blob(digest))

    async def delete_blob(self, digest: str) -> None:
        await self._on_nats(lambda nats: nats.delete_blob(digest))

    async def close(self) -> None:
        self._ended = True
        if self._nats is not None:
            await self._nats.close()

    async def _on_nats(self, work: Callable[[NatsStore], Awaitable[T]]) -> T:
        with self._clock.hold("store joining"):
            if self._joining is None:
                self._joining = asyncio.ensure_future(self._join())
            nats = await self._joining
        return await work(nats)

    async def _join(self) -> NatsStore:
        if self._before is not None and self._before._nats is not None:
            await self._before._nats.close()
        self._nats = await NatsStore.open(
            Address((self.url,), self.namespace), self._clock, SystemIds(), StoreLimits(), node="n"
        )
        return self._nats
