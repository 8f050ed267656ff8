"""What the API changes of what the project declares holds on every node with the same project, also on one that comes
later, and ends with another declaration."""

import msgspec
import pytest

from callpark.flows.control.amending import TABLE
from callpark.flows.control.model import FlowRecord, QueueRecord
from callpark.flows.control.plane import ControlPlane
from callpark.flows.declared import Declared, Queue
from callpark.flows.model import FlowDefinition, InstanceDefinition
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ConnectLimits
from callpark.store.amendments import SharedAmendments
from callpark.store.memory import MemoryStore
from tests.flows.building import INSTANCE, definition, hang_up, say
from tests.flows.exchange import Office

pytestmark = pytest.mark.sim

FLOW = definition(say("hello", "Hello.", "bye"), hang_up(), name="greet")
QUEUES = Declared(queues=(Queue(name="Support", capacity=5), Queue(name="Billing")))


def project(declared: Declared = QUEUES) -> InstanceDefinition:
    return InstanceDefinition(arn=INSTANCE.arn, declared=declared, function_arns=("arn:f", "arn:g"))


async def plane(
    clock: VirtualClock, store: MemoryStore, declared: Declared = QUEUES, flow: FlowDefinition = FLOW
) -> ControlPlane:
    office = Office(clock, [], {}, store=store)
    made = ControlPlane(
        office.flows,
        store,
        clock=clock,
        ids=SeededIds(1),
        limits=ConnectLimits(),
        place=Place(),
        functions=office.runner,
        amendments=SharedAmendments(store, TABLE, "http://here"),
    )
    await made.start()
    await made.apply(project(declared), [flow], [])
    return made


def capacity(node: ControlPlane) -> dict[str, int | None]:
    return {each.name: each.value.capacity for each in node.records(QueueRecord)}


async def test_changed_and_deleted_at_one_node_is_so_at_all(clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    one, other = await plane(clock, store), await plane(clock, store.another_node())
    support, billing = sorted(one.records(QueueRecord), key=lambda record: record.name, reverse=True)
    (greet,) = one.records(FlowRecord)
    async with one.changing:
        value = msgspec.structs.replace(support.value, capacity=9)
        await one.put(msgspec.structs.replace(support, value=value), removed=[billing])
        await one.put(msgspec.structs.replace(greet, content=(greet.content or "").replace("Hello.", "Hi.")))
        await one.disassociate("arn:g")
    await other.refresh()
    late = await plane(clock, store.another_node())
    for node in (one, other, late):
        assert capacity(node) == {"Support": 9}
        assert node.associated() == ("arn:f",)
        assert node.flows.instance.resources.queue("Support").capacity == 9  # type: ignore[union-attr]
        assert "Hi." in (node.records(FlowRecord)[0].content or "")


async def test_it_ends_when_the_project_declares_something_else(clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    one = await plane(clock, store)
    (support,) = [each for each in one.records(QueueRecord) if each.name == "Support"]
    async with one.changing:
        await one.put(msgspec.structs.replace(support, value=msgspec.structs.replace(support.value, capacity=9)))
    changed = Declared(queues=(Queue(name="Support", capacity=6), Queue(name="Billing")))
    assert capacity(await plane(clock, store.another_node(), changed)) == {"Support": 6, "Billing": None}
    assert capacity(await plane(clock, store.another_node())) == {"Support": 9, "Billing": None}
