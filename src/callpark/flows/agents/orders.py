"""What somebody who plays an agent asks for, as frames of `api/agent_socket.py`: JSON, `type` says which.

The agent's panel carries out what is about the agent; what is about a contact is carried out where that is (`acts.py`).
"""

from typing import TypeAlias

import msgspec


class SetStatus(msgspec.Struct, frozen=True, tag="status", rename="camel"):
    status: str


class Clear(msgspec.Struct, frozen=True, tag="clear", rename="camel"):
    """Done with a contact that was missed, rejected, or has ended: room for the next."""

    contact_id: str


class Accept(msgspec.Struct, frozen=True, tag="accept", rename="camel"):
    contact_id: str


class Reject(msgspec.Struct, frozen=True, tag="reject", rename="camel"):
    contact_id: str


class Say(msgspec.Struct, frozen=True, tag="say", rename="camel"):
    """To the customer, in writing or by voice."""

    contact_id: str
    text: str


class Hold(msgspec.Struct, frozen=True, tag="hold", rename="camel"):
    contact_id: str


class Resume(msgspec.Struct, frozen=True, tag="resume", rename="camel"):
    contact_id: str


class Transfer(msgspec.Struct, frozen=True, tag="transfer", rename="camel"):
    """To a quick connect, a queue or an agent, by name, id or ARN. What becomes of it there, notes tell."""

    contact_id: str
    to: str


class HangUp(msgspec.Struct, frozen=True, tag="hang_up", rename="camel"):
    """The agent leaves; without a CustomerRemaining flow the contact ends."""

    contact_id: str


Order: TypeAlias = SetStatus | Accept | Reject | Say | Hold | Resume | Transfer | HangUp | Clear
ContactOrder: TypeAlias = Accept | Reject | Say | Hold | Resume | Transfer | HangUp
