"""The constraints of a model, checked in AWS's words.

Called after parsing, before the operation. `compile_validator` returns a function that lists what is wrong in the order
of the model, e.g. `Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to
1`. Function names and qualifiers are the functions slice's business (lambda.md §2.1 orders their refusals), so
`EXEMPT` leaves them alone.
"""

import logging
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from callpark.gateway.models import OperationModel, Shape
from callpark.gateway.protocols.refusals import invalid

_log = logging.getLogger("callpark")

#: Members whose constraints the owning slice checks itself, per service.
EXEMPT: Mapping[str, frozenset[str]] = {
    "lambda": frozenset({"FunctionName", "Qualifier", "RecursiveLoop"}),
    "connect": frozenset({"InstanceId"}),
}

#: Only required members are checked here: SQS words its limits itself (reference lambda.md §19.3).
REQUIRED_ONLY = frozenset({"sqs"})

Problems: TypeAlias = list[str]
Check: TypeAlias = Callable[[object, str, Problems], None]
Validate: TypeAlias = Callable[[Mapping[str, object]], None]

_NUMBERS = frozenset({"integer", "long", "float", "double"})
_PLAIN_KINDS = _NUMBERS | {"string", "blob", "boolean", "timestamp"}

_FAILED = "failed to satisfy constraint: Member must"


def compile_validator(operation: OperationModel) -> Validate:
    """A function that raises CallerError when parameters break the operation's constraints."""
    shape = operation.input_shape
    service = operation.service_model.service_name
    if shape is None:
        return lambda parameters: None
    exempt = EXEMPT.get(service, frozenset())
    members = {} if service in REQUIRED_ONLY else shape.members
    check = _structure(members, shape.required_members, exempt, {})
    required = tuple(shape.required_members)

    def validate(parameters: Mapping[str, object]) -> None:
        problems: Problems = []
        check(parameters, "", problems)
        if problems:
            raise invalid(service, problems, [name for name in required if name not in parameters])

    return validate


def _check(shape: Shape, known: dict[str, Check]) -> Check | None:
    """The check of one shape, or None when it constrains nothing."""
    kind = shape.type_name
    if kind == "structure":
        if shape.metadata.get("document") or shape.metadata.get("eventstream"):
            return None
        if shape.name not in known:
            inner: list[Check] = []
            known[shape.name] = lambda value, path, problems: inner[0](value, path, problems)
            inner.append(_structure(shape.members, shape.required_members, frozenset(), known))
        return known[shape.name]
    if kind == "list":
        check = _check(shape.member, known)
        plain = shape.member.type_name in _PLAIN_KINDS
        return _both(_size(shape), _plain_items(shape, check) if plain else _items(check))
    if kind == "map":
        return _both(_size(shape), _both(_keys(shape, _check(shape.key, known)), _values(shape, known)))
    if kind in _NUMBERS:
        return _range(shape)
    if kind == "string":
        return _both(_enum(shape), _both(_size(shape), _pattern(shape)))
    if kind == "blob":
        return _size(shape)
    return None


def _structure(
    members: Mapping[str, Shape], required: Sequence[str], exempt: frozenset[str], known: dict[str, Check]
) -> Check:
    checks = [
        (name, _camel(name), check)
        for name, shape in members.items()
        if name not in exempt and (check := _check(shape, known)) is not None
    ]

    def check_members(value: object, path: str, problems: Problems) -> None:
        assert isinstance(value, Mapping)
        for name in required:
            if name not in value:
                problems.append(f"Value null at '{path}{_camel(name)}' {_FAILED} not be null")
        for name, label, check in checks:
            if name in value and (item := value[name]) is not None:
                check(item, f"{path}{label}" if not isinstance(item, Mapping) else f"{path}{label}.", problems)

    return check_members


def _items(check: Check | None) -> Check | None:
    if check is None:
        return None

    def check_items(value: object, path: str, problems: Problems) -> None:
        assert isinstance(value, list)
        for number, item in enumerate(value, 1):
            at = f"{path}.{number}.member"
            check(item, f"{at}." if isinstance(item, Mapping) else at, problems)

    return check_items


def _plain_items(shape: Shape, check: Check | None) -> Check | None:
    """A list of plain values is refused as a whole, with everything its members must satisfy."""
    if check is None:
        return None
    rules = f"Member must satisfy constraint: [{', '.join(_rules(shape.member))}]"

    def check_items(value: object, path: str, problems: Problems) -> None:
        assert isinstance(value, list)
        if _any_fails(check, value):
            problems.append(f"{_at(shape, value, path)} failed to satisfy constraint: {rules}")

    return check_items


def _keys(shape: Shape, check: Check | None) -> Check | None:
    if check is None:
        return None
    rules = f"Map keys must satisfy constraint: [{', '.join(_rules(shape.key))}]"

    def check_keys(value: object, path: str, problems: Problems) -> None:
        assert isinstance(value, Mapping)
        if _any_fails(check, list(value)):
            problems.append(f"{_at(shape, value, path)} failed to satisfy constraint: {rules}")

    return check_keys


