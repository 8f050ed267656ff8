"""A hundred thousand contacts parked in a Wait, in a process that has nothing else; the flows slice over a real store.

Run by `bench.contacts` as a child: `python -m bench.parked` prints JSON.
"""

import asyncio
import contextlib
import json
import math
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from bench import contact_flows as flows
from callpark.cli.collector import settle_collector
from callpark.cli.loop import run
from callpark.flows.channels.voice import DeadPhone
from callpark.flows.ports import FunctionRunner
from callpark.flows.service import Flows
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock, SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.trace import Trace
from callpark.store.ports import DeleteRow
from callpark.store.sqlite.store import SqliteStore

PARKED = 100_000
WOKEN = 4_000
PACE_SECONDS = 0.005

#: So many are parked first, to see how long all will take: those that wake do so when all are parked, in no order.
FIRST = 10_000
WAKING_SECONDS = WOKEN * PACE_SECONDS


class Ear(DeadPhone):
    """Notes when each prompt was heard, by `perf_counter`, and the last one."""

    def __init__(self) -> None:
        self.heard_at: list[float] = []
        self.last = ""

    def heard(self, text: str, at: float, seconds: float) -> None:
        self.heard_at.append(time.perf_counter())
        self.last = text


async def parked() -> dict[str, object]:
    """In a process of its own: park many, then see how late the timers of some come that lie anywhere among them."""
    async with flows_over(flows.Stubs(SystemClock(), {}), SystemClock()) as served:
        clock, began = served.clock, time.perf_counter()
        await _park(served, [None] * FIRST)
        remaining = (time.perf_counter() - began) * (PARKED - FIRST) / FIRST
        ready_at = clock.now() + 2 * remaining  # the machine may become twice as busy
        waits = range(math.ceil(2 * remaining + WAKING_SECONDS) + 1)
        served.apply(flows.INSTANCE, [flows.PARKED, *map(flows.parked_for, waits)], [])
        chance, wakes = random.Random(1), list[float | None]([None] * (PARKED - FIRST))
        for index in chance.sample(range(len(wakes)), WOKEN):
            wakes[index] = ready_at + chance.uniform(0, WAKING_SECONDS)
        ears = await _park(served, wakes)
        seconds = time.perf_counter() - began
        settle_collector()
        megabytes = _resident_megabytes()
        offset = time.perf_counter() - clock.now()
        due = {contact.id: dict(contact.timers)["wait"] + offset for contact in served.contacts() if contact.id in ears}
        await until(lambda: all(ear.heard_at for ear in ears.values()))
        delays = [(ears[contact_id].heard_at[0] - at) * 1_000 for contact_id, at in due.items()]
    return {
        "seconds": seconds,
        "megabytes": megabytes,
        "wakes": delays,
    }


async def _park(served: Flows, wakes: Sequence[float | None]) -> dict[str, Ear]:
    """Park a contact for each, saved on return; the ears of those that wake, in the second in which they should."""
    ears, nobody = dict[str, Ear](), DeadPhone()
    for index, at in enumerate(wakes):
        if at is None:
            served.start_call("parked", nobody)
        else:
            ear = Ear()
            flow = f"parked for {max(0, int(at - served.clock.now()))}"
            ears[served.start_call(flow, ear).contact_id] = ear
        if index % 500 == 499:
            await asyncio.sleep(0)
            await served.store.commit([DeleteRow("bench", "")])  # behind all of theirs
    return ears


@contextlib.asynccontextmanager
async def flows_over(runner: FunctionRunner, clock: Clock) -> AsyncIterator[Flows]:
    """The slice over a real store, with the ids that a server makes: they count up, so that contacts that begin one
    after the other are neighbours on disk."""
    with tempfile.TemporaryDirectory() as data:
        store = SqliteStore.open(Path(data), clock)
        served = Flows(clock, SystemIds(), Trace(clock), ConnectLimits(), Place(), store, runner)
        served.apply(flows.INSTANCE, [flows.PARKED, flows.ONE], [])
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
