"""Destinations: the invocation record, and how it gets to where it was sent. Pure.

Called by `events/endings.py` when an event succeeds or is discarded. A record for another function is an asynchronous
invocation of it, one for an SQS queue a message; one for a topic, an event bus or a bucket is a parcel that
`deliveries.py` sends. Each is put into its queue in the same commit that ends the event. What cannot be delivered is a
value with the reason.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html; shapes as recorded
"""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import msgspec
import orjson

from callpark.functions.events import remote
from callpark.functions.events.messages import MessageQueues
from callpark.functions.events.remote import Parcel
from callpark.functions.events.state import EventState, encode, queue_name
from callpark.functions.names import LATEST
from callpark.kernel.arn import Arn
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from callpark.store.ports import Change, Put, WorkItem

DestinationKind: TypeAlias = Literal["OnSuccess", "OnFailure"]
FunctionNamed: TypeAlias = Callable[[str], tuple[str, str | None]]
"""ARN → (name, qualifier) of a function that exists. Raises CallerError."""


class Response(msgspec.Struct, frozen=True):
    """What the last run answered."""

    payload: bytes
    function_error: str | None
    executed_version: str = LATEST


class Delivery(msgspec.Struct, frozen=True):
    """A record on its way: `changes` belong into the commit that ends the event. It becomes the event, or the message,
    of the id `delivered_id`; None while it is only on its way."""

    changes: Sequence[Change]
    delivered_id: str | None


class Undeliverable(msgspec.Struct, frozen=True):
    """Why a record stays here."""

    reason: str


def invocation_record(
    *,
    at: float,
    request_id: str,
    function_arn: str,
    condition: str,
    attempts: int,
    payload: bytes,
    response: Response | None,
) -> bytes:
    """The record as JSON, keys in the recorded order; payloads are embedded byte for byte. `function_arn` is qualified,
    `at` in epoch seconds. Without a run there are no response parts."""
    context = {
        "requestId": request_id,
        "functionArn": function_arn,
        "condition": condition,
        "approximateInvokeCount": attempts,
    }
    parts = [
        b'{"version":"1.0","timestamp":"',
        timestamp(at).encode(),
        b'","requestContext":',
        orjson.dumps(context),
        b',"requestPayload":',
        payload,
    ]
    if response is not None:
        answered: dict[str, object] = {"statusCode": 200, "executedVersion": response.executed_version}
        if response.function_error is not None:
            answered["functionError"] = response.function_error
        parts += [b',"responseContext":', orjson.dumps(answered), b',"responsePayload":', response.payload or b"null"]
    parts.append(b"}")
    return b"".join(parts)


def deliver(
    record: bytes,
    target: str,
    *,
    kind: DestinationKind,
    source_request_id: str,
    trace_header: str | None,
    now: float,
    source_function: str,
    source_arn: str,
    limits: LambdaLimits,
    function_named: FunctionNamed,
    queues: MessageQueues,
) -> Delivery | Undeliverable:
    """How a record reaches `target`. The ended event's trace header travels on. `source_arn` is the qualified ARN of
    the function whose event it was, `source_function` its name."""
    arn = Arn.parse(target)
    if arn is None:
        return Undeliverable("destinations of an unknown kind are not served")
    if arn.service == "sqs":
        return _to_queue(record, target, trace_header, queues)
    if arn.service != "lambda":
        if (refusal := remote.refusal(arn, kind, len(record), limits)) is not None:
            return Undeliverable(refusal)
        parcel = Parcel(kind, target, source_request_id, source_function, source_arn, now)
        return Delivery((remote.sent(parcel, record, now),), None)
    if len(record) > limits.event_payload_bytes:
        return Undeliverable(f"the record has {len(record)} bytes, an event may have {limits.event_payload_bytes}")
    try:
        name, qualifier = function_named(target)
    except CallerError as refusal:
        return Undeliverable(refusal.message)
    request_id = derived_request_id(source_request_id, kind)
    following = EventState(accepted_at=now, qualifier=qualifier, trace_header=trace_header)
    put = Put(WorkItem(queue_name(name), request_id, record, encode(following), now))
    return Delivery((put,), request_id)


def _to_queue(record: bytes, target: str, trace_header: str | None, queues: MessageQueues) -> Delivery | Undeliverable:
    """The record is the message's body; there are no message attributes (recorded)."""
    try:
        message_id, changes = queues.message(target, record.decode(), {}, trace_header)
    except CallerError as refusal:
        return Undeliverable(refusal.message)
    return Delivery(changes, message_id)


def derived_request_id(request_id: str, kind: DestinationKind) -> str:
    """The request id of the event that a record becomes: the same for the same event, so that a repeat is harmless."""
    digest = hashlib.sha256(f"{kind} {request_id}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def timestamp(at: float) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
