"""Reading what a request handler returned: each function gives one member of the type that is asked for.

Used by every data source; all raise FieldFailure in AppSync's words, with the place of the member.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import orjson

from callpark.graphql.failures import FieldFailure

Document = Mapping[str, object]


def invalid(message: str) -> FieldFailure:
    """A request that the data source does not understand."""
    return FieldFailure(message, "MappingTemplate")


def place(*steps: str | int) -> str:
    """`$[key][0]`"""
    return "$" + "".join(f"[{step}]" for step in steps)


def mapping(document: Document, name: str, *outer: str | int) -> Document | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid(f"Expected JSON object for field '{place(*outer, name)}' but got {kind(value)} instead.")
    return cast(Document, value)


def required_mapping(document: Document, name: str, *outer: str | int) -> Document:
    value = mapping(document, name, *outer)
    if value is None:
        raise invalid(f"Value for field '{place(*outer, name)}' not found.")
    return value


def text(document: Document, name: str, *outer: str | int) -> str | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(f"Expected JSON string for field '{place(*outer, name)}' but got {kind(value)} instead.")
    return value


def required_text(document: Document, name: str, *outer: str | int) -> str:
    value = text(document, name, *outer)
    if not value:
        raise invalid(f"Value for field '{place(*outer, name)}' not found.")
    return value


def flag(document: Document, name: str, *outer: str | int) -> bool | None:
    value = document.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise invalid(f"Expected JSON boolean for field '{place(*outer, name)}' but got {kind(value)} instead.")


def whole_number(document: Document, name: str, *outer: str | int) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(f"Expected JSON integer for field '{place(*outer, name)}' but got {kind(value)} instead.")
    return value


def items(document: Document, name: str, *outer: str | int) -> Sequence[object] | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, list):
        raise invalid(f"Expected JSON list for field '{place(*outer, name)}' but got {kind(value)} instead.")
    return value


def mappings(document: Document, name: str, *outer: str | int) -> list[Document]:
    """A list of objects that must be there."""
    found = items(document, name, *outer)
    if found is None:
        raise invalid(f"Value for field '{place(*outer, name)}' not found.")
    for index, item in enumerate(found):
        if not isinstance(item, dict):
            where = place(*outer, name, index)
            raise invalid(f"Expected JSON object for field '{where}' but got {kind(item)} instead.")
    return cast("list[Document]", found)


def string_map(document: Document, name: str, *outer: str | int) -> dict[str, str]:
    """An object of strings; other scalars are written as JSON writes them, nulls are left out."""
    found = mapping(document, name, *outer) or {}
    return {key: scalar_text(value) for key, value in found.items() if value is not None}


def scalar_text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def body_bytes(value: object) -> bytes:
    """A body: text as it is, anything else as JSON."""
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def kind(value: object) -> str:
    """JSON's name of a value's type, as AppSync's messages have it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "BOOLEAN"
        case int() | float():
            return "NUMBER"
        case str():
            return "STRING"
        case list():
            return "ARRAY"
        case _:
            return "OBJECT"
