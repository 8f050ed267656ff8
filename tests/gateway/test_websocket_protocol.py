"""Frames written at once arrive as any others, and the wire says when it takes none."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from callpark.gateway.server import Server, bind
from callpark.kernel import asgi
from callpark.kernel.limits import GatewayLimits
from callpark.kernel.websocket import text_frame

pytestmark = pytest.mark.process

SIZES = (0, 1, 125, 126, 65_535, 65_536)


class Application:
    """Accepts, and ends when its client leaves."""

    def __init__(self) -> None:
        self.wire: asgi.Wire | None = None
        self.accepted = asyncio.Event()
        self.done = asyncio.Event()

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        self.wire = asgi.wire(scope)
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        self.accepted.set()
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self.done.set()


@pytest.fixture
async def served() -> AsyncIterator[tuple[Application, Server]]:
    application = Application()
    with bind("127.0.0.1", 0) as bound:
        server = Server(application, bound, GatewayLimits())
        await server.start()
        yield application, server
        await server.stop()


def url(server: Server) -> str:
    return server.base_url.replace("http", "ws", 1)


async def test_every_size_arrives_whole_and_in_order(served: tuple[Application, Server]) -> None:
    application, server = served
    async with connect(url(server), compression=None) as client:
        await application.accepted.wait()
        wire = application.wire
        assert wire is not None
        for size in SIZES:
            wire.write(text_frame(b"x" * size))
            assert await client.recv() == "x" * size
        assert not wire.is_closing()
    await application.done.wait()
    assert wire.is_closing()


async def test_a_wire_that_the_client_does_not_read_says_what_is_unsent(served: tuple[Application, Server]) -> None:
    application, server = served
    async with connect(url(server), compression=None, max_queue=1) as client:
        await application.accepted.wait()
        wire = application.wire
        assert wire is not None
        assert wire.get_write_buffer_size() == 0
        for _ in range(10_000):
            wire.write(text_frame(b"x" * 100_000))
            if wire.get_write_buffer_size():
                break
        else:
            pytest.fail("a client that does not read takes no end")
        client.transport.abort()


async def test_a_wire_is_closing_once_the_server_says_goodbye(served: tuple[Application, Server]) -> None:
    application, server = served
    async with connect(url(server), compression=None) as client:
        await application.accepted.wait()
        stopping = asyncio.create_task(server.stop())
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert application.wire is not None
        assert application.wire.is_closing()
        await stopping
