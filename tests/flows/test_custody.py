"""Contacts between two nodes on one store: taken up once, and nobody overwrites what has happened elsewhere."""

import asyncio
from dataclasses import dataclass, field

import pytest

from callpark.flows import records
from callpark.flows.contact import Memory
from callpark.flows.custody import TABLE
from callpark.flows.service import Flows
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.trace import Trace
from callpark.store.memory import MemoryStore
from callpark.store.ports import SetRow
from tests.flows.building import INSTANCE, action, definition, hang_up
from tests.flows.exchange import Office

pytestmark = pytest.mark.sim

WAITING = definition(
    action(
        "wait",
        "Wait",
        {"TimeLimitSeconds": "3000"},
        "bye",
        errors={"NoMatchingError": "bye"},
        when={"WaitCompleted": "bye"},
    ),
    hang_up(),
)


@dataclass
class Custodian:
    """A node as its flows see it."""

    life: str
    dead: set[str] = field(default_factory=set)
    mine: bool = True

    def gone(self, life: str) -> bool:
        return life in self.dead

    def holds(self, contact_id: str) -> bool:
        return self.mine


async def node(clock: VirtualClock, store: MemoryStore, custodian: Custodian, seed: int) -> Flows:
    runner = Office(clock, [], {}).runner
    flows = Flows(clock, SeededIds(seed), Trace(clock), ConnectLimits(), Place(), store, runner, custodian)
    flows.apply(INSTANCE, [WAITING], [])
    await flows.start()
    return flows


async def test_a_contact_is_taken_up_when_its_node_is_gone_and_not_before(clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    first, second = Custodian("a-1"), Custodian("b-1")
    one, other = await node(clock, store, first, 1), await node(clock, store.another_node(), second, 2)
    contact_id = await clock.run_until(one.begin("flow", {"channel": "TASK"}, Memory()))
    await clock.settle()
    await other.take_up()
    assert other.contact(contact_id) is None
    assert await clock.run_until(other.whereabouts(contact_id)) == "a-1"

    second.dead.add("a-1")
    await clock.run_until(other.take_up())
    assert other.contact(contact_id) is not None
    assert await clock.run_until(other.whereabouts(contact_id)) is None
    assert await clock.run_until(one.rows.holder(contact_id)) == "b-1"


async def test_a_node_that_was_taken_for_dead_neither_overwrites_nor_acknowledges(clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    first, second = Custodian("a-1"), Custodian("b-1", {"a-1"})
    one, other = await node(clock, store, first, 1), await node(clock, store.another_node(), second, 2)
    contact_id = await clock.run_until(one.begin("flow", {"channel": "TASK"}, Memory()))
    await clock.settle()
    await clock.run_until(other.take_up())
    assert await clock.run_until(other.update_attributes(contact_id, {"colour": "green"}))

    with pytest.raises(CallerError) as refused:
        await clock.run_until(one.update_attributes(contact_id, {"colour": "red"}))
    assert refused.value.status == 503
    assert one.contacts() == []
    contact = other.contact(contact_id)
    assert contact is not None
    assert contact.memory.attributes == {"colour": "green"}

    assert await clock.run_until(other.stop(contact_id))
    assert [row.key for row in await store.scan("contacts")] == []
    assert await clock.run_until(one.whereabouts(contact_id)) is None
    ended = one.contact(contact_id)
    assert ended is not None
    assert ended.ended is not None


async def test_two_nodes_that_take_up_at_once_do_not_both_have_it(clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    one = await node(clock, store, Custodian("a-1"), 1)
    contact_ids = [await clock.run_until(one.begin("flow", {"channel": "TASK"}, Memory())) for _ in range(20)]
    await clock.settle()
    others = [
        await node(clock, store.another_node(), Custodian(f"{name}-1", {"a-1"}, mine=False), seed)
        for seed, name in enumerate("bc", 2)
    ]
    for flows in others:
        flows.rows._custody.mine = True  # type: ignore[attr-defined]
    await clock.run_until(asyncio.gather(*(flows.take_up() for flows in others)))
    holders = [[flows for flows in others if flows.contact(contact_id)] for contact_id in contact_ids]
    assert [len(each) for each in holders] == [1] * 20


async def test_what_a_newer_version_wrote_stays_where_it_is(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore(clock)
    await store.commit([SetRow(TABLE, "open", b"\x00"), SetRow(records.TABLE, "ended", b"\x00")])
    flows = await node(clock, store, Custodian("a-1"), 1)
    await flows.take_up()
    told = [record.getMessage() for record in caplog.records]
    assert sum("contact open was saved by another version and is left" in line for line in told) == 1
    assert sum("the record of contact ended was written by another version" in line for line in told) == 1
    assert [row.key for row in await store.scan(TABLE)] == ["open"]
    assert [row.key for row in await store.scan(records.TABLE)] == ["ended"]
    await flows.close()
