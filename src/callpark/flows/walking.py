"""From action to action until the contact parks or ends: edges, flows, modules, stages. Pure.

Called by `engine.py` once an event has decided something. Actions are dispatched through the handlers of their steps.
"""

from callpark.flows.endings import dead_end, fatal
from callpark.flows.happenings import ActionEntered, ActionFailed, FlowEntered
from callpark.flows.modules import enter_module, leave_modules
from callpark.flows.placement import NOT_FOR_AGENTS, support
from callpark.flows.program import (
    DONE,
    NO_MATCHING_ERROR,
    Call,
    Done,
    Ended,
    Failed,
    FlowOver,
    Jump,
    Move,
    Outcome,
    Parked,
    Result,
    Return,
    Step,
)
from callpark.flows.references import as_text
from callpark.flows.stages import begin, flow_over
from callpark.flows.transitions import Edge, next_edge
from callpark.flows.turn import Turn

#: Characters of an action's result that the trace is told.
_SHOWN = 100

NOT_FOR_AGENT = "an agent hold flow cannot do this to the customer"


def enter(turn: Turn, step: Step) -> None:
    follow(turn, step, _run(turn, step))


def follow(turn: Turn, step: Step, outcome: Outcome) -> None:
    """Go from action to action until the contact parks or ends."""
    while not isinstance(outcome, Parked):
        if isinstance(outcome, Done | Result | Failed):
            if isinstance(outcome, Failed):
                turn.effects.append(ActionFailed(turn.subject, step.action.identifier, outcome.error, outcome.reason))
            edge = next_edge(step, outcome)
            if edge is None:
                outcome = dead_end(turn, step, outcome)
                continue
            source, step = step, turn.program.steps[edge.target]
            result = as_text(outcome.value)[:_SHOWN] if isinstance(outcome, Result) else ""
            outcome = _run(turn, step, source, edge, result)
            continue
        if isinstance(outcome, Ended):
            turn.end(outcome.reason, outcome.detail)
            return
        if isinstance(outcome, FlowOver):
            outcome = flow_over(turn)
            continue
        if isinstance(outcome, Return):
            step, outcome = _come_back(turn, step, outcome)
            continue
        begun = _go_elsewhere(turn, outcome)
        if begun is None:
            return
        step = begun
        outcome = _run(turn, step)


def _run(turn: Turn, step: Step, source: Step | None = None, edge: Edge | None = None, result: str = "") -> Outcome:
    """Enter an action; `source`, `edge` and `result` say where from and why."""
    turn.step = step
    turn.activity = None
    turn.actions_run += 1
    action = step.action
    flow = turn.program.flow.name
    in_branch = turn.wait is not None and turn.wait.continuing
    came, via = ("", "") if source is None or edge is None else (source.action.identifier, edge.name)
    turn.effects.append(
        ActionEntered(
            turn.party.contact_id, action.identifier, action.type, in_branch, came, via, flow, result, turn.aside
        )
    )
    if turn.actions_run > turn.world.limits.actions_per_contact:
        return fatal(turn, step, f"stopped after {turn.world.limits.actions_per_contact} actions: an endless flow")
    if turn.aside and action.type in NOT_FOR_AGENTS:
        turn.log(action, {}, Results=NOT_FOR_AGENT)
        return Failed(NO_MATCHING_ERROR, NOT_FOR_AGENT)
    channel = turn.party.channel
    if channel != "VOICE" or action.type == "ShowView":
        supported = support(action.type, channel)
        if supported != "works":
            turn.log(action, {}, Results=f"not on channel {channel}")
            return DONE if supported == "skip" else Failed(NO_MATCHING_ERROR, f"not on channel {channel}")
    if step.handlers is not None:
        return step.handlers.enter(turn)
    if step.type is None:
        return fatal(turn, step, f"action {action.identifier!r}: {step.problem}")
    turn.warn(step.problem)
    turn.log(action, {}, Results=step.problem)
    return Failed(NO_MATCHING_ERROR, step.problem)


def _go_elsewhere(turn: Turn, outcome: Jump | Call | Move) -> Step | None:
    """Into another flow, a module, or a stage beyond the flow; None when the contact stays there in silence."""
    if isinstance(outcome, Move):
        return begin(turn, outcome.desk, outcome.flow)
    program = outcome.program
    if isinstance(outcome, Call):
        enter_module(turn, program, outcome.input)
    else:
        # TransferToFlow: a Wait around it is dropped (rule A16), as are the modules it was called in.
        turn.leave_wait("")
        turn.frames = ()
        turn.switch(program)
    turn.effects.append(FlowEntered(turn.subject, program.flow.name))
    return program.steps[program.flow.start]


def _come_back(turn: Turn, step: Step, outcome: Return) -> tuple[Step, Outcome]:
    """A module is over. A Wait inside it whose Continue branch came here is dropped (rule A9)."""
    depth = len(turn.frames) - 1
    if depth < 0:
        return step, fatal(turn, step, f"action {step.action.identifier!r}: not in a module")
    if turn.wait is not None and turn.wait.depth > depth:
        turn.leave_wait("")
    frame = leave_modules(turn, depth)
    if frame is None:
        return step, fatal(turn, step, "the flow that called the module is gone")
    turn.find("Modules", {"Result": outcome.result, "ResultData": outcome.data})
    turn.step = turn.program.steps[frame.action]
    turn.effects.append(FlowEntered(turn.subject, turn.program.flow.name))
    return turn.step, DONE if outcome.result is None else Result(outcome.result)
