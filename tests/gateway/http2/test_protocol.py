"""HTTP/2 on the gateway's port, beside HTTP/1.1: requests, bodies, streams, clients that leave, servers that stop."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TypeVar

import httpx
import orjson
import pytest
from h2.errors import ErrorCodes
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from callpark.gateway.app import Gateway
from callpark.gateway.certificate import Certificate
from callpark.gateway.http2.connection import Header
from callpark.gateway.server import Server, bind
from callpark.kernel.arn import Place
from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import Limits
from callpark.kernel.operations import Answer, Call, OperationTable
from tests.gateway.http2.talking import HELLO, POST, Reader, data, greeting, headers

pytestmark = pytest.mark.process

FRAME_BYTES = 16_384
LIMITS = Limits().override(["gateway.header_bytes=8000", "gateway.shutdown_seconds=1"]).gateway
HEALTH: list[Header] = [(b":method", b"GET"), *POST[1:2], (b":path", b"/_callpark/health"), *POST[3:]]


class Toys:
    """Operations of Bedrock, answered in the test."""

    def __init__(self) -> None:
        self.seen: list[Call] = []
        self.pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self.left = asyncio.Event()

    async def converse(self, call: Call) -> Mapping[str, object]:
        self.seen.append(call)
        return {"output": {"message": {"role": "assistant", "content": [{"text": str(len(str(call.parameters)))}]}}}

    async def invoke(self, call: Call) -> Answer:
        """As much as it was asked for."""
        body = call.parameters["body"]
        assert isinstance(body, bytes)
        return Answer({"body": b"x" * int(body or b"0"), "contentType": "text/plain"})

    async def stream(self, call: Call) -> Answer:
        async def events() -> AsyncIterator[tuple[str, Mapping[str, object]]]:
            assert call.client_gone is not None
            gone = asyncio.ensure_future(call.client_gone())
            while True:
                piece = asyncio.ensure_future(self.pieces.get())
                await asyncio.wait((gone, piece), return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    piece.cancel()
                    self.left.set()
                    return
                if (said := piece.result()) is None:
                    gone.cancel()
                    return
                yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": said}}

        return Answer(stream=events())


_Frame = TypeVar("_Frame", bound=Frame)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = Reader()
        self._waiting: list[Frame] = []

    def say(self, *parts: bytes) -> None:
        self._writer.write(b"".join(parts))

    async def frame(self, kind: type[_Frame]) -> _Frame:
        """The next of its kind."""
        while True:
            while self._waiting:
                frame = self._waiting.pop(0)
                if isinstance(frame, kind):
                    return frame
            received = await self._reader.read(65_536)
            assert received, "the server has closed the connection"
            self._waiting += self._frames.feed(received)

    async def answer(self) -> tuple[dict[bytes, bytes], bytes]:
        """Headers and body, windows opened as it comes."""
        head = await self.frame(HeadersFrame)
        found, body = dict(self._frames.headers(head)), bytearray()
        while True:
            piece = await self.frame(DataFrame)
            body += piece.data
            if "END_STREAM" in piece.flags:
                return found, bytes(body)
            for stream in (0, head.stream_id):
                self.say(WindowUpdateFrame(stream, len(piece.data)).serialize())

    async def closed(self) -> None:
        while await self._reader.read(65_536):
            pass

    async def leave(self) -> None:
        self._writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


class Served:
    def __init__(self, port: int, toys: Toys, server: Server, certificate: Certificate) -> None:
        self.port = port
        self.toys = toys
        self.server = server
        self.certificate = certificate
        self.clients: list[Client] = []

    async def client(self, greeting: bytes = HELLO) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        client.say(greeting)
        self.clients.append(client)
        return client


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    toys = Toys()
    table: OperationTable = {
        ("bedrock-runtime", "Converse"): toys.converse,
        ("bedrock-runtime", "ConverseStream"): toys.stream,
        ("bedrock-runtime", "InvokeModel"): toys.invoke,
    }
    gateway = Gateway(table, [], SystemIds(), LIMITS, Place(), lambda: {"status": "ready"})
    certificate = Certificate(tmp_path, SystemClock(), 30)
    with bind("127.0.0.1", 0) as bound:
        server = Server(gateway, bound, LIMITS, direct=gateway, certificate=certificate)
        await server.start()
        served = Served(bound.port, toys, server, certificate)
        yield served
        for client in served.clients:
            await client.leave()
        await server.stop()


def asked(path: bytes, *more: Header) -> list[Header]:
    return [*POST[:2], (b":path", path), POST[3], *more]


async def test_requests_one_after_another_and_at_once(served: Served) -> None:
    client = await served.client()
    client.say(headers(1, HEALTH))
    head, body = await client.answer()
    assert (head[b":status"], head[b"content-type"]) == (b"200", b"application/json")
    assert b"date" in head
    assert orjson.loads(body) == {"status": "ready"}
    client.say(*(headers(stream, HEALTH) for stream in (3, 5, 7)))
    ended = [(await client.frame(DataFrame)).stream_id for _ in range(3)]
    assert sorted(ended) == [3, 5, 7]
    async with httpx.AsyncClient(timeout=30) as other:
        assert (await other.get(f"http://127.0.0.1:{served.port}/_callpark/health")).http_version == "HTTP/1.1"


async def test_a_body_in_pieces_and_what_the_application_sees(served: Served) -> None:
    client = await served.client()
    body = orjson.dumps({"messages": [{"role": "user", "content": [{"text": "hello"}]}]})
    given = asked(
        b"/model/amazon.nova-lite-v1%3A0/converse", (b"x-amzn-trace-id", b"Root=1"), (b"host", b"localhost:4566")
    )
    client.say(headers(1, given, ended=False), data(1, body[:10], ended=False), data(1, body[10:]))
    head, _ = await client.answer()
    assert head[b":status"] == b"200"
    (call,) = served.toys.seen
    assert call.parameters["modelId"] == "amazon.nova-lite-v1:0"
    assert call.headers["x-amzn-trace-id"] == "Root=1"
    assert call.headers["host"] == "localhost:4566"


async def test_a_body_beyond_the_first_windows(served: Served) -> None:
    """3 MB up, and 300 KB down through windows of 64 KB."""
    client = await served.client()
    size = 3_000_000
    path = asked(b"/model/m/converse")
    client.say(headers(1, path, ended=False))
    text = b'{"messages": [{"role": "user", "content": [{"text": "' + b"x" * size + b'"}]}]}'
    room = [1_048_576, 4_194_304]
    at = 0
    while at < len(text):
        if min(room) < FRAME_BYTES:
            grant = await client.frame(WindowUpdateFrame)
            room[0 if grant.stream_id else 1] += grant.window_increment
            continue
        piece = text[at : at + FRAME_BYTES]
        at += len(piece)
        room = [left - len(piece) for left in room]
        client.say(data(1, piece, ended=at >= len(text)))
    head, answer = await client.answer()
    assert head[b":status"] == b"200"
    assert int(orjson.loads(answer)["output"]["message"]["content"][0]["text"]) > size
    client.say(headers(3, asked(b"/model/m/invoke"), ended=False), data(3, b"300000"))
    _, large = await client.answer()
    assert large == b"x" * 300_000


async def test_each_event_is_sent_when_it_is_made(served: Served) -> None:
    client = await served.client()
    client.say(headers(1, asked(b"/model/m/converse-stream")))
    await client.frame(HeadersFrame)
    for text in ("one", "two"):
        served.toys.pieces.put_nowait(text)
        assert text.encode() in (await client.frame(DataFrame)).data
    served.toys.pieces.put_nowait(None)
    assert "END_STREAM" in (await client.frame(DataFrame)).flags


@pytest.mark.parametrize("way", ["resets the stream", "goes"])
async def test_a_client_that_leaves(served: Served, way: str) -> None:
    client = await served.client()
    client.say(headers(1, asked(b"/model/m/converse-stream")))
    await client.frame(HeadersFrame)
    served.toys.pieces.put_nowait("one")
    await client.frame(DataFrame)
    if way == "goes":
        await client.leave()
    else:
        client.say(RstStreamFrame(1, ErrorCodes.CANCEL).serialize())
    await served.toys.left.wait()
    if way != "goes":
        client.say(headers(3, HEALTH))
        assert (await client.answer())[0][b":status"] == b"200"


async def test_a_reader_that_does_not_read_does_not_stop_others(served: Served) -> None:
    slow = await served.client(greeting({SettingsFrame.INITIAL_WINDOW_SIZE: 0}))
    slow.say(headers(1, asked(b"/model/m/invoke"), ended=False), data(1, b"1000"))
    await slow.frame(HeadersFrame)
    quick = await served.client()
    quick.say(headers(1, HEALTH))
    assert (await quick.answer())[0][b":status"] == b"200"
    slow.say(WindowUpdateFrame(1, 1000).serialize())
    assert len((await slow.frame(DataFrame)).data) == 1000


async def test_what_breaks_the_protocol_ends_the_connection(served: Served) -> None:
    client = await served.client()
    client.say(data(1, b"of nothing"))
    away = await client.frame(GoAwayFrame)
    assert away.error_code == ErrorCodes.PROTOCOL_ERROR
    await client.closed()


async def test_refusals_have_awss_shape(served: Served) -> None:
    client = await served.client()
    client.say(headers(1, asked(b"/model/m/count-tokens"), ended=False), data(1, b"{}"))
    head, body = await client.answer()
    assert (head[b":status"], head[b"x-amzn-errortype"]) == (b"501", b"NotImplemented")
    assert b"CountTokens" in body


async def test_a_server_that_stops_lets_requests_finish(served: Served) -> None:
    client, idle = await served.client(), await served.client()
    client.say(headers(1, asked(b"/model/m/converse-stream")))
    await client.frame(HeadersFrame)
    await idle.frame(SettingsFrame)
    stopping = asyncio.create_task(served.server.stop())
    await idle.frame(GoAwayFrame)
    await idle.closed()
    await client.frame(GoAwayFrame)
    for text in ("last", None):
        served.toys.pieces.put_nowait(text)
    assert b"last" in (await client.frame(DataFrame)).data
    await client.closed()
    await stopping


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["h2"], "h2"), (["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1")]
)
async def test_encrypted_clients_get_it_when_they_know_nothing_else(
    served: Served, offered: list[str], chosen: str
) -> None:
    context = ssl.create_default_context(cafile=str(await asyncio.to_thread(served.certificate.ensure)))
    context.set_alpn_protocols(offered)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=context, server_hostname="localhost")
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == chosen
    if chosen == "h2":
        client = Client(reader, writer)
        client.say(HELLO, headers(1, HEALTH))
        assert (await client.answer())[0][b":status"] == b"200"
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
