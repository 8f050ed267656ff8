"""Trace entries → rows and seconds of silence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows.happenings import (
    ContactEnded,
    ContactStarted,
    FlowHappening,
    FunctionEnded,
    FunctionStarted,
    KeysEnded,
    KeysWanted,
    KeyTaken,
    SpeechStopped,
    Spoken,
    WaitEnded,
    WaitEntered,
)
from callpark.flows.timeline import FunctionRow, Gap, InputRow, KeyRow, PromptRow, Timeline, WaitRow, timeline
from callpark.kernel.trace import Entry
from tests.flows.building import function_arn

pytestmark = pytest.mark.unit

STARTED = ContactStarted("c", "flow", None, None)
ENDED = ContactEnded("c", "CUSTOMER_DISCONNECT", "detail")


def spoken(seconds: float, words: int = 2) -> Spoken:
    return Spoken("c", "text", "some words" if words else "", seconds, words)


def drawn(*happenings: tuple[float, FlowHappening]) -> Timeline:
    return timeline(Entry(number, at, happening) for number, (at, happening) in enumerate(happenings))


def test_every_row() -> None:
    found = drawn(
        (10, STARTED),
        (10, spoken(5)),
        (10, KeysWanted("c")),
        (12, KeyTaken("c", "1", True)),
        (12, SpeechStopped("c")),
        (13, KeysEnded("c", "1", "stored")),
        (13, FunctionStarted("c", "id", function_arn("F"), True, 60)),
        (13, WaitEntered("c", "wait", 60, True)),
        (13, spoken(4)),
        (16, FunctionEnded("c", "id", function_arn("F"), "succeeded", "")),
        (16, SpeechStopped("c")),
        (16, WaitEnded("c", "wait", "Returned")),
        (18, KeyTaken("c", "9", False)),
        (20, ENDED),
    )
    assert found == Timeline(
        flow="flow",
        start=10,
        end=20,
        reason="CUSTOMER_DISCONNECT",
        detail="detail",
        prompts=(PromptRow(10, 12, "some words", 2, True), PromptRow(13, 16, "some words", 2, True)),
        functions=(FunctionRow("id", "F", True, 13, 16, "succeeded"),),
        keys=(KeyRow(12, "1", True), KeyRow(18, "9", False)),
        inputs=(InputRow(10, 13, "1", "stored"),),
        waits=(WaitRow(13, 16, "Returned"),),
    )
    assert found.seconds == 10
    assert found.silences == (Gap(16, 20),)
    assert found.seconds_of_silence == 4


def test_pauses_are_silence_and_keying_is_not() -> None:
    found = drawn(
        (0, STARTED),
        (0, spoken(2, words=0)),
        (2, spoken(1)),
        (3, KeysWanted("c")),
        (7, KeysEnded("c", "", "Timeout")),
        (9, ENDED),
    )
    assert found.silences == (Gap(0, 2), Gap(7, 9))


def test_a_prompt_ends_with_the_call() -> None:
    found = drawn((0, STARTED), (0, spoken(10)), (4, ENDED))
    assert found.prompts == (PromptRow(0, 4, "some words", 2, True),)
    assert found.seconds_of_silence == 0


def test_a_prompt_that_was_told_late_is_not_cut_off() -> None:
    found = drawn((0, STARTED), (0.03, spoken(5)), (5, spoken(3)), (7.99, ENDED))
    assert found.prompts == (PromptRow(0.03, 5, "some words", 2, False), PromptRow(5, 7.99, "some words", 2, False))


def test_a_call_that_goes_on() -> None:
    found = drawn(
        (0, STARTED),
        (0, KeysWanted("c")),
        (1, WaitEntered("c", "w", 5, False)),
        (2, FunctionStarted("c", "i", "x", False, 8)),
    )
    assert (found.end, found.reason) == (2, "")
    assert found.inputs == (InputRow(0, 2, "", ""),)
    assert found.waits == (WaitRow(1, 2, ""),)
    assert found.functions == (FunctionRow("i", "x", False, 2),)


def test_nothing_at_all() -> None:
    assert drawn().seconds == 0


@given(
    st.lists(
        st.tuples(
            st.floats(0, 5),
            st.sampled_from(
                [spoken(3), spoken(2, words=0), SpeechStopped("c"), KeysWanted("c"), KeysEnded("c", "", "")]
            ),
        ),
        max_size=20,
    )
)
def test_silence_is_what_prompts_and_input_leave(steps: list[tuple[float, FlowHappening]]) -> None:
    at = 0.0
    entries: list[tuple[float, FlowHappening]] = [(0.0, STARTED)]
    for pause, happening in steps:
        at += pause
        entries.append((at, happening))
    found = drawn(*entries, (at + 1, ENDED))
    assert 0 <= found.seconds_of_silence <= found.seconds + 1e-9
    for gap in found.silences:
        assert gap.start < gap.end
        busy = [(row.start, row.end) for row in found.prompts if row.words]
        for start, end in busy + [(row.start, row.end) for row in found.inputs]:
            assert end <= gap.start or start >= gap.end or start == end
