"""Parameters of a call by type. Used by the operations of this folder; the gateway has read the wire already."""

from collections.abc import Mapping


def text(parameters: Mapping[str, object], name: str) -> str:
    """A text, "" when it is not there."""
    value = parameters.get(name)
    return value if isinstance(value, str) else ""


def number(parameters: Mapping[str, object], name: str) -> int | None:
    value = parameters.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def texts(parameters: Mapping[str, object], name: str) -> list[str]:
    value = parameters.get(name)
    return [str(item) for item in value] if isinstance(value, list) else []


def text_map(parameters: Mapping[str, object], name: str) -> dict[str, str]:
    value = parameters.get(name)
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, Mapping) else {}


def members(parameters: Mapping[str, object], name: str) -> Mapping[str, object]:
    """A structure, empty when it is not there."""
    value = parameters.get(name)
    return value if isinstance(value, Mapping) else {}
