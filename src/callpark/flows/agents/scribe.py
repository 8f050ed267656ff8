"""What agents are told of the contacts of this node: notes, made of the trace and of what is said in chats, so after
that is durable. They go through the switchboard to whoever plays the agent.

Made by `agents/service.py`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from callpark.flows.agents.notes import Connected, Heard, Held, Left, Note, Offered, OfferOver, Resumed, Transferring
from callpark.flows.chat.service import Chats
from callpark.flows.chat.tokens import Claim
from callpark.flows.contact import Contact
from callpark.flows.happenings import (
    AgentHeard,
    ContactEnded,
    ContactOffered,
    ContactTransferred,
    KeyTaken,
    OfferEnded,
    StageEntered,
    WordsTaken,
)
from callpark.flows.service import Flows
from callpark.flows.stages import RING
from callpark.kernel.trace import Reader


class _At(NamedTuple):
    """Who has a contact, or for whom it rings (then `stage` is queued)."""

    agent: str
    stage: str


class Scribe:
    def __init__(self, flows: Flows, chats: Chats) -> None:
        self._flows = flows
        self._chats = chats
        self._at: dict[str, _At] = {}
        self._transferred: set[str] = set()
        self._ears: dict[str, _Ear] = {}

    @property
    def readers(self) -> Mapping[type, Reader]:
        """For the trace."""
        return {
            ContactOffered: self._offered,
            OfferEnded: self._offer_over,
            ContactTransferred: self._leaving,
            StageEntered: self._stage,
            ContactEnded: self._ended,
            AgentHeard: self._agent_heard,
            WordsTaken: self._words,
            KeyTaken: self._key,
        }

    def taken_up(self, contact: Contact) -> None:
        """A contact that has begun elsewhere, or before a restart: how it stands is told, perhaps once more."""
        desk, now = contact.desk, self._flows.clock.now()
        if desk is None or contact.ended is not None:
            return
        if desk.stage == "queued" and desk.offered is not None:
            seconds = max(0.0, (contact.due(RING) or now) - now)
            self._offered(now, ContactOffered(contact.id, desk.offered, desk.target.name, seconds))
        elif desk.agent is not None and desk.stage not in ("queued", "remaining"):
            self._stage(now, StageEntered(contact.id, desk.stage, desk.target.name, desk.agent))

    def dropped(self, contact_id: str) -> None:
        """A contact is not here any more."""
        self._at.pop(contact_id, None)
        self._transferred.discard(contact_id)
        self._part(contact_id)

    # What the trace says

    def _offered(self, at: float, offer: ContactOffered) -> None:
        contact_id, agent = offer.subject, offer.agent
        self._at[contact_id] = _At(agent, "queued")
        contact = self._flows.contact(contact_id)
        party = None if contact is None else contact.party
        note = Offered(
            contact_id,
            at,
            offer.seconds,
            "VOICE" if party is None else party.channel,
            offer.queue,
            None if party is None else party.caller,
            {} if contact is None else contact.memory.attributes,
        )
        self._note(agent, note)

    def _offer_over(self, at: float, over: OfferEnded) -> None:
        self._note(over.agent, OfferOver(over.subject, at, over.outcome))
        if over.outcome != "accepted" and self._at.get(over.subject) == _At(over.agent, "queued"):
            del self._at[over.subject]

    def _leaving(self, at: float, transferred: ContactTransferred) -> None:
        self._transferred.add(transferred.subject)

    def _stage(self, at: float, entered: StageEntered) -> None:
        contact_id, stage = entered.subject, entered.stage
        before = self._at.get(contact_id)
        agent = "" if stage in ("queued", "remaining") else entered.agent
        if before is not None and before.stage != "queued" and before.agent != agent:
            self._left(contact_id, at, "transferred" if contact_id in self._transferred else "left")
            before = None
        if not agent:
            return
        self._at[contact_id] = _At(agent, stage)
        if stage == "connected" and before is not None and before.stage == "customer_hold":
            self._note(agent, Resumed(contact_id, at))
        elif stage == "connected":
            self._note(agent, Connected(contact_id, at, self._attend(agent, contact_id)))
        elif stage == "customer_hold":
            self._note(agent, Held(contact_id, at))
        elif stage == "transferring":
            self._note(agent, Transferring(contact_id, at))

    def _ended(self, at: float, ended: ContactEnded) -> None:
        before = self._at.get(ended.subject)
        if before is None:
            return
        if before.stage == "queued":
            del self._at[ended.subject]
            self._note(before.agent, OfferOver(ended.subject, at, "withdrawn"))
        else:
            self._left(ended.subject, at, ended.reason)

    def _agent_heard(self, at: float, heard: AgentHeard) -> None:
        before = self._at.get(heard.subject)
        if before is not None:
            who = "hold" if before.stage == "customer_hold" else "whisper"
            self._note(before.agent, Heard(heard.subject, at, who, heard.text))

    def _words(self, at: float, taken: WordsTaken) -> None:
        before = self._at.get(taken.subject)
        if before is not None and taken.subject not in self._ears:
            self._note(before.agent, Heard(taken.subject, at, "customer", taken.text))

    def _key(self, at: float, taken: KeyTaken) -> None:
        before = self._at.get(taken.subject)
        if before is not None:
            self._note(before.agent, Heard(taken.subject, at, "customer", taken.key))

    # Inside

    def _note(self, agent: str, note: Note) -> None:
        self._flows.switchboard.note(agent, note)

    def _heard(self, contact_id: str, agent: str, who: str, text: str) -> None:
        self._note(agent, Heard(contact_id, self._flows.clock.now(), who, text))

    def _attend(self, agent: str, contact_id: str) -> str:
        """Hear the chat, if it is one; the agent's participant token then."""
        seat = self._chats.agent_seat(agent, contact_id)
        if seat is None or contact_id in self._ears:
            return ""
        ear = self._ears[contact_id] = _Ear(lambda who, text: self._heard(contact_id, agent, who, text))
        ear.end = seat.room.join(seat.participant, ear)
        return self._chats.tokens.mint(Claim("participant", contact_id, seat.participant.id))

    def _left(self, contact_id: str, at: float, why: str) -> None:
        agent = self._at.pop(contact_id).agent
        self._transferred.discard(contact_id)
        self._part(contact_id)
        self._note(agent, Left(contact_id, at, why))

    def _part(self, contact_id: str) -> None:
        ear = self._ears.pop(contact_id, None)
        if ear is not None:
            ear.end()


class _Ear:
    """`chat.room.Ear`: what the others write."""

    def __init__(self, hear: Callable[[str, str], None]) -> None:
        self._hear = hear
        self.end: Callable[[], None] = lambda: None

    def written(self, text: str) -> None:
        frame = msgspec.json.decode(text, type=_Frame)
        item = msgspec.json.decode(frame.content, type=_Item)
        if item.content and item.role in ("CUSTOMER", "SYSTEM", "CUSTOM_BOT"):
            self._hear(item.role.lower(), item.content)

    def over(self) -> None:
        pass  # the trace tells

    def replaced(self) -> None:
        pass


class _Frame(msgspec.Struct):
    content: str = "{}"


class _Item(msgspec.Struct, rename="pascal"):
    content: str = ""
    role: str = msgspec.field(name="ParticipantRole", default="")
