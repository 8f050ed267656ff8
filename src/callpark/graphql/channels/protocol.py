"""AppSync Events' websocket protocol (subprotocol `aws-appsync-event-ws`) as a state machine: what a server does next.

`handle(connection, event, now, limits)` returns the new connection and effects as data; `api/websocket.py` carries them
out. It never raises for what a client sends. The table `TRANSITIONS` is the protocol: phase × occurrence → step. What
all of AppSync's websockets have in common, from the opening to the end, is `realtime.lifecycle`'s.
https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeAlias

from callpark.graphql.channels import frames
from callpark.graphql.messages import ErrorEntry
from callpark.graphql.realtime.lifecycle import (
    ApiRemoved,
    Arm,
    Close,
    Due,
    Lifecycle,
    Lost,
    Opened,
    Phase,
    Received,
    Rejected,
    Send,
    ShuttingDown,
)
from callpark.kernel.limits import AppSyncLimits


class Stage(Enum):
    """Where one id of a connection stands."""

    STARTING = "subscribe received, not answered"
    STOPPING = "unsubscribe received before subscribe was answered"
    LIVE = "subscribed"
    PUBLISHING = "publish received, not answered"


@dataclass(frozen=True, slots=True)
class Connection:
    """One websocket. `operations` holds the ids that are taken."""

    phase: Phase = Phase.OPENING
    operations: Mapping[str, Stage] = field(default_factory=dict)

    def delivers(self, id: str) -> bool:
        """Whether a `data` frame may be sent for the id now."""
        return self.operations.get(id) is Stage.LIVE


@dataclass(frozen=True, slots=True)
class Established:
    """The subscription asked for by `Subscribe` may be."""

    id: str


@dataclass(frozen=True, slots=True)
class SubscriptionRefused:
    """The subscription asked for by `Subscribe` cannot be."""

    id: str
    errors: Sequence[ErrorEntry]


@dataclass(frozen=True, slots=True)
class PublicationDone:
    """What `Publish` asked for is done; `members` of the answer."""

    id: str
    members: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PublicationRefused:
    id: str
    errors: Sequence[ErrorEntry]


Event: TypeAlias = (
    Opened
    | Rejected
    | Received
    | Established
    | SubscriptionRefused
    | PublicationDone
    | PublicationRefused
    | Due
    | ApiRemoved
    | ShuttingDown
    | Lost
)


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Authorise and ask the handler; answer with Established or SubscriptionRefused."""

    frame: frames.Subscribe


@dataclass(frozen=True, slots=True)
class Publish:
    """Authorise and publish; answer with PublicationDone or PublicationRefused."""

    frame: frames.Publish


@dataclass(frozen=True, slots=True)
class Attach:
    """Deliver broadcasts to the id from here on."""

    id: str


@dataclass(frozen=True, slots=True)
class Release:
    """Forget the id: end what prepares it, deliver nothing more. A publication that was begun goes on."""

    id: str


Effect: TypeAlias = Send | Subscribe | Publish | Attach | Release | Arm | Close
Step: TypeAlias = tuple[Connection, tuple[Effect, ...]]


def handle(connection: Connection, event: Event, now: float, limits: AppSyncLimits) -> Step:
    """What the event makes of the connection. Occurrences that the table does not name change nothing."""
    happened: Event | frames.Frame = frames.parse(event.message, limits) if isinstance(event, Received) else event
    occurrence = happened.timer if isinstance(happened, Due) else type(happened)
    step = TRANSITIONS.get((connection.phase, occurrence))
    return (connection, ()) if step is None else step(connection, happened, now, limits)


def _unreadable(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, frames.Unreadable)
    return connection, (Send(event.answer),)


def _subscribe(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, frames.Subscribe)
    id = event.id
    if id in connection.operations:
        return connection, (_duplicated("subscribe_error", id),)
    maximum = limits.subscriptions_per_connection
    if sum(stage is not Stage.PUBLISHING for stage in connection.operations.values()) >= maximum:
        message = f"Max number of {maximum} subscriptions reached"
        return connection, (Send(frames.error("subscribe_error", id, "MaxSubscriptionsReachedError", message)),)
    return _with(connection, id, Stage.STARTING), (Subscribe(event),)


