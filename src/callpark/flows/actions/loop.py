"""Loop: ContinueLooping so many times, then DoneLooping once, then from the beginning.

https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-loop.html
"""

from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.parameters import number, required
from callpark.flows.program import NO_MATCHING_ERROR, ActionType, Failed, Handlers, Outcome, Result
from callpark.flows.references import Template, template
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class Loop:
    action: Action
    count: Template

    def enter(self, turn: Turn) -> Outcome:
        count = number(self.count.text(turn.namespace))
        most = turn.world.limits.loop_count
        if count is None or not 0 <= count <= most:
            return Failed(NO_MATCHING_ERROR, f"LoopCount is not a number from 0 to {most}")
        name = self.action.identifier
        rounds = turn.memory.loop_rounds.get(name, 0)
        done = rounds >= int(count)
        turn.remember(loop_rounds={**turn.memory.loop_rounds, name: 0 if done else rounds + 1})
        result = "DoneLooping" if done else "ContinueLooping"
        turn.log(self.action, {"LoopCount": f"{count:g}"}, Results=result)
        return Result(result)


def _prepare(action: Action) -> Handlers:
    return Handlers(Loop(action, template(required(action.parameters, "LoopCount"))).enter)


LOOP = ActionType("Loop", _prepare, frozenset(("LoopCount",)), required_errors=frozenset(), optional_error_edge=True)
