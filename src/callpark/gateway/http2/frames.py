"""HTTP/2's frames: nine bytes that say what follows. Pure. https://www.rfc-editor.org/rfc/rfc9113#section-4"""

import struct
from enum import IntEnum

import msgspec

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_BYTES = 9
#: The longest payload that either side may send unless the other has allowed more; we never do.
FRAME_BYTES = 16_384
WINDOW_BYTES = 65_535
MOST_WINDOW = 2**31 - 1


class Kind(IntEnum):
    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Code(IntEnum):
    """Why a stream or a connection ends."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class Setting(IntEnum):
    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY = 0x20

_HEAD = struct.Struct("!BHBBI")
_U32 = struct.Struct("!I")
_SETTING = struct.Struct("!HI")


class Frame(msgspec.Struct, frozen=True):
    """`kind` as a number: there may be others than ours."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    def has(self, flag: int) -> bool:
        return bool(self.flags & flag)


def length_of(head: bytes | bytearray) -> int:
    """The payload's, from a frame's first three bytes."""
    return head[0] << 16 | head[1] << 8 | head[2]


def read(data: bytes) -> Frame:
    """A whole frame."""
    _, _, kind, flags, stream = _HEAD.unpack_from(data)
    return Frame(kind, flags, stream & MOST_WINDOW, data[HEAD_BYTES:])


def write(kind: Kind, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return _HEAD.pack(len(payload) >> 16, len(payload) & 0xFFFF, kind, flags, stream) + payload


def settings(values: dict[Setting, int]) -> bytes:
    return write(Kind.SETTINGS, 0, 0, b"".join(_SETTING.pack(name, value) for name, value in values.items()))


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    return list(_SETTING.iter_unpack(payload))


def number(payload: bytes) -> int:
    """The number that a payload begins with."""
    return int(_U32.unpack_from(payload)[0])


def window_update(stream: int, increment: int) -> bytes:
    return write(Kind.WINDOW_UPDATE, 0, stream, _U32.pack(increment))


def reset(stream: int, code: Code) -> bytes:
    return write(Kind.RST_STREAM, 0, stream, _U32.pack(code))


def go_away(last_stream: int, code: Code) -> bytes:
    return write(Kind.GOAWAY, 0, 0, _U32.pack(last_stream) + _U32.pack(code))
