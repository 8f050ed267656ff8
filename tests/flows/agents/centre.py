"""A call centre on virtual time: an office with agents whom tests play, and chats beside calls."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from callpark.flows.agents.model import AgentContact
from callpark.flows.agents.notes import Connected, Offered
from callpark.flows.agents.panel import Panel
from callpark.flows.agents.service import Agents
from callpark.flows.calls import Call
from callpark.flows.chat.service import Chats
from callpark.flows.contact import Contact
from callpark.flows.contact_record import contact_record
from callpark.flows.declared import Agent, Declared, ProfileQueue, Queue, QuickConnect, RoutingProfile
from callpark.flows.happenings import StageEntered
from callpark.flows.model import FlowDefinition
from callpark.flows.timeline import Timeline, timeline
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.store.memory import MemoryStore
from tests.flows.building import INSTANCE, action, definition, flow_arn, hang_up, say
from tests.flows.exchange import Office, Stub

FULL = {"QueueAtCapacity": "full", "NoMatchingError": "full"}

DECLARED = Declared(
    queues=(Queue(name="Support", id="support"), Queue(name="Billing", id="billing")),
    routing_profiles=(
        RoutingProfile(
            name="Everything",
            queues=(ProfileQueue(queue="Support"), ProfileQueue(queue="Billing", priority=2)),
            concurrency={"VOICE": 1, "CHAT": 2},
        ),
        RoutingProfile(name="Money", queues=(ProfileQueue(queue="Billing"),)),
    ),
    agents=(
        Agent(name="alice", routing_profile="Everything", status="offline"),
        Agent(name="bob", routing_profile="Money", status="offline"),
    ),
    quick_connects=(QuickConnect(name="To billing", queue="Billing", flow="transfer"),),
)


def line(name: str = "line", queue: str = "Support") -> FlowDefinition:
    """A flow that puts its contacts into a queue."""
    return definition(
        action("set", "UpdateContactTargetQueue", {"QueueId": queue}, "transfer", errors={"NoMatchingError": "full"}),
        action("transfer", "TransferContactToQueue", {}, "full", errors=FULL),
        say("full", "Everybody is busy.", "bye"),
        hang_up(),
        name=name,
    )


TRANSFER = definition(
    say("tell", "I put you through.", "queue"),
    action("queue", "TransferContactToQueue", {}, "end", errors={"QueueAtCapacity": "end", "NoMatchingError": "end"}),
    action("end", "EndFlowExecution"),
    name="transfer",
    type_="QUEUE_TRANSFER",
)


class Centre(Office):
    """An office with agents and chats."""

    def __init__(
        self,
        clock: VirtualClock,
        flows: Sequence[FlowDefinition] = (),
        *,
        declared: Declared = DECLARED,
        store: MemoryStore | None = None,
        stubs: dict[str, Stub] | None = None,
        seed: int = 7,
        transfer: bool = True,
    ) -> None:
        instance = dataclasses.replace(INSTANCE, declared=declared)
        all_flows = [*(flows or [line()]), *([TRANSFER] if transfer else [])]
        super().__init__(clock, all_flows, stubs or {}, instance=instance, store=store, seed=seed)
        self.chats = Chats(self.flows, clock, SeededIds(seed + 1_000), self.limits, self.store)
        self.agents = Agents(self.flows, self.chats)
        self._given = (flows, declared)

    async def reopened(self) -> "Centre":
        """After `kill -9`: what the store kept, taken up again."""
        flows, declared = self._given
        store = self.store.crash()
        await self.flows.close()
        again = Centre(self.clock, flows, declared=declared, store=store, seed=self._seed + 1)
        await again.chats.start()
        await again.flows.start(lambda contact: again.chats.reconnect(contact) or again.phone())
        return again

    def contact(self, contact_id: str) -> Contact:
        found = self.flows.contact(contact_id)
        assert found is not None
        return found

    def stages(self, contact_id: str) -> list[tuple[str, str]]:
        return [(h.stage, h.agent) for h in self.happenings(contact_id) if isinstance(h, StageEntered)]

    def record(self, contact_id: str) -> dict[str, Any]:
        return dict(contact_record(self.contact(contact_id), self.trace.entries(contact_id)))

    def drawn(self, contact_id: str) -> Timeline:
        return timeline(self.trace.entries(contact_id))

    def seen(self, agent: str) -> list[AgentContact]:
        return list(self.agents.view(agent).contacts)


async def on_duty(centre: Centre, *names: str) -> list[Panel]:
    """Agents who are played, and available."""
    panels = [centre.agents.sit(name) for name in names]
    for panel in panels:
        await panel.set_status("Available")
    return panels


async def talking(centre: Centre, panel: Panel, to: str = "line") -> Call:
    """A call that the agent has accepted."""
    call = centre.flows.start_call(to, centre.phone())
    await centre.clock.run_until(panel.next(Offered))
    await panel.accept(call.contact_id)
    await centre.clock.run_until(panel.next(Connected))
    return call


def states(contacts: list[AgentContact]) -> list[str]:
    return [contact.state for contact in contacts]


__all__ = ["DECLARED", "TRANSFER", "Centre", "flow_arn", "line", "on_duty", "states", "talking"]
