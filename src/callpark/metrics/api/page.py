"""`GET /_callpark/metrics`, mounted by the gateway."""

from callpark.kernel.asgi import Receive, Scope, Send, path
from callpark.metrics.exposition import CONTENT_TYPE, exposition
from callpark.metrics.service import Metrics

PATH = "/_callpark/metrics"


class MetricsPage:
    """An ASGI application for one path."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def matches(self, scope: Scope) -> bool:
        return scope["type"] == "http" and path(scope) == PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            await _answer(send, 405, b"application/json", b'{"message":"metrics are read with GET"}')
            return
        body = exposition(self._metrics).encode()
        await _answer(send, 200, CONTENT_TYPE, b"" if method == "HEAD" else body)


async def _answer(send: Send, status: int, content: bytes, body: bytes) -> None:
    headers = [(b"content-type", content), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
