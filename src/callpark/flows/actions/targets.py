"""Queues and agents as actions name them: `QueueId` or `AgentId`, else the contact's working queue."""

from collections.abc import Mapping
from dataclasses import dataclass

from callpark.flows.contact import Target
from callpark.flows.parameters import ParameterProblem, required
from callpark.flows.references import Template, template
from callpark.flows.turn import Turn

PARAMETERS = frozenset(("QueueId", "AgentId"))


@dataclass(frozen=True, slots=True)
class TargetTemplate:
    """A queue or an agent before its reference is resolved."""

    agent: bool
    reference: Template

    def resolve(self, turn: Turn) -> Target | None:
        """None, with a warning, for what the project does not declare."""
        reference = self.reference.text(turn.namespace)
        resources = turn.world.resources
        if self.agent:
            agent = resources.agent(reference)
            if agent is not None:
                return Target(agent.arn or agent.name, agent.name, agent=True)
        else:
            queue = resources.queue(reference)
            if queue is not None:
                return Target(queue.arn or queue.name, queue.name, caller_id=queue.caller_id)
        kind = "agent" if self.agent else "queue"
        turn.warn(f"there is no {kind} {reference!r}: declare it under `{kind}s:` in connect.yaml")
        return None


def read_target(parameters: Mapping[str, object]) -> TargetTemplate | None:
    """None when the action names neither; then the working queue is meant."""
    given = sorted(PARAMETERS & parameters.keys())
    if len(given) > 1:
        raise ParameterProblem("AgentId", "only one of QueueId and AgentId may be given")
    if not given:
        return None
    return TargetTemplate(given[0] == "AgentId", template(required(parameters, given[0])))


def read_required_target(parameters: Mapping[str, object]) -> TargetTemplate:
    target = read_target(parameters)
    if target is None:
        raise ParameterProblem("QueueId", "QueueId or AgentId is needed", missing=True)
    return target


def resolve_or_working(turn: Turn, target: TargetTemplate | None) -> Target | None:
    """What the action names, else the working queue of the contact, None without one."""
    return turn.memory.record.target if target is None else target.resolve(turn)
