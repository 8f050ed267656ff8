"""`GET /_callpark/metrics`, mounted by the gateway."""

from callpark.kernel.asgi import Receive, Scope, Send, path, respond
from callpark.metrics.exposition import CONTENT_TYPE, exposition
from callpark.metrics.service import Metrics

PATH = "/_callpark/metrics"


class MetricsPage:
    """An ASGI application for one path."""

    def __init__(self, *services: Metrics) -> None:
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
        await respond(send, 200, exposition(*self._services).encode(), headers, method)
