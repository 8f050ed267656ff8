"""Whether another server would store what this one does not: asked before a socket is given up.

A server that is cut off from the others stores nothing; neither does any server while the stream has no leader. Only
another one that reaches a leader with most replicas behind it is gone over to: going over costs reading everything
again. Started by the store.
"""

import asyncio
import logging
import time
from typing import Final
from urllib.parse import ParseResult

import msgspec
from nats import errors
from nats.aio.client import Client

from callpark.store.nats.connection import Connection, pause
from callpark.store.nats.uplink import Uplink

_log = logging.getLogger("callpark")

#: A leader hears each of its replicas once a second.
_HEARD_NANOSECONDS: Final = 3_000_000_000
_CONNECT_SECONDS: Final = 1


class _Replica(msgspec.Struct):
    active: int = 0
    offline: bool = False


class _Group(msgspec.Struct):
    leader: str = ""
    replicas: list[_Replica] = []


class _Stream(msgspec.Struct):
    config: dict[str, object] | None = None
    cluster: _Group | None = None


class Search:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def run(self) -> None:
        """Until cancelled."""
        connection = self._connection
        seconds = connection.limits.server_seconds
        while True:
            await pause(seconds / 4)
            if time.monotonic() - connection.stored_at > seconds and connection.client.is_connected:
                await self._look()

    async def _look(self) -> None:
        current = self._connection.client.connected_url
        for server in self._connection.client.servers:
            if current is not None and server.netloc != current.netloc and await self._serves(server):
                _log.debug("nothing is stored through this server; %s knows a leader", server.netloc)
                self._connection.uplink.rotation.prefer(server.netloc)
                self._connection.stored_at = time.monotonic()
                self._connection.uplink.close()
                return

    async def _serves(self, server: ParseResult) -> bool:
        asking = asyncio.ensure_future(self._ask(server))
        try:
            await asyncio.wait((asking,), timeout=3 * _CONNECT_SECONDS)
            return asking.done() and asking.result()
        finally:
            asking.cancel()

    async def _ask(self, server: ParseResult) -> bool:
        async def on_error(error: Exception) -> None:
            pass

        client = Client()
        client._transport = Uplink()
        try:
            await client.connect(
                server.geturl(),
                connect_timeout=_CONNECT_SECONDS,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                error_cb=on_error,
            )
            subject = f"$JS.API.STREAM.INFO.{self._connection.subjects.stream}"
            reply = await client.request(subject, b"", timeout=_CONNECT_SECONDS)
            return reaches_leader(reply.data)
        except (errors.Error, OSError, TimeoutError):
            return False
        finally:
            await client.close()


def reaches_leader(answer: bytes) -> bool:
    """Whether who answered for the stream leads most of its replicas: one that was cut off goes on believing so for a
    while."""
    try:
        stream = msgspec.json.decode(answer, type=_Stream)
    except msgspec.MsgspecError:
        return False
    group = stream.cluster
    if stream.config is None or group is None:
        return stream.config is not None
    heard = sum(not each.offline and each.active < _HEARD_NANOSECONDS for each in group.replicas)
    return bool(group.leader) and 2 * (heard + 1) > len(group.replicas) + 1
