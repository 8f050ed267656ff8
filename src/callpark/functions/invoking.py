"""Taking invocations: to be run and waited for, or to be run later. Used by `service.py` only.

`accept` is the hot path of acknowledgements: one commit and no task.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TypeVar

from callpark.functions import payloads, refusals
from callpark.functions.catalogue import Catalogue
from callpark.functions.environments.ports import Attempt, ResponseStream
from callpark.functions.events.dispatcher import EventDispatcher
from callpark.functions.events.happenings import EventAccepted, InvocationInCircles, InvocationThrottled
from callpark.functions.model import Invocation, InvocationResult
from callpark.functions.running import Runner
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.trace import Trace
from callpark.store.ports import StoreFailure

T = TypeVar("T")


class Invoker:
    def __init__(
        self,
        *,
        catalogue: Catalogue,
        runner: Runner,
        events: EventDispatcher,
        trace: Trace,
        ids: Ids,
        limits: LambdaLimits,
    ) -> None:
        self._catalogue = catalogue
        self._runner = runner
        self._events = events
        self._trace = trace
        self._ids = ids
        self._limits = limits

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """Run a function and wait for its answer. Raises CallerError; a failing function is an answer."""
        name, version, attempt = self._begin(invocation)
        with self._telling_refusals(name, attempt):
            outcome = await self._runner.run_now(name, version, attempt)
        return InvocationResult(
            request_id=attempt.request_id,
            payload=outcome.payload,
            executed_version=version,
            function_error=outcome.function_error,
            log_tail=outcome.log_tail if invocation.log_tail else b"",
        )

    async def stream(self, invocation: Invocation) -> tuple[str, ResponseStream]:
        """Run a function and pass its answer on as it is made; with the version that runs. Raises CallerError."""
        name, version, attempt = self._begin(invocation)
        with self._telling_refusals(name, attempt):
            return version, await self._runner.stream_now(name, version, attempt)

    async def invoke_event(self, invocation: Invocation) -> str:
        """Accept an event; returns its request id once it is durable. Raises CallerError."""
        request_id = invocation.request_id or self._ids.uuid()
        return await self._accept(invocation, request_id, request_id)

    def accept(self, invocation: Invocation, receipt: T) -> "asyncio.Future[T]":
        """`invoke_event` without a task: a future of `receipt`, done once the event is durable. Raises CallerError,
        now or as the future's exception."""
        return self._accept(invocation, invocation.request_id or self._ids.uuid(), receipt)

    def dry_run(self, invocation: Invocation) -> None:
        """Whether an invocation would be accepted. Raises CallerError."""
        self._target(invocation)
        payloads.request_payload(invocation.payload, self._limits)

    @contextlib.contextmanager
    def _telling_refusals(self, name: str, attempt: Attempt) -> Iterator[None]:
        try:
            yield
        except CallerError as refusal:
            if refusal.code == "TooManyRequestsException":
                reason = str(refusal.body.get("Reason", ""))
                self._trace.emit(InvocationThrottled(attempt.request_id, name, reason, self._resource(name, attempt)))
            elif refusal.code == "RecursiveInvocationException":
                self._trace.emit(InvocationInCircles(attempt.request_id, name, self._resource(name, attempt)))
            raise

    def _resource(self, name: str, attempt: Attempt) -> str:
        qualifier = attempt.invoked_arn.removeprefix(self._catalogue.arn(name))
        return f"{name}{qualifier}" if qualifier else ""

    def _target(self, invocation: Invocation) -> tuple[str, str | None]:
        if invocation.qualifier is None and invocation.function in self._catalogue:
            return invocation.function, None
        return self._catalogue.find_invoked(invocation.function, invocation.qualifier)

    def _begin(self, invocation: Invocation) -> tuple[str, str, Attempt]:
        """Function name and version of a synchronous invocation, and its attempt. Raises CallerError."""
        name, qualifier = self._target(invocation)
        version = self._runner.version_for(name, qualifier)
        arn = self._runner.invoked_arn(name, qualifier)
        if version is None:
            raise refusals.function_not_found(arn)
        attempt = Attempt(
            request_id=invocation.request_id or self._ids.uuid(),
            payload=payloads.request_payload(invocation.payload, self._limits),
            invoked_arn=arn,
            client_context=invocation.client_context,
            trace_header=invocation.trace_header,
            nested=invocation.nested,
            log_tail=invocation.log_tail,
        )
        return name, version, attempt

    def _accept(self, invocation: Invocation, request_id: str, receipt: T) -> "asyncio.Future[T]":
        name, qualifier = self._target(invocation)
        payload = payloads.event_payload(invocation.payload, self._limits)
        accepted: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def stored(commit: "asyncio.Future[None]") -> None:
            if accepted.done():  # the caller has gone
                return
            failure = commit.exception()
            if failure is None:
                resource = "" if qualifier is None else f"{name}:{qualifier}"
                self._trace.emit(EventAccepted(request_id, name, len(payload), resource))
                accepted.set_result(receipt)
            elif isinstance(failure, StoreFailure):
                refusal = refusals.not_stored(str(failure))
                refusal.__cause__ = failure
                accepted.set_exception(refusal)
            else:
                accepted.set_exception(failure)

        self._events.accept(name, request_id, payload, qualifier, invocation.trace_header).add_done_callback(stored)
        return accepted
