"""Redrive policies and redrive allow policies: read, checked, written back as AWS shows them. Pure.

Called by `attributes.py`; whether the target exists and allows it is asked by `administration.py`.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

import orjson

from callpark.kernel.arn import Arn
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import SqsLimits
from callpark.queues import refusals
from callpark.queues.model import Queue, RedriveAllowPolicy, RedrivePermission, RedrivePolicy

_PERMISSIONS: dict[str, RedrivePermission] = {"allowAll": "allowAll", "denyAll": "denyAll", "byQueue": "byQueue"}


def read_policy(text: str, limits: SqsLimits) -> RedrivePolicy:
    """Raises CallerError in AWS's words."""
    values = _mapping(text, "RedrivePolicy", "Redrive policy is not a valid JSON map.")
    for name in ("maxReceiveCount", "deadLetterTargetArn"):
        if name not in values:
            raise refused(text, f"Redrive policy does not contain mandatory attribute: {name}.")
    target, count = values["deadLetterTargetArn"], values["maxReceiveCount"]
    arn = Arn.parse(target) if isinstance(target, str) else None
    if arn is None or arn.service != "sqs":
        raise refused(text, "Invalid value for deadLetterTargetArn.")
    number = _whole(count)
    if number is None or not 1 <= number <= limits.maximum_receive_count:
        raise refused(
            text,
            f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to {limits.maximum_receive_count} "
            "both inclusive.",
        )
    return RedrivePolicy(str(arn), number)


def write_policy(policy: RedrivePolicy) -> str:
    return orjson.dumps({"deadLetterTargetArn": policy.target_arn, "maxReceiveCount": policy.maximum_receives}).decode()


def read_allow_policy(text: str, limits: SqsLimits) -> RedriveAllowPolicy:
    """Raises CallerError."""
    values = _mapping(text, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy.")
    permission = _PERMISSIONS.get(str(values.get("redrivePermission")))
    sources = values.get("sourceQueueArns", [])
    texts = [source for source in sources if isinstance(source, str)] if isinstance(sources, list) else None
    by_queue = permission == "byQueue"
    if permission is None or texts is None or by_queue != bool(texts) or len(texts) > limits.redrive_sources:
        raise refusals.invalid_value(text, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy.")
    return RedriveAllowPolicy(permission, tuple(texts))


def write_allow_policy(policy: RedriveAllowPolicy) -> str:
    values: dict[str, object] = {"redrivePermission": policy.permission}
    if policy.sources:
        values["sourceQueueArns"] = list(policy.sources)
    return orjson.dumps(values).decode()


def check_target(text: str, source_arn: str, fifo: bool, target: Queue | None) -> None:
    """Whether `target` may be the dead-letter queue of `source_arn`. Raises CallerError."""
    if target is None:
        raise refused(text, "Dead letter target does not exist.")
    if target.fifo != fifo:
        raise refused(text, "Dead letter queue must be same type of queue as the source.")
    if not allows(target.settings.redrive_allow, source_arn):
        raise refused(text, f"Queue {target.arn} does not allow {source_arn} to use it as a dead-letter queue.")


def allows(policy: RedriveAllowPolicy, source_arn: str) -> bool:
    return policy.permission == "allowAll" or (policy.permission == "byQueue" and source_arn in policy.sources)


def refused(text: str, reason: str) -> CallerError:
    return refusals.invalid_value(text, "RedrivePolicy", reason)


def _mapping(text: str, parameter: str, reason: str) -> dict[str, object]:
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        values = None
    if not isinstance(values, dict):
        raise refusals.invalid_value(text, parameter, reason)
    return values


def _whole(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10 else None
