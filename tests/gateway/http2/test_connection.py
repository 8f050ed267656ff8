"""A server's side of HTTP/2: requests, answers within the client's windows, and what ends a stream or a connection."""

import pytest
from h2.errors import ErrorCodes
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given
from hypothesis import strategies as st

from callpark.gateway.http2.connection import (
    CONNECTION_WINDOW,
    MOST_RESETS,
    MOST_STREAMS,
    STREAM_WINDOW,
    Connection,
    Ended,
    Header,
    Opened,
    Received,
)
from tests.gateway.http2.talking import HELLO, POST, PREFACE, Reader, Talk, data, headers

pytestmark = pytest.mark.unit

ANSWER: list[Header] = [(b":status", b"200"), (b"content-type", b"application/json"), (b"connection", b"close")]


def window(stream: int, more: int) -> bytes:
    return WindowUpdateFrame(stream, more).serialize()


def settings(**values: int) -> bytes:
    return SettingsFrame(settings={getattr(SettingsFrame, name): value for name, value in values.items()}).serialize()


def reset(stream: int) -> bytes:
    return RstStreamFrame(stream, ErrorCodes.CANCEL).serialize()


def test_the_greeting() -> None:
    connection = Connection(1_000)
    greeted, more = Reader().feed(bytes(connection.outgoing))
    assert isinstance(greeted, SettingsFrame)
    assert greeted.settings[SettingsFrame.MAX_CONCURRENT_STREAMS] == MOST_STREAMS
    assert greeted.settings[SettingsFrame.INITIAL_WINDOW_SIZE] == STREAM_WINDOW
    assert greeted.settings[SettingsFrame.MAX_HEADER_LIST_SIZE] == 1_000
    assert isinstance(more, WindowUpdateFrame)
    assert more.window_increment == CONNECTION_WINDOW - 65_535


def test_a_request_with_a_body_in_any_cut() -> None:
    talk = Talk()
    said = headers(1, [*POST, (b"content-length", b"4")], ended=False) + data(1, b"ab", ended=False) + data(1, b"cd")
    opened, *rest = [event for byte in said for event in talk.say(bytes((byte,)))]
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
    assert talk.reader.headers(head) == ANSWER[:2], "what speaks of HTTP/1.1's connections is left out"
    assert isinstance(body, DataFrame)
    assert (body.data, "END_STREAM" in body.flags) == (b"hello", True)
    assert talk.connection.streams == 0


def test_an_answer_of_headers_alone() -> None:
    talk = Talk()
    talk.say(headers(1))
    talk.connection.respond(1, ANSWER)
    assert talk.connection.send(1, b"", ended=True) == 0
    _, end = talk.heard()
    assert isinstance(end, DataFrame)
    assert (end.data, "END_STREAM" in end.flags) == (b"", True)


def test_no_more_than_the_client_takes() -> None:
    talk = Talk()
    talk.say(settings(INITIAL_WINDOW_SIZE=10), headers(1), headers(3))
    for stream in (1, 3):
        talk.connection.respond(stream, ANSWER)
    assert talk.connection.send(1, b"x" * 25, ended=True) == 10
    assert talk.connection.send(3, b"y" * 5, ended=False) == 5, "another stream has a window of its own"
    assert talk.connection.send(1, b"x" * 15, ended=True) == 0
    talk.say(window(1, 7))
    assert talk.connection.send(1, b"x" * 15, ended=True) == 7
    talk.say(settings(INITIAL_WINDOW_SIZE=18))
    assert talk.connection.send(1, b"x" * 8, ended=True) == 8
    sent = [frame for frame in talk.heard() if isinstance(frame, DataFrame) and frame.stream_id == 1]
    assert [len(frame.data) for frame in sent] == [10, 7, 8]
    assert ["END_STREAM" in frame.flags for frame in sent] == [False, False, True]


def test_the_connections_window_counts_for_all_streams() -> None:
    talk = Talk()
    talk.say(settings(INITIAL_WINDOW_SIZE=10**6), headers(1))
    talk.connection.respond(1, ANSWER)
    assert talk.connection.send(1, b"x" * 10**5, ended=False) == 65_535
    talk.say(window(0, 10))
    assert talk.connection.send(1, b"x" * 100, ended=False) == 10
    assert max(len(frame.data) for frame in talk.heard() if isinstance(frame, DataFrame)) == 16_384


