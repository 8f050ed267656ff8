"""Messages as the API shows them. Pure; called by `messages.py` and `moves.py`.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Message.html
"""

from collections.abc import Mapping, Sequence

from callpark.queues import message_attributes
from callpark.queues.digests import attributes_digest, body_digest
from callpark.queues.model import Message, MessageAttribute, MessageState, Received, Sent, Submission
from callpark.queues.moves import MoveTask


def sent_members(submission: Submission, sent: Sent) -> dict[str, object]:
    """SendMessageResult."""
    members: dict[str, object] = {"MessageId": sent.message_id, "MD5OfMessageBody": body_digest(submission.body)}
    if submission.attributes:
        members["MD5OfMessageAttributes"] = attributes_digest(submission.attributes)
    if submission.trace_header is not None:
        trace = MessageAttribute("String", text=submission.trace_header)
        members["MD5OfMessageSystemAttributes"] = attributes_digest({"AWSTraceHeader": trace})
    if sent.sequence is not None:
        members["SequenceNumber"] = str(sent.sequence)
    return members


def message_members(received: Received, system: Sequence[str], named: Sequence[str]) -> dict[str, object]:
    """A message of ReceiveMessageResult; `system` and `named` are the attribute names that were asked for."""
    message = received.message
    members: dict[str, object] = {
        "MessageId": received.message_id,
        "ReceiptHandle": received.receipt_handle,
        "MD5OfBody": body_digest(message.body),
        "Body": message.body,
    }
    if system:
        every = system_attributes(message, received.state)
        shown = every if "All" in system else {name: every[name] for name in every if name in system}
        if shown:
            members["Attributes"] = shown
    attributes = message_attributes.selected(message.attributes, frozenset(named))
    if attributes:
        members["MD5OfMessageAttributes"] = attributes_digest(attributes)
        members["MessageAttributes"] = {name: _attribute(value) for name, value in attributes.items()}
    return members


def system_attributes(message: Message, state: MessageState) -> Mapping[str, str]:
    """All there are; instants in milliseconds."""
    found = {
        "SenderId": message.sender,
        "ApproximateFirstReceiveTimestamp": str(int(state.first_received_at * 1_000)),
        "ApproximateReceiveCount": str(state.receives),
        "SentTimestamp": str(int(message.sent_at * 1_000)),
    }
    optional = {
        "SequenceNumber": None if message.sequence is None else str(message.sequence),
        "MessageDeduplicationId": message.deduplication,
        "MessageGroupId": message.group,
        "AWSTraceHeader": message.trace_header,
        "DeadLetterQueueSourceArn": message.source_arn,
    }
    return found | {name: value for name, value in optional.items() if value is not None}


def task_members(task: MoveTask) -> dict[str, object]:
    """ListMessageMoveTasksResultEntry; only a running task has its handle, as recorded."""
    members: dict[str, object] = {
        "Status": task.status,
        "SourceArn": task.source_arn,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": int(task.started_at * 1_000),
    }
    optional = {
        "TaskHandle": task.handle if task.status == "RUNNING" else None,
        "DestinationArn": task.destination_arn,
        "MaxNumberOfMessagesPerSecond": task.rate,
        "FailureReason": task.failure,
    }
    return members | {name: value for name, value in optional.items() if value is not None}


def _attribute(attribute: MessageAttribute) -> dict[str, object]:
    if attribute.binary is not None:
        return {"BinaryValue": attribute.binary, "DataType": attribute.data_type}
    return {"StringValue": attribute.text or "", "DataType": attribute.data_type}
