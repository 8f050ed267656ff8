"""Places of actions in the text of a flow file, and what silences a finding."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows.checking.positions import located, positions
from callpark.flows.checking.rules import Finding
from callpark.flows.checking.verdict import counted, heeded, is_refused
from callpark.kernel.errors import ProjectError

pytestmark = pytest.mark.unit

TEXT = """{
  "Metadata": {"Actions": {"x": [{}]}, "note": "\\"Actions\\": [{}]"},
  "Version": "2019-10-30", "Actions": [
    {"Identifier": "a", "Parameters": {"Actions": [{}, {}]}},
      {
        "Identifier": "b c"
      }, {"Identifier": "é"}
  ], "More": [{}]
}
"""


def test_the_brace_of_each_action() -> None:
    assert positions(TEXT) == {0: (4, 5), 1: (5, 7), 2: (7, 10)}
    for index, (line, column) in positions(TEXT).items():
        assert TEXT.splitlines()[line - 1][column - 1] == "{", index


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"Actions"', '{"Actions": [', '{"Actions": {}}', "}}}]]", '{"Actions": "x"}']
)
def test_what_is_no_flow_has_no_places(text: str) -> None:
    assert positions(text) == {}


json_values = st.recursive(
    st.one_of(st.none(), st.integers(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(max_size=9), json_values, max_size=3), min_size=1, max_size=5), st.booleans())
def test_as_many_places_as_actions_however_it_is_written(actions: list[dict[str, object]], wide: bool) -> None:
    text = json.dumps({"Version": "x", "Actions": actions}, indent=2 if wide else None, ensure_ascii=not wide)
    lines = text.split("\n")
    found = positions(text)
    assert len(found) == len(actions)
    assert all(lines[line - 1][column - 1] == "{" for line, column in found.values())


@pytest.mark.parametrize(
    ("text", "identifier", "place"),
    [
        ('Content: |\n  {"Actions": [{"Identifier": "my block"}]}', "my block", (2, 18)),
        ("Actions:\n  - Identifier: greet\n  - Identifier: greet-2", "greet-2", (3, 5)),
        ('"{\\"Identifier\\":\\"a\\"}"', "a", (1, 5)),
        ("nothing", "a", None),
        ('{"Identifier": "a.c"}', "abc", None),
    ],
)
def test_an_identifier_in_a_template(text: str, identifier: str, place: tuple[int, int] | None) -> None:
    assert located(text, "line", identifier) == place


def test_flows_of_a_template_that_share_an_identifier() -> None:
    text = "Name: one\nIdentifier: a\nName: other\nIdentifier: b\nName: two\nIdentifier: a\n"
    assert located(text, "one", "a") == (2, 1)
    assert located(text, "two", "a") == (6, 1)
    assert located(text, "two", "b") == (4, 1)


def test_hostile_json_is_read_in_one_go() -> None:
    assert positions("[" * 200_000) == {}
    assert len(positions('{"Actions": [' + ",".join(["{}"] * 50_000) + "]}")) == 50_000


def finding(code: str, flow: str = "line", action: str = "a", severity: str = "warning") -> Finding:
    assert severity in ("error", "warning", "note")
    return Finding(code, severity, flow, action, "Wait", 0, "message", "why", "remedy")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ignored", "left"),
    [
        ([], ["CP301", "CP301", "CP302"]),
        (["CP301"], ["CP302"]),
        (["CP301:line"], ["CP301", "CP302"]),
        (["CP301:line/a b/c", "CP302"], ["CP301"]),
        (["CP301:line/other"], ["CP301", "CP301", "CP302"]),
    ],
)
def test_what_is_silenced(ignored: list[str], left: list[str]) -> None:
    found = [finding("CP301", "line", "a b/c"), finding("CP301", "other"), finding("CP302")]
    assert [item.code for item in heeded(found, ignored)] == left


@pytest.mark.parametrize("pattern", ["CP999", "silence", "CP301:", "CP301/x", ""])
def test_a_pattern_that_is_none(pattern: str) -> None:
    with pytest.raises(ProjectError, match="no finding to ignore"):
        heeded([], [pattern])


@pytest.mark.parametrize(
    ("severities", "refused", "strictly"),
    [([], False, False), (["note"], False, False), (["warning"], False, True), (["note", "error"], True, True)],
)
def test_what_refuses(severities: list[str], refused: bool, strictly: bool) -> None:
    found = [finding("CP301", severity=severity) for severity in severities]
    assert is_refused(found, strict=False) is refused
    assert is_refused(found, strict=True) is strictly
    assert sum(counted(found).values()) == len(found)
