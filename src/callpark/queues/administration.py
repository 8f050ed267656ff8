"""Creating, changing, purging and deleting queues. Made by the service; called by it, by `api/` and by `apply`.

Every change is durable before it is seen; what depends on it is told through `changed`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import SqsLimits
from callpark.queues import attributes, names, permissions, redrive, refusals
from callpark.queues.catalogue import Catalogue
from callpark.queues.model import Queue, QueueDefinition
from callpark.store.amendments import NO_AMENDMENTS, Amendments
from callpark.store.ports import Change, Store, StoreFailure

_log = logging.getLogger("callpark")


@dataclass(frozen=True, slots=True)
class Administration:
    """`changed(before, after)` is called once a change is durable: None where there was no queue, or is none now."""

    catalogue: Catalogue
    store: Store
    clock: Clock
    ids: Ids
    limits: SqsLimits
    place: Place
    changed: Callable[[Queue | None, Queue | None], None]
    amendments: Amendments = NO_AMENDMENTS
    said: dict[str, bytes] = field(default_factory=dict)
    """What the project says of its queues."""
    deleted_at: dict[str, float] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One change at a time: each is made from what the last one left."""

    def find(self, name: str) -> Queue:
        """Raises CallerError."""
        queue = self.catalogue.get(name)
        if queue is None:
            raise refusals.no_queue()
        return queue

    def find_url(self, url: str) -> Queue:
        """Raises CallerError."""
        return self.find(names.name_in_url(url, self.place))

    async def create(self, name: str, given: Mapping[str, str], tags: Mapping[str, str]) -> Queue:
        """The queue, new or as it was when all the attributes given are the same. Raises CallerError."""
        async with self.lock:
            fifo = given.get("FifoQueue", "").lower() == "true"
            names.check_new(name, fifo, self.limits.queue_name_characters)
            wanted = attributes.checked(given, fifo, self.limits)
            existing = self.catalogue.get(name)
            if existing is not None:
                difference = attributes.different(existing, wanted)
                if difference is not None:
                    raise refusals.queue_exists(difference)
                return existing
            self._check_recent(name)
            self._check_tags(tags)
            queue = self._new(name, wanted, tags)
            self._check_redrive(queue, wanted)
            await self._keep(queue)
            self.changed(None, queue)
            _warn_inert(queue, wanted)
            return queue

    async def set_attributes(self, name: str, given: Mapping[str, str]) -> None:
        """Raises CallerError."""
        async with self.lock:
            queue = self.find(name)
            if "FifoQueue" in given and queue.fifo:
                raise refusals.invalid_attribute("FifoQueue", "Modifying queue type is not supported.")
            wanted = attributes.checked(given, queue.fifo, self.limits)
            self._check_redrive(queue, wanted)
            await self._change(queue, wanted)
            _warn_inert(queue, wanted)

    async def delete(self, name: str) -> None:
        """Raises CallerError."""
        async with self.lock:
            queue = self.find(name)
            await self._keep(removed=queue)
            self.deleted_at[name] = self.clock.now()
            self.changed(queue, None)
            if queue.declared:
                _log.warning("queue %s belongs to the project, which brings it again when it is loaded", name)

    async def purge(self, name: str) -> None:
        """Raises CallerError."""
        async with self.lock:
            queue, now = self.find(name), self.clock.now()
            if queue.purged_at is not None and now < queue.purged_at + self.limits.purge_seconds:
                raise refusals.purge_in_progress(name, self.limits.purge_seconds)
            purged = replace(queue, generation=queue.generation + 1, purged_at=now)
            await self._keep(purged)
            self.changed(queue, purged)

    async def tag(self, name: str, tags: Mapping[str, str]) -> None:
        async with self.lock:
            queue = self.find(name)
            merged = {**queue.tags, **tags}
            self._check_tags(merged)
            await self._keep(replace(queue, tags=merged))

    async def untag(self, name: str, keys: Sequence[str]) -> None:
        async with self.lock:
            queue = self.find(name)
            await self._keep(replace(queue, tags={key: text for key, text in queue.tags.items() if key not in keys}))

    async def add_permission(self, name: str, label: str, accounts: Sequence[str], actions: Sequence[str]) -> None:
        """Raises CallerError."""
        async with self.lock:
            queue = self.find(name)
            await self._change(queue, {"Policy": permissions.added(queue, label, accounts, actions, self.limits)})
            _log.warning("queue %s: its policy is kept and shown, but nobody is refused by it", name)

    async def remove_permission(self, name: str, label: str) -> None:
        async with self.lock:
            queue = self.find(name)
            await self._change(queue, {"Policy": permissions.removed(queue, label)})

    def sources(self, target: Queue) -> list[Queue]:
        """The queues whose dead-letter queue this is."""
        return [
            queue
            for queue in self.catalogue
            if queue.settings.redrive is not None and queue.settings.redrive.target_arn == target.arn
        ]

    async def declare(self, definitions: Sequence[QueueDefinition]) -> list[str]:
        """Bring a project's queues: all or nothing. Those it no longer has go when they are empty. Returns warnings.
        Raises ProjectError."""
        async with self.lock:
            await self.amendments.read()
            wanted = {definition.name: definition for definition in definitions}
            said = {name: _said(definition) for name, definition in wanted.items()}
            brought = {
                name: queue
                for name, definition in wanted.items()
                if (queue := self._as_amended(self._declared(definition), said[name])) is not None
            }
            warnings = [warning for queue in brought.values() for warning in _inert(queue, queue.attributes)]
            for queue in brought.values():
                self._check_declared(queue, brought)
            leaving = [queue for queue in self.catalogue if queue.declared and queue.name not in wanted]
            gone = list[Queue]()
            for queue in leaving:
                count = await self.store.count(queue.store_queue)
                if count:
                    warnings.append(
                        f"queue {queue.name} is not declared any more; it stays while it holds messages: {count}"
                    )
                else:
                    gone.append(queue)
            self.said.clear()
            self.said.update(said)
            before = {name: self.catalogue.get(name) for name in brought}
            changed = [queue for name, queue in brought.items() if queue != before[name]]
            if changed or gone:
                await self.catalogue.keep(changed, [queue.name for queue in gone])
            for queue in changed:
                self.changed(before[queue.name], queue)
            for queue in gone:
                self.changed(queue, None)
            return warnings

    # Inside

    def _new(self, name: str, wanted: Mapping[str, str], tags: Mapping[str, str]) -> Queue:
        now, kept = self.clock.now(), attributes.merged({}, wanted)
        return Queue(
            name=name,
            arn=self.catalogue.arn(name),
            fifo=kept.get("FifoQueue") == "true",
            incarnation=self.ids.hex(12),
            created_at=now,
            modified_at=now,
            attributes=kept,
            settings=attributes.settings(kept, self.limits),
            tags=dict(tags),
        )

    async def _change(self, queue: Queue, wanted: Mapping[str, str]) -> None:
        after = self._with(queue, attributes.merged(queue.attributes, wanted))
        await self._keep(after)
        self.changed(queue, after)
        if queue.declared:
            _log.warning("queue %s belongs to the project; the change is kept until the project is loaded", queue.name)

    def _with(self, queue: Queue, kept: Mapping[str, str]) -> Queue:
        settings = attributes.settings(kept, self.limits)
        return replace(queue, attributes=kept, settings=settings, modified_at=self.clock.now())

    async def _keep(self, queue: Queue | None = None, removed: Queue | None = None) -> None:
        about, amended = queue or removed, list[Change]()
        if about is not None and about.declared and about.name in self.said:
            amended += self.amendments.change(about.name, self.said[about.name], b"" if queue else None)
        try:
            await self.catalogue.keep([queue] if queue else [], [removed.name] if removed else [], amended)
        except StoreFailure as failure:
            raise refusals.unavailable(str(failure)) from failure

    def _as_amended(self, queue: Queue, said: bytes) -> Queue | None:
        """A project's queue as the API, at any node, has left it; its row has that. None when it was deleted."""
        amendment = self.amendments.of(queue.name, said)
        if amendment is None:
            return queue
        return None if amendment.value is None else self.catalogue.get(queue.name) or queue

    def _declared(self, definition: QueueDefinition) -> Queue:
        given = definition.attributes
        fifo = given.get("FifoQueue") == "true"
        existing = self.catalogue.get(definition.name)
        try:
            names.check_new(definition.name, fifo, self.limits.queue_name_characters)
            wanted = attributes.merged({}, attributes.checked(given, fifo, self.limits))
        except CallerError as error:
            raise _project_error(definition.name, error) from error
        if existing is None:
            return replace(self._new(definition.name, wanted, definition.tags), declared=True)
        same = existing.attributes == wanted and existing.tags == definition.tags and existing.declared
        if same:
            return existing
        return replace(self._with(existing, wanted), tags=dict(definition.tags), declared=True)

    def _check_declared(self, queue: Queue, brought: Mapping[str, Queue]) -> None:
        policy = queue.settings.redrive
        if policy is None:
            return
        name = names.name_in_arn(policy.target_arn, self.place) or ""
        try:
            target = brought.get(name) or self.catalogue.get(name)
            redrive.check_target(queue.attributes["RedrivePolicy"], queue.arn, queue.fifo, target)
        except CallerError as error:
            raise _project_error(queue.name, error) from error

    def _check_redrive(self, queue: Queue, wanted: Mapping[str, str]) -> None:
        text = wanted.get("RedrivePolicy")
        if text:
            policy = redrive.read_policy(text, self.limits)
            redrive.check_target(text, queue.arn, queue.fifo, self.catalogue.by_arn(policy.target_arn))

    def _check_recent(self, name: str) -> None:
        deleted_at = self.deleted_at.get(name)
        if deleted_at is None:
            return
        if self.clock.now() < deleted_at + self.limits.recreation_seconds:
            raise refusals.deleted_recently(self.limits.recreation_seconds)
        del self.deleted_at[name]

    def _check_tags(self, tags: Mapping[str, str]) -> None:
        if len(tags) > self.limits.tags:
            raise refusals.invalid_parameter(f"Too many tags added for queue: {self.limits.tags} are the most.")


def _project_error(name: str, error: CallerError) -> ProjectError:
    return ProjectError(f"queue {name}: {error.message}", "correct the queue's properties in the template")


def _inert(queue: Queue, given: Iterable[str]) -> list[str]:
    return [
        f"queue {queue.name}: {name} is kept and shown, but changes nothing here"
        for name in given
        if name in attributes.INERT
    ]


def _warn_inert(queue: Queue, given: Mapping[str, str]) -> None:
    for warning in _inert(queue, [name for name, text in given.items() if text]):
        _log.warning("%s", warning)


def _said(definition: QueueDefinition) -> bytes:
    return msgspec.json.encode([definition.attributes, definition.tags], order="sorted")
