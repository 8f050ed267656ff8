"""Networks that carry nothing: a silent server is left for another one, and nobody waits for what cannot be sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

import pytest
from nats.aio.client import Server as Known

from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import StoreLimits
from callpark.store.nats import NatsStore
from callpark.store.nats.connection import Address
from callpark.store.nats.search import reaches_leader
from callpark.store.nats.uplink import Rotation
from callpark.store.ports import Put, StoreFailure, WorkItem
from tests.soak.links import Link
from tests.store.nats.servers import Server, running

pytestmark = pytest.mark.process

QUICK = replace(StoreLimits(), answer_seconds=0.4, socket_seconds=0.6)


@asynccontextmanager
async def joined(server: Server, count: int) -> AsyncIterator[list[Link]]:
    """So many links to a server, as if there were so many servers."""
    links = [Link(server.port) for _ in range(count)]
    for link in links:
        link.start()
    try:
        yield links
    finally:
        for link in links:
            link.close()


async def opened(links: list[Link], namespace: str, limits: StoreLimits) -> NatsStore:
    where = Address(tuple(f"nats://127.0.0.1:{link.port}" for link in links), namespace)
    return await NatsStore.open(where, SystemClock(), SystemIds(), limits, node="a", replicas=1)


def put(item_id: str) -> Put:
    return Put(WorkItem("q", item_id, b"", b"", 0.0))


async def test_a_commit_goes_on_through_another_server_when_the_network_to_one_is_silent(
    server: Server, where: Address
) -> None:
    async with joined(server, 2) as links:
        store = await opened(links, where.namespace, QUICK)
        try:
            await store.commit([put("before")])
            (its,) = [link for link in links if link.connections]
            its.silence()
            await store.commit([put("after")])
            (other,) = [link for link in links if link is not its]
            assert other.connections
            assert await store.count("q") == 2
        finally:
            await store.close()


async def test_a_store_is_closed_over_a_silent_network(server: Server, where: Address) -> None:
    limits = replace(QUICK, commit_seconds=0.5)
    async with joined(server, 1) as (link,):
        store = await opened([link], where.namespace, limits)
        link.silence()
        lost = [store.commit([Put(WorkItem("q", str(n), b"", bytes(400_000), 0.0))]) for n in range(60)]
        async with asyncio.timeout(30):
            await store.close()
        assert all(isinstance(each.exception(), StoreFailure) for each in lost)


async def test_a_server_that_knows_no_leader_is_left_when_another_one_does(
    server: Server, where: Address, tmp_path: Path
) -> None:
    """A server without JetStream takes questions and has no answers, as one does that is cut off from the others."""
    limits = replace(QUICK, server_seconds=0.5)
    with running(tmp_path / "alone", jetstream=" ") as alone:
        async with joined(server, 1) as (good,), joined(alone, 1) as (bad,):
            bad.silence()
            store = await opened([good, bad], where.namespace, limits)
            try:
                bad.heal()
                good.silence()
                async with asyncio.timeout(10):
                    while not bad.connections:  # noqa: ASYNC110 (a link tells nobody)
                        await asyncio.sleep(0.01)
                good.heal()
                await store.commit([put("after")])
                assert good.connections, "nothing is stored through the other one"
            finally:
                await store.close()


@pytest.mark.parametrize(
    ("heard", "leads"), [((0, 0), True), ((0, 9_000_000_000), True), ((9_000_000_000, 9_000_000_000), False)]
)
def test_who_leads(heard: tuple[int, ...], leads: bool) -> None:
    replicas = [{"name": f"s{n}", "active": each} for n, each in enumerate(heard)]
    told = {"config": {"name": "callpark"}, "cluster": {"leader": "s9", "replicas": replicas}}
    assert reaches_leader(json.dumps(told).encode()) is leads


def test_who_has_no_stream_leads_nothing() -> None:
    assert not reaches_leader(b'{"error": {"code": 503, "err_code": 10008, "description": "no leader"}}')


def test_servers_are_tried_in_turn() -> None:
    servers = [Known(urlparse(f"nats://{host}:4222")) for host in ("a", "b", "c")]
    rotation = Rotation()
    rotation.note("b:4222")
    order = [rotation.following(servers, {}) for _ in range(4)]
    assert [server.uri.hostname for server, _ in order] == ["a", "c", "b", "a"]
    assert [seconds > 0 for _, seconds in order] == [False, False, True, True]
    rotation.prefer("a:4222")
    assert rotation.following(servers, {}) == (servers[0], 0.0)
    assert rotation.following(servers, {})[0] is servers[2], "it is preferred once"
