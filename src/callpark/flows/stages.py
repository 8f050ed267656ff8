"""What becomes of a contact that has left its inbound flow: queue, whispers, conversation, hold, the rest. Pure.

One table says which hook's flow runs at each stage and what follows when that flow is over. Called by `engine.py`.

  queued ─agent accepts→ agent_whisper → customer_whisper → connected ⇄ customer_hold
  connected ─agent leaves→ remaining, when a CustomerRemaining flow is set; else the contact ends

https://docs.aws.amazon.com/connect/latest/adminguide/create-contact-flow.html#contact-flow-types
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from callpark.flows.contact import Desk, Stage
from callpark.flows.defaults import default_arn
from callpark.flows.effects import Warn
from callpark.flows.happenings import StageEntered
from callpark.flows.program import PARKED, Ended, Move, Outcome, Program, Step
from callpark.flows.turn import Turn

QUEUE_LIMIT, AGENT_HOLDS, AGENT_RESUMES, AGENT_LEAVES = "queue", "agent hold", "agent resume", "agent leaves"
TIMERS = frozenset((QUEUE_LIMIT, AGENT_HOLDS, AGENT_RESUMES, AGENT_LEAVES))


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
    "remaining": StageRule("CustomerRemaining", "end"),
}


def begin(turn: Turn, desk: Desk) -> Step | None:
    """Go to a stage; the first action of its flow, None when nothing is heard and the contact stays there."""
    while True:
        turn.leave_path()
        turn.desk = desk
        turn.effects.append(StageEntered(turn.subject, desk.stage, desk.target.name, desk.agent or ""))
        _arm_timers(turn, desk)
        rule = STAGES[desk.stage]
        program = None if rule.hook is None else _hook_program(turn, rule.hook)
        if program is not None:
            turn.switch(program)
            return program.steps[program.flow.start]
        if rule.then in ("stay", "end"):
            return None
        desk = msgspec.structs.replace(desk, stage=rule.then)


def flow_over(turn: Turn) -> Outcome:
    """The flow has ended without disconnecting: the stage says what is next."""
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
    return turn.desk is not None and STAGES[turn.desk.stage].then != "end"


def accepted(turn: Turn, agent_name: str) -> Outcome:
    """An agent takes the contact; too late when it is no longer queued."""
    desk = turn.desk
    if desk is None or desk.stage != "queued":
        return PARKED
    turn.disarm(QUEUE_LIMIT)
    return Move(with_agent(turn, desk, agent_name))


def with_agent(turn: Turn, desk: Desk, agent_name: str) -> Desk:
    """The desk once that agent has the contact; `$.Agent` names them."""
    agent = turn.world.resources.agent(agent_name)
    first, last = ("", "") if agent is None else (agent.first_name, agent.last_name)
    arn = "" if agent is None else agent.arn
    turn.find("Agent", {"UserName": agent_name, "FirstName": first, "LastName": last, "ARN": arn})
    return msgspec.structs.replace(desk, stage="agent_whisper", agent=agent_name)


def fired(turn: Turn, timer: str) -> Outcome:
    """A timer of the queue or of the agent has gone off."""
    desk = turn.desk
    if desk is None:
        return PARKED
    if timer == QUEUE_LIMIT:
        return Ended("OTHER", f"nobody took the contact out of queue {desk.target.name} in time")
    if timer == AGENT_HOLDS:
        return Move(msgspec.structs.replace(desk, stage="customer_hold"))
    if timer == AGENT_RESUMES:
        return Move(msgspec.structs.replace(desk, stage="connected"))
    return agent_left(turn, desk)


def agent_left(turn: Turn, desk: Desk) -> Outcome:
    for name in (AGENT_HOLDS, AGENT_RESUMES, AGENT_LEAVES):
        turn.disarm(name)
    if _hook_program(turn, "CustomerRemaining") is None:
        return Ended("AGENT_DISCONNECT")
    return Move(msgspec.structs.replace(desk, stage="remaining"))


def _arm_timers(turn: Turn, desk: Desk) -> None:
    if desk.stage == "queued":
        turn.arm(QUEUE_LIMIT, turn.now + turn.world.limits.queue_seconds)
    if desk.stage != "connected" or desk.agent is None or AGENT_LEAVES in turn.timers:
        return
    agent = turn.world.resources.agent(desk.agent)
    talks = turn.world.limits.conversation_seconds if agent is None else agent.talks
    turn.arm(AGENT_LEAVES, turn.now + talks)
    if agent is not None and agent.hold_after is not None:
        turn.arm(AGENT_HOLDS, turn.now + agent.hold_after)
        turn.arm(AGENT_RESUMES, turn.now + agent.hold_after + agent.hold_seconds)


def _hook_program(turn: Turn, hook: str) -> Program | None:
    """The flow that a hook names, else the default one; "" is a hook that is switched off."""
    reference = turn.memory.record.hooks.get(hook)
    if reference == "":
        return None
    program = None if reference is None else turn.world.flow(reference)
    if reference is not None and program is None:
        turn.effects.append(Warn(f"{hook}: there is no flow {reference!r}; the default flow runs"))
    return program or turn.world.flow(default_arn(hook))
