"""The event-stream frame: how AWS sends events inside one HTTP answer.

    u32 total | u32 headers | u32 CRC32 of these 8 bytes | headers | payload | u32 CRC32 of all before

Big-endian throughout. A header is: u8 name length, name, u8 type, value. Encoder for answers, decoder for tests and
clients. https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
"""

import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from zlib import crc32

HeaderValue: TypeAlias = str | bytes | bool | int | uuid.UUID

_PRELUDE = struct.Struct("!III")
_U32 = struct.Struct("!I")
_U16 = struct.Struct("!H")
_INTEGERS = {2: struct.Struct("!b"), 3: struct.Struct("!h"), 4: struct.Struct("!i"), 5: struct.Struct("!q")}
_OVERHEAD = 16
#: The limits that AWS's own clients apply.
MAXIMUM_HEADER_BYTES = 131_072
MAXIMUM_FRAME_BYTES = 25_165_824


class FrameError(ValueError):
    """Bytes that are no frame: wrong checksum, impossible length, unknown header type."""


@dataclass(frozen=True, slots=True)
class Frame:
    headers: Mapping[str, HeaderValue]
    payload: bytes


def encode(headers: Mapping[str, HeaderValue], payload: bytes = b"") -> bytes:
    """One frame. Strings, bytes, booleans, 64-bit integers and UUIDs as headers."""
    head = b"".join(_encode_header(name, value) for name, value in headers.items())
    total = _OVERHEAD + len(head) + len(payload)
    lengths = struct.pack("!II", total, len(head))
    front = b"".join((lengths, _U32.pack(crc32(lengths)), head, payload))
    return front + _U32.pack(crc32(front))


class Decoder:
    """Frames from bytes that arrive in any cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes. Raises FrameError; the decoder is of no use after that."""
        self._buffer += data
        frames: list[Frame] = []
        while len(self._buffer) >= _PRELUDE.size:
            total, header_length, checksum = _PRELUDE.unpack_from(self._buffer)
            if crc32(self._buffer[:8]) != checksum:
                raise FrameError("the checksum of the lengths is wrong")
            if header_length > MAXIMUM_HEADER_BYTES or total > MAXIMUM_FRAME_BYTES or total < header_length + _OVERHEAD:
                raise FrameError(f"impossible lengths: {total} bytes with {header_length} of headers")
            if len(self._buffer) < total:
                break
            frames.append(_decode_frame(bytes(self._buffer[:total]), header_length))
            del self._buffer[:total]
        return frames


def _encode_header(name: str, value: HeaderValue) -> bytes:
    label = name.encode()
    return bytes((len(label),)) + label + _encode_value(value)


def _encode_value(value: HeaderValue) -> bytes:
    if isinstance(value, bool):
        return b"\x00" if value else b"\x01"
    if isinstance(value, int):
        return b"\x05" + _INTEGERS[5].pack(value)
    if isinstance(value, uuid.UUID):
        return b"\x09" + value.bytes
    kind, data = (b"\x07", value.encode()) if isinstance(value, str) else (b"\x06", value)
    return kind + _U16.pack(len(data)) + data


def _decode_frame(data: bytes, header_length: int) -> Frame:
    if crc32(data[:-4]) != _U32.unpack_from(data, len(data) - 4)[0]:
        raise FrameError("the checksum of the frame is wrong")
    payload_at = _PRELUDE.size + header_length
    try:
        headers = _decode_headers(data[_PRELUDE.size : payload_at])
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise FrameError(f"headers cannot be read: {error}") from error
    return Frame(headers, data[payload_at:-4])


def _decode_headers(data: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        name, kind, at = data[at + 1 : end].decode(), data[end], end + 1
        if kind in (0, 1):
            headers[name] = kind == 0
        elif kind in _INTEGERS or kind == 8:
            number = _INTEGERS[5 if kind == 8 else kind]
            headers[name] = int(number.unpack_from(data, at)[0])
            at += number.size
        elif kind in (6, 7):
            start = at + 2
            at = start + int(_U16.unpack_from(data, at)[0])
            if at > len(data):
                raise FrameError("a header value runs past the headers")
            headers[name] = data[start:at].decode() if kind == 7 else data[start:at]
        elif kind == 9:
            if at + 16 > len(data):
                raise FrameError("a header value runs past the headers")
            headers[name] = uuid.UUID(bytes=data[at : at + 16])
            at += 16
        else:
            raise FrameError(f"unknown header type {kind}")
    return headers
