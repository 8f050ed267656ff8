"""CloudFormation's intrinsic functions, evaluated: a template's values in, plain values out. Pure.

`load.py` builds one `Evaluator` per template and adds each resource's identity as soon as it is known, in the order
that `dependencies.py` found. Every error names the place of the function that failed.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

import base64
import enum
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from callpark.kernel.errors import ProjectError
from callpark.projects.document import Place, Value

_VARIABLE = re.compile(r"\$\{([^${}]*)\}")
_VARIABLE_NAME = re.compile(r"[A-Za-z0-9_.:]+")
_DYNAMIC = re.compile(r"\{\{resolve:[^{}]*\}\}")


class _Absence(enum.Enum):
    NO_VALUE = "AWS::NoValue"


NO_VALUE: Final = _Absence.NO_VALUE
Found: TypeAlias = "Value | _Absence"


@dataclass(frozen=True, slots=True)
class Identity:
    """What `Ref` and `Fn::GetAtt` give for a resource. With `placeholder`, any other attribute gives that text too: the
    resource is not served, and nothing is known about its attributes."""

    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    placeholder: str | None = None


Where: TypeAlias = Callable[[Place], str]


@dataclass(slots=True)
class Evaluator:
    """Evaluates values of one template. `warnings` fills up with what was evaluated only in part."""

    where: Where
    region: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    pseudo: Mapping[str, Value] = field(default_factory=dict)
    mappings: Mapping[str, Value] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    """Logical ids of resources whose condition is false."""
    identities: dict[str, Identity] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def value(self, value: Value, place: Place) -> Value:
        """The value with every function in it applied; None for AWS::NoValue. Raises ProjectError."""
        found = self.found(value, place)
        return None if found is NO_VALUE else found

    def found(self, value: Value, place: Place) -> Found:
        if isinstance(value, dict):
            function = function_of(value)
            if function is not None:
                return self._call(function, value[function], (*place, function))
            entries = ((key, self.found(item, (*place, key))) for key, item in value.items())
            return {key: item for key, item in entries if item is not NO_VALUE}
        if isinstance(value, list):
            items = (self.found(item, (*place, index)) for index, item in enumerate(value))
            return [item for item in items if item is not NO_VALUE]
        if isinstance(value, str) and "{{resolve:" in value and _DYNAMIC.search(value):
            self.warn(
                f"{self.where(place)}: the dynamic reference in {value!r} is not resolved, the text stays as it is"
            )
        return value

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def error(self, place: Place, cause: str, remedy: str) -> ProjectError:
        return ProjectError(f"{self.where(place)}: {spelled(place)}: {cause}", remedy)

    def reference(self, name: str, place: Place) -> Found:
        """What `Ref` gives."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self._identity(name, place).ref

    def attribute(self, name: str, attribute: str, place: Place) -> str:
        """What `Fn::GetAtt` gives."""
        identity = self._identity(name, place)
        if attribute in identity.attributes:
            return identity.attributes[attribute]
        if identity.placeholder is not None:
            return identity.placeholder
        known = ", ".join(sorted(identity.attributes)) or "none"
        raise self.error(place, f"{name} has no attribute {attribute!r}", f"use one of: {known}")

    def _identity(self, name: str, place: Place) -> Identity:
        identity = self.identities.get(name)
        if identity is not None:
            return identity
        if name in self.excluded:
            raise self.error(
                place,
                f"{name} is not made, because its condition is false",
                "put the reference into Fn::If with the same condition",
            )
        raise unknown_reference(self.where, name, place)

    def _call(self, function: str, argument: Value, place: Place) -> Found:
        handler = _FUNCTIONS.get(function)
        if handler is None:
            raise self.error(place, f"{function} is not supported", "write the value itself there")
        return handler(self, argument, place)

    def text(self, value: Value, place: Place) -> str:
        """The value as CloudFormation writes it into a string."""
        return as_text(self.value(value, place), lambda cause, remedy: self.error(place, cause, remedy))

    def arguments(self, argument: Value, place: Place, low: int, high: int | None = None) -> list[Value]:
        """The arguments of a function that takes a list of `low` to `high` of them, not yet evaluated."""
        if not isinstance(argument, list) or not low <= len(argument) <= (high or low):
            count = f"{low}" if high is None else f"{low} to {high}"
            raise self.error(place, f"takes a list of {count} values", "correct its arguments")
        return argument

    def condition(self, name: Value, place: Place) -> bool:
        if not isinstance(name, str) or name not in self.conditions:
            raise self.error(place, f"there is no condition {name!r}", "declare it under Conditions")
        return self.conditions[name]


def function_of(value: Mapping[str, Value]) -> str | None:
    """The intrinsic function that a mapping calls, or None: it has the function's name as its only key."""
    if len(value) != 1:
        return None
    key = next(iter(value))
    return key if key == "Ref" or key.startswith("Fn::") else None


def spelled(place: Place) -> str:
    """`Resources.Api.Properties.Name`; functions on the way are left out, but for the last."""
    parts = [str(part) for part in place[:-1] if part != "Ref" and not str(part).startswith("Fn::")]
    return ".".join([*parts, *(str(part) for part in place[-1:])])


def unknown_reference(where: Where, name: str, place: Place) -> ProjectError:
    return ProjectError(
        f"{where(place)}: {spelled(place)}: there is no parameter or resource {name!r}",
        "correct the name, or declare it under Parameters or Resources",
    )


