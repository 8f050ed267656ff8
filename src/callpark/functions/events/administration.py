"""Asynchronous events as people handle them: what waits, the story of one, sending one again.

A room of the functions' service, used by `api/events.py`. Discarded events are kept on disk (`events/discarded.py`);
of those that succeeded the payload is remembered in memory only (`events/results.py`).
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeAlias

import msgspec

from callpark.functions.events.discarded import DiscardedEvent
from callpark.functions.events.dispatcher import EventDispatcher
from callpark.functions.events.happenings import EventReplayed
from callpark.functions.events.results import EventResult
from callpark.functions.events.state import decode, function_of, queue_name
from callpark.functions.events.timeline import Step, steps
from callpark.functions.events.world import LeasedEvent
from callpark.functions.model import Invocation
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.trace import Trace
from callpark.store.ports import BEFORE_ALL, Store, WorkItem

EventStatus: TypeAlias = Literal["waiting", "running", "retrying", "throttled", "succeeded", "discarded"]
Invoke: TypeAlias = Callable[[Invocation], Awaitable[str]]
"""Accept an event; its request id. Raises CallerError."""


class EventStanding(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Where an event stands. `next_at` is when it is tried next, at the latest; instants in epoch seconds, `size` in
    bytes, `reason` why it was discarded, `node` who has it or had it, among several."""

    request_id: str
    function: str
    status: EventStatus
    accepted_at: float
    attempts: int
    size: int
    age_seconds: float
    next_at: float | None = None
    ended_at: float | None = None
    reason: str | None = None
    qualifier: str | None = None
    node: str | None = None


class Kept(msgspec.Struct, frozen=True):
    """What an event was sent with; `payload` None when that is gone."""

    function: str
    qualifier: str | None
    payload: bytes | None


