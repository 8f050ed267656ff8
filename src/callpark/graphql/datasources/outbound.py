"""The HTTP client of data sources: pooled connections, whole answers, no redirects. Built and closed by `app.py`."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from callpark.graphql.datasources.port import HttpFailure, HttpReply, HttpRequest
from callpark.kernel.clock import Clock

if TYPE_CHECKING:
    import httpx

# httpx is imported with the first request: it would be a twentieth of a server's start.
_KINDS = {
    "ConnectTimeout": "ConnectTimeoutException",
    "ConnectError": "ConnectException",
    "RemoteProtocolError": "ProtocolException",
    "InvalidURL": "MalformedURLException",
    "UnsupportedProtocol": "MalformedURLException",
}
"""httpx's classes and Java's names."""


class Outbound:
    """`HttpSender` on httpx. A request holds the clock while it is out; who gives up cancels it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._client: httpx.AsyncClient | None = None

    async def send(self, request: HttpRequest, most_bytes: int) -> HttpReply:
        import httpx

        client = self._opened()
        host = urlsplit(request.url).netloc
        try:
            with self._clock.hold(f"HTTP request to {host}"):
                async with client.stream(
                    request.method, request.url, headers=dict(request.headers), content=request.body
                ) as response:
                    return HttpReply(
                        response.status_code,
                        response.reason_phrase,
                        _headers(response),
                        await _body(response, most_bytes),
                    )
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            kind = _KINDS.get(type(error).__name__, "HttpException")
            raise HttpFailure(kind, f"{request.method} to {host} failed: {error or type(error).__name__}") from error

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def _opened(self) -> "httpx.AsyncClient":
        """Made at the first request: reading the machine's certificates takes a while."""
        if self._client is None:
            import httpx

            # This machine is not reached through a proxy, whatever the environment says of proxies.
            direct = {f"all://{host}": None for host in ("127.0.0.1", "localhost")}
            self._client = httpx.AsyncClient(timeout=None, mounts=direct, headers={"user-agent": "callpark"})
        return self._client


def _headers(response: "httpx.Response") -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


async def _body(response: "httpx.Response", most_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > most_bytes:
            raise HttpFailure("ResponseTooLargeException", f"The answer is larger than {most_bytes} bytes.")
        parts.append(part)
    return b"".join(parts)
