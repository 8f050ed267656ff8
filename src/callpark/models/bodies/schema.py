"""What a native body must look like, and how Bedrock words what is wrong with one.

Used by the families of this room. Bedrock checks bodies against JSON schemas before a model sees them; the sentences
are those of its validator, as its users report them: `Malformed input request: #/temperature: expected type: Number,
found: String, please reformat your input and try again.`
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import orjson

from callpark.kernel.errors import CallerError
from callpark.models import refusals
from callpark.models.documents import Document

Violations: TypeAlias = Iterator[str]
Schema: TypeAlias = Callable[[object, str], Violations]
"""(value, where it stands, e.g. `#/messages/0`) → what is wrong with it."""

_NAMED = 20


def read(body: bytes, schema: Schema) -> Document:
    """The body, checked. Raises CallerError (ValidationException)."""
    return checked(parsed(body), schema)


def parsed(body: bytes) -> Document:
    """The JSON object that a body is. Raises CallerError."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise refusals.validation("Malformed input request, please reformat your input and try again.")
    return found


def checked(body: Document, schema: Schema) -> Document:
    found = list(schema(body, "#"))
    if found:
        raise malformed(", ".join(found[:_NAMED]))
    return body


def malformed(text: str) -> CallerError:
    return refusals.validation(f"Malformed input request: {text}, please reformat your input and try again.")


def anything(value: object, at: str) -> Violations:
    return iter(())


def text(at_least: int = 0) -> Schema:
    def check(value: object, at: str) -> Violations:
        if not isinstance(value, str):
            yield _mistyped("String", value, at)
        elif len(value) < at_least:
            yield f"{at}: expected minLength: {at_least}, actual: {len(value)}"

    return check


def one_of(*allowed: str) -> Schema:
    def check(value: object, at: str) -> Violations:
        if not isinstance(value, str):
            yield _mistyped("String", value, at)
        elif value not in allowed:
            yield f"{at}: {value[:64]} is not a valid enum value"

    return check


def number(least: float | None = None, most: float | None = None) -> Schema:
    return _numeric("Number", least, most)


def integer(least: float | None = None, most: float | None = None) -> Schema:
    return _numeric("Integer", least, most)


def boolean(value: object, at: str) -> Violations:
    if not isinstance(value, bool):
        yield _mistyped("Boolean", value, at)


def record(value: object, at: str) -> Violations:
    """Any object."""
    if not isinstance(value, dict):
        yield _mistyped("JSONObject", value, at)


def items(of: Schema, least: int = 0, most: int | None = None) -> Schema:
    def check(value: object, at: str) -> Violations:
        if not isinstance(value, list):
            yield _mistyped("JSONArray", value, at)
            return
        if len(value) < least:
            yield f"{at}: expected minimum item count: {least}, found: {len(value)}"
        if most is not None and len(value) > most:
            yield f"{at}: expected maximum item count: {most}, found: {len(value)}"
        for number_, item in enumerate(value):
            yield from of(item, f"{at}/{number_}")

    return check


def members(known: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    """An object with these members and no others. A null counts as absent."""

    def check(value: object, at: str) -> Violations:
        if not isinstance(value, dict):
            yield _mistyped("JSONObject", value, at)
            return
        for name in required:
            if value.get(name) is None:
                yield f"{at}: required key [{name}] not found"
        for name, item in value.items():
            if name not in known:
                yield f"{at}: extraneous key [{name[:64]}] is not permitted"
            elif item is not None:
                yield from known[name](item, f"{at}/{name}")

    return check


def either(first: type, one: Schema, other: Schema) -> Schema:
    """`one` for values of the type `first`, `other` for the rest."""
    return lambda value, at: one(value, at) if isinstance(value, first) else other(value, at)


def _numeric(kind: str, least: float | None, most: float | None) -> Schema:
    def check(value: object, at: str) -> Violations:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or (kind == "Integer" and not float(value).is_integer())
        ):
            yield _mistyped(kind, value, at)
        elif least is not None and value < least:
            yield f"{at}: {value} is not greater or equal to {least}"
        elif most is not None and value > most:
            yield f"{at}: {value} is not less or equal to {most}"

    return check


def _mistyped(expected: str, value: object, at: str) -> str:
    return f"{at}: expected type: {expected}, found: {_KINDS.get(type(value), 'String')}"


_KINDS: Mapping[type, str] = {
    bool: "Boolean",
    int: "Integer",
    float: "BigDecimal",
    list: "JSONArray",
    dict: "JSONObject",
    type(None): "Null",
}
