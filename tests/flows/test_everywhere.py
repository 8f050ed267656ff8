"""Contacts of two nodes on one store: found at both, begun once for one token, changed after their end at either."""

import asyncio

import pytest

from callpark.flows.calls import Wanted
from callpark.flows.chat.requests import NewChat
from callpark.flows.chat.service import Chats
from callpark.flows.contact import Memory
from callpark.flows.everywhere import Everywhere, id_for
from callpark.flows.service import Flows
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ConnectLimits
from callpark.store.memory import MemoryStore
from tests.flows.test_custody import Custodian, node

pytestmark = pytest.mark.sim


async def two(clock: VirtualClock) -> tuple[Flows, Flows]:
    store = MemoryStore(clock)
    return (
        await node(clock, store, Custodian("a-1", mine=False), 1),
        await node(clock, store.another_node(), Custodian("b-1", mine=False), 2),
    )


async def begun(clock: VirtualClock, flows: Flows, **party: object) -> str:
    return await clock.run_until(flows.begin("flow", {"channel": "TASK", **party}, Memory(attributes={"a": "1"})))


async def test_every_node_finds_the_open_and_the_ended_contacts_of_all(clock: VirtualClock) -> None:
    one, other = await two(clock)
    open_, ended = await begun(clock, one), await begun(clock, one)
    mine = await begun(clock, other)
    await clock.settle()
    await clock.run_until(one.stop(ended))
    for flows in (one, other):
        found = await clock.run_until(Everywhere(flows).find(Wanted()))
        assert {contact.id for contact in found} == {open_, ended, mine}
        (over,) = await clock.run_until(Everywhere(flows).find(Wanted(state="ended")))
        assert over.id == ended
        assert [contact.id for contact in found if contact.ended is not None] == [ended]


async def test_of_one_token_there_is_one_contact_whichever_nodes_are_asked_at_once(clock: VirtualClock) -> None:
    one, other = await two(clock)
    id_ = id_for("arn", "StartTaskContact", "token")
    made = await clock.run_until(
        asyncio.gather(
            *(flows.begin("flow", {"channel": "TASK", "contact_id": id_}, Memory()) for flows in (one, other))
        )
    )
    await clock.settle()
    assert made == [id_, id_]
    assert len(one.contacts()) + len(other.contacts()) == 1
    for flows in (one, other):
        known = await clock.run_until(Everywhere(flows).contact(id_))
        assert known is not None


async def test_attributes_of_an_ended_contact_are_the_same_at_all_nodes(clock: VirtualClock) -> None:
    one, other = await two(clock)
    contact_id = await begun(clock, one)
    await clock.settle()
    await clock.run_until(one.stop(contact_id))
    for number, flows in enumerate((other, one, other)):
        assert await clock.run_until(flows.whereabouts(contact_id)) is None
        assert await clock.run_until(flows.update_attributes(contact_id, {str(number): "set"}))
    for flows in (one, other):
        assert await clock.run_until(flows.whereabouts(contact_id)) is None
        known = flows.contact(contact_id)
        assert known is not None
        assert known.memory.attributes == {"a": "1", "0": "set", "1": "set", "2": "set"}


async def test_two_nodes_that_change_an_ended_contact_at_once_lose_nothing(clock: VirtualClock) -> None:
    one, other = await two(clock)
    contact_id = await begun(clock, one)
    await clock.settle()
    await clock.run_until(one.stop(contact_id))
    for flows in (one, other):
        await clock.run_until(flows.whereabouts(contact_id))
    changed = asyncio.gather(*(flows.update_attributes(contact_id, {flows.rows.life: "set"}) for flows in (one, other)))
    assert await clock.run_until(changed) == [True, True]
    await clock.run_until(other.records.recall(contact_id))
    known = other.contact(contact_id)
    assert known is not None
    assert known.memory.attributes == {"a": "1", "a-1": "set", "b-1": "set"}


async def test_of_one_token_there_is_one_chat_while_that_is_open(clock: VirtualClock) -> None:
    nodes = await two(clock)
    chats = [Chats(flows, clock, SeededIds(5 + n), ConnectLimits(), flows.store) for n, flows in enumerate(nodes)]
    for each in chats:
        await clock.run_until(each.start())
    wanted = NewChat("flow", "Ann", {}, client_token="same")
    first, second = await clock.run_until(asyncio.gather(*(each.begin(wanted) for each in chats)))
    again = await clock.run_until(chats[1].begin(wanted))
    assert first.contact_id == second.contact_id == again.contact_id
    assert first.participant_id == second.participant_id == again.participant_id
    (holder,) = [flows for flows in nodes if flows.is_open(first.contact_id)]
    await clock.run_until(holder.stop(first.contact_id))
    await clock.run_until(nodes[1].whereabouts(first.contact_id))
    assert (await clock.run_until(chats[1].begin(wanted))).contact_id != first.contact_id
