"""Links carry everything, or nothing: as a network does it, not as a process that closes its sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.soak.links import Link

pytestmark = pytest.mark.process

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def echoing() -> AsyncIterator[Link]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1_000):
                writer.write(data)
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    link = Link(server.sockets[0].getsockname()[1])
    link.start()
    try:
        yield link
    finally:
        link.close()
        server.close()


async def connected(link: Link) -> Streams:
    return await asyncio.open_connection("127.0.0.1", link.port)


async def says(streams: Streams, text: bytes) -> bytes:
    streams[1].write(text)
    return await asyncio.wait_for(streams[0].readexactly(len(text)), 10)


@pytest.mark.parametrize(("towards", "back"), [(True, True), (True, False), (False, True)])
async def test_what_is_said_into_silence_arrives_when_it_is_over(towards: bool, back: bool) -> None:
    async with echoing() as link:
        streams = await connected(link)
        assert await says(streams, b"one") == b"one"
        link.silence(towards=towards, back=back)
        streams[1].write(b"two")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(streams[0].read(10), 0.05)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connected(link), 0.05)
        link.heal()
        assert await asyncio.wait_for(streams[0].readexactly(3), 10) == b"two"
        fresh = await connected(link)
        assert await says(fresh, b"three") == b"three"
        for _, writer in (streams, fresh):
            writer.close()


async def test_a_reset_is_heard_and_a_slow_link_keeps_the_order() -> None:
    async with echoing() as link:
        streams = await connected(link)
        link.slow(0.01)
        words = [b"%04d" % number for number in range(50)]
        for word in words:
            streams[1].write(word)
            await streams[1].drain()
        assert await asyncio.wait_for(streams[0].readexactly(200), 10) == b"".join(words)
        assert link.connections == 1
        link.reset()
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(streams[0].read(1), 10)
        assert link.connections == 0
        streams[1].close()
