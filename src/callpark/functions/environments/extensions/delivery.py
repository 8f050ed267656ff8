"""Batches of telemetry on their way to an extension: HTTP or TCP, on this machine's loopback address only.

Used by `telemetry.py`. A batch that is not taken in time, or refused, is lost; its subscriber is told how many were.
"""

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

#: How long an extension may take for a batch, in real seconds.
_TAKE_SECONDS = 2.0


class HttpDestination(msgspec.Struct, frozen=True):
    """POST of a JSON array. `host` is only named in the request: the connection goes to the loopback address."""

    host: str
    port: int
    path: str

    async def deliver(self, events: Sequence[bytes]) -> bool:
        """Whether the extension answered with success."""
        body = b"[" + b",".join(events) + b"]"
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        status = await _exchanged(self.port, head.encode("latin-1", "replace") + body, answered=True)
        return status.startswith(b"HTTP/1.") and status[9:10] == b"2"


class TcpDestination(msgspec.Struct, frozen=True):
    """JSON objects, one a line, over a connection of their own."""

    port: int

    async def deliver(self, events: Sequence[bytes]) -> bool:
        return await _exchanged(self.port, b"".join(event + b"\n" for event in events), answered=False) == b"sent"


Destination: TypeAlias = HttpDestination | TcpDestination


async def _exchanged(port: int, data: bytes, *, answered: bool) -> bytes:
    """The first line of the answer; "sent" where none is expected; nothing when the extension is not there."""
    writer = None
    try:
        async with asyncio.timeout(_TAKE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            await writer.drain()
            return await reader.readline() if answered else b"sent"
    except (OSError, TimeoutError, ValueError):
        return b""
    finally:
        if writer is not None:
            writer.close()
