"""Servers that are late, few, deaf or wrong when a node starts."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from callpark.kernel.clock import SystemClock
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import StoreLimits
from callpark.store.nats import NatsStore
from callpark.store.nats.arrival import Patience, prepare
from callpark.store.nats.connection import Address, Answer
from callpark.store.nats.subjects import Subjects
from callpark.store.ports import SetRow
from tests.store.nats.servers import Server, clustered, free_port, running

pytestmark = pytest.mark.process

#: Long enough that a test that waited for it would be seen to.
PATIENT = replace(StoreLimits(), answer_seconds=0.4, start_seconds=50.0)
HASTY = replace(PATIENT, start_seconds=0.3)
_AT_ONCE = 10.0


async def opened(where: Address, limits: StoreLimits, replicas: int | None = None) -> NatsStore:
    return await NatsStore.open(where, SystemClock(), SystemIds(), limits, node="a", replicas=replicas)


async def refused_at_once(where: Address) -> ProjectError:
    """Patience would end much later."""
    async with asyncio.timeout(_AT_ONCE):
        with pytest.raises(ProjectError) as refused:
            await opened(where, PATIENT)
    return refused.value


class Said(logging.Handler):
    """What nodes say while they wait."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put_nowait(record.getMessage())


@pytest.fixture
def said() -> Iterator[Said]:
    handler, logger = Said(), logging.getLogger("callpark")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


class TestWaiting:
    async def test_a_server_that_starts_late(self, tmp_path: Path, said: Said) -> None:
        server = Server(tmp_path / "late")
        opening = asyncio.create_task(opened(Address((server.url,)), PATIENT))
        try:
            async with asyncio.timeout(20):
                line = await said.lines.get()
            assert f"waiting for the NATS servers at 127.0.0.1:{server.port}, " in line
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(20):
                store = await opening
            await store.commit([SetRow("t", "k", b"v")])
            await store.close()
        finally:
            opening.cancel()
            server.remove()

    async def test_servers_without_a_leader_and_then_with_three_replicas(self, tmp_path: Path, said: Said) -> None:
        servers = clustered(tmp_path)
        where = Address(tuple(server.url for server in servers))
        opening = None
        try:
            await asyncio.to_thread(servers[0].start)
            opening = asyncio.create_task(opened(where, PATIENT))
            async with asyncio.timeout(20):
                assert "waiting for the NATS servers" in await said.lines.get()
            for server in servers[1:]:
                await asyncio.to_thread(server.start)
            async with asyncio.timeout(40):
                store = await opening
            assert store._blobs._replicas == 3
            await store.close()
        finally:
            if opening is not None:
                opening.cancel()
            for server in servers:
                server.remove()

    async def test_it_ends_with_what_is_wrong(self) -> None:
        port = free_port()
        with pytest.raises(ProjectError, match=rf"no NATS server answers at 127\.0\.0\.1:{port}: .*refused|failed"):
            await opened(Address((f"nats://127.0.0.1:{port}",)), HASTY)

    async def test_a_name_that_nobody_knows(self) -> None:
        with pytest.raises(ProjectError, match=r"no NATS server answers at nobody\.invalid:4222"):
            await opened(Address(("nats://nobody.invalid:4222",)), HASTY)

    async def test_a_server_that_sleeps(self, tmp_path: Path) -> None:
        with (
            running(tmp_path / "sleepy") as server,
            server.paused(),
            pytest.raises(ProjectError, match="no NATS server answers"),
        ):
            await opened(Address((server.url,)), HASTY)


class Servers:
    """Three that are asked as `Connection` asks them, of which `present` would keep a stream."""

    def __init__(self, present: int) -> None:
        self.subjects = Subjects("default")
        self.client = SimpleNamespace(servers=[1, 2, 3])
        self.present = present

    async def answer(self, subject: str, payload: bytes) -> Answer:
        if "STREAM.INFO" in subject:
            return Answer(error=Answer.Error(404, 10059, "stream not found"))
        if json.loads(payload)["num_replicas"] > self.present:
            return Answer(error=Answer.Error(400, 10005, "no suitable peers for placement"))
        return Answer()


