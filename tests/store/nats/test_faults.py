"""Servers that die, sleep, forget an answer, are full or too few: nothing is acknowledged that is not kept."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from callpark.kernel.clock import SystemClock
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import StoreLimits
from callpark.store.nats import NatsStore
from callpark.store.nats.connection import Address, Answer, Full, Unanswered
from callpark.store.ports import Defer, Done, Put, RevisionConflict, Row, SetRow, StoreFailure, WorkItem
from tests.store.nats.servers import Server, cluster, running

pytestmark = pytest.mark.process

LIMITS = replace(StoreLimits(), answer_seconds=0.4, beat_seconds=0.1, lapse_seconds=0.8, silence_seconds=1.0)
HASTY = replace(LIMITS, commit_seconds=0.6)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own, to be mistreated."""
    with running(tmp_path / "own") as server:
        yield server


@asynccontextmanager
async def opened(*servers: Server, limits: StoreLimits = LIMITS, node: str = "a") -> AsyncIterator[NatsStore]:
    where = Address(tuple(server.url for server in servers))
    store = await NatsStore.open(where, SystemClock(), SystemIds(), limits, node=node)
    store.watch("q", lambda: None)
    try:
        yield store
    finally:
        await store.close()


def put(item_id: str, body: bytes = b"") -> Put:
    return Put(WorkItem("q", item_id, body, b"new", 0.0))


async def ids_of(store: NatsStore) -> list[str]:
    return [item.id for _, item in await store.browse("q", (float("-inf"), -1), 10_000)]


async def leader_of(store: NatsStore) -> int:
    reply = await store._connection.client.request(f"$JS.API.STREAM.INFO.{store._connection.subjects.stream}")
    name = json.loads(reply.data)["cluster"]["leader"]
    return int(name.removeprefix("s"))


class Flood:
    """Commits numbered items one after the other, eight at a time, until it is stopped."""

    def __init__(self, store: NatsStore) -> None:
        self.store = store
        self.acknowledged: list[str] = []
        self._next = 0
        self._stopped = False
        self._work = [asyncio.create_task(self._run()) for _ in range(8)]

    async def _run(self) -> None:
        while not self._stopped:
            self._next += 1
            item_id = f"{self._next:05}"
            await self.store.commit([put(item_id), SetRow("t", item_id, b"1", 0)])
            self.acknowledged.append(item_id)

    async def until(self, more: int) -> None:
        wanted = len(self.acknowledged) + more
        async with asyncio.timeout(20):
            while len(self.acknowledged) < wanted:  # noqa: ASYNC110  # it counts by itself
                await asyncio.sleep(0.005)

    async def stop(self) -> None:
        self._stopped = True
        await asyncio.gather(*self._work)


async def test_a_server_that_is_killed_and_comes_back_has_all_that_was_acknowledged(own: Server) -> None:
    async with opened(own) as store:
        flood = Flood(store)
        for _ in range(3):
            await flood.until(40)
            own.kill()
            own.start()
        await flood.until(40)
        await flood.stop()
        assert await ids_of(store) == sorted(flood.acknowledged)
        assert [row.revision for row in await store.scan("t")] == [1] * len(flood.acknowledged)
        assert len(store.lease("q", 10_000)) == len(flood.acknowledged)


async def test_while_a_server_sleeps_commits_wait(own: Server) -> None:
    async with opened(own) as store:
        flood = Flood(store)
        await flood.until(10)
        with own.paused():
            await asyncio.sleep(1.0)
        await flood.until(10)
        await flood.stop()
        assert await ids_of(store) == sorted(flood.acknowledged)


async def test_a_commit_fails_when_no_server_answers_for_long_and_its_leases_are_kept(own: Server) -> None:
    async with opened(own, limits=HASTY) as store:
        await store.commit([put("i")])
        assert [item.id for item in store.lease("q", 9)] == ["i"]
        own.kill()
        with pytest.raises(StoreFailure):
            await store.commit([Done("q", "i")])
        with pytest.raises(StoreFailure):
            await store.get("t", "k")
        async with asyncio.timeout(10):
            while store._living.may_lease():  # noqa: ASYNC110  # time passes by itself
                await asyncio.sleep(0.02)
        assert list(store.lease("q", 9)) == []
        own.start()
        for _ in range(20):
            try:
                await store.commit([Done("q", "i"), put("j")])
                break
            except StoreFailure:
                continue
        async with asyncio.timeout(10):
            while not (leased := store.lease("q", 9)):  # noqa: ASYNC110  # with the next beat
                await asyncio.sleep(0.02)
        assert [item.id for item in leased] == ["j"]
        assert await ids_of(store) == ["j"]


