"""Discarded events, kept on disk with their payloads so that they can be sent again.

Filled by `events/endings.py` in the commit that ends the event, so none is lost between the two. Bounded in number,
size and age (`lambda.kept_discarded`, `…_bytes`, `lambda.discarded_retention_seconds`): the oldest go. What is known
of them is in memory too; payloads are not.
"""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from callpark.functions.events.world import LeasedEvent
from callpark.kernel.clock import Clock
from callpark.kernel.limits import LambdaLimits
from callpark.store.ports import Change, DeleteRow, SetRow, Store

TABLE, PAYLOADS = "events/discarded", "events/discarded-payloads"


class DiscardedEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """`condition` is why, as the invocation record names it, or `FunctionDeleted`; `response` what the last run
    answered, cut to a kilobyte. Instants in epoch seconds, `size` in bytes."""

    request_id: str
    function: str
    condition: str
    attempts: int
    accepted_at: float
    discarded_at: float
    size: int
    qualifier: str | None = None
    response: bytes | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DiscardedEvent).decode
_RESPONSE_BYTES = 1_024


class DiscardedEvents:
    """Oldest first."""

    def __init__(self, clock: Clock, limits: LambdaLimits, store: Store) -> None:
        self._clock = clock
        self._limits = limits
        self._store = store
        self._events: OrderedDict[str, DiscardedEvent] = OrderedDict()
        self._bytes = 0

    async def load(self) -> None:
        """Take up what a former process kept."""
        rows = [_decode(row.value) for row in await self._store.scan(TABLE)]
        for event in sorted(rows, key=lambda event: event.discarded_at):
            self._add(event)

    async def refresh(self) -> None:
        """Take note of what other nodes have discarded, and of what they have sent again. Raises StoreFailure."""
        kept = {row.key: row for row in await self._store.scan(TABLE)}
        for request_id in [each for each in self._events if each not in kept]:
            self._drop(request_id)
        if new := [_decode(row.value) for request_id, row in kept.items() if request_id not in self._events]:
            for event in new:
                self._add(event)
            self._events = OrderedDict(sorted(self._events.items(), key=lambda pair: pair[1].discarded_at))

    def keep(self, event: LeasedEvent, condition: str) -> list[Change]:
        """What belongs into the commit that ends the event. The same event twice is kept once."""
        state = event.state
        discarded = DiscardedEvent(
            request_id=event.id,
            function=event.function,
            condition=condition,
            attempts=state.attempts,
            accepted_at=state.accepted_at,
            discarded_at=self._clock.now(),
            size=len(event.body),
            qualifier=state.qualifier,
            response=None if state.last_response is None else state.last_response[:_RESPONSE_BYTES],
        )
        self._drop(event.id)
        self._add(discarded)
        changes = self._trim()
        if event.id in self._events:  # one that is larger than the bound is not
            changes += [SetRow(TABLE, event.id, _encode(discarded)), SetRow(PAYLOADS, event.id, event.body)]
        return changes

    async def forget(self, request_ids: Sequence[str]) -> None:
        """These have been sent again. Raises StoreFailure."""
        changes = [change for request_id in request_ids for change in _removal(request_id)]
        if changes:
            await self._store.commit(changes)
        for request_id in request_ids:
            self._drop(request_id)

    def get(self, request_id: str) -> DiscardedEvent | None:
        event = self._events.get(request_id)
        return None if event is None or event.discarded_at < self._oldest() else event

    def all(self, function: str | None = None) -> list[DiscardedEvent]:
        """Of one function, or of all."""
        oldest = self._oldest()
        return [
            event
            for event in self._events.values()
            if event.discarded_at >= oldest and function in (None, event.function)
        ]

    async def payload(self, request_id: str) -> bytes | None:
        row = await self._store.get(PAYLOADS, request_id)
        return None if row is None else row.value

    def _oldest(self) -> float:
        return self._clock.now() - self._limits.discarded_retention_seconds

    def _trim(self) -> list[Change]:
        changes: list[Change] = []
        limits, oldest = self._limits, self._oldest()
        while self._events and (
            len(self._events) > limits.kept_discarded
            or self._bytes > limits.kept_discarded_bytes
            or next(iter(self._events.values())).discarded_at < oldest
        ):
            request_id = next(iter(self._events))
            self._drop(request_id)
            changes += _removal(request_id)
        return changes

    def _add(self, event: DiscardedEvent) -> None:
        self._events[event.request_id] = event
        self._bytes += event.size

    def _drop(self, request_id: str) -> None:
        event = self._events.pop(request_id, None)
        if event is not None:
            self._bytes -= event.size


def _removal(request_id: str) -> list[Change]:
    return [DeleteRow(TABLE, request_id), DeleteRow(PAYLOADS, request_id)]
