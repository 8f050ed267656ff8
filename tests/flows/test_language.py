"""JSON → Flow: wrappers, refusals with file, action, cause and remedy; mutated flows refuse, never crash."""

import copy
import json

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.flows.engine import compiled
from callpark.flows.language import branches, parse_flow
from callpark.flows.model import FlowDefinition
from callpark.flows.validate import validate
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ConnectLimits
from tests.flows.building import ASYNCHRONOUS, Action, action, content, flow, hang_up, say

pytestmark = pytest.mark.unit


def parse(text: str) -> object:
    return parse_flow(FlowDefinition("f", "arn:f", text))


def test_the_bare_envelope() -> None:
    parsed = flow(say("hello there", "Hi", "bye"), hang_up())
    assert parsed.start == "hello there"
    assert list(parsed.actions) == ["hello there", "bye"]
    first = parsed.actions["hello there"]
    assert (first.type, first.index, first.next_action, first.errors) == (
        "MessageParticipant",
        0,
        "bye",
        {"NoMatchingError": "bye"},
    )
    assert branches(first) == [("NextAction", "bye"), ("error NoMatchingError", "bye")]


def test_all_wrappers_read_the_same() -> None:
    bare = content(say("a", "Hi", "bye"), hang_up())
    assert (
        parse(bare)
        == parse(json.dumps({"Name": "n", "Type": "CONTACT_FLOW", "Description": "d", "Content": json.loads(bare)}))
        == parse(json.dumps({"Name": "n", "Content": bare}))
        == parse(json.dumps({"ContactFlow": {"Arn": "a", "Content": bare}}))
    )


def test_metadata_is_not_needed_and_not_read() -> None:
    assert parse(content(hang_up(), Metadata="anything")) == parse(content(hang_up()))


LEGACY = json.dumps(
    {"modules": [{"id": "a", "type": "PlayPrompt"}], "version": "1", "type": "contactFlow", "start": "a"}
)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{", "not JSON"),
        ("[]", "a flow is a JSON object, this is a list"),
        ("null", "this is null"),
        (LEGACY, "legacy export format"),
        ("{}", "flow language version None is unknown"),
        (content(hang_up()).replace("2019-10-30", "2020-01-01"), "version '2020-01-01' is unknown"),
        ('{"Version":"2019-10-30"}', "no list of actions"),
        ('{"Version":"2019-10-30","Actions":[]}', "no list of actions"),
        ('{"Version":"2019-10-30","Actions":[1]}', "Actions[0]: an action is a JSON object, this is a number"),
        (content({"Type": "Wait"}, start="x"), "Actions[0]: the action has no Identifier"),
        (content({"Identifier": "x"}, start="x"), "Actions[0] (x): the action has no Type"),
        (content(action("a", "Wait", {"x": json.loads("[" * 200 + "]" * 200)})), "nested deeper than 100 levels"),
        (content(hang_up("a"), hang_up("a")), "two actions are called 'a'"),
        (content(hang_up(), start=""), "StartAction names no action: ''"),
        (content(say("a", "Hi", "gone")), "NextAction leads to 'gone', which is no action"),
        (content(action("a", "Compare", then="a", when={"x": "gone"})), "condition 'x' leads to 'gone'"),
        (content(action("a", "Compare", then="a", errors={"E": "gone"})), "error E leads to 'gone'"),
        (content({**hang_up("a"), "Parameters": []}), "Parameters is a list, not an object"),
        (content({**hang_up("a"), "Transitions": {"Errors": {}}}), "Errors is an object, not a list"),
        (content({**hang_up("a"), "Transitions": {"NextAction": 5}}), "NextAction is not text"),
        (content({**hang_up("a"), "Transitions": {"Conditions": [{}]}}), "a condition needs Condition and NextAction"),
        (
            content(
                {
                    **hang_up("a"),
                    "Transitions": {"Conditions": [{"NextAction": "a", "Condition": {"Operator": "Equals"}}]},
                }
            ),
            "a condition needs Operator and a list of Operands",
        ),
        (content({**hang_up("a"), "Transitions": {"Errors": [{"ErrorType": "E"}]}}), "needs ErrorType and NextAction"),
    ],
)
def test_refusals(text: str, cause: str) -> None:
    with pytest.raises(ProjectError) as refused:
        parse(text)
    assert cause in refused.value.cause
    assert refused.value.cause.startswith("flow f")
    assert refused.value.remedy


def test_unwired_branches_are_read_and_left_to_validation() -> None:
    parsed = flow(action("a", "MessageParticipant", {"Text": "Hi"}, ""))
    assert parsed.actions["a"].next_action == ""


def test_the_first_of_two_edges_for_one_error_counts() -> None:
    twice: Action = {
        **hang_up("a"),
        "Transitions": {"Errors": [{"ErrorType": "E", "NextAction": "b"}, {"ErrorType": "E", "NextAction": "a"}]},
    }
    assert flow(twice, hang_up("b")).actions["a"].errors == {"E": "b"}


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["$.x", "$.External", "", "TRUE"])
)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


Place = tuple[dict[str, object] | list[object], str | int]


def places(document: object) -> list[Place]:
    """Every member of every object and list in a document."""
    found: list[Place] = []
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found += [(node, key) for key in node]
            waiting += node.values()
        elif isinstance(node, list):
            found += [(node, index) for index in range(len(node))]
            waiting += node
    return found


@st.composite
def mutated_flows(draw: st.DrawFn) -> str:
    """The asynchronous flow with a few places replaced, removed or doubled."""
    document: object = json.loads(content(*ASYNCHRONOUS))
    for _ in range(draw(st.integers(1, 3))):
        node, key = draw(st.sampled_from(places(document)))
        deed = draw(st.sampled_from(["replace", "remove", "swap"]))
        if deed == "remove":
            del node[key]  # type: ignore[arg-type]
        elif deed == "swap":
            other, name = draw(st.sampled_from(places(document)))
            node[key] = copy.deepcopy(other[name])  # type: ignore[index]
        else:
            node[key] = draw(json_values)  # type: ignore[index]
    return json.dumps(document)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_flows())
def test_a_mutated_flow_is_refused_or_runs(text: str) -> None:
    try:
        parsed = parse_flow(FlowDefinition("f", "arn:f", text))
    except ProjectError:
        return
    validate(parsed, ConnectLimits())
    assert set(compiled(parsed).steps) == set(parsed.actions)


@settings(max_examples=200)
@given(st.text() | st.binary(max_size=60).map(lambda data: data.decode("utf-8", "replace")))
def test_any_text_is_refused_or_read(text: str) -> None:
    with pytest.raises(ProjectError):
        parse(text)


def test_numbers_and_booleans_in_place_of_text_are_read() -> None:
    text = orjson.dumps(
        {
            "Version": "2019-10-30",
            "StartAction": "a",
            "Actions": [action("a", "Compare", {"ComparisonValue": "$.External.n"}, "a", when=[("Equals", 5, "a")])],  # type: ignore[list-item]
        }
    ).decode()
    parsed = parse_flow(FlowDefinition("f", "arn:f", text))
    assert parsed.actions["a"].conditions[0].operands == ("5",)
