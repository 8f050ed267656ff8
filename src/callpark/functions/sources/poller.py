"""One mapping at work: wakes when its queue has something, receives, filters, invokes, deletes.

Made by `service.py`. What goes together is decided in `batches.py`, how much at once in `scaling.py`. Nothing polls:
the queue's watch, the end of a batch and timers of the clock wake it. The function is invoked synchronously; what it
does not do stays in the queue until its visibility ends.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from callpark.functions.model import Invocation, InvocationResult
from callpark.functions.sources import batches, filters, scaling
from callpark.functions.sources.batches import Batch, BatchRules, Gathered, Gathering
from callpark.functions.sources.happenings import BatchEnded, BatchThrottled, MessagesFilteredOut
from callpark.functions.sources.model import REPORT_FAILURES, SourceMapping
from callpark.functions.sources.ports import MessageSource, SourceFunctions, SourceMessage
from callpark.functions.sources.records import record
from callpark.functions.sources.settings import is_fifo
from callpark.kernel.clock import Clock, sleep
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.timers import Timer
from callpark.kernel.trace import Trace

_log = logging.getLogger("callpark")

_ONE_RECEIVE = 10


@dataclass(frozen=True, slots=True)
class SourceWorld:
    """What all pollers share."""

    source: MessageSource
    functions: SourceFunctions
    clock: Clock
    trace: Trace
    limits: LambdaLimits
    tasks: Tasks
    region: str


class Poller:
    """`open()` starts it. After `stop()` nothing more is received; batches that run end as they would."""

    def __init__(self, mapping: SourceMapping, world: SourceWorld) -> None:
        self._mapping = mapping
        self._settings = mapping.settings
        self._world = world
        self._target = world.functions.arn(mapping.function)
        self._fifo = is_fifo(mapping.queue_arn)
        self._passes = filters.record_filter(mapping.settings.filters)
        self._rules = BatchRules(
            size=mapping.settings.batch_size,
            window_seconds=mapping.settings.window_seconds,
            payload_bytes=world.limits.request_payload_bytes,
            margin_seconds=world.limits.source_margin_seconds,
        )
        self._scale = scaling.Scale()
        self._gathering = Gathering()
        self._pending: deque[Batch] = deque()
        self._groups: set[str] = set()
        self._running = 0
        self._more = False
        self._receiving = False
        self._end_watch: Callable[[], None] | None = None
        self._timer: Timer | None = None
        self._timer_at = 0.0
        self._warned: str | None = None

    def open(self) -> None:
        self._end_watch = self._world.source.watch(self._mapping.queue_arn, self._wake)
        self._wake()

    def stop(self) -> None:
        if self._end_watch is not None:
            self._end_watch()
            self._end_watch = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # What next

    def _wake(self) -> None:
        self._more = True
        self._pump()

    def _pump(self) -> None:
        if self._end_watch is None:
            return
        now = self._world.clock.now()
        ready, self._gathering = batches.cut(self._gathering, self._rules, now)
        self._pending += ready
        width = scaling.width(self._scale, self._settings, self._world.limits, now)
        while self._running < width and (batch := self._next(now)) is not None:
            self._running += 1
            self._world.tasks.spawn(self._run(batch), f"batch of {self._mapping.function}")
        if self._more and not self._receiving:
            self._receive_or_wait(width, now)
        due_at = self._gathering.due_at(self._rules)
        if due_at is not None:
            self._wake_at(due_at)

    def _next(self, now: float) -> Batch | None:
        """The first batch that waits, of a group that has none running; those whose time is over are left out."""
        waiting, self._pending = self._pending, deque()
        blocked = set(self._groups)
        found: Batch | None = None
        for batch in waiting:
            if found is None and batch.group not in blocked:
                found = batches.still_held(batch, now)
                continue
            self._pending.append(batch)
            if batch.group is not None:
                blocked.add(batch.group)
        if found is not None and found.group is not None:
            self._groups.add(found.group)
        return found

    def _receive_or_wait(self, width: int, now: float) -> None:
        if self._running + len(self._pending) >= width:
            self._scale = scaling.busy(self._scale, now)
            grows_at = scaling.grows_at(self._scale, self._settings, self._world.limits, now)
            if grows_at is not None:
                self._wake_at(grows_at)
        elif now < self._scale.resume_at:
            self._wake_at(self._scale.resume_at)
        else:
            self._receiving = True
            self._world.tasks.spawn(self._receive(), f"receive for {self._mapping.function}")

    def _wake_at(self, at: float) -> None:
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._world.clock.timer(at, self._due, f"event source {self._mapping.mapping_id}")

    def _due(self) -> None:
        self._timer = None
        self._pump()

    # Receiving

    async def _receive(self) -> None:
        self._more = False
        room = self._rules.size - len(self._gathering.messages)
        try:
            received = await self._world.source.receive(self._mapping.queue_arn, max(1, min(_ONE_RECEIVE, room)))
        except CallerError as refusal:
            self._could_not_receive(refusal)
            received = ()
        else:
            self._warned = None
        finally:
            self._receiving = False
        if received:
            self._more = True
            await self._sort(received)
        elif not self._more:
            self._scale = scaling.drained(self._scale)
        self._pump()

    def _could_not_receive(self, refusal: CallerError) -> None:
        """A queue that is gone says so when it comes again; for anything else ask once more after a while."""
        if self._warned != refusal.code:
            self._warned = refusal.code
            _log.warning(
                "event source mapping %s cannot receive from %s: %s",
                self._mapping.mapping_id,
                self._mapping.queue_arn,
                refusal.message,
            )
        if self._world.source.queue(self._mapping.queue_arn) is not None:
            self._more = True
            at = self._world.clock.now() + self._world.limits.source_retry_seconds
            self._scale = scaling.paused(self._scale, at)

    async def _sort(self, received: Sequence[SourceMessage]) -> None:
        """What passes the filters gathers or waits for its group; the rest is deleted."""
        passed, dropped = list[Gathered](), list[SourceMessage]()
        for message in received:
            shown = record(message, self._mapping.queue_arn, self._world.region, self._settings.window_seconds)
            if self._passes(shown):
                passed.append(Gathered(message, orjson.dumps(shown)))
            else:
                dropped.append(message)
        if passed and self._fifo:
            self._pending += batches.by_group(passed, self._rules)
        elif passed:
            self._gathering = self._gathering.with_messages(passed, self._world.clock.now())
        if dropped:
            self._pump()
            await self._delete(dropped)
            self._world.trace.emit(MessagesFilteredOut(self._mapping.mapping_id, self._mapping.function, len(dropped)))

    # One batch

    async def _run(self, batch: Batch) -> None:
        deleted: Sequence[SourceMessage] | None = None
        error: str | None = "ServiceException"
        try:
            deleted, error = await self._outcome(batch)
        except Exception:
            _log.exception("a batch for %s failed in callpark itself", self._mapping.function)
        self._ended(batch, deleted, error)

    async def _outcome(self, batch: Batch) -> tuple[Sequence[SourceMessage] | None, str | None]:
        """The messages that are done and deleted, None for a batch that failed as a whole, and why."""
        answer = await self._invoke(batch)
        if isinstance(answer, str):
            return None, answer
        if answer.function_error is not None:
            return None, answer.function_error
        done = batches.done(answer.payload, batch, REPORT_FAILURES in self._settings.response_types)
        if done is None:
            return None, "InvalidBatchResponse"
        if done:
            await self._delete(done)
        return done, None

    def _ended(self, batch: Batch, deleted: Sequence[SourceMessage] | None, error: str | None) -> None:
        world, mapping = self._world, self._mapping
        self._running -= 1
        if batch.group is not None:
            self._groups.discard(batch.group)
            if deleted is None or len(deleted) < len(batch.messages):  # what follows in the group must wait as well
                self._pending = deque(other for other in self._pending if other.group != batch.group)
        if deleted is None:
            now = world.clock.now()
            self._scale = scaling.failed(self._scale, batch.visible_at(), world.limits, now)
        else:
            self._scale = scaling.succeeded(self._scale)
            if len(deleted) < len(batch.messages):
                error = "BatchItemFailures"
        count = len(deleted or ())
        world.trace.emit(BatchEnded(mapping.mapping_id, mapping.function, len(batch.messages), count, error))
        self._pump()

    async def _invoke(self, batch: Batch) -> InvocationResult | str:
        """The function's answer, or the code of a refusal. A batch for which there is no room is tried again while its
        messages are held."""
        world, limits = self._world, self._world.limits
        invocation = Invocation(
            function=self._target,
            payload=batch.payload(),
            qualifier=self._mapping.qualifier,
            trace_header=batch.trace_header(),
        )
        delay = limits.throttle_base_seconds
        while True:
            try:
                return await world.functions.invoke(invocation)
            except CallerError as refusal:
                at = world.clock.now() + delay
                if refusal.code != "TooManyRequestsException" or at >= batch.visible_at():
                    _log.warning(
                        "event source mapping %s: %s could not be invoked: %s",
                        self._mapping.mapping_id,
                        self._mapping.function,
                        refusal.message,
                    )
                    return refusal.code
            world.trace.emit(BatchThrottled(self._mapping.mapping_id, self._mapping.function, at))
            await sleep(world.clock, delay, f"event source {self._mapping.mapping_id}")
            delay = min(2 * delay, limits.throttle_maximum_seconds)

    async def _delete(self, messages: Sequence[SourceMessage]) -> None:
        handles = [message.receipt_handle for message in messages]
        try:
            await self._world.source.delete(self._mapping.queue_arn, handles)
        except CallerError as refusal:
            _log.warning(
                "event source mapping %s could not delete %d messages, they come again: %s",
                self._mapping.mapping_id,
                len(handles),
                refusal.message,
            )