class EventStory(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """`standing` is None for what is not an event that is known; `payload` what it was sent, `response` what the last
    run answered; `steps` what the trace remembers."""

    request_id: str
    standing: EventStanding | None
    steps: Sequence[Step]
    payload: str | None = None
    response: str | None = None


class Redriven(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """`copy` is the new request id, or `refusal` says why there is none."""

    request_id: str
    function: str
    copy: str | None = None
    refusal: str | None = None


class UnknownEvent(Exception):
    """Nothing is known of this request id, or its payload is not kept any more."""


class EventAdministration:
    def __init__(self, dispatcher: EventDispatcher, trace: Trace, store: Store, clock: Clock, invoke: Invoke) -> None:
        self._dispatcher = dispatcher
        self._trace = trace
        self._store = store
        self._clock = clock
        self._invoke = invoke

    async def standing(self, function: str | None, limit: int) -> list[EventStanding]:
        """The events in queues, of one function or of all, by the instant they are ready; at most `limit` of each."""
        found: list[EventStanding] = []
        for name in await self._functions_with_events() if function is None else [function]:
            items = await self._store.browse(queue_name(name), BEFORE_ALL, limit)
            found += [self._standing(name, item) for _, item in items]
        return found

    async def waiting(self, function: str | None) -> int:
        """How many events are in queues, of one function or of all."""
        names = await self._functions_with_events() if function is None else [function]
        return sum([await self._store.count(queue_name(name)) for name in names])

    async def due(self) -> int:
        """How many events may run now: those that run or wait for room, not those that wait for a retry."""
        names, now = await self._functions_with_events(), self._clock.now()
        return sum([await self._store.count(queue_name(name), now) for name in names])

    def discarded(self, function: str | None) -> list[EventStanding]:
        """Those that can be redriven, oldest first."""
        return [self._discarded(event) for event in self._dispatcher.discarded.all(function)]

    def succeeded(self, function: str | None) -> list[EventStanding]:
        """Those that are remembered, oldest first."""
        return [
            self._succeeded(result)
            for result in self._dispatcher.results.all()
            if result.condition == "Success" and function in (None, result.function)
        ]

    async def story(self, request_id: str) -> EventStory:
        """Raises UnknownEvent."""
        entries = list(self._trace.entries(request_id))
        standing, payload, response = await self._known(request_id)
        if standing is None and not entries:
            raise UnknownEvent(request_id)
        return EventStory(request_id, standing, steps(entries), _text(payload), _text(response))

    def in_hand(self, function: str | None) -> list[EventStanding]:
        """Events that run here or wait here for room, of one function or of all."""
        found: list[EventStanding] = []
        for name in self._dispatcher.functions() if function is None else [function]:
            running, throttled = self._dispatcher.in_hand(name)
            found += [self._at_hand(event, "running", None) for event in running.values()]
            found += [self._at_hand(event, "throttled", event.next_at) for event in throttled.values()]
        return found

    async def renew(self) -> None:
        """Take note of what other nodes have discarded, or sent again. Raises StoreFailure."""
        await self._dispatcher.discarded.refresh()

    async def kept(self, request_id: str) -> Kept | None:
        """What an ended event can be sent again with."""
        discarded = self._dispatcher.discarded.get(request_id)
        if discarded is not None:
            payload = await self._dispatcher.discarded.payload(request_id)
            return Kept(discarded.function, discarded.qualifier, payload)
        result = self._dispatcher.results.get(request_id)
        return None if result is None else Kept(result.function, result.qualifier, result.request)

    async def replay(self, request_id: str, payload: bytes | None = None) -> str:
        """Send an ended event again, with its own payload or another; returns the new request id. Raises UnknownEvent
        and CallerError."""
        kept = await self.kept(request_id)
        if kept is None:
            raise UnknownEvent(request_id)
        return await self.send(request_id, kept, payload)

    async def send(self, original: str, kept: Kept, payload: bytes | None = None) -> str:
        """`replay` of what is known to be kept."""
        sent = kept.payload if payload is None else payload
        if sent is None:
            raise UnknownEvent(original)
        copy = await self._invoke(Invocation(kept.function, sent, kept.qualifier))
        for subject in (original, copy):
            self._trace.emit(EventReplayed(subject, kept.function, original, copy))
        return copy

    async def redrive(self, function: str | None, request_ids: Sequence[str] | None = None) -> list[Redriven]:
        """Send discarded events again, all of a function or of all functions, or those named. What was sent again is
        no longer kept; a crash in between sends some twice. Raises UnknownEvent for a request id that is not kept."""
        events = self._dispatcher.discarded.all(function)
        if request_ids is not None:
            known = {event.request_id: event for event in events}
            for request_id in request_ids:
                if request_id not in known:
                    raise UnknownEvent(request_id)
            events = [known[request_id] for request_id in dict.fromkeys(request_ids)]
        found = [await self._redrive(event) for event in events]
        await self._dispatcher.discarded.forget([done.request_id for done in found if done.copy is not None])
        return found

    async def _redrive(self, event: DiscardedEvent) -> Redriven:
        try:
            payload = await self._dispatcher.discarded.payload(event.request_id)
            copy = await self.send(event.request_id, Kept(event.function, event.qualifier, payload))
        except UnknownEvent:
            return Redriven(event.request_id, event.function, refusal="its payload is gone")
        except CallerError as refusal:
            return Redriven(event.request_id, event.function, refusal=refusal.message)
        return Redriven(event.request_id, event.function, copy)

    async def _functions_with_events(self) -> list[str]:
        return [name for queue in await self._store.queues() if (name := function_of(queue)) is not None]

    async def _known(self, request_id: str) -> tuple[EventStanding | None, bytes | None, bytes | None]:
        """Standing, payload and last response."""
        discarded = self._dispatcher.discarded.get(request_id)
        if discarded is not None:
            payload = await self._dispatcher.discarded.payload(request_id)
            return self._discarded(discarded), payload, discarded.response
        result = self._dispatcher.results.get(request_id)
        if result is not None:
            return self._succeeded(result), result.request, result.payload
        for name in await self._functions_with_events():
            item = await self._store.find(queue_name(name), request_id)
            if item is not None:
                return self._standing(name, item), item.body, decode(item.state).last_response
        return None, None, None

    def _standing(self, function: str, item: WorkItem) -> EventStanding:
        event = LeasedEvent(function, item)
        running, throttled = self._dispatcher.in_hand(function)
        if item.id in running:
            return self._at_hand(event, "running", None)
        if (parked := throttled.get(item.id)) is not None:
            return self._at_hand(event, "throttled", parked.next_at)
        if item.ready_at > self._clock.now():
            return self._at_hand(event, "retrying", item.ready_at)
        return self._at_hand(event, "waiting", None)

    def _at_hand(self, event: LeasedEvent, status: EventStatus, next_at: float | None) -> EventStanding:
        state = event.state
        return EventStanding(
            request_id=event.id,
            function=event.function,
            status=status,
            accepted_at=state.accepted_at,
            attempts=state.attempts,
            size=len(event.body),
            age_seconds=self._clock.now() - state.accepted_at,
            next_at=next_at,
            qualifier=state.qualifier,
        )

    def _discarded(self, event: DiscardedEvent) -> EventStanding:
        return EventStanding(
            request_id=event.request_id,
            function=event.function,
            status="discarded",
            accepted_at=event.accepted_at,
            attempts=event.attempts,
            size=event.size,
            age_seconds=self._clock.now() - event.accepted_at,
            ended_at=event.discarded_at,
            reason=event.condition,
            qualifier=event.qualifier,
        )

    def _succeeded(self, result: EventResult) -> EventStanding:
        succeeded = result.condition == "Success"
        return EventStanding(
            request_id=result.request_id,
            function=result.function,
            status="succeeded" if succeeded else "discarded",
            accepted_at=result.accepted_at,
            attempts=result.attempts,
            size=len(result.request),
            age_seconds=self._clock.now() - result.accepted_at,
            ended_at=result.ended_at,
            reason=None if succeeded else result.condition,
            qualifier=result.qualifier,
        )


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode(errors="replace")
