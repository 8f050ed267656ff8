"""A client's side of HTTP/2, as frames: what tests say and what they hear."""

from collections.abc import Iterable, Mapping, Sequence

from h2.errors import ErrorCodes
from hpack import Decoder, Encoder
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame

from callpark.gateway.http2.connection import Connection, Event, Header

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
POST: Sequence[Header] = (
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/model/m/converse?a=b"),
    (b":authority", b"localhost:4566"),
)


def greeting(settings: Mapping[int, int]) -> bytes:
    return PREFACE + SettingsFrame(settings=dict(settings)).serialize()


HELLO = greeting({SettingsFrame.ENABLE_PUSH: 0})


def headers(stream: int, given: Iterable[Header] = POST, *, ended: bool = True) -> bytes:
    flags = ["END_HEADERS", "END_STREAM"] if ended else ["END_HEADERS"]
    encoder = Encoder()
    encoder.header_table_size = 0  # each block can be read alone
    return HeadersFrame(stream, encoder.encode(list(given)), flags=flags).serialize()


def data(stream: int, payload: bytes, *, ended: bool = True) -> bytes:
    return DataFrame(stream, payload, flags=["END_STREAM"] if ended else []).serialize()


class Reader:
    """Frames from what a server has sent, in any cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._decoder = Decoder()
        self._headers: dict[int, list[Header]] = {}

    def feed(self, received: bytes) -> list[Frame]:
        self._buffer += received
        found: list[Frame] = []
        while len(self._buffer) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(bytes(self._buffer[:9])))
            if len(self._buffer) < 9 + length:
                break
            frame.parse_body(memoryview(bytes(self._buffer[9 : 9 + length])))
            if isinstance(frame, HeadersFrame):  # what a block says depends on those before it
                block = self._decoder.decode(frame.data, raw=True)
                self._headers[frame.stream_id] = [(bytes(name), bytes(value)) for name, value in block]
            found.append(frame)
            del self._buffer[: 9 + length]
        return found

    def headers(self, frame: Frame) -> list[Header]:
        return self._headers[frame.stream_id]


class Talk:
    """A connection that has been greeted, and what it says."""

    def __init__(self, most_header_bytes: int = 16_384) -> None:
        self.connection = Connection(most_header_bytes)
        self.reader = Reader()
        self.say(HELLO)
        self.heard()

    def say(self, *given: bytes) -> list[Event]:
        return [event for part in given for event in self.connection.receive(part)]

    def heard(self) -> list[Frame]:
        found = self.reader.feed(bytes(self.connection.outgoing))
        self.connection.outgoing.clear()
        return found

    def ended_with(self) -> ErrorCodes | None:
        """Why the connection has ended; None while it goes on."""
        away = [frame for frame in self.heard() if isinstance(frame, GoAwayFrame)]
        return ErrorCodes(away[0].error_code) if away and self.connection.closed else None

    def reset_with(self) -> ErrorCodes | None:
        """Why the last stream that was reset was."""
        resets = [frame for frame in self.heard() if isinstance(frame, RstStreamFrame)]
        return ErrorCodes(resets[-1].error_code) if resets else None
