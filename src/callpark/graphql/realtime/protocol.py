"""AWS AppSync's real-time protocol (subprotocol `graphql-ws`) as a state machine: what a server does next.

`handle(connection, event, now, limits)` returns the new connection and effects as data; `api/websocket.py` carries them
out. It never raises for what a client sends. The table `TRANSITIONS` is the protocol: phase × occurrence → step.
https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html

    OPENING ── connection_init ──▶ READY ── lifetime over, API gone, shutdown ──▶ CLOSED
       └────── refused ──▶ REFUSED ── any frame, grace over ──▶ CLOSED
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeAlias

from callpark.graphql.messages import ErrorEntry
from callpark.graphql.realtime import frames
from callpark.kernel.limits import AppSyncLimits


class Phase(Enum):
    OPENING = "accepted, connection_init not seen"
    READY = "acknowledged"
    REFUSED = "told why it was refused"
    CLOSED = "over"


class Stage(Enum):
    """Where one subscription id of a connection stands."""

    STARTING = "start received, not answered"
    STOPPING = "stop received before start was answered"
    LIVE = "acknowledged"


class TimerName(Enum):
    INIT = "connection_init is late"
    KEEP_ALIVE = "ka is due"
    LIFETIME = "the connection is too old"


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
class Opened:
    """The handshake is done and the credentials of the connection were good."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The handshake is done, but nobody may come in: `message` and `code` go into `connection_error`."""

    message: str
    code: int
    error_type: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A websocket message; binary ones come as bytes."""

    message: str | bytes


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


@dataclass(frozen=True, slots=True)
class Due:
    timer: TimerName


@dataclass(frozen=True, slots=True)
class ApiRemoved:
    """The API that the connection was opened for is served no longer."""


@dataclass(frozen=True, slots=True)
class ShuttingDown:
    """The server stops."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The client is gone."""


Event: TypeAlias = Opened | Rejected | Received | Established | Refused | Ended | Due | ApiRemoved | ShuttingDown | Lost


# Effects: what the driver does, in order.


@dataclass(frozen=True, slots=True)
class Send:
    text: str


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


@dataclass(frozen=True, slots=True)
class Arm:
    """Give back `Due(timer)` at the instant `at` (epoch seconds)."""

    timer: TimerName
    at: float


@dataclass(frozen=True, slots=True)
class Close:
    """Close the websocket with an RFC 6455 code, after what was sent before."""

    code: int
    reason: str


Effect: TypeAlias = Send | Subscribe | Attach | Release | Arm | Close
Step: TypeAlias = tuple[Connection, tuple[Effect, ...]]

NORMAL, GOING_AWAY, POLICY_VIOLATION = 1000, 1001, 1008


def handle(connection: Connection, event: Event, now: float, limits: AppSyncLimits) -> Step:
    """What the event makes of the connection. Occurrences that the table does not name change nothing."""
    happened: Event | frames.Frame = frames.parse(event.message) if isinstance(event, Received) else event
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


def _init_missing(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    reason = f"no connection_init within {limits.connection_init_seconds:g} s"
    return _close(connection, Close(POLICY_VIOLATION, reason))


def _too_old(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return _close(
        connection, Close(GOING_AWAY, f"connection older than {limits.connection_lifetime_seconds / 3600:g} h")
    )


def _shut_down(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return _close(connection, Close(GOING_AWAY, "the server is stopping"))


def _api_removed(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return _close(connection, Close(GOING_AWAY, "the API is gone"))


def _hang_up(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return _close(connection, Close(NORMAL, ""))


def _lost(connection: Connection, event: object, now: float, limits: AppSyncLimits) -> Step:
    return _close(connection)


def _close(connection: Connection, *farewell: Effect) -> Step:
    released = tuple(Release(id) for id in connection.subscriptions)
    return Connection(phase=Phase.CLOSED), (*released, *farewell)


def _with(connection: Connection, id: str, stage: Stage) -> Connection:
    return replace(connection, subscriptions={**connection.subscriptions, id: stage})


def _without(connection: Connection, id: str) -> Connection:
    return replace(
        connection, subscriptions={other: stage for other, stage in connection.subscriptions.items() if other != id}
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
    (Phase.OPENING, ApiRemoved): _api_removed,
    (Phase.OPENING, ShuttingDown): _shut_down,
    (Phase.OPENING, Lost): _lost,
    (Phase.REFUSED, frames.ConnectionInit): _hang_up,
    (Phase.REFUSED, frames.Start): _hang_up,
    (Phase.REFUSED, frames.Stop): _hang_up,
    (Phase.REFUSED, frames.Unreadable): _hang_up,
    (Phase.REFUSED, TimerName.INIT): _hang_up,
    (Phase.REFUSED, ShuttingDown): _shut_down,
    (Phase.REFUSED, Lost): _lost,
    (Phase.READY, frames.Start): _start,
    (Phase.READY, frames.Stop): _stop,
    (Phase.READY, frames.Unreadable): _unreadable,
    (Phase.READY, Established): _established,
    (Phase.READY, Refused): _refused,
    (Phase.READY, Ended): _ended,
    (Phase.READY, TimerName.KEEP_ALIVE): _keep_alive,
    (Phase.READY, TimerName.LIFETIME): _too_old,
    (Phase.READY, ApiRemoved): _api_removed,
    (Phase.READY, ShuttingDown): _shut_down,
    (Phase.READY, Lost): _lost,
}
