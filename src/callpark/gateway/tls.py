"""TLS on the port that also speaks plainly: a connection whose first byte begins a TLS handshake is upgraded.

Used by `http_protocol.py`. Amplify derives wss:// from the host and port of the GraphQL endpoint, so both have to be
served at one port; a plain connection pays one comparison for it.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import cast

from callpark.gateway.certificate import Certificate
from callpark.kernel.errors import ProjectError

_log = logging.getLogger("callpark")

#: The content type of a TLS record that carries a handshake; no HTTP request begins with it.
#: https://www.rfc-editor.org/rfc/rfc8446#section-5.1
HANDSHAKE = 0x16


class _Holder(asyncio.Protocol):
    """Keeps what arrives decrypted before the handshake's end is known here."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.lost = False

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


async def upgrade(
    transport: asyncio.Transport,
    first: bytes,
    certificate: Certificate,
    successor: Callable[[], asyncio.Protocol],
    seconds: float,
) -> None:
    """Make the handshake that `first` begins, within `seconds` of real time (so long may the end take, too), and hand
    the encrypted connection to a new protocol. A client that gives up, or does not trust us, leaves nothing behind."""
    loop = asyncio.get_running_loop()
    transport.pause_reading()
    try:
        context = await loop.run_in_executor(None, certificate.context)
    except ProjectError as error:
        _log.warning("no TLS: %s; %s", error, error.remedy)
        transport.abort()
        return
    if transport.is_closing():
        return
    holder = _Holder()
    starting = asyncio.ensure_future(
        loop.start_tls(
            transport,
            holder,
            context,
            server_side=True,
            ssl_handshake_timeout=seconds,
            ssl_shutdown_timeout=seconds,
        )
    )
    # start_tls begins in the loop's next turn and connects its protocol in the one after: then `first` can be replayed.
    loop.call_soon(loop.call_soon, _replay, transport, first)
    try:
        secure = await starting
    except (OSError, ssl.SSLError):
        transport.abort()
        return
    if secure is None or holder.lost:
        return
    protocol = successor()
    secure.set_protocol(protocol)
    protocol.connection_made(secure)
    if holder.received:
        protocol.data_received(bytes(holder.received))


def _replay(transport: asyncio.Transport, data: bytes) -> None:
    """Give the bytes that were read before TLS took over to the protocol that does now."""
    protocol = cast(asyncio.BufferedProtocol, transport.get_protocol())
    rest = memoryview(data)
    while rest and not transport.is_closing():
        buffer = memoryview(cast(bytearray, protocol.get_buffer(len(rest)))).cast("B")
        size = min(len(buffer), len(rest))
        buffer[:size] = rest[:size]
        protocol.buffer_updated(size)
        rest = rest[size:]
