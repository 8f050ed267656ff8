"""Many subscribers, and clients that mean ill or are half gone: they are refused or cut off in bounded time and memory,
and everyone else is served. Real sockets on the gateway's own server."""

import asyncio
import base64
import contextlib
import json
import random
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from callpark.gateway.server import Server, bind
from callpark.graphql.api.web import GraphqlWeb
from callpark.graphql.realtime import frames
from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace
from callpark.kernel.websocket import text_frame
from tests.graphql.api.toy import KEY, ToyService
from tests.graphql.api.wire import start, stop
from tests.graphql.auth.people import authenticator

pytestmark = pytest.mark.process

INIT = '{"type":"connection_init"}'
#: Small enough that "soon" is soon; a client that is served well notices none of them.
LIMITS = Limits().override(
    [
        "appsync.connection_init_seconds=1",
        "appsync.close_seconds=0.2",
        "gateway.websocket_cut_seconds=0.2",
        "gateway.connections=130",
        "gateway.shutdown_seconds=1",
        "gateway.keep_alive_seconds=1",
    ]
)


@dataclass
class Place:
    service: ToyService
    web: GraphqlWeb
    server: Server
    port: int

    def connections(self) -> int:
        assert self.server._uvicorn is not None
        return len(self.server._uvicorn.server_state.connections)

    async def only(self, connections: int) -> None:
        """Until the server holds no more than these; the test's timeout is the bound."""
        while self.connections() > connections:  # noqa: ASYNC110  what happens in sockets tells nobody
            await asyncio.sleep(0.01)

    @contextlib.asynccontextmanager
    async def raw(self, *frames: str, small: bool = False) -> AsyncIterator[socket.socket]:
        """A websocket that is open and has said `frames`, as a bare socket that reads nothing by itself."""
        loop = asyncio.get_running_loop()
        with socket.socket() as bare:
            if small:
                bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            bare.setblocking(False)
            await loop.sock_connect(bare, ("127.0.0.1", self.port))
            await loop.sock_sendall(bare, upgrade())
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += await loop.sock_recv(bare, 1)
            await loop.sock_sendall(bare, b"".join(masked(frame.encode()) for frame in frames))
            yield bare


def upgrade() -> bytes:
    key = base64.b64encode(b"0123456789abcdef").decode()
    return (
        f"GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        f"sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n"
        f"sec-websocket-protocol: graphql-ws\r\nx-api-key: {KEY}\r\n\r\n"
    ).encode()


