"""What the floor knows of a contact that is in a queue or with an agent, and how its agent sees it. Pure.

Used by `flows/floor.py`.
"""

from dataclasses import dataclass
from typing import Final

from callpark.flows.agents.criteria import Criteria, read_criteria
from callpark.flows.agents.model import AgentContact, AgentContactState, Ending, Uncleared
from callpark.flows.agents.routing import Waiting
from callpark.flows.agents.standing import Standing
from callpark.flows.contact import Desk

_STATES: Final[dict[Ending, AgentContactState]] = {"missed": "MISSED", "rejected": "REJECTED", "ended": "ENDED"}


@dataclass(frozen=True, slots=True)
class Held:
    """What the floor knows of a contact at a desk: the desk, and since when an agent has it."""

    desk: Desk
    channel: str
    method: str
    since: float
    connected_at: float | None = None
    criteria: Criteria = ()

    @property
    def agent(self) -> str | None:
        """Who has it, or for whom it rings."""
        desk = self.desk
        return desk.offered if desk.stage == "queued" else None if desk.stage == "remaining" else desk.agent

    def waiting(self, contact_id: str) -> Waiting:
        """As routing sees it while it is in a queue."""
        desk = self.desk
        return Waiting(contact_id, desk.target, desk.since, desk.priority, self.channel, self.criteria)

    def seen(self, contact_id: str) -> AgentContact:
        """As its agent sees it."""
        states: dict[str, AgentContactState] = {"queued": "CONNECTING", "customer_hold": "CONNECTED_ONHOLD"}
        return AgentContact(
            contact_id,
            states.get(self.desk.stage, "CONNECTED"),
            self.channel,
            self.desk.target.name,
            self.since,
            self.desk.target.arn,
            self.method,
            self.connected_at,
        )


def held_of(standing: Standing, desk: Desk, before: Held | None, now: float) -> Held:
    same = before is not None and (before.desk.stage, before.desk.offered) == (desk.stage, desk.offered)
    connected_at = None if before is None or before.desk.agent != desk.agent else before.connected_at
    if desk.stage == "connected" and connected_at is None:
        connected_at = now
    since = before.since if same and before is not None else now
    return Held(desk, standing.channel, standing.method, since, connected_at, read_criteria(standing.criteria))


def uncleared(one: Uncleared) -> AgentContact:
    """One that the agent does not have any more, as they see it."""
    return AgentContact(one.contact_id, _STATES[one.how], one.channel, one.queue, one.since)
