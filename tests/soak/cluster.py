"""Three servers, three nodes, and what happens to all of them: events, queue messages and FIFO messages are sent to and
received from whichever node lives, while nodes and servers are killed, stopped and cut off from each other at random.

Called by `python -m tests.soak cluster` and, shortly, by `tests/cluster/test_soak.py`. What must hold is said by
`Found.problems`.
"""

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.soak.faults import Fault, Faults, drawn
from tests.soak.found import Found, Suffered
from tests.soak.topology import NodeProcess, Topology, running

_STALLED_SECONDS = 120.0
_GROUPS = 20
_SENDERS = 12
_RECEIVERS = 4
_ACCOUNT = "123456789012"
#: The last of them is anyio's for a connection that was gone before it could look at it.
_BROKEN = (httpx.TransportError, AttributeError)
_TARGET = {"content-type": "application/x-amz-json-1.0"}


@dataclass(frozen=True, slots=True)
class Asked:
    """How much. `messages` of the standard queue and as many of the FIFO queue; `kinds`: of the faults, all when
    empty."""

    seed: int
    events: int
    messages: int
    faults: int
    folder: Path
    kinds: Sequence[str] = ()


class Soak:
    def __init__(self, asked: Asked, topology: Topology, tell: Callable[[str], None]) -> None:
        self._asked = asked
        self._nodes = topology.nodes
        self._mistreat = Faults(topology)
        self._tell = tell
        self._chance = random.Random(asked.seed)
        self._began = time.monotonic()
        self._further = itertools.count(asked.events)
        self.found = Found()
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(10, connect=2), trust_env=False)

    async def run(self) -> Found:
        found = self.found
        receivers = [asyncio.create_task(self._receive("work", self._note_work)) for _ in range(_RECEIVERS)]
        receivers += [asyncio.create_task(self._receive("orders.fifo", self._note_fifo)) for _ in range(_RECEIVERS)]
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
        found.said = {node.name: node.said() for node in self._nodes}
        return found

    async def _until(self, done: Callable[[], bool]) -> None:
        changed, before = time.monotonic(), -1
        while not done():
            found = self.found
            now = len(found.received) + sum(map(len, found.ordered.values())) + sum(map(len, found.runs.values()))
            if now != before:
                changed, before = time.monotonic(), now
            elif time.monotonic() - changed > _STALLED_SECONDS:
                for node in self._nodes:
                    for queue in ("work", "orders.fifo"):
                        asked: dict[str, object] = {"QueueUrl": _url(queue), "AttributeNames": ["All"]}
                        self._tell(f"{self._at()} {queue}: {await self._sqs('GetQueueAttributes', asked, node)}")
                return
            await asyncio.sleep(0.2)

    def _read_runs(self) -> dict[int, list[float]]:
        seen = self._asked.folder / "seen"
        return self.found.read_runs(seen.read_text().splitlines() if seen.exists() else [])

    # Sending

    async def _events(self) -> None:
        waiting = list(range(self._asked.events))

        async def sender() -> None:
            while waiting:
                number = waiting.pop()
                function = "Narrow" if number % 20 == 0 else "Plain"
                await self._insist(lambda f=function, n=number: self._send_event(f, n))  # type: ignore[misc]
                self.found.events.add(number)

        await asyncio.gather(*(sender() for _ in range(_SENDERS)))

    async def _messages(self) -> None:
        waiting = list(range(self._asked.messages))

        async def sender() -> None:
            while waiting:
                number = waiting.pop()
                await self._insist(lambda n=number: self._send("work", str(n)))  # type: ignore[misc]
                self.found.sent.add(number)

        await asyncio.gather(*(sender() for _ in range(_SENDERS)))

    async def _fifo(self, group: int) -> None:
        for number in range(self._asked.messages // _GROUPS):
            members = {"MessageGroupId": str(group), "MessageDeduplicationId": f"{group}-{number}"}
            await self._insist(lambda n=number, m=members: self._send("orders.fifo", f"{group}-{n}", **m))  # type: ignore[misc]
            self.found.fifo_sent[group] += 1

    async def _send_event(self, function: str, number: int) -> bool:
        return await self._post(*_event(function, number)) is not None

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

    async def _sqs(
        self, operation: str, members: dict[str, object], node: NodeProcess | None = None
    ) -> dict[str, list[dict[str, str]]] | None:
        return await self._post("/", json.dumps(members), {"x-amz-target": f"AmazonSQS.{operation}", **_TARGET}, node)

    async def _post(
        self, path: str, body: str, headers: dict[str, str], node: NodeProcess | None = None
    ) -> dict[str, list[dict[str, str]]] | None:
        """At any node that lives, or this one; None when it was not acknowledged."""
        living = [node for node in self._nodes if node.lives]
        if not living:
            return None
        node = node or self._chance.choice(living)
        try:
            answer = await self._http.post(node.url + path, content=body, headers=headers)
        except _BROKEN as error:
            self.found.refusals[type(error).__name__] += 1
            return None
        if answer.status_code >= 300:
            self.found.refusals[str(answer.status_code)] += 1
            if answer.status_code < 500 and answer.status_code != 429:
                raise AssertionError(f"{node.name}: {answer.status_code} {answer.text}")
            if answer.status_code == 503:
                assert "retry-after" in answer.headers, answer.text
            return None
        found: dict[str, list[dict[str, str]]] = answer.json() if answer.content else {}
        return found

    # Faults

    async def _faults(self, sending: "asyncio.Future[list[None]]") -> None:
        plan = drawn(self._asked.seed, self._asked.faults, len(self._nodes), self._asked.kinds)
        for number, fault in enumerate(plan, 1):
            await asyncio.sleep(fault.after)
            if sending.done():
                sending.result()
            suffered = await self._fault(fault)
            self.found.faults.append(suffered)
            self._tell(f"{self._at()} {number}/{len(plan)} {suffered.told()}")

    async def _fault(self, fault: Fault) -> Suffered:
        began, at = time.monotonic(), time.time()
        serving = await self._mistreat.begin(fault)
        during = await self._served_again(serving, began) if serving else None
        await asyncio.sleep(fault.seconds)
        ended = time.monotonic()
        await self._mistreat.end(fault)
        afterwards = await self._served_again(self._nodes, ended)
        return Suffered(fault, at, during, afterwards)

    async def _served_again(self, nodes: Sequence[NodeProcess], since: float) -> float:
        """Seconds until every one of these takes an event and serves both queues."""
        waiting = set(nodes)

        async def served(node: NodeProcess) -> None:
            await self._serves(node)
            waiting.discard(node)

        try:
            async with asyncio.timeout(_STALLED_SECONDS):
                await asyncio.gather(*(served(node) for node in nodes))
        except TimeoutError:
            said = "\n".join(f"{node.name}: {node.said()[-2_000:]}" for node in waiting)
            raise AssertionError(f"does not serve again: {said}") from None
        return time.monotonic() - since

    async def _serves(self, node: NodeProcess) -> None:
        for queue in ("work", "orders.fifo"):
            asked = json.dumps({"QueueUrl": _url(queue), "AttributeNames": ["All"]})
            await self._answers(node, "/", asked, {"x-amz-target": "AmazonSQS.GetQueueAttributes", **_TARGET})
        number = next(self._further)
        await self._answers(node, *_event("Plain", number))
        self.found.events.add(number)

    async def _answers(self, node: NodeProcess, path: str, body: str, headers: dict[str, str]) -> None:
        while True:
            with contextlib.suppress(*_BROKEN):
                answer = await self._http.post(node.url + path, content=body, headers=headers, timeout=6)
                if answer.status_code < 300:
                    return
            await asyncio.sleep(0.05)

    def _at(self) -> str:
        found = self.found
        return (
            f"{time.monotonic() - self._began:6.1f} s  {len(found.events)} events, {len(found.sent)} messages, "
            f"{sum(found.fifo_sent.values())} FIFO messages;"
        )


def _url(queue: str) -> str:
    return f"http://127.0.0.1:4566/{_ACCOUNT}/{queue}"


def _event(function: str, number: int) -> tuple[str, str, dict[str, str]]:
    path = f"/2015-03-31/functions/{function}/invocations"
    return path, json.dumps({"n": number}), {"x-amz-invocation-type": "Event"}


async def soak(asked: Asked, tell: Callable[[str], None]) -> Found:
    async with running(asked.folder) as topology:
        tell("three servers and three nodes are ready")
        return await Soak(asked, topology, tell).run()
