"""`GET /_callpark/metrics`, mounted by the gateway."""

from collections.abc import Awaitable, Callable

from callpark.kernel.asgi import Receive, Scope, Send, path, respond
from callpark.metrics.exposition import CONTENT_TYPE, backlog, exposition
from callpark.metrics.service import Metrics

PATH = "/_callpark/metrics"


class MetricsPage:
    """An ASGI application for one path."""

    def __init__(self, events_due: Callable[[], Awaitable[int]], *services: Metrics) -> None:
        self._events_due = events_due
        self._services = services

    def matches(self, scope: Scope) -> bool:
        return scope["type"] == "http" and path(scope) == PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            await respond(
                send, 405, b'{"message":"metrics are read with GET"}', ((b"content-type", b"application/json"),)
            )
            return
        headers = (b"content-type", CONTENT_TYPE), (b"cache-control", b"no-store")
        text = backlog(await self._events_due()) + exposition(*self._services)
        await respond(send, 200, text.encode(), headers, method)
