"""Parts put together, and the same parts as the steps of a stream."""

from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.models.completion import (
    Begun,
    BlockBegun,
    BlockEnded,
    Completion,
    Ended,
    InputAdded,
    Step,
    Steps,
    TextAdded,
    completed,
)
from callpark.models.model import Part, Prompt, Stop, Text, Token, ToolUse, ToolUseInput, ToolUseStart, Usage

pytestmark = pytest.mark.unit

USAGE = Usage(3, 5)
END = Stop("end_turn", USAGE)
WEATHER = ToolUseStart("t1", "weather")


def steps(parts: Sequence[Part]) -> list[Step]:
    stream = Steps()
    return [step for part in parts for step in stream.after(part)]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([END], Completion((), "end_turn", USAGE)),
        ([Prompt(3), Token("a"), Token(" b"), END], Completion((Text("a b"),), "end_turn", USAGE)),
        (
            [Token("x"), Stop("stop_sequence", USAGE, "END")],
            Completion((Text("x"),), "stop_sequence", USAGE, "END"),
        ),
        (
            [Token("x"), WEATHER, ToolUseInput('{"a"'), ToolUseInput(":1}"), Stop("tool_use", USAGE)],
            Completion((Text("x"), ToolUse("t1", "weather", {"a": 1})), "tool_use", USAGE),
        ),
        (
            [WEATHER, ToolUseStart("t2", "time"), ToolUseInput("{}"), Token("y"), Stop("tool_use", USAGE)],
            Completion((ToolUse("t1", "weather", {}), ToolUse("t2", "time", {}), Text("y")), "tool_use", USAGE),
        ),
        (
            [Token("x"), WEATHER, ToolUseInput("{no"), Stop("tool_use", USAGE)],
            Completion((Text("x"),), "malformed_tool_use", USAGE),
        ),
        ([WEATHER, ToolUseInput("[1]"), Stop("tool_use", USAGE)], Completion((), "malformed_tool_use", USAGE)),
    ],
)
def test_put_together(parts: Sequence[Part], expected: Completion) -> None:
    assert completed(parts) == expected
    (*_, last) = steps(parts)
    assert last == Ended(expected.reason, USAGE, expected.sequence)


def test_an_answer_without_its_stop_is_none() -> None:
    with pytest.raises(ValueError, match="Stop"):
        completed([Token("a")])


def test_a_stream_of_text_and_tools() -> None:
    parts: list[Part] = [
        Prompt(3),
        Token("a"),
        Token("b"),
        WEATHER,
        ToolUseInput("{}"),
        Token("c"),
        Stop("tool_use", USAGE),
    ]
    assert steps(parts) == [
        Begun(3),
        BlockBegun(0, None),
        TextAdded(0, "a"),
        TextAdded(0, "b"),
        BlockEnded(0),
        BlockBegun(1, WEATHER),
        InputAdded(1, "{}"),
        BlockEnded(1),
        BlockBegun(2, None),
        TextAdded(2, "c"),
        BlockEnded(2),
        Ended("tool_use", USAGE, None),
    ]


@pytest.mark.parametrize(("part", "tokens"), [(END, 3), (Token("a"), 0), (Prompt(7), 7)])
def test_an_answer_begins_with_whatever_comes_first(part: Part, tokens: int) -> None:
    assert steps([part])[0] == Begun(tokens)


PARTS = st.lists(
    st.one_of(
        st.builds(Token, st.text(min_size=1, max_size=3)),
        st.tuples(
            st.builds(ToolUseStart, st.just("id"), st.just("name")),
            st.builds(
                lambda value: ToolUseInput(orjson.dumps(value).decode()),
                st.one_of(st.dictionaries(st.text(max_size=2), st.integers(0, 9), max_size=2), st.integers(0, 9)),
            ),
        ),
    ),
    max_size=8,
).map(lambda found: [part for each in found for part in (each if isinstance(each, tuple) else (each,))])


@given(PARTS)
def test_whole_and_stream_agree(parts: list[Part]) -> None:
    whole, stream = completed([*parts, END]), steps([*parts, END])
    assert "".join(step.text for step in stream if isinstance(step, TextAdded)) == whole.text
    begun = [step.index for step in stream if isinstance(step, BlockBegun)]
    assert begun == [step.index for step in stream if isinstance(step, BlockEnded)] == list(range(len(begun)))
    ended = stream[-1]
    assert isinstance(ended, Ended)
    assert ended.reason == whole.reason
    open_at = -1
    for step in stream:  # what is added is added to the block that is open
        if isinstance(step, BlockBegun):
            open_at = step.index
        elif isinstance(step, TextAdded | InputAdded | BlockEnded):
            assert step.index == open_at
