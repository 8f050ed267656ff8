"""uvicorn's websocket protocol, which also takes a text without waiting (`asgi.text_writer`).

Used by `server.py` only. ASGI sends through a coroutine, so each of a thousand subscribers costs a task's turn for one
frame; whoever has nothing else to send may write the frame at once instead. Messages are never compressed
(`ws_per_message_deflate` is off) and never in fragments, so a frame is its length and its text.
"""

from typing import TYPE_CHECKING, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN

from callpark.kernel import asgi

if TYPE_CHECKING:
    from websockets.http11 import Request


class WritingProtocol(WebSocketsSansIOProtocol):
    def handle_connect(self, event: "Request") -> None:
        super().handle_connect(event)
        if not self.close_sent:  # the upgrade was accepted, and the application's task has not begun yet
            asgi.offer_text_writer(cast(asgi.Scope, self.scope), self._write_now)

    def _write_now(self, text: str) -> bool:
        if (
            not self.handshake_complete
            or self.close_sent
            or self.disconnected
            or self.conn.state is not OPEN
            or not self.writable.is_set()
            or self.transport.is_closing()
        ):
            return False
        self.transport.write(text_frame(text.encode()))
        return True


def text_frame(payload: bytes) -> bytes:
    """A whole text message of a server. https://www.rfc-editor.org/rfc/rfc6455#section-5.2"""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 65_536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), payload)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), payload)
