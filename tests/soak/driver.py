"""The soak itself: starts a real server, sends, kills it at planned moments, again and again; then lets it finish.

Called by `python -m tests.soak` and by `tests/journeys/test_soak.py`. Time is quick by limits, not by a virtual clock.
Every process it starts it ends, by its id.
"""

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.journeys.commands import processes_of
from tests.journeys.servers import launch
from tests.soak import plan, project
from tests.soak.plan import SUBJECTS, Kill, Moment, Planned
from tests.soak.queues import emptied
from tests.soak.verdict import Found, Verdict, judge

#: Retries and back-offs as quick as a kill follows a start; few processes, so that many events are in hand.
_LIMITS = ("retry_base_seconds=0.2", "throttle_base_seconds=0.05", "throttle_maximum_seconds=0.5", "environments=12")
_CLIENTS = 8
_READY_SECONDS = 60
_STALLED_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Soak:
    """How much. `folder` is empty and kept by the caller."""

    seed: int
    events: int
    kills: int
    folder: Path


class Stalled(Exception):
    """Nothing has happened for so long that nothing will."""


class Unstartable(Exception):
    """A server did not start. What it said."""


async def soak(asked: Soak, tell: Callable[[str], None]) -> Verdict:
    """Run one. `tell` is given a line of progress now and then. Raises Stalled and Unstartable."""
    runs = project.Runs(asked.folder / "runs")
    marks = asked.folder / "marks"
    marks.mkdir()
    root = project.write(asked.folder / "project", SUBJECTS, asked.folder / "runs", marks)
    return await _Driver(asked, root, runs, tell).run()


class _Driver:
    def __init__(self, asked: Soak, root: Path, runs: project.Runs, tell: Callable[[str], None]) -> None:
        self._asked = asked
        self._root = root
        self._runs = runs
        self._tell = tell
        self._plan = plan.planned(asked.seed, asked.events)
        self._unsent = deque((planned, 1) for planned in self._plan)
        self._acknowledged: dict[str, tuple[int, int]] = {}
        self._awaited = 0
        self._reached = asyncio.Event()
        self._errors = asked.folder / "errors"
        self._started = time.monotonic()

    async def run(self) -> Verdict:
        moments = plan.kills(self._asked.seed, self._asked.kills)
        for number, kill in enumerate(moments):
            share = -(-2 * len(self._unsent) // (len(moments) - number + 1))  # twice: a kill cuts most sendings short
            await self._life(kill, share)
            if (number + 1) % max(1, len(moments) // 20) == 0:
                self._progress(f"kill {number + 1}/{len(moments)}")
        async with self._server() as (endpoint, process):
            await self._send(endpoint, len(self._unsent))
            await self._until_empty(endpoint)
            queues = await emptied(endpoint, _queue_names())
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.wait(), 30)
        self._runs.read()
        self._progress("all ended")
        said = self._errors.read_text(errors="replace")
        return judge(self._plan, Found(self._acknowledged, self._runs.by_id, queues, said))

    async def _life(self, kill: Kill, share: int) -> None:
        """One server, from its start to its kill; meanwhile `share` events are sent."""
        process = await self._launch()
        try:
            if kill.moment is Moment.STARTING:
                await asyncio.sleep(kill.after)
                return
            endpoint = await self._ready(process)
            sending = asyncio.ensure_future(self._send(endpoint, share))
            if kill.moment is Moment.READY:
                await asyncio.sleep(kill.after)
            else:
                await self._acknowledging(int(kill.after * share), sending)
            process.kill()
            await process.wait()
            await sending
        finally:
            await _end(process)

    async def _acknowledging(self, count: int, sending: "asyncio.Future[None]") -> None:
        """Until so many more events are acknowledged, or no more will be."""
        self._awaited = len(self._acknowledged) + count
        self._reached.clear()
        sending.add_done_callback(lambda _: self._reached.set())
        await self._reached.wait()

    @contextlib.asynccontextmanager
    async def _server(self) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
        process = await self._launch()
        try:
            yield await self._ready(process), process
        finally:
            await _end(process)

    async def _ready(self, process: asyncio.subprocess.Process) -> str:
        """The endpoint. Raises Unstartable."""
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), _READY_SECONDS)).decode()
        if not line.startswith("ready http://"):
            raise Unstartable(f"the server says {line!r}: {self._errors.read_text(errors='replace')[-2_000:]}")
        return line.split()[1]

    async def _launch(self) -> asyncio.subprocess.Process:
        limits = [part for limit in _LIMITS for part in ("--limit", f"lambda.{limit}")]
        data = str(self._asked.folder / "data")
        with self._errors.open("ab") as errors:
            return await launch(["start", str(self._root), "--port", "0", "--data", data, *limits], errors)

    async def _send(self, endpoint: str, count: int) -> None:
        """Send so many events, those first that were not acknowledged before; stops when the server is gone."""
        batch = [self._unsent.popleft() for _ in range(min(count, len(self._unsent)))]
        waiting = deque(batch)
        async with httpx.AsyncClient(base_url=endpoint, timeout=30, trust_env=False) as client:
            await asyncio.gather(*(self._sender(client, waiting) for _ in range(_CLIENTS)))
        self._unsent.extendleft(waiting)

    async def _sender(self, client: httpx.AsyncClient, waiting: "deque[tuple[Planned, int]]") -> None:
        while waiting:
            planned, sending = waiting.popleft()
            path = f"/2015-03-31/functions/{planned.subject.name}/invocations"
            try:
                response = await client.post(
                    path, content=planned.body(sending), headers={"x-amz-invocation-type": "Event"}
                )
            except httpx.TransportError:  # stored or not: nobody knows, so it is sent again under another number
                waiting.append((planned, sending + 1))
                return
            assert response.status_code == 202, response.text
            self._acknowledged[response.headers["x-amzn-requestid"]] = planned.number, sending
            if len(self._acknowledged) > self._awaited:
                self._reached.set()

    async def _until_empty(self, endpoint: str) -> None:
        """Until no event waits or runs any more. Raises Stalled."""
        changed, before = time.monotonic(), -1
        async with httpx.AsyncClient(base_url=endpoint, timeout=30, trust_env=False) as client:
            while left := (await client.get("/_callpark/events", params={"limit": 1})).json()["totals"]["events"]:
                self._runs.read()
                seen = self._runs.totals["began"]
                if seen != before:
                    changed, before = time.monotonic(), seen
                elif time.monotonic() - changed > _STALLED_SECONDS:
                    raise Stalled(f"{left} events are left, and none has run for {_STALLED_SECONDS:g} s")
                self._progress(f"{left} left")
                await asyncio.sleep(1)

    def _progress(self, where: str) -> None:
        self._runs.read()
        seconds = time.monotonic() - self._started
        self._tell(
            f"{seconds:6.1f} s  {where}: {len(self._acknowledged):,} of {self._asked.events:,} acknowledged, "
            f"{self._runs.totals['began']:,} runs begun, {self._runs.totals['ended']:,} succeeded"
        )


def _queue_names() -> Sequence[str]:
    kinds = {True: ("dead", "failed", "done"), False: ("dead",)}
    return [f"{subject.name}-{kind}" for subject in SUBJECTS for kind in kinds[subject.records]]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill -9, and wait until the handlers, whom the kernel ends, have let go of the pipe."""
    if process.returncode is None:
        process.kill()
    await process.wait()
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.read(), 30)
    assert not processes_of(process.pid), "a server's processes outlived it"
