"""Invoke without the way through ASGI: the one request that comes by the ten thousand.

Used by `http_protocol.py`. An `Exchange` stands where uvicorn's own request cycle stands, so keep-alive, pipelining and
a graceful stop are uvicorn's as ever; but it hands the request to the gateway in one step, needs no task when the
operation returns a future, and writes the answer in one piece. `exchange_of` takes what is small and common and leaves
everything else (large or chunked bodies, `Expect`, upgrades, pipelined requests, slow readers) to ASGI, where the
same gateway gives the same answer.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol, TypeAlias

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from callpark.gateway.protocols.wire import Request, Response
from callpark.gateway.routing import Route, invoke_route
from callpark.kernel.operations import Answer

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
Answered: TypeAlias = Mapping[str, object] | Answer
"""What an operation returns."""

_CLOSE = (b"connection", b"close")


class Answering(Protocol):
    """What the gateway offers; each step is also a step of its ASGI application."""

    def new_request_id(self) -> str: ...

    def call(self, route: Route, request: Request, request_id: str) -> Awaitable[Answered]:
        """Start the operation. Raises CallerError, and anything when there is a bug."""
        ...

    def serialise(self, route: Route, answer: Answered, request_id: str) -> tuple[Response, str]: ...

    def refuse(self, route: Route, request: Request, error: Exception, request_id: str) -> Response: ...


class Connection(Protocol):
    """The connection an exchange belongs to."""

    transport: asyncio.Transport

    def spawn(self, work: Awaitable[Answered]) -> "asyncio.Future[Answered]":
        """A future for the work, cancelled when the server stops and the work does not end in time."""
        ...

    def default_lines(self) -> bytes:
        """The headers that every answer has, as they go out."""
        ...

    def on_response_complete(self) -> None:
        """The next request may be read."""
        ...


class Ignored:
    """Where uvicorn tells its own cycles that there is news; an exchange is told by method."""

    def set(self) -> None: ...


_IGNORED = Ignored()


class Exchange:
    """One Invoke request and its answer. The public attributes are those that uvicorn's protocol reads and writes."""

    __slots__ = (
        "_body",
        "_connection",
        "_gateway",
        "_request",
        "_request_id",
        "_route",
        "disconnected",
        "keep_alive",
        "message_event",
        "response_complete",
    )

    def __init__(self, gateway: Answering, connection: Connection, route: Route, request: Request, keep_alive: bool):
        self._gateway = gateway
        self._connection = connection
        self._route = route
        self._request = request
        self._request_id = ""
        self._body = b""
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self.message_event = _IGNORED

    def take(self, body: bytes) -> None:
        """A piece of the body has come."""
        self._body = self._body + body if self._body else body

    def start(self) -> None:
        """The request is complete: call the operation."""
        front, gateway = self._request, self._gateway
        if self._body:
            self._request = Request(front.method, front.path, front.query, front.headers, self._body)
        self._request_id = gateway.new_request_id()
        try:
            answer = gateway.call(self._route, self._request, self._request_id)
        except Exception as error:
            self._send(gateway.refuse(self._route, self._request, error, self._request_id))
            return
        future = answer if isinstance(answer, asyncio.Future) else self._connection.spawn(answer)
        future.add_done_callback(self._answered)

    def _answered(self, answered: "asyncio.Future[Answered]") -> None:
        if answered.cancelled():  # by a stop of the server
            self.response_complete = True
            self._connection.transport.close()
            return
        gateway, route, request_id = self._gateway, self._route, self._request_id
        try:
            response, self._request_id = gateway.serialise(route, answered.result(), request_id)
        except Exception as error:
            response = gateway.refuse(route, self._request, error, request_id)
        self._send(response)

    def _send(self, response: Response) -> None:
        """Write the answer, unless the client has gone."""
        self.response_complete = True
        transport = self._connection.transport
        if not transport.is_closing():
            if _CLOSE in response.headers:
                self.keep_alive = False
            transport.write(self._wire(response))
            if not self.keep_alive:
                transport.close()
        self._connection.on_response_complete()

    def _wire(self, response: Response) -> bytes:
        pieces = [STATUS_LINE[response.status], self._connection.default_lines(), lines(response.headers)]
        pieces += b"x-amzn-requestid: ", self._request_id.encode("latin-1"), b"\r\n"
        if response.status != 204:
            pieces.append(b"content-length: %d\r\n" % len(response.body))
        if not self.keep_alive and _CLOSE not in response.headers:
            pieces.append(b"connection: close\r\n")
        pieces += b"\r\n", response.body
        return b"".join(pieces)


def lines(headers: Headers) -> bytes:
    """Headers as they go out, without the end of the head."""
    return b"".join([b"%b: %b\r\n" % (name.lower(), value) for name, value in headers])


def exchange_of(
    gateway: Answering, connection: Connection, method: bytes, url: bytes, headers: Headers, keep_alive: bool
) -> Exchange | None:
    """The exchange for a request whose headers are complete; None when it must go through ASGI."""
    path, _, query = url.partition(b"?")
    route = invoke_route(method.decode("ascii"), path)
    if route is None or not url.isascii() or b"#" in url:
        return None
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    if "transfer-encoding" in found or "expect" in found or "upgrade" in found:
        return None
    length = found.get("content-length", "0")
    if len(length) > 9 or not (length.isascii() and length.isdigit()) or int(length) > HIGH_WATER_LIMIT:
        return None
    return Exchange(
        gateway, connection, route, Request("POST", path.decode("ascii"), query.decode("ascii"), found), keep_alive
    )
