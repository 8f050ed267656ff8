"""The Parameters section and `--parameter` overrides → values. Pure; called by `load.py` first.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from callpark.kernel.errors import ProjectError
from callpark.projects.document import Place, Value
from callpark.projects.intrinsics import Where, as_text, spelled

_LISTS = ("CommaDelimitedList", "List<")
_STORED = "AWS::SSM::Parameter::"
_BOOTSTRAP = "BootstrapVersion"
"""Every template of CDK has it, for a rule about the account that is deployed to; nothing else asks for it."""


@dataclass(frozen=True, slots=True)
class Parameters:
    values: Mapping[str, Value]
    warnings: tuple[str, ...] = ()


def resolve(section: Mapping[str, Value], given: Mapping[str, str], where: Where) -> Parameters:
    """Raises ProjectError for a value that is missing, not allowed, or given for no parameter."""
    for name in given:
        if name not in section:
            known = ", ".join(section) or "none"
            raise ProjectError(f"the template has no parameter {name!r}", f"its parameters are: {known}")
    values: dict[str, Value] = {}
    warnings: list[str] = []
    for name, declaration in section.items():
        place: Place = ("Parameters", name)
        if not isinstance(declaration, dict):
            raise _error(where, place, "is not a mapping", "give it at least a Type")
        kind = declaration.get("Type")
        if not isinstance(kind, str):
            raise _error(where, place, "has no Type", "add Type: String")
        text = _chosen(name, declaration, given, where, place)
        _check(text, declaration, kind, where, place)
        if kind.startswith(_STORED) and name != _BOOTSTRAP:
            warnings.append(
                f"{where(place)}: parameter {name}: the Systems Manager parameter {text!r} is not looked up; "
                f"its name is used, or give the value with --parameter {name}=…"
            )
        is_list = kind.startswith(_LISTS) or kind.startswith(tuple(f"{_STORED}Value<{prefix}" for prefix in _LISTS))
        values[name] = [part.strip() for part in text.split(",")] if is_list else text
    return Parameters(values, tuple(warnings))


def _error(where: Where, place: Place, cause: str, remedy: str) -> ProjectError:
    return ProjectError(f"{where(place)}: {spelled(place)}: {cause}", remedy)


def _chosen(name: str, declaration: Mapping[str, Value], given: Mapping[str, str], where: Where, place: Place) -> str:
    if name in given:
        return given[name]
    if "Default" not in declaration:
        raise _error(where, place, "has no default and no value was given", f"start with --parameter {name}=…")
    return as_text(declaration["Default"], lambda cause, remedy: _error(where, (*place, "Default"), cause, remedy))


def _check(text: str, declaration: Mapping[str, Value], kind: str, where: Where, place: Place) -> None:
    allowed = declaration.get("AllowedValues")
    if isinstance(allowed, list):
        choices = [as_text(choice, lambda cause, remedy: _error(where, place, cause, remedy)) for choice in allowed]
        parts = [part.strip() for part in text.split(",")] if kind.startswith(_LISTS) else [text]
        for part in parts:
            if part not in choices:
                raise _error(where, place, f"{part!r} is not allowed", f"use one of: {', '.join(choices)}")
    if kind == "Number":
        _check_number(text, declaration, where, place)
    if kind == "String":
        _check_text(text, declaration, where, place)


def _check_number(text: str, declaration: Mapping[str, Value], where: Where, place: Place) -> None:
    try:
        number = float(text)
    except ValueError:
        raise _error(where, place, f"{text!r} is not a number", "give a number") from None
    low, high = _bound(declaration, "MinValue", where, place), _bound(declaration, "MaxValue", where, place)
    if (low is not None and number < low) or (high is not None and number > high):
        raise _error(where, place, f"{text} is outside {_range(low, high)}", "give a number inside")


def _check_text(text: str, declaration: Mapping[str, Value], where: Where, place: Place) -> None:
    low, high = _bound(declaration, "MinLength", where, place), _bound(declaration, "MaxLength", where, place)
    if (low is not None and len(text) < low) or (high is not None and len(text) > high):
        raise _error(where, place, f"its length {len(text)} is outside {_range(low, high)}", "give another text")
    pattern = declaration.get("AllowedPattern")
    if isinstance(pattern, str):
        try:
            matched = re.fullmatch(pattern, text)
        except re.error:
            raise _error(where, place, f"AllowedPattern {pattern!r} cannot be read", "correct it") from None
        if not matched:
            reason = declaration.get("ConstraintDescription")
            note = f" ({reason})" if isinstance(reason, str) else ""
            raise _error(where, place, f"{text!r} does not match {pattern}{note}", "give a text that does")


def _bound(declaration: Mapping[str, Value], name: str, where: Where, place: Place) -> float | None:
    value = declaration.get(name)
    if value is None:
        return None
    try:
        return float(as_text(value, lambda cause, remedy: _error(where, (*place, name), cause, remedy)))
    except ValueError:
        raise _error(where, (*place, name), f"{value!r} is not a number", "give a number") from None


def _range(low: float | None, high: float | None) -> str:
    return f"{'…' if low is None else f'{low:g}'} to {'…' if high is None else f'{high:g}'}"
