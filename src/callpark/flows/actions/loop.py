"""Loop: ContinueLooping so many times, then DoneLooping once, then from the beginning. Over a list: once per element.

https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-loop.html
"""

from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.parameters import number, required, scalar
from callpark.flows.program import NO_MATCHING_ERROR, ActionType, Failed, Handlers, Outcome, Result
from callpark.flows.references import Template, as_text, template
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class Loop:
    action: Action
    count: Template
    name: str | None = None

    def enter(self, turn: Turn) -> Outcome:
        value = self.count.value(turn.namespace)
        if isinstance(value, list):
            return self._over_list(turn, value)
        count = number(as_text(value))
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

    def _over_list(self, turn: Turn, elements: list[object]) -> Outcome:
        """A round for each element; `$.Loop.<name>` holds it. Longer lists end at the limit of rounds (our rule)."""
        identifier = self.action.identifier
        index = turn.memory.loop_rounds.get(identifier, 0)
        done = index >= min(len(elements), turn.world.limits.loop_count)
        turn.remember(loop_rounds={**turn.memory.loop_rounds, identifier: 0 if done else index + 1})
        if not done and self.name is not None:
            element = {"Index": index, "Element": elements[index], "Elements": elements}
            turn.remember(loops={**turn.memory.loops, self.name: element})
        result = "DoneLooping" if done else "ContinueLooping"
        turn.log(self.action, {"LoopCount": str(len(elements))}, Results=result)
        return Result(result)


def _prepare(action: Action) -> Handlers:
    name = scalar(action.parameters, "LoopName")
    return Handlers(Loop(action, template(required(action.parameters, "LoopCount")), name).enter)


LOOP = ActionType(
    "Loop", _prepare, frozenset(("LoopCount", "LoopName")), required_errors=frozenset(), optional_error_edge=True
)