def test_what_was_taken_may_be_sent_again() -> None:
    talk = Talk()
    talk.say(headers(1, ended=False))
    body = b"x" * 16_384
    for _ in range(CONNECTION_WINDOW * 2 // len(body)):
        (received,) = talk.say(data(1, body, ended=False))
        assert isinstance(received, Received)
        talk.connection.taken(1, len(received.data))
    assert talk.ended_with() is None


def test_padding_is_taken_at_once() -> None:
    talk = Talk()
    talk.say(headers(1, ended=False))
    padded = DataFrame(1, b"abc", pad_length=200, flags=["PADDED"]).serialize()
    for _ in range(CONNECTION_WINDOW // 200):
        assert talk.say(padded) == [Received(1, b"abc", False)]
        talk.connection.taken(1, 3)
    assert talk.ended_with() is None


def test_headers_in_several_frames() -> None:
    block = Encoder().encode(list(POST))
    talk = Talk()
    first = HeadersFrame(1, block[:5], flags=["END_STREAM"]).serialize()
    assert talk.say(first) == []
    (opened,) = talk.say(ContinuationFrame(1, block[5:], flags=["END_HEADERS"]).serialize())
    assert isinstance(opened, Opened)
    assert opened.ended


def test_trailers_end_a_body() -> None:
    talk = Talk()
    talk.say(headers(1, ended=False), data(1, b"a", ended=False))
    assert talk.say(headers(1, [(b"x", b"y")])) == [Received(1, b"", True)]


def test_a_client_that_does_not_want_the_answer() -> None:
    talk = Talk()
    talk.say(headers(1))
    assert talk.say(reset(1)) == [Ended(1)]
    talk.connection.respond(1, ANSWER)
    assert talk.connection.send(1, b"hello", ended=True) == 5, "nothing is left to send"
    assert talk.heard() == []


def test_an_answer_before_the_body_has_come() -> None:
    talk = Talk()
    talk.say(headers(1, ended=False))
    talk.connection.respond(1, ANSWER)
    talk.connection.send(1, b"no", ended=True)
    assert talk.reset_with() == ErrorCodes.NO_ERROR
    assert talk.say(data(1, b"late", ended=False)) == []
    assert talk.ended_with() is None


def test_an_answer_that_cannot_be_completed() -> None:
    talk = Talk()
    talk.say(headers(1))
    talk.connection.give_up(1)
    assert talk.reset_with() == ErrorCodes.INTERNAL_ERROR


def test_a_ping_is_answered() -> None:
    talk = Talk()
    talk.say(PingFrame(0, b"12345678").serialize())
    (pong,) = talk.heard()
    assert isinstance(pong, PingFrame)
    assert (pong.opaque_data, "ACK" in pong.flags) == (b"12345678", True)


def test_leaving_answers_what_is_there() -> None:
    talk = Talk()
    talk.say(headers(1))
    talk.connection.leave()
    talk.connection.leave()
    (away,) = talk.heard()
    assert isinstance(away, GoAwayFrame)
    assert (away.last_stream_id, away.error_code) == (1, ErrorCodes.NO_ERROR)
    assert talk.say(headers(3)) == []
    assert talk.reset_with() == ErrorCodes.REFUSED_STREAM
    talk.connection.respond(1, ANSWER)
    talk.connection.send(1, b"hello", ended=True)
    assert [type(frame).__name__ for frame in talk.heard()] == ["HeadersFrame", "DataFrame"]
    assert not talk.connection.closed


def test_a_client_that_goes_away_gets_the_answers_that_it_asked_for() -> None:
    talk = Talk()
    talk.say(headers(1, ended=False))
    said = GoAwayFrame(last_stream_id=0).serialize() + data(1, b"late")
    assert talk.say(said) == [Received(1, b"late", True)]
    talk.connection.respond(1, ANSWER)
    talk.connection.send(1, b"hello", ended=True)
    assert [type(frame).__name__ for frame in talk.heard()] == ["HeadersFrame", "DataFrame"]


def test_what_is_no_request_ends_its_stream_alone() -> None:
    talk = Talk()
    tunnel: list[Header] = [(b":method", b"CONNECT"), (b":authority", b"localhost:1")]
    assert talk.say(headers(1, tunnel)) == []
    assert talk.reset_with() == ErrorCodes.PROTOCOL_ERROR
    (opened,) = talk.say(headers(3))
    assert isinstance(opened, Opened)


@pytest.mark.parametrize(
    "said",
    [
        headers(1, POST[1:]),
        headers(1, [*POST, (b"Upper", b"case")]),
        headers(1, [*POST, (b"connection", b"close")]),
        headers(1, [*POST, (b"te", b"gzip")]),
        headers(2),
        headers(1, [*POST, (b"content-length", b"3")], ended=False) + data(1, b"ab"),
        data(1, b"of nothing"),
        PingFrame(0, b"12345678").serialize().replace(b"\0\0\x08", b"\0\0\x05", 1)[:-3],
        window(0, 2**31 - 1),
        settings(ENABLE_PUSH=2),
        b"".join(headers(1 + 2 * number, ended=False) for number in range(MOST_STREAMS + 1)),
        headers(1, [*POST, *((b"x", b"y" * 1_000) for _ in range(20))]),
        HeadersFrame(1, b"\xff" * 20, flags=["END_HEADERS"]).serialize(),
        HeadersFrame(1, b"").serialize() + ContinuationFrame(1, b"").serialize() * 1_000,
    ],
)
def test_what_ends_the_connection(said: bytes) -> None:
    talk = Talk()
    events = talk.say(said)
    opened = {event.stream for event in events if isinstance(event, Opened)}
    assert {event.stream for event in events if isinstance(event, Ended)} == opened, "whoever began is told"
    assert talk.ended_with() not in (None, ErrorCodes.NO_ERROR)
    assert talk.connection.why
    assert talk.say(headers(201)) == []


def test_a_request_that_is_said_twice_is_given_up() -> None:
    talk = Talk()
    talk.say(headers(1))
    assert talk.say(headers(1)) == [Ended(1)]
    assert talk.reset_with() == ErrorCodes.STREAM_CLOSED


def test_more_data_than_allowed() -> None:
    talk = Talk()
    talk.say(headers(1, ended=False))
    talk.say(*[data(1, b"x" * 16_384, ended=False)] * (STREAM_WINDOW // 16_384))
    assert talk.ended_with() is None
    talk.say(data(1, b"x", ended=False))
    assert talk.ended_with() == ErrorCodes.FLOW_CONTROL_ERROR


def test_streams_that_are_opened_and_reset() -> None:
    talk = Talk()
    for number in range(MOST_RESETS):
        talk.say(headers(1 + 2 * number), reset(1 + 2 * number))
    assert talk.ended_with() is None
    stream = 1 + 2 * MOST_RESETS
    talk.say(headers(stream), reset(stream))
    assert talk.ended_with() == ErrorCodes.ENHANCE_YOUR_CALM


def test_what_is_not_http2() -> None:
    connection = Connection(1_000)
    assert connection.receive(b"PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n") == []
    assert connection.closed


SAID = st.one_of(
    st.binary(max_size=40),
    st.builds(headers, st.integers(1, 9), ended=st.booleans()),
    st.builds(data, st.integers(1, 9), st.binary(max_size=30), ended=st.booleans()),
    st.builds(window, st.integers(0, 9), st.integers(1, 2**31 - 1)),
    st.builds(reset, st.integers(1, 9)),
    st.builds(lambda size: settings(INITIAL_WINDOW_SIZE=size), st.integers(0, 2**31 - 1)),
    st.just(PingFrame(0, b"12345678").serialize()),
    st.just(GoAwayFrame(last_stream_id=0).serialize()),
    st.just(PREFACE),
)


@given(st.lists(SAID, max_size=12), st.integers(1, 50))
def test_whatever_comes_is_understood_or_ends_the_connection(said: list[bytes], cut: int) -> None:
    """And whatever is answered then does no harm."""
    talk = Talk()
    whole = b"".join(said)
    for at in range(0, len(whole), cut):
        for event in talk.say(whole[at : at + cut]):
            if isinstance(event, Opened):
                talk.connection.respond(event.stream, ANSWER)
                talk.connection.send(event.stream, b"hello", ended=event.stream % 4 == 1)
            elif isinstance(event, Received):
                talk.connection.taken(event.stream, len(event.data))
                talk.connection.send(event.stream, b"", ended=True)
    talk.connection.leave()
    talk.heard()


def test_the_greeting_in_any_cut() -> None:
    connection = Connection(1_000)
    connection.outgoing.clear()
    for byte in HELLO:
        assert connection.receive(bytes((byte,))) == []
    (answer,) = Reader().feed(bytes(connection.outgoing))
    assert isinstance(answer, SettingsFrame)
    assert "ACK" in answer.flags
