"""The contracts of flow modules, as the service checks them on both sides at publish time. Pure.

A module's `Settings` on the resource is a JSON text with `input.schema`, `resultData.schema` (JSON Schema) and
`transitions.results`. What is declared may be left out; what is not declared may not be used. A module without a
contract, or whose content alone is known (an older export), is not checked. Called by `instance.py`.

https://docs.aws.amazon.com/connect/latest/adminguide/contact-flow-modules.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from callpark.flows.language import Action, Flow
from callpark.flows.model import FlowDefinition
from callpark.flows.placement import MODULE
from callpark.flows.problems import Problem


@dataclass(frozen=True, slots=True)
class Contract:
    """The JSON types that a module declares for its input and result data by key, and its results."""

    input: Mapping[str, str]
    data: Mapping[str, str]
    results: frozenset[str]


def contracts_of(definitions: Sequence[FlowDefinition]) -> Mapping[str, Contract]:
    """Contracts by module ARN, id and name."""
    found: dict[str, Contract] = {}
    for definition in definitions:
        if definition.type == MODULE and definition.settings is not None:
            contract = read_contract(definition.settings)
            if contract is not None:
                keys = (definition.arn, definition.arn.rsplit("/", 1)[-1], definition.name)
                found |= dict.fromkeys(keys, contract)
    return found


def read_contract(settings: str) -> Contract | None:
    """None for what is no contract; `"{}"` is one that declares nothing."""
    try:
        value = orjson.loads(settings)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict):
        return None
    listed = _member(value, "transitions").get("results")
    names = [item.get("name") for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return Contract(
        _types(_member(value, "input")),
        _types(_member(value, "resultData")),
        frozenset(name for name in names if isinstance(name, str)),
    )


def contract_problems(flow: Flow, definition: FlowDefinition, contracts: Mapping[str, Contract]) -> Iterator[Problem]:
    """What a flow does against the contracts of the modules it calls, or a module against its own."""
    own = contracts.get(definition.arn)
    for action in flow.actions.values():
        if action.type == "EndFlowModuleExecution" and own is not None:
            result = action.parameters.get("Result")
            if result is not None and result not in own.results:
                yield _error(action, f"Result {result!r} is not declared in the module's settings")
            yield from _check(action, "ResultData", own.data)
        elif action.type == "InvokeFlowModule":
            reference = str(action.parameters.get("FlowModuleId", ""))
            contract = contracts.get(reference) or contracts.get(reference.rsplit("/", 1)[-1].partition(":")[0])
            if contract is not None:
                yield from _check(action, "Input", contract.input)
                for condition in action.conditions:
                    for operand in condition.operands:
                        if operand not in contract.results:
                            yield _error(action, f"condition {operand!r}: the module declares no such result")


def _check(action: Action, parameter: str, declared: Mapping[str, str]) -> Iterator[Problem]:
    """Values take the declared JSON type; a reference is legal only where that is text."""
    values = action.parameters.get(parameter)
    for key, value in values.items() if isinstance(values, dict) else ():
        if key not in declared:
            yield _error(action, f"Parameters.{parameter}.{key} is not declared in the module's settings")
        elif declared[key] != "string" and isinstance(value, str):
            yield _error(action, f"Parameters.{parameter}.{key} must be of type {declared[key]}, not text")
        elif declared[key] == "string" and not isinstance(value, str):
            yield _error(action, f"Parameters.{parameter}.{key} must be text")


def _error(action: Action, message: str) -> Problem:
    return Problem("error", f"Invalid Action property value. {message}", action.identifier)


def _member(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _types(part: Mapping[str, object]) -> Mapping[str, str]:
    properties = _member(_member(part, "schema"), "properties")
    return {
        key: str(schema.get("type", "string")) if isinstance(schema, dict) else "string"
        for key, schema in properties.items()
    }
