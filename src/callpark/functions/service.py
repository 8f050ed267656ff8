"""AWS Lambda: the slice's face. Built by `app.py`; called by `api/`, and through small protocols by flows and graphql.

An invocation takes a slot, runs in an environment and answers; an event is committed and acknowledged, and its
function's queue runs it later. What creates and changes functions is in `administration.py`.

Order of use: `start`, then `apply` once, also without a project (`apply(())`), then everything else. Events of
functions that nobody has brought by then are discarded, visibly.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypeVar

from callpark.functions import versions
from callpark.functions.administration import Administration
from callpark.functions.catalogue import DECLARED, Catalogue
from callpark.functions.code.packages import Packages
from callpark.functions.code.uploads import Uploads
from callpark.functions.concurrency import Slots
from callpark.functions.custody import Alone, Custody, has_own_share
from callpark.functions.environments.ports import Environments, ResponseStream
from callpark.functions.event_subjects import EventSubjects
from callpark.functions.events.administration import EventAdministration
from callpark.functions.events.dispatcher import EventDispatcher
from callpark.functions.events.everywhere import EventsEverywhere
from callpark.functions.events.messages import MessageQueues, NoQueues
from callpark.functions.events.results import EventResult
from callpark.functions.events.state import function_of
from callpark.functions.invoking import Invoker
from callpark.functions.layers import Layers
from callpark.functions.model import (
    Function,
    FunctionDefinition,
    Invocation,
    InvocationResult,
    LayerDefinition,
    Version,
)
from callpark.functions.policies import Policies
from callpark.functions.provisioning import Provisioning
from callpark.functions.publishing import Publishing
from callpark.functions.registrar import Registrar
from callpark.functions.running import Runner
from callpark.functions.sources.catalogue import DECLARED as DECLARED_SOURCES
from callpark.functions.sources.model import SourceDefinition
from callpark.functions.sources.ports import MessageSource, NoSource
from callpark.functions.sources.service import EventSources
from callpark.functions.upstreams import NoUpstreams, Upstreams
from callpark.functions.urls import Urls
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import Limits
from callpark.kernel.others import ALONE, Others
from callpark.kernel.trace import Trace
from callpark.store.amendments import NO_AMENDMENTS, Amendments, SharedAmendments
from callpark.store.ports import Store

_log = logging.getLogger("callpark")

T = TypeVar("T")


class Functions:
    """`directory` is the data directory; unpacked packages live in its folder `code`. `base_url` is where the server
    answers, for function URLs.

    The control plane's rooms are attributes: `administration`, `publishing`, `policies`, `provisioning`, `urls`,
    `layers`, `sources`, `uploads`; and `events`, which are the asynchronous events as people handle them,
    `events_everywhere` those of all nodes.
    """

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
        base_url: str = "http://127.0.0.1:4566",
        queues: MessageQueues | None = None,
        source: MessageSource | None = None,
        upstreams: Upstreams | None = None,
        custody: Custody | None = None,
        others: Others = ALONE,
    ) -> None:
        upstreams = upstreams or NoUpstreams()
        self.limits = limits.lambda_
        self.place = place
        self.base_url = base_url
        self._store = store
        self._custody = custody or Alone()
        self._catalogue = Catalogue(store, place, self._amendments(store, DECLARED))
        self._packages = Packages(directory / "code", store, clock, self.limits)
        self._slots = Slots(self.limits.account_concurrency, self._custody.part)
        self.uploads = Uploads(upstreams, self.limits)
        self._orphans: set[str] = set()
        registrar = Registrar(
            catalogue=self._catalogue,
            clock=clock,
            ids=ids,
            limits=self.limits,
            place=place,
            now_current=self._now_current,
            release=self._release,
            remedy=upstreams.remedy,
        )
        self.transitions = registrar.transitions
        self._changing = registrar.changing
        self.layers = Layers(
            store, self._packages, clock, ids, self.limits, place, self._catalogue.layers, self._release
        )
        self._runner = Runner(
            catalogue=self._catalogue,
            packages=self._packages,
            layers=self.layers,
            environments=environments,
            slots=self._slots,
            capacity_freed=self._capacity_freed,
            transitions=registrar.transitions,
            clock=clock,
            ids=ids,
            limits=self.limits,
        )
        self._subjects = EventSubjects(self._catalogue, self._runner, self.limits)
        self._events = EventDispatcher(
            clock=clock,
            trace=trace,
            limits=self.limits,
            store=store,
            slots=self._slots,
            functions=self._subjects,
            queues=queues or NoQueues(),
            upstreams=upstreams,
        )
        self.events = EventAdministration(self._events, trace, store, clock, self.invoke_event)
        self.events_everywhere = EventsEverywhere(self.events, others)
        self._invoker = Invoker(
            catalogue=self._catalogue,
            runner=self._runner,
            events=self._events,
            trace=trace,
            ids=ids,
            limits=self.limits,
        )
        self.administration = Administration(registrar, self._packages, self.layers)
        self.publishing = Publishing(registrar, self._packages)
        self.policies = Policies(registrar)
        self.provisioning = Provisioning(registrar, environments, self._runner.deployment, self._custody.holds)
        self.urls = Urls(registrar, base_url)
        self.sources = EventSources(
            clock=clock,
            ids=ids,
            trace=trace,
            limits=self.limits,
            place=place,
            store=store,
            source=source or NoSource(),
            functions=self,
            is_here=self._custody.has_queue,
            amendments=self._amendments(store, DECLARED_SOURCES),
        )

    async def start(self) -> None:
        """Load what is kept and go on with its events."""
        await self._catalogue.load()
        await self.layers.load()
        await self._packages.sweep(self._digests())
        await self._events.discarded.load()
        self._events.deliveries.open()
        await self.sources.load()
        self._slots.share(self._catalogue.shares())
        names = [function.configuration.name for function in self._catalogue]
        for name in filter(self.is_here, names):
            self._events.open(name)
        self.provisioning.reconcile(names)

    # Among several nodes

    def is_here(self, name: str) -> bool:
        """Whether this node runs a function's events."""
        function = self._catalogue.get(name)
        return function is None or not has_own_share(function) or self._custody.holds(name)

    async def let_go(self) -> None:
        """Return when nothing begins here any more of what this node does not hold."""
        self.sources.review()
        names = [function.configuration.name for function in self._catalogue]
        for name in names:
            if not self.is_here(name):
                await self._events.shut(name)
        self.provisioning.reconcile(names)
        self._slots.share(self._catalogue.shares())

    async def take_up(self) -> None:
        """Begin what this node holds; the account's concurrency is divided anew."""
        names = [function.configuration.name for function in self._catalogue]
        for name in filter(self.is_here, names):
            self._events.open(name)
        self.provisioning.reconcile(names)
        self._slots.share(self._catalogue.shares())
        self._events.unblock_all()
        self.sources.review()

    def needed(self) -> int:
        """How many runs of functions without a share of their own there would be, with room for all."""
        return self._slots.unreserved_in_use() + max(self._slots.refused(), self._events.parked())

    def used(self) -> int:
        """How many of those there are."""
        return self._slots.unreserved_in_use()

    def shared(self) -> None:
        """This node's part of the account's concurrency has changed."""
        self._slots.share(self._catalogue.shares())
        self._events.unblock_all()

    async def refresh(self) -> None:
        """Take note of what other nodes have made, changed or deleted."""
        await self.layers.refresh()
        async with self._changing:
            changed = await self._catalogue.refresh()
        self._now_current(changed)
        await self.sources.refresh()

    async def apply(
        self,
        definitions: Sequence[FunctionDefinition],
        layers: Sequence[LayerDefinition] = (),
        sources: Sequence[SourceDefinition] = (),
    ) -> list[str]:
        """Bring a project's functions and their event sources: new, changed, unchanged; those it no longer has are
        removed, what was made through the API stays. All or nothing. Returns warnings. Raises ProjectError."""
        self.sources.check(sources)
        prepared = await self.layers.prepare(layers)
        warnings = await self.administration.declare(definitions)
        await self.layers.declare(prepared)
        warnings += [line for d in definitions if (line := self.layers.warning(d.configuration)) is not None]
        self._now_current([f.configuration.name for f in self._catalogue if f.configuration.layers])
        warnings += await self.sources.declare(sources)
        return warnings + await self._discard_orphans()

    async def close(self) -> None:
        """Stop running events. The environments belong to whoever made them."""
        await self.sources.close()
        await self.provisioning.close()
        await self._events.close()

    # Invoking

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """Run a function and wait for its answer. Raises CallerError; a failing function is an answer."""
        elsewhere = self._elsewhere(invocation)
        if elsewhere is not None:
            return await self._custody.invoke(elsewhere, invocation)
        return await self._invoker.invoke(invocation)

    async def stream(self, invocation: Invocation) -> tuple[str, ResponseStream]:
        """Run a function and pass its answer on as it is made; with the version that runs. Raises CallerError."""
        elsewhere = self._elsewhere(invocation)
        if elsewhere is not None:
            return await self._custody.stream(elsewhere, invocation)
        return await self._invoker.stream(invocation)

    async def invoke_event(self, invocation: Invocation) -> str:
        """Accept an event; returns its request id once it is durable. Raises CallerError."""
        return await self._invoker.invoke_event(invocation)

    def accept(self, invocation: Invocation, receipt: T) -> "asyncio.Future[T]":
        """`invoke_event` without a task: a future of `receipt`, done once the event is durable. Raises CallerError,
        now or as the future's exception."""
        return self._invoker.accept(invocation, receipt)

    def dry_run(self, invocation: Invocation) -> None:
        """Whether an invocation would be accepted. Raises CallerError."""
        self._invoker.dry_run(invocation)

    def event_result(self, request_id: str) -> EventResult | None:
        """How an event ended, while that is remembered (in memory only)."""
        return self._events.results.get(request_id)

    async def wait_for_event(self, request_id: str) -> EventResult:
        """The end of an event, as soon as it comes."""
        return await self._events.results.wait(request_id)

    # Reading

    def function_named(self, arn: str) -> tuple[str, str | None]:
        """Name and qualifier of what a name or ARN invokes. Raises CallerError."""
        return self._catalogue.find_invoked(arn)

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

    def version(self, function: str, qualifier: str | None = None) -> tuple[Function, Version]:
        """A function, and the version that a qualifier shows. Raises CallerError."""
        found, version, _ = self._catalogue.find_version(function, qualifier)
        return found, version

    def running(self) -> int:
        """How many invocations run here now."""
        return self._slots.in_use()

    def unreserved_share(self) -> int:
        """How many of functions without a reservation may run here at once."""
        return self._slots.unreserved()

    def taken_concurrency(self) -> int:
        """What reservations and provisioned concurrency together take from the account."""
        return self._catalogue.shares().taken()

    def stored_code_bytes(self) -> int:
        """What all versions and layers hold, as AccountUsage counts it."""
        functions = sum(
            version.identity.size for f in self._catalogue for version in (versions.latest(f), *f.versions.values())
        )
        return functions + self.layers.bytes()

    async def package(self, digest: str) -> bytes | None:
        """An uploaded archive that is in use, for whoever downloads code."""
        if digest not in self._digests():
            return None
        return await self._store.get_blob(digest)

    # Inside

    def _amendments(self, store: Store, table: str) -> Amendments:
        return NO_AMENDMENTS if isinstance(self._custody, Alone) else SharedAmendments(store, table, self.base_url)

    def _elsewhere(self, invocation: Invocation) -> str | None:
        """The name of a function that another node runs; None for all others, and for what is refused here."""
        if isinstance(self._custody, Alone):
            return None
        try:
            name, _ = self._catalogue.find_invoked(invocation.function, invocation.qualifier)
        except CallerError:
            return None
        return None if self.is_here(name) else name

    def _capacity_freed(self, name: str) -> None:
        self._events.capacity_freed(name)

    def _digests(self) -> frozenset[str]:
        """The archives that are in use."""
        return self._catalogue.digests() | self.layers.digests()

    async def _release(self, digests: Collection[str]) -> None:
        await self._packages.release(frozenset(digests) - self._digests())

    def _now_current(self, changed: Sequence[str]) -> None:
        """Functions have changed, come or gone: forget what was derived from them, and let waiting events try again."""
        self._orphans.difference_update(changed)
        self._runner.forget(changed)
        self._subjects.forget(changed)
        for name in changed:
            if self.is_here(name):
                self._events.open(name)
            else:
                self._events.leave(name)
        if changed:
            self._slots.share(self._catalogue.shares())
            self._events.unblock_all()
            self.provisioning.reconcile(changed)

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
