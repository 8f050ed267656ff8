"""What a client over HTTP sees: durable acknowledgements, warm synchronous calls, start-up.

The server is a process of its own, and so is the load.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from tests.journeys.servers import started

from bench import load
from bench.figures import Figure
from bench.peers import huey_sqlite
from bench.project import project


def _request(endpoint: str, function: str, kind: str) -> load.Request:
    return load.Request(
        "POST",
        f"{endpoint}/2015-03-31/functions/{function}/invocations",
        (("X-Amz-Invocation-Type", kind), ("Content-Type", "application/json")),
        b'{"message": "hi"}',
    )


async def figures() -> list[Figure]:
    with project() as folder, tempfile.TemporaryDirectory() as data:
        begun = time.perf_counter()
        async with started(folder, Path(data)) as server:
            ready = time.perf_counter() - begun
            sync = await load.run(_request(server.endpoint, "Nothing", "RequestResponse"), 1, 3_000)
            one = await load.run(_request(server.endpoint, "Forever", "Event"), 1, 3_000)
            await load.run(_request(server.endpoint, "Forever", "Event"), 16, 5_000)
            many = await load.run(_request(server.endpoint, "Forever", "Event"), 16, 40_000)
    for report, status in ((sync, 200), (one, 202), (many, 202)):
        assert set(report.statuses) == {status}, report
    plain = await asyncio.to_thread(huey_sqlite.enqueues_per_second, 5_000, fsync=False)
    durable = await asyncio.to_thread(huey_sqlite.enqueues_per_second, 2_000, fsync=True)
    return [
        Figure("start-up to ready, small project", ready, "s", "≤ 1.5 s", ready <= 1.5),
        Figure(
            "warm synchronous invoke, 1 client, p50",
            sync.percentile(0.5) * 1e3,
            "ms",
            "≤ 0.6 ms",
            sync.percentile(0.5) <= 0.0006,
            more_is_better=False,
        ),
        Figure("warm synchronous invoke, 1 client, p99", sync.percentile(0.99) * 1e3, "ms"),
        Figure(
            "durable Event acknowledgement, 1 client",
            one.rate,
            "/s",
            "",
            None,
            "huey SQLite, fsync, in process",
            durable,
        ),
        Figure(
            "durable Event acknowledgement, 16 clients",
            many.rate,
            "/s",
            "≥ 15,000/s",
            many.rate >= 15_000,
            "huey SQLite, no fsync, in process",
            plain,
        ),
        Figure("  its p50", many.percentile(0.5) * 1e3, "ms"),
        Figure("  its p99", many.percentile(0.99) * 1e3, "ms", "< 5 ms", many.percentile(0.99) < 0.005),
    ]
