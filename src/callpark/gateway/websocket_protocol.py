"""uvicorn's websocket protocol, which also lets frames be written without waiting (`asgi.wire`), and lets go of clients
that do not read.

Used by `server.py` only. ASGI sends through a coroutine, so each of a thousand subscribers costs a task's turn for one
frame; whoever has nothing else to send may write the frame at once instead. Wherever this protocol ends a connection it
closes the transport as well, so a transport that is not closing takes frames. A transport that is closed first sends
what it holds, which a client that stopped reading never takes: it is cut after a while. Messages are never compressed
(`ws_per_message_deflate` is off) and never in fragments, so a frame is its length and its text.
"""

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from callpark.kernel import asgi

if TYPE_CHECKING:
    from websockets.http11 import Request


def writing_protocol(cut_seconds: float) -> type["WritingProtocol"]:
    """The protocol class for uvicorn's `ws` setting. A connection that is over is cut `cut_seconds` of real time
    later, if its client still holds it."""

    class Protocol(WritingProtocol):
        cut_after = cut_seconds

    return Protocol


class WritingProtocol(WebSocketsSansIOProtocol):
    cut_after: ClassVar[float]
    _cut: asyncio.TimerHandle | None = None

    def handle_connect(self, event: "Request") -> None:
        super().handle_connect(event)
        if not self.close_sent:  # the upgrade was accepted, and the application's task has not begun yet
            asgi.offer_wire(cast(asgi.Scope, self.scope), self.transport)

    def handle_ping(self) -> None:
        """Pings of a client that does not read are not answered: their answers would pile up here."""
        output = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(output))

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._cut_later()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        super().on_task_complete(task)
        self._cut_later()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._cut is not None:
            self._cut.cancel()

    def _cut_later(self) -> None:
        if self._cut is None and not self.disconnected:
            self._cut = self.loop.call_later(self.cut_after, self.transport.abort)
