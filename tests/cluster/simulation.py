"""Nodes of one cluster in virtual time: each has its own clock, which can be stopped as SIGSTOP stops a process, and
its own link to the shared store, which can be cut."""

import asyncio
from collections.abc import Callable, Sequence

from callpark.cluster.members import Key
from callpark.cluster.node import Node
from callpark.kernel.clock import Clock
from callpark.kernel.holds import Hold
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ClusterLimits
from callpark.kernel.timers import Timer
from callpark.store.memory import MemoryStore
from callpark.store.ports import Change, Row, StoreFailure


class Machine:
    """What a node runs on: its clock and its link. `pause` stops it, `cut` takes its network away."""

    def __init__(self, clock: Clock, store: MemoryStore) -> None:
        self._clock = clock
        self._store = store
        self._waiting: list[Callable[[], None]] = []
        self.paused = self.cut = self.dead = False

    def resume(self) -> None:
        self.paused = False
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()

    def _when_running(self, callback: Callable[[], None]) -> None:
        if self.paused:
            self._waiting.append(callback)
        elif not self.dead:
            callback()

    # Clock

    def now(self) -> float:
        return self._clock.now()

    def timer(self, at: float, callback: Callable[[], None], key: str = "") -> Timer:
        return self._clock.timer(at, lambda: self._when_running(callback), key)

    def hold(self, owner: str) -> Hold:
        return self._clock.hold(owner)

    # Store, as far as the cluster's own room uses it

    def publish(self, topic: str, message: bytes) -> None:
        if not self.cut and not self.paused and not self.dead:
            self._store.publish(topic, message)

    def subscribe(self, topic: str, callback: Callable[[bytes], None]) -> Callable[[], None]:
        def hear(message: bytes) -> None:
            if not self.cut:
                self._when_running(lambda: callback(message))

        return self._store.subscribe(topic, hear)

    async def get(self, table: str, key: str) -> Row | None:
        await self._reach()
        return await self._store.get(table, key)

    def commit(self, changes: Sequence[Change]) -> "asyncio.Future[None]":
        return asyncio.ensure_future(self._commit(changes))

    async def _commit(self, changes: Sequence[Change]) -> None:
        await self._reach()
        await self._store.commit(changes)
        if self.paused:
            await self._running()

    async def _reach(self) -> None:
        if self.paused:
            await self._running()
        if self.cut or self.dead:
            raise StoreFailure("the store cannot be reached")

    async def _running(self) -> None:
        running: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(lambda: None if running.done() else running.set_result(None))
        await running


class Acting:
    """A tenant that notes for which keys it acts, and sees to it that it stops in time."""

    def __init__(self, node: Node, keys: Sequence[Key]) -> None:
        self._node = node
        self._keys = keys
        self.begun: set[Key] = set()

    async def let_go(self) -> None:
        self.begun = {key for key in self.begun if self._node.holds(key)}

    async def take_up(self) -> None:
        self.begun |= {key for key in self._keys if self._node.holds(key)}


class Simulated:
    """A node on its machine."""

    def __init__(self, number: int, clock: Clock, store: MemoryStore, keys: Sequence[Key], seed: int) -> None:
        self.machine = Machine(clock, store)
        name = f"n{number}"
        ids = SeededIds(seed)
        self.node = Node(self.machine, self.machine, ids, ClusterLimits(), name=name, url=f"http://{name}")  # type: ignore[arg-type]
        self.acting = Acting(self.node, keys)
        self.node.attend(self.acting)

    async def up(self) -> None:
        await self.node.start()
        async with self.node.turn():
            pass
        await self.node.join()

    async def die(self) -> None:
        """kill -9: nothing more is said or done."""
        self.machine.dead = True
        await self.node.close()

    def acts(self, key: Key) -> bool:
        """Whether it would act now if something came. A stopped process does nothing."""
        running = not self.machine.dead and not self.machine.paused
        return running and key in self.acting.begun and self.node.holds(key)
