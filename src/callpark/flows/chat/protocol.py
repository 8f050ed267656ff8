"""The chat web socket as a state machine: what a server does next.

`handle(socket, event, now, limits)` returns the new socket and effects as data; `api/chat_socket.py` carries them out.
It never raises for what a client sends. The table `TRANSITIONS` is the protocol: phase × occurrence → step.

    OPEN ── aws/subscribe ──▶ SUBSCRIBED ── too old, silent, replaced, chat over, shutdown ──▶ CLOSED
      └────────────────────── the same ────────────────────────────────────────────────────────▶ CLOSED

A socket gets the items that are written while it is subscribed; those before are in the transcript.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from callpark.flows.chat import frames
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.websocket import GOING_AWAY, NORMAL, POLICY_VIOLATION


class Phase(Enum):
    OPEN = "accepted, not subscribed"
    SUBSCRIBED = "gets what is written"
    CLOSED = "over"


class TimerName(Enum):
    LIFETIME = "the socket is too old"
    SILENCE = "the client has said nothing"
    FAREWELL = "the chat is over and the client does not leave"


@dataclass(frozen=True, slots=True)
class Socket:
    """One web socket. `heard_at`: when the client last said something, epoch seconds."""

    id: str
    phase: Phase = Phase.OPEN
    heard_at: float = 0.0


# Events: what happened to a socket.


@dataclass(frozen=True, slots=True)
class Opened:
    """The handshake is done."""


@dataclass(frozen=True, slots=True)
class Received:
    """A web-socket message; binary ones come as bytes."""

    message: str | bytes


@dataclass(frozen=True, slots=True)
class Written:
    """The chat has something for everybody: the text of a frame."""

    text: str


@dataclass(frozen=True, slots=True)
class ChatOver:
    pass


@dataclass(frozen=True, slots=True)
class Replaced:
    """The participant has opened more sockets than are allowed, and this is the oldest."""


@dataclass(frozen=True, slots=True)
class Due:
    timer: TimerName


@dataclass(frozen=True, slots=True)
class ShuttingDown:
    """The server stops."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The client is gone."""


Event: TypeAlias = Opened | Received | Written | ChatOver | Replaced | Due | ShuttingDown | Lost


# Effects: what the driver does, in order.


@dataclass(frozen=True, slots=True)
class Send:
    text: str


@dataclass(frozen=True, slots=True)
class Join:
    """Give `Written` for all that is written from here on; a customer's chat begins."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing more is wanted of the chat."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Give back `Due(timer)` at the instant `at` (epoch seconds)."""

    timer: TimerName
    at: float


@dataclass(frozen=True, slots=True)
class Close:
    """Close the web socket with an RFC 6455 code, after what was sent before."""

    code: int
    reason: str


Effect: TypeAlias = Send | Join | Leave | Arm | Close
Step: TypeAlias = tuple[Socket, tuple[Effect, ...]]


def handle(socket: Socket, event: Event, now: float, limits: ConnectLimits) -> Step:
    """What the event makes of the socket. Occurrences that the table does not name change nothing."""
    happened: object = event
    if isinstance(event, Received):
        happened = frames.parse(event.message)
        socket = replace(socket, heard_at=now)
    occurrence = happened.timer if isinstance(happened, Due) else type(happened)
    step = TRANSITIONS.get((socket.phase, occurrence))
    return (socket, ()) if step is None else step(socket, happened, now, limits)


def _opened(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    return replace(socket, heard_at=now), (
        Arm(TimerName.LIFETIME, now + limits.chat_socket_seconds),
        Arm(TimerName.SILENCE, now + limits.chat_idle_seconds),
    )


def _subscribe(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    """The answer goes out before anything that is written."""
    assert isinstance(event, frames.Subscribe)
    answer = Send(frames.subscribed(event.topics))
    if event.topics != (frames.CHAT,):
        return socket, (answer,)
    if socket.phase is Phase.SUBSCRIBED:
        return socket, (answer,)
    return replace(socket, phase=Phase.SUBSCRIBED), (answer, Join())


def _beat(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    return socket, (Send(frames.HEARTBEAT),)


def _pong(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    return socket, (Send(frames.PONG),)


def _unreadable(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    assert isinstance(event, frames.Unreadable)
    return socket, (Send(frames.problem(event.reason, socket.id)),)


def _written(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    assert isinstance(event, Written)
    return socket, (Send(event.text),)


def _chat_over(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    return socket, (Arm(TimerName.FAREWELL, now + limits.chat_farewell_seconds),)


def _silence(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    until = socket.heard_at + limits.chat_idle_seconds
    if now < until:
        return socket, (Arm(TimerName.SILENCE, until),)
    return _close(socket, GOING_AWAY, f"nothing was said for {limits.chat_idle_seconds:g} s")


def _too_old(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    return _close(socket, GOING_AWAY, "the connection has expired")


def _farewell(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    return _close(socket, NORMAL, "the chat is over")


def _replaced(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    return _close(socket, POLICY_VIOLATION, f"more than {limits.chat_sockets} sockets")


def _shut_down(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    return _close(socket, GOING_AWAY, "the server is stopping")


def _lost(socket: Socket, event: object, now: float, limits: ConnectLimits) -> Step:
    return replace(socket, phase=Phase.CLOSED), (Leave(),)


def _close(socket: Socket, code: int, reason: str) -> Step:
    return replace(socket, phase=Phase.CLOSED), (Leave(), Close(code, reason))


Transition: TypeAlias = Callable[[Socket, object, float, ConnectLimits], Step]

#: What both phases that are not CLOSED have in common; CLOSED knows nothing.
_ALWAYS: Mapping[object, Transition] = {
    frames.Subscribe: _subscribe,
    frames.Heartbeat: _beat,
    frames.Ping: _pong,
    frames.Unreadable: _unreadable,
    ChatOver: _chat_over,
    Replaced: _replaced,
    TimerName.LIFETIME: _too_old,
    TimerName.SILENCE: _silence,
    TimerName.FAREWELL: _farewell,
    ShuttingDown: _shut_down,
    Lost: _lost,
}

TRANSITIONS: Mapping[tuple[Phase, object], Transition] = {
    (Phase.OPEN, Opened): _opened,
    (Phase.SUBSCRIBED, Written): _written,
    **{(phase, occurrence): step for phase in (Phase.OPEN, Phase.SUBSCRIBED) for occurrence, step in _ALWAYS.items()},
}
