"""Members of Connect's requests as the types they have: the gateway has checked them against the service model. Used by
the control plane's operations.
"""

from collections.abc import Mapping, Sequence

from callpark.flows.control.publishing import checked_tags
from callpark.kernel.operations import Call


def text(call: Call, name: str) -> str:
    """A text, "" when it is not there."""
    return optional(call, name) or ""


def optional(call: Call, name: str) -> str | None:
    value = call.parameters.get(name)
    return value if isinstance(value, str) else None


def number(call: Call, name: str) -> int | None:
    value = call.parameters.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def instant(call: Call, name: str) -> float | None:
    """Epoch seconds."""
    value = call.parameters.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def texts(call: Call, name: str) -> list[str]:
    return [item for item in items(call.parameters.get(name)) if isinstance(item, str)]


def structure(value: object) -> Mapping[str, object]:
    """A structure's members, none when it is not there."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[object]:
    """A list's items, none when it is not there."""
    return value if isinstance(value, list) else ()


def text_map(value: object) -> dict[str, str]:
    return {str(key): item for key, item in structure(value).items() if isinstance(item, str)}


def tags(call: Call, name: str = "Tags") -> Mapping[str, str]:
    """Raises CallerError for a reserved key."""
    return checked_tags(text_map(call.parameters.get(name)))
