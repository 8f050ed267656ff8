"""The socket to one of the servers, and which server is next: made at the start, by `arrival.py`.

A server is left for another one when it says nothing (a cut network, a process that stands still: the client's pings
tell), or when `search.py` has found one that knows more.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from nats.aio.client import Server
from nats.aio.transport import TcpTransport

#: Pings that are not answered before a socket is given up; the client sends the first after one interval.
PINGS: Final = 2

_AGAIN_SECONDS = 0.1


class Rotation:
    """The servers in turn, whoever was tried last at the end."""

    def __init__(self) -> None:
        self._tries = 0
        self._tried: dict[str, int] = {}
        self._preferred = ""

    def note(self, server: str) -> None:
        """Connected to `host:port`."""
        self._tries += 1
        self._tried[server] = self._tries

    def prefer(self, server: str) -> None:
        """Once, for the next connection."""
        self._preferred = server

    def following(self, servers: Sequence[Server], _: Mapping[str, object]) -> tuple[Server, float]:
        """The next one, and the seconds before it is tried."""
        preferred, self._preferred = self._preferred, ""
        chosen = min(
            servers, key=lambda server: (server.uri.netloc != preferred, self._tried.get(server.uri.netloc, 0))
        )
        known = chosen.uri.netloc in self._tried and chosen.uri.netloc != preferred
        self.note(chosen.uri.netloc)
        return chosen, _AGAIN_SECONDS if known else 0.0


class Uplink(TcpTransport):
    """What is closed is closed at once: the client would wait until all is sent, which over a silent network lasts
    until the kernel gives up."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rotation = Rotation()

    def close(self) -> None:
        if self._io_writer is not None:
            self._io_writer.transport.abort()

    def write(self, payload: bytes) -> None:
        """Nothing more is sent over what is closed; the reader tells the client of it."""
        if (writer := self._open()) is not None:
            writer.write(payload)

    def writelines(self, payload: list[bytes]) -> None:
        if (writer := self._open()) is not None:
            writer.writelines(payload)

    async def drain(self) -> None:
        if (writer := self._open()) is not None:
            await writer.drain()

    def _open(self) -> asyncio.StreamWriter | None:
        writer = self._io_writer
        return None if writer is None or writer.transport.is_closing() else writer

    def __bool__(self) -> bool:
        """The client makes one of its own where there seems to be none."""
        return True
