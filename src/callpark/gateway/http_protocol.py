"""uvicorn's httptools protocol with the limits it lacks, refusing in AWS's shape.

Used by `server.py` only. Headers and request line are counted as they arrive, before anything is kept; connections
beyond the limit are answered with 503 and closed; what is not HTTP gets a JSON refusal.
"""

import asyncio

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from callpark.kernel.limits import GatewayLimits


def limited_protocol(limits: GatewayLimits) -> type[HttpToolsProtocol]:
    """The protocol class for uvicorn's `http` setting."""

    class LimitedProtocol(HttpToolsProtocol):
        _received = 0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                _refuse(transport, 503, "ServiceUnavailable", f"more than {limits.connections} connections are open")

        def on_message_begin(self) -> None:
            self._received = 0
            super().on_message_begin()

        def on_url(self, url: bytes) -> None:
            if self._count(len(url)):
                super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            if self._count(len(name) + len(value)):
                super().on_header(name, value)

        def on_headers_complete(self) -> None:
            if self._received <= limits.header_bytes:
                super().on_headers_complete()

        def send_400_response(self, msg: str) -> None:
            _refuse(self.transport, 400, "BadRequestException", msg)

        def _count(self, size: int) -> bool:
            """Whether the request may go on."""
            self._received += size
            if self._received <= limits.header_bytes:
                return True
            if not self.transport.is_closing():
                text = f"Request headers must be smaller than {limits.header_bytes} bytes"
                _refuse(self.transport, 431, "RequestHeaderFieldsTooLarge", text)
            return False

    return LimitedProtocol


_REASONS = {400: b"Bad Request", 431: b"Request Header Fields Too Large", 503: b"Service Unavailable"}


def _refuse(transport: asyncio.Transport, status: int, code: str, message: str) -> None:
    body = orjson.dumps({"message": message})
    head = (
        b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\nx-amzn-ErrorType: %b\r\n"
        b"content-length: %d\r\nconnection: close\r\n\r\n"
    ) % (status, _REASONS[status], code.encode(), len(body))
    transport.write(head + body)
    transport.close()
