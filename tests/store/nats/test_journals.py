"""Journals on real servers: what other nodes see of them, what becomes of those of dead nodes, what is left behind."""

import asyncio
from dataclasses import replace

import pytest

from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.store.nats import NatsStore, recovery
from callpark.store.nats.connection import Address, Unanswered
from callpark.store.nats.records import NOBODY, ItemHead
from callpark.store.ports import BEFORE_ALL, Defer, Done, Put, SetRow
from tests.store.nats.test_nodes import QUICK, Worker, kill, nodes, put, until

pytestmark = pytest.mark.process

#: What is put has a message of its own with the next look at the journal.
SHORT = replace(QUICK, journal_bytes=-1)


async def written(store: NatsStore) -> dict[str, str]:
    """The items that have messages of their own, and who holds them."""
    subjects = store._connection.subjects
    found = await store._reader.all(f"{subjects._items}>")
    heads = {subjects.item_of(message.subject)[1]: message.head for message in found}
    return {item_id: head.holder for item_id, head in heads.items() if isinstance(head, ItemHead)}


async def records(store: NatsStore) -> int:
    return len(await store._reader.all(store._connection.subjects.journals))


async def die_with(where: Address, *puts: Put) -> str:
    """A node that dies with these items in its journal; its holder name."""
    dying = await NatsStore.open(where, SystemClock(), SystemIds(), QUICK, node="dying")
    Worker(dying, room=1)
    for each in puts:
        await dying.commit([each])
    await kill(dying)
    return dying._known.holder


async def test_what_is_done_soon_is_never_an_item_of_the_stream(where: Address) -> None:
    async with nodes(where, "a", "b") as (a, b):
        worker = Worker(a)
        for n in range(20):
            await a.commit([put(str(n))])
        await worker.until(20)
        assert await written(b) == {}
        await a.commit([Done("q", item_id) for item_id in worker.ids])
        assert await b.count("q") == 0
        async with asyncio.timeout(10):
            while await records(b) > 1:  # noqa: ASYNC110  # the last one stays
                await asyncio.sleep(0.05)


async def test_another_node_finds_what_is_in_a_journal(where: Address) -> None:
    async with nodes(where, "a", "b") as (a, b):
        Worker(a, room=1)
        await a.commit([put("one"), put("two", 1.0), put("far", 3_600.0)])
        await a.commit([put("other", queue="unserved")])
        assert await written(a) == {"far": a._known.holder, "other": NOBODY}
        found = await b.find("q", "two")
        assert found is not None
        assert found.body == b"body of two"
        assert await b.find("q", "three") is None
        await until(lambda: b._known.index.count("q") == 1)
        assert await b.count("q") == 3
        assert await b.count("q", SystemClock().now()) == 1
        page = await b.browse("q", BEFORE_ALL, 2)
        assert [item.id for _, item in page] == ["one", "two"]
        assert [item.id for _, item in await b.browse("q", page[-1][0], 9)] == ["far"]
        assert list(await b.queues()) == ["q", "unserved"]


async def test_what_stays_is_written_down_and_goes_on_where_it_is(where: Address) -> None:
    async with nodes(where, "a", "b", limits=SHORT) as (a, b):
        worker = Worker(a, room=1)
        await a.commit([put("leased"), put("waits", 0.5)])
        await worker.until(1)
        async with asyncio.timeout(10):
            while len(await written(b)) < 2:  # noqa: ASYNC110  # the journal is looked at by and by
                await asyncio.sleep(0.02)
        assert await written(b) == dict.fromkeys(("leased", "waits"), a._known.holder)
        worker.room = 9
        await a.commit([Defer("q", "leased", b"again", 0.0)])
        worker._ready()
        await worker.until(3)
        assert [(item.id, item.state) for item in worker.leased[1:]] == [("leased", b"again"), ("waits", b"new")]
        await a.commit([Done("q", "leased"), Done("q", "waits")])
        assert await written(b) == {}
        assert await a.count("q") == 0


async def test_a_node_that_was_taken_for_dead_writes_no_more_into_its_journal(where: Address) -> None:
    async with nodes(where, "a", "b", limits=QUICK) as (a, b):
        first = Worker(a)
        await a.commit([put("one"), put("two")])
        await first.until(2)
        life = a._known.holder
        a._living._limits = replace(QUICK, beat_seconds=3_600.0)  # it beats once more, then it is silent
        second = Worker(b)
        await second.until(2)
        await a.commit([Done("q", "one"), SetRow("t", "result", b"of a")])
        await b.commit([Defer("q", "one", b"of b", SystemClock().now() + 3_600)])
        await a.commit([Put(put("three").item)])
        found = await b.find("q", "one")
        assert found is not None
        assert found.state == b"of b"
        assert await b.get("t", "result") is not None
        assert await b.find("q", "three") is not None, "it is no worse off without a journal"
        assert life not in b._known.openings.holders()


async def test_what_it_has_finished_meanwhile_is_done(where: Address) -> None:
    async with nodes(where, "a", "b", limits=QUICK) as (a, b):
        worker = Worker(a)
        await a.commit([put("one"), put("two")])
        await worker.until(2)
        life = a._known.holder
        await until(lambda: life in b._known.openings.holders())
        a._living._limits = replace(QUICK, beat_seconds=3_600.0)
        await until(lambda: life not in b._known.openings.holders())
        await a.commit([Done("q", "one"), Defer("q", "two", b"again", SystemClock().now() + 3_600)])
        assert set(await written(b)) == {"two"}
        assert worker.ids == ["one", "two"]


async def test_two_that_write_one_journal_down_write_each_item_once(
    where: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_AT_ONCE", 2)
    async with nodes(where, "a", "b", limits=QUICK) as (a, b):
        holder = await die_with(where, *(put(str(n)) for n in range(9)))
        await until(lambda: not {holder} & (a._known.membership.living() | b._known.membership.living()))
        await asyncio.gather(*(store._recovery._try(holder) for store in (a, b) for _ in range(2)))
        await until(lambda: not a._known.orphans() and not b._known.orphans())
        assert await written(a) == dict.fromkeys(map(str, range(9)), holder)
        workers = [Worker(a), Worker(b)]
        await until(lambda: sum(len(worker.leased) for worker in workers) == 9)
        assert sorted(item_id for worker in workers for item_id in worker.ids) == [str(n) for n in range(9)]


async def test_what_was_written_down_and_done_before_the_rest_does_not_come_again(
    where: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who writes a journal down dies in the middle; what was free by then is worked off before somebody goes on."""
    monkeypatch.setattr(recovery, "_AT_ONCE", 2)
    holder = await die_with(where, *(put(str(n)) for n in range(5)))
    async with nodes(where, "a", limits=QUICK) as (a,):
        await a._recovery.close()
        parts = a._recovery._write
        times = 0

        async def fail_later(*some: object) -> int:
            nonlocal times
            times += 1
            if times == 2:
                raise Unanswered("the test has ended it")
            return await parts(*some)  # type: ignore[arg-type]

        if not await written(a):
            monkeypatch.setattr(a._recovery, "_write", fail_later)
            await a._recovery._try(holder)
        first = await written(a)
        worker = Worker(a)
        await a.commit([Done("q", item_id) for item_id in first])
        async with nodes(where, "b", limits=QUICK) as (b,):
            await until(lambda: not b._known.orphans() and not a._known.orphans())
            rest = Worker(b)
            await until(lambda: len({*worker.ids, *rest.ids}) == 5 - len(first))
            assert not {*worker.ids, *rest.ids} & set(first)
