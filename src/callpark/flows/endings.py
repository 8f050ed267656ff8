"""How a contact ends that cannot go on: an action that leads nowhere, a flow that is gone, too many actions. Pure.

Called by `engine.py`.
"""

from callpark.flows.effects import Warn
from callpark.flows.program import FLOW_OVER, Done, Ended, Failed, Outcome, Result, Step
from callpark.flows.stages import survives_its_flow
from callpark.flows.turn import Turn


def dead_end(turn: Turn, step: Step, outcome: Done | Result | Failed) -> Outcome:
    """No way on. Who is queued or connected stays so without a flow, everybody else ends."""
    name = step.action.identifier
    if isinstance(outcome, Failed):
        detail = f"action {name!r} failed ({outcome.error}: {outcome.reason}) and has no error branch"
    else:
        detail = f"action {name!r} leads nowhere: its branch is not wired"
    ended = fatal(turn, step, detail)
    return FLOW_OVER if survives_its_flow(turn) else ended


def fatal(turn: Turn, step: Step, detail: str) -> Ended:
    """The flow cannot go on: what Connect counts under ContactFlowFatalErrors. The reason is OTHER (our rule)."""
    turn.log(step.action, {}, Results=detail, Metric="ContactFlowFatalErrors")
    turn.effects.append(Warn(f"flow {turn.program.flow.name}: {detail}"))
    return Ended("OTHER", detail)
