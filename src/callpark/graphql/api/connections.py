"""The websockets that are open at one mount, until the last has ended. Used by `web.py`, here and in `channels/api`."""

import asyncio
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Connection(Protocol):
    @property
    def id(self) -> str: ...

    async def run(self) -> None:
        """From the upgrade to the end."""
        ...

    def shut_down(self) -> None:
        """Say goodbye; `run` returns soon after."""
        ...


ConnectionT = TypeVar("ConnectionT", bound=Connection)


class OpenConnections(Generic[ConnectionT]):
    """Iterating gives those that are open now."""

    def __init__(self) -> None:
        self._open: dict[str, ConnectionT] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[ConnectionT]:
        return iter(tuple(self._open.values()))

    async def carry(self, connection: ConnectionT) -> None:
        """From its upgrade to its end."""
        self._open[connection.id] = connection
        self._idle.clear()
        try:
            await connection.run()
        finally:
            del self._open[connection.id]
            if not self._open:
                self._idle.set()

    async def aclose(self) -> None:
        """Say goodbye to each; it ends within `appsync.close_seconds`."""
        for connection in self:
            connection.shut_down()
        await self.idle()

    async def idle(self) -> None:
        """Until none is open."""
        await self._idle.wait()
