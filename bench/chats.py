"""A thousand chats at once over real sockets, each through a flow with an asynchronous function: from SendMessage to
the frame at the participant's web socket. The customers are a process of their own (`python -m bench.chats`)."""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import msgspec

from bench import contact_flows as flows
from bench import websocket
from bench.figures import Figure, percentile
from callpark.cli.collector import settle_collector
from callpark.cli.loop import run
from callpark.serving import served
from callpark.settings import Settings

CHATS = 1_000
MESSAGES = 3
RATE = 200
"""Messages in a second, all chats together."""

_WAIT = {"TimeLimitSeconds": "600", "Events": ["CustomerReturned"]}
ECHO = flows.flow(
    "echo",
    flows.start_function("One", "hello"),
    flows.say("hello", "Hello.", "wait"),
    flows.action("wait", "Wait", _WAIT, "bye", CustomerReturned="answer", WaitCompleted="bye"),
    flows.say("answer", "Answer.", "wait"),
    flows.BYE,
)


class Measured(msgspec.Struct):
    """What the customers saw: milliseconds from sending to the own frame and to the flow's answer, messages that never
    came or came twice or out of order."""

    own: list[float]
    answered: list[float]
    wrong: int
    seconds_to_start: float
    rate: float


async def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        async with served(Settings(data=Path(folder) / "data", port=0), _project(Path(folder))) as app:
            settle_collector()
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bench.chats", app.base_url, str(CHATS)), stdout=asyncio.subprocess.PIPE
            )
            out, _ = await child.communicate()
    measured = msgspec.json.decode(out, type=Measured)
    own, answered = measured.own, measured.answered
    worst = percentile(own, 0.99)
    return [
        Figure(f"{CHATS:,} chats, SendMessage → frame, {RATE}/s, p50", percentile(own, 0.5), "ms"),
        Figure("… p99", worst, "ms", "< 50 ms", worst < 50),
        Figure("… → the flow's answer, p99", percentile(answered, 0.99), "ms"),
        Figure("… messages lost, repeated or reordered", measured.wrong, "", "0", measured.wrong == 0),
        Figure("… chats started and connected", CHATS / measured.seconds_to_start, "/s"),
    ]


def _project(folder: Path) -> Path:
    function = {"FunctionName": "One", "Runtime": "python3.11", "Handler": "app.one", "Role": "r", "Code": "src"}
    flow = {"Name": "echo", "Type": "CONTACT_FLOW", "InstanceArn": "i", "Content": ECHO.content}
    resources = {
        "One": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Echo": {"Type": "AWS::Connect::ContactFlow", "Properties": flow},
    }
    (folder / "src").mkdir()
    (folder / "src" / "app.py").write_text("def one(event, context):\n    return {}\n")
    (folder / "template.json").write_text(json.dumps({"Resources": resources}))
    return folder


class Http:
    """One keep-alive connection; requests one after another. A client library's time would be measured as ours."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer, self._host = reader, writer, host

    @classmethod
    async def open(cls, url: str) -> "Http":
        address = urlsplit(url)
        return cls(*await asyncio.open_connection(address.hostname, address.port), address.netloc)

    async def ask(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> dict[str, object]:
        data = json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self._host}",
            "Content-Type: application/json",
            *(f"{name}: {value}" for name, value in headers.items()),
            f"Content-Length: {len(data)}",
        ]
        self._writer.write("\r\n".join([*lines, "\r\n"]).encode() + data)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        size = next(
            int(line.partition(b":")[2]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        found: dict[str, object] = json.loads(await self._reader.readexactly(size) or b"{}")
        assert b" 200 " in answer.partition(b"\r\n")[0], found
        return found


class _Customer:
    """One chat's client."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.token = ""
        self.sent: dict[str, float] = {}
        self.own: list[float] = []
        self.answered: list[float] = []
        self.texts: list[str] = []
        self.greeted = asyncio.Event()
        self.done = asyncio.Event()
        self._last = 0.0

    def hear(self, frame: Mapping[str, object], at: float) -> None:
        if frame.get("topic") != "aws/chat":
            return
        item = json.loads(str(frame["content"]))
        text = item.get("Content")
        if text == "Hello.":
            self.greeted.set()
        elif text == "Answer.":
            self.answered.append((at - self._last) * 1_000)
            if len(self.answered) == MESSAGES:
                self.done.set()
        elif text is not None:
            self._last = self.sent[text]
            self.own.append((at - self._last) * 1_000)
            self.texts.append(text)

    @property
    def wrong(self) -> int:
        return sum(left != right for left, right in zip(self.texts, self.sent, strict=False)) + abs(
            len(self.texts) - len(self.sent)
        )


