"""The socket of a panel: orders in, notes out, and who is not let in. By ASGI's events, without a server."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from callpark.flows.api.agent_socket import PATH, AgentSocket
from callpark.kernel.clock import VirtualClock
from tests.flows.agents.centre import Centre

pytestmark = pytest.mark.sim


class Wire:
    """The other end of a web socket."""

    def __init__(self, centre: Centre, query: str, origin: str | None = None) -> None:
        self.sent: list[Mapping[str, Any]] = []
        self._given: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self._news = asyncio.Event()
        headers = [(b"host", b"127.0.0.1:4566")] + ([] if origin is None else [(b"origin", origin.encode())])
        scope = {"type": "websocket", "path": PATH, "query_string": query.encode(), "headers": headers}
        mount = AgentSocket(centre.agents)
        assert mount.matches(scope)
        self._given.put_nowait({"type": "websocket.connect"})
        self.served = asyncio.ensure_future(mount(scope, self._given.get, self._send))

    async def _send(self, event: Mapping[str, Any]) -> None:
        self.sent.append(event)
        self._news.set()

    def order(self, **order: object) -> None:
        self._given.put_nowait({"type": "websocket.receive", "text": msgspec.json.encode(order).decode()})

    def say(self, text: str) -> None:
        self._given.put_nowait({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        self._given.put_nowait({"type": "websocket.disconnect"})
        await self.served

    @property
    def notes(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(each["text"]) for each in self.sent if each["type"] == "websocket.send"]

    async def until(self, kind: str) -> dict[str, Any]:
        """The last note, once it is of that type."""
        while not self.notes or self.notes[-1]["type"] != kind:
            self._news.clear()
            await self._news.wait()
        return self.notes[-1]


async def test_orders_are_answered_in_order_and_notes_come(clock: VirtualClock) -> None:
    centre = Centre(clock)
    wire = Wire(centre, "name=alice")
    assert (await clock.run_until(wire.until("seated")))["agent"]["name"] == "alice"
    wire.order(type="status", status="Available")
    assert (await clock.run_until(wire.until("done")))["number"] == 1
    call = centre.flows.start_call("line", centre.phone())
    offered = await clock.run_until(wire.until("offered"))
    assert (offered["contactId"], offered["queue"]) == (call.contact_id, "Support")
    wire.order(type="hold", contactId=call.contact_id)
    refused = await clock.run_until(wire.until("refused"))
    assert "is not yours" in refused["cause"]
    wire.order(type="accept", contactId=call.contact_id)
    await clock.run_until(wire.until("connected"))
    for order in ("hold", "resume", "hang_up"):
        wire.order(type=order, contactId=call.contact_id)
    await clock.run_until(call.ended)
    await clock.settle()
    kinds = [note["type"] for note in wire.notes]
    assert kinds[-6:] == ["heard", "done", "resumed", "done", "left", "done"]
    await wire.leave()
    assert not centre.agents.view("alice").played


@pytest.mark.parametrize(
    "text", ["", "{}", "nonsense", '{"type": "fly"}', '{"type": "accept"}', '{"type":"say","contactId":1}']
)
async def test_what_is_no_order_is_refused_and_changes_nothing(clock: VirtualClock, text: str) -> None:
    centre = Centre(clock)
    wire = Wire(centre, "name=alice")
    wire.say(text)
    assert "that is no order" in (await clock.run_until(wire.until("refused")))["cause"]
    wire.order(type="status", status="Away")
    assert (await clock.run_until(wire.until("done")))["number"] == 2
    await wire.leave()


async def test_nobody_of_that_name(clock: VirtualClock) -> None:
    wire = Wire(Centre(clock), "name=zoe")
    await clock.run_until(wire.served)
    assert wire.notes == [
        {
            "type": "refused",
            "cause": "there is no agent 'zoe'",
            "remedy": "there is: alice, bob (`agents:` in connect.yaml)",
        }
    ]
    assert wire.sent[-1]["type"] == "websocket.close"


async def test_pages_of_other_sites_play_nobody(clock: VirtualClock) -> None:
    centre = Centre(clock)
    wire = Wire(centre, "name=alice", origin="https://example.com")
    await clock.run_until(wire.served)
    assert [each["type"] for each in wire.sent] == ["websocket.close"]
    own = Wire(centre, "name=alice&auto_accept=1", origin="http://127.0.0.1:4566")
    await clock.run_until(own.until("seated"))
    await own.leave()
