"""What became of asynchronous events: a bounded memory of results by request id, and those who wait for one.

Filled by `events/queue.py`, read through `service.py` by the command line and tests (rule L15: results of Event runs
are kept; never on the AWS-shaped API). In memory only: after a restart the trace and the destinations are what is
left.
"""

import asyncio
from collections import OrderedDict

import msgspec

from callpark.kernel.clock import Clock
from callpark.kernel.limits import LambdaLimits


class EventResult(msgspec.Struct, frozen=True):
    """How an event ended. `condition` is "Success" or why it was discarded; `payload` is the last run's answer, None
    when it never ran, `request` what it was sent. Instants in epoch seconds."""

    request_id: str
    condition: str
    attempts: int
    ended_at: float
    payload: bytes | None = None
    function_error: str | None = None
    function: str = ""
    qualifier: str | None = None
    accepted_at: float = 0.0
    request: bytes = b""


class EventResults:
    """The last results, bounded in number, size and age."""

    def __init__(self, clock: Clock, limits: LambdaLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._results: OrderedDict[str, EventResult] = OrderedDict()
        self._bytes = 0
        self._waiting: dict[str, asyncio.Future[EventResult]] = {}

    def keep(self, result: EventResult) -> None:
        limits = self._limits
        replaced = self._results.pop(result.request_id, None)
        self._bytes += _size(result) - (_size(replaced) if replaced is not None else 0)
        self._results[result.request_id] = result
        while len(self._results) > limits.kept_results or self._bytes > limits.kept_result_bytes:
            self._forget_oldest()
        if self._waiting and (waiter := self._waiting.pop(result.request_id, None)) is not None and not waiter.done():
            waiter.set_result(result)

    def get(self, request_id: str) -> EventResult | None:
        oldest_kept = self._clock.now() - self._limits.result_retention_seconds
        while self._results and next(iter(self._results.values())).ended_at < oldest_kept:
            self._forget_oldest()
        return self._results.get(request_id)

    async def wait(self, request_id: str) -> EventResult:
        """The result as soon as there is one."""
        result = self.get(request_id)
        if result is not None:
            return result
        waiter = self._waiting.get(request_id)
        if waiter is None or waiter.done():
            waiter = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(waiter)

    def all(self) -> list[EventResult]:
        """What is remembered, oldest first."""
        oldest_kept = self._clock.now() - self._limits.result_retention_seconds
        return [result for result in self._results.values() if result.ended_at >= oldest_kept]

    def close(self) -> None:
        """Nobody waits any longer."""
        for waiter in self._waiting.values():
            waiter.cancel()
        self._waiting.clear()

    def _forget_oldest(self) -> None:
        _, forgotten = self._results.popitem(last=False)
        self._bytes -= _size(forgotten)


def _size(result: EventResult) -> int:
    return len(result.request) + (0 if result.payload is None else len(result.payload))
