"""HPACK: header lists in blocks. Pure.

Blocks are read in full (tables of both kinds, Huffman codes) and written plainly: names from the static table, values
as they are, nothing remembered; our answers have few headers. https://www.rfc-editor.org/rfc/rfc7541
"""

from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from callpark.gateway.http2.huffman import HuffmanError, decode

Header: TypeAlias = tuple[bytes, bytes]

#: The static table's names without values, from the seventeenth on.
_PLAIN = """
    accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control
    content-disposition content-encoding content-language content-length content-location content-range content-type
    cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since
    last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after
    server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate
"""
_STATIC: tuple[Header, ...] = (
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    *((b":status", status) for status in (b"200", b"204", b"206", b"304", b"400", b"404", b"500")),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    *((name.encode(), b"") for name in _PLAIN.split()),
)
_WHOLE = {header: index for index, header in reversed(list(enumerate(_STATIC, 1)))}
_NAMES = {name: index for index, (name, _) in reversed(list(enumerate(_STATIC, 1)))}

_ENTRY = 32
TABLE_BYTES = 4_096
"""Of the reader's dynamic table, which is what HTTP/2 begins with."""


class HpackError(ValueError):
    """A block that cannot be read; nothing after it can be either."""


class TooLarge(HpackError):
    """A list of more bytes than the reader takes."""


class Decoder:
    """Reads the blocks of one connection, in their order. `most`: bytes of one list as RFC 9113 counts them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._table: deque[Header] = deque()
        self._size = 0
        self._limit = TABLE_BYTES

    def decode(self, block: bytes) -> list[Header]:
        """Raises HpackError."""
        headers: list[Header] = []
        size = at = 0
        while at < len(block):
            first = block[at]
            if first & 0x80:
                index, at = _integer(block, at, 7)
                header = self._entry(index)
            elif first & 0xE0 == 0x20:
                if headers:
                    raise HpackError("a table changes its size within a list")
                limit, at = _integer(block, at, 5)
                self._resize(limit)
                continue
            else:
                header, at = self._literal(block, at, remember=bool(first & 0x40))
            size += len(header[0]) + len(header[1]) + _ENTRY
            if size > self._most:
                raise TooLarge(f"a list of more than {self._most} bytes")
            headers.append(header)
        return headers

    def _literal(self, block: bytes, at: int, *, remember: bool) -> tuple[Header, int]:
        index, at = _integer(block, at, 6 if remember else 4)
        if index:
            name = self._entry(index)[0]
        else:
            name, at = _string(block, at)
        value, at = _string(block, at)
        if remember:
            self._remember((name, value))
        return (name, value), at

    def _entry(self, index: int) -> Header:
        if not 1 <= index <= len(_STATIC) + len(self._table):
            raise HpackError(f"no header has the index {index}")
        return _STATIC[index - 1] if index <= len(_STATIC) else self._table[index - len(_STATIC) - 1]

    def _remember(self, header: Header) -> None:
        self._table.appendleft(header)
        self._size += len(header[0]) + len(header[1]) + _ENTRY
        self._evict()

    def _resize(self, limit: int) -> None:
        if limit > TABLE_BYTES:
            raise HpackError(f"a table of {limit} bytes")
        self._limit = limit
        self._evict()

    def _evict(self) -> None:
        while self._size > self._limit:
            name, value = self._table.pop()
            self._size -= len(name) + len(value) + _ENTRY


def encode(headers: Iterable[Header]) -> bytes:
    """A block that leaves the peer's table as it is."""
    block = bytearray()
    for name, value in headers:
        if index := _WHOLE.get((name, value)):
            block += _integer_bytes(index, 7, 0x80)
            continue
        block += _integer_bytes(_NAMES.get(name, 0), 4, 0)
        if name not in _NAMES:
            block += _integer_bytes(len(name), 7, 0) + name
        block += _integer_bytes(len(value), 7, 0) + value
    return bytes(block)


def _integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    """(value, where it ends)."""
    most = (1 << bits) - 1
    value = block[at] & most
    at += 1
    if value < most:
        return value, at
    for shift in (0, 7, 14, 21):
        if at >= len(block):
            raise HpackError("a block that ends within a number")
        byte = block[at]
        at += 1
        value += (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    raise HpackError("a number without an end")


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    if at >= len(block):
        raise HpackError("a block that ends before a string")
    coded = bool(block[at] & 0x80)
    length, at = _integer(block, at, 7)
    end = at + length
    if end > len(block):
        raise HpackError("a block that ends within a string")
    try:
        return decode(block[at:end]) if coded else block[at:end], end
    except HuffmanError as error:
        raise HpackError(str(error)) from None


def _integer_bytes(value: int, bits: int, marks: int) -> bytes:
    most = (1 << bits) - 1
    if value < most:
        return bytes((marks | value,))
    found = bytearray((marks | most,))
    value -= most
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