class Forgetful:
    """The answers to some batches are lost: they are stored, or not, and nobody says so."""

    def __init__(self, store: NatsStore, lose_requests: bool) -> None:
        self.lost = 0
        self.times = 1
        self._lose_requests = lose_requests
        self._request = store._connection.request
        store._connection.request = self.request  # type: ignore[method-assign]

    async def request(self, subject: str, payload: bytes, headers: dict[str, str] | None = None) -> Answer:
        loses = self.lost < self.times and not subject.startswith("$JS") and ".m." not in subject
        if loses:
            self.lost += 1
            if not self._lose_requests:
                await self._request(subject, payload, headers)
            raise Unanswered("lost by the test")
        return await self._request(subject, payload, headers)


@pytest.mark.parametrize("lose_requests", [False, True], ids=["answers", "requests"])
async def test_a_lost_answer_is_looked_for_before_anything_is_written_again(
    where: Address, lose_requests: bool
) -> None:
    store = await NatsStore.open(where, SystemClock(), SystemIds(), LIMITS, node="a")
    store.watch("q", lambda: None)
    try:
        forgetful = Forgetful(store, lose_requests)
        await store.commit([put("i"), SetRow("t", "k", b"1", 0)])
        assert forgetful.lost == 1
        forgetful.times = 2
        await store.commit([Defer("q", "i", b"2", 5.0)])
        assert forgetful.lost == 2
        forgetful.times = 3
        await store.commit([SetRow("t", "k", b"2", 1)])
        assert forgetful.lost == 3
        assert await store.get("t", "k") == Row("k", b"2", 2)
        assert [(item.id, item.state) for item in store.lease("q", 9)] == [("i", b"2")]
        forgetful.times = 4
        await store.commit([Done("q", "i")])
        assert forgetful.lost == 4
        assert await store.count("q") == 0
        with pytest.raises(RevisionConflict):
            await store.commit([SetRow("t", "k", b"3", 1)])
    finally:
        await store.close()


async def test_a_batch_that_was_given_up_and_is_stored_all_the_same_is_worked_on(where: Address) -> None:
    """The caller was told of a failure, so nobody is owed it; but what is stored must not lie there for ever."""
    store = await NatsStore.open(where, SystemClock(), SystemIds(), replace(LIMITS, commit_seconds=0.0), node="a")
    more = asyncio.Event()
    store.watch("q", more.set)
    try:
        forgetful = Forgetful(store, lose_requests=False)
        with pytest.raises(StoreFailure):
            await store.commit([put("i", b"body")])
        assert forgetful.lost == 1
        async with asyncio.timeout(10):
            await more.wait()
        assert [(item.id, item.body) for item in store.lease("q", 9)] == [("i", b"body")]
    finally:
        await store.close()


async def test_a_full_store_refuses_and_goes_on_when_there_is_room_again(tmp_path: Path) -> None:
    section = f'jetstream {{ store_dir: "{tmp_path}/full/js", max_file_store: 2MB, sync_interval: always }}'
    with running(tmp_path / "full", jetstream=section) as server:
        async with opened(server) as store, opened(server, node="b") as other:
            acknowledged = 0

            async def fill() -> None:
                nonlocal acknowledged
                for number in range(100):
                    await store.commit([put(f"{number:03}", bytes(100_000)), SetRow("t", f"{number:03}", b"")])
                    acknowledged += 1

            with pytest.raises(StoreFailure, match="no space"):
                await fill()
            assert 5 < acknowledged < 100
            assert len(await ids_of(store)) == acknowledged
            assert len(await store.scan("t")) == acknowledged
            with pytest.raises(StoreFailure, match="no space"):
                await other.commit([put("other", bytes(100_000))])
            assert len(store.lease("q", 100)) == acknowledged, "it goes on living and leasing"
            await store.commit([Defer("q", f"{number:03}", b"again", 0.0) for number in range(acknowledged)])
            assert {item.state for item in store.lease("q", 100)} == {b"again"}
            await store.commit([Done("q", f"{number:03}") for number in range(acknowledged)])
            async with asyncio.timeout(20):
                while True:
                    try:
                        await other.commit([put("room", bytes(100_000))])
                        break
                    except StoreFailure:
                        continue
            assert await ids_of(other) == ["room"]


