"""What topics are told of a chat: items as messages of Amazon SNS. Pure.

Put on their way by the commit that saves the items (`items.kept`), sent by `streaming.py`.
https://docs.aws.amazon.com/connect/latest/adminguide/sns-payload.html
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from callpark.flows.chat import transcript
from callpark.flows.chat.model import Item, Stream
from callpark.flows.contact import Contact
from callpark.kernel.arn import Arn
from callpark.store.ports import Put, WorkItem

QUEUE: Final = "chat-streams"
"""The store's queue that holds what is on its way."""


class Message(msgspec.Struct, frozen=True, array_like=True):
    """One for a topic. `made_at`: epoch seconds."""

    stream: Stream
    contact_id: str
    made_at: float
    text: str
    attributes: Mapping[str, str]


_encode = msgspec.msgpack.Encoder().encode
_decode: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def told(contact: Contact, items: Sequence[Item]) -> list[Put]:
    """The changes that put items on their way to every topic of the chat."""
    if contact.chat is None or not contact.chat.streams:
        return []
    initial = contact.party.initial_contact_id or contact.id
    shown = [(item.id, item.at, transcript.told(item, initial)) for item in items]
    return [
        change
        for item_id, at, members in shown
        for change in announced(contact.chat.streams, contact.party.instance_arn, item_id, at, members)
    ]


def announced(
    streams: Sequence[Stream], instance_arn: str, item_id: str, at: float, members: Mapping[str, object]
) -> list[Put]:
    """The same for one item, or an event that is not kept, by its members."""
    text = msgspec.json.encode(members).decode()
    attributes = _attributes(instance_arn, members)
    changes: list[Put] = []
    for stream in streams:
        message = Message(stream, str(members["ContactId"]), at, text, attributes)
        changes.append(Put(WorkItem(QUEUE, f"{stream.id}/{item_id}", _encode(message), b"", at)))
    return changes


def read(body: bytes) -> Message:
    return _decode.decode(body)


def publication(message: Message) -> Mapping[str, object]:
    """The parameters of Publish."""
    return {
        "TopicArn": message.stream.topic_arn,
        "Message": message.text,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
        },
    }


def _attributes(instance_arn: str, members: Mapping[str, object]) -> Mapping[str, str]:
    """Everybody may see what is in a transcript here. An attribute has a value, or it is not there."""
    arn = Arn.parse(instance_arn)
    found = {name: members.get(name) for name in ("InitialContactId", "ContactId", "ParticipantRole", "Type")}
    found |= {
        "ContentType": members.get("ContentType"),
        "InstanceId": instance_arn.rsplit("/", 1)[-1],
        "AccountId": "" if arn is None else arn.account,
        "MessageVisibility": "ALL",
    }
    return {name: value for name, value in found.items() if isinstance(value, str) and value}
