"""Dead letters and invocation records for topics, event buses and buckets: what is asked of whom. Pure.

Made by `dead_letter.py` and `destinations.py`, kept durably and sent by `deliveries.py`.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html; shapes as recorded
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import msgspec

from callpark.kernel.arn import Arn
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from callpark.store.ports import Put, WorkItem

QUEUE = "deliveries"
"""The store's queue that holds what is on its way."""

RemoteKind: TypeAlias = Literal["OnSuccess", "OnFailure", "DeadLetter"]
SERVICES = frozenset({"sns", "events", "s3"})


class Parcel(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What goes with a record, or with a dead letter, to its target. `function_arn` is qualified; `made_at`, epoch
    seconds, is the record's own instant; `attributes`: name → (data type, text); `attempts` have failed so far."""

    kind: RemoteKind
    target: str
    request_id: str
    function: str
    function_arn: str
    made_at: float
    attributes: Mapping[str, tuple[str, str]] = {}
    attempts: int = 0


class RemoteCall(msgspec.Struct, frozen=True):
    """An operation of another service, by botocore's names."""

    service: str
    operation: str
    parameters: Mapping[str, object]


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Parcel).decode


def sent(parcel: Parcel, body: bytes, now: float) -> Put:
    """The change that puts a parcel on its way; the same event's twice is once."""
    return Put(WorkItem(QUEUE, f"{parcel.kind}/{parcel.request_id}", body, encode(parcel), now))


def refusal(arn: Arn, kind: RemoteKind, size: int, limits: LambdaLimits) -> str | None:
    """Why a target cannot be sent to at all; None when it can be tried."""
    if arn.service not in SERVICES or (kind == "DeadLetter" and arn.service != "sns"):
        noun = "dead-letter targets" if kind == "DeadLetter" else "destinations"
        return f"{noun} of {arn.service} are not served"
    if arn.service == "s3" and kind == "OnSuccess":
        return "a bucket can be a destination on failure only"
    if arn.service == "sns" and arn.resource.endswith(".fifo"):
        return "FIFO topics are not supported"
    if arn.service == "sns" and size > limits.topic_message_bytes:
        return f"the message has {size} bytes, one for a topic may have {limits.topic_message_bytes}"
    return None


def remote_call(parcel: Parcel, body: bytes) -> RemoteCall:
    """What delivers a parcel."""
    arn = Arn.parse(parcel.target)
    assert arn is not None, "refusal() was asked"
    match arn.service:
        case "sns":
            return _publish(parcel, body)
        case "events":
            return _put_event(parcel, body)
        case _:
            return _put_object(parcel, body, arn.resource)


def receipt(call: RemoteCall, members: Mapping[str, object]) -> str:
    """The id that the target gave, or the object's key. Raises CallerError for an event that the bus refused."""
    if call.service == "s3":
        return str(call.parameters["Key"])
    if call.service == "sns":
        return str(members.get("MessageId", ""))
    entries = members.get("Entries")
    entry: object = entries[0] if isinstance(entries, Sequence) and entries else None
    if not isinstance(entry, Mapping) or "EventId" not in entry:
        told = entry if isinstance(entry, Mapping) else {}
        code = str(told.get("ErrorCode", "InternalFailure"))
        raise CallerError(code, 500 if code.startswith("Internal") else 400, str(told.get("ErrorMessage", code)))
    return str(entry["EventId"])


def may_pass(error: CallerError) -> bool:
    """Whether the same may succeed later: the service is not there, too busy, or has failed itself."""
    return error.status >= 500 or error.status == 429 or "Throttl" in error.code


def _publish(parcel: Parcel, body: bytes) -> RemoteCall:
    """The message is the record, without attributes; or the event itself, with a dead letter's three."""
    parameters: dict[str, object] = {"TopicArn": parcel.target, "Message": body.decode()}
    if parcel.attributes:
        parameters["MessageAttributes"] = {
            name: {"DataType": data_type, "StringValue": text} for name, (data_type, text) in parcel.attributes.items()
        }
    return RemoteCall("sns", "Publish", parameters)


def _put_event(parcel: Parcel, body: bytes) -> RemoteCall:
    """The source is `lambda`, as recorded; the guide says `aws.lambda`."""
    outcome = "Success" if parcel.kind == "OnSuccess" else "Failure"
    entry = {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {outcome}",
        "Resources": [parcel.target, parcel.function_arn],
        "Detail": body.decode(),
        "EventBusName": parcel.target,
    }
    return RemoteCall("events", "PutEvents", {"Entries": [entry]})


def _put_object(parcel: Parcel, body: bytes, bucket: str) -> RemoteCall:
    parameters = {
        "Bucket": bucket,
        "Key": object_key(parcel.function, parcel.request_id, parcel.made_at),
        "Body": body,
        "ContentType": "application/json",
    }
    return RemoteCall("s3", "PutObject", parameters)


def object_key(function: str, request_id: str, at: float) -> str:
    """The UUID is derived from the event's, so that a repeated delivery is the same object."""
    day, instant = (datetime.fromtimestamp(at, UTC).strftime(form) for form in ("%Y/%m/%d", "%Y-%m-%dT%H.%M.%S"))
    return f"aws/lambda/async/{function}/{day}/{instant}-{uuid.uuid5(uuid.NAMESPACE_OID, request_id)}"
