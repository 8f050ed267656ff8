"""What becomes of a message at a receive, and how its state changes. Pure; called by `delivery/`.

    leased → older than the retention period      → Fate.EXPIRE
           → received as often as its policy allows → Fate.DEAD_LETTER
           → otherwise                              → Fate.DELIVER

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

from enum import Enum, auto

import msgspec

from callpark.queues.model import Message, MessageState, QueueSettings, Submission


class Fate(Enum):
    DELIVER = auto()
    DEAD_LETTER = auto()
    EXPIRE = auto()


def fate(message: Message, state: MessageState, settings: QueueSettings, now: float) -> Fate:
    if message.sent_at + settings.retention <= now:
        return Fate.EXPIRE
    if settings.redrive is not None and state.receives >= settings.redrive.maximum_receives:
        return Fate.DEAD_LETTER
    return Fate.DELIVER


def received(state: MessageState, now: float, visibility: int, receipt: str) -> MessageState:
    """The state while somebody holds the message."""
    return MessageState(
        receives=state.receives + 1,
        first_received_at=state.first_received_at or now,
        received_at=now,
        visible_at=now + visibility,
        receipt=receipt,
    )


def extended(state: MessageState, visible_at: float) -> MessageState:
    return msgspec.structs.replace(state, visible_at=visible_at)


def in_flight(state: MessageState, now: float) -> bool:
    return state.receives > 0 and state.visible_at > now


def sent(
    submission: Submission, sender: str, now: float, *, deduplication: str | None = None, sequence: int | None = None
) -> Message:
    """As a queue keeps what was sent to it. The last two are of FIFO queues."""
    return Message(
        body=submission.body,
        sent_at=now,
        sender=sender,
        attributes=dict(submission.attributes),
        trace_header=submission.trace_header,
        group=submission.group,
        deduplication=deduplication,
        sequence=sequence,
    )


def dead_lettered(message: Message, source_arn: str, fifo: bool, now: float) -> Message:
    """As it stands in the dead-letter queue. A standard queue's message keeps its age, a FIFO queue's begins anew
    (SQSDeveloperGuide, "Understanding message retention periods for dead-letter queues")."""
    return msgspec.structs.replace(message, source_arn=source_arn, sent_at=now if fifo else message.sent_at)


def redriven(message: Message, now: float) -> Message:
    """As a move task puts it into its new queue: sent now, never received."""
    return msgspec.structs.replace(message, source_arn=None, sent_at=now)