async def test_a_batch_that_a_full_server_has_begun_is_finished_in_the_ballasts_room(where: Address) -> None:
    store = await NatsStore.open(where, SystemClock(), SystemIds(), LIMITS, node="a")
    try:
        request, publish = store._connection.request, store._connection.publish

        async def stores_the_first_only(subject: str, payload: bytes, headers: dict[str, str] | None = None) -> Answer:
            if headers is None or "Nats-Batch-Id" not in headers:
                return await request(subject, payload, headers)
            store._connection.request, store._connection.publish = request, publish  # type: ignore[method-assign]
            await request(*first[0])
            raise Full("insufficient resources")

        first: list[tuple[str, bytes, dict[str, str]]] = []

        async def keeps(subject: str, payload: bytes, headers: dict[str, str] | None = None, reply: str = "") -> None:
            assert headers is not None
            kept = {name: value for name, value in headers.items() if not name.startswith("Nats-Batch")}
            if not first:
                first.append((subject, payload, kept))

        store._connection.request, store._connection.publish = stores_the_first_only, keeps  # type: ignore[method-assign]
        await store.commit([put("i"), SetRow("t", "k", b"1", 0), SetRow("t", "l", b"1", 0)])
        assert await ids_of(store) == ["i"]
        assert [row.revision for row in await store.scan("t")] == [1, 1]
        store.watch("q", lambda: None)
        await store.commit([SetRow("t", "k", b"2", 1), Done("q", "i")])
        assert await store.count("q") == 0
    finally:
        await store.close()


async def test_a_commit_that_no_server_takes_fails_alone(where: Address) -> None:
    store = await NatsStore.open(where, SystemClock(), SystemIds(), LIMITS, node="a")
    try:
        huge = Put(WorkItem("q", "huge", b"", bytes(2_000_000), 0.0))
        commits = [store.commit([put("before")]), store.commit([put("with it"), huge]), store.commit([put("after")])]
        ended = await asyncio.gather(*commits, return_exceptions=True)
        assert isinstance(ended[1], StoreFailure)
        assert (ended[0], ended[2]) == (None, None)
        assert await ids_of(store) == ["before", "after"]
    finally:
        await store.close()


async def test_an_operators_bound_stays_when_the_store_learns_more_subjects(where: Address) -> None:
    store = await NatsStore.open(where, SystemClock(), SystemIds(), LIMITS, node="a")
    stream = store._connection.subjects.stream

    async def configuration() -> dict[str, object]:
        reply = await store._connection.client.request(f"$JS.API.STREAM.INFO.{stream}")
        found: dict[str, object] = json.loads(reply.data)["config"]
        return found

    try:
        subjects = store._connection.subjects.kept()
        older = {**await configuration(), "max_bytes": 50_000_000, "subjects": subjects[:-1]}
        await store._connection.client.request(f"$JS.API.STREAM.UPDATE.{stream}", json.dumps(older).encode())
        assert (await configuration())["subjects"] == subjects[:-1]
        await (await NatsStore.open(where, SystemClock(), SystemIds(), LIMITS, node="b")).close()
        found = await configuration()
        assert found["max_bytes"] == 50_000_000
        assert sorted(map(str, found["subjects"])) == sorted(subjects)  # type: ignore[call-overload]
    finally:
        await store.close()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    with cluster(tmp_path_factory.mktemp("three")) as servers:
        yield servers


class TestThreeServers:
    async def test_the_leader_may_die(self, servers: list[Server]) -> None:
        async with opened(*servers) as store, opened(*servers, node="b") as other:
            assert store._blobs._replicas == 3
            digest = await store.put_blob(b"code" * 100_000)
            flood = Flood(store)
            await flood.until(30)
            leader = servers[await leader_of(store)]
            leader.kill()
            await flood.until(30)
            leader.start()
            await flood.until(30)
            await flood.stop()
            assert await ids_of(store) == sorted(flood.acknowledged)
            assert await other.get_blob(digest) == b"code" * 100_000
            assert len(store.lease("q", 10_000)) == len(flood.acknowledged), "nobody was put out meanwhile"

    async def test_without_most_of_them_nothing_is_acknowledged(self, servers: list[Server]) -> None:
        async with opened(*servers, limits=HASTY) as store:
            await store.commit([put("before")])
            for server in servers[:2]:
                server.kill()
            with pytest.raises(StoreFailure):
                await store.commit([put("without")])
            async with asyncio.timeout(10):
                while store._living.may_lease():  # noqa: ASYNC110  # until it knows that it is cut off
                    await asyncio.sleep(0.02)
            assert list(store.lease("q", 9)) == []
            for server in servers[:2]:
                server.start()
            async with asyncio.timeout(30):
                while True:  # also what is read may be refused while the last servers come back
                    try:
                        await store.commit([put("after")])
                        found = await ids_of(store)
                        break
                    except StoreFailure:
                        continue
            assert {"before", "after"} <= set(found)

    async def test_a_node_joins_only_when_most_servers_are_there(self, servers: list[Server]) -> None:
        for server in servers[1:]:
            server.send(signal.SIGSTOP)
        where, limits = Address((servers[0].url,)), replace(LIMITS, start_seconds=1.5)
        try:
            with pytest.raises(ProjectError, match=r"does not answer|cannot be joined"):
                await NatsStore.open(where, SystemClock(), SystemIds(), limits, node="c")
        finally:
            for server in servers[1:]:
                server.send(signal.SIGCONT)
