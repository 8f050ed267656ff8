"""One floor for the contacts of all nodes, in virtual time, with nodes that die and come."""

import contextlib

import pytest

from callpark.flows.contact import Target
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


async def test_queues_are_the_same_whichever_node_is_asked(clock: VirtualClock) -> None:
    async with several(clock, 2) as at:
        for branch in at.branches:
            await at.begin(branch)
        await clock.advance(1.0)
        for branch in at.branches:
            measured = await clock.run_until(branch.flows.switchboard.measure([SUPPORT]))
            assert len(measured.since) == 2


@pytest.mark.parametrize("seed", range(6))
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
