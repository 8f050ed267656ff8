"""The little of ASGI that is needed here: its types, reading a request's body within a limit, an answer in one piece.

Used by the gateway and by slices that serve HTTP and websockets of their own.
https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol, TypeAlias

# ASGI's dictionaries are open by specification; what is read from them is narrowed where it is read.
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_WIRE = "callpark.wire"


class Wire(Protocol):
    """What a websocket's frames are written to, an asyncio transport."""

    def write(self, data: bytes) -> None: ...

    def is_closing(self) -> bool: ...

    def get_write_buffer_size(self) -> int: ...


class ClientGone(Exception):
    """The client left before its request was complete; nobody waits for an answer."""


class BodyTooLarge(Exception):
    """The rest of the body is not read, so the connection cannot carry another request."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first value of a header; names are lower case in ASGI."""
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    return next((value for key, value in headers if key == name), None)


def host(scope: Scope) -> str:
    return (header(scope, b"host") or b"").decode("latin-1")


def path(scope: Scope) -> str:
    found: str = scope["path"]
    return found


def offer_wire(scope: Scope, wire: Wire) -> None:
    """What a server that can do more than ASGI says of itself, as one of the scope's extensions."""
    scope.setdefault("extensions", {})[_WIRE] = wire


def wire(scope: Scope) -> Wire | None:
    """For whole frames that overtake nothing: after `websocket.accept`, before `websocket.close`, while no `send` is
    under way. None where the server lets nobody write so."""
    found: Wire | None = scope.get("extensions", {}).get(_WIRE)
    return found


async def respond(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = (), method: str = "GET"
) -> None:
    """A whole answer with its length; the answers to HEAD and those of status 204 and 304 have no body."""
    bodiless = status in (204, 304)
    length = () if bodiless else ((b"content-length", str(len(body)).encode()),)
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": b"" if bodiless or method == "HEAD" else body})


async def pieces(receive: Receive) -> AsyncIterator[bytes]:
    """The body as it comes. Raises ClientGone."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        if piece := message.get("body", b""):
            yield piece
        if not message.get("more_body", False):
            return


async def read_body(receive: Receive, announced: str | None, limit: int) -> bytes:
    """The whole body. `announced` is Content-Length. Raises BodyTooLarge as soon as it is known, and ClientGone."""
    if announced is not None and announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise BodyTooLarge
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
