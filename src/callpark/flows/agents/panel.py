"""An agent's contact control panel: what somebody who plays an agent can do, and what they are told.

Made by `agents/service.py`; used by `callpark agent` over a socket, and by tests as it is:

    with app.agents.sit("alice") as alice:
        offered = await alice.next(Offered)
        await alice.accept(offered.contact_id)
        await alice.say(offered.contact_id, "Good morning")

What it is told comes from the trace and the chat's room, so after it is durable. Every act returns when it is durable.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TypeVar

import msgspec

from callpark.flows.agents.model import AgentView
from callpark.flows.agents.notes import (
    Connected,
    Heard,
    Held,
    Left,
    Note,
    Offered,
    OfferOver,
    Resumed,
    Seated,
    StatusSet,
    Transferring,
)
from callpark.flows.contact import Contact, Desk
from callpark.flows.events import (
    AgentAccepted,
    AgentActed,
    AgentRejected,
    AgentSpoke,
    AgentTransferred,
    Event,
)
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
from callpark.kernel.errors import ProjectError
from callpark.kernel.trace import Entry

N = TypeVar("N", bound=msgspec.Struct)


class Office(Protocol):
    """What a panel needs of `agents/service.py`."""

    def now(self) -> float: ...

    def contact(self, contact_id: str) -> Contact | None: ...

    def view(self, agent: str) -> AgentView: ...

    async def tell(self, contact_id: str, event: Event) -> bool: ...

    async def set_status(self, agent: str, status: str) -> None: ...

    async def clear(self, agent: str, contact_id: str) -> bool: ...

    def rejecting(self, contact_id: str) -> None: ...

    def transfer(self, agent: str, to: str) -> AgentTransferred:
        """Raises ProjectError for what is nowhere."""
        ...

    def join(self, agent: str, contact_id: str, ear: "Panel") -> tuple[str, Callable[[], None]] | None:
        """Hear a chat: the agent's token and what ends it; None for what is no chat with a transcript."""
        ...

    async def write(self, agent: str, contact_id: str, text: str) -> bool:
        """Say something in a chat; False for what is no chat with a transcript."""
        ...


