"""The face of agents: who there is, what they are doing, and playing one. Made by `app.py` beside `Flows` and `Chats`.

An agent whom nobody plays does what is declared of them (`connect.yaml`); whoever sits down takes over, also the
contacts that the agent has.
"""

from collections.abc import Callable

from callpark.flows.agents.acts import Acts
from callpark.flows.agents.model import AgentView
from callpark.flows.agents.notes import Note
from callpark.flows.agents.orders import ContactOrder
from callpark.flows.agents.panel import Panel
from callpark.flows.agents.scribe import Scribe
from callpark.flows.chat.service import Chats
from callpark.flows.contact import Contact
from callpark.flows.resources import Resources
from callpark.flows.service import Flows
from callpark.kernel.errors import ProjectError


class Agents:
    def __init__(self, flows: Flows, chats: Chats) -> None:
        self._flows = flows
        self.acts = Acts(flows, chats)
        self._scribe = Scribe(flows, chats)
        self._panels: dict[str, list[Panel]] = {}
        flows.trace.hear(self._scribe.readers)
        flows.switchboard.attend(self)

    def sit(self, agent: str, listener: Callable[[Note], None] | None = None, *, auto_accept: bool = False) -> Panel:
        """Play an agent (name, id, ARN) until the panel is closed. Raises ProjectError when there is no such agent."""
        found = self._resources.agents.get(agent)
        if found is None:
            names = ", ".join(sorted({each.name for each in self._resources.agents.values()})) or "nobody yet"
            raise ProjectError(f"there is no agent {agent!r}", f"there is: {names} (`agents:` in connect.yaml)")
        panel = Panel(self, found.name, listener)
        panels = self._panels.setdefault(found.name, [])
        panels.append(panel)  # before sitting down, which may make something ring
        stand_up = self._flows.switchboard.floor.sit_down(found.name, auto_accept=auto_accept)
        panel.opened(stand_up, lambda: panels.remove(panel))
        return panel

    async def ready(self) -> None:
        """Returns when the floor is here. Raises CallerError when it does not come."""
        await self._flows.switchboard.neighbours.floor()

    def dismiss(self) -> None:
        """The floor moves to another node: whoever plays an agent is to come again, there."""
        for panels in tuple(self._panels.values()):
            for panel in tuple(panels):
                panel.close()

    def views(self) -> list[AgentView]:
        """All agents, in their order."""
        return [self.view(each.agent.name) for each in self._resources.staff]

    # `Office`: what panels and operations ask for

    def now(self) -> float:
        return self._flows.clock.now()

    def view(self, agent: str) -> AgentView:
        view = self._flows.switchboard.floor.view(agent)
        if view is None:
            raise ProjectError(f"there is no agent {agent!r} any more", "the project was loaded again without them")
        return view

    async def set_status(self, agent: str, status: str) -> None:
        """Returns when it is durable. Raises ProjectError for a status that the instance does not have."""
        statuses = self._resources.statuses
        if status not in statuses:
            raise ProjectError(f"there is no status {status!r}", f"there is: {', '.join(sorted(statuses))}")
        self._flows.switchboard.floor.set_status(agent, status)
        await self._flows.agent_states.saved()

    async def clear(self, agent: str, contact_id: str) -> bool:
        cleared = self._flows.switchboard.floor.clear(agent, contact_id)
        await self._flows.agent_states.saved()
        return cleared

    async def carry_out(self, agent: str, order: ContactOrder) -> None:
        if self._flows.is_elsewhere(order.contact_id):
            await self._flows.switchboard.neighbours.carry_out(agent, order)
        else:
            await self.acts.carry_out(agent, order)

    # `switchboard.Listener`

    def taken_up(self, contact: Contact) -> None:
        self._scribe.taken_up(contact)

    def dropped(self, contact_id: str) -> None:
        self._scribe.dropped(contact_id)

    def told(self, agent: str, note: Note) -> None:
        for panel in tuple(self._panels.get(agent, ())):
            panel.note(note)

    # Inside

    @property
    def _resources(self) -> Resources:
        return self._flows.instance.resources
