"""Three servers, three nodes, and what happens to all of them: events, queue messages and FIFO messages are sent to and
received from whichever node lives, while nodes and servers are killed and stopped at random.

Called by `python -m tests.soak cluster` and, shortly, by `tests/cluster/test_soak.py`. What must hold: nothing that was
acknowledged is lost, FIFO order is kept, no event is run more often than once and once for each fault.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.cluster.project import write
from tests.journeys.servers import launch
from tests.store.nats.servers import Server, free_port
from tests.store.nats.servers import cluster as servers_of
from tests.store.nats.servers import running as one_server

_LIMITS = ("lambda.environments=6", "lambda.throttle_base_seconds=0.2", "lambda.throttle_maximum_seconds=2")
_READY_SECONDS, _STALLED_SECONDS = 90.0, 120.0
_GROUPS = 10
_ACCOUNT = "123456789012"


@dataclass(frozen=True, slots=True)
class Asked:
    """How much. `messages` of the standard queue and as many of the FIFO queue."""

    seed: int
    events: int
    messages: int
    faults: int
    folder: Path


@dataclass(slots=True)
class Found:
    """What became of it."""

    events: set[int] = field(default_factory=set)
    runs: Counter[int] = field(default_factory=Counter)
    sent: set[int] = field(default_factory=set)
    received: Counter[int] = field(default_factory=Counter)
    ordered: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    fifo_sent: Counter[int] = field(default_factory=Counter)
    recoveries: list[tuple[str, float]] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)

    def problems(self, faults: int) -> list[str]:
        lost = [f"event {n} was acknowledged and never ran" for n in sorted(self.events - set(self.runs))]
        lost += [f"message {n} was acknowledged and never received" for n in sorted(self.sent - set(self.received))]
        often = [f"event {n} ran {count} times" for n, count in self.runs.items() if count > 1 + faults]
        order = []
        for group, count in self.fifo_sent.items():
            firsts = list(dict.fromkeys(self.ordered[group]))
            if firsts != list(range(count)):
                order.append(f"group {group}: {count} sent, received in the order {firsts[:40]}")
        return [*lost, *often, *order]

    def summary(self) -> str:
        times = [seconds for _, seconds in self.recoveries]
        recovery = f"{statistics.median(times):.1f} s median, {max(times):.1f} s at most" if times else "none"
        again = sum(count - 1 for count in self.runs.values())
        return (
            f"{len(self.events)} events acknowledged, {again} run again; {len(self.sent)} messages, "
            f"{sum(self.fifo_sent.values())} FIFO messages acknowledged; "
            f"recovery after {len(times)} faults: {recovery}; "
            f"refused meanwhile: {dict(self.refusals)}"
        )


class NodeProcess:
    def __init__(self, name: str, project: Path, data: Path, store: str) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: asyncio.subprocess.Process | None = None
        self.paused = False
        limits = [part for limit in _LIMITS for part in ("--limit", limit)]
        self._command = ["start", str(project), "--port", str(self.port), "--data", str(data), *limits]
        self._command += ["--store", store, "--node-name", name]
        self._errors = data.with_suffix(".errors")
        self._drain: asyncio.Task[None] | None = None

    @property
    def lives(self) -> bool:
        return self.process is not None and not self.paused

    async def start(self) -> None:
        """As a supervisor does it: again when the servers are not there yet."""
        for _ in range(20):
            if await self._start():
                return
            await asyncio.sleep(1.0)
        raise AssertionError(f"{self.name} does not start: {self.said()[-2_000:]}")

    async def _start(self) -> bool:
        with self._errors.open("ab") as errors:
            process = await launch(self._command, errors)
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), _READY_SECONDS)).decode()
        if not line.startswith("ready http://"):
            await process.wait()
            return False
        self.process = process
        self._drain = asyncio.create_task(_drain(process.stdout))
        return True

    async def kill(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            assert self._drain is not None
            await asyncio.wait_for(self._drain, 30)

    def said(self) -> str:
        return self._errors.read_text(errors="replace") if self._errors.exists() else ""


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


class Soak:
    def __init__(
        self, asked: Asked, servers: list[Server], nodes: list[NodeProcess], tell: Callable[[str], None]
    ) -> None:
        self._asked = asked
        self._servers = servers
        self._nodes = nodes
        self._tell = tell
        self._chance = random.Random(asked.seed)
        self._began = time.monotonic()
        self.found = Found()
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(6, connect=2), trust_env=False)
        self._sending = True
        self._done = 0

    async def run(self) -> Found:
        asked, found = self._asked, self.found
        receivers = [asyncio.create_task(self._receive("work", self._note_work)) for _ in range(2)]
        receivers += [asyncio.create_task(self._receive("orders.fifo", self._note_fifo)) for _ in range(2)]
        try:
            senders = [self._events(), self._messages(), *(self._fifo(group) for group in range(_GROUPS))]
            sending = asyncio.gather(*senders)
            await self._faults(sending)
            await sending
            self._tell(f"{self._at()} all is sent; waiting for what is on its way")
            wanted = sum(found.fifo_sent.values())
            await self._until(
                lambda: (
                    found.events <= set(self._read_runs())
                    and found.sent <= set(found.received)
                    and sum(len(set(each)) for each in found.ordered.values()) >= wanted
                )
            )
        finally:
            for each in receivers:
                each.cancel()
            await asyncio.gather(*receivers, return_exceptions=True)
            await self._http.aclose()
        self._read_runs()
        assert asked.messages == len(found.sent)
        return found

    async def _until(self, done: Callable[[], bool]) -> None:
        changed, before = time.monotonic(), -1
        while not done():
            now = len(self.found.received) + sum(map(len, self.found.ordered.values())) + sum(self.found.runs.values())
            if now != before:
                changed, before = time.monotonic(), now
            elif time.monotonic() - changed > _STALLED_SECONDS:
                return
            await asyncio.sleep(0.2)

    def _read_runs(self) -> Counter[int]:
        seen = self._asked.folder / "seen"
        lines = seen.read_text().splitlines() if seen.exists() else []
        self.found.runs = Counter(json.loads(line)[1]["n"] for line in lines)
        return self.found.runs

    # Sending

    async def _events(self) -> None:
        waiting = list(range(self._asked.events))

        async def sender() -> None:
            while waiting:
                number = waiting.pop()
                function = "Narrow" if number % 20 == 0 else "Plain"
                await self._insist(lambda f=function, n=number: self._send_event(f, n))  # type: ignore[misc]
                self.found.events.add(number)

        await asyncio.gather(*(sender() for _ in range(4)))

    async def _messages(self) -> None:
        waiting = list(range(self._asked.messages))

        async def sender() -> None:
            while waiting:
                number = waiting.pop()
                await self._insist(lambda n=number: self._send("work", str(n)))  # type: ignore[misc]
                self.found.sent.add(number)

        await asyncio.gather(*(sender() for _ in range(4)))

    async def _fifo(self, group: int) -> None:
        for number in range(self._asked.messages // _GROUPS):
            members = {"MessageGroupId": str(group), "MessageDeduplicationId": f"{group}-{number}"}
            await self._insist(lambda n=number, m=members: self._send("orders.fifo", f"{group}-{n}", **m))  # type: ignore[misc]
            self.found.fifo_sent[group] += 1

    async def _send_event(self, function: str, number: int) -> bool:
        path = f"/2015-03-31/functions/{function}/invocations"
        return await self._post(path, json.dumps({"n": number}), {"x-amz-invocation-type": "Event"}) is not None

    async def _send(self, queue: str, body: str, **members: str) -> bool:
        return await self._sqs("SendMessage", {"QueueUrl": _url(queue), "MessageBody": body, **members}) is not None

    async def _insist(self, act: Callable[[], Awaitable[bool]]) -> None:
        while not await act():  # noqa: ASYNC110 (it asks again)
            await asyncio.sleep(0.1)

    # Receiving

    async def _receive(self, queue: str, note: Callable[[str], None]) -> None:
        while True:
            asked = {"QueueUrl": _url(queue), "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1}
            answer = await self._sqs("ReceiveMessage", asked)
            messages = [] if answer is None else answer.get("Messages", [])
            for message in messages:
                note(message["Body"])
            if messages:
                entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
                await self._sqs("DeleteMessageBatch", {"QueueUrl": _url(queue), "Entries": entries})
            elif answer is None:
                await asyncio.sleep(0.1)

    def _note_work(self, body: str) -> None:
        self.found.received[int(body)] += 1

    def _note_fifo(self, body: str) -> None:
        group, _, number = body.partition("-")
        self.found.ordered[int(group)].append(int(number))

    # The wire

    async def _sqs(self, operation: str, members: dict[str, object]) -> dict[str, list[dict[str, str]]] | None:
        headers = {"x-amz-target": f"AmazonSQS.{operation}", "content-type": "application/x-amz-json-1.0"}
        return await self._post("/", json.dumps(members), headers)

    async def _post(self, path: str, body: str, headers: dict[str, str]) -> dict[str, list[dict[str, str]]] | None:
        """None when it was not acknowledged."""
        living = [node for node in self._nodes if node.lives]
        if not living:
            return None
        node = self._chance.choice(living)
        try:
            answer = await self._http.post(node.url + path, content=body, headers=headers)
        except httpx.TransportError:
            return None
        if answer.status_code >= 300:
            self.found.refusals[answer.status_code] += 1
            if answer.status_code < 500 and answer.status_code != 429:
                raise AssertionError(f"{node.name}: {answer.status_code} {answer.text}")
            if answer.status_code == 503:
                assert "retry-after" in answer.headers, answer.text
            return None
        found: dict[str, list[dict[str, str]]] = answer.json() if answer.content else {}
        return found

    # Faults

    async def _faults(self, sending: "asyncio.Future[list[None]]") -> None:
        kinds = ["kill a node", "pause a node", "kill a server", "pause a server"]
        for number in range(self._asked.faults):
            await asyncio.sleep(self._chance.uniform(0.5, 2.0))
            if sending.done():
                sending.result()
            kind = kinds[number % len(kinds)]
            recovered = await self._fault(kind)
            self.found.recoveries.append((kind, recovered))
            self._tell(f"{self._at()} {number + 1}/{self._asked.faults} {kind}: served again after {recovered:.1f} s")

    async def _fault(self, kind: str) -> float:
        began = time.monotonic()
        if kind == "kill a node":
            node = self._chance.choice(self._nodes)
            await node.kill()
            recovered = await self._served_again(began)
            await node.start()
        elif kind == "pause a node":
            node = self._chance.choice(self._nodes)
            assert node.process is not None
            node.paused = True
            os.kill(node.process.pid, signal.SIGSTOP)
            recovered = await self._served_again(began)
            await asyncio.sleep(self._chance.uniform(0.0, 6.0))
            os.kill(node.process.pid, signal.SIGCONT)
            node.paused = False
        elif kind == "kill a server":
            server = self._chance.choice(self._servers)
            server.kill()
            recovered = await self._served_again(began)
            await asyncio.to_thread(server.start)
            await asyncio.sleep(1.0)
        else:
            server = self._chance.choice(self._servers)
            server.send(signal.SIGSTOP)
            recovered = await self._served_again(began)
            await asyncio.sleep(self._chance.uniform(0.0, 3.0))
            server.send(signal.SIGCONT)
        return recovered

    async def _served_again(self, began: float) -> float:
        """Seconds until every node that lives takes an event and serves both queues."""
        for node in [each for each in self._nodes if each.lives]:
            for queue in ("work", "orders.fifo"):
                asked = {"QueueUrl": _url(queue), "AttributeNames": ["All"]}
                headers = {
                    "x-amz-target": "AmazonSQS.GetQueueAttributes",
                    "content-type": "application/x-amz-json-1.0",
                }
                while True:
                    with contextlib.suppress(httpx.TransportError):
                        answer = await self._http.post(node.url, content=json.dumps(asked), headers=headers)
                        if answer.status_code == 200:
                            break
                    await asyncio.sleep(0.05)
        before = len(self.found.events), len(self.found.sent)
        deadline = time.monotonic() + 30
        while (len(self.found.events), len(self.found.sent)) == before and time.monotonic() < deadline:
            if len(self.found.events) == self._asked.events and len(self.found.sent) == self._asked.messages:
                break
            await asyncio.sleep(0.02)
        return time.monotonic() - began

    def _at(self) -> str:
        found = self.found
        return (
            f"{time.monotonic() - self._began:6.1f} s  {len(found.events)} events, {len(found.sent)} messages, "
            f"{sum(found.fifo_sent.values())} FIFO messages;"
        )


def _url(queue: str) -> str:
    return f"http://127.0.0.1:4566/{_ACCOUNT}/{queue}"


@contextlib.asynccontextmanager
async def running(
    folder: Path, servers: int = 3, nodes: int = 3
) -> AsyncIterator[tuple[list[Server], list[NodeProcess]]]:
    """Servers and nodes, all ready; ended with the context."""
    project = write(folder / "project", seen=str(folder / "seen"))
    with contextlib.ExitStack() as stack:
        if servers == 1:
            started = [stack.enter_context(one_server(folder / "servers"))]
        else:
            started = stack.enter_context(servers_of(folder / "servers", servers))
        store = "nats://" + ",".join(each.url.removeprefix("nats://") for each in started)
        processes = [NodeProcess(f"n{n + 1}", project, folder / f"data{n + 1}", store) for n in range(nodes)]
        try:
            await asyncio.gather(*(each.start() for each in processes))
            yield started, processes
        finally:
            for each in processes:
                if each.paused and each.process is not None:
                    os.kill(each.process.pid, signal.SIGCONT)
                await each.kill()


async def soak(asked: Asked, tell: Callable[[str], None]) -> Found:
    async with running(asked.folder) as (servers, nodes):
        tell("three servers and three nodes are ready")
        return await Soak(asked, servers, nodes, tell).run()
