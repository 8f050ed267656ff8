"""CBOR (RFC 8949) as far as Smithy's protocol uses it: bytes to values and back. Pure.

Called by `rpc_v2_cbor.py`. Reading takes everything well formed, indefinite lengths and half floats included; tags are
passed over, so an instant (tag 1) reads as its number. Writing is definite and in double precision.
"""

import math
import struct
from dataclasses import dataclass

_MAXIMUM_DEPTH = 100
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_SIMPLE: dict[int, object] = {20: False, 21: True, 22: None, 23: None}
_INDEFINITE = -1


class Malformed(Exception):
    """The bytes are not one CBOR value."""


@dataclass(frozen=True, slots=True)
class Instant:
    """Epoch seconds, written with tag 1."""

    seconds: float


class _Break:
    """The end of an item of indefinite length."""


_BREAK = _Break()


def loads(data: bytes) -> object:
    """The one value that `data` is. Raises Malformed."""
    reader = _Reader(data)
    value = reader.value(0)
    if value is _BREAK or reader.place != len(data):
        raise Malformed("something follows the value")
    return value


def dumps(value: object) -> bytes:
    """Raises TypeError for what CBOR has no kind for."""
    out = bytearray()
    _write(out, value)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def value(self, depth: int) -> object:
        if depth > _MAXIMUM_DEPTH:
            raise Malformed("nested too deeply")
        initial = self._take(1)[0]
        kind, information = initial >> 5, initial & 31
        if kind == 7:
            return self._simple(information)
        count = self._count(information, kind)
        if kind == 0:
            return count
        if kind == 1:
            return -1 - count
        if kind in (2, 3):
            data = self._take(count) if count >= 0 else self._pieces(kind)
            return data if kind == 2 else _text(data)
        if kind == 4:
            return self._list(count, depth)
        if kind == 5:
            return self._map(count, depth)
        return self.value(depth + 1)

    def _simple(self, information: int) -> object:
        if information in _SIMPLE:
            return _SIMPLE[information]
        if information in _FLOATS:
            form, size = _FLOATS[information]
            return float(struct.unpack(form, self._take(size))[0])
        if information == 31:
            return _BREAK
        raise Malformed("an unknown simple value")

    def _count(self, information: int, kind: int) -> int:
        if information < 24:
            return information
        if information <= 27:
            return int.from_bytes(self._take(1 << (information - 24)), "big")
        if information == 31 and kind in (2, 3, 4, 5):
            return _INDEFINITE
        raise Malformed("a length that is none")

    def _pieces(self, kind: int) -> bytes:
        found = bytearray()
        while (initial := self._take(1)[0]) != 0xFF:
            count = self._count(initial & 31, initial >> 5)
            if initial >> 5 != kind or count < 0:
                raise Malformed("a piece of another kind")
            found += self._take(count)
        return bytes(found)

    def _list(self, count: int, depth: int) -> list[object]:
        found: list[object] = []
        while count < 0 or len(found) < count:
            item = self.value(depth + 1)
            if item is _BREAK:
                if count < 0:
                    break
                raise Malformed("a break where none can be")
            found.append(item)
        return found

    def _map(self, count: int, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        entries = 0
        while count < 0 or entries < count:
            key = self.value(depth + 1)
            if key is _BREAK and count < 0:
                break
            item = self.value(depth + 1)
            if not isinstance(key, str) or item is _BREAK:
                raise Malformed("an entry without a text for its key")
            found[key] = item
            entries += 1
        return found

    def _take(self, count: int) -> bytes:
        end = self.place + count
        if end > len(self._data):
            raise Malformed("it ends too early")
        taken = self._data[self.place : end]
        self.place = end
        return taken


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Malformed("a text that is not UTF-8") from None


def _write(out: bytearray, value: object) -> None:
    if value is None or isinstance(value, bool):
        out.append({None: 0xF6, False: 0xF4, True: 0xF5}[value])
    elif isinstance(value, int):
        _head(out, 0 if value >= 0 else 1, value if value >= 0 else -1 - value)
    elif isinstance(value, float):
        out.append(0xFB)
        out += struct.pack(">d", value)
    elif isinstance(value, str):
        data = value.encode(errors="replace")
        _head(out, 3, len(data))
        out += data
    elif isinstance(value, bytes | bytearray):
        _head(out, 2, len(value))
        out += value
    elif isinstance(value, list | tuple):
        _head(out, 4, len(value))
        for item in value:
            _write(out, item)
    elif isinstance(value, dict):
        _head(out, 5, len(value))
        for key, item in value.items():
            _write(out, key)
            _write(out, item)
    elif isinstance(value, Instant):
        out.append(0xC1)
        whole = math.isfinite(value.seconds) and value.seconds == int(value.seconds)
        _write(out, int(value.seconds) if whole else float(value.seconds))
    else:
        raise TypeError(f"CBOR has no kind for {type(value).__name__}")


def _head(out: bytearray, kind: int, count: int) -> None:
    if count < 24:
        out.append(kind << 5 | count)
        return
    for information, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if count < 1 << 8 * size:
            out.append(kind << 5 | information)
            out += count.to_bytes(size, "big")
            return
    raise TypeError(f"too large a number: {count}")
