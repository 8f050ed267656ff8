"""The little of ASGI's types that this room needs. https://asgi.readthedocs.io/en/latest/specs/www.html"""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, TypeAlias

# ASGI's dictionaries are open by specification; what is read from them is narrowed where it is read.
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first value of a header; names are lower case in ASGI."""
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    return next((value for key, value in headers if key == name), None)


def host(scope: Scope) -> str:
    return (header(scope, b"host") or b"").decode("latin-1")


def path(scope: Scope) -> str:
    found: str = scope["path"]
    return found
