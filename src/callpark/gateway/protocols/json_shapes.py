"""JSON values by shape: readers and writers compiled from a model into closures.

Called by the rest-json and json protocols, and with scalars of its own (`CBOR_READERS`, `CBOR_WRITERS`) by CBOR's.
Readers turn decoded JSON into parameters (blobs as bytes, timestamps as epoch seconds) and refuse wrong types; members
that are null are absent; members the model does not know are ignored as AWS ignores them, with a warning. Writers do
the reverse and treat an unknown member as our bug.
"""

import binascii
import logging
import math
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import TypeAlias

import orjson

from callpark.gateway.models import Shape, wire_name
from callpark.gateway.protocols.cbor import Instant
from callpark.gateway.protocols.refusals import unreadable
from callpark.gateway.protocols.timestamps import read_timestamp, write_timestamp
from callpark.kernel.errors import RuntimeBug

_log = logging.getLogger("callpark")

Reader: TypeAlias = Callable[[object], object]
Writer: TypeAlias = Callable[[object], object]

_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def compile_reader(shape: Shape, scalars: "Mapping[str, Reader] | None" = None) -> Reader:
    """Decoded JSON → parameter value. Raises CallerError (SerializationException)."""
    return _reader(shape, {}, scalars or _SCALAR_READERS)


def compile_writer(shape: Shape, scalars: "Mapping[str, Writer] | None" = None) -> Writer:
    """Member value → what a JSON encoder takes. Raises RuntimeBug for what the model does not know."""
    return _writer(shape, {}, scalars or _SCALAR_WRITERS)


def compile_members_writer(members: Mapping[str, Shape], owner: str) -> Callable[[Mapping[str, object]], object]:
    """As `compile_writer`, for a choice of a structure's members."""
    return _structure_writer(members, owner, {}, _SCALAR_WRITERS)


def compile_members_reader(members: Mapping[str, Shape], owner: str) -> Callable[[object], dict[str, object]]:
    """As `compile_reader`, for a choice of a structure's members."""
    return _structure_reader(members, owner, {}, _SCALAR_READERS)


