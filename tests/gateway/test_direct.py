"""Invoke without ASGI: whatever a client sends, both ways answer with the same bytes."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.cli.loop import run
from callpark.gateway import direct
from callpark.gateway.app import Gateway
from callpark.gateway.server import Server, bind
from callpark.kernel.arn import Place
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import Limits
from callpark.kernel.operations import Answer, Call

pytestmark = pytest.mark.process

LIMITS = Limits().override(["gateway.shutdown_seconds=1", "gateway.header_bytes=4000"])
PATH = "/2015-03-31/functions/{}/invocations"


class Functions:
    """Answers Invoke: at once, later, with a refusal, with a bug, never."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[Mapping[str, object] | Answer]] = {}
        self.seen: list[str] = []
        self.arrived = asyncio.Event()
        self.both_endless = asyncio.Event()

    def invoke(self, call: Call) -> Awaitable[Mapping[str, object] | Answer]:
        name = str(call.parameters["FunctionName"])
        self.seen.append(name)
        self.arrived.set()
        if self.seen.count("endless") == 2:
            self.both_endless.set()
        if name == "refused":
            raise CallerError("ResourceNotFoundException", 404, "no such function", headers={"X-Told": "yes\r\nNo: x"})
        if name == "parked":
            future = self.waiting[name] = asyncio.get_running_loop().create_future()
            return future
        return self._answer(call, name)

    async def _answer(self, call: Call, name: str) -> Mapping[str, object] | Answer:
        if name == "busy":
            await asyncio.sleep(0)
            raise CallerError("TooManyRequestsException", 429, "Rate Exceeded.", body={"Reason": "busy"})
        if name == "endless":
            await asyncio.Event().wait()
        if name == "bug":
            return {"StatusCode": 200, "NoSuchMember": 1, "FunctionError": 1, "Payload": 7}
        if name == "large":
            raise CallerError("RequestTooLargeException", 413, "too large")
        if name == "renamed":
            return Answer({"StatusCode": 200, "Payload": b"1"}, request_id="fixed-by-the-operation")
        kind = call.parameters.get("InvocationType")
        if kind == "Event":
            return {"StatusCode": 202, "Payload": b""}
        if kind == "DryRun":
            return {"StatusCode": 204, "Payload": b""}
        echo = repr((name, call.parameters.get("Qualifier"), call.parameters.get("Payload"))).encode()
        return {"StatusCode": 200, "Payload": echo, "FunctionError": "Unh\tandled\x01", "ExecutedVersion": "1"}


@dataclass
class Pair:
    """The same gateway twice: with the direct way, and with ASGI only."""

    functions: Functions
    gateway: Gateway
    direct: Server
    asgi: Server


@contextlib.asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    functions = Functions()
    table = {("lambda", "Invoke"): functions.invoke}
    gateway = Gateway(table, [], SystemIds(), LIMITS.gateway, Place(), dict)
    async with contextlib.AsyncExitStack() as stack:
        first, second = (stack.enter_context(bind("127.0.0.1", 0)) for _ in range(2))
        made = Pair(
            functions,
            gateway,
            Server(gateway, first, LIMITS.gateway, direct=gateway),
            Server(gateway, second, LIMITS.gateway),
        )
        for server in (made.direct, made.asgi):
            await server.start()
            stack.push_async_callback(server.stop)
        yield made


def port(server: Server) -> int:
    return int(server.base_url.rsplit(":", 1)[1])