def masked(payload: bytes, first: int = 0x81) -> bytes:
    """A client's frame; the mask is zero."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([first]) + length + bytes(4) + payload


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    clock, service = SystemClock(), ToyService()
    web = GraphqlWeb(service, authenticator(clock), clock, SystemIds(), Trace(clock), LIMITS)
    with bind("127.0.0.1", 0) as bound:
        server = Server(web, bound, LIMITS.gateway)
        await server.start()
        yield Place(service, web, server, bound.port)
        await web.aclose()
        await server.stop()


@contextlib.asynccontextmanager
async def listener(place: Place) -> AsyncIterator[ClientConnection]:
    """A client that behaves, with the subscription "1"."""
    url, headers = f"ws://127.0.0.1:{place.port}/graphql", {"x-api-key": KEY}
    subprotocols = [Subprotocol("graphql-ws")]
    async with connect(url, subprotocols=subprotocols, additional_headers=headers, compression=None) as client:
        await client.send(INIT)
        await client.send(start("1", "q"))
        while json.loads(await client.recv())["type"] != "start_ack":
            pass
        yield client


async def hears(client: ClientConnection, place: Place, value: object) -> None:
    place.service.publish(value)
    assert json.loads(await asyncio.wait_for(client.recv(), 5))["payload"]["data"]["onSay"] == value


async def test_2000_tokens_arrive_whole_and_in_order_at_100_subscribers(place: Place) -> None:
    loop = asyncio.get_running_loop()
    before = [frames.connection_ack(300_000), frames.KEEP_ALIVE, frames.start_ack("1")]
    told = [f'{{"id":"1","type":"data","payload":{{"data":{{"onSay":{{"n":{n}}}}}}}}}' for n in range(2_000)]
    expected = b"".join(text_frame(text.encode()) for text in [*before, *told])

    async def heard(bare: socket.socket) -> bytes:
        said = bytearray()
        while not said.endswith(expected[-40:]) and (piece := await loop.sock_recv(bare, 16_384)):
            said += piece
        return re.sub(rb"\x89\x04.{4}", b"", bytes(said), flags=re.DOTALL)  # pings of a slow machine

    async with contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(place.raw(INIT, start("1", "q"))) for _ in range(100)]
        while place.web.hub.subscriptions().get(("story", "say")) != 100:  # noqa: ASYNC110
            await asyncio.sleep(0)
        reading = [asyncio.ensure_future(heard(bare)) for bare in opened]
        for number in range(2_000):
            place.service.publish({"n": number})
            if number % 10 == 0:
                await asyncio.sleep(0)
        assert [await each == expected for each in reading] == [True] * 100
    assert place.service.projected == 2_000


async def test_10000_subscriptions_on_one_connection(place: Place) -> None:
    async with listener(place) as other, listener(place) as greedy:
        answers: list[str] = []

        async def read() -> None:
            while len(answers) < 9_999:
                frame = json.loads(await greedy.recv())["type"]
                answers.extend([frame] if frame != "data" else [])

        reader = asyncio.ensure_future(read())
        for number in range(2, 10_001):
            await greedy.send(start(str(number), "q"))
            if number % 1_000 == 0:
                await hears(other, place, None)
        await asyncio.wait_for(reader, 30)
        assert (answers.count("start_ack"), answers.count("error")) == (99, 9_900)
        assert place.web.hub.subscriptions() == {("story", "say"): 101}
    await place.only(0)
    assert place.web.hub.subscriptions() == {}


async def test_who_asks_without_reading_the_answers_is_cut_off(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    async with listener(place) as other, place.raw(INIT, small=True) as deaf:
        question = masked(b'{"type":"nonsense","padding":"%b"}' % (b"x" * 60)) * 100
        with contextlib.suppress(OSError):
            while place.connections() > 1:
                await asyncio.wait_for(loop.sock_sendall(deaf, question), 5)
        await place.only(1)
        await hears(other, place, "still here")
    assert "subscriber reads too slowly" in caplog.text


async def test_a_subscriber_that_stops_reading_is_cut_off_though_it_holds_its_socket(place: Place) -> None:
    async with listener(place) as other, place.raw(INIT, start("1", "q"), small=True):
        text = "x" * 200_000
        while place.connections() > 1:
            await hears(other, place, text)
        await place.only(1)
        assert place.web.hub.subscriptions() == {("story", "say"): 1}
        await hears(other, place, "still here")


async def test_who_pings_without_reading_fills_nothing(place: Place) -> None:
    loop = asyncio.get_running_loop()
    async with place.raw(INIT, small=True) as deaf:
        pings = masked(b"x" * 125, 0x89) * 1_000
        for _ in range(100):
            await asyncio.wait_for(loop.sock_sendall(deaf, pings), 5)
        assert place.server._uvicorn is not None
        (connection,) = place.server._uvicorn.server_state.connections
        assert connection.transport.get_write_buffer_size() < 500_000


async def test_half_open_sockets_are_let_go(place: Place) -> None:
    async with listener(place) as other, place.raw(), place.raw(INIT[:5]):
        address = ("127.0.0.1", place.port)
        with socket.create_connection(address), socket.create_connection(address) as half:
            half.sendall(upgrade()[:100])
            await place.only(1)
            await hears(other, place, 1)


async def test_a_flood_of_connections(place: Place) -> None:
    async with listener(place) as other:
        flood = [socket.create_connection(("127.0.0.1", place.port)) for _ in range(400)]
        await hears(other, place, 1)
        assert place.connections() <= 130
        for each in flood:
            each.close()
        await place.only(1)
        async with listener(place) as another:
            await hears(another, place, 2)


MALFORMED = {
    "not masked": text_frame(b"{}"),
    "a reserved opcode": masked(b"{}", 0x83),
    "a reserved bit": masked(b"{}", 0xF1),
    "compressed, which nobody agreed to": masked(b"{}", 0xC1),
    "a continuation of nothing": masked(b"{}", 0x80),
    "a control frame in pieces": masked(b"", 0x09),
    "longer than allowed": b"\x81\xff" + (1 << 40).to_bytes(8, "big") + bytes(4),
    "not UTF-8": masked(b"\xff\xfe\xfd"),
    "a close without a reason's rest": masked(b"\x03", 0x88),
    "a close code nobody may send": masked((1005).to_bytes(2, "big"), 0x88),
    "a close": masked((1000).to_bytes(2, "big"), 0x88),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_websocket_frame_ends_its_connection_alone(
    place: Place, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with listener(place) as other, place.raw(INIT, start("1", "q"), stop("1")) as odd:
        await asyncio.get_running_loop().sock_sendall(odd, MALFORMED[name])
        await place.only(1)
        await hears(other, place, name)
    await place.only(0)
    assert place.web.hub.subscriptions() == {}
    caplog.clear()


async def test_noise(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    loop, dice = asyncio.get_running_loop(), random.Random(7)
    async with listener(place) as other:
        for _ in range(60):
            async with place.raw(INIT, start("1", "q")) as odd:
                with contextlib.suppress(OSError):
                    await loop.sock_sendall(odd, dice.randbytes(dice.randrange(1, 400)))
        await hears(other, place, "still here")
    await place.only(0)
    assert place.web.hub.subscriptions() == {}
    caplog.clear()
