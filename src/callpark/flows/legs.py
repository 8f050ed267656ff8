"""The agent's leg: a flow that runs for the agent while the customer is on hold, beside the customer's own. Pure.

A contact has one turn and two paths. `on_agents_leg` lets the engine work on the agent's as it works on the customer's:
the same actions, the same timers under other names, prompts that the agent hears. What both paths share is the contact:
attributes, `$.External`, functions, the log. Called by `engine.py`; `stages.py` says when a leg begins and ends.

https://docs.aws.amazon.com/connect/latest/adminguide/create-contact-flow.html#contact-flow-types (agent hold)
"""

from collections.abc import Callable
from typing import NamedTuple

from callpark.flows.contact import Activity, Frame, Leg, Memory, WaitState
from callpark.flows.happenings import AgentFlowEntered, AgentFlowLeft
from callpark.flows.program import Program, Step
from callpark.flows.turn import LEG, Turn


class _Path(NamedTuple):
    """What of a turn belongs to one path."""

    program: Program
    step: Step
    flow_arn: str
    activity: Activity
    wait: WaitState | None
    frames: tuple[Frame, ...]
    function_seconds: float
    memory: Memory


def begin_leg(turn: Turn, program: Program) -> None:
    """A flow for the agent; its first action is entered when the customer's turn is over (`run_leg`)."""
    end_leg(turn)
    turn.leg = Leg(program.flow.arn, program.flow.start)
    turn.effects.append(AgentFlowEntered(turn.subject, program.flow.name))


def end_leg(turn: Turn) -> None:
    """The agent is needed: whatever they were hearing is cut off."""
    if turn.leg is not None and not turn.aside:
        on_agents_leg(turn, turn.leave_path)
        turn.leg = None
        turn.effects.append(AgentFlowLeft(turn.subject))


def on_agents_leg(turn: Turn, work: Callable[[], None]) -> None:
    """Do something on the agent's leg, if there is one. A leg whose flow is gone since is left."""
    leg = turn.leg
    if leg is None:
        return
    program = turn.world.flow(leg.flow_arn) or turn.world.module(leg.flow_arn)
    if program is None or leg.position not in program.steps:
        turn.leg = None
        _drop_timers(turn)
        turn.warn(f"the agent hold flow {leg.flow_arn} is gone or has changed; the agent hears nothing more")
        turn.effects.append(AgentFlowLeft(turn.subject))
        return
    customers = _path(turn)
    _take(turn, program, leg)
    turn.aside = True
    try:
        work()
    finally:
        turn.aside = False
        over = turn.leg is None
        turn.leg = None if over else _kept(turn)
        _restore(turn, customers)
    if over:
        _drop_timers(turn)
        turn.effects.append(AgentFlowLeft(turn.subject))


def _drop_timers(turn: Turn) -> None:
    """Whatever the leg was waiting for is over with it."""
    if any(name.startswith(LEG) for name in turn.timers):
        turn.timers = {name: at for name, at in turn.timers.items() if not name.startswith(LEG)}


def _path(turn: Turn) -> _Path:
    return _Path(
        turn.program,
        turn.step,
        turn.flow_arn,
        turn.activity,
        turn.wait,
        turn.frames,
        turn.function_seconds,
        turn.memory,
    )


def _take(turn: Turn, program: Program, leg: Leg) -> None:
    turn.program = program
    turn.step = program.steps[leg.position]
    turn.flow_arn = leg.flow_arn
    turn.activity = leg.activity
    turn.wait = leg.wait
    turn.frames = leg.frames
    turn.function_seconds = leg.function_seconds
    turn.remember(
        flow_attributes=leg.flow_attributes,
        loop_rounds=leg.loop_rounds,
        loops=leg.loops,
        module_input=leg.module_input,
    )


def _kept(turn: Turn) -> Leg:
    memory = turn.memory
    return Leg(
        turn.flow_arn,
        turn.step.action.identifier,
        True,
        turn.activity,
        turn.wait,
        turn.frames,
        turn.function_seconds,
        memory.flow_attributes,
        memory.loop_rounds,
        memory.loops,
        memory.module_input,
    )


def _restore(turn: Turn, path: _Path) -> None:
    """Back to the customer's path. What the leg wrote to the contact stays."""
    turn.program, turn.step, turn.flow_arn = path.program, path.step, path.flow_arn
    turn.activity, turn.wait, turn.frames = path.activity, path.wait, path.frames
    turn.function_seconds = path.function_seconds
    memory = path.memory
    turn.remember(
        flow_attributes=memory.flow_attributes,
        loop_rounds=memory.loop_rounds,
        loops=memory.loops,
        module_input=memory.module_input,
    )
