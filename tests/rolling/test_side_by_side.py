"""A node of this version and one of the next, as processes: events, a queue and control planes go on while a cluster is
rolled, and afterwards the old version is refused."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.cluster.project import write
from tests.journeys.commands import Command, command
from tests.rolling.newer import VERSION
from tests.store.nats.servers import BINARY, running

pytestmark = [pytest.mark.process, pytest.mark.skipif(not BINARY.exists(), reason="the extra `cluster` is missing")]

_NEWER = "tests.rolling.newer"


class Client:
    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self.url = url

    async def event(self, number: int) -> None:
        path = f"{self.url}/2015-03-31/functions/Plain/invocations"
        answer = await self._http.post(path, json={"n": number}, headers={"x-amz-invocation-type": "Event"})
        assert answer.status_code == 202, answer.text

    async def sqs(self, operation: str, **members: object) -> dict[str, list[dict[str, str]]]:
        headers = {"x-amz-target": f"AmazonSQS.{operation}", "content-type": "application/x-amz-json-1.0"}
        answer = await self._http.post(self.url, content=json.dumps(members), headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, list[dict[str, str]]] = answer.json() if answer.content else {}
        return found

    async def send(self, queue: str, body: str) -> None:
        more = {"MessageGroupId": "g", "MessageDeduplicationId": body} if queue.endswith(".fifo") else {}
        await self.sqs("SendMessage", QueueUrl=_url(queue), MessageBody=body, **more)

    async def receive(self, queue: str) -> list[str]:
        found: list[str] = []
        while messages := (await self.sqs("ReceiveMessage", QueueUrl=_url(queue), MaxNumberOfMessages=10)).get(
            "Messages", []
        ):
            found += [each["Body"] for each in messages]
            for each in messages:
                await self.sqs("DeleteMessage", QueueUrl=_url(queue), ReceiptHandle=each["ReceiptHandle"])
        return found

    async def status(self) -> dict[str, object]:
        found: dict[str, object] = (await self._http.get(f"{self.url}/_callpark/cluster")).json()
        return found


def _url(queue: str) -> str:
    return f"http://127.0.0.1/123456789012/{queue}"


@asynccontextmanager
async def node(name: str, start: Sequence[str], module: str) -> AsyncIterator[tuple[Command, str]]:
    async with command(*start, "--node-name", name, module=module) as running:
        yield running, (await running.until("ready http://", 50)).split()[1]


@pytest.mark.timeout(150)
async def test_a_cluster_is_rolled_to_the_next_version(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    project = write(tmp_path / "project", seen=str(seen))
    with running(tmp_path / "server") as server:

        def start(name: str) -> list[str]:
            return ["start", str(project), "--port", "0", "--store", server.url, "--data", str(tmp_path / name)]

        async with (
            httpx.AsyncClient(trust_env=False, timeout=30) as http,
            node("old", start("old"), "callpark") as (older, old_url),
            node("new", start("new"), _NEWER) as (newer, new_url),
        ):
            old, new = Client(http, old_url), Client(http, new_url)
            await _both_work(old, new, seen)
            found = await old.status()
            assert found["protocol"] == 1
            assert isinstance(found["members"], list)
            assert {(each["name"], each["protocol"]) for each in found["members"]} == {("new", 2), ("old", 1)}
            assert VERSION in {each["version"] for each in found["members"]}
            assert await older.signal(signal.SIGTERM) == 0
            _said_kindly(older)
            async with asyncio.timeout(20):
                while (await new.status())["protocol"] != 2:  # noqa: ASYNC110 (the cluster tells nobody else)
                    await asyncio.sleep(0.05)
            await new.send("work", "alone")
            assert await new.receive("work") == ["alone"]
            async with command(*start("old"), "--node-name", "old") as refused:
                assert await refused.ended(50) == 2
            assert any("speaks protocol 1" in line and "protocol 2" in line for line in refused.lines), refused.lines
            assert await newer.signal(signal.SIGTERM) == 0
            assert any("old refuses: " in line and "does not know OperationOfA" in line for line in newer.lines)


async def _both_work(old: Client, new: Client, seen: Path) -> None:
    """Whoever of them owns what, whoever is asked."""
    for number in range(8):
        for place, client in enumerate((old, new)):
            await client.event(2 * number + place)
            await client.send("work", f"{number}-{place}")
        await (old, new)[number % 2].send("orders.fifo", str(number))
    assert sorted(await old.receive("work") + await new.receive("work")) == sorted(
        f"{number}-{place}" for number in range(8) for place in (0, 1)
    )
    assert await new.receive("orders.fifo") + await old.receive("orders.fifo") == [str(number) for number in range(8)]
    await new.sqs("CreateQueue", QueueName="made-by-new")
    await old.send("made-by-new", "hello")
    await old.sqs("CreateQueue", QueueName="made-by-old")
    await new.send("made-by-old", "hello")
    async with asyncio.timeout(30):
        while len(_runs(seen)) < 16:  # noqa: ASYNC110 (a file that handlers write)
            await asyncio.sleep(0.05)
    assert sorted(_runs(seen)) == list(range(16))


def _runs(seen: Path) -> list[int]:
    lines = seen.read_text().splitlines() if seen.exists() else []
    return [json.loads(line)[1]["n"] for line in lines]


def _said_kindly(older: Command) -> None:
    """What the old node did not understand it said once, of each topic, and nothing broke."""
    strange = [line for line in older.lines if "not understood" in line]
    assert strange
    assert len(strange) == len(set(strange)) < 10, strange
    assert not any("bug in callpark" in line or "Traceback" in line for line in older.lines), older.lines
