"""Random histories: whatever callers, handlers and deployments do, nothing is left behind."""

import asyncio
import json
import random

import pytest
from msgspec.structs import replace

from callpark.functions.environments.forking import ForkingLauncher
from callpark.functions.environments.ports import Deployment, Saturated
from callpark.kernel.holds import Hold
from tests.functions.environments.conftest import Bench

pytestmark = pytest.mark.process

HANDLER = """
    import os, threading, time
    def handler(event, context):
        if event == "sleep": time.sleep(0.02)
        if event == "exit": os._exit(1)
        if event == "raise": raise ValueError
        if event == "after": threading.Timer(0.001, os._exit, (3,)).start()
        if event == "log": print("x" * 10_000)
        return 1
"""
EVENTS = ["nothing"] * 6 + ["sleep", "exit", "raise", "after", "log"]


class CountingClock:
    """The bench's clock, remembering who holds it."""

    def __init__(self, bench: Bench) -> None:
        self.now = bench.clock.now
        self.timer = bench.clock.timer
        self._hold = bench.clock.hold
        self.holds: list[Hold] = []

    def hold(self, owner: str) -> Hold:
        hold = self._hold(owner)
        self.holds.append(hold)
        return hold

    def held(self) -> int:
        return sum(hold._ledger is not None for hold in self.holds)


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_is_left_behind(bench: Bench, seed: int) -> None:
    clock = CountingClock(bench)
    bench.clock = clock  # type: ignore[assignment]
    fleet = bench.fleet("environments=6", "idle_environment_seconds=0.05", launcher=ForkingLauncher())
    functions = [bench.deploy(HANDLER, name=name, timeout_seconds=2) for name in ("one", "two", "three")]

    async def caller(source: random.Random) -> None:
        for _ in range(25):
            function: Deployment = replace(source.choice(functions), revision="2" if source.random() < 0.05 else "1")
            payload = json.dumps(source.choice(EVENTS)).encode()
            run = asyncio.ensure_future(bench.run(fleet, function, payload, patient=source.random() < 0.6))
            if source.random() < 0.1:
                await asyncio.sleep(source.random() * 0.02)
                run.cancel()
            if source.random() < 0.03:
                fleet.retire(function.arn)
            try:
                outcome = await asyncio.wait_for(asyncio.shield(run), 10)
            except Saturated:
                await asyncio.sleep(0.005)
            except asyncio.CancelledError:
                continue
            else:
                # A process that an earlier event has set to end may take a later run with it; nothing else fails.
                failed = outcome.function_error is not None
                assert not failed or payload == b'"raise"' or b"Runtime.ExitError" in outcome.payload

    await asyncio.gather(*(caller(random.Random(100 * seed + number)) for number in range(8)))
    await fleet.close()
    assert clock.held() == 0
    assert not list((bench.directory / "data" / "environments").iterdir())
