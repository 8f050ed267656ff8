"""What Event APIs tell the trace."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventsPublished:
    """A publication to a channel of the API `subject` was carried out: `accepted` events, of which the handler failed
    `failed`; what it left was broadcast as `broadcast` events in `deliveries` frames."""

    subject: str
    channel: str
    accepted: int
    failed: int
    broadcast: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class ChannelSubscribed:
    """A subscription to a channel of the API `subject` was let in."""

    subject: str
    channel: str
