"""A data source that answers in time, or says that it did not. Wrapped around all that reach outside."""

from collections.abc import Mapping

from callpark.graphql.datasources.port import DataSource, Outcome, SourceError
from callpark.kernel.clock import Clock
from callpark.kernel.deadline import Deadline

_BEFORE_THE_END = 0.001
"""A field that waits gives up this much before the request does, and says what it waited for."""


class TimedSource:
    """`seconds` is the most that one call may take; `name` opens the error's type."""

    def __init__(self, source: DataSource, clock: Clock, name: str, seconds: float = float("inf")) -> None:
        self.source = source
        self._clock = clock
        self._name = name
        self._seconds = seconds

    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        seconds = max(0.0, min(self._seconds, deadline - _BEFORE_THE_END - self._clock.now()))
        try:
            async with Deadline(self._clock, seconds, f"data source {self._name}"):
                return await self.source.call(request, deadline)
        except TimeoutError:
            return Outcome(error=SourceError("Execution timed out.", f"{self._name}:ExecutionTimeoutException"))
