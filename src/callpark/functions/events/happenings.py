"""What happens to asynchronous events, for the trace: timelines, the command line and tests read it.

The subject is the event's request id throughout. What happens inside an environment (log lines, durations) is told by
`environments/`. A `resource` is the function with the qualifier it was sent to, `name:qualifier`; "" without one.
"""

from typing import Literal

import msgspec


class EventAccepted(msgspec.Struct, frozen=True):
    """The event is on disk and was acknowledged. `size` in bytes."""

    subject: str
    function: str
    size: int
    resource: str = ""


class EventAttemptEnded(msgspec.Struct, frozen=True):
    """The handler ran. `attempt` counts from 1; `age_seconds` is how old the event was when the attempt began."""

    subject: str
    function: str
    attempt: int
    function_error: str | None
    age_seconds: float = 0.0
    resource: str = ""


class EventRetryScheduled(msgspec.Struct, frozen=True):
    """The function failed and runs again at `at` (epoch seconds)."""

    subject: str
    function: str
    attempt: int
    at: float


class EventThrottled(msgspec.Struct, frozen=True):
    """No attempt was possible; the next is tried at `at` or as soon as there is room."""

    subject: str
    function: str
    reason: str
    at: float
    resource: str = ""


class InvocationThrottled(msgspec.Struct, frozen=True):
    """A synchronous invocation found no room. The subject is its request id."""

    subject: str
    function: str
    reason: str
    resource: str = ""


class InvocationInCircles(msgspec.Struct, frozen=True):
    """A synchronous invocation was refused as recursive. The subject is its request id."""

    subject: str
    function: str
    resource: str = ""


class EventReplayed(msgspec.Struct, frozen=True):
    """An event that had ended was sent again: `original` is its request id, `copy` the new one. Told for both."""

    subject: str
    function: str
    original: str
    copy: str


class EventSucceeded(msgspec.Struct, frozen=True):
    subject: str
    function: str
    attempts: int


class EventDiscarded(msgspec.Struct, frozen=True):
    """Given up after `attempts` runs, for the condition that the invocation record names, or `FunctionDeleted`."""

    subject: str
    function: str
    attempts: int
    condition: str
    resource: str = ""


class DestinationDelivered(msgspec.Struct, frozen=True):
    """An invocation record is in the queue of another function, as the event `delivered_id`, or in an SQS queue, at a
    topic or an event bus, as the message or event of that id, or in a bucket as the object of that key."""

    subject: str
    function: str
    kind: Literal["OnSuccess", "OnFailure"]
    target: str
    delivered_id: str


class DestinationFailed(msgspec.Struct, frozen=True):
    """An invocation record could not be delivered; here it is, and why."""

    subject: str
    function: str
    kind: Literal["OnSuccess", "OnFailure"]
    target: str
    reason: str
    record: bytes


class DeadLetterSent(msgspec.Struct, frozen=True):
    """A discarded event is in its dead-letter queue or topic, as the message `message_id`."""

    subject: str
    function: str
    target: str
    message_id: str


class DeadLetterFailed(msgspec.Struct, frozen=True):
    """A discarded event could not be sent to the dead-letter queue."""

    subject: str
    function: str
    target: str
    reason: str


class DeliveryDelayed(msgspec.Struct, frozen=True):
    """An invocation record or a dead letter did not reach its target and is sent again at `at` (epoch seconds)."""

    subject: str
    function: str
    target: str
    reason: str
    at: float