def _established(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, Established)
    match connection.operations.get(event.id):
        case Stage.STARTING:
            return _with(connection, event.id, Stage.LIVE), (
                Send(frames.subscribe_success(event.id)),
                Attach(event.id),
            )
        case Stage.STOPPING:
            return _without(connection, event.id), (
                Send(frames.subscribe_success(event.id)),
                Send(frames.unsubscribe_success(event.id)),
                Release(event.id),
            )
        case _:
            return connection, ()


def _subscription_refused(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, SubscriptionRefused)
    refusal = Send(frames.errors("subscribe_error", event.id, event.errors))
    match connection.operations.get(event.id):
        case Stage.STARTING:
            return _without(connection, event.id), (refusal, Release(event.id))
        case Stage.STOPPING:
            unknown = Send(frames.unknown_operation(event.id))
            return _without(connection, event.id), (refusal, unknown, Release(event.id))
        case _:
            return connection, ()


def _unsubscribe(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, frames.Unsubscribe)
    match connection.operations.get(event.id):
        case Stage.STARTING:
            return _with(connection, event.id, Stage.STOPPING), ()
        case Stage.LIVE:
            return _without(connection, event.id), (Release(event.id), Send(frames.unsubscribe_success(event.id)))
        case _:
            return connection, (Send(frames.unknown_operation(event.id)),)


def _publish(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, frames.Publish)
    id = event.id
    if id in connection.operations:
        return connection, (_duplicated("publish_error", id),)
    maximum = limits.publications_per_connection
    if sum(stage is Stage.PUBLISHING for stage in connection.operations.values()) >= maximum:
        return connection, (Send(frames.error("publish_error", id, "LimitExceededError", "Rate limit exceeded")),)
    return _with(connection, id, Stage.PUBLISHING), (Publish(event),)


def _publication_done(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, PublicationDone)
    return _published(connection, event.id, frames.publish_success(event.id, event.members))


def _publication_refused(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, PublicationRefused)
    return _published(connection, event.id, frames.errors("publish_error", event.id, event.errors))


def _published(connection: Connection, id: str, answer: str) -> Step:
    if connection.operations.get(id) is not Stage.PUBLISHING:
        return connection, ()
    return _without(connection, id), (Send(answer),)


def _over(connection: Connection) -> tuple[Connection, tuple[Release, ...]]:
    released = tuple(Release(id) for id, stage in connection.operations.items() if stage is not Stage.PUBLISHING)
    return Connection(phase=Phase.CLOSED), released


def _entered(connection: Connection, phase: Phase) -> Connection:
    return replace(connection, phase=phase)


def _duplicated(kind: frames.Kind, id: str) -> Send:
    return Send(frames.error(kind, id, "DuplicatedOperationError", f"Duplicated operation with id {id}"))


def _with(connection: Connection, id: str, stage: Stage) -> Connection:
    return replace(connection, operations={**connection.operations, id: stage})


def _without(connection: Connection, id: str) -> Connection:
    return replace(
        connection, operations={other: stage for other, stage in connection.operations.items() if other != id}
    )


Transition: TypeAlias = Callable[[Connection, object, float, AppSyncLimits], Step]

_LIFECYCLE = Lifecycle(_entered, _over, frames.connection_ack, frames.connection_error, frames.KEEP_ALIVE)

#: The protocol.
TRANSITIONS: Mapping[tuple[Phase, object], Transition] = {
    **_LIFECYCLE.transitions(
        frames.ConnectionInit, (frames.Subscribe, frames.Unsubscribe, frames.Publish, frames.Unreadable)
    ),
    (Phase.READY, frames.Subscribe): _subscribe,
    (Phase.READY, frames.Unsubscribe): _unsubscribe,
    (Phase.READY, frames.Publish): _publish,
    (Phase.READY, frames.Unreadable): _unreadable,
    (Phase.READY, Established): _established,
    (Phase.READY, SubscriptionRefused): _subscription_refused,
    (Phase.READY, PublicationDone): _publication_done,
    (Phase.READY, PublicationRefused): _publication_refused,
}
