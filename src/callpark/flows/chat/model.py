"""A chat's values: who takes part, what is said, what the contact remembers of it.

`ChatSession` is part of the contact (`contact.py`), items are rows of their own (`transcript.py`). Frozen.
https://docs.aws.amazon.com/connect/latest/APIReference/API_connect-participant_Item.html
"""

from typing import Final, Literal, TypeAlias

import msgspec

Role: TypeAlias = Literal["CUSTOMER", "SYSTEM", "AGENT", "CUSTOM_BOT"]

TEXT: Final = "text/plain"
MARKDOWN: Final = "text/markdown"
JSON: Final = "application/json"
INTERACTIVE: Final = "application/vnd.amazonaws.connect.message.interactive"
INTERACTIVE_RESPONSE: Final = "application/vnd.amazonaws.connect.message.interactive.response"
MESSAGES: Final = (TEXT, MARKDOWN, JSON, INTERACTIVE, INTERACTIVE_RESPONSE)

EVENT: Final = "application/vnd.amazonaws.connect.event."
JOINED, LEFT, ENDED = f"{EVENT}participant.joined", f"{EVENT}participant.left", f"{EVENT}chat.ended"
TYPING, ACKNOWLEDGED = f"{EVENT}typing", f"{EVENT}connection.acknowledged"
DELIVERED, READ = f"{EVENT}message.delivered", f"{EVENT}message.read"


class Participant(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Somebody who takes part. Ids are those of Connect: UUIDs."""

    id: str
    role: Role
    display_name: str


class Draft(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a participant has sent and the transcript does not have yet."""

    id: str
    author: Participant
    content_type: str
    content: str = ""
    client_token: str = ""


class Receipt(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a recipient has said of a message. Instants are epoch seconds."""

    recipient: str
    delivered_at: float | None = None
    read_at: float | None = None


class Item(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One line of a transcript. `sequence` counts from 0 within the contact, `at` is in epoch seconds. Without an
    author it is about the chat as a whole."""

    contact_id: str
    sequence: int
    id: str
    at: float
    kind: Literal["MESSAGE", "EVENT"]
    content_type: str
    content: str = ""
    author: Participant | None = None
    client_token: str = ""
    receipts: tuple[Receipt, ...] = ()


class ChatSession(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a contact remembers of its chat. `past`: contacts whose transcripts come before its own, oldest first.
    `items`, `item_bytes`: how much of the transcript is on disk. `agent`: who has joined and not left."""

    customer: Participant
    content_types: tuple[str, ...] = (TEXT,)
    initial: Draft | None = None
    past: tuple[str, ...] = ()
    continued_from: str = ""
    client_token: str = ""
    agent: Participant | None = None
    items: int = 0
    item_bytes: int = 0
