"""A server's side of an HTTP/2 connection, without a socket: bytes in, events and bytes out.

Driven by `protocol.py`. The protocol is h2's; here are requests and their bodies, answers within the client's windows,
and what wears a server out without breaking the protocol: streams that are opened and reset.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from h2 import events
from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection, H2ConnectionStateMachine
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

Header: TypeAlias = tuple[bytes, bytes]


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
MOST_RESETS = 1_000

_FIRST_WINDOW = 65_535
#: They speak of HTTP/1.1's connections.
_CONNECTION_HEADERS = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})


def _where_answers_are_owed() -> H2ConnectionStateMachine:
    """For h2 a GOAWAY is the end; RFC 9113 (6.8) only ends what is new, and clients that close send it while they wait
    for answers."""
    machine = H2ConnectionStateMachine()
    stays = {
        (state, said): (None, state)
        for state in (ConnectionState.IDLE, ConnectionState.SERVER_OPEN)
        for said in (ConnectionInputs.SEND_GOAWAY, ConnectionInputs.RECV_GOAWAY)
    }
    machine._transitions = {**machine._transitions, **stays}
    return machine


class Connection:
    """`most_header_bytes` of one request. `outgoing` is what has to be sent; whoever sends it empties it."""

    def __init__(self, most_header_bytes: int) -> None:
        self.outgoing = bytearray()
        self.closed = False
        self.leaving = False
        self.why = ""
        self._open: set[int] = set()
        self._last_stream = 0
        self._resets = 0
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._h2.state_machine = _where_answers_are_owed()
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: most_header_bytes,
            },
        )
        self._h2.decoder.max_header_list_size = most_header_bytes
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW - _FIRST_WINDOW)
        self._speak()

    @property
    def streams(self) -> int:
        """How many requests are not yet answered in full."""
        return len(self._open)

    def receive(self, data: bytes) -> list[Event]:
        """What the client says with these bytes, in any cut. After `closed` nothing is understood any more."""
        found: list[Event] = []
        if self.closed:
            return found
        try:
            for event in self._h2.receive_data(data):
                found += self._understood(event)
        except ProtocolError as error:
            self.why = str(error) or type(error).__name__
            self._break(found)
        if self._resets > MOST_RESETS:
            self.why = "too many streams were reset"
            self._h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            self._break(found)
        self._speak()
        return found

    def respond(self, stream: int, headers: Iterable[Header]) -> None:
        """Begins the answer, whose end is its body's; `:status` comes first."""
        if stream in self._open:
            self._h2.send_headers(stream, [header for header in headers if header[0] not in _CONNECTION_HEADERS])
            self._speak()

    def send(self, stream: int, data: bytes, *, ended: bool) -> int:
        """As much of the answer's body as the client takes now; returns how much that was. `ended` counts when it was
        all."""
        if stream not in self._open:
            return len(data)
        sent = max(0, min(len(data), self._h2.local_flow_control_window(stream)))
        last = ended and sent == len(data)
        for at in range(0, sent, self._h2.max_outbound_frame_size):
            piece = data[at : min(at + self._h2.max_outbound_frame_size, sent)]
            self._h2.send_data(stream, piece, end_stream=last and at + len(piece) == sent)
        if last:
            if not sent:
                self._h2.end_stream(stream)
            self._finished(stream)
        self._speak()
        return sent

    def taken(self, stream: int, size: int) -> None:
        """So much of a request's body needs no room here any more."""
        if size and not self.closed:
            self._h2.acknowledge_received_data(size, stream)
            self._speak()

    def give_up(self, stream: int, code: ErrorCodes = ErrorCodes.INTERNAL_ERROR) -> None:
        """Ends a stream whose answer cannot be completed."""
        if stream in self._open:
            self._open.discard(stream)
            self._h2.reset_stream(stream, code)
            self._speak()

    def leave(self) -> None:
        """No further requests; those that are there are answered."""
        if not self.leaving and not self.closed:
            self.leaving = True
            self._h2.close_connection(last_stream_id=self._last_stream)
            self._speak()

    def _understood(self, event: events.Event) -> Iterator[Event]:
        match event:
            case events.RequestReceived(stream_id=int(stream), headers=list(headers)):
                yield from self._request(stream, headers, ended=event.stream_ended is not None)
            case events.DataReceived(stream_id=int(stream), data=bytes(data)):
                padding = (event.flow_controlled_length or 0) - len(data)
                self.taken(stream, padding if stream in self._open else padding + len(data))
                if stream in self._open:
                    yield Received(stream, data, event.stream_ended is not None)
            case events.TrailersReceived(stream_id=int(stream)) if stream in self._open:
                yield Received(stream, b"", True)
            case events.StreamReset(stream_id=int(stream)):
                self._resets += 1
                if stream in self._open:
                    self._open.discard(stream)
                    yield Ended(stream)
            case _:  # windows and settings are h2's; what a client that leaves has asked before is answered
                pass

    def _request(self, stream: int, given: Sequence[Header], *, ended: bool) -> Iterator[Event]:
        pseudo = {name: value for name, value in given if name.startswith(b":")}
        self._open.add(stream)
        if self.leaving:
            self.give_up(stream, ErrorCodes.REFUSED_STREAM)
        elif pseudo.get(b":method") == b"CONNECT" or not pseudo.get(b":path"):
            self.give_up(stream, ErrorCodes.PROTOCOL_ERROR)
        else:
            self._last_stream = stream
            yield Opened(stream, pseudo, [header for header in given if not header[0].startswith(b":")], ended)

    def _finished(self, stream: int) -> None:
        self._open.discard(stream)
        state = self._h2.streams.get(stream)
        if state is not None and not state.closed:  # the client need not send the rest
            self._h2.reset_stream(stream, ErrorCodes.NO_ERROR)

    def _break(self, found: list[Event]) -> None:
        """The connection cannot go on."""
        self.closed = True
        found += [Ended(stream) for stream in self._open]
        self._open.clear()

    def _speak(self) -> None:
        self.outgoing += self._h2.data_to_send()
