"""What one connection has still to send: bounded, so that a slow reader costs itself and nobody else.

Filled by the connection's driver and by the hub; emptied by the driver's writer. Payloads that many connections share
are kept once: a message may be given in parts, and is joined when it is sent.
"""

import asyncio
from collections import deque


class Outbox:
    """`put` never waits. When more is unsent than allowed, `overflowed` is set and everything is thrown away: the
    connection cannot be saved by then."""

    __slots__ = ("_items", "_maximum_characters", "_maximum_messages", "_unsent", "_waiter", "overflowed")

    def __init__(self, maximum_messages: int, maximum_characters: int) -> None:
        self._items: deque[tuple[str, ...]] = deque()
        self._unsent = 0
        self._maximum_messages = maximum_messages
        self._maximum_characters = maximum_characters
        self._waiter: asyncio.Future[None] | None = None
        self.overflowed = False

    def put(self, *parts: str) -> None:
        """Add one message."""
        if self.overflowed:
            return
        self._items.append(parts)
        self._unsent += sum(map(len, parts))
        if len(self._items) > self._maximum_messages or self._unsent > self._maximum_characters:
            self.overflowed = True
            self._items.clear()
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def take(self) -> str | None:
        """The oldest message; None when there is none now."""
        if not self._items:
            return None
        message = "".join(self._items.popleft())
        self._unsent -= len(message)
        return message

    async def wait(self) -> None:
        """Until something is there, or the outbox has overflowed. One waiter at a time."""
        if self._items or self.overflowed:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def __len__(self) -> int:
        return len(self._items)
