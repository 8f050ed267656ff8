"""Attributes of queues: from strings to settings and back. Pure; called by `administration.py` and `api/`.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

from collections.abc import Mapping, Sequence
from typing import cast

import orjson

from callpark.kernel.limits import SqsLimits
from callpark.queues import redrive, refusals
from callpark.queues.model import Counts, DeduplicationScope, Queue, QueueSettings

_DEFAULTS: Mapping[str, str] = {
    "VisibilityTimeout": "30",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "DelaySeconds": "0",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
}
_FIFO_DEFAULTS: Mapping[str, str] = {
    "FifoQueue": "true",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
    "ContentBasedDeduplication": "false",
}
_BOOLEANS = frozenset({"ContentBasedDeduplication", "SqsManagedSseEnabled", "FifoQueue"})
_CHOICES: Mapping[str, frozenset[str]] = {
    "DeduplicationScope": frozenset({"queue", "messageGroup"}),
    "FifoThroughputLimit": frozenset({"perQueue", "perMessageGroupId"}),
}
_FIFO_ONLY = frozenset(_FIFO_DEFAULTS)
_REMOVABLE = frozenset({"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"})
_READ_ONLY = (
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
)
_SETTABLE = frozenset(_DEFAULTS) | _FIFO_ONLY | _REMOVABLE | {"KmsDataKeyReusePeriodSeconds"}
_KNOWN = _SETTABLE | set(_READ_ONLY)

#: Kept and shown; nothing here acts on them.
INERT = frozenset({"Policy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"})


def _ranges(limits: SqsLimits) -> Mapping[str, tuple[int, int]]:
    return {
        "VisibilityTimeout": (0, limits.visibility_seconds),
        "MaximumMessageSize": (limits.minimum_message_bytes, limits.message_bytes),
        "MessageRetentionPeriod": (limits.minimum_retention_seconds, limits.retention_seconds),
        "DelaySeconds": (0, limits.delay_seconds),
        "ReceiveMessageWaitTimeSeconds": (0, limits.wait_seconds),
        "KmsDataKeyReusePeriodSeconds": (60, 86_400),
    }


def checked(given: Mapping[str, str], fifo: bool, limits: SqsLimits) -> dict[str, str]:
    """Attributes as they are kept: known, in range, JSON in AWS's form. Raises CallerError."""
    ranges = _ranges(limits)
    found: dict[str, str] = {}
    for name, value in given.items():
        if name not in _SETTABLE or (name in _FIFO_ONLY and not fifo):
            raise refusals.unknown_attribute(name)
        if not value and name in _REMOVABLE:
            found[name] = ""
            continue
        found[name] = _checked(name, value, ranges, limits)
    if found.get("KmsMasterKeyId") and found.get("SqsManagedSseEnabled") == "true":
        raise refusals.invalid_attribute_name(
            "You can use one type of server-side encryption (SSE) at one time. "
            "You can either enable KMS SSE or SQS SSE."
        )
    return found


def _checked(name: str, value: str, ranges: Mapping[str, tuple[int, int]], limits: SqsLimits) -> str:
    if name in ranges:
        least, most = ranges[name]
        number = int(value) if value.isascii() and value.isdigit() and len(value) < 12 else -1
        if not least <= number <= most:
            raise refusals.invalid_attribute(name)
        return str(number)
    if name in _BOOLEANS:
        if value.lower() not in ("true", "false"):
            raise refusals.invalid_attribute(name)
        return value.lower()
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise refusals.invalid_attribute(name)
        return value
    if name == "RedrivePolicy":
        return redrive.write_policy(redrive.read_policy(value, limits))
    if name == "RedriveAllowPolicy":
        return redrive.write_allow_policy(redrive.read_allow_policy(value, limits))
    if name == "Policy":
        _check_policy(value)
    return value


def _check_policy(value: str) -> None:
    try:
        policy = orjson.loads(value)
    except orjson.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise refusals.invalid_attribute("Policy")


def merged(current: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    """Attributes after a change; an empty value removes. Raises CallerError for a combination AWS refuses."""
    found = {name: value for name, value in {**current, **changes}.items() if value}
    if changes.get("KmsMasterKeyId"):
        found["SqsManagedSseEnabled"] = "false"
    elif changes.get("SqsManagedSseEnabled") == "true":
        found.pop("KmsMasterKeyId", None)
    if found.get("FifoThroughputLimit") == "perMessageGroupId" and found.get("DeduplicationScope") != "messageGroup":
        raise refusals.invalid_attribute(
            "FifoThroughputLimit", "perMessageGroupId needs the DeduplicationScope messageGroup."
        )
    return found


def settings(attributes: Mapping[str, str], limits: SqsLimits) -> QueueSettings:
    """What checked attributes mean."""
    values = {**_DEFAULTS, **attributes}
    policy, allow = attributes.get("RedrivePolicy"), attributes.get("RedriveAllowPolicy")
    return QueueSettings(
        visibility=int(values["VisibilityTimeout"]),
        delay=int(values["DelaySeconds"]),
        retention=int(values["MessageRetentionPeriod"]),
        maximum_bytes=int(values["MaximumMessageSize"]),
        wait=int(values["ReceiveMessageWaitTimeSeconds"]),
        redrive=redrive.read_policy(policy, limits) if policy else None,
        redrive_allow=redrive.read_allow_policy(allow, limits) if allow else QueueSettings().redrive_allow,
        content_based_deduplication=attributes.get("ContentBasedDeduplication") == "true",
        deduplication_scope=cast(DeduplicationScope, attributes.get("DeduplicationScope", "queue")),
    )


def value(queue: Queue, name: str) -> str | None:
    """A settable attribute as it is now, defaults included; None where it has none."""
    if name in queue.attributes:
        return queue.attributes[name]
    return _DEFAULTS.get(name) or (_FIFO_DEFAULTS.get(name) if queue.fifo else None)


def different(queue: Queue, wanted: Mapping[str, str]) -> str | None:
    """The first wanted attribute whose value the queue does not have."""
    return next((name for name, text in wanted.items() if (value(queue, name) or "") != text), None)


def asked(names: Sequence[str]) -> frozenset[str] | None:
    """The attributes a caller wants to see, None for all. Raises CallerError."""
    for name in names:
        if name != "All" and name not in _KNOWN:
            raise refusals.unknown_attribute(name)
    return None if "All" in names else frozenset(names)


def wants_counts(wanted: frozenset[str] | None) -> bool:
    return wanted is None or any(name.startswith("Approximate") for name in wanted)


def shown(queue: Queue, counts: Counts, wanted: frozenset[str] | None) -> dict[str, str]:
    """Attributes as GetQueueAttributes answers them."""
    found = {
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(counts.visible),
        "ApproximateNumberOfMessagesNotVisible": str(counts.in_flight),
        "ApproximateNumberOfMessagesDelayed": str(counts.delayed),
        "CreatedTimestamp": str(int(queue.created_at)),
        "LastModifiedTimestamp": str(int(queue.modified_at)),
        **_DEFAULTS,
        **(_FIFO_DEFAULTS if queue.fifo else {}),
        **queue.attributes,
    }
    if "KmsMasterKeyId" in found:
        found.setdefault("KmsDataKeyReusePeriodSeconds", "300")
    return found if wanted is None else {name: text for name, text in found.items() if name in wanted}
