"""AWS Lambda: the slice's face. Built by `app.py`; called by `api/`, and through small protocols by flows and graphql.

An invocation takes a slot, runs in an environment and answers; an event is committed and acknowledged, and its
function's queue runs it later. What creates and changes functions is in `administration.py`.

Order of use: `start`, then `apply` once, also without a project (`apply(())`), then everything else. Events of
functions that nobody has brought by then are discarded, visibly.
"""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from callpark.functions import payloads, refusals
from callpark.functions.administration import Administration
from callpark.functions.catalogue import Catalogue
from callpark.functions.code.packages import Packages
from callpark.functions.concurrency import Slots
from callpark.functions.environments.ports import (
    Attempt,
    Deployment,
    Environments,
    EnvironmentUnavailable,
    Outcome,
    Saturated,
)
from callpark.functions.events.dispatcher import EventDispatcher
from callpark.functions.events.happenings import EventAccepted
from callpark.functions.events.policy import event_rules
from callpark.functions.events.results import EventResult
from callpark.functions.events.state import EventState, function_of
from callpark.functions.events.world import EventSubject
from callpark.functions.model import Function, FunctionDefinition, Invocation, InvocationResult
from callpark.functions.names import LATEST
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace
from callpark.store.ports import Store, StoreFailure

_log = logging.getLogger("callpark")


