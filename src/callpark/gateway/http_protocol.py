"""uvicorn's httptools protocol with the limits it lacks, refusing in AWS's shape.

Used by `server.py` only. Headers and request line are counted as they arrive, before they are kept; connections beyond
the limit are answered with 503 and closed; what is not HTTP gets a JSON refusal; a connection that never asks anything,
or stops in the middle of a request, is closed like an idle one. Invoke requests leave ASGI out (`direct.py`). A
connection that begins with TLS is upgraded (`tls.py`), one that begins with HTTP/2's preface is given away (`http2/`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, cast

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from callpark.gateway import tls
from callpark.gateway.alarms import Alarms
from callpark.gateway.certificate import Certificate
from callpark.gateway.direct import Answered, Answering, Exchange, Headers, exchange_of, lines
from callpark.kernel.limits import GatewayLimits

if TYPE_CHECKING:
    from callpark.gateway.http2.protocol import Http2Protocol

_T = TypeVar("_T")

#: How a connection of HTTP/2 begins, and no other.
_PREFACE = b"PRI * HTTP/2.0"


class _TooManyHeaderBytes(Exception):
    """Ends the parsing of a request; httptools hands it on as a parser error."""


def limited_protocol(
    limits: GatewayLimits, direct: Answering | None = None, certificate: Certificate | None = None
) -> type[HttpToolsProtocol]:
    """The protocol class for uvicorn's `http` setting. `direct` answers Invoke requests without ASGI; with a
    `certificate` connections may be encrypted."""
    most = limits.header_bytes
    alarms = Alarms(limits.keep_alive_seconds)
    joined: tuple[Headers, bytes] = ((), b"")

    class LimitedProtocol(HttpToolsProtocol):
        _received = 0
        _silent = True
        _incomplete = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                _refuse(transport, 503, "ServiceUnavailable", f"more than {limits.connections} connections are open")
            else:
                self._set_alarm(self.timeout_keep_alive_handler)

        def data_received(self, data: bytes) -> None:
            if self._silent:
                self._silent = False
                if data[0] == tls.HANDSHAKE and certificate is not None and self.scheme == "http":
                    self._unset_keepalive_if_required()
                    self._in_background(self._encrypt(data, certificate))
                    return
                if data.startswith(_PREFACE[:4]):
                    self._unset_keepalive_if_required()
                    self._give_away().data_received(data)
                    return
            super().data_received(data)
            if self._incomplete and self.timeout_keep_alive_task is None:
                self._wait_for_the_rest()

        def _give_away(self) -> "Http2Protocol":
            from callpark.gateway.http2.protocol import Application, Host, Http2Protocol  # few need it

            self.connections.discard(self)
            host = Host(
                app=cast(Application, self.app),
                connections=cast("set[object]", self.connections),
                tasks=self.tasks,
                scheme=self.scheme or "http",
                client=self.client,
                server=self.server,
                server_headers=self.default_headers,
            )
            return Http2Protocol(self.transport, host, limits)

        def _wait_for_the_rest(self) -> None:
            if self.transport.get_protocol() is self:
                self._set_alarm(self._nothing_came)

        def _set_alarm(self, ring: Callable[[], None]) -> None:
            self.timeout_keep_alive_task = alarms.set(self.loop, ring)  # type: ignore[assignment]  # it can be cancelled

        def on_response_complete(self) -> None:
            """uvicorn's, with our alarm instead of a timer of the loop for each request."""
            self.server_state.total_requests += 1
            if self.transport.is_closing():
                return
            self._unset_keepalive_if_required()
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
            else:
                self._set_alarm(self.timeout_keep_alive_handler)

        def shutdown(self) -> None:
            """The server stops. A client that lies idle is told so, but does not answer TLS's farewell before it next
            looks: it is not waited for."""
            super().shutdown()
            if self.scheme == "https" and self.transport.is_closing():
                self.loop.call_later(limits.tls_farewell_seconds, self.transport.abort)

        def _nothing_came(self) -> None:
            self.timeout_keep_alive_task = None
            if self.flow.read_paused:  # it is us who do not read
                self._wait_for_the_rest()
            else:
                self.timeout_keep_alive_handler()

        async def _encrypt(self, first: bytes, certificate: Certificate) -> None:
            try:
                await tls.upgrade(self.transport, first, certificate, self._successor, limits.tls_handshake_seconds)
            finally:
                self.connections.discard(self)

        def _successor(self) -> asyncio.Protocol:
            self.connections.discard(self)
            return LimitedProtocol(self.config, self.server_state, self.app_state, self.loop)

        def on_message_begin(self) -> None:
            self._received = 0
            self._incomplete = True
            self.url = b""
            self.headers = []
            self.expect_100_continue = False

        def on_url(self, url: bytes) -> None:
            self._received += len(url)
            if self._received > most:
                raise _TooManyHeaderBytes
            self.url += url

        def on_header(self, name: bytes, value: bytes) -> None:
            self._received += len(name) + len(value)
            if self._received > most:
                raise _TooManyHeaderBytes
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

        def on_headers_complete(self) -> None:
            exchange = self._exchange() if direct is not None else None
            if exchange is None:
                self._begin_scope()
                super().on_headers_complete()
            else:
                self.cycle = exchange  # type: ignore[assignment]  # it has what uvicorn's protocol touches

        def _begin_scope(self) -> None:
            """What uvicorn does when a message begins, which an exchange does not need."""
            front = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, headers, self.expect_100_continue = front
            self.headers += headers

        def on_body(self, body: bytes) -> None:
            if isinstance(self.cycle, Exchange):
                self.cycle.take(body)
            else:
                super().on_body(body)

        def on_message_complete(self) -> None:
            self._incomplete = False
            if isinstance(self.cycle, Exchange):
                self.cycle.start()
            else:
                super().on_message_complete()

        def _exchange(self) -> Exchange | None:
            parser, busy = self.parser, self.cycle is not None and not self.cycle.response_complete
            if direct is None or busy or self.flow.write_paused or parser.get_http_version() != "1.1":
                return None
            method, keep_alive = parser.get_method(), parser.should_keep_alive()
            return exchange_of(direct, self, method, self.url, self.headers, keep_alive)

        def spawn(self, work: Awaitable[Answered]) -> "asyncio.Future[Answered]":
            return self._in_background(work)

        def _in_background(self, work: Awaitable[_T]) -> "asyncio.Future[_T]":
            task = asyncio.ensure_future(work)
            tasks = cast("set[asyncio.Future[_T]]", self.tasks)
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            return task

        def default_headers(self) -> Headers:
            return self.server_state.default_headers

        def default_lines(self) -> bytes:
            nonlocal joined
            headers = self.default_headers()
            if joined[0] is not headers:  # uvicorn makes new ones every second
                joined = headers, lines(headers)
            return joined[1]

        def send_400_response(self, msg: str) -> None:
            if self._received > most:
                text = f"Request headers must be smaller than {most} bytes"
                _refuse(self.transport, 431, "RequestHeaderFieldsTooLarge", text)
            else:
                _refuse(self.transport, 400, "BadRequestException", msg)

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
