"""What a sender may put into a queue: checked against the queue and the limits. Pure.

Called by the service with the members of SendMessage, or of one entry of SendMessageBatch, by AWS's names.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
"""

import hashlib
import re
from collections.abc import Mapping

from callpark.kernel.limits import SqsLimits
from callpark.queues import message_attributes, refusals
from callpark.queues.message_attributes import FOREIGN
from callpark.queues.model import Queue, Submission

_ID = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]+", re.ASCII)
_WRONG_QUEUE_TYPE = "The request include parameter that is not valid for this queue type."


def read(members: Mapping[str, object], queue: Queue, limits: SqsLimits) -> Submission:
    """Everything but the size. Raises CallerError."""
    body = members.get("MessageBody")
    if not isinstance(body, str) or not body:
        raise refusals.missing("MessageBody")
    if FOREIGN.search(body):
        raise refusals.invalid_characters()
    submission = Submission(
        body=body,
        attributes=message_attributes.read(_mapping(members.get("MessageAttributes")), limits),
        trace_header=message_attributes.read_trace_header(_mapping(members.get("MessageSystemAttributes")), limits),
        delay=_delay(members.get("DelaySeconds"), queue, limits),
        group=_id(members.get("MessageGroupId"), "MessageGroupId", limits),
        deduplication=_id(members.get("MessageDeduplicationId"), "MessageDeduplicationId", limits),
    )
    return _for_fifo(submission, queue) if queue.fifo else _for_standard(submission)


def size(submission: Submission) -> int:
    """Bytes that count towards the limits: the body and the message attributes, not the system attributes."""
    return len(submission.body.encode()) + message_attributes.size(submission.attributes)


def deduplication_id(submission: Submission) -> str:
    """The sender's, or the SHA-256 of the body where the queue derives it (§ContentBasedDeduplication)."""
    return submission.deduplication or hashlib.sha256(submission.body.encode()).hexdigest()


def _for_fifo(submission: Submission, queue: Queue) -> Submission:
    if submission.group is None:
        raise refusals.missing("MessageGroupId")
    if submission.delay:
        raise refusals.invalid_value(submission.delay, "DelaySeconds", _WRONG_QUEUE_TYPE)
    if submission.deduplication is None and not queue.settings.content_based_deduplication:
        raise refusals.invalid_parameter(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
            "provided explicitly"
        )
    return submission


def _for_standard(submission: Submission) -> Submission:
    if submission.deduplication is not None:
        raise refusals.invalid_value(submission.deduplication, "MessageDeduplicationId", _WRONG_QUEUE_TYPE)
    return submission


def _delay(value: object, queue: Queue, limits: SqsLimits) -> int | None:
    if not isinstance(value, int):
        return None
    if not 0 <= value <= limits.delay_seconds:
        reason = f"DelaySeconds must be >= 0 and <= {limits.delay_seconds}."
        raise refusals.invalid_value(value, "DelaySeconds", reason)
    return value


def _id(value: object, parameter: str, limits: SqsLimits) -> str | None:
    if value is None or value == "":
        return None
    text = str(value)
    if len(text) > limits.deduplication_characters or _ID.fullmatch(text) is None:
        reason = (
            f"{parameter} can only include alphanumeric and punctuation characters. "
            f"1 to {limits.deduplication_characters} in length."
        )
        raise refusals.invalid_value(text[: limits.deduplication_characters], parameter, reason)
    return text


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
