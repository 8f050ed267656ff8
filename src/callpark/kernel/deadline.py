"""A limit on how long a piece of work may take, on the kernel clock."""

import asyncio
from types import TracebackType

from callpark.kernel.clock import Clock


class Deadline:
    """`async with Deadline(clock, 30):` raises TimeoutError when the block is not done in time; the block sees a
    cancellation first."""

    def __init__(self, clock: Clock, seconds: float, key: str = "") -> None:
        self._clock = clock
        self._seconds = seconds
        self._key = key
        self._expired = False

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._timer = self._clock.timer(self._clock.now() + self._seconds, self._expire, self._key)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
