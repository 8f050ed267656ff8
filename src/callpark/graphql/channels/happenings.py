"""What Event APIs tell the trace. `subject` is the API; `channel` a path, as in `/namespace/a/b`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventsPublished:
    """A publication was carried out: `accepted` events, of which the handler, if one ran (`handled`), failed `failed`;
    what it left went out in `deliveries` frames as events of `sizes` bytes. `withheld` frames had too large a one."""

    subject: str
    channel: str
    accepted: int
    failed: int
    sizes: tuple[int, ...]
    deliveries: int
    withheld: int = 0
    handled: bool = False


@dataclass(frozen=True, slots=True)
class RequestServed:
    """A publication over HTTP was answered with `status`; `seconds` are the clock's."""

    subject: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class MessageServed:
    """A publication over a websocket was answered; `status` is what HTTP would have said."""

    subject: str
    channel: str
    status: int


@dataclass(frozen=True, slots=True)
class ChannelSubscribed:
    """A subscription was let in, by a handler if one ran."""

    subject: str
    channel: str
    handled: bool = False


@dataclass(frozen=True, slots=True)
class SubscriptionDenied:
    """A subscription was refused with what HTTP would call `status`."""

    subject: str
    channel: str
    status: int


@dataclass(frozen=True, slots=True)
class ChannelUnsubscribed:
    """A subscription that was let in has ended, whoever ended it."""

    subject: str
    channel: str


@dataclass(frozen=True, slots=True)
class ConnectionJudged:
    """A websocket asked to be let in: 200 says that it was."""

    subject: str
    status: int


@dataclass(frozen=True, slots=True)
class ConnectionEnded:
    """A websocket that was let in has ended, `seconds` of the clock later."""

    subject: str
    seconds: float
