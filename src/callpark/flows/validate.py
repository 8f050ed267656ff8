"""Publish-time problems of a flow: what AWS would refuse to publish, and what callpark will not do. Pure.

Called by `instance.py` at load and by whoever wants to check a flow. Texts of the live service are kept where one fits,
with a readable rest. An "error" is a flow that AWS refuses; a "warning" is one that may surprise.

https://docs.aws.amazon.com/connect/latest/devguide/flow-language.html
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from callpark.flows.actions import ACTION_TYPES
from callpark.flows.actions.invoke import maximum_seconds
from callpark.flows.catalogue import KNOWN_TYPES, SUGGESTIONS
from callpark.flows.language import Action, Flow, branches
from callpark.flows.logs import NESTED_WAIT
from callpark.flows.namespaces import NAMESPACES, SINGLE_VALUES, UNFILLED
from callpark.flows.parameters import ParameterProblem, number
from callpark.flows.program import NO_MATCHING_CONDITION, ActionType
from callpark.flows.references import template
from callpark.flows.transitions import OPERATORS
from callpark.kernel.limits import ConnectLimits

Severity: TypeAlias = Literal["error", "warning"]

_BAD_CHARACTERS = frozenset("%:(\\/)=$,;[]{}")
#: Parameters about keys typed ahead; the console writes them into every export, mostly as false.
UNHEEDED = frozenset(("EnableDTMFBuffer", "SkipWhenDTMFBufferEnabled"))
_BAD_NAMES = frozenset(
    (
        *("__proto__", "constructor", "__defineGetter__", "__defineSetter__", "toString", "hasOwnProperty"),
        *("isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "valueOf"),
    )
)


@dataclass(frozen=True, slots=True)
class Problem:
    """`message` as AWS words it where known, then what is wrong; `action` is its identifier, "" for the whole flow."""

    severity: Severity
    message: str
    action: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: " + (f"action {self.action!r}: " if self.action else "") + self.message


def validate(flow: Flow, limits: ConnectLimits) -> list[Problem]:
    """All problems, flow first, then actions in their order."""
    problems = list(_check_flow(flow, limits))
    for action in flow.actions.values():
        problems += _check_action(flow, action, limits)
    return problems


def _error(message: str, action: Action | None = None) -> Problem:
    return Problem("error", message, "" if action is None else action.identifier)


def _warning(message: str, action: Action | None = None) -> Problem:
    return Problem("warning", message, "" if action is None else action.identifier)


def _check_flow(flow: Flow, limits: ConnectLimits) -> Iterator[Problem]:
    if len(flow.actions) > limits.actions_per_flow:
        yield _error(f"{len(flow.actions)} actions, more than {limits.actions_per_flow}")
    if flow.settings is not None:
        yield _error("Settings belongs to flow modules, a flow has none")
    reached = _reachable(flow, flow.start)
    for action in flow.actions.values():
        if action.identifier not in reached:
            yield _warning("no path leads to this action", action)
    for identifier, names in _nested_waits(flow).items():
        for name in names:
            yield _warning(
                f"the Continue branch of {identifier!r} reaches this Wait: {NESTED_WAIT}", flow.actions[name]
            )


def _check_action(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    if len(action.identifier) > 50 or set(action.identifier) & _BAD_CHARACTERS or action.identifier in _BAD_NAMES:
        yield _error(
            "Invalid Action property value. Identifier: up to 50 characters, none of % : ( \\ / ) = $ , ; [ ] { }",
            action,
        )
    type_ = ACTION_TYPES.get(action.type)
    if type_ is None:
        yield _unknown_type(action)
        return
    yield from _check_transitions(action, type_)
    yield from _check_conditions(action)
    yield from _check_parameters(action, type_)
    specific = _SPECIFIC.get(action.type)
    if specific is not None:
        yield from specific(flow, action, limits)


def _unknown_type(action: Action) -> Problem:
    if action.type in KNOWN_TYPES:
        return _warning(
            f"action type {action.type} is not supported by callpark; a contact that reaches it ends", action
        )
    hint = SUGGESTIONS.get(action.type)
    return _error(f"unknown action type {action.type}" + (f"; did you mean {hint}?" if hint else ""), action)


def _check_transitions(action: Action, type_: ActionType) -> Iterator[Problem]:
    for branch, target in branches(action):
        if not target:
            yield _error(
                f"Invalid Action property value. Path: Actions[{action.index}].Transitions: {branch} is not wired",
                action,
            )
    if type_.terminal:
        if branches(action):
            yield _error("a terminal action has no transitions", action)
        return
    if action.next_action is None:
        yield _error(
            f"Action is missing required property. Path: Actions[{action.index}].Transitions.NextAction", action
        )
    for error in sorted(action.errors.keys() - type_.errors):
        yield _error(f"error branch {error}: {action.type} raises no such error", action)
    for error in sorted(type_.required_errors - action.errors.keys()):
        yield _error(
            f"Action is missing required property. Path: Actions[{action.index}].Transitions.Errors: {error}", action
        )


def _check_conditions(action: Action) -> Iterator[Problem]:
    for condition in action.conditions:
        if condition.operator not in OPERATORS:
            yield _error(f"unknown operator {condition.operator}; there is {', '.join(OPERATORS)}", action)
        if len(condition.operands) != 1:
            yield _error(f"an operator takes one operand, not {len(condition.operands)}", action)
        elif not condition.operands[0]:
            yield _error(f"Invalid branch. Path: {action.index}.Evaluate: the operand is empty", action)


def _check_parameters(action: Action, type_: ActionType) -> Iterator[Problem]:
    for key in sorted(action.parameters.keys() - type_.parameters):
        yield _error(f"Invalid Action property name: {key}", action)
    for key in sorted(UNHEEDED & action.parameters.keys()):
        if str(action.parameters[key]).lower() == "true":
            yield _warning(f"{key}: callpark keeps no keys that are pressed before they are asked for", action)
    reported = ""
    try:
        type_.prepare(action)
    except ParameterProblem as problem:
        reported = f"Parameters.{problem.path}"
        prefix = "Action is missing required property" if problem.missing else "Invalid Action property value"
        yield _error(f"{prefix}. Path: {problem}", action)
    for path, text in _texts(action.parameters, "Parameters"):
        if not text and path != reported:
            yield _error(f"Invalid Action property value. Path: {path}: empty text", action)
        for reference in template(text).paths():
            if reference[0] in UNFILLED:
                yield _warning(f"{path}: callpark does not fill $.{reference[0]} yet; it holds nothing", action)
            elif reference[0] not in NAMESPACES:
                yield _warning(f"{path}: there is no namespace $.{reference[0]}", action)


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Every text in a parameter tree with its path, without recursion: nesting is the author's choice."""
    waiting: list[tuple[str, object]] = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, Mapping):
            waiting += [(f"{path}.{key}", item) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{path}.{index}", item) for index, item in enumerate(value)]


def _operands(action: Action) -> Counter[str]:
    return Counter(operand for condition in action.conditions for operand in condition.operands)


def _need_conditions(action: Action, needed: tuple[str, ...]) -> Iterator[Problem]:
    present = _operands(action)
    for name in needed:
        if name not in present:
            yield _error(f"Invalid branch. Path: {action.index}.Evaluate: condition {name} is missing", action)
    for name in present:
        if name not in needed:
            yield _error(f"Invalid branch. Path: {action.index}.Evaluate: there is no result {name!r}", action)
    if any(condition.operator != "Equals" for condition in action.conditions):
        yield _error(f"{action.type} takes the operator Equals only", action)


def _check_wait(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    parameters = action.parameters
    continuing = str(parameters.get("ContinueExecution")).lower() == "true"
    events = parameters.get("InterruptibleEvents")
    names = tuple(events) if isinstance(events, dict) else ()
    yield from _need_conditions(action, (*(("Continue",) if continuing else ()), *names, "WaitCompleted"))
    if continuing and "MinimumWaitTimeSeconds" not in parameters:
        yield _error("Action is missing required property. Path: Parameters.MinimumWaitTimeSeconds", action)
    for name in names:
        if len(name) > limits.branch_name_characters:
            yield _error(f"branch name of more than {limits.branch_name_characters} characters", action)
    seconds = number(str(parameters.get("TimeLimitSeconds")))
    if seconds is not None and not 1 <= seconds <= limits.wait_seconds:
        yield _error(
            f"Invalid Action property value. Path: Parameters.TimeLimitSeconds: 1 to {limits.wait_seconds}", action
        )
    if not continuing and not names:
        yield _warning("on a voice contact a Wait without ContinueExecution or an event takes its error branch", action)


def _check_loop(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    yield from _need_conditions(action, ("ContinueLooping", "DoneLooping"))
    count = number(str(action.parameters.get("LoopCount")))
    if count is not None and not 0 <= count <= limits.loop_count:
        yield _error(f"Invalid Action property value. Path: Parameters.LoopCount: 0 to {limits.loop_count}", action)


def _check_compare(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    compared = template(str(action.parameters.get("ComparisonValue", "")))
    if compared.whole is None or (len(compared.whole) == 1 and compared.whole[0] not in SINGLE_VALUES):
        yield _error(
            "Invalid Action property value. Path: Parameters.ComparisonValue: one reference to a value", action
        )
    if not action.conditions:
        yield _error(f"Invalid branch. Path: {action.index}.Evaluate: at least one condition is needed", action)


def _check_input(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    stores = str(action.parameters.get("StoreInput")).lower() == "true"
    if stores:
        if "InputTimeLimitExceeded" in action.errors:
            yield _error("error branch InputTimeLimitExceeded: not when input is stored", action)
        if action.conditions:
            yield _error("stored input has no conditions", action)
        return
    if "InputValidation" in action.parameters:
        yield _error("Invalid Action property name: InputValidation is for stored input", action)
    for error in (NO_MATCHING_CONDITION, "InputTimeLimitExceeded"):
        if error not in action.errors:
            yield _error(
                f"Action is missing required property. Path: Actions[{action.index}].Transitions.Errors: {error}",
                action,
            )
    for condition in action.conditions:
        if condition.operator != "Equals" or any(len(o) != 1 or o not in "0123456789*#" for o in condition.operands):
            yield _error(f"Invalid branch. Path: {action.index}.Evaluate: conditions are Equals one of 0-9 * #", action)


def _check_invoke(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    asynchronous = action.parameters.get("InvocationType") == "ASYNCHRONOUS"
    seconds = number(str(action.parameters.get("InvocationTimeLimitSeconds")))
    most = maximum_seconds(limits, asynchronous)
    if seconds is not None and seconds > most:
        mode = "asynchronous" if asynchronous else "synchronous"
        yield _error(f"InvocationTimeLimitSeconds {seconds:g}: {mode} functions have {most:g} s at most", action)
    if "TimeLimitExceeded" in action.errors:
        yield _warning(
            "error branch TimeLimitExceeded: no export has one; it is taken when the function is too slow", action
        )
    arn = str(action.parameters.get("LambdaFunctionARN", ""))
    if not arn.startswith(("arn:", "$.")):
        yield _warning(f"LambdaFunctionARN {arn!r} is no ARN; fill it in", action)


def _check_flow_attributes(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    parameter = "Attributes" if action.type == "UpdateContactAttributes" else "FlowAttributes"
    keys = action.parameters.get(parameter)
    for key in keys if isinstance(keys, dict) else ():
        if template(key).fixed is not None and set(key) & set("$."):
            yield _error(
                f"Invalid Action property value. Path: Parameters.{parameter}: key {key!r} holds $ or .", action
            )


def _check_disconnect(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    if "WHISPER" in flow.type or "HOLD" in flow.type:
        yield _error(f"DisconnectParticipant is not allowed in a flow of type {flow.type}", action)


def _check_end_flow(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    if "WHISPER" not in flow.type and flow.type != "CUSTOMER_QUEUE":
        yield _error(f"EndFlowExecution is not allowed in a flow of type {flow.type}", action)


_SPECIFIC = {
    "Compare": _check_compare,
    "DisconnectParticipant": _check_disconnect,
    "EndFlowExecution": _check_end_flow,
    "GetParticipantInput": _check_input,
    "InvokeLambdaFunction": _check_invoke,
    "Loop": _check_loop,
    "UpdateContactAttributes": _check_flow_attributes,
    "UpdateFlowAttributes": _check_flow_attributes,
    "Wait": _check_wait,
}


def _reachable(flow: Flow, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        identifier = waiting.pop()
        if identifier in flow.actions and identifier not in found:
            found.add(identifier)
            waiting += [target for _, target in branches(flow.actions[identifier])]
    return found


def _nested_waits(flow: Flow) -> Mapping[str, list[str]]:
    """Waits by the Wait whose Continue branch can reach them. A Wait that is reached ends the search: it only fails."""
    nested: dict[str, list[str]] = {}
    for action in flow.actions.values():
        if action.type != "Wait":
            continue
        starts = [c.target for c in action.conditions if c.operands == ("Continue",)]
        found: set[str] = set()
        while starts:
            identifier = starts.pop()
            if identifier in found or identifier not in flow.actions:
                continue
            found.add(identifier)
            if flow.actions[identifier].type != "Wait":
                starts += [target for _, target in branches(flow.actions[identifier])]
        waits = [
            identifier for identifier in flow.actions if identifier in found and flow.actions[identifier].type == "Wait"
        ]
        if waits:
            nested[action.identifier] = waits
    return nested
