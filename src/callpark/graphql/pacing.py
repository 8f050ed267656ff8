"""Resolvers of many fields take turns with everybody else: no request keeps the event loop for long.

One for all APIs, made by `service.py`; asked by `resolvers/run.py` before each evaluation.
"""

import asyncio
import time
from collections import deque


class Pacer:
    """`seconds` is how long evaluations may go on within one turn of the event loop. Beyond that they queue, and go on
    one in each turn."""

    __slots__ = ("_began", "_seconds", "_waiting")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began: float | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    def crowded(self) -> bool:
        """Whether this turn has had its share: then one waits for `turn()`."""
        if self._waiting:
            return True
        if self._began is None:
            self._began = time.perf_counter()
            asyncio.get_running_loop().call_soon(self._next)
            return False
        return time.perf_counter() - self._began > self._seconds

    async def turn(self) -> None:
        """Wait until it is one's turn."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        if len(self._waiting) == 1:
            loop.call_soon(self._wake)
        try:
            await mine
        finally:
            if self._waiting:
                loop.call_soon(self._wake)

    def _next(self) -> None:
        self._began = None

    def _wake(self) -> None:
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(None)
                return