def _values(shape: Shape, known: dict[str, Check]) -> Check | None:
    check = _check(shape.value, known)
    if check is None:
        return None
    rules = f"Map value must satisfy constraint: [{', '.join(_rules(shape.value))}]"

    def check_plain(value: object, path: str, problems: Problems) -> None:
        assert isinstance(value, Mapping)
        if _any_fails(check, list(value.values())):
            problems.append(f"{_at(shape, value, path)} failed to satisfy constraint: {rules}")

    def check_nested(value: object, path: str, problems: Problems) -> None:
        assert isinstance(value, Mapping)
        for name, item in value.items():
            at = f"{path}{name}.member"
            check(item, f"{at}." if isinstance(item, Mapping) else at, problems)

    return check_plain if shape.value.type_name in _PLAIN_KINDS else check_nested


def _any_fails(check: Check, values: Sequence[object]) -> bool:
    found: Problems = []
    for value in values:
        check(value, "", found)
    return bool(found)


def _rules(shape: Shape) -> list[str]:
    """Everything a plain value must satisfy, as AWS lists it."""
    noun = "value" if shape.type_name in _NUMBERS else "length"
    least, most, pattern = _bound(shape, "min"), _bound(shape, "max"), shape.metadata.get("pattern")
    allowed = shape.metadata.get("enum")
    rules: list[str] = []
    if most is not None:
        rules.append(f"Member must have {noun} less than or equal to {_plain(most)}")
    if least is not None:
        rules.append(f"Member must have {noun} greater than or equal to {_plain(least)}")
    if pattern is not None:
        rules.append(f"Member must satisfy regular expression pattern: {pattern}")
    if isinstance(allowed, list):
        rules.append(f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    return rules


def _both(first: Check | None, second: Check | None) -> Check | None:
    if first is None or second is None:
        return first or second

    def check(value: object, path: str, problems: Problems) -> None:
        first(value, path, problems)
        second(value, path, problems)

    return check


def _size(shape: Shape) -> Check | None:
    least, most = _bound(shape, "min"), _bound(shape, "max")
    if least is None and most is None:
        return None

    def check(value: object, path: str, problems: Problems) -> None:
        assert isinstance(value, str | bytes | list | Mapping)
        if least is not None and len(value) < least:
            problems.append(f"{_at(shape, value, path)} {_FAILED} have length greater than or equal to {_plain(least)}")
        if most is not None and len(value) > most:
            problems.append(f"{_at(shape, value, path)} {_FAILED} have length less than or equal to {_plain(most)}")

    return check


def _range(shape: Shape) -> Check | None:
    least, most = _bound(shape, "min"), _bound(shape, "max")
    if least is None and most is None:
        return None

    def check(value: object, path: str, problems: Problems) -> None:
        assert isinstance(value, int | float)
        if least is not None and value < least:
            problems.append(f"{_at(shape, value, path)} {_FAILED} have value greater than or equal to {_plain(least)}")
        if most is not None and value > most:
            problems.append(f"{_at(shape, value, path)} {_FAILED} have value less than or equal to {_plain(most)}")

    return check


def _enum(shape: Shape) -> Check | None:
    allowed = shape.metadata.get("enum")
    if not isinstance(allowed, list) or not allowed:
        return None
    values = frozenset(allowed)

    def check(value: object, path: str, problems: Problems) -> None:
        if value not in values:
            problems.append(f"{_at(shape, value, path)} {_FAILED} satisfy enum value set: [{', '.join(allowed)}]")

    return check


def _pattern(shape: Shape) -> Check | None:
    pattern = shape.metadata.get("pattern")
    if not isinstance(pattern, str):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            compiled = re.compile(pattern.replace("\\\\", "\\"), re.ASCII)  # some of Connect's are escaped twice
    except re.error:
        # Java's \p{…} classes; only patterns of tags use them. Nothing the caller could do about it.
        _log.debug("the pattern of %s cannot be checked by Python's expressions: %s", shape.name, pattern)
        return None

    def check(value: object, path: str, problems: Problems) -> None:
        assert isinstance(value, str)
        if compiled.fullmatch(value) is None:
            problems.append(f"{_at(shape, value, path)} {_FAILED} satisfy regular expression pattern: {pattern}")

    return check


def _bound(shape: Shape, name: str) -> float | None:
    bound = shape.metadata.get(name)
    return bound if isinstance(bound, int | float) else None


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _at(shape: Shape, value: object, path: str) -> str:
    """The value and where it stands. A sensitive value is not repeated."""
    where = path.removesuffix(".")
    if shape.metadata.get("sensitive") or isinstance(value, bytes):
        return f"Value at '{where}'"
    return f"Value '{_told(value)}' at '{where}'"


def _told(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_told(item) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}={_told(item)}" for name, item in value.items()) + "}"
    return str(value)


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]
