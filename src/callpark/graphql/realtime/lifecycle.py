"""From upgrade to close: what all of AppSync's websocket protocols have in common. Pure.

`protocol.py`, here and in `channels`, says how its frames read and what its end releases (`Lifecycle`); `transitions`
is the common part of its table, phase × occurrence → step.

    OPENING ── connection_init ──▶ READY ── lifetime over, API gone, shutdown ──▶ CLOSED
       └────── refused ──▶ REFUSED ── any frame, grace over ──▶ CLOSED
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

from callpark.kernel.limits import AppSyncLimits
from callpark.kernel.websocket import GOING_AWAY, NORMAL, POLICY_VIOLATION


class Phase(Enum):
    OPENING = "accepted, connection_init not seen"
    READY = "acknowledged"
    REFUSED = "told why it was refused"
    CLOSED = "over"


class TimerName(Enum):
    INIT = "connection_init is late"
    KEEP_ALIVE = "ka is due"
    LIFETIME = "the connection is too old"


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


# Effects: what the driver does, in order.


@dataclass(frozen=True, slots=True)
class Send:
    text: str


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


_Connection = TypeVar("_Connection")
_Release = TypeVar("_Release")

_Step: TypeAlias = tuple[_Connection, tuple[_Release | Send | Arm | Close, ...]]
_Transition: TypeAlias = Callable[[_Connection, object, float, AppSyncLimits], _Step[_Connection, _Release]]


@dataclass(frozen=True, slots=True)
class Lifecycle(Generic[_Connection, _Release]):
    """A protocol's own: `entered` is the connection in another phase, `over` what is left of it and what to release."""

    entered: Callable[[_Connection, Phase], _Connection]
    over: Callable[[_Connection], tuple[_Connection, tuple[_Release, ...]]]
    connection_ack: Callable[[int], str]
    connection_error: Callable[[str, int, str | None], str]
    keep_alive: str

    def transitions(
        self, init: type, others: Sequence[type]
    ) -> Mapping[tuple[Phase, object], _Transition[_Connection, _Release]]:
        """`init` is the frame that asks for the acknowledgement, `others` are all other frames. Those mean nothing
        before it, and a second `init` means nothing after it."""
        return {
            (Phase.OPENING, Opened): self._opened,
            (Phase.OPENING, Rejected): self._reject,
            (Phase.OPENING, init): self._acknowledge,
            (Phase.OPENING, TimerName.INIT): self._init_missing,
            (Phase.OPENING, TimerName.LIFETIME): self._too_old,
            (Phase.OPENING, ApiRemoved): self._api_gone,
            (Phase.OPENING, ShuttingDown): self._shut_down,
            (Phase.OPENING, Lost): self._lost,
            **{(Phase.REFUSED, frame): self._hang_up for frame in (init, *others)},
            (Phase.REFUSED, TimerName.INIT): self._hang_up,
            (Phase.REFUSED, ApiRemoved): self._api_gone,
            (Phase.REFUSED, ShuttingDown): self._shut_down,
            (Phase.REFUSED, Lost): self._lost,
            (Phase.READY, TimerName.KEEP_ALIVE): self._keep_alive,
            (Phase.READY, TimerName.LIFETIME): self._too_old,
            (Phase.READY, ApiRemoved): self._api_gone,
            (Phase.READY, ShuttingDown): self._shut_down,
            (Phase.READY, Lost): self._lost,
        }

    def _api_gone(
        self, connection: _Connection, event: object, now: float, limits: AppSyncLimits
    ) -> _Step[_Connection, _Release]:
        return self._close(connection, Close(GOING_AWAY, "the API is gone"))

    def _opened(
        self, connection: _Connection, event: object, now: float, limits: AppSyncLimits
    ) -> _Step[_Connection, _Release]:
        return connection, (
            Arm(TimerName.INIT, now + limits.connection_init_seconds),
            Arm(TimerName.LIFETIME, now + limits.connection_lifetime_seconds),
        )

    def _reject(
        self, connection: _Connection, event: object, now: float, limits: AppSyncLimits
    ) -> _Step[_Connection, _Release]:
        # The socket stays open until the client says something: some clients write before they read, and would see a
        # broken connection instead of the reason.
        assert isinstance(event, Rejected)
        return self.entered(connection, Phase.REFUSED), (
            Send(self.connection_error(event.message, event.code, event.error_type)),
            Arm(TimerName.INIT, now + limits.refusal_grace_seconds),
        )

    def _acknowledge(
        self, connection: _Connection, event: object, now: float, limits: AppSyncLimits
    ) -> _Step[_Connection, _Release]:
        acknowledgement = Send(self.connection_ack(limits.connection_timeout_milliseconds))
        return self.entered(connection, Phase.READY), (acknowledgement, *self._kept_alive(now, limits))

    def _keep_alive(
        self, connection: _Connection, event: object, now: float, limits: AppSyncLimits
    ) -> _Step[_Connection, _Release]:
        return connection, self._kept_alive(now, limits)

    def _init_missing(
        self, connection: _Connection, event: object, now: float, limits: AppSyncLimits
    ) -> _Step[_Connection, _Release]:
        reason = f"no connection_init within {limits.connection_init_seconds:g} s"
        return self._close(connection, Close(POLICY_VIOLATION, reason))

    def _too_old(
        self, connection: _Connection, event: object, now: float, limits: AppSyncLimits
    ) -> _Step[_Connection, _Release]:
        hours = limits.connection_lifetime_seconds / 3600
        return self._close(connection, Close(GOING_AWAY, f"connection older than {hours:g} h"))

    def _shut_down(
        self, connection: _Connection, event: object, now: float, limits: AppSyncLimits
    ) -> _Step[_Connection, _Release]:
        return self._close(connection, Close(GOING_AWAY, "the server is stopping"))

    def _hang_up(
        self, connection: _Connection, event: object, now: float, limits: AppSyncLimits
    ) -> _Step[_Connection, _Release]:
        return self._close(connection, Close(NORMAL, ""))

    def _lost(
        self, connection: _Connection, event: object, now: float, limits: AppSyncLimits
    ) -> _Step[_Connection, _Release]:
        return self._close(connection)

    def _kept_alive(self, now: float, limits: AppSyncLimits) -> tuple[Send, Arm]:
        return Send(self.keep_alive), Arm(TimerName.KEEP_ALIVE, now + limits.keep_alive_seconds)

    def _close(self, connection: _Connection, *farewell: Close) -> _Step[_Connection, _Release]:
        closed, released = self.over(connection)
        return closed, (*released, *farewell)
