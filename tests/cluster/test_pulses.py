"""A node that hears the others and cannot be reached: who has asked it something is told, and nobody else waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from callpark.cluster import wire
from callpark.cluster.members import Member
from callpark.cluster.peers import Peers, Unreached
from callpark.cluster.wire import Answered, Asked
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ClusterLimits
from tests.soak.links import Link

pytestmark = pytest.mark.process

LIMITS = replace(ClusterLimits(), reach_seconds=0.4)
ASKED = Asked("sqs", "ReceiveMessage", {}, "id", {})
ANSWER = wire.frame(Answered({"done": True}))


class Far:
    """Another node, behind a link: answers calls as long as it is `quick`; signs of life always."""

    def __init__(self) -> None:
        self.quick = asyncio.Event()
        self.asked = asyncio.Event()
        self.probes = asyncio.Semaphore(0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode().lower():
                if head.startswith("get"):
                    self.probes.release()
                    writer.write(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n")
                    continue
                await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
                self.asked.set()
                await self.quick.wait()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(ANSWER) + ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def far() -> AsyncIterator[tuple[Far, Link, Member]]:
    there = Far()
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    link = Link(server.sockets[0].getsockname()[1])
    link.start()
    try:
        yield there, link, Member("id", "n2", f"http://127.0.0.1:{link.port}")
    finally:
        link.close()
        server.close()


async def test_an_answer_may_take_its_time_as_long_as_the_node_lives() -> None:
    peers = Peers(replace(LIMITS, reach_seconds=2.0))
    async with far() as (there, _, member):
        asking = asyncio.create_task(peers.call(member, "s", ASKED))
        for _ in range(5):  # longer than it may be silent
            await asyncio.wait_for(there.probes.acquire(), 10)
        there.quick.set()
        assert (await asking).members == {"done": True}
        await peers.aclose()


async def test_what_was_asked_ends_when_the_node_is_out_of_reach_and_nothing_more_is_asked() -> None:
    peers = Peers(LIMITS)
    async with far() as (there, link, member):
        asking = asyncio.create_task(peers.call(member, "s", ASKED))
        await asyncio.wait_for(there.asked.wait(), 10)
        link.silence()
        with pytest.raises(CallerError, match="is not known") as refused:
            await asyncio.wait_for(asking, 10)
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "1")
        with pytest.raises(Unreached, match="does not answer"):
            await peers.call(member, "s", ASKED)
        link.heal()
        there.quick.set()
        async with asyncio.timeout(10):
            while True:
                try:
                    assert (await peers.call(member, "s", ASKED)).members == {"done": True}
                    break
                except Unreached:
                    await asyncio.sleep(0.01)
        await peers.aclose()
