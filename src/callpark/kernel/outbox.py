"""What one web socket has still to send: bounded, so that a slow reader costs itself and nobody else.

Filled by a connection's driver and by whoever publishes; emptied by the driver's writer. Payloads that many connections
share are kept once: a message may be given in parts, and is joined when it is sent. While the writer has nothing to do,
a message goes to the wire at once where the server has one (`asgi.wire`): waking a task for each of a thousand
subscribers cost a third of a fan-out. `put` is the whole of that path; each object that it would touch besides is a
cache miss for each subscriber.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from callpark.kernel.asgi import Wire
from callpark.kernel.websocket import text_frame


class Outbox:
    """`put` never waits. When more is unsent than allowed, what is unsent is thrown away, `on_overflow` is called once,
    and nothing more is taken in."""

    __slots__ = (
        "_finished",
        "_items",
        "_maximum_bytes",
        "_maximum_messages",
        "_on_overflow",
        "_unsent",
        "_waiter",
        "_wire",
    )

    def __init__(
        self,
        maximum_messages: int,
        maximum_bytes: int,
        on_overflow: Callable[[], None],
        wire: Wire | None = None,
    ) -> None:
        self._items: deque[tuple[bytes, ...]] = deque()
        self._unsent = 0
        self._maximum_messages = maximum_messages
        self._maximum_bytes = maximum_bytes
        self._on_overflow = on_overflow
        self._wire = wire
        self._waiter: asyncio.Future[None] | None = None
        self._finished = False

    def put(self, *parts: bytes) -> None:
        """Add one message, UTF-8 text; nothing happens when the outbox is finished."""
        wire = self._wire
        # Somebody waits only when everything before has been sent, so nothing is overtaken.
        if self._waiter is not None and wire is not None and not wire.get_write_buffer_size() and not wire.is_closing():
            message = b"".join(parts)
            if len(message) <= self._maximum_bytes:
                wire.write(text_frame(message))
                return
        if self._finished:
            return
        items = self._items
        items.append(parts)
        for part in parts:
            self._unsent += len(part)
        if len(items) > self._maximum_messages or self._unsent > self._maximum_bytes:
            items.clear()
            self._on_overflow()
            self.finish()
        elif self._waiter is not None:
            self._wake()

    def finish(self) -> None:
        """Take in nothing more."""
        self._finished = True
        self._wake()

    def take(self) -> bytes | None:
        """The oldest message; None when there is none now."""
        if not self._items:
            return None
        message = b"".join(self._items.popleft())
        self._unsent -= len(message)
        return message

    async def wait(self) -> bool:
        """Until something is there; False when there is nothing and never will be. One waiter at a time."""
        if not self._items and not self._finished:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return bool(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
