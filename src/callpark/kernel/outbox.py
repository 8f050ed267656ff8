"""What one web socket has still to send: bounded, so that a slow reader costs itself and nobody else.

Filled by a connection's driver and by whoever publishes; emptied by the driver's writer. Payloads that many connections
share are kept once: a message may be given in parts, and is joined when it is sent. While the writer has nothing to do,
a message is written at once where the server can (`write_now`): waking a task for each of a thousand subscribers cost
a third of a fan-out.
"""

import asyncio
from collections import deque
from collections.abc import Callable


class Outbox:
    """`put` never waits. When more is unsent than allowed, what is unsent is thrown away, `on_overflow` is called once,
    and nothing more is taken in."""

    __slots__ = (
        "_finished",
        "_items",
        "_maximum_characters",
        "_maximum_messages",
        "_on_overflow",
        "_unsent",
        "_waiter",
        "_write_now",
    )

    def __init__(
        self,
        maximum_messages: int,
        maximum_characters: int,
        on_overflow: Callable[[], None],
        write_now: Callable[[str], bool] | None = None,
    ) -> None:
        self._items: deque[tuple[str, ...]] = deque()
        self._unsent = 0
        self._maximum_messages = maximum_messages
        self._maximum_characters = maximum_characters
        self._on_overflow = on_overflow
        self._write_now = write_now
        self._waiter: asyncio.Future[None] | None = None
        self._finished = False

    def put(self, *parts: str) -> None:
        """Add one message; nothing happens when the outbox is finished."""
        if self._finished:
            return
        items = self._items
        if self._write_now is not None and self._waiter is not None and not items:
            # Somebody waits only when everything before has been sent, so nothing is overtaken.
            message = "".join(parts)
            if len(message) <= self._maximum_characters and self._write_now(message):
                return
        items.append(parts)
        for part in parts:
            self._unsent += len(part)
        if len(items) > self._maximum_messages or self._unsent > self._maximum_characters:
            items.clear()
            self._on_overflow()
            self.finish()
        elif self._waiter is not None:
            self._wake()

    def finish(self) -> None:
        """Take in nothing more."""
        self._finished = True
        self._wake()

    def take(self) -> str | None:
        """The oldest message; None when there is none now."""
        if not self._items:
            return None
        message = "".join(self._items.popleft())
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
