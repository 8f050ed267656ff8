"""A flow in the legacy export format → the same in the flow language. Pure. Called by `callpark flow convert`.

Blocks come from `blocks.py`; here their branches become transitions, and what the flow language insists on is added:
an error branch that the old format did not have leads where NextAction leads, as AWS documents for Play prompt.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from callpark.flows.actions import ACTION_TYPES
from callpark.flows.language import VERSION
from callpark.flows.legacy.blocks import BLOCKS
from callpark.flows.legacy.document import Branch, Legacy, Module, Unconvertible
from callpark.flows.legacy.values import operator


@dataclass(frozen=True, slots=True)
class Conversion:
    """`document` in the flow language; `left`: what could not be converted, a line each. Use the document only when
    nothing was left."""

    document: Mapping[str, object]
    left: tuple[str, ...]


def convert(flow: Legacy) -> Conversion:
    actions: list[Mapping[str, object]] = []
    left: list[str] = []
    for module in flow.modules:
        try:
            actions.append(_action(module))
        except Unconvertible as reason:
            left.append(f"{module.type} {module.id}: {reason}")
    metadata = {
        **{key: value for key, value in flow.metadata.items() if key not in ("snapToGrid", "hash")},
        "type": flow.type,
        "ActionMetadata": {module.id: _metadata(module) for module in flow.modules},
    }
    document = {"Version": VERSION, "StartAction": flow.start, "Metadata": metadata, "Actions": actions}
    return Conversion(document, tuple(left))


def _metadata(module: Module) -> Mapping[str, object]:
    return {key: module.metadata[key] for key in ("position",) if key in module.metadata}


def _action(module: Module) -> Mapping[str, object]:
    block = BLOCKS.get(module.type)
    if block is None:
        raise Unconvertible("there is no known counterpart")
    type_, parameters = block(module)
    transitions = {} if ACTION_TYPES[type_].terminal else _transitions(module, type_, parameters)
    return {"Identifier": module.id, "Type": type_, "Parameters": parameters, "Transitions": transitions}


#: Branches that are errors, by action type ("" for all).
_ERRORS: Mapping[tuple[str, str], str] = {
    ("", "Error"): "NoMatchingError",
    ("", "NoMatch"): "NoMatchingCondition",
    ("GetParticipantInput", "Timeout"): "InputTimeLimitExceeded",
    ("GetParticipantInput", "InvalidNumber"): "InvalidPhoneNumber",
    ("UpdateContactCallbackNumber", "InvalidPhoneNumber"): "InvalidCallbackNumber",
    ("UpdateContactCallbackNumber", "NonDialableNumber"): "CallbackNumberNotDialable",
    ("", "AtCapacity"): "QueueAtCapacity",
}

#: Branches that are results.
_RESULTS: Mapping[tuple[str, str], str] = {
    ("CheckHoursOfOperation", "True"): "True",
    ("CheckHoursOfOperation", "False"): "False",
    ("Loop", "Looping"): "ContinueLooping",
    ("Loop", "Complete"): "DoneLooping",
    ("MessageParticipantIteratively", "Timeout"): "MessagesInterrupted",
}


def _transitions(module: Module, type_: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
    conditions: list[Mapping[str, object]] = []
    errors: dict[str, str] = {}
    success = ""
    percent = 0
    for branch in module.branches:
        error = _ERRORS.get((type_, branch.condition)) or _ERRORS.get(("", branch.condition))
        if branch.condition == "Success":
            success = branch.target
        elif (type_, branch.condition) in _RESULTS:
            conditions.append(_condition("Equals", _RESULTS[type_, branch.condition], branch.target))
        elif error is not None:
            errors.setdefault(error, branch.target)
        elif branch.condition == "Evaluate" and type_ == "DistributeByPercentage":
            percent += _percent(branch)
            conditions.append(_condition("NumberLessThan", str(1 + percent), branch.target))
        elif branch.condition == "Evaluate":
            conditions.append(_condition(operator(branch.operator), branch.value, branch.target))
        elif branch.condition == "CheckQueueTime":
            conditions.append(_condition(operator(branch.operator), _seconds(branch), branch.target))
        else:
            raise Unconvertible(f"the branch {branch.condition!r} is not known")
    if not module.branches:
        raise Unconvertible("no branch leads on from here")
    onward = success or errors.get("NoMatchingCondition") or errors.get("NoMatchingError") or module.branches[-1].target
    for missing in sorted(_expected(type_, parameters) - errors.keys()):
        errors[missing] = errors.get("NoMatchingError", onward)
    return {
        "NextAction": onward,
        **({"Conditions": conditions} if conditions else {}),
        **({"Errors": [{"ErrorType": k, "NextAction": target} for k, target in errors.items()]} if errors else {}),
    }


def _expected(type_: str, parameters: Mapping[str, object]) -> frozenset[str]:
    """The error branches that the flow language insists on."""
    menu = type_ == "GetParticipantInput" and parameters.get("StoreInput") == "False"
    more = ("InputTimeLimitExceeded", "NoMatchingCondition") if menu else ()
    return ACTION_TYPES[type_].required_errors | frozenset(more)


def _condition(operator_: str, operand: str, target: str) -> Mapping[str, object]:
    return {"NextAction": target, "Condition": {"Operator": operator_, "Operands": [operand]}}


def _percent(branch: Branch) -> int:
    if not branch.value.isdecimal():
        raise Unconvertible(f"{branch.value!r} is no percentage")
    return int(branch.value)


def _seconds(branch: Branch) -> str:
    """The legacy format counts milliseconds here."""
    if not branch.value.isdecimal():
        raise Unconvertible(f"{branch.value!r} is no time")
    return str(int(branch.value) // 1000)
