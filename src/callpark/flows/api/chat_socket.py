"""The chat's web socket: ASGI messages in, the protocol's effects out. A mount of the gateway.

The decisions are `chat/protocol.py`'s; this carries them out.
"""

import logging
from collections.abc import Callable
from urllib.parse import parse_qs

from callpark.flows.api.addresses import PATH
from callpark.flows.chat import protocol
from callpark.flows.chat.service import Chats, Seat
from callpark.kernel import asgi
from callpark.kernel.errors import CallerError
from callpark.kernel.served_websocket import Bounds, ServedWebsocket
from callpark.kernel.websocket import POLICY_VIOLATION

_log = logging.getLogger("callpark")


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
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})  # before accept: HTTP 403
            return
        await _Connection(self._chats, seat, scope, receive, send).run()


class _Connection:
    """One web socket; to the room it is an ear."""

    def __init__(self, chats: Chats, seat: Seat, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        self._clock = chats.clock
        self._limits = limits = chats.limits
        self._seat = seat
        self._state = protocol.Socket(chats.ids.uuid())
        self._leave: Callable[[], None] | None = None
        bounds = Bounds(
            limits.chat_unsent_frames, limits.chat_unsent_bytes, limits.chat_frame_bytes, limits.chat_close_seconds
        )
        name = f"chat socket {self._state.id}"
        self._socket = ServedWebsocket(name, scope, receive, send, chats.clock, bounds, self._received, self._too_slow)

    async def run(self) -> None:
        """Until either side has closed."""
        if await self._socket.accept():
            await self._socket.run(lambda: self._happen(protocol.Opened()), lambda: self._happen(protocol.Lost()))

    # `chat.room.Ear`

    def written(self, text: str) -> None:
        self._happen(protocol.Written(text))

    def over(self) -> None:
        self._happen(protocol.ChatOver())

    def replaced(self) -> None:
        self._happen(protocol.Replaced())

    # Inside

    def _received(self, content: str | bytes) -> None:
        self._happen(protocol.Received(content))

    def _happen(self, event: protocol.Event) -> None:
        self._state, effects = protocol.handle(self._state, event, self._clock.now(), self._limits)
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: protocol.Effect) -> None:
        match effect:
            case protocol.Send(text):
                self._socket.put(text.encode())
            case protocol.Join():
                self._leave = self._seat.room.join(self._seat.participant, self)
            case protocol.Leave():
                if self._leave is not None:
                    self._leave()
            case protocol.Arm(name, at):
                self._socket.arm(name, at, lambda: self._happen(protocol.Due(name)))
            case protocol.Close(code, reason):
                self._socket.close(code, reason)

    def _too_slow(self) -> None:
        _log.warning("a web socket of chat %s is closed: it reads too slowly", self._seat.contact.id)
        self._socket.close(POLICY_VIOLATION, "the client reads too slowly")
