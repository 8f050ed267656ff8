"""What happens to asynchronous events, for the trace: timelines, the command line and tests read it.

The subject is the event's request id throughout. What happens inside an environment (log lines, durations) is told by
`environments/`.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec


class EventAccepted(msgspec.Struct, frozen=True):
    """The event is on disk and was acknowledged. `size` in bytes."""

    subject: str
    function: str
    size: int


@dataclass(frozen=True, slots=True)
class EventAttemptEnded:
    """The handler ran. `attempt` counts from 1; `age_seconds` is how old the event was when the attempt began."""

    subject: str
    function: str
    attempt: int
    function_error: str | None
    age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class EventRetryScheduled:
    """The function failed and runs again at `at` (epoch seconds)."""

    subject: str
    function: str
    attempt: int
    at: float


@dataclass(frozen=True, slots=True)
class EventThrottled:
    """No attempt was possible; the next is tried at `at` or as soon as there is room."""

    subject: str
    function: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class InvocationThrottled:
    """A synchronous invocation found no room. The subject is its request id."""

    subject: str
    function: str
    reason: str


@dataclass(frozen=True, slots=True)
class InvocationInCircles:
    """A synchronous invocation was refused as recursive. The subject is its request id."""

    subject: str
    function: str


@dataclass(frozen=True, slots=True)
class EventReplayed:
    """An event that had ended was sent again: `original` is its request id, `copy` the new one. Told for both."""

    subject: str
    function: str
    original: str
    copy: str


@dataclass(frozen=True, slots=True)
class EventSucceeded:
    subject: str
    function: str
    attempts: int


@dataclass(frozen=True, slots=True)
class EventDiscarded:
    """Given up after `attempts` runs, for the condition that the invocation record names, or `FunctionDeleted`."""

    subject: str
    function: str
    attempts: int
    condition: str


@dataclass(frozen=True, slots=True)
class DestinationDelivered:
    """An invocation record is in the queue of another function, as the event `delivered_id`, or in an SQS queue, as the
    message of that id."""

    subject: str
    function: str
    kind: Literal["OnSuccess", "OnFailure"]
    target: str
    delivered_id: str


@dataclass(frozen=True, slots=True)
class DestinationFailed:
    """An invocation record could not be delivered; here it is, and why."""

    subject: str
    function: str
    kind: Literal["OnSuccess", "OnFailure"]
    target: str
    reason: str
    record: bytes


@dataclass(frozen=True, slots=True)
class DeadLetterSent:
    """A discarded event is in its dead-letter queue, as the message `message_id`."""

    subject: str
    function: str
    target: str
    message_id: str


@dataclass(frozen=True, slots=True)
class DeadLetterFailed:
    """A discarded event could not be sent to the dead-letter queue."""

    subject: str
    function: str
    target: str
    reason: str
