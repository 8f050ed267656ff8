"""Texts written at once arrive as any others, and are refused when they cannot be written."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect

from callpark.gateway.server import Server, bind
from callpark.gateway.websocket_protocol import text_frame
from callpark.kernel import asgi
from callpark.kernel.limits import GatewayLimits

pytestmark = pytest.mark.process

SIZES = (0, 1, 125, 126, 65_535, 65_536)


class Application:
    """Accepts, writes at once what it is told to, and says what it could write."""

    def __init__(self) -> None:
        self.writer: asgi.TextWriter | None = None
        self.early: bool | None = None
        self.accepted = asyncio.Event()
        self.done = asyncio.Event()

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        self.writer = asgi.text_writer(scope)
        assert self.writer is not None
        self.early = self.writer("before the upgrade")
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        self.accepted.set()
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self.done.set()


@pytest.fixture
async def served() -> AsyncIterator[tuple[Application, str]]:
    application = Application()
    with bind("127.0.0.1", 0) as bound:
        server = Server(application, bound, GatewayLimits())
        await server.start()
        yield application, bound.base_url.replace("http", "ws", 1)
        await server.stop()


async def test_every_size_arrives_whole_and_in_order(served: tuple[Application, str]) -> None:
    application, url = served
    async with connect(url, compression=None) as client:
        await application.accepted.wait()
        assert application.writer is not None
        for size in SIZES:
            assert application.writer("x" * size)
            assert await client.recv() == "x" * size
    await application.done.wait()
    assert application.early is False
    assert application.writer("after the end") is False


async def test_a_full_connection_refuses(served: tuple[Application, str]) -> None:
    application, url = served
    async with connect(url, compression=None, max_queue=1) as client:
        await application.accepted.wait()
        assert application.writer is not None
        for _ in range(10_000):
            if not application.writer("x" * 100_000):
                break
        else:
            pytest.fail("a client that does not read takes no end")
        client.transport.abort()


def test_the_frame_of_a_text() -> None:
    assert text_frame(b"hi") == b"\x81\x02hi"
    assert text_frame(b"x" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert text_frame(b"x" * 65_536)[:10] == b"\x81\x7f" + (65_536).to_bytes(8, "big")
