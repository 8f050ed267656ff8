"""Transcripts: items as rows, and which of them a page of GetTranscript holds. Pure but for what the store does.

Rows are keyed by contact and sequence. `lane.py` writes them, `room.py` adds receipts, `records.py` removes them with
the contact.
https://docs.aws.amazon.com/connect/latest/APIReference/API_connect-participant_GetTranscript.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from callpark.flows.chat.model import Item, Receipt
from callpark.flows.contact import Contact
from callpark.flows.logs import timestamp
from callpark.store.ports import Row, SetRow

TABLE: Final = "contacts/transcripts"

_encode = msgspec.msgpack.Encoder().encode
_decode: msgspec.msgpack.Decoder[Item] = msgspec.msgpack.Decoder(Item)


def key(contact_id: str, sequence: int) -> str:
    return f"{contact_id}/{sequence:08}"


def row(item: Item) -> SetRow:
    return SetRow(TABLE, key(item.contact_id, item.sequence), _encode(item))


def items(rows: Iterable[Row]) -> list[Item]:
    """By sequence. What another version wrote differently is left out."""
    found: list[Item] = []
    for one in rows:
        try:
            found.append(_decode.decode(one.value))
        except msgspec.ValidationError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Start:
    """StartPosition: an item's id, an instant (epoch seconds) or so many of the latest; one of them."""

    id: str | None = None
    at: float | None = None
    most_recent: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A page that is asked for. `after`: where the page before it ended, an index into the whole transcript."""

    size: int
    forward: bool
    ascending: bool
    start: Start = Start()
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`after` is for the next page; None when there is none."""

    items: Sequence[Item]
    after: int | None


def chain(contact: Contact | None) -> tuple[str, ...] | None:
    """The contacts whose transcripts come first in a chat that goes on from this one, oldest first: those that it went
    on from itself, then its own. None for what is no chat, or has not ended."""
    if contact is None or contact.chat is None or contact.ended is None:
        return None
    return (*contact.chat.past, contact.id)


class NoSuchItem(Exception):
    """StartPosition names an item that the transcript does not have."""


def page(whole: Sequence[Item], query: Query) -> Page:
    """Raises NoSuchItem. The item at the start position is part of the first page (our rule)."""
    step = 1 if query.forward else -1
    begin = _first(whole, query) if query.after is None else query.after + step
    if query.forward:
        begin = max(begin, 0)
        found = list(whole[begin : begin + query.size])
        last = begin + len(found) - 1
        more = last < len(whole) - 1
    else:
        end = min(begin, len(whole) - 1)
        last = max(end - query.size + 1, 0)
        found = list(whole[last : end + 1])
        more = last > 0
    if not query.ascending:
        found.reverse()
    return Page(found, last if more and found else None)


def _first(whole: Sequence[Item], query: Query) -> int:
    """The index at which scanning begins."""
    start = query.start
    if start.id is not None:
        for index, item in enumerate(whole):
            if item.id == start.id:
                return index
        raise NoSuchItem(start.id)
    if start.at is not None:
        if query.forward:
            return next((index for index, item in enumerate(whole) if item.at >= start.at), len(whole))
        return max((index for index, item in enumerate(whole) if item.at <= start.at), default=-1)
    if start.most_recent is not None:
        return max(len(whole) - start.most_recent, 0) if query.forward else len(whole) - 1
    return 0 if query.forward else len(whole) - 1


def told(item: Item, initial_contact_id: str) -> Mapping[str, object]:
    """An item as the web socket tells it: clients drop what names neither of their contacts."""
    return {**members(item), "InitialContactId": initial_contact_id}


def members(item: Item) -> Mapping[str, object]:
    """An item as GetTranscript shows it."""
    shown: dict[str, object] = {
        "AbsoluteTime": timestamp(item.at),
        "Id": item.id,
        "Type": item.kind,
        "ContactId": item.contact_id,
    }
    if item.content_type:
        shown["ContentType"] = item.content_type
    if item.content:
        shown["Content"] = item.content
    if item.file is not None:
        shown["Attachments"] = [
            {
                "ContentType": item.file.content_type,
                "AttachmentId": item.file.id,
                "AttachmentName": item.file.name,
                "Status": item.file.status,
            }
        ]
    author = item.author
    if author is not None:
        shown |= {"ParticipantId": author.id, "DisplayName": author.display_name, "ParticipantRole": author.role}
    if item.receipts:
        shown["MessageMetadata"] = {"MessageId": item.id, "Receipts": [_receipt(one) for one in item.receipts]}
    elif item.kind != "EVENT" and item.client_token:
        shown["MessageMetadata"] = {"MessageId": item.id}
    return shown


def receipt_members(item: Item, receipt: Receipt, initial_contact_id: str) -> Mapping[str, object]:
    """A receipt as the web socket tells it to the author of the message (chatjs reads it by its type)."""
    return {
        "Type": "MESSAGEMETADATA",
        "ContactId": item.contact_id,
        "InitialContactId": initial_contact_id,
        "MessageMetadata": {"MessageId": item.id, "Receipts": [_receipt(receipt)]},
    }


def _receipt(receipt: Receipt) -> Mapping[str, object]:
    shown: dict[str, object] = {"RecipientParticipantId": receipt.recipient}
    if receipt.delivered_at is not None:
        shown["DeliveredTimestamp"] = timestamp(receipt.delivered_at)
    if receipt.read_at is not None:
        shown["ReadTimestamp"] = timestamp(receipt.read_at)
    return shown
