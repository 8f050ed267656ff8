"""The chat's web socket: ASGI messages in, the protocol's effects out. A mount of the gateway.

The decisions are `chat/protocol.py`'s; this carries them out: a reader, and a writer behind a bounded outbox.
"""

import asyncio
import logging
from collections.abc import Callable
from urllib.parse import parse_qs

from callpark.flows.api.addresses import PATH
from callpark.flows.chat import protocol
from callpark.flows.chat.service import Chats, Seat
from callpark.kernel import asgi
from callpark.kernel.errors import CallerError
from callpark.kernel.outbox import Outbox
from callpark.kernel.tasks import Tasks
from callpark.kernel.timers import Timer

_log = logging.getLogger("callpark")

_MESSAGE_TOO_BIG = 1009

#: Real seconds to flush what is unsent when a socket closes.
_CLOSE_SECONDS = 2.0


class ChatSocket:
    """The mount. Holds nothing: each web socket is a participant's own."""

    def __init__(self, chats: Chats) -> None:
        self._chats = chats

    def matches(self, scope: asgi.Scope) -> bool:
        return bool(scope["type"] == "websocket" and scope["path"] == PATH)

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        token = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        try:
            seat = self._chats.socket_seat(token)
        except CallerError:
            await send({"type": "websocket.close", "code": protocol.POLICY_VIOLATION})  # before accept: HTTP 403
            return
        try:
            await send({"type": "websocket.accept", "headers": []})
        except OSError:
            return
        await _Connection(self._chats, seat, scope, receive, send).run()


class _Connection:
    """One web socket; to the room it is an ear."""

    def __init__(self, chats: Chats, seat: Seat, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        self._clock = chats.clock
        self._limits = limits = chats.limits
        self._seat = seat
        self._receive = receive
        self._send = send
        self._socket = protocol.Socket(chats.ids.uuid())
        self._tasks = Tasks(f"chat socket {self._socket.id}")
        self._timers: dict[protocol.TimerName, Timer] = {}
        self._leave: Callable[[], None] | None = None
        self._farewell = protocol.Close(protocol.NORMAL, "")
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._outbox = Outbox(limits.chat_unsent_frames, limits.chat_unsent_bytes, self._too_slow, asgi.wire(scope))

    async def run(self) -> None:
        """Until either side has closed."""
        reader = self._tasks.spawn(self._read(), "reader")
        writer = self._tasks.spawn(self._write(), "writer")
        try:
            self._happen(protocol.Opened())
            await asyncio.wait({reader, writer, self._closing}, return_when=asyncio.FIRST_COMPLETED)
            if self._closing.done():
                await asyncio.wait({reader, writer}, timeout=_CLOSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._happen(protocol.Lost())
            for timer in self._timers.values():
                timer.cancel()
            await self._tasks.aclose()

    # `chat.room.Ear`

    def written(self, text: str) -> None:
        self._happen(protocol.Written(text))

    def over(self) -> None:
        self._happen(protocol.ChatOver())

    def replaced(self) -> None:
        self._happen(protocol.Replaced())

    # Inside

    async def _read(self) -> None:
        while (message := await self._receive())["type"] != "websocket.disconnect":
            content: str | bytes = message.get("text") or message.get("bytes") or ""
            if len(content) > self._limits.chat_frame_bytes:
                self._close(
                    protocol.Close(_MESSAGE_TOO_BIG, f"a frame has {self._limits.chat_frame_bytes} bytes at most")
                )
            elif not self._closing.done():
                self._happen(protocol.Received(content))

    async def _write(self) -> None:
        outbox, send = self._outbox, self._send
        try:
            while await outbox.wait():
                while (message := outbox.take()) is not None:
                    await send({"type": "websocket.send", "text": message.decode()})
            await send({"type": "websocket.close", "code": self._farewell.code, "reason": self._farewell.reason})
        except OSError:
            return  # ASGI's way to say that the client is gone; the reader hears of it too

    def _happen(self, event: protocol.Event) -> None:
        self._socket, effects = protocol.handle(self._socket, event, self._clock.now(), self._limits)
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: protocol.Effect) -> None:
        match effect:
            case protocol.Send(text):
                self._outbox.put(text.encode())
            case protocol.Join():
                self._leave = self._seat.room.join(self._seat.participant, self)
            case protocol.Leave():
                if self._leave is not None:
                    self._leave()
            case protocol.Arm(name, at):
                key = f"chat socket {self._socket.id} {name.name}"
                self._timers[name] = self._clock.timer(at, lambda: self._happen(protocol.Due(name)), key)
            case protocol.Close():
                self._close(effect)

    def _close(self, farewell: protocol.Close) -> None:
        if not self._closing.done():
            self._farewell = farewell
            self._closing.set_result(None)
            self._outbox.finish()

    def _too_slow(self) -> None:
        _log.warning("a web socket of chat %s is closed: it reads too slowly", self._seat.contact.id)
        self._close(protocol.Close(protocol.POLICY_VIOLATION, "the client reads too slowly"))
