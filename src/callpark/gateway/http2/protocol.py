"""HTTP/2 before an ASGI application: asyncio's protocol of one connection, and one task for each request.

`http_protocol.py` hands a connection over when its first bytes are HTTP/2's. It counts among uvicorn's connections and
tasks, so a server that stops lets its requests finish and then cuts them, as it does with HTTP/1.1.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast
from urllib.parse import unquote

from callpark.gateway.http2.connection import Connection, Ended, Header, Opened, Received
from callpark.kernel.asgi import Message, Receive, Scope, Send
from callpark.kernel.limits import GatewayLimits

_log = logging.getLogger("callpark")

Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Host:
    """Where a connection comes from: the application, and what uvicorn counts. `connections` and `tasks` are uvicorn's
    own; `server_headers` those that every answer has."""

    app: Application
    connections: set[object]
    tasks: "set[asyncio.Task[None]]"
    scheme: str
    client: tuple[str, int] | None
    server: tuple[str, int | None] | None
    server_headers: Callable[[], Sequence[Header]]


class Http2Protocol(asyncio.Protocol):
    """Takes the transport over when it is made."""

    def __init__(self, transport: asyncio.Transport, host: Host, limits: GatewayLimits) -> None:
        self.host = host
        self.transport = transport
        self._limits = limits
        self._connection = Connection(limits.header_bytes)
        self._requests: dict[int, _Request] = {}
        self._writable = asyncio.Event()
        self._writable.set()
        self._idle: asyncio.TimerHandle | None = None
        host.connections.add(self)
        self.transport.set_protocol(self)
        self._wait_for_somebody()

    def data_received(self, data: bytes) -> None:
        events = self._connection.receive(data)
        for event in events:
            match event:
                case Opened():
                    self._open(event)
                case Received(stream, piece, ended):
                    request = self._requests.get(stream)
                    if request is not None:
                        request.arrived(piece, ended=ended)
                case Ended(stream):
                    self._end(stream)
        self.flush()
        for request in self._requests.values():  # windows may have grown
            request.woken.set()
        if self._connection.closed:
            _log.debug("an HTTP/2 connection ends: %s", self._connection.why)
            self.transport.close()
        self._wait_for_somebody()

    def connection_lost(self, exc: Exception | None) -> None:
        self.host.connections.discard(self)
        if self._idle is not None:
            self._idle.cancel()
        self._writable.set()
        for stream in list(self._requests):
            self._end(stream)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        """Nothing is read either: what is read may have to be answered."""
        self._writable.clear()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self._writable.set()
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def shutdown(self) -> None:
        """uvicorn's word for: finish what is there."""
        self._connection.leave()
        self.flush()
        if not self._requests:
            self.transport.close()

    def flush(self) -> None:
        outgoing = self._connection.outgoing
        if outgoing:
            data = bytes(outgoing)
            outgoing.clear()
            if not self.transport.is_closing():
                self.transport.write(data)

    # What a request asks for

    def respond(self, stream: int, headers: list[Header]) -> None:
        self._connection.respond(stream, headers)
        self.flush()

    async def send(self, stream: int, data: bytes, request: "_Request", *, ended: bool) -> None:
        """All of it, as fast as the client takes it. Returns early when it does not want it any more."""
        rest = data
        while not request.gone:
            request.woken.clear()
            await self._writable.wait()
            sent = self._connection.send(stream, rest, ended=ended)
            self.flush()
            rest = rest[sent:]
            if not rest:
                return
            await request.woken.wait()

    def taken(self, stream: int, size: int) -> None:
        self._connection.taken(stream, size)
        self.flush()

    def over(self, stream: int, *, complete: bool) -> None:
        self._requests.pop(stream, None)
        if not complete:
            self._connection.give_up(stream)
        self.flush()
        self._wait_for_somebody()
        if not self._requests and self._connection.leaving:
            self.transport.close()

    def _open(self, opened: Opened) -> None:
        request = self._requests[opened.stream] = _Request(self, opened)
        task = asyncio.get_running_loop().create_task(request.run(self.host.app), name="gateway: HTTP/2 request")
        self.host.tasks.add(task)
        task.add_done_callback(self.host.tasks.discard)

    def _end(self, stream: int) -> None:
        request = self._requests.pop(stream, None)
        if request is not None:
            request.leave()

    def _wait_for_somebody(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        seconds = self._limits.keep_alive_seconds
        self._idle = asyncio.get_running_loop().call_later(seconds, self._nobody_came)

    def _nobody_came(self) -> None:
        """Requests that are being answered may take long; those that never end do not."""
        self._idle = None
        if any(request.complete for request in self._requests.values()) or not self._writable.is_set():
            self._wait_for_somebody()
            return
        self._connection.leave()
        self.flush()
        self.transport.close()


class _Request:
    """One request: what ASGI reads and writes of it."""

    def __init__(self, connection: Http2Protocol, opened: Opened) -> None:
        self.gone = False
        self.woken = asyncio.Event()
        self.complete = opened.ended
        self._connection = connection
        self._opened = opened
        self._pieces: deque[bytes] = deque()
        self._told_all = False
        self._arrived = asyncio.Event()
        self._answered = False

    def arrived(self, piece: bytes, *, ended: bool) -> None:
        self._pieces.append(piece)
        self.complete = self.complete or ended
        self._arrived.set()

    def leave(self) -> None:
        self.gone = True
        self._arrived.set()
        self.woken.set()

    async def run(self, app: Application) -> None:
        try:
            await app(self._scope(), self._receive, self._send)
        except Exception as error:
            _log.error("an HTTP/2 request failed: a bug in callpark", exc_info=error)
        finally:
            self.gone = True
            self._arrived.set()
            with contextlib.suppress(RuntimeError):  # of a transport that is already closed
                self._connection.over(self._opened.stream, complete=self._answered)

    def _scope(self) -> Scope:
        host, pseudo = self._connection.host, self._opened.pseudo
        path, _, query = pseudo[b":path"].partition(b"?")
        headers = [(name, value) for name, value in self._opened.headers if name != b"host"]
        authority = pseudo.get(b":authority")
        named = authority if authority is not None else next((v for n, v in self._opened.headers if n == b"host"), b"")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "2",
            "method": pseudo[b":method"].decode("latin-1"),
            "scheme": host.scheme,
            "path": unquote(path.decode("latin-1")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(b"host", named), *headers],
            "client": host.client,
            "server": host.server,
            "state": {},
        }

    async def _receive(self) -> Message:
        while not (self._pieces or self.gone or self._answered) and (self._told_all or not self.complete):
            self._arrived.clear()
            await self._arrived.wait()
        if self.gone or self._answered:
            return {"type": "http.disconnect"}
        body = b"".join(self._pieces)
        self._pieces.clear()
        if body:
            self._connection.taken(self._opened.stream, len(body))
        self._told_all = self.complete
        return {"type": "http.request", "body": body, "more_body": not self.complete}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            status = str(message["status"]).encode()
            given = [(bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ())]
            head = [(b":status", status), *self._connection.host.server_headers(), *given]
            self._connection.respond(self._opened.stream, head)
            return
        body, more = cast(bytes, message.get("body", b"")), bool(message.get("more_body", False))
        if body or not more:
            await self._connection.send(self._opened.stream, body, self, ended=not more)
        if not more:
            self._end()

    def _end(self) -> None:
        self._answered = True
        self._arrived.set()
