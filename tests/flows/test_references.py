"""References and the text they stand in (connect reference §6)."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows.references import as_text, template

pytestmark = pytest.mark.unit

VALUES: dict[str, object] = {
    "Attributes": {"my key": "spaced", "Language": "en", "user-name": "Ada", "empty": "", "null": None},
    "External": {"status-code": 200, "ratio": 200.0, "third": 0.5, "ok": True, "list": ["a", "b"], "deep": {"x": 1}},
    "AwsRegion": "eu-west-2",
    "StoredCustomerInput": "12",
}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plain", "plain"),
        ("$.Attributes.Language", "en"),
        ("$.Attributes['my key']", "spaced"),
        ("$.Attributes.['my key']", "spaced"),
        ("$['Attributes']['Language']", "en"),
        ('$.Attributes["Language"]', "en"),
        ("Hello $.Attributes.user-name, welcome", "Hello Ada, welcome"),
        ("Region $.AwsRegion.", "Region eu-west-2."),
        ("arn:aws:lambda:$.AwsRegion:1:function:f", "arn:aws:lambda:eu-west-2:1:function:f"),
        ("<p>$.AwsRegion</p>", "<p>eu-west-2</p>"),
        ("$.AwsRegion/$.StoredCustomerInput", "eu-west-2/12"),
        ("`$.External.list.0` and $.External.list[1]", "a and b"),
        ("code $.External.status-code ratio $.External.ratio", "code 200 ratio 200"),
        ("$.External.third $.External.ok $.External.deep", '0.5 true {"x":1}'),
        ("[$.Attributes.nobody]", "[]"),
        ("[$.Attributes.null]", "[]"),
        ("[$.Nowhere.at.all]", "[]"),
        ("it costs $.50 or $5", "it costs $.50 or $5"),
        ("$.External.list.7$.External.list.x", ""),
    ],
)
def test_text(source: str, expected: str) -> None:
    assert template(source).text(VALUES.get) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$.External.status-code", 200),
        ("$.External.ok", True),
        ("$.External.deep", {"x": 1}),
        ("`$.External.list.1`", "b"),
        ("$.External.nothing", None),
        ("$.StoredCustomerInput", "12"),
        ("x$.StoredCustomerInput", "x12"),
        ("fixed", "fixed"),
    ],
)
def test_a_whole_reference_keeps_its_type(source: str, expected: object) -> None:
    assert template(source).value(VALUES.get) == expected


def test_values_are_escaped_in_ssml_and_markup_is_not() -> None:
    values = {"Attributes": {"name": "<Tom & Jerry>"}}
    assert template("<speak>$.Attributes.name</speak>").xml(values.get) == "<speak>&lt;Tom &amp; Jerry&gt;</speak>"


def test_what_a_template_refers_to() -> None:
    compiled = template("a $.Attributes.x b $['External']['y z']")
    assert compiled.paths() == [("Attributes", "x"), ("External", "y z")]
    assert compiled.fixed is None
    assert template("only text").fixed == "only text"
    assert template("").fixed == ""


@given(st.text())
def test_text_without_references_is_itself(source: str) -> None:
    compiled = template(source)
    if compiled.fixed is not None:
        assert compiled.text(VALUES.get) == source
        assert compiled.value(VALUES.get) == source


@given(st.text(alphabet="$.'[]`abcA0-_ \"", max_size=40))
def test_no_text_breaks_the_syntax(source: str) -> None:
    rest = "".join(piece for piece in template(source).pieces if isinstance(piece, str))
    assert len(rest) <= len(source)
    template(source).text(VALUES.get)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_every_json_value_has_a_text(value: object) -> None:
    text = as_text(value)
    if isinstance(value, dict | list):
        assert orjson.loads(text) == value
    assert not (isinstance(value, float) and text.endswith(".0"))
