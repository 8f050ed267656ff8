"""How a leased event leaves the hands of its worker: succeeded, to be retried, discarded, abandoned.

Called by `events/queue.py` with what policy decided. Each ending is one commit, which holds the records for
destinations beside the removal; what happened is told to the trace once it is durable.
"""

import logging
from collections.abc import Sequence

from callpark.functions.events import happenings
from callpark.functions.events.dead_letter import DeadLetter, dead_letter
from callpark.functions.events.destinations import (
    Delivery,
    DestinationKind,
    Response,
    Undeliverable,
    deliver,
    invocation_record,
)
from callpark.functions.events.policy import Condition
from callpark.functions.events.results import EventResult
from callpark.functions.events.state import encode
from callpark.functions.events.world import EventSubject, EventWorld, LeasedEvent
from callpark.functions.names import LATEST
from callpark.store.ports import Change, Defer, Done

_log = logging.getLogger("callpark")

FUNCTION_DELETED = "FunctionDeleted"


async def succeed(world: EventWorld, event: LeasedEvent, subject: EventSubject) -> None:
    if subject.on_success is None:
        world.commits.remove(Done(event.queue, event.id, patient=True))
    else:
        await _end_with_record(world, event, subject, "Success", "OnSuccess", subject.on_success)
    world.trace.emit(happenings.EventSucceeded(event.id, event.function, event.state.attempts))
    _keep_result(world, event, "Success")


async def retry(world: EventWorld, event: LeasedEvent, at: float) -> None:
    await world.commits.commit((Defer(event.queue, event.id, encode(event.state), at),))
    world.trace.emit(happenings.EventRetryScheduled(event.id, event.function, event.state.attempts, at))


async def discard(world: EventWorld, event: LeasedEvent, subject: EventSubject, condition: Condition) -> None:
    letter = _dead_letter(world, event, subject)
    kept = [*world.discarded.keep(event, condition), *(letter.changes if isinstance(letter, DeadLetter) else ())]
    if subject.on_failure is None:
        await world.commits.commit((*kept, Done(event.queue, event.id)))
    else:
        await _end_with_record(world, event, subject, condition, "OnFailure", subject.on_failure, kept)
    world.trace.emit(
        happenings.EventDiscarded(event.id, event.function, event.state.attempts, condition, event.resource)
    )
    if subject.dead_letter_target is not None and letter is not None:
        _tell_dead_letter(world, event, subject.dead_letter_target, letter)
    _keep_result(world, event, condition)


async def abandon(world: EventWorld, event: LeasedEvent) -> None:
    """The function was deleted; its destinations went with it."""
    kept = world.discarded.keep(event, FUNCTION_DELETED)
    await world.commits.commit((Done(event.queue, event.id), *kept))
    world.trace.emit(happenings.EventDiscarded(event.id, event.function, event.state.attempts, FUNCTION_DELETED))
    _keep_result(world, event, FUNCTION_DELETED)


async def _end_with_record(
    world: EventWorld,
    event: LeasedEvent,
    subject: EventSubject,
    condition: str,
    kind: DestinationKind,
    target: str,
    kept: Sequence[Change] = (),
) -> None:
    state, now = event.state, world.clock.now()
    record = invocation_record(
        at=now,
        request_id=event.id,
        function_arn=subject.arn,
        condition=condition,
        attempts=state.attempts,
        payload=event.body,
        response=_response(event),
    )
    delivery = deliver(
        record,
        target,
        kind=kind,
        source_request_id=event.id,
        trace_header=world.functions.trace_onwards(event.function, event.id, state.trace_header),
        now=now,
        source_function=event.function,
        source_arn=subject.arn,
        limits=world.limits,
        function_named=world.functions.function_named,
        queues=world.queues,
    )
    done = Done(event.queue, event.id)
    match delivery:
        case Delivery(changes, delivered_id):
            await world.commits.commit((*changes, *kept, done))
            if delivered_id is not None:
                world.trace.emit(happenings.DestinationDelivered(event.id, event.function, kind, target, delivered_id))
        case Undeliverable(reason):
            await world.commits.commit((*kept, done))
            _log.warning("event %s of %s not sent to %s %s: %s", event.id, event.function, kind, target, reason)
            world.trace.emit(happenings.DestinationFailed(event.id, event.function, kind, target, reason, record))


def _response(event: LeasedEvent) -> Response | None:
    state = event.state
    if state.last_response is None:
        return None
    return Response(state.last_response, state.last_error, state.last_version or LATEST)


def _dead_letter(world: EventWorld, event: LeasedEvent, subject: EventSubject) -> DeadLetter | Undeliverable | None:
    if subject.dead_letter_target is None:
        return None
    return dead_letter(
        event.body,
        subject.dead_letter_target,
        request_id=event.id,
        response=_response(event),
        trace_header=event.state.trace_header,
        function=event.function,
        function_arn=subject.arn,
        now=world.clock.now(),
        limits=world.limits,
        queues=world.queues,
    )


def _tell_dead_letter(world: EventWorld, event: LeasedEvent, target: str, letter: DeadLetter | Undeliverable) -> None:
    match letter:
        case DeadLetter(message_id=None):
            pass
        case DeadLetter(message_id=str(message_id)):
            world.trace.emit(happenings.DeadLetterSent(event.id, event.function, target, message_id))
        case Undeliverable(reason):
            _log.warning("event %s of %s not sent to dead-letter %s: %s", event.id, event.function, target, reason)
            world.trace.emit(happenings.DeadLetterFailed(event.id, event.function, target, reason))


def _keep_result(world: EventWorld, event: LeasedEvent, condition: str) -> None:
    state = event.state
    world.results.keep(
        EventResult(
            request_id=event.id,
            condition=condition,
            attempts=state.attempts,
            ended_at=world.clock.now(),
            payload=state.last_response,
            function_error=state.last_error,
            function=event.function,
            qualifier=state.qualifier,
            accepted_at=state.accepted_at,
            request=event.body,
        )
    )
