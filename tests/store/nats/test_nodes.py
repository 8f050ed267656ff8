"""Several nodes on one store: who leases what, what becomes of a node's leases, what each hears of the others."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import StoreLimits
from callpark.store.nats import NatsStore
from callpark.store.nats.connection import Address
from callpark.store.nats.index import Entry
from callpark.store.ports import Defer, DeleteRow, Done, Put, RevisionConflict, SetRow, StoreFailure, WorkItem

pytestmark = pytest.mark.process

PATIENT = StoreLimits()
QUICK = replace(StoreLimits(), beat_seconds=0.05, lapse_seconds=0.3, silence_seconds=0.4, preference_seconds=0.02)


@asynccontextmanager
async def nodes(where: Address, *names: str, limits: StoreLimits = PATIENT) -> AsyncIterator[list[NatsStore]]:
    async with AsyncExitStack() as stack:
        stores = []
        for name in names:
            store = await NatsStore.open(where, SystemClock(), SystemIds(), limits, node=name)
            stack.push_async_callback(store.close)
            stores.append(store)
        yield stores


def put(item_id: str, after: float = 0.0, queue: str = "q") -> Put:
    return Put(WorkItem(queue, item_id, b"body of " + item_id.encode(), b"new", SystemClock().now() + after))


class Worker:
    """Watches a queue and leases whatever it can."""

    def __init__(self, store: NatsStore, queue: str = "q", room: int = 1_000) -> None:
        self.store = store
        self.queue = queue
        self.room = room
        self.leased: list[WorkItem] = []
        self._more = asyncio.Event()
        self.end = store.watch(queue, self._ready)

    @property
    def ids(self) -> list[str]:
        return [item.id for item in self.leased]

    def _ready(self) -> None:
        found = self.store.lease(self.queue, max(0, self.room - len(self.leased)))
        self.leased += found
        if found:
            self._more.set()

    async def until(self, wanted: int) -> None:
        async with asyncio.timeout(10):
            while len(self.leased) < wanted:
                self._more.clear()
                await self._more.wait()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # what servers and other nodes do is no event here
            await asyncio.sleep(0.005)


async def kill(store: NatsStore) -> None:
    """The node dies without a word."""
    store._closed = True
    store._living.stop()
    store._follower.stop()
    await store._taking.close()
    store._queues.close()
    await store._tasks.aclose()
    await store._connection.client.close()


class TestLeases:
    async def test_who_puts_into_a_queue_that_it_serves_leases(self, where: Address) -> None:
        async with nodes(where, "a", "b") as (a, b):
            first, second = Worker(a), Worker(b)
            await a.commit([put("one"), put("two")])
            await b.commit([put("three")])
            await first.until(2)
            await second.until(1)
            assert (first.ids, second.ids) == (["one", "two"], ["three"])

    async def test_what_a_node_puts_that_does_not_serve_the_queue_goes_to_one_that_does(self, where: Address) -> None:
        async with nodes(where, "a", "b") as (a, b):
            worker = Worker(b)
            await a.commit([put(str(n)) for n in range(20)])
            await worker.until(20)
            assert sorted(worker.ids, key=int) == [str(n) for n in range(20)]
            assert {item.body for item in worker.leased} == {f"body of {n}".encode() for n in range(20)}
            await b.commit([Done("q", str(n)) for n in range(20)])
            async with asyncio.timeout(10):
                while await a.count("q"):  # noqa: ASYNC110  # another node's count follows soon, by itself
                    await asyncio.sleep(0.01)

    async def test_an_item_is_leased_once_by_many_that_want_it(self, where: Address) -> None:
        async with nodes(where, "a", "b", "c", "d") as (a, *others):
            workers = [Worker(store) for store in others]
            for start in range(0, 200, 20):
                await a.commit([put(str(n)) for n in range(start, start + 20)])
            await until(lambda: sum(len(worker.leased) for worker in workers) == 200)
            assert sorted(int(i) for worker in workers for i in worker.ids) == list(range(200))
            assert all(worker.leased for worker in workers), "each has some"

    async def test_a_backlog_is_shared_with_a_node_that_has_room(self, where: Address) -> None:
        async with nodes(where, "a", "b", limits=replace(StoreLimits(), claim_items=4)) as (a, b):
            full, idle = Worker(a, room=1), Worker(b)
            await a.commit([put(f"{n:02}") for n in range(30)])
            await until(lambda: len(idle.leased) >= 20)
            assert full.ids == ["00"]
            assert len(set(idle.ids) | set(full.ids)) == len(idle.ids) + 1

    async def test_a_queue_that_changes_hands_goes_on_with_all_its_items(self, where: Address) -> None:
        async with nodes(where, "a", "b") as (a, b):
            former = Worker(a, room=1)
            await a.commit([put("leased"), put("waits"), put("later", 0.3)])
            await former.until(1)
            former.end()
            following = Worker(b)
            await following.until(2)
            assert following.ids == ["waits", "later"]
            await a.commit([Defer("q", "leased", b"again", 0.0)])
            await following.until(3)
            assert following.leased[2].state == b"again"

    async def test_a_queue_that_comes_back_at_once_was_not_given_away(self, where: Address) -> None:
        async with nodes(where, "a", "b") as (a, b):
            await b.commit([])
            Worker(a, room=0).end()
            worker = Worker(a)
            await a.commit([put("one")])
            await worker.until(1)


class TestWithdrawing:
    async def test_what_is_taken_while_the_queue_changes_hands_does_not_stay_behind(self, where: Address) -> None:
        async with nodes(where, "a", "b", limits=replace(PATIENT, claim_items=1_000)) as (a, b):
            await b.commit([put(f"{n:03}") for n in range(600)])
            await until(lambda: a._known.index.count("q") == 600)
            contents, pages = a._lookups.contents, 0
            former = Worker(a, room=0)

            async def between(page: Sequence[Entry]) -> dict[Entry, WorkItem]:
                nonlocal pages
                pages += 1
                if pages == 2:
                    former.end()
                    await until(lambda: a._known.withdrawn_at("q") > 0)
                return await contents(page)

            a._taking._lookups.contents = between  # type: ignore[assignment, method-assign]
            await until(lambda: pages > 1)
            following = Worker(b)
            await following.until(600)
            assert len(set(following.ids)) == 600


class TestDeath:
    async def test_the_items_of_a_dead_node_come_to_the_others(self, where: Address) -> None:
        async with nodes(where, "b", limits=QUICK) as (b,):
            dying = await NatsStore.open(where, SystemClock(), SystemIds(), QUICK, node="a")
            worker = Worker(dying, room=1)
            await dying.commit([put("leased"), put("waited"), put("later", 0.2)])
            await worker.until(1)
            survivor = Worker(b)
            await kill(dying)
            await survivor.until(3)
            assert sorted(survivor.ids) == ["later", "leased", "waited"]

    async def test_what_a_node_leaves_is_taken_at_once(self, where: Address) -> None:
        async with nodes(where, "b") as (b,):
            survivor = Worker(b)
            leaving = await NatsStore.open(where, SystemClock(), SystemIds(), StoreLimits(), node="a")
            worker = Worker(leaving)
            await leaving.commit([put("one")])
            await worker.until(1)
            await leaving.close()
            async with asyncio.timeout(2.0):
                await survivor.until(1)

    async def test_who_comes_back_under_its_name_has_its_items_at_once(self, where: Address) -> None:
        async with nodes(where, "b") as (b,):
            former = await NatsStore.open(where, SystemClock(), SystemIds(), StoreLimits(), node="a")
            worker = Worker(former)
            await former.commit([put("one")])
            await worker.until(1)
            await kill(former)
            async with nodes(where, "a") as (again,), asyncio.timeout(2.0):
                await Worker(again).until(1)
            assert await b.count("q") == 1

    async def test_of_two_with_one_name_the_former_stops(self, where: Address) -> None:
        async with nodes(where, "a", limits=QUICK) as (former,), nodes(where, "a") as (following,):
            await following.commit([put("one")])
            await until(lambda: former._living.replaced)
            with pytest.raises(StoreFailure):
                await former.commit([put("two")])
            assert list(former.lease("q", 9)) == []

    async def test_a_silent_node_is_put_out_and_does_no_harm_when_it_comes_back(self, where: Address) -> None:
        async with nodes(where, "a", "b", limits=QUICK) as (a, b):
            first = Worker(a)
            await a.commit([put("one"), put("two")])
            await first.until(2)
            a._living._limits = replace(QUICK, beat_seconds=3_600.0)  # it beats once more, then it is silent
            second = Worker(b)
            await second.until(2)
            await b.commit([Defer("q", "one", b"of b", SystemClock().now() + 3_600), Done("q", "two")])
            await a.commit([Done("q", "one"), SetRow("t", "result", b"of a")])
            found = await b.find("q", "one")
            assert found is not None
            assert found.state == b"of b"
            assert await b.get("t", "result") is not None, "only what concerns the lost lease does nothing"


class TestRows:
    async def test_of_racing_nodes_one_wins_each_revision(self, where: Address) -> None:
        async with nodes(where, "a", "b", "c") as stores:

            async def count(store: NatsStore) -> None:
                counted = 0
                while counted < 10:
                    row = await store.get("t", "n")
                    value, revision = (int(row.value), row.revision) if row else (0, 0)
                    try:
                        await store.commit([SetRow("t", "n", str(value + 1).encode(), revision)])
                        counted += 1
                    except RevisionConflict:
                        pass

            await asyncio.gather(*map(count, stores))
            row = await stores[0].get("t", "n")
            assert row is not None
            assert (row.value, row.revision) == (b"30", 30)

    async def test_unconditional_writes_of_two_nodes_all_count(self, where: Address) -> None:
        async with nodes(where, "a", "b") as (a, b):
            await asyncio.gather(*(store.commit([SetRow("t", "k", b"v")]) for _ in range(20) for store in (a, b)))
            row = await a.get("t", "k")
            assert row is not None
            assert row.revision == 40

    async def test_each_hears_of_the_others_rows(self, where: Address) -> None:
        async with nodes(where, "a", "b") as (a, b):
            heard: asyncio.Queue[str] = asyncio.Queue()
            end = b.follow("t", heard.put_nowait)
            await b.commit([SetRow("t", "own", b"")])
            await a.commit([SetRow("t", "k/1", b"1"), SetRow("other", "k", b"")])
            while await heard.get() != "k/1":
                pass
            await a.commit([DeleteRow("t", "k/1")])
            assert await heard.get() == "k/1"
            assert await b.get("t", "k/1") is None
            end()
            await a.commit([SetRow("t", "k/2", b"1")])
            assert heard.empty()

    async def test_what_one_has_written_the_other_reads(self, where: Address) -> None:
        async with nodes(where, "a", "b") as (a, b):
            for n in range(30):
                await a.commit([SetRow("t", f"k/{n}", str(n).encode()), put(str(n), 60)])
                assert len(await b.scan("t", "k/")) == n + 1
                found = await b.find("q", str(n))
                assert found is not None


class TestTopics:
    async def test_messages_reach_all_nodes_in_the_order_of_their_maker(self, where: Address) -> None:
        async with nodes(where, "a", "b") as (a, b):
            got: dict[str, list[bytes]] = {"a": [], "b": []}
            a.subscribe("t", got["a"].append)
            b.subscribe("t", got["b"].append)
            for n in range(100):
                a.publish("t", str(n).encode())
            a.publish("u", b"of another topic")
            await until(lambda: len(got["b"]) >= 100 and len(got["a"]) >= 100)
            assert got["a"] == got["b"] == [str(n).encode() for n in range(100)]
