"""HTTP to upstreams: pooled connections, and failures told as refusals that name the upstream.

Used by `calls.py` and `passing.py`. Requests leave as they are given, path and headers byte for byte. Loopback
addresses are reached directly; others through the proxy that the environment names.
"""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import msgspec

from callpark.kernel.limits import UpstreamLimits
from callpark.upstreams import refusals

if TYPE_CHECKING:
    import httpx  # loaded at first need: many servers never ask an upstream, and all have to start quickly

Headers = Sequence[tuple[bytes, bytes]]


class Request(msgspec.Struct, frozen=True):
    """To `address` (URL without a path) with the request target `target`, percent-encoded as it is sent."""

    service: str
    address: str
    method: str
    target: bytes
    headers: Headers
    body: bytes | AsyncIterator[bytes]


class Connections:
    """Two pools, made at first need; so is TLS, which takes its time."""

    def __init__(self, limits: UpstreamLimits) -> None:
        self._limits = limits
        self._near: httpx.AsyncHTTPTransport | None = None
        self._far: httpx.AsyncClient | None = None

    @contextlib.asynccontextmanager
    async def answering(self, request: Request) -> AsyncIterator[httpx.Response]:
        """The upstream's answer, its body unread. Raises CallerError: unreachable, broken, too slow, no room; also
        while the body is read inside."""
        import httpx

        limits = self._limits
        try:
            response = await self._send(request)
            try:
                yield response
            finally:
                await response.aclose()
        except httpx.PoolTimeout:
            raise refusals.busy(request.service, limits.connections) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise refusals.unreachable(request.service, request.address, _reason(error)) from None
        except httpx.TimeoutException:
            raise refusals.too_slow(request.service, request.address, limits.silence_seconds) from None
        except httpx.HTTPError as error:
            raise refusals.broken(request.service, request.address, _reason(error)) from None

    async def whole(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body, decompressed, of at most `upstream.answer_bytes`. Raises CallerError."""
        async with self.answering(request) as response:
            parts, size = [], 0
            async for part in response.aiter_bytes():
                size += len(part)
                if size > self._limits.answer_bytes:
                    text = f"more than {self._limits.answer_bytes} bytes (upstream.answer_bytes)"
                    raise refusals.broken(request.service, request.address, text)
                parts.append(part)
            return response.status_code, response.headers, b"".join(parts)

    async def aclose(self) -> None:
        near, far, self._near, self._far = self._near, self._far, None, None
        if near is not None:
            await near.aclose()
        if far is not None:
            await far.aclose()

    async def _send(self, request: Request) -> httpx.Response:
        import httpx

        _remember_absence("sniffio")

        limits = self._limits
        timeouts = httpx.Timeout(limits.silence_seconds, connect=limits.connect_seconds, pool=limits.connect_seconds)
        made = httpx.Request(
            request.method,
            request.address,
            headers=list(request.headers),
            content=request.body,
            extensions={"target": request.target, "timeout": timeouts.as_dict()},
        )
        if not _is_near(request.address):
            return await self._outer().send(made, stream=True)
        response = await self._inner().handle_async_request(made)
        response.request = made
        return response

    def _inner(self) -> httpx.AsyncHTTPTransport:
        import httpx

        if self._near is None:
            self._near = httpx.AsyncHTTPTransport(verify=False, limits=self._bounds(), trust_env=False)
        return self._near

    def _outer(self) -> httpx.AsyncClient:
        import httpx

        if self._far is None:
            self._far = httpx.AsyncClient(limits=self._bounds(), follow_redirects=False)
        return self._far

    def _bounds(self) -> httpx.Limits:
        import httpx

        most = self._limits.connections
        return httpx.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=30.0)


@lru_cache
def _remember_absence(module: str) -> None:
    """httpcore tries to import sniffio several times in each request; where it is not installed, each of them searches
    the disk, which is a third of what a request costs. None in `sys.modules` says so at once."""
    if importlib.util.find_spec(module) is None:
        cast("dict[str, object]", sys.modules).setdefault(module, None)


def _is_near(address: str) -> bool:
    """Whether neither TLS nor a proxy is on the way."""
    url = urlsplit(address)
    host = url.hostname or ""
    if url.scheme != "http":
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
