"""What other nodes have made: a hint on a topic says which service's rows have changed, and they are read again.

Hints may get lost, so all rows are read again every `cluster.refresh_seconds`. Made by `clustered/`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from callpark.cluster.node import Node
from callpark.cluster.placement import changes
from callpark.kernel.operations import Answer, Call, Operation, OperationTable
from callpark.kernel.tasks import Tasks
from callpark.kernel.timers import Timer
from callpark.store.ports import Store, StoreFailure

_log = logging.getLogger("callpark")

_TOPIC: Final = "cluster-news"

_decode = msgspec.msgpack.Decoder(tuple[str, str]).decode


class News:
    """`refresh`: service → reads its rows again."""

    def __init__(
        self,
        node: Node,
        store: Store,
        refresh: Mapping[str, Callable[[], Awaitable[None]]],
    ) -> None:
        self._node = node
        self._store = store
        self._refresh = refresh
        self._tasks = Tasks("news of the cluster")
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._end: Callable[[], None] | None = None
        self._timer: Timer | None = None

    def start(self) -> None:
        self._end = self._store.subscribe(_TOPIC, self._hear)
        self._arm()

    async def close(self) -> None:
        if self._end is not None:
            self._end()
        if self._timer is not None:
            self._timer.cancel()
        await self._tasks.aclose()

    def telling(self, operations: OperationTable) -> OperationTable:
        """The same operations; what they change is told to the other nodes."""
        return {
            (service, name): partial(self._telling, operation) if changes(service, name) else operation
            for (service, name), operation in operations.items()
        }

    async def renew(self, service: str) -> None:
        """Read a service's rows again, now."""
        refresh = self._refresh.get(service)
        if refresh is None:
            return
        reading = self._reading.get(service)
        if reading is None:
            reading = self._reading[service] = self._tasks.spawn(self._read(service, refresh), service)
        else:
            self._again.add(service)
        await asyncio.shield(reading)

    async def renew_all(self) -> None:
        for service in self._refresh:
            await self.renew(service)

    async def _telling(self, operation: Operation, call: Call) -> Mapping[str, object] | Answer:
        answer = await operation(call)
        self._store.publish(_TOPIC, msgspec.msgpack.encode((self._node.me.id, call.service)))
        return answer

    def _hear(self, message: bytes) -> None:
        try:
            life, service = _decode(message)
        except msgspec.MsgspecError:
            self._tasks.spawn(self.renew_all(), "hint of another version")
            return
        if life != self._node.me.id and service in self._refresh:
            self._tasks.spawn(self.renew(service), f"hint of {service}")

    async def _read(self, service: str, refresh: Callable[[], Awaitable[None]]) -> None:
        try:
            while True:
                self._again.discard(service)
                try:
                    await refresh()
                except StoreFailure as failure:
                    _log.warning("what other nodes have made cannot be read now: %s", failure)
                if service not in self._again:
                    return
        finally:
            del self._reading[service]

    def _arm(self) -> None:
        at = self._node.clock.now() + self._node.limits.refresh_seconds
        self._timer = self._node.clock.timer(at, self._due, "news of the cluster")

    def _due(self) -> None:
        self._tasks.spawn(self.renew_all(), "all")
        self._arm()
