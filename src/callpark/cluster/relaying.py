"""Pages and web sockets of another node's things, passed through as they are.

`Relayed` stands in front of a mount: what is held here the mount serves, the rest goes to the node that holds it. What
another node has passed on is served here in any case.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol
from urllib.parse import quote

from callpark.cluster.forwarding import Forwarder, is_peer
from callpark.cluster.members import Member
from callpark.cluster.node import Node
from callpark.cluster.peers import Peers, Unreached
from callpark.cluster.placement import Placed
from callpark.cluster.wire import SECRET_HEADER
from callpark.kernel.asgi import ClientGone, Receive, Scope, Send, pieces, respond
from callpark.kernel.errors import CallerError
from callpark.kernel.tasks import Tasks

_HOP_BY_HOP = frozenset((b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"date", b"host"))
_HANDSHAKE = ("sec-websocket-", "connection", "upgrade", "host")
_TRY_AGAIN = 1013
_GOING = frozenset((1005, 1006, 1012, 1015))
"""No farewell, or that of a server that stops."""


class Mount(Protocol):
    def matches(self, scope: Scope) -> bool: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Relayed:
    """`place` finds what a request is about, None for what is served here."""

    def __init__(
        self, mount: Mount, place: Callable[[Scope], Placed], node: Node, forwarder: Forwarder, peers: Peers
    ) -> None:
        self._mount = mount
        self._place = place
        self._node = node
        self._forwarder = forwarder
        self._peers = peers

    def matches(self, scope: Scope) -> bool:
        return self._mount.matches(scope)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        placed = None if is_peer(scope, self._node.secret) else self._place(scope)
        try:
            if placed is None or await self._forwarder.is_here(placed):
                return await self._mount(scope, receive, send)
            peer = await self._forwarder.holder(placed)
        except CallerError:
            peer = None
        if peer is None or peer.id == self._node.me.id:
            return await self._refuse(scope, receive, send)
        try:
            if scope["type"] == "websocket":
                await self._socket(peer, scope, receive, send)
            else:
                await self._page(peer, scope, receive, send)
        except (CallerError, Unreached):
            await self._refuse(scope, receive, send)
        except ClientGone:
            return None
        return None

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _TRY_AGAIN})
            return
        headers = ((b"retry-after", str(self._node.limits.retry_after_seconds).encode()),)
        await respond(send, 503, b'{"message":"the cluster is changing, try again"}', headers)

    async def _page(self, peer: Member, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name not in _HOP_BY_HOP]
        headers.append((SECRET_HEADER.encode(), self._node.secret.encode()))
        sized = any(name == b"content-length" for name, _ in headers)
        body: bytes | AsyncIterator[bytes] = pieces(receive) if sized else b""
        async with self._peers.answering(peer, scope["method"], _target(scope), headers, body) as response:
            kept = [(name.lower(), value) for name, value in response.headers.raw if name.lower() not in _HOP_BY_HOP]
            await send({"type": "http.response.start", "status": response.status_code, "headers": kept})
            async for piece in response.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _socket(self, peer: Member, scope: Scope, receive: Receive, send: Send) -> None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidStatus

        await receive()
        url = peer.url.replace("http", "ws", 1) + _target(scope).decode("latin-1")
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in scope["headers"]
            if not name.decode("latin-1").startswith(_HANDSHAKE)
        ]
        headers.append((SECRET_HEADER, self._node.secret))
        tasks = Tasks("a web socket on another node")
        try:
            async with connect(
                url,
                additional_headers=headers,
                subprotocols=scope.get("subprotocols") or None,
                max_size=None,
                compression=None,
                proxy=None,
            ) as far:
                await send({"type": "websocket.accept", "subprotocol": far.subprotocol})

                async def onwards() -> None:
                    with contextlib.suppress(ConnectionClosed):
                        while (message := await receive())["type"] != "websocket.disconnect":
                            await far.send(message.get("text") or message.get("bytes") or "")

                async def back() -> None:
                    with contextlib.suppress(ConnectionClosed, OSError):
                        async for message in far:
                            kind = "text" if isinstance(message, str) else "bytes"
                            await send({"type": "websocket.send", kind: message})

                reading, writing = tasks.spawn(onwards(), "onwards"), tasks.spawn(back(), "back")
                await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
                if far.close_code is not None:
                    with contextlib.suppress(OSError, RuntimeError):
                        await send({"type": "websocket.close", "code": _farewell(far.close_code)})
        except (InvalidStatus, ConnectionClosed, OSError):
            with contextlib.suppress(OSError, RuntimeError):
                await send({"type": "websocket.close", "code": _TRY_AGAIN})
        finally:
            await tasks.aclose()


def _farewell(code: int) -> int:
    """Of another node that is gone, or going: somebody else has what it had."""
    return _TRY_AGAIN if code in _GOING else code


def _target(scope: Scope) -> bytes:
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope["query_string"]
    return raw + b"?" + query if query else raw
