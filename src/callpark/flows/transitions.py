"""Which action comes next: the operators of conditions and the order in which branches are tried. Pure.

Called by `engine.py` after every action.
"""

from collections.abc import Callable, Mapping

from callpark.flows.language import Action, Condition
from callpark.flows.parameters import number
from callpark.flows.program import (
    NO_MATCHING_CONDITION,
    NO_MATCHING_ERROR,
    Done,
    Failed,
    Result,
    Step,
)
from callpark.flows.references import as_text


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[object, str], bool]:
    def holds(value: object, operand: str) -> bool:
        left, right = number(as_text(value)), number(operand)
        return left is not None and right is not None and compare(left, right)

    return holds


#: https://docs.aws.amazon.com/connect/latest/devguide/flow-language.html (operators); KeyExists is accepted by the
#: service and undocumented: the compared object has that key.
OPERATORS: Mapping[str, Callable[[object, str], bool]] = {
    "Equals": lambda value, operand: as_text(value) == operand,
    "TextStartsWith": lambda value, operand: as_text(value).startswith(operand),
    "TextEndsWith": lambda value, operand: as_text(value).endswith(operand),
    "TextContains": lambda value, operand: operand in as_text(value),
    "NumberGreaterThan": _numeric(lambda left, right: left > right),
    "NumberGreaterOrEqualTo": _numeric(lambda left, right: left >= right),
    "NumberLessThan": _numeric(lambda left, right: left < right),
    "NumberLessOrEqualTo": _numeric(lambda left, right: left <= right),
    "KeyExists": lambda value, operand: isinstance(value, dict) and operand in value,
}


def holds(condition: Condition, value: object) -> bool:
    """Whether a result satisfies a condition. An undefined value or an unknown operator satisfies nothing."""
    operator = OPERATORS.get(condition.operator)
    return (
        operator is not None
        and value is not None
        and len(condition.operands) == 1
        and operator(value, condition.operands[0])
    )


def next_action(step: Step, outcome: Done | Result | Failed) -> str | None:
    """The identifier of the next action; None or "" when the flow has no way on.

    Errors: the edge of that error, else NoMatchingError, else NextAction where AWS lets the edge be absent. Results:
    the first true condition, else NoMatchingCondition, else NextAction.
    """
    action = step.action
    if isinstance(outcome, Done):
        return action.next_action
    if isinstance(outcome, Result):
        return _by_condition(action, outcome.value)
    edge = action.errors.get(outcome.error)
    if edge is None:
        edge = action.errors.get(NO_MATCHING_ERROR)
    if edge is None and step.type is not None and step.type.optional_error_edge:
        edge = action.next_action
    return edge


def _by_condition(action: Action, value: object) -> str | None:
    for condition in action.conditions:
        if holds(condition, value):
            return condition.target
    return action.errors.get(NO_MATCHING_CONDITION, action.next_action)
