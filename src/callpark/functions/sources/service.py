"""Event source mappings: the room's face. Made by `functions/service.py`; called by `api/event_source_mappings.py`.

Order of use: `load`, then `declare` once the functions are there, also without a project. A mapping is kept before it
is acknowledged, and works as long as it is enabled.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from callpark.functions.sources import settings as rules
from callpark.functions.sources.catalogue import Catalogue
from callpark.functions.sources.model import Phase, SourceDefinition, SourceMapping, SourceSettings
from callpark.functions.sources.poller import Poller, SourceWorld
from callpark.functions.sources.ports import MessageSource, SourceFunctions
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.timers import Timer
from callpark.kernel.trace import Trace
from callpark.store.amendments import NO_AMENDMENTS, Amendments
from callpark.store.ports import Store

_log = logging.getLogger("callpark")

Edit: TypeAlias = Callable[[SourceSettings], SourceSettings]
"""What a request changes of a mapping's settings."""


class EventSources:
    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        trace: Trace,
        limits: LambdaLimits,
        place: Place,
        store: Store,
        source: MessageSource,
        functions: SourceFunctions,
        is_here: Callable[[str], bool] = lambda queue_arn: True,
        amendments: Amendments = NO_AMENDMENTS,
    ) -> None:
        self._is_here = is_here
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._place = place
        self._source = source
        self._functions = functions
        self._catalogue = Catalogue(store, amendments)
        self._tasks = Tasks("event sources")
        self._world = SourceWorld(source, functions, clock, trace, limits, self._tasks, place.region)
        self._pollers: dict[str, Poller] = {}
        self._passing: dict[str, Phase] = {}
        self._leaving: dict[str, SourceMapping] = {}
        self._timers: dict[str, Timer] = {}

    async def load(self) -> None:
        await self._catalogue.load()

    async def refresh(self) -> None:
        """Take note of mappings that other nodes have made, changed or deleted."""
        for mapping_id in await self._catalogue.refresh():
            mapping = self._catalogue.get(mapping_id)
            if mapping is None:
                self._stop(mapping_id)
            elif mapping_id not in self._passing:
                self._restart(mapping)

    def review(self) -> None:
        """Queues have changed hands: mappings work where their queue is."""
        for mapping in self._catalogue:
            if not self._is_here(mapping.queue_arn):
                self._stop(mapping.mapping_id)
            elif mapping.mapping_id not in self._pollers and mapping.mapping_id not in self._passing:
                self._restart(mapping)

    def check(self, definitions: Sequence[SourceDefinition]) -> None:
        """Whether a project's mappings can be. Raises ProjectError."""
        for definition in definitions:
            try:
                rules.check(definition.settings, definition.queue_arn, self._limits)
            except CallerError as refusal:
                raise ProjectError(
                    f"the event source mapping of {definition.function} cannot be: {refusal.message}",
                    "correct it in the template",
                ) from refusal

    async def declare(self, definitions: Sequence[SourceDefinition]) -> list[str]:
        """Bring a project's mappings, checked before: new, changed, unchanged; those it no longer has are removed. All
        that are enabled work from now on. Returns warnings."""
        warnings: list[str] = []
        brought: list[SourceMapping] = []
        for definition in definitions:
            warnings += self._doubts(definition)
            mapping = self._declared(definition)
            if mapping is not None:
                brought.append(mapping)
        changed, gone = await self._catalogue.declare(brought)
        for mapping in gone:
            self._stop(mapping.mapping_id)
        for mapping in changed:
            self._restart(mapping)
        for mapping in self._catalogue:
            if mapping.mapping_id not in self._pollers:
                self._restart(mapping)
        return warnings

    async def close(self) -> None:
        for mapping_id in tuple(self._pollers):
            self._stop(mapping_id)
        for timer in self._timers.values():
            timer.cancel()
        await self._tasks.aclose()

    # What the operations do

    def arn(self, mapping_id: str) -> str:
        return self._place.arn("lambda", f"event-source-mapping:{mapping_id}")

    def function_arn(self, mapping: SourceMapping) -> str:
        """With the qualifier that was given, none when none was."""
        arn = self._functions.arn(mapping.function)
        return arn if mapping.qualifier is None else f"{arn}:{mapping.qualifier}"

    def get(self, mapping_id: str) -> tuple[SourceMapping, Phase]:
        """Raises CallerError."""
        mapping = self._catalogue.get(mapping_id) or self._leaving.get(mapping_id)
        if mapping is None:
            raise rules.no_mapping()
        return mapping, self._phase(mapping)

    def mappings(self, queue_arn: str | None = None, function: str | None = None) -> Mapping[str, SourceMapping]:
        """Those of a queue and of a function, with its qualifier if it is given one. Raises CallerError."""
        target = None if function is None else self._target(function)
        return {
            mapping.mapping_id: mapping
            for mapping in (*self._catalogue, *self._leaving.values())
            if queue_arn in (None, mapping.queue_arn) and target in (None, (mapping.function, mapping.qualifier))
        }

    async def create(
        self, source: str | None, function: str, edit: Edit, tags: Mapping[str, str]
    ) -> tuple[SourceMapping, Phase]:
        """The mapping, and the state that the answer shows. Raises CallerError."""
        queue_arn = rules.queue_arn(source)
        settings = edit(SourceSettings())
        rules.check(settings, queue_arn, self._limits)
        name, qualifier = self._target(function)
        self._check_pair(queue_arn, name, qualifier)
        for other in self._catalogue:
            if (other.queue_arn, other.function, other.qualifier) == (queue_arn, name, qualifier):
                raise rules.exists_already(queue_arn, function, other.mapping_id)
        now = self._clock.now()
        mapping = SourceMapping(self._ids.uuid(), queue_arn, name, qualifier, settings, now, dict(tags))
        await self._catalogue.keep(mapping)
        return mapping, self._begin(mapping, "Creating" if settings.enabled else "Disabled")

    async def update(self, mapping_id: str, edit: Edit, function: str | None = None) -> tuple[SourceMapping, Phase]:
        """Raises CallerError."""
        before = self._settled(mapping_id, "update")
        settings = edit(before.settings)
        rules.check(settings, before.queue_arn, self._limits)
        name, qualifier = (before.function, before.qualifier) if function is None else self._target(function)
        if function is not None:
            self._check_pair(before.queue_arn, name, qualifier)
        mapping = replace(
            before, function=name, qualifier=qualifier, settings=settings, last_modified=self._clock.now()
        )
        self._warn_declared(before)
        await self._catalogue.keep(mapping)
        phase: Phase = "Updating"
        if settings.enabled != before.settings.enabled:
            phase = "Enabling" if settings.enabled else "Disabling"
        return mapping, self._begin(mapping, phase)

    async def delete(self, mapping_id: str) -> SourceMapping:
        """Raises CallerError."""
        mapping = self._settled(mapping_id, "delete")
        self._warn_declared(mapping)
        await self._catalogue.remove(mapping)
        self._stop(mapping_id)
        seconds = self._limits.source_transition_seconds
        if seconds:
            self._leaving[mapping_id] = mapping
            self._after(seconds, mapping_id, self._left)
        return mapping

    async def change_tags(self, mapping_id: str, added: Mapping[str, str], removed: Sequence[str] = ()) -> None:
        """Raises CallerError."""
        mapping = self.get(mapping_id)[0]
        tags = {key: value for key, value in {**mapping.tags, **added}.items() if key not in removed}
        await self._catalogue.keep(replace(mapping, tags=tags))

    # Inside

    def _target(self, function: str) -> tuple[str, str | None]:
        try:
            return self._functions.function_named(function)
        except CallerError as refusal:
            if refusal.code == "ResourceNotFoundException":
                raise rules.no_function() from None
            raise

    def _check_pair(self, queue_arn: str, function: str, qualifier: str | None) -> None:
        """Raises CallerError when the queue is unknown or gives a message out again too early."""
        queue = self._source.queue(queue_arn)
        if queue is None:
            raise rules.no_queue()
        _, version = self._functions.version(function, qualifier)
        rules.check_visibility(queue, version.configuration.timeout_seconds)

    def _declared(self, definition: SourceDefinition) -> SourceMapping | None:
        try:
            name, qualifier = self._functions.function_named(definition.function)
        except CallerError:
            return None
        return SourceMapping(
            mapping_id=definition.mapping_id,
            queue_arn=definition.queue_arn,
            function=name,
            qualifier=qualifier,
            settings=definition.settings,
            last_modified=self._clock.now(),
            tags=dict(definition.tags),
            declared=True,
        )

    def _doubts(self, definition: SourceDefinition) -> list[str]:
        """What AWS would refuse at deployment and callpark lets be."""
        about = f"the event source mapping of {definition.function}"
        try:
            name, qualifier = self._functions.function_named(definition.function)
        except CallerError:
            return [f"{about}: there is no such function here; the mapping is left out"]
        if self._source.queue(definition.queue_arn) is None:
            return [f"{about}: there is no queue {definition.queue_arn} yet; the mapping waits for it"]
        try:
            self._check_pair(definition.queue_arn, name, qualifier)
        except CallerError as refusal:
            return [f"{about}: AWS refuses it: {refusal.message}"]
        return []

    def _settled(self, mapping_id: str, verb: str) -> SourceMapping:
        mapping = self._catalogue.get(mapping_id)
        if mapping_id in self._passing or mapping_id in self._leaving:
            raise rules.in_use(verb)
        if mapping is None:
            raise rules.no_mapping()
        return mapping

    def _phase(self, mapping: SourceMapping) -> Phase:
        if mapping.mapping_id in self._leaving:
            return "Deleting"
        return self._passing.get(mapping.mapping_id) or ("Enabled" if mapping.settings.enabled else "Disabled")

    def _begin(self, mapping: SourceMapping, phase: Phase) -> Phase:
        """A change has become durable; it takes effect after `lambda.source_transition_seconds`."""
        seconds = self._limits.source_transition_seconds
        if not seconds:
            self._restart(mapping)
            return phase
        mapping_id = mapping.mapping_id
        self._stop(mapping_id)
        if phase not in ("Enabled", "Disabled"):
            self._passing[mapping_id] = phase
            self._after(seconds, mapping_id, self._arrived)
        return phase

    def _after(self, seconds: float, mapping_id: str, then: Callable[[str], None]) -> None:
        def over() -> None:
            del self._timers[mapping_id]
            then(mapping_id)

        at = self._clock.now() + seconds
        self._timers[mapping_id] = self._clock.timer(at, over, f"event source {mapping_id}")

    def _arrived(self, mapping_id: str) -> None:
        self._passing.pop(mapping_id, None)
        mapping = self._catalogue.get(mapping_id)
        if mapping is not None:
            self._restart(mapping)

    def _left(self, mapping_id: str) -> None:
        self._leaving.pop(mapping_id, None)

    def _restart(self, mapping: SourceMapping) -> None:
        self._stop(mapping.mapping_id)
        if mapping.settings.enabled and self._is_here(mapping.queue_arn):
            poller = self._pollers[mapping.mapping_id] = Poller(mapping, self._world)
            poller.open()

    def _stop(self, mapping_id: str) -> None:
        poller = self._pollers.pop(mapping_id, None)
        if poller is not None:
            poller.stop()

    def _warn_declared(self, mapping: SourceMapping) -> None:
        if mapping.declared:
            _log.warning(
                "event source mapping %s belongs to the project: this change lasts until it is loaded again",
                mapping.mapping_id,
            )
