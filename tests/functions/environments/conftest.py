"""A fleet of real processes for each test, and functions written on the spot."""

import asyncio
import os
import shutil
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from callpark.functions.environments.fleet import Fleet
from callpark.functions.environments.happenings import FunctionLog
from callpark.functions.environments.ports import Attempt, Deployment, Outcome
from callpark.functions.environments.processes import Launcher
from callpark.functions.environments.runtimes import HOST_PYTHON
from callpark.functions.model import FunctionConfiguration
from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Entry, Trace

needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap (bwrap) on PATH")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js on PATH")


class Bench:
    """Functions, fleets and what their traces recorded."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = SystemClock()
        self.ids = SystemIds()
        self.trace = Trace(self.clock)
        self.fleets: list[Fleet] = []

    def fleet(
        self,
        *limits: str,
        endpoint_url: str | None = None,
        launcher: Launcher | None = None,
        isolation: str = "process",
    ) -> Fleet:
        chosen, data = Limits().override(f"lambda.{limit}" for limit in limits), self.directory / "data"
        fleet = Fleet(self.clock, self.ids, self.trace, chosen, endpoint_url, data, launcher, isolation)
        self.fleets.append(fleet)
        return fleet

    def deploy(
        self,
        source: str,
        name: str = "F",
        handler: str = "m.handler",
        *,
        file: str = "m.py",
        runtime: str = HOST_PYTHON,
        revision: str = "1",
        timeout_seconds: int = 10,
        **configuration: object,
    ) -> Deployment:
        root = self.directory / name
        root.mkdir(exist_ok=True)
        (root / file).write_text(textwrap.dedent(source))
        values = FunctionConfiguration(
            name=name,
            runtime=runtime,
            handler=handler,
            timeout_seconds=timeout_seconds,
            **configuration,  # type: ignore[arg-type]
        )
        return Deployment(f"arn:aws:lambda:us-east-1:123456789012:function:{name}", "$LATEST", values, root, revision)

    def attempt(self, deployment: Deployment, payload: bytes = b"{}", request_id: str | None = None) -> Attempt:
        return Attempt(request_id or self.ids.uuid(), payload, deployment.arn)

    async def run(
        self, fleet: Fleet, deployment: Deployment, payload: bytes = b"{}", *, patient: bool = False
    ) -> Outcome:
        return await fleet.run(deployment, self.attempt(deployment, payload), patient=patient)

    def log(self) -> str:
        return "".join(e.happening.text for e in self.trace.entries() if isinstance(e.happening, FunctionLog))

    def happenings(self, kind: type) -> list[Entry]:
        return [entry for entry in self.trace.entries() if isinstance(entry.happening, kind)]

    def following(self, kind: type) -> asyncio.Event:
        """Set at the next happening of a kind."""
        happened = asyncio.Event()
        self.trace.listen(lambda entry: happened.set() if isinstance(entry.happening, kind) else None)
        return happened


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    for fleet in made.fleets:
        await fleet.close()


async def gone(pid: int) -> None:
    """Wait until a process of somebody else's has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    noticed = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, noticed.set)
    try:
        await asyncio.wait_for(noticed.wait(), 5)
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture
def alive() -> Callable[[int], bool]:
    def look(pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        return state != "Z"

    return look
