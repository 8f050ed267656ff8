"""Queues that change hands between two nodes on one store: nothing is lost, given out twice or out of order."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import SqsLimits
from callpark.queues.model import Queue, Submission
from callpark.queues.service import Queues
from callpark.store.memory import MemoryStore
from callpark.store.ports import BEFORE_ALL, Done

pytestmark = pytest.mark.sim


class Pair:
    """Two nodes; `holder` names who holds every queue."""

    def __init__(self, clock: VirtualClock) -> None:
        self.holder = 0
        store = MemoryStore(clock)
        self.stores = [store, store.another_node()]
        self.nodes = [
            Queues(
                clock=clock,
                ids=SeededIds(number + 1),
                limits=SqsLimits(),
                place=Place(),
                store=self.stores[number],
                base_url="http://127.0.0.1:4566",
                holds=self._holds(number),
                tidies=self._holds(number),
                shared=True,
            )
            for number in range(2)
        ]

    def _holds(self, number: int) -> Callable[..., bool]:
        return lambda *family: self.holder == number

    async def start(self) -> None:
        for node in self.nodes:
            await node.start()
            await node.apply(())

    async def make(self, name: str, attributes: dict[str, str]) -> list[Queue]:
        await self.nodes[self.holder].administration.create(name, attributes, {})
        for node in self.nodes:
            await node.refresh()
        return [node.administration.find(name) for node in self.nodes]

    async def hand_over(self) -> None:
        self.holder = 1 - self.holder
        for node in self.nodes:
            await node.let_go()
        for node in self.nodes:
            await node.take_up()

    async def close(self) -> None:
        for node, store in zip(self.nodes, self.stores, strict=True):
            await node.close()
            await store.close()


@pytest.fixture
async def pair(clock: VirtualClock) -> AsyncIterator[Pair]:
    pair = Pair(clock)
    await pair.start()
    yield pair
    await pair.close()


FIFO = {"FifoQueue": "true", "VisibilityTimeout": "30"}


def _message(number: int, group: str = "g") -> Submission:
    return Submission(body=str(number), group=group, deduplication=str(number))


async def test_a_fifo_queue_goes_on_in_order_on_another_node(pair: Pair, clock: VirtualClock) -> None:
    one, other = await pair.make("orders.fifo", FIFO)
    await clock.run_until(pair.nodes[0].send(one, [_message(n) for n in range(6)]))
    first = await clock.run_until(pair.nodes[0].receive(one, 2, 0))
    assert [received.message.body for received in first] == ["0", "1"]
    await clock.run_until(pair.hand_over())
    assert await clock.run_until(pair.nodes[1].receive(other, 10, 0)) == (), "its group is in flight"
    await clock.run_until(pair.nodes[1].delete(other, [received.receipt_handle for received in first]))
    rest = await clock.run_until(pair.nodes[1].receive(other, 10, 0))
    assert [received.message.body for received in rest] == ["2", "3", "4", "5"]


async def test_nothing_overtakes_what_a_dead_node_had_leased(pair: Pair, clock: VirtualClock) -> None:
    one, other = await pair.make("orders.fifo", FIFO)
    await clock.run_until(pair.nodes[0].send(one, [_message(0), _message(1), _message(10, "h")]))
    pair.stores[0].crash(leases_last=5.0)
    pair.holder = 1
    await clock.run_until(pair.nodes[1].take_up())
    await clock.run_until(pair.nodes[1].send(other, [_message(2), _message(20, "i")]))
    early = await clock.run_until(pair.nodes[1].receive(other, 10, 0))
    assert [received.message.body for received in early] == ["20"], "the other groups' fronts are not here yet"
    late = await clock.run_until(pair.nodes[1].receive(other, 10, 10))
    assert sorted(received.message.body for received in late) == ["0", "1", "10", "2"]
    assert [received.message.body for received in late if received.message.group == "g"] == ["0", "1", "2"]


async def test_what_was_removed_meanwhile_blocks_nobody(pair: Pair, clock: VirtualClock) -> None:
    one, other = await pair.make("orders.fifo", FIFO)
    await clock.run_until(pair.nodes[0].send(one, [_message(0), _message(1)]))
    (first, _) = await pair.stores[1].browse(one.store_queue, BEFORE_ALL, 10)
    pair.stores[0].crash(leases_last=5.0)
    pair.holder = 1
    await clock.run_until(pair.nodes[1].take_up())
    await clock.run_until(pair.stores[1].commit([Done(one.store_queue, first[1].id)]))
    (received,) = await clock.run_until(pair.nodes[1].receive(other, 10, 10))
    assert received.message.body == "1"


async def test_duplicates_are_known_on_another_node_and_numbers_go_on(pair: Pair, clock: VirtualClock) -> None:
    one, other = await pair.make("orders.fifo", FIFO)
    (sent,) = await clock.run_until(pair.nodes[0].send(one, [_message(1)]))
    await clock.run_until(pair.hand_over())
    again, new = await clock.run_until(pair.nodes[1].send(other, [_message(1), _message(2)]))
    assert again == sent
    assert new.sequence is not None
    assert sent.sequence is not None
    assert new.sequence > sent.sequence


async def test_what_is_in_flight_stays_invisible_on_another_node(pair: Pair, clock: VirtualClock) -> None:
    one, other = await pair.make("work", {"VisibilityTimeout": "30"})
    await clock.run_until(pair.nodes[0].send(one, [Submission(body=str(n)) for n in range(3)]))
    (held,) = await clock.run_until(pair.nodes[0].receive(one, 1, 0))
    await clock.run_until(pair.hand_over())
    counts = await clock.run_until(pair.nodes[1].counts(other))
    assert (counts.visible, counts.in_flight) == (2, 1)
    found = await clock.run_until(pair.nodes[1].receive(other, 10, 0))
    assert held.message.body not in [received.message.body for received in found]
    await clock.advance(31)
    again = await clock.run_until(pair.nodes[1].receive(other, 10, 0))
    assert held.message.body in [received.message.body for received in again]


async def test_a_receiver_that_waits_leaves_when_the_queue_does(pair: Pair, clock: VirtualClock) -> None:
    one, _ = await pair.make("work", {})
    waiting = asyncio.ensure_future(pair.nodes[0].receive(one, 1, 20))
    await clock.settle()
    began = clock.now()
    await clock.run_until(pair.hand_over())
    assert await clock.run_until(waiting) == ()
    assert clock.now() == began


async def test_others_only_put_and_do_not_give_out(pair: Pair, clock: VirtualClock) -> None:
    one, other = await pair.make("dead", {})
    _, changes = pair.nodes[1].put_changes(other.arn, "a dead letter")
    await clock.run_until(pair.stores[1].commit(changes))
    assert await clock.run_until(pair.nodes[1].receive(other, 1, 0)) == ()
    (received,) = await clock.run_until(pair.nodes[0].receive(one, 1, 0))
    assert received.message.body == "a dead letter"


async def test_a_purge_elsewhere_empties_what_is_held_here(pair: Pair, clock: VirtualClock) -> None:
    one, _ = await pair.make("orders.fifo", FIFO)
    await clock.run_until(pair.nodes[0].send(one, [_message(n) for n in range(3)]))
    await clock.run_until(pair.nodes[1].administration.purge("orders.fifo"))
    await clock.run_until(pair.nodes[0].refresh())
    purged = pair.nodes[0].administration.find("orders.fifo")
    assert await clock.run_until(pair.nodes[0].receive(purged, 10, 0)) == ()
    await clock.run_until(pair.nodes[0].send(purged, [_message(7)]))
    (received,) = await clock.run_until(pair.nodes[0].receive(purged, 10, 0))
    assert received.message.body == "7"


async def test_a_fifo_queue_belongs_with_its_dead_letter_queue(pair: Pair) -> None:
    (dead, _) = await pair.make("dead.fifo", FIFO)
    policy = f'{{"deadLetterTargetArn": "{dead.arn}", "maxReceiveCount": 2}}'
    await pair.make("orders.fifo", {**FIFO, "RedrivePolicy": policy})
    assert [node.family("orders.fifo") for node in pair.nodes] == ["dead.fifo", "dead.fifo"]
    assert pair.nodes[0].family("dead.fifo") == "dead.fifo"
