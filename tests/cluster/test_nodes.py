"""Nodes that come, go, stop and lose the network, in virtual time: at most one acts for a thing at any instant."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.cluster.node import Node
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ClusterLimits
from callpark.store.memory import MemoryStore
from tests.cluster.simulation import Simulated

pytestmark = pytest.mark.sim

KEYS = [("queue", f"q{n}") for n in range(12)]


class Cluster:
    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.store = MemoryStore(clock)
        self.nodes: list[Simulated] = []
        self._made = 0

    async def add(self) -> Simulated:
        self._made += 1
        node = Simulated(self._made, self.clock, self.store, KEYS, self._made)
        self.nodes.append(node)
        await self.clock.run_until(node.up())
        return node

    def actors(self) -> dict[tuple[str, str], list[str]]:
        return {key: [each.node.me.name for each in self.nodes if each.acts(key)] for key in KEYS}

    def check(self) -> None:
        for key, actors in self.actors().items():
            assert len(actors) <= 1, f"{key} has several owners: {actors}"

    async def run(self, seconds: float, step: float = 0.1) -> None:
        for _ in range(round(seconds / step)):
            await self.clock.advance(step)
            self.check()

    async def complete(self, seconds: float) -> float:
        """How long until everything has an owner again."""
        began = self.clock.now()
        while not all(len(actors) == 1 for actors in self.actors().values()):
            assert self.clock.now() < began + seconds, self.actors()
            await self.run(0.1)
        return self.clock.now() - began

    async def close(self) -> None:
        for each in self.nodes:
            each.machine.resume()
            await each.node.close()
        await self.store.close()


async def test_one_node_alone_owns_everything(clock: VirtualClock) -> None:
    cluster = Cluster(clock)
    await cluster.add()
    assert set(map(tuple, cluster.actors().values())) == {("n1",)}
    await cluster.run(10)
    await cluster.close()


async def test_three_share_and_a_death_is_made_up_for_within_four_seconds(clock: VirtualClock) -> None:
    cluster = Cluster(clock)
    for _ in range(3):
        await cluster.add()
    await cluster.complete(2)
    assert {actors[0] for actors in cluster.actors().values()} == {"n1", "n2", "n3"}
    await cluster.nodes[1].die()
    assert await cluster.complete(6) <= 4.0
    await cluster.close()


async def test_who_leaves_hands_over_without_a_gap_in_time(clock: VirtualClock) -> None:
    cluster = Cluster(clock)
    for _ in range(3):
        await cluster.add()
    began = clock.now()
    await clock.run_until(cluster.nodes[0].node.leave())
    assert clock.now() - began < 1.0
    await cluster.nodes[0].node.close()
    assert await cluster.complete(2) < 1.0
    await cluster.close()


async def test_a_node_that_was_stopped_comes_back_as_another_life(clock: VirtualClock) -> None:
    cluster = Cluster(clock)
    for _ in range(3):
        await cluster.add()
    stopped = cluster.nodes[2]
    former = stopped.node.me.id
    stopped.machine.paused = True
    await cluster.run(10)
    assert stopped.node.me.id == former
    stopped.machine.resume()
    cluster.check()
    await cluster.run(5)
    assert stopped.node.me.id != former
    assert stopped.node.standing.member
    await cluster.complete(5)
    await cluster.close()


async def test_a_node_without_network_stops_acting_before_others_begin(clock: VirtualClock) -> None:
    cluster = Cluster(clock)
    for _ in range(3):
        await cluster.add()
    cluster.nodes[0].machine.cut = True
    await cluster.run(10)
    assert not any("n1" in actors for actors in cluster.actors().values())
    cluster.nodes[0].machine.cut = False
    await cluster.run(5)
    assert any("n1" in actors for actors in cluster.actors().values())
    await cluster.close()


async def test_who_was_cut_off_comes_back_without_leaving_out_those_whom_it_has_not_heard(clock: VirtualClock) -> None:
    cluster = Cluster(clock)
    for _ in range(3):
        await cluster.add()
    for number, cut in enumerate(cluster.nodes):
        others = [each.node.me.id for each in cluster.nodes if each is not cut]
        cut.machine.cut = True
        await cluster.run(10 + number)
        cut.machine.cut = False
        await cluster.run(5)
        assert [each.node.me.id for each in cluster.nodes if each is not cut] == others
        assert cut.node.standing.member
    await cluster.close()


async def test_two_nodes_survive_the_death_of_one(clock: VirtualClock) -> None:
    cluster = Cluster(clock)
    await cluster.add()
    await cluster.add()
    await cluster.nodes[0].die()
    assert await cluster.complete(6) <= 4.0
    await cluster.close()


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["join", "kill", "pause", "resume", "cut", "mend", "leave", "wait"]),
        st.integers(0, 4),
        st.floats(0.0, 6.0),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=_STEPS)
async def test_at_most_one_acts_whatever_happens(steps: list[tuple[str, int, float]]) -> None:
    cluster = Cluster(VirtualClock())
    for _ in range(3):
        await cluster.add()
    for what, number, seconds in steps:
        living = [each for each in cluster.nodes if not each.machine.dead]
        node = living[number % len(living)]
        sound = [each for each in living if not (each.machine.cut or each.machine.paused)]
        match what:
            case "join" if len(sound) > len(living) / 2 and len(living) < 6:
                await cluster.add()
            case "kill" if len(sound) > 2 and node in sound:
                await node.die()
            case "pause" if len(sound) > 2:
                node.machine.paused = True
            case "resume":
                node.machine.resume()
            case "cut" if len(sound) > 2:
                node.machine.cut = True
            case "mend":
                node.machine.cut = False
            case "leave" if len(sound) > 2 and node in sound:
                await cluster.clock.run_until(node.node.leave())
                await node.die()
        cluster.check()
        await cluster.run(seconds, 0.25)
    for each in cluster.nodes:
        each.machine.cut = False
        each.machine.resume()
    await cluster.run(8, 0.25)
    await cluster.complete(8)
    await cluster.close()


async def test_a_node_that_does_not_speak_the_protocol_is_refused_and_both_are_named(clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    newer = Node(store, clock, SeededIds(1), ClusterLimits(), name="new", url="http://new", version="2.0", protocol=2)
    await clock.run_until(newer.start())
    await clock.run_until(newer.join())
    assert newer.view.protocol == 2
    older = Node(store, clock, SeededIds(2), ClusterLimits(), name="old", url="http://old", version="1.0", protocol=1)
    with pytest.raises(ProjectError, match=r"old \(callpark 1.0\) speaks protocol 1, .* version 2.0, protocol 2"):
        await clock.run_until(older.start())
    await newer.close()
    older = Node(store, clock, SeededIds(3), ClusterLimits(), name="old", url="http://old", version="1.0", protocol=1)
    with pytest.raises(ProjectError, match="protocol 2"):
        await clock.run_until(older.start())
    await store.close()