async def sent(server: Server, pieces: list[bytes]) -> bytes:
    """What comes back until the server closes, without what differs between any two answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port(server))
    try:
        async with asyncio.timeout(10):
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
            return neutral(await reader.read())
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def neutral(answer: bytes) -> bytes:
    answer = re.sub(rb"date: [^\r]+", b"date: D", answer)
    return re.sub(rb"x-amzn-requestid: [0-9a-f]{8}-[0-9a-f-]{27}", b"x-amzn-requestid: R", answer)


@dataclass(frozen=True)
class Sent:
    """An Invoke request as a client writes it."""

    name: str = "f"
    headers: tuple[tuple[str, str], ...] = ()
    query: str = ""
    body: bytes = b"{}"
    repeated: int = 1
    chunked: bool = False
    version: str = "1.1"  # 1.0 only for the last request: it closes the connection

    def wire(self, *, last: bool) -> bytes:
        body = self.body * self.repeated
        lines = [f"POST {PATH.format(self.name)}{self.query} HTTP/{self.version if last else '1.1'}", "Host: x"]
        lines += [f"{header}: {value}" for header, value in self.headers]
        lines.append("Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {len(body)}")
        lines.append("Connection: close" if last else "Connection: keep-alive")
        if self.chunked:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


HEADERS = st.tuples(
    st.sampled_from(["X-Amz-Invocation-Type", "X-Amz-Log-Type", "X-Amz-Client-Context", "X-Other", "Upgrade"]),
    st.sampled_from(["Event", "DryRun", "RequestResponse", "Later", "", "\xe9", "websocket"]),
)
REQUESTS = st.builds(
    Sent,
    name=st.sampled_from(["f", "refused", "busy", "renamed", "a%20b", "a%2Fb", "%ff", "a:1", "", "x" * 200]),
    headers=st.lists(HEADERS, max_size=2).map(tuple),
    query=st.sampled_from(["", "?", "?Qualifier=1", "?Qualifier=a%20b&Other=2", "?Qualifier", "?a=%ff", "#part"]),
    body=st.binary(max_size=9),
    repeated=st.sampled_from([1, 1, 1, 8_000, 65_536]),
    chunked=st.sampled_from([False, False, False, True]),
    version=st.sampled_from(["1.1", "1.1", "1.1", "1.0"]),
)


def same(requests: list[Sent], cuts: list[int], ask: Callable[[list[bytes]], tuple[bytes, bytes]]) -> None:
    whole = b"".join(request.wire(last=request is requests[-1]) for request in requests)
    at = sorted(cut % (len(whole) + 1) for cut in cuts)
    pieces = [whole[start:end] for start, end in zip([0, *at], [*at, len(whole)], strict=True)]
    direct, asgi = ask(pieces)
    assert direct == asgi
    assert direct.startswith(b"HTTP/1.1 ")


def test_both_ways_answer_with_the_same_bytes(started: list[direct.Exchange]) -> None:
    async def compare() -> None:
        async with pair() as servers:
            loop = asyncio.get_running_loop()

            def ask(pieces: list[bytes]) -> tuple[bytes, bytes]:
                answers = [
                    asyncio.run_coroutine_threadsafe(sent(server, pieces), loop)
                    for server in (servers.direct, servers.asgi)
                ]
                return answers[0].result(20), answers[1].result(20)

            properties = settings(max_examples=200, deadline=None)(
                given(
                    st.lists(REQUESTS, min_size=1, max_size=3),
                    st.lists(st.integers(0, 10**6), max_size=3),
                    st.just(ask),
                )(same)
            )
            await asyncio.to_thread(properties)

    run(compare())
    assert len(started) > 50


REFUSED_IN_FRONT = [
    (request := Sent().wire(last=True)).replace(b"functions/f", b"functions/\xff"),
    request.replace(b"Host: x", b"Host: x\r\nX-Much: " + b"y" * 5_000),
    request.replace(b"Content-Length: 2", b"Content-Length: 2x"),
    request.replace(b"Content-Length: 2", b"Content-Length: 99999999999999"),
    request.replace(b"functions/f", b"functions/large"),
]


@pytest.mark.parametrize("data", REFUSED_IN_FRONT)
async def test_both_ways_refuse_with_the_same_bytes(data: bytes) -> None:
    async with pair() as servers:
        answer = await sent(servers.direct, [data])
        assert answer == await sent(servers.asgi, [data])
        assert answer.startswith(b"HTTP/1.1 4")
        assert b"connection: close" in answer


async def test_a_client_that_asks_before_it_sends_its_body(started: list[direct.Exchange]) -> None:
    front = Sent(headers=(("Expect", "100-continue"),)).wire(last=True).removesuffix(b"{}")
    async with pair() as servers:
        answer = await sent(servers.direct, [front, b"{}"])
        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert not started


async def test_an_operation_goes_on_when_its_client_leaves(started: list[direct.Exchange]) -> None:
    async with pair() as servers:
        _, writer = await asyncio.open_connection("127.0.0.1", port(servers.direct))
        writer.write(Sent("parked").wire(last=False))
        await servers.functions.arrived.wait()
        writer.close()
        await writer.wait_closed()
        await sent(servers.direct, [Sent().wire(last=True)])
        servers.functions.waiting["parked"].set_result({"StatusCode": 202})
        assert (await sent(servers.direct, [Sent().wire(last=True)])).startswith(b"HTTP/1.1 200 ")
    assert len(started) == 3


async def test_a_stop_lets_an_answer_out_and_closes(started: list[direct.Exchange]) -> None:
    async with pair() as servers:
        asked = asyncio.create_task(sent(servers.direct, [Sent("parked").wire(last=False)]))
        await servers.functions.arrived.wait()
        stopping = asyncio.create_task(servers.direct.stop())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        servers.functions.waiting["parked"].set_result({"StatusCode": 202})
        assert (await asked).startswith(b"HTTP/1.1 202 Accepted\r\n")
        await stopping
    assert started


async def test_a_stop_cuts_what_does_not_end() -> None:
    async with pair() as servers:
        endless = Sent("endless").wire(last=False)
        asked = [asyncio.create_task(sent(server, [endless])) for server in (servers.direct, servers.asgi)]
        await servers.functions.both_endless.wait()
        await asyncio.gather(servers.direct.stop(), servers.asgi.stop())
        for result in await asyncio.gather(*asked, return_exceptions=True):
            assert not isinstance(result, bytes) or not result.startswith(b"HTTP/1.1 2")


async def test_a_bug_is_told_as_one(caplog: pytest.LogCaptureFixture) -> None:
    async with pair() as servers:
        answers = [await sent(server, [Sent("bug").wire(last=True)]) for server in (servers.direct, servers.asgi)]
        assert answers[0] == answers[1]
        assert answers[0].startswith(b"HTTP/1.1 500 ")
    assert [record.message.count("a bug in callpark") for record in caplog.records] == [1, 1]
    caplog.clear()


async def test_an_idle_connection_is_closed() -> None:
    async with pair() as servers:
        limits = LIMITS.override(["gateway.keep_alive_seconds=1"]).gateway
        with bind("127.0.0.1", 0) as bound:
            server = Server(servers.gateway, bound, limits, direct=servers.gateway)
            await server.start()
            answer = await sent(server, [Sent().wire(last=False)])
            await server.stop()
        assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[direct.Exchange]:
    """The exchanges that went the direct way."""
    found: list[direct.Exchange] = []
    start = direct.Exchange.start

    def noted(exchange: direct.Exchange) -> None:
        found.append(exchange)
        start(exchange)

    monkeypatch.setattr(direct.Exchange, "start", noted)
    return found
