"""Compare: the console's Check contact attributes. One reference against conditions; undefined matches nothing.

https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-compare.html
"""

from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.parameters import required
from callpark.flows.program import NO_MATCHING_CONDITION, ActionType, Handlers, Outcome, Result
from callpark.flows.references import Template, as_text, template
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class Compare:
    action: Action
    compared: Template

    def enter(self, turn: Turn) -> Outcome:
        value = self.compared.value(turn.namespace)
        turn.log(self.action, {"Value": as_text(value), "Attribute": self.compared.source})
        return Result(value)


def _prepare(action: Action) -> Handlers:
    return Handlers(Compare(action, template(required(action.parameters, "ComparisonValue"))).enter)


COMPARE = ActionType(
    "Compare",
    _prepare,
    frozenset(("ComparisonValue",)),
    errors=frozenset((NO_MATCHING_CONDITION,)),
    required_errors=frozenset((NO_MATCHING_CONDITION,)),
)
