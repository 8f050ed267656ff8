"""Events through a store alone: put, leased, done. SQLite beside NATS with one server and with three that replicate.

Nothing runs in between, so this is what the store costs and what its acknowledgement waits for.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.store.nats.servers import BINARY, cluster, running

from bench.figures import Figure, percentile
from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import StoreLimits
from callpark.store.ports import Done, Put, Store, WorkItem
from callpark.store.sqlite import SqliteStore

_EVENTS = 10_000
_AT_A_TIME = 128
_ALONE = 300
_BODY = b"x" * 300


async def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        store = SqliteStore.open(root / "sqlite", SystemClock())
        found = await _measured("SQLite", [store])
        await store.close()
        if not BINARY.exists():
            return found
        with running(root / "one") as server:
            found += await _on_nats("NATS, 1 server", [server.url], "a")
        with cluster(root / "three") as servers:
            urls = [server.url for server in servers]
            found += await _on_nats("NATS, 3 servers", urls, "a")
            found += await _on_nats("NATS, 3 servers, 3 nodes in one process", urls, "abc")
    return found


async def _on_nats(name: str, urls: Sequence[str], nodes: str) -> list[Figure]:
    from callpark.store.nats import NatsStore
    from callpark.store.nats.connection import Address

    where = Address(tuple(urls), f"bench{len(nodes)}")
    stores = [
        await NatsStore.open(where, SystemClock(), SystemIds(), StoreLimits(), node=node, replicas=None)
        for node in nodes
    ]
    found = await _measured(name, stores)
    for store in stores:
        await store.close()
    return found


async def _measured(name: str, stores: Sequence[Store]) -> list[Figure]:
    _, alone = await _run(stores, _ALONE, 1, "alone")
    rate, together = await _run(stores, _EVENTS, _AT_A_TIME, "together")
    return [
        Figure(f"store, {name}: acknowledged alone, p50", percentile(alone, 0.5) * 1_000, "ms"),
        Figure(f"store, {name}: {_AT_A_TIME} at a time", rate, "events/s"),
        Figure(f"store, {name}: the same, acknowledged, p99", percentile(together, 0.99) * 1_000, "ms"),
    ]


async def _run(stores: Sequence[Store], events: int, at_a_time: int, queue: str) -> tuple[float, list[float]]:
    """Events a second until all are done, and the seconds that each acknowledgement took."""
    ids, clock, waits = SystemIds(), SystemClock(), list[float]()
    left, ended, all_done = events, 0, asyncio.Event()

    def work(store: Store) -> None:
        def count(done: "asyncio.Future[None]") -> None:
            nonlocal ended
            done.result()
            ended += 1
            if ended == events:
                all_done.set()

        def take() -> None:
            for item in store.lease(queue, 10_000):
                store.commit([Done(queue, item.id, patient=True)]).add_done_callback(count)

        store.watch(queue, take)

    async def send(store: Store) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            started = time.perf_counter()
            await store.commit([Put(WorkItem(queue, ids.uuid(), _BODY, b"", clock.now()))])
            waits.append(time.perf_counter() - started)

    for store in stores:
        work(store)
    started = time.perf_counter()
    await asyncio.gather(*(send(stores[number % len(stores)]) for number in range(at_a_time)))
    await all_done.wait()
    return events / (time.perf_counter() - started), waits
