"""Reading templates: short tags, lines, what is broken, and what is meant to hurt."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ProjectLimits
from callpark.projects.document import Value, read_json, read_yaml

pytestmark = pytest.mark.unit

LIMITS = ProjectLimits()


def yaml_of(text: str) -> dict[str, Value]:
    return read_yaml(text, "template.yaml", LIMITS).values


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("!Ref A", {"Ref": "A"}),
        ("!Condition A", {"Condition": "A"}),
        ("!GetAtt A.Arn", {"Fn::GetAtt": ["A", "Arn"]}),
        ("!GetAtt A.Outputs.B", {"Fn::GetAtt": ["A", "Outputs.B"]}),
        ("!GetAtt [A, !Ref B]", {"Fn::GetAtt": ["A", {"Ref": "B"}]}),
        ("!Sub '${A}/x'", {"Fn::Sub": "${A}/x"}),
        ("!Sub ['${x}', {x: !Ref A}]", {"Fn::Sub": ["${x}", {"x": {"Ref": "A"}}]}),
        ("!Join [',', [a, !Ref B]]", {"Fn::Join": [",", ["a", {"Ref": "B"}]]}),
        ("!If [A, 1, !Ref AWS::NoValue]", {"Fn::If": ["A", 1, {"Ref": "AWS::NoValue"}]}),
        ("!Base64 {Ref: A}", {"Fn::Base64": {"Ref": "A"}}),
        ("2010-09-09", "2010-09-09"),
        ("'3'", "3"),
        ("3", 3),
        ("0.5", 0.5),
        ("true", True),
        ("", None),
        ("~", None),
        ("!!str 3", "3"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_values(written: str, value: Value) -> None:
    assert yaml_of(f"A: {written}") == {"A": value}


def test_anchors_and_merges_are_expanded() -> None:
    values = yaml_of("base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: *b\n")
    assert values == {"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 3}, "two": {"x": 1, "y": 2}}
    assert values["two"] is not values["base"]


def test_lines_are_kept() -> None:
    lines = read_yaml("A:\n  B:\n    - x\n    - !Ref C\n", "t", LIMITS).lines
    assert lines[("A",)] == 1
    assert lines[("A", "B")] == 2
    assert lines[("A", "B", 1)] == 4


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("A: [1, 2\nB: 3\n", "t.yaml:2:2: the YAML cannot be read: did not find expected ',' or ']'"),
        ("A: 'x\n", "t.yaml:2:1: the YAML cannot be read: found unexpected end of stream"),
        ("A:\n\t- x\n", "t.yaml:2:1: the YAML cannot be read: found character that cannot start any token"),
        ("A: !Foo x\n", "t.yaml:1:4: the tag !Foo is unknown"),
        ("A: 1\nA: 2\n", "t.yaml:2:1: the key 'A' stands twice in this mapping"),
        ("A: *x\n", "t.yaml:1:4: the alias *x has no anchor before it"),
        ("? [a]\n: 1\n", "t.yaml:1:3: a key of a mapping must be a text"),
        ("A: 1\n---\nB: 2\n", "t.yaml:2:1: a second document begins here"),
        ("- 1\n", "t.yaml: a template is a mapping at the top, not a list"),
        ("x\n", "t.yaml: a template is a mapping at the top, not a text"),
        ("A: {<<: 3}\n", "t.yaml:1:5: << merges mappings only"),
    ],
)
def test_broken_yaml_names_its_place(text: str, cause: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read_yaml(text, "t.yaml", LIMITS)
    assert caught.value.cause == cause
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{"A": 1,}', "t.json:1:9: the JSON cannot be read: Illegal trailing comma before end of object"),
        ('{"A":\n x}', "t.json:2:2: the JSON cannot be read: Expecting value"),
        ('{"A": {"\\ud800": 1}}', "t.json: a text holds half"),
        ('{"A": ["\\udfff"]}', "t.json: a text holds half"),
        ("[]", "t.json: a template is a mapping at the top, not a list"),
    ],
)
def test_broken_json_names_its_place(text: str, cause: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read_json(text, "t.json", LIMITS)
    # Python's versions word the problem differently; the place is what matters.
    assert caught.value.cause.partition(": ")[0] == cause.partition(": ")[0]


def test_an_alias_bomb_is_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(ProjectError, match=r"more than 250000 values, aliases expanded"):
        yaml_of("\n".join(lines))


@pytest.mark.parametrize("depth", [101, 5_000, 200_000])
def test_depth_is_bounded(depth: int) -> None:
    with pytest.raises(ProjectError, match="nested deeper than 100 levels"):
        yaml_of("A: " + "[" * depth + "]" * depth)
    with pytest.raises(ProjectError):
        read_json('{"A":' + "[" * depth + "]" * depth + "}", "t.json", LIMITS)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1, max_size=6).filter(lambda key: key != "<<"), plain, min_size=1, max_size=4))
def test_json_reads_the_same_through_both_readers(values: dict[str, Value]) -> None:
    """JSON in ASCII is YAML too."""
    text = json.dumps(values)
    if "<<" not in text and "\\u" not in text:
        assert yaml_of(text) == values
    assert read_json(text, "t", LIMITS).values == values


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for reader in (read_yaml, read_json):
        with contextlib.suppress(ProjectError):
            assert isinstance(reader(text, "t", LIMITS).values, dict)
