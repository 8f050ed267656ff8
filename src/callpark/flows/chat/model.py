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
REHYDRATED = f"{EVENT}chat.rehydrated"
TYPING, ACKNOWLEDGED = f"{EVENT}typing", f"{EVENT}connection.acknowledged"
DELIVERED, READ = f"{EVENT}message.delivered", f"{EVENT}message.read"


class Participant(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Somebody who takes part. Ids are those of Connect: UUIDs."""

    id: str
    role: Role
    display_name: str


FileStatus: TypeAlias = Literal["IN_PROGRESS", "APPROVED", "REJECTED"]


class File(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An attachment as the transcript shows it. IN_PROGRESS: it is being scanned."""

    id: str
    name: str
    content_type: str
    status: FileStatus


class Draft(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a participant has sent and the transcript does not have yet: a message, or a file without content."""

    id: str
    author: Participant
    content_type: str
    content: str = ""
    client_token: str = ""
    file: File | None = None


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
    kind: Literal["MESSAGE", "EVENT", "ATTACHMENT"]
    content_type: str
    content: str = ""
    author: Participant | None = None
    client_token: str = ""
    receipts: tuple[Receipt, ...] = ()
    file: File | None = None


class Stream(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A topic that is told what the transcript gets. `client_token`: of the request that asked for it."""

    id: str
    topic_arn: str
    client_token: str = ""


class Address(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Who writes to whom by a messaging service: `source` is the customer's, `destination` the instance's."""

    source: str
    destination: str
    subtype: str


class ChatSession(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a contact remembers of its chat. `past`: contacts whose transcripts come before its own, oldest first.
    `items`, `item_bytes`: how much of the transcript is on disk. `agent`: who has joined and not left. `bot`: a custom
    participant, who has to connect until `bot_expected` (epoch seconds; 0: is there). `address`: of a chat that runs by
    a messaging service."""

    customer: Participant
    content_types: tuple[str, ...] = (TEXT,)
    initial: Draft | None = None
    past: tuple[str, ...] = ()
    continued_from: str = ""
    client_token: str = ""
    agent: Participant | None = None
    items: int = 0
    item_bytes: int = 0
    streams: tuple[Stream, ...] = ()
    bot: Participant | None = None
    bot_expected: float = 0.0
    address: Address | None = None

    def participant(self, participant_id: str) -> Participant | None:
        """Who takes part under that id."""
        return next((one for one in (self.customer, self.bot, self.agent) if one and one.id == participant_id), None)
