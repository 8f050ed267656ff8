"""Agents and contacts of different nodes, over real servers: one floor for all."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from callpark.flows.contact import Target
from tests.cluster.project import flow
from tests.cluster.several import Running, Several, several
from tests.flows.building import action, content, hang_up, say
from tests.journeys.commands import command

pytestmark = pytest.mark.process

PEOPLE = """
queues:
  - {name: Support, id: support, capacity: 2, agents: [alice, bob]}
agents:
  - {name: alice, status: offline}
  - {name: bob, status: offline}
"""
FULL = {"QueueAtCapacity": "full", "NoMatchingError": "full"}
LINE = (
    action("set", "UpdateContactTargetQueue", {"QueueId": "Support"}, "go", errors={"NoMatchingError": "full"}),
    action("go", "TransferContactToQueue", {}, "full", errors=FULL),
    say("full", "Everybody is busy.", "bye"),
    hang_up(),
)


class Played:
    """An agent who is played over a socket at a node."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._read: list[dict[str, Any]] = []

    async def next(self, kind: str) -> dict[str, Any]:
        """The next note of a kind; what else comes is kept."""
        for place, note in enumerate(self._read):
            if note["type"] == kind:
                return self._read.pop(place)
        async with asyncio.timeout(20):
            while True:
                note = json.loads(await self._socket.recv())
                assert note["type"] != "refused" or kind == "refused", note
                if note["type"] == kind:
                    return dict(note)
                self._read.append(note)

    async def order(self, kind: str, **members: str) -> None:
        await self._socket.send(json.dumps({"type": kind, **members}))
        await self.next("done")


@contextlib.asynccontextmanager
async def playing(node: Running, name: str) -> AsyncIterator[Played]:
    url = node.url.replace("http", "ws")
    async with connect(f"{url}/_callpark/agent?name={name}", proxy=None) as socket:
        agent = Played(socket)
        await agent.next("seated")
        await agent.order("status", status="Available")
        yield agent


class Phone:
    """A caller at a node, by socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while True:
                frame = json.loads(await self._socket.recv())
                if frame["type"] == kind:
                    return dict(frame)

    async def hang_up(self) -> None:
        await self._socket.send(json.dumps({"type": "hang_up"}))

    async def hears(self, text: str) -> None:
        while text not in (await self.until("heard"))["text"]:
            pass


@contextlib.asynccontextmanager
async def calling(node: Running, target: str = "Line") -> AsyncIterator[Phone]:
    url = node.url.replace("http", "ws")
    async with connect(f"{url}/_callpark/phone?target={target}", proxy=None, max_queue=None) as socket:
        yield Phone(socket)


@contextlib.asynccontextmanager
async def centre(folder: Path, count: int = 2) -> AsyncIterator[Several]:
    (folder / "project").mkdir()
    (folder / "project" / "connect.yaml").write_text(PEOPLE)
    async with several(folder, {}, flow("Line", content(*LINE)), count=count) as cluster:
        yield cluster


def floor_and_other(cluster: Several) -> tuple[Running, Running]:
    return cluster.holder("control", ""), cluster.others("control", "")[0]


async def waiting(floor: Running, count: int) -> None:
    """Until so many wait, as the floor knows it."""
    flows = floor.app.flows
    queue = flows.instance.resources.queues["Support"]
    async with asyncio.timeout(20):
        while len(flows.switchboard.metrics(Target(queue.arn or queue.name, queue.name)).since) != count:
            await floor.node.changed()


@pytest.mark.parametrize("at_floor", [True, False])
async def test_an_agent_at_any_node_talks_with_a_caller_at_any_node(tmp_path: Path, at_floor: bool) -> None:
    async with centre(tmp_path) as cluster:
        floor, other = floor_and_other(cluster)
        callers, agents = (other, floor) if at_floor else (floor, other)
        async with playing(agents, "alice") as alice, calling(callers) as phone:
            offered = await alice.next("offered")
            assert offered["queue"] == "Support"
            contact = {"contactId": offered["contactId"]}
            await alice.order("accept", **contact)
            await alice.next("connected")
            await alice.order("say", **contact, text="Good morning.")
            await phone.hears("Good morning.")
            await alice.order("hold", **contact)
            assert (await alice.next("held"))["contactId"] == offered["contactId"]
            await alice.order("resume", **contact)
            async with playing(callers, "bob") as bob:
                await alice.order("transfer", **contact, to="bob")
                assert (await alice.next("left"))["why"] == "transferred"
                assert (await bob.next("offered"))["contactId"] == offered["contactId"]
                await bob.order("accept", **contact)
                await bob.next("connected")
                await bob.order("hang_up", **contact)
            assert (await phone.until("ended"))["reason"] == "AGENT_DISCONNECT"


async def test_a_queue_is_full_at_every_node(tmp_path: Path) -> None:
    async with centre(tmp_path) as cluster, contextlib.AsyncExitStack() as calls:
        for node in cluster.nodes:
            phone = await calls.enter_async_context(calling(node))
            await phone.hears("in the queue")
        await waiting(floor_and_other(cluster)[0], 2)
        for node in cluster.nodes:
            phone = await calls.enter_async_context(calling(node))
            await phone.hears("Everybody is busy.")


async def test_the_command_plays_an_agent_also_when_the_floor_moves(tmp_path: Path) -> None:
    async with centre(tmp_path) as cluster:
        floor, other = floor_and_other(cluster)
        script = ("wait offered", "accept", "wait connected", "wait left")
        do = [part for line in script for part in ("--do", line)]
        async with (
            command("agent", "alice", "--endpoint", other.url, "-o", "json", *do) as agent,
            calling(other) as phone,
        ):
            await agent.until('"connected"')
            await floor.stop()
            await agent.until('"seated"')
            await phone.hang_up()
            await phone.until("ended")
            await agent.until('"left"')
            assert await agent.ended() == 0, agent.lines
