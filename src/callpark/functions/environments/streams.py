"""Where a streamed response goes while the runtime writes it: on to whoever reads it, or into one buffered answer.

`runtime_http.py` writes, `environment.py` chooses the sink, `fleet.run_stream` hands the reading end out as a
`ports.ResponseStream`.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html: the first 6 MB go as fast as they
come, then 2 MB a second. A reader that does not read holds the handler back: its connection is not read any further.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from callpark.kernel.limits import LambdaLimits

#: What may lie between the handler and a reader.
_UNREAD_BYTES = 262_144


class Sink(Protocol):
    """Takes a response piece by piece."""

    def write(self, chunk: bytes) -> bool:
        """False when the connection should not be read until `resume` is called."""
        ...

    @property
    def too_large(self) -> bool: ...

    @property
    def payload(self) -> bytes:
        """What is still to be given to the caller at the end."""
        ...


class Collected:
    """A streamed response that a buffered invocation asked for: one payload in the end."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def too_large(self) -> bool:
        return self._size > self._limit

    @property
    def payload(self) -> bytes:
        return b"".join(self._parts)

    def write(self, chunk: bytes) -> bool:
        self._size += len(chunk)
        if self.too_large:
            self._parts.clear()
        else:
            self._parts.append(chunk)
        return True


class FeedReader:
    """The reading end of a `Feed`, as an asynchronous iterator that can be closed before it has begun."""

    def __init__(self, feed: "Feed") -> None:
        self._feed = feed

    def __aiter__(self) -> "FeedReader":
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._feed.take()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        self._feed.abandon()


class Feed:
    """One stream from a handler to its reader. `opened` completes with the content type when the response begins."""

    def __init__(self, limits: LambdaLimits) -> None:
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self.opened: asyncio.Future[str] = self._loop.create_future()
        self._chunks: deque[bytes] = deque()
        self._unread = 0
        self._passed = 0
        self._finished = False
        self._unheard = False
        self._wanted: asyncio.Future[None] | None = None
        self._resume: Callable[[], None] | None = None
        self._pace: asyncio.TimerHandle | None = None
        self._paced_since = 0.0

    # The writing end.

    def open(self, content_type: str, resume: Callable[[], None] | None = None) -> None:
        """The response begins. `resume` is called whenever `write` said False and there is room again."""
        self._resume = resume
        if not self.opened.done():
            self.opened.set_result(content_type)

    @property
    def too_large(self) -> bool:
        return self._passed > self._limits.stream_bytes

    @property
    def payload(self) -> bytes:
        return b""

    def write(self, chunk: bytes) -> bool:
        self._passed += len(chunk)
        if self._unheard or self.too_large:
            return True
        self._chunks.append(chunk)
        self._unread += len(chunk)
        self._wake()
        wait = self._pace_seconds()
        if wait > 0.0:
            if self._pace is None:
                self._pace = self._loop.call_later(wait, self._paced)
            return False
        return self._unread < _UNREAD_BYTES

    def finish(self) -> None:
        """No more comes; the outcome says how it went. Also for a run that never began a response."""
        self._finished = True
        if self._pace is not None:
            self._pace.cancel()
        self._resume = None
        if not self.opened.done():
            self.opened.set_result("application/json")
        self._wake()

    # The reading end.

    def chunks(self) -> "FeedReader":
        return FeedReader(self)

    async def take(self) -> bytes | None:
        """The next piece, None at the end. One reader."""
        while not self._chunks:
            if self._finished or self._unheard:
                return None
            self._wanted = self._loop.create_future()
            await self._wanted
        chunk = self._chunks.popleft()
        self._unread -= len(chunk)
        self._take_up()
        return chunk

    def abandon(self) -> None:
        """Nobody reads any more: what still comes is dropped, and the handler is not held back."""
        self._unheard = True
        self._chunks.clear()
        self._unread = 0
        self._wake()
        self._take_up()

    def _wake(self) -> None:
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    def _take_up(self) -> None:
        if self._resume is not None and self._pace is None and self._unread < _UNREAD_BYTES:
            self._resume()

    # The pace.

    def _pace_seconds(self) -> float:
        """How long the next piece has to wait so that the stream keeps its bandwidth."""
        beyond = self._passed - self._limits.stream_burst_bytes
        if beyond <= 0 or self._limits.stream_bytes_per_second <= 0:
            return 0.0
        now = time.perf_counter()
        if self._paced_since == 0.0:
            self._paced_since = now
        return self._paced_since + beyond / self._limits.stream_bytes_per_second - now

    def _paced(self) -> None:
        self._pace = None
        self._take_up()
