"""AppSync Events' websocket protocol (subprotocol `aws-appsync-event-ws`) as a state machine: what a server does next.

`handle(connection, event, now, limits)` returns the new connection and effects as data; `api/websocket.py` carries them
out. It never raises for what a client sends. The table `TRANSITIONS` is the protocol: phase × occurrence → step. What
all of AppSync's websockets have in common is `realtime.protocol`'s.
https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html

    OPENING ── connection_init ──▶ READY ── lifetime over, shutdown ──▶ CLOSED
       └────── refused ──▶ REFUSED ── any frame, grace over ──▶ CLOSED
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeAlias

from callpark.graphql.channels import frames
from callpark.graphql.messages import ErrorEntry
from callpark.graphql.realtime.protocol import (
    GOING_AWAY,
    NORMAL,
    POLICY_VIOLATION,
    ApiRemoved,
    Arm,
    Close,
    Due,
    Lost,
    Opened,
    Phase,
    Received,
    Rejected,
    Send,
    ShuttingDown,
    TimerName,
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


def _opened(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return connection, (
        Arm(TimerName.INIT, now + limits.connection_init_seconds),
        Arm(TimerName.LIFETIME, now + limits.connection_lifetime_seconds),
    )


def _reject(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    # The socket stays open until the client says something: some clients write before they read, and would see a
    # broken connection instead of the reason.
    assert isinstance(event, Rejected)
    return replace(connection, phase=Phase.REFUSED), (
        Send(frames.connection_error(event.message, event.code, event.error_type)),
        Arm(TimerName.INIT, now + limits.refusal_grace_seconds),
    )


def _acknowledge(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return replace(connection, phase=Phase.READY), (
        Send(frames.connection_ack(limits.connection_timeout_milliseconds)),
        Send(frames.KEEP_ALIVE),
        Arm(TimerName.KEEP_ALIVE, now + limits.keep_alive_seconds),
    )


def _keep_alive(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return connection, (Send(frames.KEEP_ALIVE), Arm(TimerName.KEEP_ALIVE, now + limits.keep_alive_seconds))


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


def _init_missing(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return _close(
        connection, Close(POLICY_VIOLATION, f"no connection_init within {limits.connection_init_seconds:g} s")
    )


def _too_old(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    hours = limits.connection_lifetime_seconds / 3600
    return _close(connection, Close(GOING_AWAY, f"connection older than {hours:g} h"))


def _api_gone(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return _close(connection, Close(GOING_AWAY, "the API is gone"))


def _shut_down(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return _close(connection, Close(GOING_AWAY, "the server is stopping"))


def _hang_up(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return _close(connection, Close(NORMAL, ""))


def _lost(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return _close(connection)


def _close(connection: Connection, *farewell: Effect) -> Step:
    released = tuple(Release(id) for id, stage in connection.operations.items() if stage is not Stage.PUBLISHING)
    return Connection(phase=Phase.CLOSED), (*released, *farewell)


def _duplicated(kind: frames.Kind, id: str) -> Send:
    return Send(frames.error(kind, id, "DuplicatedOperationError", f"Duplicated operation with id {id}"))


def _with(connection: Connection, id: str, stage: Stage) -> Connection:
    return replace(connection, operations={**connection.operations, id: stage})


def _without(connection: Connection, id: str) -> Connection:
    return replace(
        connection, operations={other: stage for other, stage in connection.operations.items() if other != id}
    )


Transition: TypeAlias = Callable[[Connection, object, float, AppSyncLimits], Step]

#: The protocol. Frames other than connection_init mean nothing before the acknowledgement, and a second
#: connection_init means nothing after it.
TRANSITIONS: Mapping[tuple[Phase, object], Transition] = {
    (Phase.OPENING, Opened): _opened,
    (Phase.OPENING, Rejected): _reject,
    (Phase.OPENING, frames.ConnectionInit): _acknowledge,
    (Phase.OPENING, TimerName.INIT): _init_missing,
    (Phase.OPENING, TimerName.LIFETIME): _too_old,
    (Phase.OPENING, ApiRemoved): _api_gone,
    (Phase.OPENING, ShuttingDown): _shut_down,
    (Phase.OPENING, Lost): _lost,
    (Phase.REFUSED, frames.ConnectionInit): _hang_up,
    (Phase.REFUSED, frames.Subscribe): _hang_up,
    (Phase.REFUSED, frames.Unsubscribe): _hang_up,
    (Phase.REFUSED, frames.Publish): _hang_up,
    (Phase.REFUSED, frames.Unreadable): _hang_up,
    (Phase.REFUSED, TimerName.INIT): _hang_up,
    (Phase.REFUSED, ApiRemoved): _api_gone,
    (Phase.REFUSED, ShuttingDown): _shut_down,
    (Phase.REFUSED, Lost): _lost,
    (Phase.READY, frames.Subscribe): _subscribe,
    (Phase.READY, frames.Unsubscribe): _unsubscribe,
    (Phase.READY, frames.Publish): _publish,
    (Phase.READY, frames.Unreadable): _unreadable,
    (Phase.READY, Established): _established,
    (Phase.READY, SubscriptionRefused): _subscription_refused,
    (Phase.READY, PublicationDone): _publication_done,
    (Phase.READY, PublicationRefused): _publication_refused,
    (Phase.READY, TimerName.KEEP_ALIVE): _keep_alive,
    (Phase.READY, TimerName.LIFETIME): _too_old,
    (Phase.READY, ApiRemoved): _api_gone,
    (Phase.READY, ShuttingDown): _shut_down,
    (Phase.READY, Lost): _lost,
}
