"""Stop sequences in a text that comes in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.models.stopping import StopText, finished, spoken

pytestmark = pytest.mark.unit


def _run(pieces: list[str], sequences: tuple[str, ...]) -> tuple[list[str], str | None]:
    state, said = StopText(sequences), []
    for piece in pieces:
        state, text = spoken(state, piece)
        said.append(text)
    state, text = finished(state)
    return [*said, text], state.met


@pytest.mark.parametrize(
    ("pieces", "sequences", "said", "met"),
    [
        (["a", "b"], (), ["a", "b", ""], None),
        (["one ", "END", " two"], ("END",), ["one ", "", "", ""], "END"),
        (["one E", "N", "D two"], ("END",), ["one ", "", "", ""], "END"),
        (["one E", "N", "X"], ("END",), ["one ", "", "ENX", ""], None),
        (["E", "EN", "D"], ("END",), ["", "E", "", ""], "END"),
        (["xENDySTOP"], ("STOP", "END"), ["x", ""], "END"),
        (["xEND"], ("END", "E"), ["x", ""], "END"),
        (["the EN"], ("END",), ["the ", "EN"], None),
        (["aab"], ("aabb", "ab"), ["", "a"], "ab"),
        (["aab", "c"], ("aabd", "bc"), ["", "aa", ""], "bc"),
    ],
)
def test_what_is_said(pieces: list[str], sequences: tuple[str, ...], said: list[str], met: str | None) -> None:
    assert _run(pieces, sequences) == (said, met)


@given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3), st.data())
def test_cutting_a_text_into_pieces_changes_nothing(text: str, sequences: list[str], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    said, met = _run(pieces, tuple(sequences))
    starts = [at for sequence in sequences if (at := text.find(sequence)) >= 0]
    if met is None:
        assert not starts
        assert "".join(said) == text
    else:
        assert "".join(said) == text[: min(starts)]
        assert text.startswith(met, min(starts))
