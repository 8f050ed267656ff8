"""The gateway on a port, by uvicorn: uvloop when it is there, httptools, websockets without I/O of their own.

Made by the composition root and by tests: `with bind(host, port) as bound`, `Server(app, bound, limits.gateway)`,
`await start()`, `base_url`, `await stop()`, all in the running loop. The socket is bound first, so a taken port is the
user's error with a remedy, and the address, port 0 included, is known before anything is built that needs it.
"""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import TypeAlias

import uvicorn

from callpark.gateway.certificate import Certificate
from callpark.gateway.direct import Answering
from callpark.gateway.http_protocol import limited_protocol
from callpark.gateway.websocket_protocol import writing_protocol
from callpark.kernel.asgi import Receive, Scope, Send
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import GatewayLimits

AsgiApplication: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class _Uvicorn(uvicorn.Server):
    """uvicorn that says when it is ready and leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Bound:
    """A listening socket and the address that clients use. A context manager; closing twice is harmless."""

    def __init__(self, listener: socket.socket, host: str) -> None:
        self.listener = listener
        self.port: int = listener.getsockname()[1]
        self._host = host

    @property
    def base_url(self) -> str:
        """`http://host:port`; an address that means every interface is told as the loopback one."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self._host, self._host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def __enter__(self) -> "Bound":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.close()


class Server:
    """One listening gateway. `app` is any ASGI application; `direct`, the same gateway, answers Invoke without ASGI.
    With a `certificate` the port speaks https:// and wss:// too."""

    def __init__(
        self,
        app: AsgiApplication,
        bound: Bound,
        limits: GatewayLimits,
        *,
        direct: Answering | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        self._app = app
        self._bound = bound
        self._limits = limits
        self._direct = direct
        self._certificate = certificate
        self._uvicorn: _Uvicorn | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        return self._bound.base_url

    async def start(self) -> None:
        """Serve; returns when requests are answered."""
        server = self._uvicorn = _Uvicorn(self._config())
        self._task = asyncio.create_task(server.serve(sockets=[self._bound.listener]), name="gateway: uvicorn")
        ready = asyncio.create_task(server.ready.wait())
        await asyncio.wait((ready, self._task), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            await self._task

    async def stop(self) -> None:
        """Stop accepting, let requests finish within `gateway.shutdown_seconds`, then cut them. Idempotent."""
        server, task = self._uvicorn, self._task
        self._uvicorn = self._task = None
        if server is None or task is None:
            return
        server.should_exit = True
        await task
        for connection in tuple(server.server_state.connections):
            connection.transport.abort()

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._app,
            http=limited_protocol(self._limits, self._direct, self._certificate),
            ws=writing_protocol(self._limits.websocket_cut_seconds),
            ws_max_size=self._limits.websocket_message_bytes,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            backlog=2048,
            timeout_keep_alive=self._limits.keep_alive_seconds,
            timeout_graceful_shutdown=self._limits.shutdown_seconds,
        )


def bind(host: str, port: int) -> Bound:
    """Listen at an address; port 0 takes a free one. Connections wait until a server starts. Raises ProjectError."""
    if not 0 <= port <= 65_535:  # getaddrinfo would take it modulo 65536
        raise ProjectError(f"{port} is no port", "use --port with a number from 0 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ProjectError(f"cannot listen on {host}:{port}: {reason}", "use --host 127.0.0.1 --port 4566") from None
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
        listener.setblocking(False)
    except (OSError, OverflowError) as error:
        listener.close()
        raise _cannot_listen(host, port, error) from None
    return Bound(listener, host)


def _cannot_listen(host: str, port: int, error: Exception) -> ProjectError:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return ProjectError(
            f"port {port} on {host} is in use", "stop what listens there, or choose another port with --port"
        )
    if number == errno.EACCES:
        return ProjectError(f"port {port} on {host} may not be opened by this user", "choose a port above 1023")
    if number == errno.EADDRNOTAVAIL:
        return ProjectError(f"{host} is no address of this machine", "use --host 127.0.0.1")
    return ProjectError(f"cannot listen on {host}:{port}: {error}", "choose another --host or --port")
