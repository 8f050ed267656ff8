"""Servers without space, and too few of them, through a whole node: a 503 with Retry-After, never a false yes, and
everything that was acknowledged is there afterwards."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from nats.aio.client import Client

from tests.cluster.project import write
from tests.journeys.servers import started
from tests.store.nats.servers import Server, cluster, running

pytestmark = pytest.mark.process

BODY = "x" * 90_000
MUCH = "2MB"


@dataclass
class Sender:
    """boto3 at one node; what was acknowledged, and how the rest was refused."""

    endpoint: str
    seen: Path
    events: set[int] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    refusals: list[ClientError] = field(default_factory=list)
    _numbers: int = 0

    def client(self, service: str):  # type: ignore[no-untyped-def]
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="callpark",
            aws_secret_access_key="callpark",
            config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=30),
        )

    @property
    def queue(self) -> str:
        return f"{self.endpoint}/123456789012/work"

    async def send(self) -> bool:
        """A message and an event; whether both were acknowledged."""
        self._numbers += 1
        number = self._numbers
        took = [
            await self._try(lambda: self._message(number), lambda: self.messages.add(str(number))),
            await self._try(lambda: self._event(number), lambda: self.events.add(number)),
        ]
        return all(took)

    def _message(self, number: int) -> None:
        self.client("sqs").send_message(QueueUrl=self.queue, MessageBody=f"{number} {BODY}")

    def _event(self, number: int) -> None:
        payload = json.dumps({"n": number, "pad": BODY})
        self.client("lambda").invoke(FunctionName="Narrow", InvocationType="Event", Payload=payload)

    async def _try(self, act: Callable[[], None], done: Callable[[], None]) -> bool:
        try:
            await asyncio.to_thread(act)
        except ClientError as error:
            self.refusals.append(error)
            return False
        done()
        return True

    async def receive_all(self) -> set[str]:
        """Receives and deletes what is in the queue."""
        found: set[str] = set()
        while batch := await asyncio.to_thread(self._receive):
            found |= batch
        return found

    def _receive(self) -> set[str]:
        sqs = self.client("sqs")
        messages = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for each in messages:
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
        return {each["Body"].split()[0] for each in messages}

    def ran(self) -> set[int]:
        lines = self.seen.read_text().splitlines() if self.seen.exists() else []
        return {json.loads(line)[1]["n"] for line in lines}

    async def all_ran(self) -> None:
        async with asyncio.timeout(40):
            while not self.events <= self.ran():  # noqa: ASYNC110 (a file that handlers write)
                await asyncio.sleep(0.05)

    def assert_refusals_are_clean(self) -> None:
        assert self.refusals
        for error in self.refusals:
            answered = error.response["ResponseMetadata"]
            assert answered["HTTPStatusCode"] == 503, error
            assert answered["HTTPHeaders"]["retry-after"], error


@contextlib.asynccontextmanager
async def node(folder: Path, servers: list[Server], *limits: str) -> AsyncIterator[Sender]:
    seen = folder / "seen"
    project = write(folder / "project", seen=str(seen))
    where = "nats://" + ",".join(server.url.removeprefix("nats://") for server in servers)
    told = [part for limit in limits for part in ("--limit", limit)]
    async with started(project, folder / "data", "--store", where, *told) as process:
        yield Sender(process.endpoint, seen)


async def bound_stream(server: Server) -> None:
    """An operator gives the store so many bytes."""
    client = Client()
    await client.connect(server.url)
    try:
        info = json.loads((await client.request("$JS.API.STREAM.INFO.callpark_default", b"")).data)
        wanted = json.dumps({**info["config"], "max_bytes": 2_000_000}).encode()
        answer = json.loads((await client.request("$JS.API.STREAM.UPDATE.callpark_default", wanted)).data)
        assert "error" not in answer, answer
    finally:
        await client.close()


@pytest.mark.parametrize("what", ["the servers' space", "the stream's"])
async def test_without_space_nothing_is_acknowledged_and_with_space_all_goes_on(tmp_path: Path, what: str) -> None:
    space = f"max_file_store: {MUCH}, " if what == "the servers' space" else ""
    section = f'jetstream {{ store_dir: "{tmp_path}/server/js", {space}sync_interval: always }}'
    with running(tmp_path / "server", jetstream=section) as server:
        async with node(tmp_path, [server]) as sender:
            if what == "the stream's":
                await bound_stream(server)
            for _ in range(60):
                if not await sender.send():
                    break
            sender.assert_refusals_are_clean()
            assert len(sender.messages) > 3
            assert await sender.receive_all() == sender.messages
            await sender.all_ran()
            before = set(sender.messages)
            async with asyncio.timeout(40):
                while not await sender.send():  # the next look after the room
                    pass
            await sender.all_ran()
            assert await sender.receive_all() == sender.messages - before


async def test_without_most_servers_nothing_is_acknowledged_and_with_them_all_goes_on(tmp_path: Path) -> None:
    with cluster(tmp_path / "servers") as servers:
        async with node(tmp_path, servers, "store.commit_seconds=1") as sender:
            assert await sender.send()
            for server in servers[:2]:
                server.kill()
            while await sender.send():  # the last one may stand for the others still
                pass
            acknowledged = len(sender.messages) + len(sender.events)
            sender.assert_refusals_are_clean()
            assert not await sender.send()
            assert len(sender.messages) + len(sender.events) == acknowledged
            for server in servers[:2]:
                await asyncio.to_thread(server.start)
            async with asyncio.timeout(40):
                while not await sender.send():
                    pass
            sender.assert_refusals_are_clean()
            await sender.all_ran()
            assert await sender.receive_all() >= sender.messages
