"""Shares of nodes in virtual time: nodes come, die, leave and are stopped, needs change, and nothing is given twice."""

import random
from collections.abc import AsyncIterator

import pytest

from callpark.cluster.sharing import divide
from callpark.clustered.shares import Shares
from callpark.kernel.clock import VirtualClock
from callpark.store.memory import MemoryStore
from tests.cluster.simulation import Simulated

pytestmark = pytest.mark.sim

TOTAL = 60


class Consumer:
    """Uses what it needs as far as its part goes; what runs when that shrinks goes on until it `works` again."""

    def __init__(self, shares: Shares) -> None:
        self.shares = shares
        self.need = self.using = 0

    def needed(self) -> int:
        return self.need

    def used(self) -> int:
        return self.using

    def shared(self) -> None:
        pass

    def work(self) -> None:
        self.using = min(self.need, self.shares.part(TOTAL))


class Cluster:
    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.store = MemoryStore(clock)
        self.nodes: dict[Simulated, Consumer] = {}
        self.made = 0

    async def add(self) -> None:
        self.made += 1
        node = Simulated(self.made, self.clock, self.store, (), self.made)
        shares = Shares(node.node, node.machine)  # type: ignore[arg-type]
        consumer = Consumer(shares)
        shares.part(TOTAL)

        async def up() -> None:
            await node.up()
            await shares.start(consumer)

        await self.clock.run_until(up())
        self.nodes[node] = consumer

    async def end(self, node: Simulated, *, kindly: bool) -> None:
        consumer = self.nodes.pop(node)
        if kindly:
            consumer.need = consumer.using = 0
            await self.clock.run_until(node.node.leave())
        consumer.shares.close()
        await node.die()

    async def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.1)):
            await self.clock.advance(0.1)
            self.check()

    def check(self) -> None:
        """Of those that act: whom the others have left out will know it before it does anything."""
        newest = max((node.node.view for node in self.nodes), key=lambda view: view.epoch)
        members = {each.id for each in newest.members}
        held = {
            node.node.me.name: max(consumer.shares.part(TOTAL), consumer.using)
            for node, consumer in self.nodes.items()
            if not node.machine.paused and node.node.me.id in members
        }
        assert sum(held.values()) <= TOTAL, held


@pytest.fixture
async def cluster(clock: VirtualClock) -> AsyncIterator[Cluster]:
    found = Cluster(clock)
    yield found
    for node, consumer in found.nodes.items():
        consumer.shares.close()
        node.machine.resume()
        await node.node.close()
    await found.store.close()


async def test_a_node_that_joins_has_a_share_when_it_is_ready(cluster: Cluster) -> None:
    await cluster.add()
    (first,) = cluster.nodes.values()
    assert first.shares.part(TOTAL) == TOTAL
    first.need, first.using = 500, TOTAL
    await cluster.run(2)
    began = cluster.clock.now()
    await cluster.add()
    assert cluster.clock.now() - began > 2.9, "all of it was in use: it waited, and said so"
    first.work()
    await cluster.run(2)
    first.work()
    assert [each.shares.part(TOTAL) for each in cluster.nodes.values()] == [TOTAL - 1, 1]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_no_share_is_given_twice(cluster: Cluster, seed: int) -> None:
    chance = random.Random(seed)
    await cluster.add()
    for _ in range(40):
        node = chance.choice(list(cluster.nodes))
        match chance.randrange(9):
            case 0 | 1 if len(cluster.nodes) < 5:
                await cluster.add()
            case 2 if len(cluster.nodes) > 2:
                await cluster.end(node, kindly=chance.random() < 0.5)
            case 3 if len(cluster.nodes) > 2 and not node.machine.paused:
                node.machine.paused = True
                await cluster.run(chance.choice((1, 6)))
                cluster.nodes[node].using = 0  # what ran then, the others do not count
                node.machine.resume()
            case _:
                consumer = cluster.nodes[node]
                consumer.need = chance.choice((0, 3, 40, 500))
                if not node.machine.paused:
                    consumer.work()
        await cluster.run(chance.choice((0.1, 0.6, 2.0)))
    for consumer in cluster.nodes.values():
        consumer.work()
    await cluster.run(8)
    for consumer in cluster.nodes.values():
        consumer.work()
    await cluster.run(4)
    shares = {node.node.me.id: consumer.shares.part(TOTAL) for node, consumer in cluster.nodes.items()}
    assert shares == divide(TOTAL, {node.node.me.id: consumer.need for node, consumer in cluster.nodes.items()})
