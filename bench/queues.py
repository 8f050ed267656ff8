"""Amazon SQS over HTTP: sends, receives with deletes, how soon a waiting receiver has a message, a queue of a million.

The server is a process of its own; the clients are here. Beside it huey on SQLite, the durable queue that the
registries have; moto's server only where somebody has installed it.
"""

import asyncio
import importlib.util
import tempfile
import time
from pathlib import Path

import orjson
from tests.journeys.servers import ServerProcess, started

from bench import load
from bench.figures import Figure, percentile
from bench.peers import huey_sqlite, moto_sqs
from callpark.kernel.arn import Place
from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import SqsLimits
from callpark.queues.model import Message, MessageState, Queue, encode_message, encode_state
from callpark.queues.service import Queues
from callpark.store.ports import Put, WorkItem
from callpark.store.sqlite import SqliteStore

MILLION = 1_000_000
_ROUNDS = 200
_BODY = "x" * 200


class Client:
    """One keep-alive connection that speaks JSON 1.0 to SQS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, endpoint: str) -> None:
        self._reader = reader
        self._writer = writer
        self._url = f"{endpoint}/123456789012/bench"

    @classmethod
    async def open(cls, endpoint: str) -> "Client":
        host, _, port = endpoint.removeprefix("http://").partition(":")
        return cls(*await asyncio.open_connection(host, int(port)), endpoint)

    async def call(self, operation: str, **members: object) -> dict[str, list[dict[str, str]]]:
        body = orjson.dumps({"QueueUrl": self._url, **members})
        self._writer.write(_head(operation, len(body)) + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        answer = await self._reader.readexactly(int(length.partition(b":")[2]))
        found: dict[str, list[dict[str, str]]] = orjson.loads(answer) if answer else {}
        return found

    async def receive_and_delete(self) -> float:
        """Seconds for both, with one message."""
        begun = time.perf_counter()
        (message,) = (await self.call("ReceiveMessage"))["Messages"]
        await self.call("DeleteMessage", ReceiptHandle=message["ReceiptHandle"])
        return time.perf_counter() - begun

    def close(self) -> None:
        self._writer.close()


def _head(operation: str, length: int) -> bytes:
    return (
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"X-Amz-Target: AmazonSQS.{operation}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


#: Clients → messages they take and delete.
_DRAINS = {1: 1_000, 16: 10_000, 256: 20_000}


async def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        project, data = _project(Path(folder)), Path(folder) / "data"
        async with started(project, data) as server:
            one = await _sends(server.endpoint, 1, 2_000)
            many = await _sends(server.endpoint, 16, 20_000)
            crowd = await _sends(server.endpoint, 256, 20_000)
            drains = {count: await _drained(server.endpoint, count, messages) for count, messages in _DRAINS.items()}
            wakes = {count: await _wakes(server.endpoint, count) for count in (1, 16, 256)}
            small = _memory(server)
    durable = await asyncio.to_thread(huey_sqlite.enqueues_per_second, 2_000, fsync=True)
    found = [
        Figure("SendMessage, 1 client", one.rate, "/s", "", None, "huey SQLite, fsync, in process", durable),
        Figure("SendMessage, 16 clients", many.rate, "/s", "", None, "huey SQLite, fsync, in process", durable),
        Figure("  its p99", many.percentile(0.99) * 1e3, "ms"),
        Figure("SendMessage, 256 clients", crowd.rate, "/s", "", None, "huey SQLite, fsync, in process", durable),
        Figure("  its p99", crowd.percentile(0.99) * 1e3, "ms"),
    ]
    for count, (rate, latencies) in drains.items():
        found.append(Figure(f"ReceiveMessage + DeleteMessage, {count} clients", rate, "/s"))
        found.append(Figure("  its p99", percentile(latencies, 0.99) * 1e3, "ms"))
    for count, seconds in wakes.items():
        found.append(Figure(f"send → waiting receiver, {count} waiting, p50", percentile(seconds, 0.5) * 1e3, "ms"))
        found.append(Figure("  its p99", percentile(seconds, 0.99) * 1e3, "ms"))
    if importlib.util.find_spec("moto") is not None:
        peer = await asyncio.to_thread(moto_sqs.sends_per_second, 300)
        found.append(Figure("SendMessage, 1 client", one.rate, "/s", "", None, "moto server, in memory", peer))
    return found + await _a_million(small)


def _project(folder: Path) -> Path:
    """A project that declares the queue."""
    project = folder / "project"
    project.mkdir()
    resources = {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "bench"}}}
    (project / "template.json").write_bytes(orjson.dumps({"Resources": resources}))
    return project


async def _sends(endpoint: str, connections: int, count: int) -> load.Report:
    body = orjson.dumps({"QueueUrl": f"{endpoint}/123456789012/bench", "MessageBody": _BODY})
    headers = (("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", "AmazonSQS.SendMessage"))
    report = await load.run(load.Request("POST", f"{endpoint}/", headers, body), connections, count)
    assert set(report.statuses) == {200}, report
    return report


async def _drained(endpoint: str, connections: int, count: int) -> tuple[float, list[float]]:
    """Messages a second, and the seconds of each receive with its delete."""
    clients = [await Client.open(endpoint) for _ in range(connections)]
    latencies: list[float] = []

    async def drain(client: Client) -> None:
        latencies.extend([await client.receive_and_delete() for _ in range(count // connections)])

    begun = time.perf_counter()
    await asyncio.gather(*map(drain, clients))
    elapsed = time.perf_counter() - begun
    for client in clients:
        client.close()
    return len(latencies) / elapsed, latencies


async def _wakes(endpoint: str, waiting: int) -> list[float]:
    """From before a send to the answer that a waiting receiver gets, in seconds, with `waiting` long polls open."""
    sender = await Client.open(endpoint)
    while "Messages" in await sender.call("ReceiveMessage", MaxNumberOfMessages=10, VisibilityTimeout=900):
        pass
    clients = [await Client.open(endpoint) for _ in range(waiting)]
    arrivals: asyncio.Queue[float] = asyncio.Queue()

    async def receive(client: Client) -> None:
        while True:
            if "Messages" in await client.call("ReceiveMessage", WaitTimeSeconds=20, VisibilityTimeout=900):
                arrivals.put_nowait(time.perf_counter())

    receivers = [asyncio.create_task(receive(client)) for client in clients]
    await sender.call("GetQueueAttributes")
    found = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        await sender.call("SendMessage", MessageBody=_BODY)
        found.append(await arrivals.get() - begun)
    for receiver in receivers:
        receiver.cancel()
    await asyncio.gather(*receivers, return_exceptions=True)
    for client in (*clients, sender):
        client.close()
    return found


async def _a_million(small: float) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        project, data = _project(Path(folder)), Path(folder) / "data"
        await _fill(data, MILLION)
        begun = time.perf_counter()
        async with started(project, data) as server:
            ready = time.perf_counter() - begun
            one = await _sends(server.endpoint, 1, 1_000)
            taken, latencies = await _drained(server.endpoint, 16, 5_000)
            memory = _memory(server)
    return [
        Figure("a queue of 1,000,000: start-up to ready", ready, "s"),
        Figure("  SendMessage, 1 client, p50", one.percentile(0.5) * 1e3, "ms"),
        Figure("  ReceiveMessage + DeleteMessage, 16 clients", taken, "/s"),
        Figure("  its p99", percentile(latencies, 0.99) * 1e3, "ms"),
        Figure("  memory of the server", memory, "MB", "", None, "with an empty queue", small, more_is_better=False),
    ]


async def _fill(data: Path, count: int) -> None:
    """A queue with `count` messages, through the store in bulk."""
    clock, store = SystemClock(), SqliteStore.open(data, SystemClock())
    queues = Queues(
        clock=clock, ids=SystemIds(), limits=SqsLimits(), place=Place(), store=store, base_url="http://127.0.0.1"
    )
    await queues.start()
    queue = await queues.administration.create("bench", {}, {})
    body, state = encode_message(Message(_BODY, clock.now(), "bench")), encode_state(MessageState())
    ids = SystemIds()
    for _ in range(0, count, 10_000):
        await store.commit([_put(queue, ids.uuid(), body, state, clock.now()) for _ in range(10_000)])
    await queues.close()
    await store.close()


def _put(queue: Queue, message_id: str, body: bytes, state: bytes, at: float) -> Put:
    return Put(WorkItem(queue.store_queue, message_id, body, state, at))


def _memory(server: ServerProcess) -> float:
    """Resident megabytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1_000
