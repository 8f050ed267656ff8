"""Attribute values: AppSync's typed JSON ↔ what DynamoDB's clients take, and the plain JSON that resolvers see. Pure.

https://docs.aws.amazon.com/appsync/latest/devguide/js-resolver-reference-dynamodb.html, "Type system"
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

from callpark.graphql.datasources.requests import invalid, kind

Attribute: TypeAlias = Mapping[str, object]
Item: TypeAlias = Mapping[str, Attribute]
"""Attribute values by name, as boto3's client takes and gives them."""


def item_of(typed: Mapping[str, object], where: str) -> dict[str, Attribute]:
    """Typed values by name; `where` names them in messages (`$[key]`). Raises FieldFailure."""
    return {name: attribute(value, f"{where}[{name}]") for name, value in typed.items()}


def attribute(value: object, where: str) -> Attribute:
    """One typed value (`{"S": "x"}`) for the wire. Numbers may be JSON numbers. Raises FieldFailure."""
    if not isinstance(value, dict):
        raise invalid(f"Expected JSON object for attribute value '{where}' but got {kind(value)} instead.")
    members = {name: member for name, member in value.items() if member is not None or name == "NULL"}
    if len(members) != 1:
        raise invalid(f"Attribute value '{where}' must have exactly one type, it has {len(members)}.")
    ((name, member),) = members.items()
    read = _READERS.get(name)
    if read is None:
        raise invalid(f"Unsupported element '{where}[{name}]'.")
    return {name: read(member, f"{where}[{name}]")}


def _text(value: object, where: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value, where)
    raise invalid(f"Expected JSON string for '{where}' but got {kind(value)} instead.")


def _number(value: object, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise invalid(f"Expected JSON number for '{where}' but got {kind(value)} instead.")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)


def _binary(value: object, where: str) -> bytes:
    try:
        return base64.b64decode(_text(value, where), validate=True)
    except binascii.Error:
        raise invalid(f"The value of '{where}' is not base64.") from None


def _flag(value: object, where: str) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise invalid(f"Expected JSON boolean for '{where}' but got {kind(value)} instead.")


def _list(value: object, where: str) -> list[Attribute]:
    return [attribute(item, f"{where}[{index}]") for index, item in enumerate(_items(value, where))]


def _map(value: object, where: str) -> dict[str, Attribute]:
    if not isinstance(value, dict):
        raise invalid(f"Expected JSON object for '{where}' but got {kind(value)} instead.")
    return item_of(value, where)


def _items(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise invalid(f"Expected JSON list for '{where}' but got {kind(value)} instead.")
    return value


def _set(read: Callable[[object, str], object]) -> Callable[[object, str], object]:
    return lambda value, where: [read(item, f"{where}[{index}]") for index, item in enumerate(_items(value, where))]


_READERS: Mapping[str, Callable[[object, str], object]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _flag,
    "NULL": lambda value, where: True,
    "L": _list,
    "M": _map,
    "SS": _set(_text),
    "NS": _set(_number),
    "BS": _set(_binary),
}


def plain_item(item: Item) -> dict[str, object]:
    return {name: plain(value) for name, value in item.items()}


def plain(value: Attribute) -> object:
    """Plain JSON: sets are lists, numbers numbers, binary values base64 text."""
    ((name, member),) = value.items()
    match name:
        case "S" | "BOOL":
            return member
        case "N":
            return number(cast(str, member))
        case "NULL":
            return None
        case "B":
            return base64.b64encode(cast(bytes, member)).decode()
        case "L":
            return [plain(each) for each in cast("list[Attribute]", member)]
        case "M":
            return plain_item(cast(Item, member))
        case "SS":
            return list(cast("list[str]", member))
        case "NS":
            return [number(each) for each in cast("list[str]", member)]
        case _:
            return [base64.b64encode(each).decode() for each in cast("list[bytes]", member)]


def number(text: str) -> int | float:
    """A whole number beyond 64 bits becomes a float: JSON's readers would make it one."""
    try:
        whole = int(text)
    except ValueError:
        return float(text)
    return whole if -(2**63) <= whole < 2**64 else float(whole)
