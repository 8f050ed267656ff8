"""What routing knows of a contact, and what nodes tell the one at which the floor is. Values only.

Made by `switchboard.py` at the contact's node; followed by `floor.py`.
"""

from typing import TypeAlias

import msgspec

from callpark.flows.agents.criteria import SETTING
from callpark.flows.agents.notes import Note
from callpark.flows.contact import Contact, Desk


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a contact is among queues and agents; `desk` None: nowhere, or not any more. `rejected`: the agent for whom
    it rang has just said so. `revision`: of its row, so that of two nodes the one that has it is believed."""

    contact_id: str
    desk: Desk | None = None
    channel: str = "VOICE"
    method: str = "INBOUND"
    criteria: object = None
    rejected: bool = False
    revision: int = 0


def standing_of(contact: Contact, revision: int = 0, *, rejected: bool = False) -> Standing:
    desk = None if contact.ended is not None else contact.desk
    if desk is None:
        return Standing(contact.id, revision=revision)
    criteria = contact.memory.record.settings.get(SETTING) if desk.stage == "queued" else None
    party = contact.party
    return Standing(contact.id, desk, party.channel, party.initiation_method, criteria, rejected, revision)


class Followed(msgspec.Struct, frozen=True, tag="followed", array_like=True):
    """A contact has moved."""

    standing: Standing


class Lost(msgspec.Struct, frozen=True, tag="lost", array_like=True):
    """A node does not have a contact any more; another one may."""

    contact_id: str


class Noted(msgspec.Struct, frozen=True, tag="noted", array_like=True):
    """Something for whoever plays an agent."""

    agent: str
    note: Note


Report: TypeAlias = Followed | Lost | Noted
