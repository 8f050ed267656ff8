"""From an accepted event to a handler that has run, in real processes; and how fast a process is there at all."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from bench.figures import Figure, percentile
from bench.peers import dramatiq_redis, huey_sqlite
from bench.project import project
from callpark.app import App
from callpark.cli.collector import settle_collector
from callpark.functions.environments.fleet import Fleet
from callpark.functions.environments.happenings import AttemptEnded
from callpark.functions.environments.processes import PlainLauncher
from callpark.functions.events.happenings import EventSucceeded
from callpark.functions.events.state import queue_name
from callpark.functions.model import Invocation
from callpark.kernel.trace import Entry, Trace
from callpark.serving import served
from callpark.settings import Settings

EVENTS = 10_000


async def figures() -> list[Figure]:
    rate = await _events_per_second(EVENTS)
    huey = await asyncio.to_thread(huey_sqlite.runs_per_second, 3_000)
    found = [
        Figure("Event → handler run, no-op", rate, "/s", "≥ 5,000/s", rate >= 5_000, "huey SQLite, no fsync", huey)
    ]
    if dramatiq_redis.present():
        _, dramatiq = await asyncio.to_thread(dramatiq_redis.figures, 3_000)
        found.append(
            Figure("Event → handler run, no-op", rate, "/s", "", None, "dramatiq Redis, not durable", dramatiq)
        )
    for function, reach in (("Nothing", 12.0), ("WithBoto3", 30.0)):
        zygote = await _cold_start(function, None)
        plain = await _cold_start(function, _unforked)
        label = "cold start, Python" + (", boto3" if function == "WithBoto3" else "")
        found.append(
            Figure(label, zygote, "ms", f"≤ {reach:.0f} ms", zygote <= reach, "without the zygote", plain, False)
        )
    return found


async def _events_per_second(count: int) -> float:
    """Accepted as the gateway accepts them, run by handlers in their processes, and gone from the disk."""
    async with _app() as app:
        await app.functions.invoke(Invocation("Nothing", b"{}"))
        settle_collector()
        done = asyncio.Event()
        left = count

        def note(entry: Entry) -> None:
            nonlocal left
            if isinstance(entry.happening, EventSucceeded):
                left -= 1
                if left == 0:
                    done.set()

        app.trace.listen(note)
        started = time.perf_counter()
        for first in range(0, count, 100):
            await asyncio.gather(
                *(app.functions.accept(Invocation("Nothing", b"{}"), None) for _ in range(first, first + 100))
            )
        await asyncio.wait_for(done.wait(), 120)
        while await app.store.count(queue_name("Nothing")):  # until the removals are on disk as well
            pass
        return count / (time.perf_counter() - started)


async def _cold_start(function: str, environments: Callable[[App], Fleet] | None, rounds: int = 7) -> float:
    """The median init duration in milliseconds: from starting the process to its first `next`."""
    async with _app(environments) as app:
        seconds = []
        for _ in range(rounds):
            with _attempts(app.trace) as ended:
                await app.functions.invoke(Invocation(function, b"{}"))
            seconds += [entry.init_seconds for entry in ended if entry.init_seconds is not None]
            app.environments.retire(app.functions.arn(function))
    assert len(seconds) >= rounds - 1, seconds
    return percentile(seconds, 0.5) * 1_000


@contextlib.contextmanager
def _attempts(trace: Trace) -> Iterator[list[AttemptEnded]]:
    """The runs that end while the context is open."""
    found: list[AttemptEnded] = []

    def note(entry: Entry) -> None:
        if isinstance(entry.happening, AttemptEnded):
            found.append(entry.happening)

    stop = trace.listen(note)
    yield found
    stop()


def _unforked(app: App) -> Fleet:
    return Fleet(
        app.clock,
        app.ids,
        app.trace,
        app.settings.limits,
        app.base_url,
        app.settings.data / "environments",
        PlainLauncher(),
    )


@contextlib.asynccontextmanager
async def _app(environments: Callable[[App], Fleet] | None = None) -> AsyncIterator[App]:
    with project() as folder, tempfile.TemporaryDirectory() as data:
        settings = Settings(data=Path(data), port=0)
        async with served(settings, folder, environments=environments) as app:
            yield app
