"""What agents do to contacts, at the node that has the contact. Each act returns when it is durable.

Asked by `agents/service.py`, for panels here and at other nodes.
"""

from collections.abc import Callable

from callpark.flows.agents.destinations import destination, known
from callpark.flows.agents.orders import (
    Accept,
    ContactOrder,
    HangUp,
    Hold,
    Reject,
    Resume,
    Say,
    Transfer,
)
from callpark.flows.chat.model import TEXT
from callpark.flows.chat.service import Chats
from callpark.flows.contact import Desk
from callpark.flows.events import AgentAccepted, AgentActed, AgentRejected, AgentSpoke, AgentTransferred, Event
from callpark.flows.service import Flows
from callpark.kernel.errors import ProjectError


class Acts:
    def __init__(self, flows: Flows, chats: Chats) -> None:
        self._flows = flows
        self._chats = chats

    async def carry_out(self, agent: str, order: ContactOrder) -> None:
        """Raises ProjectError for what cannot be done now, CallerError."""
        contact_id = order.contact_id
        match order:
            case Accept():
                self._need_ringing(agent, contact_id)
                await self._act(contact_id, AgentAccepted(agent), lambda desk: desk.agent == agent)
            case Reject():
                self._need_ringing(agent, contact_id)
                self._flows.switchboard.rejecting(contact_id)
                await self._flows.tell(contact_id, AgentRejected(agent))
            case Hold():
                self._need(agent, contact_id, "connected")
                await self._act(contact_id, AgentActed(agent, "hold"), lambda desk: desk.stage == "customer_hold")
            case Resume():
                self._need(agent, contact_id, "customer_hold")
                await self._act(contact_id, AgentActed(agent, "resume"), lambda desk: desk.stage == "connected")
            case Say(text=text):
                await self._say(agent, contact_id, text)
            case Transfer(to=to):
                self._need(agent, contact_id, "connected", "customer_hold")
                await self._flows.tell(contact_id, self._transfer(agent, to))
            case HangUp():
                self._need(agent, contact_id)
                await self._flows.tell(contact_id, AgentActed(agent, "leave"))

    async def _say(self, agent: str, contact_id: str, text: str) -> None:
        desk = self._need(agent, contact_id)
        seat = self._chats.agent_seat(agent, contact_id)
        if seat is not None:
            if problem := self._chats.problem_of(TEXT, text):
                raise ProjectError(problem, "say less at once")
            await self._chats.send(seat, TEXT, text, "")
            return
        if desk.stage not in ("connected", "transferring"):
            raise _unable(contact_id, "does not hear you: it is on hold, or you are not connected yet")
        await self._flows.tell(contact_id, AgentSpoke(agent, text))

    def _transfer(self, agent: str, to: str) -> AgentTransferred:
        resources = self._flows.instance.resources
        found = destination(resources, to)
        if found is None:
            raise ProjectError(f"there is no {to!r} to transfer to", f"there is: {', '.join(known(resources))}")
        if found.flow is None:
            return AgentTransferred(agent, found.target)
        flow = self._flows.instance.names.get(found.flow, found.flow)
        if self._flows.instance.flow(flow) is None:
            raise ProjectError(f"quick connect {to}: there is no flow {found.flow!r}", "correct it, or leave it out")
        return AgentTransferred(agent, found.target, flow)

    def _desk(self, contact_id: str) -> Desk | None:
        contact = self._flows.contact(contact_id)
        return None if contact is None or contact.ended is not None else contact.desk

    def _need_ringing(self, agent: str, contact_id: str) -> None:
        desk = self._desk(contact_id)
        if desk is None or desk.offered != agent:
            raise _unable(contact_id, "does not ring for you")

    def _need(self, agent: str, contact_id: str, *stages: str) -> Desk:
        """The desk of a contact that is the agent's, at one of the stages if any are named."""
        desk = self._desk(contact_id)
        if desk is None or desk.agent != agent or desk.stage in ("queued", "remaining"):
            raise _unable(contact_id, "is not yours")
        if stages and desk.stage not in stages:
            raise _unable(contact_id, f"is {desk.stage.replace('_', ' ')}, where that cannot be done")
        return desk

    async def _act(self, contact_id: str, event: Event, done: Callable[[Desk], bool]) -> None:
        await self._flows.tell(contact_id, event)
        desk = self._desk(contact_id)
        if desk is None or not done(desk):
            stage = "over" if desk is None else desk.stage.replace("_", " ")
            raise _unable(contact_id, f"is {stage}, where that cannot be done")


def _unable(contact_id: str, why: str) -> ProjectError:
    return ProjectError(f"contact {contact_id} {why}", "`contacts` lists yours")