def as_text(value: Value, error: Callable[[str, str], ProjectError]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    kind = "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else "nothing"
    raise error(f"needs a text, not {kind}", "give a text there")


def variables(text: str) -> list[str]:
    """The names in a `Fn::Sub` text, without the escaped ones (`${!x}`)."""
    return [name.strip() for name in _VARIABLE.findall(text) if not name.startswith("!")]


def split_attribute(argument: Value) -> tuple[str, Value] | None:
    """Resource and attribute of a `Fn::GetAtt` argument in either form, or None when it has neither."""
    if isinstance(argument, str) and "." in argument:
        name, _, attribute = argument.partition(".")
        return name, attribute
    if isinstance(argument, list) and len(argument) >= 2 and isinstance(argument[0], str):
        rest = argument[1:]
        if len(rest) == 1:
            return argument[0], rest[0]
        if all(isinstance(part, str) for part in rest):
            return argument[0], ".".join(str(part) for part in rest)
    return None


def _ref(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    if not isinstance(argument, str):
        raise evaluator.error(place, "takes the name of a parameter or resource", "name one")
    return evaluator.reference(argument, place)


def _get_att(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    split = split_attribute(argument)
    if split is None:
        raise evaluator.error(place, "takes a resource and an attribute", "write it as Resource.Attribute")
    name, attribute = split
    return evaluator.attribute(name, evaluator.text(attribute, place), place)


def _sub(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    own: dict[str, Value] = {}
    if isinstance(argument, list):
        text, given = evaluator.arguments(argument, place, 2)
        if not isinstance(given, dict):
            raise evaluator.error(place, "takes a text and a mapping of variables", "give a mapping")
        own = given
    else:
        text = argument
    if not isinstance(text, str):
        raise evaluator.error(place, "takes a text, or a list of a text and a mapping", "give a text")

    def replacement(match: re.Match[str]) -> str:
        name = match[1].strip()
        if match[1].startswith("!"):
            return f"${{{match[1][1:]}}}"
        if name in own:
            return evaluator.text(own[name], (*place, 1, name))
        if not _VARIABLE_NAME.fullmatch(name):
            raise evaluator.error(
                place,
                f"the variable {match[0]!r} is not a name: letters, digits, '_', '.' and ':' only",
                "write ${!…} to keep the text as it is",
            )
        resource, dot, attribute = name.partition(".")
        if dot:
            return evaluator.attribute(resource, attribute, place)
        found = evaluator.reference(name, place)
        return "" if found is NO_VALUE else as_text(found, lambda cause, remedy: evaluator.error(place, cause, remedy))

    return _VARIABLE.sub(replacement, text)


def _join(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    delimiter, parts = evaluator.arguments(argument, place, 2)
    items = evaluator.value(parts, place)
    if not isinstance(delimiter, str) or not isinstance(items, list):
        raise evaluator.error(place, "takes a delimiter and a list", "give a text and a list")
    return delimiter.join(evaluator.text(item, place) for item in items)


def _select(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    first, second = evaluator.arguments(argument, place, 2)
    index, items = evaluator.value(first, place), evaluator.value(second, place)
    if not isinstance(items, list):
        raise evaluator.error(place, "selects from a list", "give a list as its second value")
    digits = str(index)
    position = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
    if position is None or position >= len(items):
        raise evaluator.error(place, f"there is no item {index!r} in a list of {len(items)}", "count from 0")
    return items[position]


def _split(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    delimiter, text = evaluator.arguments(argument, place, 2)
    if not isinstance(delimiter, str) or not delimiter:
        raise evaluator.error(place, "takes a delimiter that is not empty", "give a text as its first value")
    return list(evaluator.text(text, place).split(delimiter))


def _if(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    name, yes, no = evaluator.arguments(argument, place, 3)
    branch = 1 if evaluator.condition(name, place) else 2
    return evaluator.found(yes if branch == 1 else no, (*place, branch))


def _find_in_map(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    arguments = evaluator.arguments(argument, place, 3, 4)
    keys = [evaluator.text(key, place) for key in arguments[:3]]
    default = arguments[3] if len(arguments) == 4 else None
    level: Value = dict(evaluator.mappings)
    for key in keys:
        if not isinstance(level, dict) or key not in level:
            if isinstance(default, dict) and "DefaultValue" in default:
                return evaluator.found(default["DefaultValue"], place)
            raise evaluator.error(place, f"there is no {'.'.join(keys)} under Mappings ({key!r} is missing)", "add it")
        level = level[key]
    return level


def _base64(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    return base64.b64encode(evaluator.text(argument, place).encode()).decode()


def _import_value(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    name = evaluator.text(argument, place)
    evaluator.warn(
        f"{evaluator.where(place)}: {spelled(place)}: other stacks' exports are unknown here; "
        f"Fn::ImportValue gives its name, {name!r}"
    )
    return name


def _zones(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    region = evaluator.text(argument, place) if argument else ""
    return [f"{region or evaluator.region}{letter}" for letter in "abc"]


def _length(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    items = evaluator.value(argument, place)
    if not isinstance(items, list):
        raise evaluator.error(place, "counts a list", "give a list")
    return len(items)


def _to_json_string(evaluator: Evaluator, argument: Value, place: Place) -> Found:
    return json.dumps(evaluator.value(argument, place), ensure_ascii=False)


_FUNCTIONS: Final[Mapping[str, Callable[[Evaluator, Value, Place], Found]]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::Base64": _base64,
    "Fn::ImportValue": _import_value,
    "Fn::GetAZs": _zones,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json_string,
}
