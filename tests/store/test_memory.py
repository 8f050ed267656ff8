"""The store in memory keeps the promises of the port, and misbehaves as asked."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.store.memory import MemoryFaults, MemoryStore
from callpark.store.ports import Defer, DeleteRow, Done, Put, RevisionConflict, SetRow, Store, StoreFailure, WorkItem
from tests.store.conformance import *  # noqa: F403
from tests.store.conformance.house import House

pytestmark = pytest.mark.sim


@pytest.fixture
async def house(clock: VirtualClock) -> AsyncIterator[House]:
    async def reopen(store: Store) -> Store:
        assert isinstance(store, MemoryStore)
        return store.crash()

    house = House(clock, MemoryStore(clock), reopen)
    yield house
    await house.store.close()


def _put(item_id: str) -> Put:
    return Put(WorkItem("q", item_id, b"", b"", 0.0))


async def test_a_crash_loses_what_was_under_way(clock: VirtualClock) -> None:
    store = MemoryStore(clock)
    await clock.run_until(store.commit([_put("kept")]))
    lost = store.commit([_put("lost")])
    following = store.crash()
    await clock.settle()
    assert lost.cancelled()
    assert [item.id for item in following.lease("q", 9)] == ["kept"]


async def test_a_delay_passes_on_the_clock(clock: VirtualClock) -> None:
    store = MemoryStore(clock, MemoryFaults(delay_seconds=10))
    start = clock.now()
    await clock.run_until(store.commit([_put("i")]))
    assert 0 < clock.now() - start <= 10


@pytest.mark.parametrize("reorder", [False, True])
async def test_later_commits_overtake_only_when_asked(clock: VirtualClock, reorder: bool) -> None:
    store = MemoryStore(clock, MemoryFaults(seed=3, delay_seconds=10, reorder=reorder))
    order: list[int] = []
    for n in range(20):
        store.commit([_put(str(n))]).add_done_callback(lambda _, n=n: order.append(n))  # type: ignore[misc]
    await clock.advance(10)
    assert sorted(order) == list(range(20))
    assert (order == list(range(20))) is not reorder


async def test_conflicts_and_failures_are_refused_whole_and_leases_stay(clock: VirtualClock) -> None:
    store = MemoryStore(clock, MemoryFaults(conflicts=1.0))
    await clock.run_until(store.commit([SetRow("t", "k", b"unconditional")]))
    with pytest.raises(RevisionConflict):
        await clock.run_until(store.commit([_put("i"), SetRow("t", "k", b"2", revision=1)]))
    assert list(store.lease("q", 9)) == []
    store = MemoryStore(clock, MemoryFaults(failures=1.0))
    with pytest.raises(StoreFailure):
        await clock.run_until(store.commit([Done("q", "i")]))


async def test_the_same_seed_misbehaves_the_same(clock: VirtualClock) -> None:
    async def history() -> list[tuple[int, float]]:
        start = clock.now()
        store = MemoryStore(clock, MemoryFaults(seed=7, delay_seconds=5, reorder=True))
        found: list[tuple[int, float]] = []
        for n in range(10):
            commit = store.commit([_put(str(n))])
            commit.add_done_callback(lambda _, n=n: found.append((n, round(clock.now() - start, 6))))  # type: ignore[misc]
        await clock.advance(5)
        return found

    assert await history() == await history()


class TestNodesThatShareAMemory:
    async def test_an_item_is_leased_to_one_of_them(self, clock: VirtualClock) -> None:
        one = MemoryStore(clock)
        two = one.another_node()
        await clock.run_until(one.commit([_put("a"), _put("b")]))
        assert [item.id for item in one.lease("q", 1)] == ["a"]
        assert [item.id for item in two.lease("q", 9)] == ["b"]
        await clock.run_until(one.commit([Defer("q", "a", b"again", clock.now() + 5)]))
        await clock.advance(5)
        assert [(item.id, item.state) for item in two.lease("q", 9)] == [("a", b"again")]
        assert list(one.lease("q", 9)) == []
        assert list(one.another_node().lease("q", 9)) == []

    @pytest.mark.parametrize("seconds", [0.0, 5.0])
    async def test_the_leases_of_one_that_dies_return_to_the_other(self, clock: VirtualClock, seconds: float) -> None:
        one = MemoryStore(clock)
        two = one.another_node()
        heard = asyncio.Event()
        await clock.run_until(one.commit([_put("a"), _put("b")]))
        two.watch("q", heard.set)
        await clock.settle()
        one.lease("q", 1)
        assert [item.id for item in two.lease("q", 9)] == ["b"]
        heard.clear()
        start = clock.now()
        one.crash(leases_last=seconds)
        await clock.run_until(heard.wait())
        assert clock.now() - start == seconds
        assert [item.id for item in two.lease("q", 9)] == ["a"]

    async def test_the_leases_of_one_that_leaves_return(self, clock: VirtualClock) -> None:
        one = MemoryStore(clock)
        two = one.another_node()
        await clock.run_until(one.commit([_put("a")]))
        one.lease("q", 1)
        await one.close()
        assert [item.id for item in two.lease("q", 9)] == ["a"]

    async def test_each_hears_of_the_others_rows(self, clock: VirtualClock) -> None:
        one = MemoryStore(clock)
        two = one.another_node()
        heard: list[str] = []
        end = two.follow("t", heard.append)
        await clock.run_until(one.commit([SetRow("t", "k", b"1"), SetRow("u", "other", b"")]))
        await clock.run_until(two.commit([SetRow("t", "own", b"")]))
        await clock.run_until(one.commit([DeleteRow("t", "k")]))
        await clock.settle()
        assert heard == ["k", "k"]
        end()
        end()
        await clock.run_until(one.commit([SetRow("t", "k", b"1")]))
        await clock.settle()
        assert heard == ["k", "k"]

    async def test_messages_reach_all_of_them(self, clock: VirtualClock) -> None:
        one = MemoryStore(clock)
        two = one.another_node()
        got: list[bytes] = []
        two.subscribe("t", got.append)
        one.subscribe("t", got.append)
        one.publish("t", b"m")
        await clock.settle()
        assert got == [b"m", b"m"]
