"""Where an agent can transfer to: a quick connect, a queue or another agent, by name, id or ARN. Pure."""

from typing import NamedTuple

from callpark.flows.contact import Target
from callpark.flows.resources import Resources, look_up


class Destination(NamedTuple):
    """`flow`: the transfer flow on the way there, None for straight."""

    target: Target
    flow: str | None = None


def destination(resources: Resources, to: str) -> Destination | None:
    """Quick connects come first. None for what the instance does not have."""
    connect = look_up(resources.quick_connects, to)
    if connect is not None and connect.queue is not None:
        target = _queue(resources, connect.queue)
    elif connect is not None:
        target = _agent(resources, connect.agent or "")
    else:
        target = _queue(resources, to) or _agent(resources, to)
    return None if target is None else Destination(target, None if connect is None else connect.flow)


def _queue(resources: Resources, reference: str) -> Target | None:
    queue = look_up(resources.queues, reference)
    return None if queue is None else Target(queue.arn or queue.name, queue.name, caller_id=queue.caller_id)


def _agent(resources: Resources, reference: str) -> Target | None:
    agent = look_up(resources.agents, reference)
    return None if agent is None else Target(agent.arn or agent.name, agent.name, agent=True)


def known(resources: Resources) -> list[str]:
    """The names of all there are."""
    connects, queues = resources.quick_connects.values(), resources.queues.values()
    names = {*(each.name for each in connects), *(each.name for each in queues)}
    return sorted(names | {agent.name for agent in resources.agents.values()})
