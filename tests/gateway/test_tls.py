"""https:// and wss:// on the port that also speaks plainly, in both event loops, with clients that misbehave."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import httpx
import pytest
from websockets.asyncio.client import connect

from callpark.gateway.certificate import Certificate
from callpark.gateway.server import Server, bind
from callpark.kernel.asgi import Receive, Scope, Send
from callpark.kernel.clock import SystemClock
from callpark.kernel.limits import Limits

pytestmark = pytest.mark.process

LIMITS = Limits().override(["gateway.tls_handshake_seconds=1", "gateway.shutdown_seconds=1"])


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """HTTP: the scheme and the body's length; websockets: the scheme, then what comes."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": scope["scheme"]})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = f"{scope['scheme']} {size}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Running:
    def __init__(self, server: Server, certificate: Certificate, port: int) -> None:
        self.server = server
        self.certificate = certificate
        self.port = port
        self.trusting = ssl.create_default_context(cafile=str(certificate.ensure()))

    def url(self, scheme: str, host: str = "localhost") -> str:
        return f"{scheme}://{host}:{self.port}/"

    def connections(self) -> int:
        assert self.server._uvicorn is not None
        return len(self.server._uvicorn.server_state.connections)

    async def raw(self, *pieces: bytes) -> bytes:
        """What the server says to bytes, to the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        said = await reader.read()
        writer.close()
        return said


async def running(folder: Path) -> AsyncIterator[Running]:
    certificate = Certificate(folder, SystemClock(), 825)
    with bind("127.0.0.1", 0) as bound:
        server = Server(echo, bound, LIMITS.gateway, certificate=certificate)
        await server.start()
        try:
            yield Running(server, certificate, bound.port)
        finally:
            await server.stop()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Running]:
    async for each in running(tmp_path):
        yield each


async def conversation(place: Running) -> None:
    """Everything a well-behaved client does, encrypted and not."""
    async with httpx.AsyncClient(verify=place.trusting, timeout=30) as client:
        for host in ("localhost", "127.0.0.1"):
            assert (await client.get(place.url("https", host))).text == "https 0"
            assert (await client.post(place.url("https", host), content=b"x" * 300_000)).text == "https 300000"
        assert (await client.post(place.url("http"), content=b"\x16" * 300_000)).text == "http 300000"
    async with connect(place.url("wss"), ssl=place.trusting) as socket:
        assert await socket.recv() == "wss"
        for text in ("a", "b" * 200_000):
            await socket.send(text)
            assert await socket.recv() == text


async def test_one_port_speaks_both(place: Running) -> None:
    await conversation(place)


def test_in_the_other_event_loop_as_well(tmp_path: Path) -> None:
    async def all_of_it() -> None:
        async for place in running(tmp_path):
            await conversation(place)

    asyncio.run(all_of_it())


async def test_a_hello_that_comes_byte_by_byte(place: Running) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = place.trusting.wrap_bio(incoming, outgoing, server_hostname="localhost")
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def say_all() -> None:
        for byte in outgoing.read():
            writer.write(bytes([byte]))
            await writer.drain()

    while True:
        try:
            client.do_handshake()
            break
        except ssl.SSLWantReadError:
            await say_all()
            incoming.write(await reader.read(65_536))
    client.write(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    await say_all()
    said = b""
    while not said.endswith(b"https 0"):
        incoming.write(await reader.read(65_536))
        with contextlib.suppress(ssl.SSLWantReadError):
            while piece := client.read(65_536):
                said += piece
    assert said.startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_clients_that_never_get_through_leave_nothing_behind(
    place: Running, caplog: pytest.LogCaptureFixture
) -> None:
    async with httpx.AsyncClient(timeout=30) as stranger:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await stranger.get(place.url("https"))
    assert not (await place.raw(b"\x16 is no hello" * 10)).startswith(b"HTTP")
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(b"\x16")  # and nothing more
    assert await reader.read() == b""
    writer.close()
    assert (await place.raw(b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert place.connections() == 0
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]


async def test_a_stop_does_not_wait_for_a_handshake(place: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(b"\x16")
    async with httpx.AsyncClient(timeout=30) as client:  # when it is answered, the other has been heard
        assert (await client.get(place.url("http"))).text == "http 0"
    await asyncio.wait_for(place.server.stop(), 3)
    assert await reader.read() == b""
    writer.close()


async def test_a_stop_does_not_wait_for_clients_that_lie_idle(place: Running) -> None:
    patient = LIMITS.override(["gateway.shutdown_seconds=50", "gateway.tls_handshake_seconds=50"]).gateway
    with bind("127.0.0.1", 0) as bound:
        server = Server(echo, bound, patient, certificate=place.certificate)
        await server.start()
        reader, writer = await asyncio.open_connection("localhost", bound.port, ssl=place.trusting)
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await reader.readuntil(b"https 0")
        cast(asyncio.Transport, writer.transport).pause_reading()  # as a pool does with a connection that it keeps
        await asyncio.wait_for(server.stop(), 20)
        writer.transport.abort()


async def test_a_certificate_that_cannot_be_used_is_named_and_plain_clients_are_served(
    place: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tls-key.pem").write_text("nonsense")
    certificate = Certificate(tmp_path, SystemClock(), 825)
    with bind("127.0.0.1", 0) as bound:
        server = Server(echo, bound, LIMITS.gateway, certificate=certificate)
        await server.start()
        async with httpx.AsyncClient(verify=place.trusting, timeout=30) as client:
            with pytest.raises(httpx.TransportError):
                await client.get(f"https://localhost:{bound.port}/")
            assert (await client.get(f"http://localhost:{bound.port}/")).text == "http 0"
        await server.stop()
    assert "no TLS:" in caplog.text
    assert "delete it and tls-key.pem" in caplog.text


async def test_without_a_certificate_a_hello_is_no_request() -> None:
    with bind("127.0.0.1", 0) as bound:
        server = Server(echo, bound, LIMITS.gateway)
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", bound.port)
        writer.write(b"\x16\x03\x01\x00\x05hello")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        await server.stop()
