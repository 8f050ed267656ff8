"""Between the contacts of this node and the floor, which is at one node of all: here, or elsewhere.

Lanes tell it what becomes of their contacts, the floor tells it whom a contact rings for, the engine asks it about
queues. What is not here goes through `Neighbours`; a single node has none, and everything is here. Made by
`flows/service.py`.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from callpark.flows.agents.model import AgentState, Uncleared
from callpark.flows.agents.notes import Note
from callpark.flows.agents.orders import ContactOrder
from callpark.flows.agents.routing import NO_METRICS, QueueMetrics
from callpark.flows.agents.standing import Followed, Lost, Noted, Report, Standing, standing_of
from callpark.flows.contact import Contact, Target
from callpark.flows.events import AgentOffered
from callpark.flows.floor import Floor
from callpark.flows.world import Unmeasured
from callpark.kernel.clock import Clock
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.tasks import Tasks


class Neighbours(Protocol):
    """The other nodes, as contacts and agents need them. Who cannot be reached is waited for; CallerError at last."""

    @property
    def floor_is_here(self) -> bool: ...

    async def floor(self) -> None:
        """Returns when the floor is here."""
        ...

    def report(self, report: Report) -> None:
        """To the node that has the floor, in order; not when that is this one."""
        ...

    async def offer(self, contact_id: str, offer: AgentOffered) -> None:
        """To the node that has the contact. Returns when that has taken note of it, or there is no such contact."""
        ...

    async def measure(self, targets: Sequence[Target]) -> QueueMetrics: ...

    async def carry_out(self, agent: str, order: ContactOrder) -> None:
        """By the node that has the contact. Raises ProjectError for what cannot be done."""
        ...

    async def update_attributes(self, contact_id: str, attributes: Mapping[str, str]) -> bool:
        """Of a contact that another node has. False when nobody knows it."""
        ...


class Nobody:
    """Implements `Neighbours` for a single node, which asks none of them."""

    floor_is_here = True

    async def floor(self) -> None: ...

    def report(self, report: Report) -> None: ...

    async def offer(self, contact_id: str, offer: AgentOffered) -> None: ...

    async def measure(self, targets: Sequence[Target]) -> QueueMetrics:
        return NO_METRICS

    async def carry_out(self, agent: str, order: ContactOrder) -> None: ...

    async def update_attributes(self, contact_id: str, attributes: Mapping[str, str]) -> bool:
        return False


class Contacts(Protocol):
    """What `flows/service.py` has of contacts."""

    def contacts(self) -> Iterable[Contact]: ...

    def revision(self, contact_id: str) -> int: ...

    def ring(self, contact_id: str, offer: AgentOffered) -> "asyncio.Future[None] | None":
        """Let an open contact of this node ring; resolves when it has taken note. None when it is not here."""
        ...


class Listener(Protocol):
    """What `agents/service.py` wants to know."""

    def taken_up(self, contact: Contact) -> None:
        """A contact has come to this node that began before a restart, or at another one."""
        ...

    def dropped(self, contact_id: str) -> None:
        """A contact is not at this node any more."""
        ...

    def told(self, agent: str, note: Note) -> None:
        """At the node that has the floor: something for whoever plays an agent."""
        ...


class Switchboard:
    def __init__(
        self,
        clock: Clock,
        limits: ConnectLimits,
        contacts: Contacts,
        keep: Callable[[AgentState, Sequence[Uncleared]], None],
        neighbours: Neighbours | None,
    ) -> None:
        self.floor = Floor(clock, limits, self._offer, keep)
        self._contacts = contacts
        self._neighbours = neighbours or Nobody()
        self._listeners: list[Listener] = []
        self._rejected: set[str] = set()
        self._ringing: set[asyncio.Future[None]] = set()
        self._tasks = Tasks("the switchboard")
        if neighbours is not None:
            self.floor.hush()  # until it is here

    @property
    def neighbours(self) -> Neighbours:
        return self._neighbours

    def attend(self, listener: Listener) -> None:
        self._listeners.append(listener)

    # For lanes and the engine

    def taken_up(self, contact: Contact) -> None:
        for listener in self._listeners:
            listener.taken_up(contact)
        self.follow(contact)

    def follow(self, contact: Contact) -> None:
        """A contact of this node has moved."""
        rejected = contact.id in self._rejected
        self._rejected.discard(contact.id)
        if self._neighbours.floor_is_here:
            self.floor.follow(standing_of(contact, rejected=rejected))
        else:
            revision = self._contacts.revision(contact.id)
            self._neighbours.report(Followed(standing_of(contact, revision, rejected=rejected)))

    def leave(self, contact: Contact) -> None:
        """A contact is not at this node any more."""
        self._rejected.discard(contact.id)
        for listener in self._listeners:
            listener.dropped(contact.id)
        if self._neighbours.floor_is_here:
            self.floor.leave(contact.id)
        elif contact.ended is not None:
            self._neighbours.report(Followed(Standing(contact.id, revision=self._contacts.revision(contact.id))))
        else:
            self._neighbours.report(Lost(contact.id))

    def metrics(self, *targets: Target) -> QueueMetrics:
        """Of a queue, or of several together. Raises Unmeasured when the floor is elsewhere."""
        if not self._neighbours.floor_is_here:
            raise Unmeasured(targets)
        return self.floor.metrics(*targets)

    async def measure(self, targets: Sequence[Target]) -> QueueMetrics:
        """Wherever the floor is. Raises CallerError."""
        if self._neighbours.floor_is_here:
            return self.floor.metrics(*targets)
        return await self._neighbours.measure(targets)

    # For agents

    def rejecting(self, contact_id: str) -> None:
        """The agent for whom it rings is about to reject it."""
        self._rejected.add(contact_id)

    def note(self, agent: str, note: Note) -> None:
        """Something for whoever plays an agent."""
        if self._neighbours.floor_is_here:
            self.told(agent, note)
        else:
            self._neighbours.report(Noted(agent, note))

    def told(self, agent: str, note: Note) -> None:
        for listener in self._listeners:
            listener.told(agent, note)

    # For the floor, and for the node that has it

    def ring(self, contact_id: str, offer: AgentOffered) -> "asyncio.Future[None] | None":
        """Let a contact of this node ring."""
        noted = self._contacts.ring(contact_id, offer)
        if noted is not None:
            self._ringing.add(noted)
            noted.add_done_callback(self._ringing.discard)
        return noted

    async def standings(self) -> list[Standing]:
        """All contacts of this node that are in queues or with agents."""
        while self._ringing:
            await asyncio.wait(self._ringing)
        found = [contact for contact in self._contacts.contacts() if contact.desk is not None]
        return [standing_of(contact, self._contacts.revision(contact.id)) for contact in found]

    async def give_up_offers(self) -> None:
        """Those that other nodes have not answered yet."""
        await self._tasks.aclose()

    async def close(self) -> None:
        self.floor.close()
        await self.give_up_offers()

    def _offer(self, contact_id: str, offer: AgentOffered) -> None:
        noted = self.ring(contact_id, offer)
        if noted is not None:
            noted.add_done_callback(lambda _: self.floor.answered(contact_id))
        else:
            self._tasks.spawn(self._offer_elsewhere(contact_id, offer), contact_id)

    async def _offer_elsewhere(self, contact_id: str, offer: AgentOffered) -> None:
        await self._neighbours.offer(contact_id, offer)
        self.floor.answered(contact_id)
