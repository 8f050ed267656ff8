"""A server's side of an HTTP/2 connection, without a socket: bytes in, events and bytes out.

Driven by `protocol.py`. What breaks the protocol ends the stream or the connection as RFC 9113 says; what only wears a
server out (endless headers, streams that are opened and reset) ends the connection too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from callpark.gateway.http2 import frames
from callpark.gateway.http2.frames import Code, Frame, Kind, Setting
from callpark.gateway.http2.hpack import Decoder, Header, HpackError, TooLarge, encode
from callpark.gateway.http2.requests import CONNECTION_HEADERS, well_formed


@dataclass(frozen=True, slots=True)
class Opened:
    """A request. `pseudo` are `:method`, `:scheme`, `:path` and perhaps `:authority`; `ended`: it has no body."""

    stream: int
    pseudo: Mapping[bytes, bytes]
    headers: Sequence[Header]
    ended: bool


@dataclass(frozen=True, slots=True)
class Received:
    """Of a request's body. What has been taken of it is to be told to `taken`."""

    stream: int
    data: bytes
    ended: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The client does not want the answer any more, or cannot have it."""

    stream: int


Event: TypeAlias = Opened | Received | Ended

#: Ours: what a client may send before we have taken it, for a stream and for all of them.
STREAM_WINDOW = 1_048_576
CONNECTION_WINDOW = 4_194_304
MOST_STREAMS = 128
#: More streams than this that a client opens and resets are an attack (CVE-2023-44487).
_MOST_RESETS = 1_000


class _Broken(Exception):
    """The connection cannot go on."""

    def __init__(self, code: Code, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(slots=True)
class _Stream:
    send_window: int
    receive_window: int = STREAM_WINDOW
    announced: int | None = None
    received: int = 0
    client_ended: bool = False


@dataclass(slots=True)
class _Block:
    """Headers that have not ended."""

    stream: int
    ends_stream: bool
    data: bytearray = field(default_factory=bytearray)


class Connection:
    """`most_header_bytes` of one request. `outgoing` is what has to be sent; whoever sends it empties it."""

    def __init__(self, most_header_bytes: int) -> None:
        self.outgoing = bytearray()
        self.closed = False
        self.why = ""
        self._buffer = bytearray()
        self._greeted = False
        self._settled = False
        self._most_header_bytes = most_header_bytes
        self._decoder = Decoder(most_header_bytes)
        self._streams: dict[int, _Stream] = {}
        self._block: _Block | None = None
        self._last_stream = 0
        self._resets = 0
        self._leaving = False
        self._send_window = frames.WINDOW_BYTES
        self._receive_window = CONNECTION_WINDOW
        self._peer_window = frames.WINDOW_BYTES
        self._peer_frame = frames.FRAME_BYTES
        self._kinds: Mapping[int, Callable[[Frame], Sequence[Event]]] = {
            Kind.DATA: self._data,
            Kind.HEADERS: self._headers,
            Kind.PRIORITY: self._priority,
            Kind.RST_STREAM: self._reset,
            Kind.SETTINGS: self._settings,
            Kind.PUSH_PROMISE: self._push_promise,
            Kind.PING: self._ping,
            Kind.GOAWAY: self._go_away,
            Kind.WINDOW_UPDATE: self._window_update,
            Kind.CONTINUATION: self._continuation,
        }
        ours = {
            Setting.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
            Setting.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            Setting.MAX_HEADER_LIST_SIZE: most_header_bytes,
        }
        self.outgoing += frames.settings(ours)
        self.outgoing += frames.window_update(0, CONNECTION_WINDOW - frames.WINDOW_BYTES)

    @property
    def streams(self) -> int:
        """How many requests are not yet answered in full."""
        return len(self._streams)

    @property
    def leaving(self) -> bool:
        """No further requests are taken."""
        return self._leaving

    def receive(self, data: bytes) -> list[Event]:
        """What the client says with these bytes, in any cut. After `closed` nothing is understood any more."""
        events: list[Event] = []
        if self.closed:
            return events
        self._buffer += data
        try:
            if self._greeting():
                while (frame := self._next()) is not None:
                    events += self._understand(frame)
        except _Broken as broken:
            self.why = str(broken)
            self.leave(broken.code)
            self.closed = True
            events += [Ended(stream) for stream in self._streams]
            self._streams.clear()
        return events

    def respond(self, stream: int, headers: Iterable[Header]) -> None:
        """Begins the answer, whose end is its body's; `:status` comes first."""
        if stream not in self._streams:
            return
        block = encode((name, value) for name, value in headers if name not in CONNECTION_HEADERS)
        first, rest = block[: self._peer_frame], block[self._peer_frame :]
        self.outgoing += frames.write(Kind.HEADERS, 0 if rest else frames.END_HEADERS, stream, first)
        while rest:
            first, rest = rest[: self._peer_frame], rest[self._peer_frame :]
            self.outgoing += frames.write(Kind.CONTINUATION, 0 if rest else frames.END_HEADERS, stream, first)

    def send(self, stream: int, data: bytes, *, ended: bool) -> int:
        """As much of the answer's body as the client takes now; returns how much that was. `ended` counts when it was
        all."""
        state = self._streams.get(stream)
        if state is None:
            return len(data)
        sent = max(0, min(len(data), self._send_window, state.send_window))
        self._send_window -= sent
        state.send_window -= sent
        last = ended and sent == len(data)
        for at in range(0, sent, self._peer_frame):
            piece = data[at : min(at + self._peer_frame, sent)]
            flags = frames.END_STREAM if last and at + len(piece) == sent else 0
            self.outgoing += frames.write(Kind.DATA, flags, stream, piece)
        if last:
            if not sent:
                self.outgoing += frames.write(Kind.DATA, frames.END_STREAM, stream)
            self._finished(stream)
        return sent

    def taken(self, stream: int, size: int) -> None:
        """So much of a request's body needs no room here any more."""
        self._receive_window += size
        grant = frames.window_update(0, size)
        state = self._streams.get(stream)
        if state is not None and not state.client_ended:
            state.receive_window += size
            grant += frames.window_update(stream, size)
        if size:
            self.outgoing += grant

    def give_up(self, stream: int, code: Code) -> None:
        """Ends a stream whose answer cannot be completed."""
        if self._streams.pop(stream, None) is not None:
            self.outgoing += frames.reset(stream, code)

    def leave(self, code: Code = Code.NO_ERROR) -> None:
        """No further requests; those that are there are answered."""
        if not self._leaving:
            self._leaving = True
            self.outgoing += frames.go_away(self._last_stream, code)

    def _greeting(self) -> bool:
        if not self._greeted:
            if not frames.PREFACE.startswith(self._buffer[: len(frames.PREFACE)]):
                raise _Broken(Code.PROTOCOL_ERROR, "no HTTP/2 preface")
            if len(self._buffer) < len(frames.PREFACE):
                return False
            del self._buffer[: len(frames.PREFACE)]
            self._greeted = True
        return True

    def _next(self) -> Frame | None:
        if len(self._buffer) < frames.HEAD_BYTES:
            return None
        length = frames.length_of(self._buffer)
        if length > frames.FRAME_BYTES:
            raise _Broken(Code.FRAME_SIZE_ERROR, f"a frame of {length} bytes")
        end = frames.HEAD_BYTES + length
        if len(self._buffer) < end:
            return None
        frame = frames.read(bytes(self._buffer[:end]))
        del self._buffer[:end]
        return frame

    def _understand(self, frame: Frame) -> Sequence[Event]:
        if not self._settled and (frame.kind != Kind.SETTINGS or frame.has(frames.ACK)):
            raise _Broken(Code.PROTOCOL_ERROR, "settings must come first")
        if self._block is not None and (frame.kind != Kind.CONTINUATION or frame.stream != self._block.stream):
            raise _Broken(Code.PROTOCOL_ERROR, "headers that are interrupted")
        found = self._kinds.get(frame.kind)
        return () if found is None else found(frame)

    # Requests

    def _headers(self, frame: Frame) -> Sequence[Event]:
        _on_stream(frame)
        payload = _unpadded(frame)
        if frame.has(frames.PRIORITY):
            if len(payload) < 5:
                raise _Broken(Code.FRAME_SIZE_ERROR, "a priority is five bytes")
            payload = payload[5:]
        self._block = _Block(frame.stream, frame.has(frames.END_STREAM))
        return self._more_headers(payload, ended=frame.has(frames.END_HEADERS))

    def _continuation(self, frame: Frame) -> Sequence[Event]:
        if self._block is None:
            raise _Broken(Code.PROTOCOL_ERROR, "a continuation of nothing")
        return self._more_headers(frame.payload, ended=frame.has(frames.END_HEADERS))

    def _more_headers(self, payload: bytes, *, ended: bool) -> Sequence[Event]:
        block = self._block
        assert block is not None
        block.data += payload
        if len(block.data) > self._most_header_bytes:
            raise _Broken(Code.ENHANCE_YOUR_CALM, f"more than {self._most_header_bytes} bytes of headers")
        if not ended:
            if not payload:
                raise _Broken(Code.ENHANCE_YOUR_CALM, "headers that bring nothing")
            return ()
        self._block = None
        try:
            headers = self._decoder.decode(bytes(block.data))
        except TooLarge as error:
            raise _Broken(Code.ENHANCE_YOUR_CALM, str(error)) from None
        except HpackError as error:
            raise _Broken(Code.COMPRESSION_ERROR, str(error)) from None
        if block.stream in self._streams:
            return self._trailers(block)
        return self._request(block.stream, headers, block.ends_stream)

    def _request(self, number: int, headers: Sequence[Header], ended: bool) -> Sequence[Event]:
        if number % 2 == 0 or number <= self._last_stream:
            raise _Broken(Code.PROTOCOL_ERROR, f"{number} is no new stream of a client")
        if self._leaving:
            return ()
        self._last_stream = number
        if len(self._streams) >= MOST_STREAMS:
            self._count_reset()
            self.outgoing += frames.reset(number, Code.REFUSED_STREAM)
            return ()
        request = well_formed(headers)
        if request is None:
            self._count_reset()
            self.outgoing += frames.reset(number, Code.PROTOCOL_ERROR)
            return ()
        pseudo, regular, announced = request
        stream = self._streams[number] = _Stream(self._peer_window, announced=announced)
        if ended and announced:
            self._count_reset()
            self.give_up(number, Code.PROTOCOL_ERROR)
            return ()
        stream.client_ended = ended
        return (Opened(number, pseudo, regular, ended),)

    def _trailers(self, block: _Block) -> Sequence[Event]:
        """They end the body; what they say is not for us."""
        stream = self._streams[block.stream]
        if stream.client_ended or not block.ends_stream:
            raise _Broken(Code.PROTOCOL_ERROR, "headers within a body")
        return self._body(block.stream, stream, b"", ended=True)

    def _data(self, frame: Frame) -> Sequence[Event]:
        _on_stream(frame)
        size = len(frame.payload)
        data = _unpadded(frame)
        self._receive_window -= size
        if self._receive_window < 0:
            raise _Broken(Code.FLOW_CONTROL_ERROR, "more data than allowed")
        stream = self._streams.get(frame.stream)
        if stream is None or stream.client_ended:
            if stream is not None or (frame.stream > self._last_stream and not self._leaving):
                raise _Broken(Code.STREAM_CLOSED, f"data on the stream {frame.stream}, which is not open")
            self.taken(0, size)  # of a stream that we have ended
            return ()
        stream.receive_window -= size
        if stream.receive_window < 0:
            raise _Broken(Code.FLOW_CONTROL_ERROR, "more data than allowed")
        if size > len(data):
            self.taken(frame.stream, size - len(data))
        return self._body(frame.stream, stream, data, ended=frame.has(frames.END_STREAM))

    def _body(self, number: int, stream: _Stream, data: bytes, *, ended: bool) -> Sequence[Event]:
        stream.received += len(data)
        stream.client_ended = ended
        announced = stream.announced
        if announced is not None and (stream.received > announced or (ended and stream.received < announced)):
            self.taken(0, len(data))
            self.give_up(number, Code.PROTOCOL_ERROR)
            return (Ended(number),)
        return (Received(number, data, ended),)

    def _reset(self, frame: Frame) -> Sequence[Event]:
        _on_stream(frame)
        _sized(frame, 4)
        if frame.stream > self._last_stream:
            raise _Broken(Code.PROTOCOL_ERROR, "a reset of nothing")
        self._count_reset()
        return () if self._streams.pop(frame.stream, None) is None else (Ended(frame.stream),)

    def _count_reset(self) -> None:
        self._resets += 1
        if self._resets > _MOST_RESETS:
            raise _Broken(Code.ENHANCE_YOUR_CALM, "too many streams were reset")

    # The connection

    def _settings(self, frame: Frame) -> Sequence[Event]:
        if frame.stream or len(frame.payload) % 6 or (frame.has(frames.ACK) and frame.payload):
            raise _Broken(Code.FRAME_SIZE_ERROR, "settings that are none")
        self._settled = True
        if frame.has(frames.ACK):
            return ()
        for name, value in frames.read_settings(frame.payload):
            if name == Setting.ENABLE_PUSH and value > 1:
                raise _Broken(Code.PROTOCOL_ERROR, "ENABLE_PUSH is 0 or 1")
            if name == Setting.MAX_FRAME_SIZE:
                if not frames.FRAME_BYTES <= value < 1 << 24:
                    raise _Broken(Code.PROTOCOL_ERROR, f"frames of {value} bytes")
                self._peer_frame = min(value, frames.FRAME_BYTES * 4)
            if name == Setting.INITIAL_WINDOW_SIZE:
                self._resize_windows(value)
        self.outgoing += frames.write(Kind.SETTINGS, frames.ACK, 0)
        return ()

    def _resize_windows(self, value: int) -> None:
        for stream in self._streams.values():
            stream.send_window += value - self._peer_window
        self._peer_window = value
        if value > frames.MOST_WINDOW or any(s.send_window > frames.MOST_WINDOW for s in self._streams.values()):
            raise _Broken(Code.FLOW_CONTROL_ERROR, "a window without an end")

    def _window_update(self, frame: Frame) -> Sequence[Event]:
        _sized(frame, 4)
        increment = frames.number(frame.payload) & frames.MOST_WINDOW
        if not increment:
            raise _Broken(Code.PROTOCOL_ERROR, "a window that grows by nothing")
        if not frame.stream:
            self._send_window += increment
            if self._send_window > frames.MOST_WINDOW:
                raise _Broken(Code.FLOW_CONTROL_ERROR, "a window without an end")
            return ()
        if frame.stream > self._last_stream:
            raise _Broken(Code.PROTOCOL_ERROR, "a window of nothing")
        stream = self._streams.get(frame.stream)
        if stream is None:
            return ()
        stream.send_window += increment
        if stream.send_window <= frames.MOST_WINDOW:
            return ()
        self.give_up(frame.stream, Code.FLOW_CONTROL_ERROR)
        return (Ended(frame.stream),)

    def _ping(self, frame: Frame) -> Sequence[Event]:
        _sized(frame, 8)
        if frame.stream:
            raise _Broken(Code.PROTOCOL_ERROR, "a ping on a stream")
        if not frame.has(frames.ACK):
            self.outgoing += frames.write(Kind.PING, frames.ACK, 0, frame.payload)
        return ()

    def _go_away(self, frame: Frame) -> Sequence[Event]:
        """What the client has asked before is answered."""
        return ()

    def _priority(self, frame: Frame) -> Sequence[Event]:
        _on_stream(frame)
        _sized(frame, 5)
        return ()

    def _push_promise(self, frame: Frame) -> Sequence[Event]:
        raise _Broken(Code.PROTOCOL_ERROR, "a client that promises")

    def _finished(self, number: int) -> None:
        stream = self._streams.pop(number)
        if not stream.client_ended:  # it need not send the rest
            self.outgoing += frames.reset(number, Code.NO_ERROR)


def _on_stream(frame: Frame) -> None:
    if not frame.stream:
        raise _Broken(Code.PROTOCOL_ERROR, f"a frame of kind {frame.kind} belongs to a stream")


def _sized(frame: Frame, size: int) -> None:
    if len(frame.payload) != size:
        raise _Broken(Code.FRAME_SIZE_ERROR, f"a frame of kind {frame.kind} has {size} bytes")


def _unpadded(frame: Frame) -> bytes:
    if not frame.has(frames.PADDED):
        return frame.payload
    if not frame.payload or frame.payload[0] >= len(frame.payload):
        raise _Broken(Code.PROTOCOL_ERROR, "more padding than frame")
    return frame.payload[1 : len(frame.payload) - frame.payload[0]]
