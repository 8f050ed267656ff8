"""Parameters of a call by type. Used by the operations of this folder; the gateway has read the wire already."""

from collections.abc import Mapping, Sequence

from callpark.kernel.operations import Call
from callpark.queues import refusals


def text(parameters: Mapping[str, object], name: str) -> str:
    """A text that has to be there. Raises CallerError."""
    value = parameters.get(name)
    if not isinstance(value, str) or not value:
        raise refusals.missing(name)
    return value


def number(parameters: Mapping[str, object], name: str) -> int | None:
    value = parameters.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def within(parameters: Mapping[str, object], name: str, least: int, most: int, reason: str) -> int | None:
    """A number between bounds, if it is given. Raises CallerError, with AWS's reason."""
    value = number(parameters, name)
    if value is not None and not least <= value <= most:
        raise refusals.invalid_value(value, name, reason)
    return value


def texts(parameters: Mapping[str, object], name: str) -> list[str]:
    value = parameters.get(name)
    return [str(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else []


def text_map(parameters: Mapping[str, object], name: str) -> dict[str, str]:
    value = parameters.get(name)
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, Mapping) else {}


def url(call: Call) -> str:
    """Raises CallerError."""
    return text(call.parameters, "QueueUrl")
