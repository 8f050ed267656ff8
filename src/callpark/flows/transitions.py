"""Which action comes next: the operators of conditions and the order in which branches are tried. Pure.

Called by `engine.py` after every action.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from callpark.flows.language import Condition
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


class Edge(NamedTuple):
    """The way out of an action: `NextAction`, `condition 0` by its place in the list, `error NoMatchingError`."""

    name: str
    target: str


def next_edge(step: Step, outcome: Done | Result | Failed) -> Edge | None:
    """The edge that is taken; None when the flow has no way on.

    Errors: the edge of that error, else NoMatchingError, else NextAction where AWS lets the edge be absent. Results:
    the first true condition, else NoMatchingCondition, else NextAction.
    """
    action = step.action
    if isinstance(outcome, Result):
        for index, condition in enumerate(action.conditions):
            if holds(condition, outcome.value):
                return _edge(_CONDITIONS[index] if index < 64 else f"condition {index}", condition.target)
        if NO_MATCHING_CONDITION in action.errors:
            return _edge(_NO_CONDITION_EDGE, action.errors[NO_MATCHING_CONDITION])
    elif isinstance(outcome, Failed):
        for error in (outcome.error, NO_MATCHING_ERROR):
            if error in action.errors:
                return _edge(f"error {error}", action.errors[error])
        if step.type is None or not step.type.optional_error_edge:
            return None
    return _edge("NextAction", action.next_action)


_NO_CONDITION_EDGE = f"error {NO_MATCHING_CONDITION}"
_CONDITIONS = tuple([f"condition {index}" for index in range(64)])


def _edge(name: str, target: str | None) -> Edge | None:
    """A branch that was left unwired is no way on."""
    return Edge(name, target) if target else None
