"""Amazon SQS's values: queues, their settings, messages and what a receive hands out.

Queues and their settings are frozen values; messages and their states are msgspec structs because they are written to
the store with every send and every receive. Instants are epoch seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

RedrivePermission: TypeAlias = Literal["allowAll", "denyAll", "byQueue"]
DeduplicationScope: TypeAlias = Literal["queue", "messageGroup"]


@dataclass(frozen=True, slots=True)
class RedrivePolicy:
    """After `maximum_receives` receives without a delete, a message moves to the queue `target_arn`."""

    target_arn: str
    maximum_receives: int


@dataclass(frozen=True, slots=True)
class RedriveAllowPolicy:
    """Which queues may name this one as their dead-letter queue."""

    permission: RedrivePermission = "allowAll"
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What the attributes of a queue mean; AWS's defaults. Seconds and bytes."""

    visibility: int = 30
    delay: int = 0
    retention: int = 345_600
    maximum_bytes: int = 1_048_576
    wait: int = 0
    redrive: RedrivePolicy | None = None
    redrive_allow: RedriveAllowPolicy = field(default_factory=RedriveAllowPolicy)
    content_based_deduplication: bool = False
    deduplication_scope: DeduplicationScope = "queue"


@dataclass(frozen=True, slots=True)
class Queue:
    """`attributes` are those that were set, as AWS shows them; `settings` is what they mean.

    `incarnation` tells a queue from an earlier one of the same name; a purge begins the next `generation`, and what an
    older generation still holds is swept away. `declared`: a project brings it.
    """

    name: str
    arn: str
    fifo: bool
    incarnation: str
    created_at: float
    modified_at: float
    attributes: Mapping[str, str] = field(default_factory=dict)
    settings: QueueSettings = field(default_factory=QueueSettings)
    tags: Mapping[str, str] = field(default_factory=dict)
    generation: int = 0
    purged_at: float | None = None
    declared: bool = False

    @property
    def store_queue(self) -> str:
        """The store's queue that holds its messages."""
        return f"sqs/{self.name}/{self.incarnation}.{self.generation}"


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """A queue that a project declares; `attributes` as SetQueueAttributes takes them. `url` is what `Ref` gives."""

    name: str
    arn: str
    url: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class MessageAttribute(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A message attribute: `text` for String and Number types, `binary` for Binary types."""

    data_type: str
    text: str | None = None
    binary: bytes | None = None


class Message(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What never changes about a message in its queue. `source_arn` is the queue it was dead-lettered from."""

    body: str
    sent_at: float
    sender: str
    attributes: dict[str, MessageAttribute] = {}
    trace_header: str | None = None
    group: str | None = None
    deduplication: str | None = None
    sequence: int | None = None
    source_arn: str | None = None


class MessageState(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What each receive rewrites. `receipt` is the part of the latest receipt handle that nobody can guess."""

    receives: int = 0
    first_received_at: float = 0.0
    received_at: float = 0.0
    visible_at: float = 0.0
    receipt: str = ""


encode_message = msgspec.msgpack.Encoder().encode
decode_message = msgspec.msgpack.Decoder(Message).decode
encode_state = msgspec.msgpack.Encoder().encode
decode_state = msgspec.msgpack.Decoder(MessageState).decode


@dataclass(frozen=True, slots=True)
class Submission:
    """A message as a sender gives it, checked. `delay` None: the queue's."""

    body: str
    attributes: Mapping[str, MessageAttribute] = field(default_factory=dict)
    trace_header: str | None = None
    delay: int | None = None
    group: str | None = None
    deduplication: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a submission; `sequence` for FIFO queues."""

    message_id: str
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A message in somebody's hands until its visibility ends."""

    message_id: str
    message: Message
    state: MessageState
    receipt_handle: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages that can be received, that are in flight, and whose delay has not ended."""

    visible: int
    in_flight: int
    delayed: int