class Panel:
    """Whoever holds it plays the agent until it is closed. Notes are kept for `next`, unless a `listener` takes each as
    it comes, on the loop."""

    def __init__(self, office: Office, agent: str, listener: Callable[[Note], None] | None = None) -> None:
        self.agent = agent
        self.notes: list[Note] = []
        self._office = office
        self._listener = listener
        self._read: dict[type, int] = {}
        self._told = asyncio.Event()
        self._mine: dict[str, str] = {}
        self._leaving: dict[str, str] = {}
        self._chats: dict[str, Callable[[], None]] = {}
        self._closing: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def opened(self, *closing: Callable[[], None]) -> None:
        """The agent is played from now on; `closing` ends it."""
        self._closing += closing
        view = self._office.view(self.agent)
        states = {"CONNECTING": "queued", "CONNECTED": "connected", "CONNECTED_ONHOLD": "customer_hold"}
        self._mine = {one.contact_id: states[one.state] for one in view.contacts if one.state in states}
        self._note(Seated(view, self._office.now()))
        for contact_id, stage in self._mine.items():
            if stage != "queued":
                self._join(contact_id)

    def close(self) -> None:
        """Stand up: contacts stay with the agent, whoever plays them next."""
        for end in (*self._closing, *self._chats.values()):
            end()
        self._closing.clear()
        self._chats.clear()

    @property
    def view(self) -> AgentView:
        return self._office.view(self.agent)

    async def next(self, kind: type[N]) -> N:
        """The next note of a kind that was not asked for yet."""
        while True:
            for place in range(self._read.get(kind, 0), len(self.notes)):
                self._read[kind] = place + 1
                note = self.notes[place]
                if isinstance(note, kind):
                    return note
            self._told.clear()
            await self._told.wait()

    # What agents do. All raise ProjectError for what cannot be done now.

    async def set_status(self, status: str) -> None:
        await self._office.set_status(self.agent, status)
        self._note(StatusSet(status, self._office.now()))

    async def accept(self, contact_id: str) -> None:
        desk = self._desk(contact_id)
        if desk is None or desk.offered != self.agent:
            raise _unable(contact_id, "does not ring for you")
        await self._act(contact_id, AgentAccepted(self.agent), lambda desk: desk.agent == self.agent)

    async def reject(self, contact_id: str) -> None:
        desk = self._desk(contact_id)
        if desk is None or desk.offered != self.agent:
            raise _unable(contact_id, "does not ring for you")
        self._office.rejecting(contact_id)
        await self._office.tell(contact_id, AgentRejected(self.agent))

    async def hold(self, contact_id: str) -> None:
        self._need(contact_id, "connected")
        await self._act(contact_id, AgentActed(self.agent, "hold"), lambda desk: desk.stage == "customer_hold")

    async def resume(self, contact_id: str) -> None:
        self._need(contact_id, "customer_hold")
        await self._act(contact_id, AgentActed(self.agent, "resume"), lambda desk: desk.stage == "connected")

    async def say(self, contact_id: str, text: str) -> None:
        """To the customer, in writing or by voice."""
        desk = self._need(contact_id)
        if not await self._office.write(self.agent, contact_id, text):
            if desk.stage not in ("connected", "transferring"):
                raise _unable(contact_id, "does not hear you: it is on hold, or you are not connected yet")
            await self._office.tell(contact_id, AgentSpoke(self.agent, text))

    async def transfer(self, contact_id: str, to: str) -> None:
        """To a quick connect, a queue or an agent, by name, id or ARN. What becomes of it there, notes tell."""
        self._need(contact_id, "connected", "customer_hold")
        await self._office.tell(contact_id, self._office.transfer(self.agent, to))

    async def hang_up(self, contact_id: str) -> None:
        """The agent leaves; without a CustomerRemaining flow the contact ends."""
        self._need(contact_id)
        await self._office.tell(contact_id, AgentActed(self.agent, "leave"))

    async def clear(self, contact_id: str) -> None:
        """Done with a contact that was missed, rejected, or has ended: room for the next."""
        if not await self._office.clear(self.agent, contact_id):
            raise _unable(contact_id, "is not to be cleared: it is open, or cleared already")

    # Inside

    def _desk(self, contact_id: str) -> Desk | None:
        contact = self._office.contact(contact_id)
        return None if contact is None or contact.ended is not None else contact.desk

    def _need(self, contact_id: str, *stages: str) -> Desk:
        """The desk of a contact that is the agent's, at one of the stages if any are named."""
        desk = self._desk(contact_id)
        if desk is None or desk.agent != self.agent or desk.stage in ("queued", "remaining"):
            raise _unable(contact_id, "is not yours")
        if stages and desk.stage not in stages:
            raise _unable(contact_id, f"is {desk.stage.replace('_', ' ')}, where that cannot be done")
        return desk

    async def _act(self, contact_id: str, event: Event, done: Callable[[Desk], bool]) -> None:
        await self._office.tell(contact_id, event)
        desk = self._desk(contact_id)
        if desk is None or not done(desk):
            stage = "over" if desk is None else desk.stage.replace("_", " ")
            raise _unable(contact_id, f"is {stage}, where that cannot be done")

    def _note(self, note: Note) -> None:
        if self._listener is not None:
            self._listener(note)
            return
        self.notes.append(note)
        self._told.set()

    def heard(self, entry: Entry) -> None:
        """A listener of the trace."""
        contact_id, at = entry.happening.subject, entry.at
        match entry.happening:
            case ContactOffered(agent=agent) as offer if agent == self.agent:
                self._mine[contact_id] = "queued"
                contact = self._office.contact(contact_id)
                party = None if contact is None else contact.party
                self._note(
                    Offered(
                        contact_id,
                        at,
                        offer.seconds,
                        "VOICE" if party is None else party.channel,
                        offer.queue,
                        None if party is None else party.caller,
                        {} if contact is None else contact.memory.attributes,
                    )
                )
            case OfferEnded(agent=agent, outcome=outcome) if agent == self.agent:
                self._note(OfferOver(contact_id, at, outcome))
                if outcome != "accepted":
                    self._mine.pop(contact_id, None)
            case ContactTransferred(agent=agent) if agent == self.agent:
                self._leaving[contact_id] = "transferred"
            case StageEntered() as entered:
                self._stage(contact_id, at, entered)
            case ContactEnded(reason=reason) if contact_id in self._mine:
                if self._mine[contact_id] == "queued":
                    del self._mine[contact_id]
                    self._note(OfferOver(contact_id, at, "withdrawn"))
                else:
                    self._left(contact_id, at, reason)
            case AgentHeard(text=text) if contact_id in self._mine:
                who = "hold" if self._mine[contact_id] == "customer_hold" else "whisper"
                self._note(Heard(contact_id, at, who, text))
            case WordsTaken(text=text) if contact_id in self._mine and contact_id not in self._chats:
                self._note(Heard(contact_id, at, "customer", text))
            case KeyTaken(key=key) if contact_id in self._mine:
                self._note(Heard(contact_id, at, "customer", key))

    def _stage(self, contact_id: str, at: float, entered: StageEntered) -> None:
        before, stage = self._mine.get(contact_id), entered.stage
        if entered.agent != self.agent or stage in ("queued", "remaining"):
            if before is not None and before != "queued":
                self._left(contact_id, at, self._leaving.get(contact_id, "left"))
            return
        self._mine[contact_id] = stage
        if stage == "connected" and before == "customer_hold":
            self._note(Resumed(contact_id, at))
        elif stage == "connected":
            self._note(Connected(contact_id, at, self._join(contact_id)))
        elif stage == "customer_hold":
            self._note(Held(contact_id, at))
        elif stage == "transferring":
            self._note(Transferring(contact_id, at))

    def _left(self, contact_id: str, at: float, why: str) -> None:
        self._mine.pop(contact_id, None)
        self._leaving.pop(contact_id, None)
        end = self._chats.pop(contact_id, None)
        if end is not None:
            end()
        self._note(Left(contact_id, at, why))

    def _join(self, contact_id: str) -> str:
        """Hear the chat, if it is one; the agent's token."""
        if contact_id in self._chats:
            return ""
        joined = self._office.join(self.agent, contact_id, self)
        if joined is None:
            return ""
        token, self._chats[contact_id] = joined
        return token

    # `chat.room.Ear`: what the others write

    def written(self, text: str) -> None:
        frame = msgspec.json.decode(text, type=_Frame)
        item = msgspec.json.decode(frame.content, type=_Item)
        if item.content and item.role in ("CUSTOMER", "SYSTEM", "CUSTOM_BOT"):
            self._note(Heard(item.contact_id, self._office.now(), item.role.lower(), item.content))

    def over(self) -> None:
        pass  # the trace tells

    def replaced(self) -> None:
        pass


class _Frame(msgspec.Struct):
    content: str = "{}"


class _Item(msgspec.Struct, rename="pascal"):
    contact_id: str = ""
    content: str = ""
    role: str = msgspec.field(name="ParticipantRole", default="")


def _unable(contact_id: str, why: str) -> ProjectError:
    return ProjectError(f"contact {contact_id} {why}", "`contacts` lists yours")
