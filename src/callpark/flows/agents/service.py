"""The face of agents: who there is, what they are doing, and playing one. Made by `app.py` beside `Flows` and `Chats`.

An agent whom nobody plays does what is declared of them (`connect.yaml`); whoever sits down takes over, also the
contacts that the agent has.
"""

from collections.abc import Callable

from callpark.flows.agents.destinations import destination, known
from callpark.flows.agents.model import AgentView
from callpark.flows.agents.notes import Note
from callpark.flows.agents.panel import Panel
from callpark.flows.chat.model import TEXT
from callpark.flows.chat.service import Chats, Seat
from callpark.flows.chat.tokens import Claim
from callpark.flows.contact import Contact
from callpark.flows.events import AgentTransferred, Event
from callpark.flows.resources import Resources
from callpark.flows.service import Flows
from callpark.kernel.errors import ProjectError


class Agents:
    def __init__(self, flows: Flows, chats: Chats) -> None:
        self._flows = flows
        self._chats = chats

    def sit(self, agent: str, listener: Callable[[Note], None] | None = None, *, auto_accept: bool = False) -> Panel:
        """Play an agent (name, id, ARN) until the panel is closed. Raises ProjectError when there is no such agent."""
        found = self._resources.agents.get(agent)
        if found is None:
            names = ", ".join(sorted({each.name for each in self._resources.agents.values()})) or "nobody yet"
            raise ProjectError(f"there is no agent {agent!r}", f"there is: {names} (`agents:` in connect.yaml)")
        panel = Panel(self, found.name, listener)
        # Listen first: sitting down may make something ring.
        stop = self._flows.trace.listen(panel.heard)
        panel.opened(self._flows.floor.sit_down(found.name, auto_accept=auto_accept), stop)
        return panel

    def views(self) -> list[AgentView]:
        """All agents, in their order."""
        return [self.view(each.agent.name) for each in self._resources.staff]

    # `Office`: what panels and operations ask for

    def now(self) -> float:
        return self._flows.clock.now()

    def contact(self, contact_id: str) -> Contact | None:
        return self._flows.contact(contact_id)

    def view(self, agent: str) -> AgentView:
        view = self._flows.floor.view(agent)
        if view is None:
            raise ProjectError(f"there is no agent {agent!r} any more", "the project was loaded again without them")
        return view

    async def tell(self, contact_id: str, event: Event) -> bool:
        return await self._flows.tell(contact_id, event)

    async def set_status(self, agent: str, status: str) -> None:
        """Returns when it is durable. Raises ProjectError for a status that the instance does not have."""
        statuses = self._resources.statuses
        if status not in statuses:
            raise ProjectError(f"there is no status {status!r}", f"there is: {', '.join(sorted(statuses))}")
        self._flows.floor.set_status(agent, status)
        await self._flows.agent_states.saved()

    async def clear(self, agent: str, contact_id: str) -> bool:
        cleared = self._flows.floor.clear(agent, contact_id)
        await self._flows.agent_states.saved()
        return cleared

    def rejecting(self, contact_id: str) -> None:
        self._flows.floor.reject(contact_id)

    def transfer(self, agent: str, to: str) -> AgentTransferred:
        found = destination(self._resources, to)
        if found is None:
            raise ProjectError(f"there is no {to!r} to transfer to", f"there is: {', '.join(known(self._resources))}")
        if found.flow is not None and self._flows.instance.flow(self._flow(found.flow)) is None:
            raise ProjectError(f"quick connect {to}: there is no flow {found.flow!r}", "correct it, or leave it out")
        return AgentTransferred(agent, found.target, None if found.flow is None else self._flow(found.flow))

    def join(self, agent: str, contact_id: str, ear: Panel) -> tuple[str, Callable[[], None]] | None:
        seat = self._seat(agent, contact_id)
        if seat is None:
            return None
        token = self._chats.tokens.mint(Claim("participant", contact_id, seat.participant.id))
        return token, seat.room.join(seat.participant, ear)

    async def write(self, agent: str, contact_id: str, text: str) -> bool:
        """Raises ProjectError for what the chat does not take."""
        seat = self._seat(agent, contact_id)
        if seat is None:
            return False
        if problem := self._chats.problem_of(TEXT, text):
            raise ProjectError(problem, "say less at once")
        await self._chats.send(seat, TEXT, text, "")
        return True

    # Inside

    @property
    def _resources(self) -> Resources:
        return self._flows.instance.resources

    def _flow(self, reference: str) -> str:
        """Flows by name too."""
        return self._flows.instance.names.get(reference, reference)

    def _seat(self, agent: str, contact_id: str) -> Seat | None:
        """The agent's place in a chat with a transcript."""
        contact, room = self._flows.contact(contact_id), self._chats.room(contact_id)
        session = None if contact is None else contact.chat
        if contact is None or room is None or session is None or session.agent is None:
            return None
        return Seat(room, session.agent, contact) if session.agent.display_name == agent else None
