"""The little of ASGI's types that the gateway needs, and what it asks of a mounted application.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol, TypeAlias

# ASGI's dictionaries are open by specification; what is read from them is narrowed where it is read.
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class Mount(Protocol):
    """An application beside the AWS APIs, e.g. the GraphQL endpoints: HTTP and websockets."""

    def matches(self, scope: Scope) -> bool: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...
