"""What happens at an agent's desk: it rings, they accept, reject, miss, hold, resume, transfer, leave. Pure.

Two tables for `engine.py`: events of agents and timers, each answered with the stage that follows (`stages.py`). What
comes too late, or from an agent who does not have the contact, changes nothing.

https://docs.aws.amazon.com/connect/latest/adminguide/about-contact-states.html
"""

from collections.abc import Callable, Mapping

import msgspec

from callpark.flows.contact import Desk
from callpark.flows.effects import Say
from callpark.flows.events import (
    AgentAccepted,
    AgentActed,
    AgentOffered,
    AgentRejected,
    AgentSpoke,
    AgentTransferred,
    Event,
)
from callpark.flows.happenings import AgentSaid, ContactOffered, OfferEnded, StageEntered
from callpark.flows.program import PARKED, Move, Outcome
from callpark.flows.prompts import BadPrompt, Prompt
from callpark.flows.stages import (
    AGENT_HOLDS,
    AGENT_LEAVES,
    AGENT_RESUMES,
    ANSWER,
    QUEUE_LIMIT,
    RING,
    agent_left,
    held,
    nobody_came,
    resumed,
    transferred,
    with_agent,
)
from callpark.flows.turn import Turn


def _offered(turn: Turn, event: Event) -> Outcome:
    assert isinstance(event, AgentOffered)
    desk = turn.desk
    if desk is None or desk.stage != "queued" or desk.offered is not None:
        return PARKED
    turn.desk = msgspec.structs.replace(desk, offered=event.agent, played=event.played)
    rings = event.rings if event.answers_after is None else max(event.rings, event.answers_after)
    turn.effects.append(ContactOffered(turn.subject, event.agent, desk.target.name, rings))
    turn.arm(RING, turn.now + rings)
    if event.answers_after is not None:
        turn.arm(ANSWER, turn.now + event.answers_after)
    return PARKED


def _accepted(turn: Turn, event: Event) -> Outcome:
    assert isinstance(event, AgentAccepted)
    desk = turn.desk
    if desk is None or desk.stage != "queued" or desk.offered not in (None, event.agent):
        return PARKED
    turn.disarm(QUEUE_LIMIT)
    if desk.offered is not None:
        turn.effects.append(OfferEnded(turn.subject, event.agent, "accepted"))
        turn.desk = msgspec.structs.replace(desk, offered=None)
    return Move(with_agent(turn, desk, event.agent))


def _rejected(turn: Turn, event: Event) -> Outcome:
    assert isinstance(event, AgentRejected)
    desk = turn.desk
    return PARKED if desk is None or desk.offered != event.agent else _not_taken(turn, desk, "rejected")


def _not_taken(turn: Turn, desk: Desk, outcome: str) -> Outcome:
    """It waits on, in its place, and may ring for somebody else."""
    assert desk.offered is not None
    turn.disarm(RING)
    turn.disarm(ANSWER)
    turn.effects.append(OfferEnded(turn.subject, desk.offered, outcome))
    turn.desk = msgspec.structs.replace(desk, offered=None, played=False)
    return PARKED


def _acted(turn: Turn, event: Event) -> Outcome:
    assert isinstance(event, AgentActed)
    desk = _desk_of(turn, event.agent)
    if desk is None:
        return PARKED
    if event.what == "hold":
        return held(turn, desk)
    if event.what == "resume":
        return resumed(turn, desk)
    if desk.stage == "transferring":  # the flow goes on without the agent
        turn.desk = msgspec.structs.replace(desk, stage="remaining")
        turn.effects.append(StageEntered(turn.subject, "remaining", desk.target.name, event.agent))
        return PARKED
    return agent_left(turn, desk)


def _transferred(turn: Turn, event: Event) -> Outcome:
    assert isinstance(event, AgentTransferred)
    desk = _desk_of(turn, event.agent)
    program = None if event.flow is None else turn.world.flow(event.flow)
    if desk is None or (program is None and event.target is None):
        return PARKED
    return transferred(turn, desk, event.target, program)


def _spoke(turn: Turn, event: Event) -> Outcome:
    """Heard by the customer, unless they are on hold."""
    assert isinstance(event, AgentSpoke)
    desk = _desk_of(turn, event.agent)
    if desk is None or desk.stage not in ("connected", "transferring"):
        return PARKED
    turn.effects.append(AgentSaid(turn.subject, event.agent, event.text))
    if turn.party.channel == "VOICE":
        prompt = Prompt("text", event.text)
        try:
            turn.effects.append(Say(prompt, event.text, turn.world.hear(prompt).seconds))
        except BadPrompt as problem:
            turn.warn(f"what agent {event.agent} says is too much at once: {problem}")
    return PARKED


def _desk_of(turn: Turn, agent: str) -> Desk | None:
    """The desk, while that agent has the contact."""
    desk = turn.desk
    return None if desk is None or desk.agent != agent or desk.stage in ("queued", "remaining") else desk


DESK_EVENTS: Mapping[type, Callable[[Turn, Event], Outcome]] = {
    AgentOffered: _offered,
    AgentAccepted: _accepted,
    AgentRejected: _rejected,
    AgentActed: _acted,
    AgentTransferred: _transferred,
    AgentSpoke: _spoke,
}


def _missed(turn: Turn, desk: Desk) -> Outcome:
    return PARKED if desk.offered is None else _not_taken(turn, desk, "missed")


def _answered(turn: Turn, desk: Desk) -> Outcome:
    return PARKED if desk.offered is None else _accepted(turn, AgentAccepted(desk.offered))


_DUE: Mapping[str, Callable[[Turn, Desk], Outcome]] = {
    QUEUE_LIMIT: nobody_came,
    RING: _missed,
    ANSWER: _answered,
    AGENT_HOLDS: held,
    AGENT_RESUMES: resumed,
    AGENT_LEAVES: agent_left,
}
DESK_TIMERS = _DUE.keys()


def desk_timer(turn: Turn, name: str) -> Outcome:
    """A timer of the queue or of the agent has gone off."""
    return PARKED if turn.desk is None else _DUE[name](turn, turn.desk)
