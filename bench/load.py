"""A raw keep-alive HTTP client for load: N connections, each one request at a time.

Called by the benchmarks, and by hand: `python -m bench.load URL --connections 16 --requests 20000`. It sends the same
bytes again and again and only counts; run it in a process of its own, beside the server it measures. Returns `Report`.
"""

import argparse
import asyncio
import collections
import functools
import sys
import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import httptools


@dataclass(frozen=True, slots=True)
class Request:
    """What every connection sends. `url` is absolute, http only."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def wire(self) -> bytes:
        parts = urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"{self.method} {target} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass(slots=True)
class Report:
    """What a load run saw. Seconds; `statuses` counts answers by HTTP status."""

    elapsed: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.elapsed

    def percentile(self, share: float) -> float:
        """The latency that `share` (0 to 1) of the requests stayed under, in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def __str__(self) -> str:
        return (
            f"{self.rate:,.0f} req/s  p50 {self.percentile(0.5) * 1e3:.2f} ms  p99 {self.percentile(0.99) * 1e3:.2f} ms"
            f"  {dict(sorted(self.statuses.items()))}"
        )


class _Budget:
    """Requests still to be sent, shared by all connections."""

    def __init__(self, requests: int) -> None:
        self.left = requests


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is complete."""

    def __init__(self, wire: bytes, budget: _Budget, report: Report, finished: "asyncio.Future[None]") -> None:
        self._wire = wire
        self._budget = budget
        self._report = report
        self._finished = finished
        self._parser = httptools.HttpResponseParser(self)
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports do not inherit from asyncio's
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._report.latencies.append(time.perf_counter() - self._sent_at)
        self._report.statuses[self._parser.get_status_code()] += 1
        self._parser = httptools.HttpResponseParser(self)
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._finished.done():
            self._finished.set_exception(error or ConnectionResetError("the server closed the connection"))

    def _send(self) -> None:
        if self._budget.left <= 0:
            if not self._finished.done():
                self._finished.set_result(None)
            self._transport.close()
            return
        self._budget.left -= 1
        self._sent_at = time.perf_counter()
        self._transport.write(self._wire)


async def run(request: Request, connections: int, requests: int) -> Report:
    """Send `requests` over `connections` keep-alive connections. Raises OSError when a connection breaks."""
    loop = asyncio.get_running_loop()
    parts = urlsplit(request.url)
    wire, report, budget = request.wire(), Report(), _Budget(requests)
    finished: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
    started = time.perf_counter()
    for future in finished:
        connect = functools.partial(_Connection, wire, budget, report, future)
        await loop.create_connection(connect, parts.hostname or "127.0.0.1", parts.port or 80)
    await asyncio.gather(*finished)
    report.elapsed = time.perf_counter() - started
    return report


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description="bounded keep-alive HTTP load")
    parser.add_argument("url")
    parser.add_argument("--method", default="POST")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE")
    parser.add_argument("--body", default="{}")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--requests", type=int, default=20_000)
    chosen = parser.parse_args(arguments)
    headers = tuple((name, value.strip()) for name, _, value in (text.partition(":") for text in chosen.header))
    request = Request(chosen.method, chosen.url, headers, chosen.body.encode())
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        runner = asyncio.Runner()
    with runner:
        try:
            print(runner.run(run(request, chosen.connections, chosen.requests)))
        except OSError as error:
            sys.exit(f"{chosen.url}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
