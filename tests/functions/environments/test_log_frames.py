"""A process's output becomes log events: lines, frames, what has no end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.functions.environments.log_frames import LogEvents

pytestmark = pytest.mark.unit


def frame(message: str, kind: int = 0xA55A0003) -> bytes:
    body = message.encode()
    return kind.to_bytes(4, "big") + len(body).to_bytes(4, "big") + bytes(8) + body


def test_lines_end_with_a_newline_and_not_with_a_carriage_return() -> None:
    assert LogEvents(1000).feed(b"a\rb\nc\n") == ["a\rb\n", "c\n"]


def test_a_frame_is_one_event_and_keeps_its_place() -> None:
    events = LogEvents(1000)
    assert events.feed(b"before\n" + frame("two\nlines", 0xA55A0017) + b"after\n") == [
        "before\n",
        "two\nlines",
        "after\n",
    ]


def test_a_frame_inside_a_line_does_not_break_it() -> None:
    events = LogEvents(1000)
    assert events.feed(b"half " + frame("record") + b"and half\n") == ["record", "half and half\n"]


def test_the_last_line_comes_when_the_process_is_gone() -> None:
    events = LogEvents(1000)
    assert events.feed(b"no newline") == []
    assert events.flush() == ["no newline"]


def test_a_line_without_end_is_cut() -> None:
    events = LogEvents(10)
    assert events.feed(b"x" * 25) == ["x" * 10, "x" * 10]


def test_a_monstrous_length_is_text() -> None:
    events = LogEvents(1000)
    assert "".join(events.feed(b"\xa5\x5a\x00\x03\xff\xff\xff\xff" + bytes(8) + b"x\n")).endswith("x\n")


pieces = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=20).map(
            lambda t: (t + "\n", t.encode() + b"\n")
        ),
        st.text(max_size=20).map(lambda t: (t, frame(t))),
    ),
    max_size=10,
)


@given(pieces, st.integers(1, 40))
def test_however_the_bytes_arrive_the_events_are_the_same(written: list[tuple[str, bytes]], size: int) -> None:
    data = b"".join(encoded for _, encoded in written)
    events = LogEvents(1000)
    found = [event for at in range(0, len(data), size) for event in events.feed(data[at : at + size])]
    assert found == [text for text, _ in written]
    assert events.flush() == []
