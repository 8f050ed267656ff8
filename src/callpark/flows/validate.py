"""Publish-time problems of a flow: what AWS would refuse to publish, and what callpark will not do. Pure.

Called by `instance.py` at load and by whoever wants to check a flow. Texts of the live service are kept where one fits,
with a readable rest. An "error" is a flow that AWS refuses; a "warning" is one that may surprise.

https://docs.aws.amazon.com/connect/latest/devguide/flow-language.html
"""

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from callpark.flows.actions import ACTION_TYPES
from callpark.flows.catalogue import SUGGESTIONS
from callpark.flows.checks import SPECIFIC
from callpark.flows.language import Action, Flow, branches
from callpark.flows.logs import NESTED_WAIT
from callpark.flows.namespaces import FILLED, NAMESPACES, UNFILLED
from callpark.flows.parameters import ParameterProblem
from callpark.flows.placement import MODULE, PLACEMENTS
from callpark.flows.problems import Problem, error, warning
from callpark.flows.program import ActionType, Results
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


def validate(flow: Flow, limits: ConnectLimits) -> list[Problem]:
    """All problems, flow first, then actions in their order."""
    return [*_check_flow(flow, limits), *_check_paths(flow), *_check_actions(flow, limits)]


def publish_problems(flow: Flow, limits: ConnectLimits) -> list[Problem]:
    """The same without what is seen on the paths of a flow: `checking/` looks closer at those."""
    return [*_check_flow(flow, limits), *_check_actions(flow, limits)]


def _check_actions(flow: Flow, limits: ConnectLimits) -> Iterator[Problem]:
    for action in flow.actions.values():
        yield from _check_action(flow, action, limits)


def _check_flow(flow: Flow, limits: ConnectLimits) -> Iterator[Problem]:
    if len(flow.actions) > limits.actions_per_flow:
        yield error(f"{len(flow.actions)} actions, more than {limits.actions_per_flow}")
    if flow.settings is not None and flow.type != MODULE:
        yield error("Settings belongs to flow modules, a flow has none")


def _check_paths(flow: Flow) -> Iterator[Problem]:
    reached = _reachable(flow, flow.start)
    for action in flow.actions.values():
        if action.identifier not in reached:
            yield warning("no path leads to this action", action)
    for identifier, names in nested_waits(flow).items():
        for name in names:
            yield warning(f"the Continue branch of {identifier!r} reaches this Wait: {NESTED_WAIT}", flow.actions[name])


def _check_action(flow: Flow, action: Action, limits: ConnectLimits) -> Iterator[Problem]:
    if len(action.identifier) > 50 or set(action.identifier) & _BAD_CHARACTERS or action.identifier in _BAD_NAMES:
        yield error(
            "Invalid Action property value. Identifier: up to 50 characters, none of % : ( \\ / ) = $ , ; [ ] { }",
            action,
        )
    type_ = ACTION_TYPES.get(action.type)
    if type_ is None:
        yield _unknown_type(action)
        return
    yield from _check_place(flow, action)
    yield from _check_transitions(action, type_)
    yield from _check_conditions(action)
    if type_.results is not None:
        yield from _check_results(action, type_.results)
    yield from _check_parameters(action, type_)
    specific = SPECIFIC.get(action.type)
    if specific is not None:
        yield from specific(flow, action, limits)


def _unknown_type(action: Action) -> Problem:
    hint = SUGGESTIONS.get(action.type)
    return error(f"unknown action type {action.type}" + (f"; did you mean {hint}?" if hint else ""), action)


def _check_transitions(action: Action, type_: ActionType) -> Iterator[Problem]:
    for branch, target in branches(action):
        if not target:
            yield error(
                f"Invalid Action property value. Path: Actions[{action.index}].Transitions: {branch} is not wired",
                action,
            )
    if type_.terminal:
        if branches(action):
            yield error("a terminal action has no transitions", action)
        return
    if action.next_action is None:
        yield error(
            f"Action is missing required property. Path: Actions[{action.index}].Transitions.NextAction", action
        )
    for kind in sorted(action.errors.keys() - type_.errors):
        yield error(f"error branch {kind}: {action.type} raises no such error", action)
    for kind in sorted(type_.required_errors - action.errors.keys()):
        yield error(
            f"Action is missing required property. Path: Actions[{action.index}].Transitions.Errors: {kind}", action
        )


def _check_place(flow: Flow, action: Action) -> Iterator[Problem]:
    placement = PLACEMENTS.get(action.type)
    if placement is not None and flow.type not in placement.flow_types:
        yield error(f"{action.type} is not allowed in a flow of type {flow.type}", action)


def _check_results(action: Action, results: Results) -> Iterator[Problem]:
    """What the conditions compare with, by the row of the action table."""
    present = {operand for condition in action.conditions for operand in condition.operands}
    for name in sorted(results.required - present):
        yield error(f"Invalid branch. Path: {action.index}.Evaluate: condition {name} is missing", action)
    for name in sorted(present - results.names if results.names is not None else ()):
        yield error(f"Invalid branch. Path: {action.index}.Evaluate: there is no result {name!r}", action)
    for operator in sorted({condition.operator for condition in action.conditions} - results.operators):
        if operator in OPERATORS:
            yield error(f"{action.type} does not take the operator {operator}", action)
    if results.needed and not action.conditions:
        yield error(f"Invalid branch. Path: {action.index}.Evaluate: at least one condition is needed", action)


def _check_conditions(action: Action) -> Iterator[Problem]:
    for condition in action.conditions:
        if condition.operator not in OPERATORS:
            yield error(f"unknown operator {condition.operator}; there is {', '.join(OPERATORS)}", action)
        if len(condition.operands) != 1:
            yield error(f"an operator takes one operand, not {len(condition.operands)}", action)
        elif not condition.operands[0]:
            yield error(f"Invalid branch. Path: {action.index}.Evaluate: the operand is empty", action)


def _check_parameters(action: Action, type_: ActionType) -> Iterator[Problem]:
    for key in sorted(action.parameters.keys() - type_.parameters if type_.parameters is not None else ()):
        yield error(f"Invalid Action property name: {key}", action)
    for key in sorted(type_.static & action.parameters.keys()):
        for path, text in _texts(action.parameters[key], f"Parameters.{key}"):
            if template(text).paths():
                yield error(f"Invalid Action property value. Path: {path}: no reference may stand here", action)
    for key in sorted(UNHEEDED & action.parameters.keys()):
        if str(action.parameters[key]).lower() == "true":
            yield warning(f"{key}: callpark keeps no keys that are pressed before they are asked for", action)
    reported = ""
    try:
        type_.prepare(action)
    except ParameterProblem as problem:
        reported = f"Parameters.{problem.path}"
        prefix = "Action is missing required property" if problem.missing else "Invalid Action property value"
        yield error(f"{prefix}. Path: {problem}", action)
    for path, text in _texts(action.parameters, "Parameters"):
        if not text and path != reported:
            yield error(f"Invalid Action property value. Path: {path}: empty text", action)
        for reference in template(text).paths():
            if reference[0] in UNFILLED:
                yield warning(f"{path}: callpark does not fill $.{reference[0]} yet; it holds nothing", action)
            elif reference[0] not in NAMESPACES and reference[0] not in FILLED:
                yield warning(f"{path}: there is no namespace $.{reference[0]}", action)


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


def _reachable(flow: Flow, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        identifier = waiting.pop()
        if identifier in flow.actions and identifier not in found:
            found.add(identifier)
            waiting += [target for _, target in branches(flow.actions[identifier])]
    return found


def nested_waits(flow: Flow) -> Mapping[str, list[str]]:
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