class _Ear(asyncio.Protocol):
    """A customer's web socket."""

    def __init__(self, upgrade: bytes) -> None:
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.texts: asyncio.Queue[bytes] = asyncio.Queue()
        self._upgrade = upgrade
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._upgrade)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self.open.done():
            head, end, rest = self._unread.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._unread = rest
            self.open.set_result(None)
        texts, pings, self._unread = websocket.messages(self._unread)
        for ping in pings:
            self._transport.write(websocket.pong(ping))
        for text in texts:
            self.texts.put_nowait(text)

    def send(self, text: str) -> None:
        self._transport.write(websocket.frame(text))


async def _customers(endpoint: str, count: int) -> Measured:
    host, _, port = endpoint.removeprefix("http://").partition(":")
    pool: asyncio.Queue[Http] = asyncio.Queue()
    for _ in range(16):
        pool.put_nowait(await Http.open(endpoint))

    async def ask(method: str, path: str, body: object, token: str = "") -> dict[str, object]:
        http = await pool.get()
        try:
            return await http.ask(method, path, body, {"X-Amz-Bearer": token})
        finally:
            pool.put_nowait(http)

    loop = asyncio.get_running_loop()

    async def begin(customer: _Customer) -> None:
        start = {"InstanceId": "i", "ContactFlowId": "echo", "ParticipantDetails": {"DisplayName": "Ann"}}
        begun = await ask("PUT", "/contact/chat", start)
        types = {"Type": ["WEBSOCKET", "CONNECTION_CREDENTIALS"]}
        answer = await ask("POST", "/participant/connection", types, str(begun["ParticipantToken"]))
        made = msgspec.convert(answer, _Connection)
        customer.token = made.connection_credentials.connection_token
        upgrade = websocket.upgrade(made.websocket.url)
        _, socket = await loop.create_connection(lambda: _Ear(upgrade), host, int(port))
        await asyncio.wait_for(socket.open, 30)
        socket.send('{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}')

        async def listen() -> None:
            while not customer.done.is_set():
                customer.hear(json.loads(await asyncio.wait_for(socket.texts.get(), 30)), time.perf_counter())

        listening.append(asyncio.create_task(listen()))
        await asyncio.wait_for(customer.greeted.wait(), 30)

    async def say(customer: _Customer, text: str) -> None:
        customer.sent[text] = time.perf_counter()
        await ask("POST", "/participant/message", {"ContentType": "text/plain", "Content": text}, customer.token)

    listening: list[asyncio.Task[None]] = []
    customers = [_Customer(number) for number in range(count)]
    started = time.perf_counter()
    for first in range(0, count, 50):
        await asyncio.gather(*(begin(customer) for customer in customers[first : first + 50]))
    seconds_to_start = time.perf_counter() - started
    saying = []
    began = time.perf_counter()
    for turn in range(MESSAGES):
        for index, customer in enumerate(customers):
            due = began + (turn * count + index) / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            saying.append(asyncio.create_task(say(customer, f"{customer.number} says {turn}")))
    await asyncio.gather(*saying)
    rate = len(saying) / (time.perf_counter() - began)
    await asyncio.wait_for(asyncio.gather(*(customer.done.wait() for customer in customers)), 30)
    return Measured(
        [value for customer in customers for value in customer.own],
        [value for customer in customers for value in customer.answered],
        sum(customer.wrong for customer in customers),
        seconds_to_start,
        rate,
    )


class _Websocket(msgspec.Struct, rename="pascal"):
    url: str


class _Credentials(msgspec.Struct, rename="pascal"):
    connection_token: str


class _Connection(msgspec.Struct, rename="pascal"):
    websocket: _Websocket
    connection_credentials: _Credentials


if __name__ == "__main__":
    measured = run(_customers(sys.argv[1], int(sys.argv[2])))
    sys.stdout.buffer.write(msgspec.json.encode(measured))