class TestReplicas:
    WHERE = Address(("nats://a:1", "nats://b:1", "nats://c:1"))

    async def prepared(self, servers: Servers, seconds: float, replicas: int | None = None) -> int:
        return await prepare(servers, self.WHERE, Patience(self.WHERE, seconds), replicas)  # type: ignore[arg-type]

    async def test_three_are_waited_for(self, said: Said) -> None:
        servers = Servers(2)
        preparing = asyncio.create_task(self.prepared(servers, 50.0))
        async with asyncio.timeout(20):
            assert "3 replicas: no suitable peers" in await said.lines.get()
        servers.present = 3
        assert await preparing == 3

    async def test_two_keep_it_at_the_end_and_say_so(self, said: Said) -> None:
        assert await self.prepared(Servers(2), 0.0) == 2
        line = said.lines.get_nowait()
        assert "only 2 of the NATS servers" in line
        assert "--store-replicas 3" in line

    async def test_what_was_asked_for_is_not_made_less(self) -> None:
        with pytest.raises(ProjectError, match="cannot have 3 replicas"):
            await self.prepared(Servers(2), 0.0, replicas=3)


class TestRefusing:
    async def test_a_server_without_jetstream(self, tmp_path: Path) -> None:
        with running(tmp_path / "plain", jetstream=" ") as server:
            assert "without JetStream" in str(await refused_at_once(Address((server.url,))))

    async def test_a_wrong_password(self, tmp_path: Path) -> None:
        folder = tmp_path / "closed"
        secured = f'jetstream {{ store_dir: "{folder}/js" }}\nauthorization {{ user: u, password: right }}'
        with running(folder, jetstream=secured) as server:
            wrong = server.url.replace("//", "//u:wrong@")
            refusal = await refused_at_once(Address((wrong,)))
        assert "do not let this node in" in str(refusal)
        assert "wrong" not in f"{refusal} {refusal.remedy}".replace("what is wrong", "")

    async def test_an_account_without_jetstream(self, tmp_path: Path) -> None:
        folder = tmp_path / "accounts"
        accounts = (
            f'jetstream {{ store_dir: "{folder}/js" }}\n'
            "accounts { A { jetstream: enabled, users: [{user: a, password: a}] }, "
            "B { users: [{user: b, password: b}] } }"
        )
        with running(folder, jetstream=accounts) as server:
            refusal = await refused_at_once(Address((server.url.replace("//", "//b:b@"),)))
        assert "JetStream" in str(refusal)

    async def test_tls_that_the_server_does_not_speak(self, tmp_path: Path) -> None:
        with running(tmp_path / "plain") as server:
            refusal = await refused_at_once(Address((server.url.replace("nats://", "tls://"),)))
        assert "speaks no TLS" in str(refusal)

    async def test_servers_that_are_no_cluster(self, tmp_path: Path) -> None:
        with running(tmp_path / "one") as one, running(tmp_path / "two") as two:
            assert "are not one cluster" in str(await refused_at_once(Address((one.url, two.url))))

    async def test_more_replicas_than_servers(self, server: Server) -> None:
        where = Address((server.url,), "replicas")
        async with asyncio.timeout(_AT_ONCE):
            with pytest.raises(ProjectError, match="cannot have 3 replicas"):
                await opened(where, PATIENT, replicas=3)

    async def test_a_server_that_is_too_old(self) -> None:
        async with scripted(b'INFO {"server_id":"x","version":"2.11.9","headers":true,"max_payload":1048576}') as port:
            refusal = await refused_at_once(Address((f"nats://127.0.0.1:{port}",)))
        assert "is 2.11; callpark needs 2.12" in str(refusal)


@contextlib.asynccontextmanager
async def scripted(info: bytes) -> AsyncIterator[int]:
    """The port of what says to be a server, and answers pings."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(info + b"\r\n")
        with contextlib.suppress(OSError):
            async for line in reader:
                if line.startswith(b"PING"):
                    writer.write(b"PONG\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
