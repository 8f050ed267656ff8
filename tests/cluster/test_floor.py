"""One floor for the contacts of all nodes, in virtual time, with nodes that die and come."""

import contextlib

import pytest

from callpark.flows.agents.roll_call import RollCall
from callpark.flows.agents.standing import Standing
from callpark.flows.contact import Desk, Target
from callpark.kernel.clock import VirtualClock
from tests.cluster.centre import centre

pytestmark = pytest.mark.sim

SUPPORT = Target("arn:support", "Support")

several = contextlib.asynccontextmanager(centre)


async def test_contacts_of_all_nodes_ring_in_the_order_in_which_they_came(clock: VirtualClock) -> None:
    async with several(clock, 3) as at:
        ids = []
        for branch in (*at.branches, *at.branches):
            ids.append(await at.begin(branch))
            await clock.advance(0.5)
        alice = at.play("alice")
        await at.all_over(ids, 60)
        assert alice.offered == ids


async def test_the_floor_dies_and_nobody_loses_their_turn(clock: VirtualClock) -> None:
    async with several(clock, 3) as at:
        ids = []
        for branch in (*at.branches, *at.branches):
            ids.append(await at.begin(branch))
            await clock.advance(0.5)
        alice = at.play("alice")
        await clock.advance(2.0)
        floor = at.at_floor()
        assert floor is not None
        await floor.die()
        await at.all_over(ids, 90)
        assert list(dict.fromkeys(alice.offered)) == ids
        after = at.at_floor()
        assert after is not None
        assert after is not floor


async def test_a_floor_that_is_stopped_is_followed_by_another_and_gives_way(clock: VirtualClock) -> None:
    async with several(clock, 3) as at:
        stopped = at.at_floor()
        assert stopped is not None
        stopped.machine.paused = True
        ids = [await at.begin(branch) for branch in at.branches if branch is not stopped]
        alice = at.play("alice")
        await at.all_over(ids, 60)
        assert set(alice.offered) == set(ids)
        stopped.machine.resume()
        await clock.advance(5.0)
        assert [branch.floor.floor_is_here for branch in at.branches].count(True) == 1


async def test_queues_are_the_same_whichever_node_is_asked(clock: VirtualClock) -> None:
    async with several(clock, 2) as at:
        for branch in at.branches:
            await at.begin(branch)
        await clock.advance(1.0)
        for branch in at.branches:
            measured = await clock.run_until(branch.flows.switchboard.measure([SUPPORT]))
            assert len(measured.since) == 2


@pytest.mark.parametrize("seed", range(4))
async def test_whoever_dies_nobody_is_lost_and_no_agent_has_too_many(clock: VirtualClock, seed: int) -> None:
    async with several(clock, 3, seed) as at:
        chance = at.chance
        for name in ("alice", "bob"):
            at.play(name, lambda: chance.choice(["accept", "accept", "reject", "nothing"]))
        ids = []
        for round_ in range(12):
            ids += [await at.begin(chance.choice(at.living)) for _ in range(chance.randint(0, 3))]
            await clock.advance(chance.uniform(0.0, 3.0))
            if round_ % 4 == 3:
                going = chance.choice(at.living)
                if chance.random() < 0.3:
                    await clock.run_until(going.node.leave())
                await going.die()
                await clock.advance(chance.uniform(0.0, 5.0))
                await at.add()
        await at.all_over(ids, 900)


async def test_attributes_of_a_related_contact_are_set_where_it_is(clock: VirtualClock) -> None:
    async with several(clock, 2) as at:
        one, other = at.branches
        contact_id = await at.begin(one)
        neighbours = other.flows.switchboard.neighbours
        assert await clock.run_until(neighbours.update_attributes(contact_id, {"colour": "green"}))
        assert not await clock.run_until(neighbours.update_attributes("nobody", {"colour": "green"}))
        contact = one.flows.contact(contact_id)
        assert contact is not None
        assert contact.memory.attributes == {"colour": "green"}


async def test_an_offer_that_a_contact_has_not_heard_of_keeps_its_agent(clock: VirtualClock) -> None:
    """The contact moves while its offer is on the way: it rings once, for that agent."""
    async with several(clock, 2) as at:
        floor = at.at_floor()
        (other,) = [each for each in at.branches if each is not floor]
        contact_id = await at.begin(other)
        await clock.advance(1.0)
        alice = at.play("alice", lambda: "nothing")
        bob = at.play("bob", lambda: "nothing")
        while not alice.offered + bob.offered:
            await clock.advance(0.001)
            contact = other.flows.contact(contact_id)
            assert contact is not None
            other.flows.switchboard.follow(contact)
        await clock.advance(1.0)
        assert len(alice.offered + bob.offered) == 1


async def test_of_two_nodes_the_floor_believes_the_one_that_has_the_contact() -> None:
    followed: list[Standing] = []

    class Followed:
        """As much of a floor as a roll call needs."""

        follow = followed.append

    roll = RollCall(Followed(), lambda contact_id: False)  # type: ignore[arg-type]
    desk = Desk("queued", SUPPORT, 0.0)
    first, taken_up = Standing("c", desk, revision=3), Standing("c", desk, revision=4)
    roll.said("a-1", first)
    roll.living({"b-1"})
    assert roll.orphans() == ["c"]
    roll.said("b-1", taken_up)
    roll.said("a-2", first)
    roll.said("a-2", taken_up)
    assert roll.holder("c") == "b-1"
    assert followed == [first, taken_up]
    roll.lost("a-2", "c")
    assert roll.holder("c") == "b-1"
