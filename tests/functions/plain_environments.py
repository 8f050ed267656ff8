"""Execution environments made of Python callables: the `Environments` protocol without processes."""

import asyncio
import inspect
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from callpark.functions.environments.ports import Attempt, Deployment, Outcome, ResponseStream
from callpark.kernel.clock import Clock

Handler: TypeAlias = Callable[["Run"], object]


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt as a handler and a test see it."""

    function: str
    event: object
    request_id: str
    at: float
    deployment: Deployment
    attempt: Attempt
    patient: bool


@dataclass(slots=True)
class PlainEnvironments:
    """A handler is a function or coroutine function of a Run; what it raises becomes Lambda's error object, except
    Saturated, EnvironmentUnavailable and bugs marked by RuntimeError."""

    clock: Clock
    handlers: dict[str, Handler] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    provisioned: dict[str, int] = field(default_factory=dict)
    provisionable: int = 1_000

    async def run(self, deployment: Deployment, attempt: Attempt, *, patient: bool = False) -> Outcome:
        name = deployment.configuration.name
        run = Run(name, json.loads(attempt.payload), attempt.request_id, self.clock.now(), deployment, attempt, patient)
        self.runs.append(run)
        try:
            answer = self.handlers[name](run)
            if inspect.isawaitable(answer):
                answer = await answer
        except HandlerError as error:
            failure = {"errorMessage": str(error), "errorType": "HandlerError", "requestId": attempt.request_id}
            return Outcome(json.dumps(failure).encode(), "Unhandled", b"START\n")
        return Outcome(json.dumps(answer).encode(), None, b"START\n")

    async def run_stream(self, deployment: Deployment, attempt: Attempt) -> ResponseStream:
        """As a handler that does not stream: its answer is one chunk."""
        outcome = await self.run(deployment, attempt)

        async def chunks() -> AsyncGenerator[bytes, None]:
            if outcome.function_error is None:
                yield outcome.payload

        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        ended.set_result(msgspec.structs.replace(outcome, payload=b"") if outcome.function_error is None else outcome)
        return ResponseStream("application/json", chunks(), ended)

    async def provision(self, deployment: Deployment, count: int) -> int:
        """As many as the test allows."""
        self.provisioned[deployment.version] = count
        return min(count, self.provisionable)

    def retire(self, arn: str, version: str | None = None) -> None:
        self.retired.append(arn if version is None else f"{arn}:{version}")

    async def close(self) -> None:
        pass

    def times(self, start: float) -> list[float]:
        """When each run began, in seconds since `start`."""
        return [round(run.at - start, 3) for run in self.runs]


class HandlerError(Exception):
    """What the user's code raises."""