def read_json(body: bytes) -> object:
    """A decoded body. Raises CallerError (SerializationException)."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise unreadable(f"Could not parse request body into json: {error}") from None


def _reader(shape: Shape, known: dict[str, Reader], scalars: Mapping[str, Reader]) -> Reader:
    kind = shape.type_name
    if kind == "structure":
        if shape.metadata.get("document"):
            return _unchanged
        if shape.name in known:
            return known[shape.name]
        inner: list[Reader] = []
        known[shape.name] = lambda value: inner[0](value)
        inner.append(_structure_reader(shape.members, shape.name, known, scalars))
        return inner[0]
    if kind == "list":
        return _list_reader(_reader(shape.member, known, scalars))
    if kind == "map":
        return _map_reader(_reader(shape.value, known, scalars))
    return scalars[kind]


def _structure_reader(
    members: Mapping[str, Shape], owner: str, known: dict[str, Reader], scalars: Mapping[str, Reader]
) -> Callable[[object], dict[str, object]]:
    fields = {wire_name(member, shape): (member, _reader(shape, known, scalars)) for member, shape in members.items()}

    def read(value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            raise unreadable(f"{_told(value)} can not be converted to a structure")
        found: dict[str, object] = {}
        for name, item in value.items():
            if item is None:
                continue
            field = fields.get(name)
            if field is None:
                if name != "__type":
                    _log.warning("%s has no member %s; it is ignored, as AWS ignores it", owner, name)
                continue
            found[field[0]] = field[1](item)
        return found

    return read


def _list_reader(member: Reader) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, list):
            raise unreadable(f"{_told(value)} can not be converted to a List")
        return [member(item) for item in value if item is not None]

    return read


def _map_reader(item_reader: Reader) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, dict):
            raise unreadable(f"{_told(value)} can not be converted to a Map")
        return {name: item_reader(item) for name, item in value.items() if item is not None}

    return read


def _unchanged(value: object) -> object:
    return value


def _read_string(value: object) -> object:
    if isinstance(value, str):
        return value
    raise unreadable(f"{_told(value)} can not be converted to a String")


def _read_integer(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise unreadable(f"{_told(value)} can not be converted to an Integer")


def _read_float(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in _SPECIAL_FLOATS:
        return _SPECIAL_FLOATS[value]
    raise unreadable(f"{_told(value)} can not be converted to a Float")


def _read_boolean(value: object) -> object:
    if isinstance(value, bool):
        return value
    raise unreadable(f"{_told(value)} can not be converted to a Boolean")


def read_blob(value: object) -> bytes:
    """Base64 text → bytes. Raises CallerError (SerializationException)."""
    if isinstance(value, str):
        try:
            return b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise unreadable("Invalid base64 in a blob") from None
    raise unreadable(f"{_told(value)} can not be converted to a Blob")


def _told(value: object) -> str:
    """A JSON value's kind, in the words of AWS's own parser."""
    if isinstance(value, bool):
        return f"{str(value).upper()}_VALUE"
    if isinstance(value, str):
        return "STRING_VALUE"
    if isinstance(value, int | float):
        return "NUMBER_VALUE"
    return "Start of list" if isinstance(value, list) else "Start of structure or map"


_SCALAR_READERS: Mapping[str, Reader] = {
    "string": _read_string,
    "character": _read_string,
    "integer": _read_integer,
    "long": _read_integer,
    "float": _read_float,
    "double": _read_float,
    "boolean": _read_boolean,
    "blob": read_blob,
    "timestamp": read_timestamp,
}


def _writer(shape: Shape, known: dict[str, Writer], scalars: Mapping[str, Writer]) -> Writer:
    kind = shape.type_name
    if kind == "structure":
        if shape.metadata.get("document"):
            return _unchanged
        if shape.name in known:
            return known[shape.name]
        inner: list[Writer] = []
        known[shape.name] = lambda value: inner[0](value)
        write = _structure_writer(shape.members, shape.name, known, scalars)
        inner.append(lambda value: write(_expect_mapping(value, shape)))
        return inner[0]
    if kind == "list":
        member = _writer(shape.member, known, scalars)
        return lambda value: [member(item) for item in _expect_list(value, shape)]
    if kind == "map":
        item_writer = _writer(shape.value, known, scalars)
        return lambda value: {name: item_writer(item) for name, item in _expect_mapping(value, shape).items()}
    if kind == "timestamp" and kind not in scalars:
        form = str(shape.serialization.get("timestampFormat") or "unixTimestamp")
        return lambda value: write_timestamp(_expect_number(value, shape), form)
    return scalars[kind]


def _structure_writer(
    members: Mapping[str, Shape], owner: str, known: dict[str, Writer], scalars: Mapping[str, Writer]
) -> Callable[[Mapping[str, object]], object]:
    fields = {member: (wire_name(member, shape), _writer(shape, known, scalars)) for member, shape in members.items()}

    def write(value: Mapping[str, object]) -> object:
        found: dict[str, object] = {}
        for member, item in value.items():
            field = fields.get(member)
            if field is None:
                raise RuntimeBug(f"{owner} has no member {member}")
            if item is not None:
                found[field[0]] = field[1](item)
        return found

    return write


def _expect_mapping(value: object, shape: Shape) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise RuntimeBug(f"{shape.name} must be a mapping, not {type(value).__name__}")
    return value


def _expect_list(value: object, shape: Shape) -> list[object] | tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise RuntimeBug(f"{shape.name} must be a list, not {type(value).__name__}")
    return value


def _expect_number(value: object, shape: Shape) -> float:
    if not isinstance(value, int | float):
        raise RuntimeBug(f"{shape.name} must be epoch seconds, not {type(value).__name__}")
    return value


def _write_string(value: object) -> object:
    if not isinstance(value, str):
        raise RuntimeBug(f"a string member got {type(value).__name__}")
    return value


def _write_integer(value: object) -> object:
    if not isinstance(value, int):
        raise RuntimeBug(f"an integer member got {type(value).__name__}")
    return value


def _write_float(value: object) -> object:
    if not isinstance(value, int | float):
        raise RuntimeBug(f"a float member got {type(value).__name__}")
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _write_blob(value: object) -> object:
    data = value.encode() if isinstance(value, str) else value
    if not isinstance(data, bytes | bytearray | memoryview):
        raise RuntimeBug(f"a blob member got {type(value).__name__}")
    return b64encode(data).decode("ascii")


_SCALAR_WRITERS: Mapping[str, Writer] = {
    "string": _write_string,
    "character": _write_string,
    "integer": _write_integer,
    "long": _write_integer,
    "float": _write_float,
    "double": _write_float,
    "boolean": bool,
    "blob": _write_blob,
}


def _read_bytes(value: object) -> object:
    if isinstance(value, bytes):
        return value
    raise unreadable(f"{_told(value)} can not be converted to a Blob")


def _write_bytes(value: object) -> object:
    data = value.encode() if isinstance(value, str) else value
    if not isinstance(data, bytes | bytearray | memoryview):
        raise RuntimeBug(f"a blob member got {type(value).__name__}")
    return bytes(data)


def _write_number(value: object) -> object:
    if not isinstance(value, int | float):
        raise RuntimeBug(f"a float member got {type(value).__name__}")
    return float(value)


def _write_instant(value: object) -> object:
    if not isinstance(value, int | float):
        raise RuntimeBug(f"a timestamp must be epoch seconds, not {type(value).__name__}")
    return Instant(value)


CBOR_READERS: Mapping[str, Reader] = {**_SCALAR_READERS, "blob": _read_bytes}
CBOR_WRITERS: Mapping[str, Writer] = {
    **_SCALAR_WRITERS,
    "blob": _write_bytes,
    "float": _write_number,
    "double": _write_number,
    "timestamp": _write_instant,
}
