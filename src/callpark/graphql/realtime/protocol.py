"""AWS AppSync's real-time protocol (subprotocol `graphql-ws`) as a state machine: what a server does next.

`handle(connection, event, now, limits)` returns the new connection and effects as data; `api/websocket.py` carries them
out. It never raises for what a client sends. The table `TRANSITIONS` is the protocol: phase × occurrence → step. What
all of AppSync's websockets have in common, from the opening to the end, is `lifecycle`'s.
https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeAlias

from callpark.graphql.messages import ErrorEntry
from callpark.graphql.realtime import frames
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
    """Where one subscription id of a connection stands."""

    STARTING = "start received, not answered"
    STOPPING = "stop received before start was answered"
    LIVE = "acknowledged"


@dataclass(frozen=True, slots=True)
class Connection:
    """One websocket. `subscriptions` holds the ids that are taken."""

    phase: Phase = Phase.OPENING
    subscriptions: Mapping[str, Stage] = field(default_factory=dict)

    def delivers(self, id: str) -> bool:
        """Whether a `data` frame may be sent for the id now."""
        return self.subscriptions.get(id) is Stage.LIVE


# Events: what happened to a connection.


@dataclass(frozen=True, slots=True)
class Established:
    """The subscription asked for by `Subscribe` exists."""

    id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The subscription asked for by `Subscribe` cannot be."""

    id: str
    errors: Sequence[ErrorEntry]


@dataclass(frozen=True, slots=True)
class Ended:
    """A mutation invalidated a subscription."""

    id: str


Event: TypeAlias = Opened | Rejected | Received | Established | Refused | Ended | Due | ApiRemoved | ShuttingDown | Lost


# Effects: what the driver does, in order.


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Authorise and prepare; answer with Established or Refused."""

    id: str
    operation: frames.Operation


@dataclass(frozen=True, slots=True)
class Attach:
    """Deliver publications to the id from here on."""

    id: str


@dataclass(frozen=True, slots=True)
class Release:
    """Forget the id: end what prepares it, deliver nothing more."""

    id: str


Effect: TypeAlias = Send | Subscribe | Attach | Release | Arm | Close
Step: TypeAlias = tuple[Connection, tuple[Effect, ...]]


def handle(connection: Connection, event: Event, now: float, limits: AppSyncLimits) -> Step:
    """What the event makes of the connection. Occurrences that the table does not name change nothing."""
    happened: Event | frames.Frame = frames.parse(event.message) if isinstance(event, Received) else event
    occurrence = happened.timer if isinstance(happened, Due) else type(happened)
    step = TRANSITIONS.get((connection.phase, occurrence))
    return (connection, ()) if step is None else step(connection, happened, now, limits)


def _start(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, frames.Start)
    id = event.id
    if id in connection.subscriptions:
        return connection, (Send(frames.error(id, "DuplicatedOperationError", f"Duplicated operation with id {id}")),)
    maximum = limits.subscriptions_per_connection
    if len(connection.subscriptions) >= maximum:
        message = f"Max number of {maximum} subscriptions reached"
        return connection, (Send(frames.error(id, "MaxSubscriptionsReachedError", message)),)
    return _with(connection, id, Stage.STARTING), (Subscribe(id, event.operation),)


def _unreadable(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, frames.Unreadable)
    return connection, (Send(frames.error(event.id, event.error_type, event.message)),)


def _established(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, Established)
    match connection.subscriptions.get(event.id):
        case Stage.STARTING:
            return _with(connection, event.id, Stage.LIVE), (Send(frames.start_ack(event.id)), Attach(event.id))
        case Stage.STOPPING:
            return _without(connection, event.id), (
                Send(frames.start_ack(event.id)),
                Send(frames.complete(event.id)),
                Release(event.id),
            )
        case _:
            return connection, ()


def _refused(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, Refused)
    if connection.subscriptions.get(event.id) not in (Stage.STARTING, Stage.STOPPING):
        return connection, ()
    return _without(connection, event.id), (Send(frames.errors(event.id, event.errors)), Release(event.id))


def _stop(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    # A stop for an id that is not there gets its complete too: the client wants it gone, and it is.
    assert isinstance(event, frames.Stop)
    match connection.subscriptions.get(event.id):
        case Stage.STARTING | Stage.STOPPING:
            return _with(connection, event.id, Stage.STOPPING), ()
        case Stage.LIVE:
            return _without(connection, event.id), (Release(event.id), Send(frames.complete(event.id)))
        case None:
            return connection, (Send(frames.complete(event.id)),)


def _ended(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    assert isinstance(event, Ended)
    if not connection.delivers(event.id):
        return connection, ()
    return _without(connection, event.id), (Release(event.id), Send(frames.complete(event.id)))


def _over(connection: Connection) -> tuple[Connection, tuple[Release, ...]]:
    return Connection(phase=Phase.CLOSED), tuple(Release(id) for id in connection.subscriptions)


def _entered(connection: Connection, phase: Phase) -> Connection:
    return replace(connection, phase=phase)


def _with(connection: Connection, id: str, stage: Stage) -> Connection:
    return replace(connection, subscriptions={**connection.subscriptions, id: stage})


def _without(connection: Connection, id: str) -> Connection:
    return replace(
        connection, subscriptions={other: stage for other, stage in connection.subscriptions.items() if other != id}
    )


Transition: TypeAlias = Callable[[Connection, object, float, AppSyncLimits], Step]

_LIFECYCLE = Lifecycle(_entered, _over, frames.connection_ack, frames.connection_error, frames.KEEP_ALIVE)

#: The protocol.
TRANSITIONS: Mapping[tuple[Phase, object], Transition] = {
    **_LIFECYCLE.transitions(frames.ConnectionInit, (frames.Start, frames.Stop, frames.Unreadable)),
    (Phase.READY, frames.Start): _start,
    (Phase.READY, frames.Stop): _stop,
    (Phase.READY, frames.Unreadable): _unreadable,
    (Phase.READY, Established): _established,
    (Phase.READY, Refused): _refused,
    (Phase.READY, Ended): _ended,
}
