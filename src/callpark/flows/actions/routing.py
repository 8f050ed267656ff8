"""UpdateContactRoutingBehavior (priority and age in the queue) and UpdateContactRoutingCriteria (proficiencies).

Criteria are kept on the contact, and routing goes by them (`agents/criteria.py`); in the queue at once.

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-updatecontactroutingbehavior.html
https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-updateroutingcriteria.html
"""

from dataclasses import dataclass

import msgspec

from callpark.flows.actions.nested import compile_nested, resolve_nested
from callpark.flows.agents.criteria import SETTING
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, members, number, scalar
from callpark.flows.program import DONE, NO_RESULT, ActionType, Handlers, Outcome
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class RoutingBehavior:
    """One of both; lower priorities come first, adjusted contacts count as older."""

    action: Action
    priority: int | None
    adjustment: int | None

    def enter(self, turn: Turn) -> Outcome:
        record = turn.memory.record
        priority = record.priority if self.priority is None else self.priority
        adjustment = record.time_adjustment if self.adjustment is None else self.adjustment
        turn.record(priority=priority, time_adjustment=adjustment)
        if turn.desk is not None and turn.desk.stage == "queued":
            since = turn.desk.since + record.time_adjustment - adjustment
            turn.desk = msgspec.structs.replace(turn.desk, priority=priority, since=since)
        turn.log(self.action, {"QueuePriority": str(priority), "QueueTimeAdjustmentSeconds": str(adjustment)})
        return DONE


@dataclass(frozen=True, slots=True)
class RoutingCriteria:
    action: Action
    criteria: object

    def enter(self, turn: Turn) -> Outcome:
        turn.keep_setting(SETTING, resolve_nested(self.criteria, turn.namespace))
        if turn.desk is not None and turn.desk.stage == "queued":
            turn.desk = msgspec.structs.replace(turn.desk)  # so that the floor looks again
        turn.log(self.action, {})
        return DONE


def _whole(action: Action, key: str, lowest: int | None) -> int | None:
    text = scalar(action.parameters, key)
    value = None if text is None else number(text)
    if text is None:
        return None
    if value is None or not value.is_integer() or (lowest is not None and value < lowest):
        raise ParameterProblem(key, f"must be a whole number{' from 1' if lowest else ''}, not {text!r}")
    return int(value)


def _prepare_behavior(action: Action) -> Handlers:
    priority = _whole(action, "QueuePriority", 1)
    adjustment = _whole(action, "QueueTimeAdjustmentSeconds", None)
    if (priority is None) == (adjustment is None):
        raise ParameterProblem(
            "QueuePriority", "one of QueuePriority and QueueTimeAdjustmentSeconds is needed", missing=priority is None
        )
    return Handlers(RoutingBehavior(action, priority, adjustment).enter)


def _prepare_criteria(action: Action) -> Handlers:
    criteria = members(action.parameters, "RoutingCriteria")
    steps = criteria.get("Steps")
    if not isinstance(steps, list) or not steps:
        raise ParameterProblem("RoutingCriteria.Steps", "is a list of steps", missing=steps is None)
    for index, step in enumerate(steps):
        if not isinstance(step, dict) or not isinstance(step.get("Expression"), dict):
            raise ParameterProblem(f"RoutingCriteria.Steps.{index}", "has an Expression")
        for condition in _conditions(step["Expression"]):
            _check_condition(condition, f"RoutingCriteria.Steps.{index}.Expression")
    return Handlers(RoutingCriteria(action, compile_nested(criteria)).enter)


def _conditions(expression: dict[str, object]) -> list[object]:
    both = expression.get("AndExpression")
    if isinstance(both, list):
        return [item.get("AttributeCondition") if isinstance(item, dict) else None for item in both]
    return [expression.get("AttributeCondition")]


def _check_condition(condition: object, path: str) -> None:
    if not isinstance(condition, dict):
        raise ParameterProblem(path, "holds an AttributeCondition or an AndExpression of them")
    for key in ("Name", "Value"):
        text = condition.get(key)
        if not isinstance(text, str) or not 1 <= len(text) <= 64:
            raise ParameterProblem(f"{path}.AttributeCondition.{key}", "has 1 to 64 characters")
    level = number(str(condition.get("ProficiencyLevel")))
    if level is None or not 1 <= level <= 5:
        raise ParameterProblem(f"{path}.AttributeCondition.ProficiencyLevel", "is 1.0 to 5.0")
    if condition.get("ComparisonOperator") != "NumberGreaterOrEqualTo":
        raise ParameterProblem(f"{path}.AttributeCondition.ComparisonOperator", "is NumberGreaterOrEqualTo")


UPDATE_CONTACT_ROUTING_BEHAVIOR = ActionType(
    "UpdateContactRoutingBehavior",
    _prepare_behavior,
    frozenset(("QueuePriority", "QueueTimeAdjustmentSeconds")),
    errors=frozenset(),
    required_errors=frozenset(),
    results=NO_RESULT,
    static=frozenset(("QueuePriority", "QueueTimeAdjustmentSeconds")),
)
UPDATE_CONTACT_ROUTING_CRITERIA = ActionType(
    "UpdateContactRoutingCriteria", _prepare_criteria, frozenset(("RoutingCriteria",)), results=NO_RESULT
)
