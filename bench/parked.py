"""A hundred thousand contacts parked in a Wait, in a process that has nothing else; the flows slice over a real store.

Run by `bench.contacts` as a child: `python -m bench.parked` prints JSON.
"""

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from bench import contact_flows as flows
from callpark.cli.collector import settle_collector
from callpark.cli.loop import run
from callpark.flows.channels.voice import DeadPhone
from callpark.flows.ports import FunctionRunner
from callpark.flows.service import Flows
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock, SystemClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.trace import Trace
from callpark.store.ports import DeleteRow
from callpark.store.sqlite.store import SqliteStore

PARKED = 100_000
WOKEN = 2_000
PACE_SECONDS = 0.005


class Ear(DeadPhone):
    """Notes when each prompt was heard, by `perf_counter`, and the last one."""

    def __init__(self) -> None:
        self.heard_at: list[float] = []
        self.last = ""

    def heard(self, text: str, at: float, seconds: float) -> None:
        self.heard_at.append(time.perf_counter())
        self.last = text


async def parked() -> dict[str, object]:
    """In a process of its own: park many, then see how late the timers of a few among them come."""
    async with flows_over(flows.Stubs(SystemClock(), {}), SystemClock()) as served:
        nobody, began = DeadPhone(), time.perf_counter()
        for _ in range(0, PARKED, 500):
            for _ in range(500):
                served.start_call("parked", nobody)
            await asyncio.sleep(0)
            await served.store.commit([DeleteRow("bench", "")])  # behind all of theirs
        assert all(contact.timers for contact in served.contacts())
        seconds = time.perf_counter() - began
        settle_collector()
        megabytes = _resident_megabytes()
        clock, ears = served.clock, list[tuple[float, Ear]]()
        for _ in range(WOKEN):
            ear = Ear()
            contact_id = served.start_call("short", ear).contact_id
            await asyncio.sleep(PACE_SECONDS)
            offset = time.perf_counter() - clock.now()
            contact = served.contact(contact_id)
            assert contact is not None
            ears.append((dict(contact.timers)["wait"] + offset, ear))
        await until(lambda: all(ear.heard_at for _, ear in ears))
        delays = [(ear.heard_at[0] - due) * 1_000 for due, ear in ears]
    return {
        "seconds": seconds,
        "megabytes": megabytes,
        "wakes": delays,
    }


@contextlib.asynccontextmanager
async def flows_over(runner: FunctionRunner, clock: Clock) -> AsyncIterator[Flows]:
    """The slice over a real store."""
    with tempfile.TemporaryDirectory() as data:
        store = SqliteStore.open(Path(data), clock)
        served = Flows(clock, SeededIds(1), Trace(clock), ConnectLimits(), Place(), store, runner)
        served.apply(flows.INSTANCE, [flows.PARKED, flows.SHORT, flows.ONE], [])
        try:
            yield served
        finally:
            await served.close()
            await store.close()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nobody here could set an event without being measured
        await asyncio.sleep(0.05)


def _resident_megabytes() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmRSS")


if __name__ == "__main__":
    print(json.dumps(run(parked())))
