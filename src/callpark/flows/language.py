"""The flow language: JSON text in, a frozen `Flow` out.

Called by `instance.py` for every flow a project brings. Accepts the bare envelope, `{"Name", "Type", "Content": {…}}`
and an API answer whose `Content` is a JSON string; refuses the pre-2021 export by name. What is refused here could not
run at all; what AWS would merely not publish is `validate.py`'s business.

https://docs.aws.amazon.com/connect/latest/devguide/flow-language.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Never, TypeGuard

import orjson

from callpark.flows.model import FlowDefinition
from callpark.flows.nesting import deeper_than
from callpark.kernel.errors import ProjectError

VERSION = "2019-10-30"

LEGACY = "this is the legacy export format (modules and branches), which callpark does not run"

#: Our rule: exports have about ten.
MAXIMUM_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `Conditions`: where to go when the action's result stands in `operator` relation to the operand."""

    operator: str
    operands: tuple[str, ...]
    target: str


@dataclass(frozen=True, slots=True)
class Action:
    """One action (the console's block). Targets are identifiers; "" is a branch that was left unwired."""

    identifier: str
    type: str
    index: int
    parameters: Mapping[str, object] = field(default_factory=dict)
    next_action: str | None = None
    conditions: tuple[Condition, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow ready to be validated and compiled. `settings` is what a module carries and a flow must not."""

    name: str
    arn: str
    type: str
    start: str
    actions: Mapping[str, Action]
    settings: Mapping[str, object] | None = None

    @property
    def id(self) -> str:
        """The last part of the ARN, by which other flows may name this one."""
        return self.arn.rsplit("/", 1)[-1]


def parse_flow(definition: FlowDefinition) -> Flow:
    """Read a flow that can run. Raises ProjectError naming the file, the action, what is wrong and what to do."""
    flow = read_flow(definition)
    reader = _reader_of(definition)
    if flow.start not in flow.actions:
        reader.refuse(f"StartAction names no action: {flow.start!r}", "name the Identifier of the first action")
    for action in flow.actions.values():
        _check_targets(reader, action, flow.actions)
    return flow


def read_flow(definition: FlowDefinition) -> Flow:
    """Read a flow, whether or not its edges lead somewhere. Raises ProjectError for what is no flow at all."""
    reader = _reader_of(definition)
    document = _unwrap(reader, definition.content)
    if document.get("Version") != VERSION:
        reader.refuse(
            f"flow language version {document.get('Version')!r} is unknown",
            f'write "Version": "{VERSION}", the only one',
        )
    listed = document.get("Actions")
    if not isinstance(listed, list) or not listed:
        reader.refuse("there is no list of actions", 'give the flow an "Actions" list with at least one action')
    actions: dict[str, Action] = {}
    for index, item in enumerate(listed):
        action = _read_action(reader, item, index)
        if action.identifier in actions:
            reader.refuse(
                f"two actions are called {action.identifier!r}", "give every action an Identifier of its own", index
            )
        actions[action.identifier] = action
    start = document.get("StartAction")
    settings = document.get("Settings")
    return Flow(
        name=definition.name,
        arn=definition.arn,
        type=definition.type,
        start=start if isinstance(start, str) else "",
        actions=actions,
        settings=settings if _is_object(settings) else None,
    )


def _reader_of(definition: FlowDefinition) -> "_Reader":
    return _Reader(str(definition.source) if definition.source is not None else f"flow {definition.name}")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Knows the file, so that every refusal names it."""

    source: str

    def refuse(self, cause: str, remedy: str, index: int | None = None, name: object = None) -> Never:
        place = self.source
        if index is not None:
            place += f", Actions[{index}]" + (f" ({name})" if isinstance(name, str) and name else "")
        raise ProjectError(f"{place}: {cause}", remedy)


def _unwrap(reader: _Reader, content: str) -> Mapping[str, object]:
    document = _load(reader, content)
    if not _is_object(document):
        reader.refuse(
            f"a flow is a JSON object, this is {_kind(document)}", "export the flow from the console, or write one"
        )
    for _ in range(2):
        if _is_object(document) and "Actions" not in document:
            inner = document.get("ContactFlow", document.get("ContactFlowModule", document.get("Content")))
            if isinstance(inner, str):
                inner = _load(reader, inner)
            if _is_object(inner):
                document = inner
    if "modules" in document and "Actions" not in document:
        reader.refuse(
            LEGACY,
            "`callpark flow convert FILE` writes it in the flow language; or export it again from the console",
        )
    return document


def _load(reader: _Reader, text: str) -> object:
    try:
        loaded: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        reader.refuse(f"not JSON: {error}", "correct the file; `python -m json.tool FILE` shows the place")
    if deeper_than(loaded, MAXIMUM_DEPTH):
        reader.refuse(f"JSON nested deeper than {MAXIMUM_DEPTH} levels", "flatten the parameters of the flow")
    return loaded


def _read_action(reader: _Reader, item: object, index: int) -> Action:
    if not _is_object(item):
        reader.refuse(
            f"an action is a JSON object, this is {_kind(item)}", "write Identifier, Type and Transitions", index
        )
    identifier, type_ = item.get("Identifier"), item.get("Type")
    if not isinstance(identifier, str) or not identifier:
        reader.refuse("the action has no Identifier", "give it a name of its own, up to 50 characters", index)
    if not isinstance(type_, str) or not type_:
        reader.refuse(
            "the action has no Type", "name the action type, for example MessageParticipant", index, identifier
        )
    parameters = _object_member(reader, item, "Parameters", index, identifier)
    transitions = _object_member(reader, item, "Transitions", index, identifier)
    next_action = transitions.get("NextAction")
    if next_action is not None and not isinstance(next_action, str):
        reader.refuse("NextAction is not text", "name the Identifier of an action", index, identifier)
    return Action(
        identifier=identifier,
        type=type_,
        index=index,
        parameters=parameters,
        next_action=next_action,
        conditions=tuple(
            _read_condition(reader, entry, index, identifier)
            for entry in _list_member(reader, transitions, "Conditions", index, identifier)
        ),
        errors=_read_errors(reader, transitions, index, identifier),
    )


def _read_condition(reader: _Reader, entry: object, index: int, name: str) -> Condition:
    condition = entry.get("Condition") if _is_object(entry) else None
    target = entry.get("NextAction") if _is_object(entry) else None
    if not _is_object(condition) or not isinstance(target, str):
        reader.refuse("a condition needs Condition and NextAction", "see Conditions in the flow language", index, name)
    operator, operands = condition.get("Operator"), condition.get("Operands")
    if not isinstance(operator, str) or not isinstance(operands, list):
        reader.refuse("a condition needs Operator and a list of Operands", "write one operand as text", index, name)
    return Condition(operator, tuple(_operand(reader, operand, index, name) for operand in operands), target)


def _operand(reader: _Reader, operand: object, index: int, name: str) -> str:
    if isinstance(operand, bool) or not isinstance(operand, str | int | float):
        reader.refuse(f"an operand is text, this is {_kind(operand)}", "write the operand in quotes", index, name)
    return str(operand)


def _read_errors(reader: _Reader, transitions: Mapping[str, object], index: int, name: str) -> Mapping[str, str]:
    errors: dict[str, str] = {}
    for entry in _list_member(reader, transitions, "Errors", index, name):
        kind = entry.get("ErrorType") if _is_object(entry) else None
        target = entry.get("NextAction") if _is_object(entry) else None
        if not isinstance(kind, str) or not isinstance(target, str):
            reader.refuse("an error branch needs ErrorType and NextAction", "write both as text", index, name)
        errors.setdefault(kind, target)
    return errors


def _check_targets(reader: _Reader, action: Action, actions: Mapping[str, Action]) -> None:
    for branch, target in branches(action):
        if target and target not in actions:
            reader.refuse(
                f"{branch} leads to {target!r}, which is no action of this flow",
                "name the Identifier of an action",
                action.index,
                action.identifier,
            )


def branches(action: Action) -> list[tuple[str, str]]:
    """(name of the branch for people, target) of every edge that leaves an action."""
    found = [] if action.next_action is None else [("NextAction", action.next_action)]
    found += [(f"condition {' '.join(c.operands)!r}", c.target) for c in action.conditions]
    return found + [(f"error {kind}", target) for kind, target in action.errors.items()]


def _object_member(
    reader: _Reader, item: Mapping[str, object], key: str, index: int, name: str
) -> Mapping[str, object]:
    value = item.get(key)
    if value is None:
        return {}
    if not _is_object(value):
        reader.refuse(f"{key} is {_kind(value)}, not an object", f'write "{key}": {{…}}', index, name)
    return value


def _list_member(reader: _Reader, item: Mapping[str, object], key: str, index: int, name: str) -> list[object]:
    value = item.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        reader.refuse(f"{key} is {_kind(value)}, not a list", f'write "{key}": […]', index, name)
    return value


def _is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")
