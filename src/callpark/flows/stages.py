"""What becomes of a contact that has left its inbound flow: queue, whispers, conversation, hold, the rest. Pure.

One table says which hook's flow runs at each stage and what follows when that flow is over. Called by `engine.py`.

  queued ─agent accepts→ agent_whisper → customer_whisper → connected ⇄ customer_hold
  connected ─agent transfers→ transferring (a transfer flow; the agent is still there) → queued, or back to connected
  connected ─agent leaves→ remaining, when a CustomerRemaining flow is set; else the contact ends

How it rings is in `desk.py`. While the customer is on hold the agent's own hold flow runs beside theirs (`legs.py`).

https://docs.aws.amazon.com/connect/latest/adminguide/create-contact-flow.html#contact-flow-types
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from callpark.flows.contact import Desk, Stage, Target
from callpark.flows.defaults import default_arn
from callpark.flows.effects import Warn
from callpark.flows.happenings import ContactTransferred, OfferEnded, StageEntered
from callpark.flows.legs import begin_leg, end_leg
from callpark.flows.program import PARKED, Ended, Move, Outcome, Program, Step
from callpark.flows.turn import Turn

QUEUE_LIMIT, RING, ANSWER = "queue", "ring", "answer"
AGENT_HOLDS, AGENT_RESUMES, AGENT_LEAVES = "agent hold", "agent resume", "agent leaves"
_AGENTS = (AGENT_HOLDS, AGENT_RESUMES, AGENT_LEAVES)
TALKING: frozenset[Stage] = frozenset(("connected", "customer_hold", "transferring"))
"""The stages in which an agent has the customer."""


class StageRule(NamedTuple):
    """`hook` names the flow that runs. `then`: what follows when it is over, `stay` for as long as nothing happens."""

    hook: str | None
    then: Stage | Literal["stay", "end"]


STAGES: Mapping[Stage, StageRule] = {
    "queued": StageRule("CustomerQueue", "stay"),
    "agent_whisper": StageRule("AgentWhisper", "customer_whisper"),
    "customer_whisper": StageRule("CustomerWhisper", "connected"),
    "connected": StageRule(None, "stay"),
    "customer_hold": StageRule("CustomerHold", "stay"),
    "transferring": StageRule(None, "connected"),
    "remaining": StageRule("CustomerRemaining", "end"),
}


def begin(turn: Turn, desk: Desk, flow: Program | None = None) -> Step | None:
    """Go to a stage; the first action of its flow (its hook's unless `flow` is given), None when nothing is heard and
    the contact stays there."""
    while True:
        turn.leave_path()
        end_leg(turn)
        _withdraw(turn)
        turn.desk = desk
        turn.effects.append(StageEntered(turn.subject, desk.stage, desk.target.name, desk.agent or ""))
        _arm_timers(turn, desk)
        rule = STAGES[desk.stage]
        if desk.stage == "customer_hold":
            hold_agent(turn)
        program = flow if rule.hook is None else _hook_program(turn, rule.hook)
        if program is not None:
            turn.switch(program)
            return program.steps[program.flow.start]
        if rule.then in ("stay", "end"):
            return None
        desk = msgspec.structs.replace(desk, stage=rule.then)


def _withdraw(turn: Turn) -> None:
    """The contact leaves its queue while it rings for an agent."""
    turn.disarm(RING)
    turn.disarm(ANSWER)
    if turn.desk is not None and turn.desk.offered is not None:
        turn.effects.append(OfferEnded(turn.subject, turn.desk.offered, "withdrawn"))


def hold_agent(turn: Turn) -> None:
    """The agent hold flow begins, for the agent. Chats have no hold flows."""
    program = _hook_program(turn, "AgentHold") if turn.party.channel == "VOICE" else None
    if program is not None:
        begin_leg(turn, program)


def flow_over(turn: Turn) -> Outcome:
    """The flow has ended without disconnecting: the stage says what is next. The agent's leg is just over."""
    if turn.aside:
        turn.end("", "")
        return PARKED
    desk = turn.desk
    rule = None if desk is None else STAGES[desk.stage]
    if desk is None or rule is None or rule.then == "end":
        return Ended("CONTACT_FLOW_DISCONNECT", "the flow ended and nobody else was connected")
    if rule.then == "stay":
        turn.activity = None
        return PARKED
    return Move(msgspec.structs.replace(desk, stage=rule.then))


def survives_its_flow(turn: Turn) -> bool:
    """Whether the contact goes on when its flow cannot: somebody else has it, or will."""
    return turn.aside or (turn.desk is not None and STAGES[turn.desk.stage].then != "end")


def with_agent(turn: Turn, desk: Desk, agent_name: str) -> Desk:
    """The desk once that agent has the contact; `$.Agent` names them."""
    agent = turn.world.resources.agent(agent_name)
    first, last = ("", "") if agent is None else (agent.first_name, agent.last_name)
    arn = "" if agent is None else agent.arn
    turn.find("Agent", {"UserName": agent_name, "FirstName": first, "LastName": last, "ARN": arn})
    return msgspec.structs.replace(desk, stage="agent_whisper", agent=agent_name, offered=None)


def nobody_came(turn: Turn, desk: Desk) -> Outcome:
    return Ended("OTHER", f"nobody took the contact out of queue {desk.target.name} in time")


def held(turn: Turn, desk: Desk) -> Outcome:
    return Move(msgspec.structs.replace(desk, stage="customer_hold")) if desk.stage == "connected" else PARKED


def resumed(turn: Turn, desk: Desk) -> Outcome:
    return Move(msgspec.structs.replace(desk, stage="connected")) if desk.stage == "customer_hold" else PARKED


def agent_left(turn: Turn, desk: Desk) -> Outcome:
    """The agent hangs up. Whoever was on hold, or being transferred, is let go as well."""
    leave_agent(turn)
    if _hook_program(turn, "CustomerRemaining") is None:
        return Ended("AGENT_DISCONNECT")
    return Move(msgspec.structs.replace(desk, stage="remaining"))


def leave_agent(turn: Turn) -> None:
    """What the agent was going to do is not done any more."""
    for name in _AGENTS:
        turn.disarm(name)


def transferred(turn: Turn, desk: Desk, target: Target | None, program: Program | None) -> Outcome:
    """The agent transfers: by a flow, which runs while they are still there, or straight to a queue or another agent.
    Whom a flow is for becomes the working queue."""
    if desk.stage not in ("connected", "customer_hold"):
        return PARKED
    named = target.name if target is not None else program.flow.name if program is not None else ""
    turn.effects.append(ContactTransferred(turn.subject, desk.agent or "", named))
    if target is not None:
        turn.record(target=target)
    if program is not None:
        return Move(msgspec.structs.replace(desk, stage="transferring"), program)
    record = turn.memory.record
    return Move(queued(turn, target or desk.target, record.priority, record.time_adjustment))


def queued(turn: Turn, target: Target, priority: int, adjustment: int) -> Desk:
    """The desk of a contact that enters a queue; an agent who had it is done with it."""
    leave_agent(turn)
    return Desk("queued", target, turn.now - adjustment, priority)


def _arm_timers(turn: Turn, desk: Desk) -> None:
    if desk.stage == "queued":
        turn.arm(QUEUE_LIMIT, turn.now + turn.world.limits.queue_seconds)
    if desk.stage != "connected" or desk.agent is None or desk.played or AGENT_LEAVES in turn.timers:
        return
    agent = turn.world.resources.agent(desk.agent)
    talks = turn.world.limits.conversation_seconds if agent is None else agent.talks
    turn.arm(AGENT_LEAVES, turn.now + talks)
    if agent is not None and agent.hold_after is not None:
        turn.arm(AGENT_HOLDS, turn.now + agent.hold_after)
        turn.arm(AGENT_RESUMES, turn.now + agent.hold_after + agent.hold_seconds)


_MUSIC = frozenset(("CustomerQueue", "CustomerHold"))
"""Hooks whose default flows only play: they would take their error branch at once on other channels."""


def _hook_program(turn: Turn, hook: str) -> Program | None:
    """The flow that a hook names, else the default one; "" is a hook that is switched off."""
    reference = turn.memory.record.hooks.get(hook)
    if reference == "" or (reference is None and hook in _MUSIC and turn.party.channel != "VOICE"):
        return None
    program = None if reference is None else turn.world.flow(reference)
    if reference is not None and program is None:
        turn.effects.append(Warn(f"{hook}: there is no flow {reference!r}; the default flow runs"))
    return program or turn.world.flow(default_arn(hook))
