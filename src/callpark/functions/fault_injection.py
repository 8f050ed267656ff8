"""Environments that fail when they are told to. `app.py` puts them around the real ones; without a plan they cost one
look at an empty tuple.

What a fault does is in `faults.py`, the plan of several nodes in `shared_faults.py`. Every injected fault is a line in
the trace.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import orjson

from callpark.functions.environments import failures
from callpark.functions.environments.ports import (
    Attempt,
    Deployment,
    Environments,
    Outcome,
    ResponseStream,
    Saturated,
)
from callpark.functions.environments.streams import Feed
from callpark.functions.faults import Fault, FaultPlan
from callpark.kernel.clock import Clock, sleep
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.trace import Trace


@dataclass(frozen=True, slots=True)
class FaultInjected:
    """A delivery went wrong because somebody asked for it."""

    function: str
    request_id: str
    kind: str

    @property
    def subject(self) -> str:
        return self.request_id


class Faults(Protocol):
    """What is still to go wrong."""

    @property
    def plan(self) -> FaultPlan:
        """As it was known last: whether there is any."""
        ...

    async def current(self) -> FaultPlan:
        """As it is. Raises StoreFailure."""
        ...

    async def take(self, function: str) -> Fault | None:
        """What happens to this delivery; it is not in the plan any more."""
        ...

    async def change(self, change: Callable[[FaultPlan], FaultPlan]) -> FaultPlan:
        """The plan afterwards. Raises StoreFailure."""
        ...


class Plan:
    """Implements `Faults` for one node, in memory."""

    def __init__(self) -> None:
        self.plan = FaultPlan()

    async def current(self) -> FaultPlan:
        return self.plan

    async def take(self, function: str) -> Fault | None:
        fault, self.plan = self.plan.taken(function)
        return fault

    async def change(self, change: Callable[[FaultPlan], FaultPlan]) -> FaultPlan:
        self.plan = change(self.plan)
        return self.plan


class FaultyEnvironments:
    """An `Environments` over another."""

    def __init__(
        self,
        environments: Environments,
        clock: Clock,
        trace: Trace,
        limits: LambdaLimits,
        faults: Faults | None = None,
    ) -> None:
        self.faults: Faults = faults or Plan()
        self._environments = environments
        self._clock = clock
        self._trace = trace
        self._limits = limits

    def run(self, deployment: Deployment, attempt: Attempt, *, patient: bool = False) -> Awaitable[Outcome]:
        if not self.faults.plan.faults:
            return self._environments.run(deployment, attempt, patient=patient)
        return self._run_with_faults(deployment, attempt, patient)

    async def _run_with_faults(self, deployment: Deployment, attempt: Attempt, patient: bool) -> Outcome:
        fault = await self._take(deployment, attempt)
        if fault is not None:
            instead = await self._instead(fault, attempt)
            if instead is not None:
                return instead
            if fault.kind == "duplicate":
                await self._environments.run(deployment, attempt, patient=patient)
        return await self._environments.run(deployment, attempt, patient=patient)

    async def run_stream(self, deployment: Deployment, attempt: Attempt) -> ResponseStream:
        fault = await self._take(deployment, attempt)
        if fault is not None:
            instead = await self._instead(fault, attempt)
            if instead is not None:
                return self._failed_stream(instead)
            if fault.kind == "duplicate":
                await self._environments.run(deployment, attempt)
        return await self._environments.run_stream(deployment, attempt)

    async def provision(self, deployment: Deployment, count: int) -> int:
        return await self._environments.provision(deployment, count)

    def retire(self, arn: str, version: str | None = None) -> None:
        self._environments.retire(arn, version)

    async def close(self) -> None:
        await self._environments.close()

    async def _take(self, deployment: Deployment, attempt: Attempt) -> Fault | None:
        fault = await self.faults.take(deployment.configuration.name)
        if fault is not None:
            self._trace.emit(FaultInjected(fault.function, attempt.request_id, fault.kind))
        return fault

    async def _instead(self, fault: Fault, attempt: Attempt) -> Outcome | None:
        """What comes instead of a run; None when there is one. Raises Saturated."""
        if fault.kind == "throttle":
            raise Saturated(f"a throttle of {fault.function} was asked for")
        if fault.kind == "fail":
            error = {"errorMessage": fault.message, "errorType": fault.error_type, "requestId": attempt.request_id}
            return Outcome(orjson.dumps({**error, "stackTrace": []}), "Unhandled")
        if fault.kind == "crash":
            text = failures.exit_text(1)
            return Outcome(failures.platform_error(failures.EXIT, attempt.request_id, text), "Unhandled")
        if fault.kind == "delay":
            await sleep(self._clock, fault.seconds, f"fault {attempt.request_id}")
        return None

    def _failed_stream(self, outcome: Outcome) -> ResponseStream:
        feed = Feed(self._limits)
        feed.finish()
        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        ended.set_result(outcome)
        return ResponseStream("application/json", feed.chunks(), ended)
