"""The durable state of an asynchronous event: the small part beside its body that a retry rewrites.

Written by `events/dispatcher.py` when an event is accepted and by `events/queue.py` when it is retried. The throttle
counter is not here: it lives and dies with the lease, in memory.
"""

import msgspec


class EventState(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """`qualifier` is the one the event was sent to, None for none; `attempts` counts runs; `last_response` and
    `last_error` are what the last run, of `last_version`, answered, for the invocation record. Instants in epoch
    seconds."""

    accepted_at: float
    qualifier: str | None = None
    trace_header: str | None = None
    attempts: int = 0
    last_response: bytes | None = None
    last_error: str | None = None
    last_version: str | None = None


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(EventState).decode


def queue_name(function: str) -> str:
    """The store's queue that holds a function's events."""
    return f"events/{function}"


def function_of(queue: str) -> str | None:
    """The function whose events a queue holds; None for another slice's queue."""
    name = queue.removeprefix("events/")
    return name if name != queue else None
