"""Receivers that wait for a message: woken one at a time, in the order in which they came.

Called by the service, and by the deliveries when something can be received. Nobody polls.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from callpark.kernel.clock import Clock


class Waiters:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._line: deque[asyncio.Future[None]] = deque()
        self.listeners: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._line)

    async def wait(self, until: float, key: str) -> None:
        """Returns when woken, or at the instant `until`."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(woken)
        timer = self._clock.timer(until, lambda: _set(woken), key)
        try:
            await woken
        except asyncio.CancelledError:
            if woken.done() and not woken.cancelled():
                self.wake()  # this one was called and cannot come: the next
            raise
        finally:
            timer.cancel()
            if woken in self._line:
                self._line.remove(woken)

    def wake(self) -> None:
        """Wake whoever has waited longest; when nobody waits, tell those who listen."""
        while self._line:
            woken = self._line.popleft()
            if not woken.done():
                woken.set_result(None)
                return
        for listener in tuple(self.listeners):
            listener()

    def wake_all(self) -> None:
        while self._line:
            _set(self._line.popleft())


def _set(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)
