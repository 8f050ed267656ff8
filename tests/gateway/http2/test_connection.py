"""A server's side of HTTP/2: requests, answers within the client's windows, and what ends a stream or a connection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.gateway.http2 import frames
from callpark.gateway.http2.connection import (
    CONNECTION_WINDOW,
    MOST_STREAMS,
    STREAM_WINDOW,
    Connection,
    Ended,
    Opened,
    Received,
)
from callpark.gateway.http2.frames import Code, Kind, Setting
from callpark.gateway.http2.hpack import Header, encode
from tests.gateway.http2.talking import HELLO, POST, Reader, Talk, data, headers

pytestmark = pytest.mark.unit

OPEN = frames.END_HEADERS
ANSWER: list[Header] = [(b":status", b"200"), (b"content-type", b"application/json"), (b"connection", b"close")]


def answered(talk: Talk, stream: int) -> None:
    """Without a body."""
    talk.connection.respond(stream, ANSWER)
    assert talk.connection.send(stream, b"", ended=True) == 0


def test_the_greeting() -> None:
    connection = Connection(1_000)
    (settings, window) = Reader().feed(bytes(connection.outgoing))
    assert dict(frames.read_settings(settings.payload)) == {
        Setting.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
        Setting.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
        Setting.MAX_HEADER_LIST_SIZE: 1_000,
    }
    assert frames.number(window.payload) == CONNECTION_WINDOW - frames.WINDOW_BYTES
    connection.outgoing.clear()
    for byte in HELLO:
        assert connection.receive(bytes((byte,))) == []
    (ack,) = Reader().feed(bytes(connection.outgoing))
    assert (ack.kind, ack.flags) == (Kind.SETTINGS, frames.ACK)


def test_a_request_with_a_body_in_any_cut() -> None:
    talk = Talk()
    said = headers(1, [*POST, (b"content-length", b"4")], OPEN) + data(1, b"ab", ended=False) + data(1, b"cd")
    events = [event for byte in said for event in talk.say(bytes((byte,)))]
    opened, *rest = events
    assert isinstance(opened, Opened)
    assert opened.pseudo == dict(POST)
    assert opened.headers == [(b"content-length", b"4")]
    assert not opened.ended
    assert rest == [Received(1, b"ab", False), Received(1, b"cd", True)]


def test_an_answer() -> None:
    talk = Talk()
    talk.say(headers(1))
    talk.connection.respond(1, ANSWER)
    assert talk.connection.send(1, b"hello", ended=True) == 5
    head, body = talk.heard()
    assert talk.reader.decoder.decode(head.payload) == ANSWER[:2]
    assert (body.kind, body.flags, body.payload) == (Kind.DATA, frames.END_STREAM, b"hello")
    assert talk.connection.streams == 0


def test_an_answer_of_headers_alone_and_of_very_many() -> None:
    talk = Talk()
    talk.say(headers(1), headers(3))
    answered(talk, 1)
    _, end = talk.heard()
    assert (end.kind, end.flags, end.payload) == (Kind.DATA, frames.END_STREAM, b"")
    talk.connection.respond(3, [*ANSWER, *((b"x", b"y" * 1_000) for _ in range(40))])
    first, *others = talk.heard()
    assert (first.kind, first.flags) == (Kind.HEADERS, 0)
    assert [(frame.kind, frame.flags) for frame in others] == [
        (Kind.CONTINUATION, 0),
        (Kind.CONTINUATION, frames.END_HEADERS),
    ]


def test_no_more_than_the_client_takes() -> None:
    talk = Talk()
    talk.say(frames.settings({Setting.INITIAL_WINDOW_SIZE: 10}), headers(1), headers(3))
    for stream in (1, 3):
        talk.connection.respond(stream, ANSWER)
    assert talk.connection.send(1, b"x" * 25, ended=True) == 10
    assert talk.connection.send(3, b"y" * 5, ended=False) == 5, "another stream has a window of its own"
    assert talk.connection.send(1, b"x" * 15, ended=True) == 0
    talk.say(frames.window_update(1, 7))
    assert talk.connection.send(1, b"x" * 15, ended=True) == 7
    talk.say(frames.settings({Setting.INITIAL_WINDOW_SIZE: 18}))
    assert talk.connection.send(1, b"x" * 8, ended=True) == 8
    sent = [frame for frame in talk.heard() if frame.kind == Kind.DATA and frame.stream == 1]
    assert [len(frame.payload) for frame in sent] == [10, 7, 8]
    assert [frame.flags for frame in sent] == [0, 0, frames.END_STREAM]


def test_the_connections_window_counts_for_all_streams() -> None:
    talk = Talk()
    talk.say(frames.settings({Setting.INITIAL_WINDOW_SIZE: 10**6}), headers(1))
    talk.connection.respond(1, ANSWER)
    assert talk.connection.send(1, b"x" * 10**5, ended=False) == frames.WINDOW_BYTES
    talk.say(frames.window_update(0, 10))
    assert talk.connection.send(1, b"x" * 100, ended=False) == 10
    assert max(len(frame.payload) for frame in talk.heard() if frame.kind == Kind.DATA) == frames.FRAME_BYTES


def test_what_was_taken_may_be_sent_again() -> None:
    talk = Talk()
    talk.say(headers(1, flags=OPEN), data(1, b"x" * 100, ended=False))
    assert talk.heard() == []
    talk.connection.taken(1, 100)
    assert [(frame.stream, frames.number(frame.payload)) for frame in talk.heard()] == [(0, 100), (1, 100)]
    talk.say(data(1, b"y"))
    talk.connection.taken(1, 1)
    assert [frame.stream for frame in talk.heard()] == [0], "a body that has ended needs no room of its own"


def test_padding_is_taken_at_once() -> None:
    talk = Talk()
    padded = frames.write(Kind.DATA, frames.PADDED, 1, b"\x03abc\0\0\0")
    assert talk.say(headers(1, flags=OPEN), padded)[1:] == [Received(1, b"abc", False)]
    assert [(frame.stream, frames.number(frame.payload)) for frame in talk.heard()] == [(0, 4), (1, 4)]
    block = encode(POST)
    whole = frames.PADDED | frames.PRIORITY | frames.END_HEADERS
    (opened,) = talk.say(frames.write(Kind.HEADERS, whole, 3, b"\x02" + b"\0" * 5 + block + b"\0\0"))
    assert isinstance(opened, Opened)


def test_headers_in_several_frames() -> None:
    talk = Talk()
    block = encode(POST)
    assert talk.say(frames.write(Kind.HEADERS, frames.END_STREAM, 1, block[:5])) == []
    assert talk.say(frames.write(Kind.CONTINUATION, 0, 1, block[5:9])) == []
    (opened,) = talk.say(frames.write(Kind.CONTINUATION, frames.END_HEADERS, 1, block[9:]))
    assert isinstance(opened, Opened)
    assert opened.ended


def test_trailers_end_a_body() -> None:
    talk = Talk()
    talk.say(headers(1, flags=OPEN), data(1, b"a", ended=False))
    assert talk.say(headers(1, [(b"x-sum", b"1")])) == [Received(1, b"", True)]


def test_a_client_that_does_not_want_the_answer() -> None:
    talk = Talk()
    talk.say(headers(1))
    assert talk.say(frames.reset(1, Code.CANCEL)) == [Ended(1)]
    talk.connection.respond(1, ANSWER)
    assert talk.connection.send(1, b"never", ended=True) == 5
    assert talk.heard() == []
    assert talk.say(frames.reset(1, Code.CANCEL)) == [], "it may say so twice"


def test_an_answer_before_the_body_has_come() -> None:
    talk = Talk()
    talk.say(headers(1, flags=OPEN))
    answered(talk, 1)
    assert talk.reset_with() is Code.NO_ERROR
    assert talk.say(data(1, b"late", ended=False)) == []
    assert [frame.kind for frame in talk.heard()] == [Kind.WINDOW_UPDATE]


def test_what_keeps_a_connection_alive() -> None:
    talk = Talk()
    talk.say(frames.write(Kind.PING, 0, 0, b"12345678"), frames.write(Kind.PRIORITY, 0, 1, b"\0" * 5))
    talk.say(frames.write(Kind.PING, frames.ACK, 0, b"12345678"), b"\0\0\0\x77\0\0\0\0\0")
    talk.say(frames.go_away(0, Code.NO_ERROR))
    (ping,) = talk.heard()
    assert (ping.kind, ping.flags, ping.payload) == (Kind.PING, frames.ACK, b"12345678")
    assert not talk.connection.closed


def test_leaving_answers_what_is_there() -> None:
    talk = Talk()
    talk.say(headers(1))
    talk.connection.leave()
    (away,) = talk.heard()
    assert (frames.number(away.payload), frames.number(away.payload[4:])) == (1, Code.NO_ERROR)
    assert talk.say(headers(3, flags=OPEN), data(3, b"x")) == [], "too late"
    answered(talk, 1)
    assert [frame.kind for frame in talk.heard()][-2:] == [Kind.HEADERS, Kind.DATA]


REGULAR: Header = (b"a", b"b")


@pytest.mark.parametrize(
    "given_",
    [
        POST[1:],
        [*POST, POST[0]],
        [REGULAR, *POST],
        [*POST, (b":status", b"200")],
        [*POST, (b"Upper", b"x")],
        [*POST, (b"", b"x")],
        [*POST, (b"a b", b"x")],
        [*POST, (b"a", b"x\r\ny")],
        [*POST, (b"connection", b"close")],
        [*POST, (b"transfer-encoding", b"chunked")],
        [*POST, (b"te", b"gzip")],
        [*POST, (b"content-length", b"-1")],
        [*POST, (b"content-length", b"1"), (b"content-length", b"2")],
        [*POST, (b"content-length", b"5")],
        [(b":method", b"CONNECT"), *POST[1:]],
        [POST[0], POST[1], (b":path", b""), POST[3]],
    ],
)
def test_what_is_no_request_ends_its_stream_alone(given_: list[Header]) -> None:
    talk = Talk()
    assert talk.say(headers(1, given_)) == []
    assert talk.reset_with() is Code.PROTOCOL_ERROR
    assert len(talk.say(headers(3))) == 1


@pytest.mark.parametrize(("body", "ended"), [(b"12345", False), (b"123", True)])
def test_a_body_of_another_length_than_announced(body: bytes, ended: bool) -> None:
    talk = Talk()
    talk.say(headers(1, [*POST, (b"content-length", b"4")], OPEN))
    assert talk.say(data(1, body, ended=ended)) == [Ended(1)]
    assert talk.reset_with() is Code.PROTOCOL_ERROR


def test_more_streams_than_allowed_are_refused() -> None:
    talk = Talk()
    talk.say(*(headers(2 * number + 1) for number in range(MOST_STREAMS)))
    assert talk.say(headers(2 * MOST_STREAMS + 1)) == []
    assert talk.reset_with() is Code.REFUSED_STREAM


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (headers(2), Code.PROTOCOL_ERROR),
        (headers(3) + headers(1), Code.PROTOCOL_ERROR),
        (headers(0), Code.PROTOCOL_ERROR),
        (data(0, b""), Code.PROTOCOL_ERROR),
        (data(1, b""), Code.STREAM_CLOSED),
        (headers(1) + data(1, b""), Code.STREAM_CLOSED),
        (headers(1, flags=OPEN) + headers(1, flags=OPEN), Code.PROTOCOL_ERROR),
        (headers(1, flags=0) + data(1, b""), Code.PROTOCOL_ERROR),
        (headers(1, flags=0) + frames.write(Kind.CONTINUATION, 0, 3, b"x"), Code.PROTOCOL_ERROR),
        (headers(1, flags=0) + frames.write(Kind.CONTINUATION, 0, 1), Code.ENHANCE_YOUR_CALM),
        (frames.write(Kind.CONTINUATION, 0, 1, b""), Code.PROTOCOL_ERROR),
        (frames.write(Kind.HEADERS, frames.END_HEADERS, 1, b"\x80"), Code.COMPRESSION_ERROR),
        (frames.write(Kind.HEADERS, frames.PRIORITY, 1, b"x"), Code.FRAME_SIZE_ERROR),
        (frames.write(Kind.HEADERS, frames.PADDED, 1, b"\x05abc"), Code.PROTOCOL_ERROR),
        (frames.write(Kind.HEADERS, frames.PADDED, 1), Code.PROTOCOL_ERROR),
        (frames.write(Kind.PRIORITY, 0, 1, b"x"), Code.FRAME_SIZE_ERROR),
        (frames.write(Kind.PRIORITY, 0, 0, b"12345"), Code.PROTOCOL_ERROR),
        (frames.write(Kind.RST_STREAM, 0, 1, b"\0" * 3), Code.FRAME_SIZE_ERROR),
        (frames.reset(1, Code.CANCEL), Code.PROTOCOL_ERROR),
        (frames.reset(0, Code.CANCEL), Code.PROTOCOL_ERROR),
        (frames.write(Kind.SETTINGS, 0, 0, b"12345"), Code.FRAME_SIZE_ERROR),
        (frames.write(Kind.SETTINGS, frames.ACK, 0, b"123456"), Code.FRAME_SIZE_ERROR),
        (frames.write(Kind.SETTINGS, 0, 1), Code.FRAME_SIZE_ERROR),
        (frames.settings({Setting.ENABLE_PUSH: 2}), Code.PROTOCOL_ERROR),
        (frames.settings({Setting.MAX_FRAME_SIZE: 1}), Code.PROTOCOL_ERROR),
        (frames.settings({Setting.INITIAL_WINDOW_SIZE: 2**31}), Code.FLOW_CONTROL_ERROR),
        (frames.write(Kind.PUSH_PROMISE, 0, 1, b"1234"), Code.PROTOCOL_ERROR),
        (frames.write(Kind.PING, 0, 0, b"1"), Code.FRAME_SIZE_ERROR),
        (frames.write(Kind.PING, 0, 1, b"12345678"), Code.PROTOCOL_ERROR),
        (frames.window_update(0, 0), Code.PROTOCOL_ERROR),
        (frames.window_update(1, 1), Code.PROTOCOL_ERROR),
        (frames.window_update(0, frames.MOST_WINDOW), Code.FLOW_CONTROL_ERROR),
        (b"\x00\x40\x01" + b"\0" * 6, Code.FRAME_SIZE_ERROR),
    ],
)
def test_what_ends_the_connection(said: bytes, code: Code) -> None:
    talk = Talk()
    talk.say(said)
    assert talk.ended_with() is code
    assert talk.connection.why
    assert talk.say(headers(5)) == []


def test_a_window_that_grows_too_far_ends_its_stream() -> None:
    talk = Talk()
    talk.say(headers(1))
    assert talk.say(frames.window_update(1, frames.MOST_WINDOW)) == [Ended(1)]
    assert talk.reset_with() is Code.FLOW_CONTROL_ERROR


def test_more_data_than_allowed() -> None:
    talk = Talk()
    talk.say(headers(1, flags=OPEN))
    full = data(1, b"x" * frames.FRAME_BYTES, ended=False)
    for _ in range(STREAM_WINDOW // frames.FRAME_BYTES):
        assert len(talk.say(full)) == 1
    assert talk.say(data(1, b"x", ended=False)) == [Ended(1)]
    assert talk.ended_with() is Code.FLOW_CONTROL_ERROR


def test_headers_without_an_end() -> None:
    talk = Talk(most_header_bytes=1_000)
    talk.say(frames.write(Kind.HEADERS, 0, 1, b"\x82" * 600))
    talk.say(frames.write(Kind.CONTINUATION, 0, 1, b"\x82" * 600))
    assert talk.ended_with() is Code.ENHANCE_YOUR_CALM
    unfolding = Talk(most_header_bytes=1_000)
    unfolding.say(frames.write(Kind.HEADERS, frames.END_HEADERS, 1, b"\x82" * 30))
    assert unfolding.ended_with() is Code.ENHANCE_YOUR_CALM


def test_streams_that_are_opened_and_reset() -> None:
    talk = Talk()
    for number in range(1_001):
        talk.say(headers(2 * number + 1), frames.reset(2 * number + 1, Code.CANCEL))
    assert talk.ended_with() is Code.ENHANCE_YOUR_CALM


def test_what_is_not_http2() -> None:
    connection = Connection(1_000)
    connection.receive(b"PRI * HTTP/2.1\r\n\r\n")
    assert connection.closed
    early = Connection(1_000)
    early.receive(frames.PREFACE + headers(1))
    assert early.closed
    assert "settings must come first" in early.why


FRAMES = st.one_of(
    st.builds(
        frames.write,
        st.sampled_from(Kind),
        st.integers(0, 255),
        st.sampled_from([0, 1, 3, 5, 2**31 - 1]),
        st.binary(max_size=40),
    ),
    st.sampled_from([headers(1), headers(3, flags=OPEN), data(3, b"x", ended=False), frames.reset(3, Code.CANCEL)]),
    st.binary(max_size=20),
)


@given(st.lists(FRAMES, max_size=12), st.integers(1, 50))
def test_whatever_comes_is_understood_or_ends_the_connection(said: list[bytes], cut: int) -> None:
    talk = Talk()
    whole = b"".join(said)
    known: set[int] = set()
    for at in range(0, len(whole), cut):
        for event in talk.say(whole[at : at + cut]):
            if isinstance(event, Opened):
                assert event.stream not in known
                known.add(event.stream)
                if event.stream == 3:
                    answered(talk, 3)
                else:
                    talk.connection.respond(event.stream, ANSWER)
            assert event.stream in known
    if talk.connection.closed:
        assert talk.ended_with() is not None
        assert talk.connection.streams == 0
    else:
        talk.heard()
