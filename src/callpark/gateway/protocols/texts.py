"""Scalars as text: in paths, query strings, headers, forms and XML. Used by the rest-json and query protocols."""

from collections.abc import Callable, Mapping

from callpark.gateway.models import Shape
from callpark.gateway.protocols.json_shapes import compile_writer, read_blob
from callpark.gateway.protocols.refusals import unreadable
from callpark.gateway.protocols.timestamps import read_timestamp, write_timestamp


def read_text(text: str) -> object:
    return text


def _read_boolean(text: str) -> object:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise unreadable("STRING_VALUE can not be converted to a Boolean")


def _read_integer(text: str) -> object:
    # int() alone would take "1_000" and raise on thousands of digits.
    if len(text) <= 20 and text.removeprefix("-").isascii() and text.removeprefix("-").isdigit():
        return int(text)
    raise unreadable("STRING_VALUE can not be converted to an Integer")


def _read_float(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        raise unreadable("STRING_VALUE can not be converted to a Float") from None


READERS: Mapping[str, Callable[[str], object]] = {
    "string": read_text,
    "character": read_text,
    "integer": _read_integer,
    "long": _read_integer,
    "float": _read_float,
    "double": _read_float,
    "boolean": _read_boolean,
    "blob": read_blob,
    "timestamp": read_timestamp,
}
"""Text → value, by the type of the shape. All raise CallerError (SerializationException)."""


def write_text(value: object, shape: Shape, timestamps: str) -> str:
    """A value as text; `timestamps` is the protocol's own spelling of instants. Raises RuntimeBug."""
    kind = shape.type_name
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp" and isinstance(value, int | float):
        return str(write_timestamp(value, str(shape.serialization.get("timestampFormat") or timestamps)))
    if kind == "blob":
        return str(compile_writer(shape)(value))
    return str(value)
