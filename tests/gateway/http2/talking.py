"""A client's side of HTTP/2, as little of it as tests need."""

from collections.abc import Iterable, Sequence

from callpark.gateway.http2 import frames
from callpark.gateway.http2.connection import Connection, Event
from callpark.gateway.http2.frames import Code, Frame, Kind, Setting
from callpark.gateway.http2.hpack import Decoder, Header, encode

POST: Sequence[Header] = (
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/model/m/converse?a=b"),
    (b":authority", b"localhost:4566"),
)
HELLO = frames.PREFACE + frames.settings({Setting.ENABLE_PUSH: 0})


def headers(stream: int, given: Iterable[Header] = POST, flags: int = frames.END_HEADERS | frames.END_STREAM) -> bytes:
    return frames.write(Kind.HEADERS, flags, stream, encode(given))


def data(stream: int, payload: bytes, *, ended: bool = True) -> bytes:
    return frames.write(Kind.DATA, frames.END_STREAM if ended else 0, stream, payload)


class Reader:
    """Frames from what a server has sent, in any cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.decoder = Decoder(10**6)

    def feed(self, received: bytes) -> list[Frame]:
        self._buffer += received
        found: list[Frame] = []
        while len(self._buffer) >= frames.HEAD_BYTES:
            end = frames.HEAD_BYTES + frames.length_of(self._buffer)
            if len(self._buffer) < end:
                break
            found.append(frames.read(bytes(self._buffer[:end])))
            del self._buffer[:end]
        return found


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

    def ended_with(self) -> Code | None:
        """Why the connection has ended; None while it goes on."""
        away = [frame for frame in self.heard() if frame.kind == Kind.GOAWAY]
        return Code(frames.number(away[0].payload[4:])) if away and self.connection.closed else None

    def reset_with(self) -> Code | None:
        """Why the last stream that was reset was."""
        resets = [frame for frame in self.heard() if frame.kind == Kind.RST_STREAM]
        return Code(frames.number(resets[-1].payload)) if resets else None
