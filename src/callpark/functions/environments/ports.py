"""What the rest of the slice asks of execution environments, and what it gets back.

`service.py` and `events/queue.py` call `Environments.run`; `environments/fleet.py` implements it with real processes,
tests with plain functions.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from callpark.functions.model import FunctionConfiguration


@dataclass(frozen=True, slots=True)
class Deployment:
    """One version of a function, unpacked and ready to run. Environments of another `revision` are retired."""

    arn: str
    version: str
    configuration: FunctionConfiguration
    code_root: Path
    revision: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a handler. `invoked_arn` carries the qualifier the caller used."""

    request_id: str
    payload: bytes
    invoked_arn: str
    client_context: str | None = None
    trace_header: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `payload` is the handler's answer, or Lambda's error object when `function_error` is set."""

    payload: bytes
    function_error: str | None = None
    log_tail: bytes = b""
    duration_seconds: float = 0.0


class Saturated(Exception):
    """No environment is free and no other may be started. Never waited out: the caller throttles (429) or backs off,
    so that a function which calls another one cannot dead-lock the pool."""


class EnvironmentUnavailable(Exception):
    """callpark could not start or reach an environment, through no fault of the function's."""


class Environments(Protocol):
    async def run(self, deployment: Deployment, attempt: Attempt, *, patient: bool = False) -> Outcome:
        """Run the handler in an idle environment or a new one. A `patient` attempt (an asynchronous event) may wait for
        an environment of its function to become free instead of starting another at once.

        Raises Saturated and EnvironmentUnavailable. Everything the user's code does wrong is an Outcome.
        """
        ...

    def retire(self, arn: str) -> None:
        """End the idle environments of a function now and the busy ones after their run: its code has changed."""
        ...

    async def close(self) -> None:
        """End every environment and wait until its process is gone."""
        ...
