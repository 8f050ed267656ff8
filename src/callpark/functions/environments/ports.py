"""What the rest of the slice asks of execution environments, and what it gets back.

`service.py` and `events/queue.py` call `Environments.run`; `environments/fleet.py` implements it with real processes,
tests with plain functions.
"""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import msgspec

from callpark.functions.model import FunctionConfiguration

InitializationType: TypeAlias = Literal["on-demand", "provisioned-concurrency"]


class Deployment(msgspec.Struct, frozen=True):
    """One version of a function, unpacked and ready to run. Environments of another `revision` are retired. `arn` is
    unqualified; `layers_root` holds the merged layers, what AWS shows as /opt."""

    arn: str
    version: str
    configuration: FunctionConfiguration
    code_root: Path
    revision: str
    layers_root: Path | None = None
    initialization: InitializationType = "on-demand"


class Attempt(msgspec.Struct, frozen=True):
    """One run of a handler. `invoked_arn` carries the qualifier the caller used. A `nested` one may be waited for by a
    function that holds an environment itself; without `log_tail` the outcome has none."""

    request_id: str
    payload: bytes
    invoked_arn: str
    client_context: str | None = None
    trace_header: str | None = None
    nested: bool = False
    log_tail: bool = True


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended. `payload` is the handler's answer, or Lambda's error object when `function_error` is set."""

    payload: bytes
    function_error: str | None = None
    log_tail: bytes = b""
    duration_seconds: float = 0.0


class Chunks(Protocol):
    """Pieces of a response, to iterate over; closing them early is allowed at any time."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def __anext__(self) -> Awaitable[bytes]: ...

    def aclose(self) -> Awaitable[object]: ...


class ResponseStream(msgspec.Struct, frozen=True):
    """A response under way. `chunks` are passed on as the handler writes them, and the handler is slowed down when
    nobody takes them; a handler that does not stream gives its whole answer as one chunk. `ended` completes after the
    last chunk: its payload is empty, or Lambda's error object when the run failed, before the first chunk or between
    two. Whoever stops early closes `chunks` (`aclose`); the run then goes on to its end unheard.
    """

    content_type: str
    chunks: Chunks
    ended: Awaitable[Outcome]


class Saturated(Exception):
    """No environment is free and no other may be started. Never waited out: the caller throttles (429) or backs off,
    so that a function which calls another one cannot dead-lock the pool; nested attempts have room of their own."""


class EnvironmentUnavailable(Exception):
    """callpark could not start or reach an environment, through no fault of the function's."""


class Environments(Protocol):
    def run(self, deployment: Deployment, attempt: Attempt, *, patient: bool = False) -> Awaitable[Outcome]:
        """Run the handler in an idle environment or a new one. A `patient` attempt (an asynchronous event) may wait for
        an environment of its function to become free instead of starting another at once.

        Raises Saturated and EnvironmentUnavailable. Everything the user's code does wrong is an Outcome.
        """
        ...

    async def run_stream(self, deployment: Deployment, attempt: Attempt) -> ResponseStream:
        """As `run`, answering as soon as the response begins, or has failed before that."""
        ...

    async def provision(self, deployment: Deployment, count: int) -> int:
        """Keep `count` environments of a version initialised, whether or not anything runs (0: none any longer).
        Returns how many are, once each has started or failed; fewer than `count` means that the function's init failed
        or that this machine has no room. Called again for every new revision."""
        ...

    def retire(self, arn: str, version: str | None = None) -> None:
        """End the idle environments of a function now and the busy ones after their run: its code has changed. With
        `version`, only that version's; what was provisioned is so no longer."""
        ...

    async def close(self) -> None:
        """End every environment and wait until its process is gone."""
        ...