class Functions:
    """`directory` is the data directory; unpacked packages live in its folder `code`."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        trace: Trace,
        limits: Limits,
        place: Place,
        store: Store,
        environments: Environments,
        directory: Path,
    ) -> None:
        self.limits = limits.lambda_
        self.place = place
        self._ids = ids
        self._trace = trace
        self._store = store
        self._environments = environments
        self._catalogue = Catalogue(store, place)
        self._packages = Packages(directory / "code", store, clock, self.limits)
        self._slots = Slots(self.limits.account_concurrency)
        self._events = EventDispatcher(
            clock=clock, trace=trace, limits=self.limits, store=store, slots=self._slots, functions=self
        )
        self._deployments: dict[str, Deployment] = {}
        self._subjects: dict[tuple[str, str | None], EventSubject] = {}
        self._orphans: set[str] = set()
        self.administration = Administration(
            catalogue=self._catalogue,
            packages=self._packages,
            clock=clock,
            ids=ids,
            limits=self.limits,
            place=place,
            now_current=self._now_current,
        )

    async def start(self) -> None:
        """Load what is kept and go on with its events."""
        await self._catalogue.load()
        await self._packages.sweep(self._catalogue.digests())
        self._slots.reserve(self._catalogue.reservations())
        for function in self._catalogue:
            self._events.open(function.configuration.name)

    async def apply(self, definitions: Sequence[FunctionDefinition]) -> list[str]:
        """Bring a project's functions: new, changed, unchanged; those it no longer has are removed, functions made
        through the API stay. All or nothing. Returns warnings. Raises ProjectError."""
        warnings = await self.administration.declare(definitions)
        return warnings + await self._discard_orphans()

    async def close(self) -> None:
        """Stop running events. The environments belong to whoever made them."""
        await self._events.close()

    # Invoking

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """Run a function and wait for its answer. Raises CallerError; a failing function is an answer."""
        name, qualifier = self._target(invocation)
        attempt = Attempt(
            request_id=invocation.request_id or self._ids.uuid(),
            payload=payloads.request_payload(invocation.payload, self.limits),
            invoked_arn=self._invoked_arn(name, qualifier),
            client_context=invocation.client_context,
            trace_header=invocation.trace_header,
        )
        outcome = await self._run_now(name, attempt)
        return InvocationResult(
            request_id=attempt.request_id,
            payload=outcome.payload,
            executed_version=LATEST,
            function_error=outcome.function_error,
            log_tail=outcome.log_tail if invocation.log_tail else b"",
        )

    async def invoke_event(self, invocation: Invocation) -> str:
        """Accept an event; returns its request id once it is durable. Raises CallerError."""
        name, qualifier = self._target(invocation)
        payload = payloads.event_payload(invocation.payload, self.limits)
        request_id = invocation.request_id or self._ids.uuid()
        try:
            await self._events.accept(name, request_id, payload, qualifier, invocation.trace_header)
        except StoreFailure as failure:
            raise refusals.service_exception(f"The event could not be stored: {failure}") from failure
        self._trace.emit(EventAccepted(request_id, name, len(payload)))
        return request_id

    def dry_run(self, invocation: Invocation) -> None:
        """Whether an invocation would be accepted. Raises CallerError."""
        self._target(invocation)
        payloads.request_payload(invocation.payload, self.limits)

    def event_result(self, request_id: str) -> EventResult | None:
        """How an event ended, while that is remembered (in memory only)."""
        return self._events.results.get(request_id)

    async def wait_for_event(self, request_id: str) -> EventResult:
        """The end of an event, as soon as it comes."""
        return await self._events.results.wait(request_id)

    # Reading

    def arn(self, name: str) -> str:
        """The unqualified ARN of a function of this place, whether or not it exists."""
        return self._catalogue.arn(name)

    def knows(self, arn: str) -> bool:
        """Whether a name or ARN, with or without qualifier, can be invoked."""
        try:
            self._catalogue.find_invoked(arn)
        except CallerError:
            return False
        return True

    def functions(self) -> Sequence[Function]:
        """All functions, by name."""
        return tuple(self._catalogue)

    def function(self, function: str, qualifier: str | None = None) -> Function:
        """Raises CallerError."""
        return self._catalogue.find(function, qualifier)[0]

    def reserved_concurrency(self) -> int:
        """What all reservations together take from the account."""
        return sum(self._catalogue.reservations().values())

    # What the event queues ask (events/world.py)

    def subject(self, function: str, qualifier: str | None) -> EventSubject | None:
        """A function as its events see it now; None when it or the qualifier is gone."""
        subject = self._subjects.get((function, qualifier))
        if subject is None and qualifier in (None, LATEST) and (found := self._catalogue.get(function)) is not None:
            subject = self._subjects[function, qualifier] = self._describe(found, qualifier or LATEST)
        return subject

    def function_named(self, arn: str) -> tuple[str, str | None]:
        """Name and qualifier of what a name or ARN invokes. Raises CallerError."""
        return self._catalogue.find_invoked(arn)

    async def run_event(self, function: str, request_id: str, payload: bytes, state: EventState) -> Outcome:
        """Run an event with the code that is current now. Raises Saturated, EnvironmentUnavailable, ProjectError."""
        attempt = Attempt(
            request_id=request_id,
            payload=payload,
            invoked_arn=self._invoked_arn(function, state.qualifier),
            trace_header=state.trace_header,
        )
        deployment = self._deployments.get(function) or await self._deploy(function)
        return await self._environments.run(deployment, attempt, patient=True)

    # Inside

    def _target(self, invocation: Invocation) -> tuple[str, str | None]:
        if invocation.qualifier is None and invocation.function in self._catalogue:
            return invocation.function, None
        return self._catalogue.find_invoked(invocation.function, invocation.qualifier)

    def _invoked_arn(self, name: str, qualifier: str | None) -> str:
        arn = self._catalogue.arn(name)
        return arn if qualifier is None else f"{arn}:{qualifier}"

    async def _run_now(self, name: str, attempt: Attempt) -> Outcome:
        if (reason := self._slots.take(name)) is not None:
            raise refusals.too_many_requests(reason, self.limits.throttle_base_seconds)
        try:
            deployment = self._deployments.get(name) or await self._deploy(name)
            return await self._environments.run(deployment, attempt)
        except Saturated:
            raise refusals.too_many_requests(
                "ConcurrentInvocationLimitExceeded", self.limits.throttle_base_seconds
            ) from None
        except (EnvironmentUnavailable, ProjectError) as error:
            raise refusals.service_exception(str(error)) from error
        finally:
            self._slots.give_back(name)
            self._events.capacity_freed(name)

    async def _deploy(self, name: str) -> Deployment:
        function = self._catalogue.get(name)
        if function is None:
            raise EnvironmentUnavailable(f"function {name} was deleted meanwhile")
        deployment = Deployment(
            arn=self._catalogue.arn(name),
            version=LATEST,
            configuration=function.configuration,
            code_root=await self._packages.root_of(function.code),
            revision=_revision(function),
        )
        if self._catalogue.get(name) is function:
            self._deployments[name] = deployment
        return deployment

    def _describe(self, function: Function, qualifier: str) -> EventSubject:
        dated = function.event_invoke_configs.get(qualifier)
        config = dated.config if dated is not None else None
        return EventSubject(
            arn=f"{self._catalogue.arn(function.configuration.name)}:{qualifier}",
            rules=event_rules(config, function.reserved_concurrency, self.limits),
            on_success=config.on_success if config is not None else None,
            on_failure=config.on_failure if config is not None else None,
            dead_letter_target=function.configuration.dead_letter_target,
        )

    def _now_current(self, changed: Sequence[str]) -> None:
        """Functions have changed, come or gone: forget what was derived from them, and let waiting events try again."""
        self._orphans.difference_update(changed)
        for name in changed:
            self._subjects.pop((name, None), None)
            self._subjects.pop((name, LATEST), None)
            previous, function = self._deployments.pop(name, None), self._catalogue.get(name)
            if previous is not None and (function is None or _revision(function) != previous.revision):
                self._environments.retire(previous.arn)
            self._events.open(name)
        if changed:
            self._slots.reserve(self._catalogue.reservations())
            self._events.unblock_all()

    async def _discard_orphans(self) -> list[str]:
        """Open the queues whose functions are gone, which discards their events; returns one warning each."""
        warnings = []
        for queue in await self._store.queues():
            name = function_of(queue)
            if name is not None and name not in self._catalogue and name not in self._orphans:
                self._orphans.add(name)
                count = await self._store.count(queue)
                warnings.append(f"function {name} does not exist any more: its {count} waiting events are discarded")
                self._events.open(name)
        return warnings


def _revision(function: Function) -> str:
    """Changes whenever the code or the configuration does."""
    digest = hashlib.sha256(msgspec.json.encode(function.configuration))
    digest.update(function.identity.sha256.encode())
    return digest.hexdigest()[:32]
