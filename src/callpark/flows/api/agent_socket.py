"""The socket of an agent's panel: `/_callpark/agent?name=AGENT&auto_accept=1` plays an agent of the running server.

A mount of the gateway. Orders come in (`agents/orders.py`), notes go out (`agents/notes.py`); each order is answered by
Done or Refused, in order. Whoever leaves has stood up: contacts stay with the agent. Pages of other sites may not play
agents: a browser names them in Origin.
"""

import asyncio
import contextlib
import logging
from typing import Final
from urllib.parse import parse_qs

import msgspec

from callpark.flows.agents.notes import Done, Note, Refused
from callpark.flows.agents.orders import Order
from callpark.flows.agents.panel import Panel
from callpark.flows.agents.service import Agents
from callpark.flows.api.phone import foreign
from callpark.kernel.asgi import Receive, Scope, Send
from callpark.kernel.errors import CallerError, ProjectError

PATH: Final = "/_callpark/agent"

_log = logging.getLogger("callpark")
_NORMAL, _POLICY_VIOLATION, _TRY_AGAIN = 1000, 1008, 1013

#: Whoever leaves so many unread is gone.
_UNSENT_NOTES: Final = 2_000

_encode: Final = msgspec.json.Encoder().encode
_orders: Final[msgspec.json.Decoder[Order]] = msgspec.json.Decoder(Order)


class AgentSocket:
    """The mount. Holds nothing: each connection is one panel."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents

    def matches(self, scope: Scope) -> bool:
        return bool(scope["type"] == "websocket" and scope["path"] == PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        if foreign(scope):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": "a page of another site"})
            return
        await send({"type": "websocket.accept", "headers": []})
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        name, automatic = asked.get("name", [""])[0], asked.get("auto_accept", [""])[0] in ("1", "true")
        wire = _Wire(send)
        try:
            await self._agents.ready()
            panel = self._agents.sit(name, wire.put, auto_accept=automatic)
        except ProjectError as error:
            await _refuse(send, Refused(error.cause, error.remedy))
            return
        except CallerError:
            await _close(send)
            return
        with panel:
            tasks = [asyncio.ensure_future(_read(receive, panel, wire)), asyncio.ensure_future(wire.write())]
            try:
                await asyncio.wait((*tasks, wire.deaf, panel.closed), return_when=asyncio.FIRST_COMPLETED)
                if panel.closed.done():
                    await _close(send)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


class _Wire:
    """Notes on their way out. `deaf` is done when the other end has stopped reading."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._unsent: asyncio.Queue[Note] = asyncio.Queue(_UNSENT_NOTES)
        self.deaf: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def put(self, note: Note) -> None:
        try:
            self._unsent.put_nowait(note)
        except asyncio.QueueFull:
            if not self.deaf.done():
                _log.warning("whoever plays an agent does not read what they are told; they are disconnected")
                self.deaf.set_result(None)

    async def write(self) -> None:
        try:
            while True:
                await self._send({"type": "websocket.send", "text": _encode(await self._unsent.get()).decode()})
        except OSError:
            return  # ASGI's way to say that the client is gone


async def _read(receive: Receive, panel: Panel, wire: _Wire) -> None:
    """Orders, one after the other, until the other end leaves."""
    number = 0
    while (message := await receive())["type"] != "websocket.disconnect":
        number += 1
        try:
            order = _orders.decode(message.get("text") or message.get("bytes") or "")
            await panel.carry_out(order)
        except ValueError as error:
            wire.put(Refused(f"that is no order: {error}", "orders are JSON objects with a type"))
        except ProjectError as error:
            wire.put(Refused(error.cause, error.remedy))
        except CallerError as error:
            wire.put(Refused(error.message, "see the service's documentation"))
        else:
            wire.put(Done(number))


async def _close(send: Send) -> None:
    """The floor is at another node now."""
    with contextlib.suppress(OSError):
        await send({"type": "websocket.close", "code": _TRY_AGAIN})


async def _refuse(send: Send, refusal: Refused) -> None:
    try:
        await send({"type": "websocket.send", "text": _encode(refusal).decode()})
        await send({"type": "websocket.close", "code": _TRY_AGAIN})
    except OSError:
        return
