"""What a client over HTTP sees: durable acknowledgements, warm synchronous calls, start-up.

The server is a process of its own, and so is the load.
"""

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.journeys.servers import started

from bench import disk, load
from bench.figures import Figure
from bench.peers import huey_sqlite
from bench.project import project

#: The load of 16 clients is measured this often; the median round counts.
_ROUNDS = 5


def _cpu_seconds(process: int) -> float:
    """What a process has computed so far, all its threads, without its children."""
    user, system = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _request(endpoint: str, function: str, kind: str) -> load.Request:
    return load.Request(
        "POST",
        f"{endpoint}/2015-03-31/functions/{function}/invocations",
        (("X-Amz-Invocation-Type", kind), ("Content-Type", "application/json")),
        b'{"message": "hi"}',
    )


@contextlib.contextmanager
def _compiled() -> Iterator[None]:
    """Python keeps what it compiled, as it does for users, wherever this environment says that it should not."""
    before = {name: os.environ.pop(name, None) for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["PYTHONPYCACHEPREFIX"] = cache
        try:
            yield
        finally:
            del os.environ["PYTHONPYCACHEPREFIX"]
            os.environ.update({name: value for name, value in before.items() if value is not None})


async def figures() -> list[Figure]:
    with _compiled(), project() as folder, tempfile.TemporaryDirectory() as data:
        async with started(folder, Path(data)):
            pass  # the first start compiles
        begun = time.perf_counter()
        async with started(folder, Path(data)) as server:
            ready = time.perf_counter() - begun
            sync = await load.run(_request(server.endpoint, "Nothing", "RequestResponse"), 1, 3_000)
            one = await load.run(_request(server.endpoint, "Forever", "Event"), 1, 3_000)
            event = _request(server.endpoint, "Forever", "Event")
            await load.run(event, 16, 5_000)
            used = _cpu_seconds(server.process.pid)
            rounds = [await load.run(event, 16, 10_000) for _ in range(_ROUNDS)]
            cpu = (_cpu_seconds(server.process.pid) - used) / (10_000 * _ROUNDS)
    many = sorted(rounds, key=lambda report: report.rate)[_ROUNDS // 2]
    flush, slow_flush = await asyncio.to_thread(disk.flush_milliseconds)
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
        Figure("  the server's CPU for each", cpu * 1e6, "µs"),
        Figure("  one flush of this disk, p50", flush, "ms"),
        Figure("  one flush of this disk, p99", slow_flush, "ms"),
    ]
