"""Flows made to be endless work: every check ends in bounded time, whatever the flow is."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.flows.checking.graph import circles, components, walk
from callpark.flows.checking.table import check_flow
from callpark.flows.checking.view import Known, view_of
from callpark.flows.language import Flow, read_flow
from tests.flows.building import Action, action, definition, flow, hang_up, invoke, invoke_async, keep, say, wait
from tests.flows.checking.looking import look

pytestmark = pytest.mark.unit

LATEST = "$.LambdaInvocation.InvocationId"


def codes(*actions: Action) -> set[str]:
    return {item.code for item in look(*actions)}


def dense(count: int, make: Callable[[str, str], Action]) -> list[Action]:
    """Actions each of which leads to every other."""
    names = [f"a{index}" for index in range(count)]
    made = [make(name, names[(index + 1) % count]) for index, name in enumerate(names)]
    for one in made:
        transitions = one["Transitions"]
        assert isinstance(transitions, dict)
        transitions["Conditions"] = [
            {"NextAction": name, "Condition": {"Operator": "Equals", "Operands": [name]}} for name in names
        ]
    return made


@pytest.mark.parametrize(
    "make",
    [
        lambda name, then: invoke_async(name, then, then),
        lambda name, then: invoke(name, then, then),
        lambda name, then: keep(name, then, **{name: LATEST, "other": f"$.FlowAttributes.{name}"}),
        lambda name, then: action(name, "Loop", {"LoopCount": "100"}, then, errors={}),
        lambda name, then: wait(name, events={"E": (LATEST, then)}, continuing=then, completed=then),
        lambda name, then: action(name, "InvokeFlowModule", {"FlowModuleId": "m"}, then, errors={"E": then}),
    ],
)
def test_a_hundred_actions_that_all_lead_to_each_other(make: Callable[[str, str], Action]) -> None:
    assert look(*dense(100, make))


def test_copies_of_copies_of_ids() -> None:
    """Every block copies every id: facts would grow with the square of the flow."""
    attributes = {f"k{index}": f"$.FlowAttributes.k{index + 1}" for index in range(200)}
    many = [
        block
        for index in range(60)
        for block in (
            invoke_async(f"i{index}", f"s{index}", "bye"),
            keep(f"s{index}", f"i{(index + 1) % 60}", **{**attributes, f"k{index}": LATEST}),
        )
    ]
    assert {"CP211", "CP005"} & codes(*many, hang_up())


def test_a_flow_far_beyond_the_limit_is_not_followed() -> None:
    chain = [say(f"a{index}", "Hi.", f"a{index + 1}") for index in range(3_000)]
    assert codes(*chain, say("a3000", "Hi.", "bye"), hang_up()) == {"CP002", "CP005"}


def test_loops_within_loops() -> None:
    deep = [
        action(f"l{index}", "Loop", {"LoopCount": "100"}, f"l{index - 1}" if index else "bye", errors={}, when=when)
        for index in range(100)
        for when in [{"ContinueLooping": f"l{index + 1}", "DoneLooping": f"l{index - 1}" if index else "bye"}]
    ]
    assert look(*deep, invoke("l100", "l99", "l99"), hang_up())


def test_hostile_names_and_texts() -> None:
    odd = say("__proto__", "$.['a'].b `$.External.x` $.External[9999999999]", "constructor")
    names = codes(odd, say("constructor", "$" * 10_000, "bye"), hang_up())
    assert "CP002" in names


NAMES = [f"n{index}" for index in range(8)]
TYPES = ["MessageParticipant", "InvokeLambdaFunction", "Wait", "Loop", "Compare", "UpdateFlowAttributes", "Nonsense"]


@st.composite
def anything(draw: st.DrawFn) -> Flow:
    """Any graph of any blocks, parameters mostly nonsense."""
    made = []
    for name in NAMES:
        targets = st.sampled_from([*NAMES, "", "nowhere"])
        transitions: dict[str, object] = {"NextAction": draw(targets)}
        transitions["Conditions"] = [
            {"NextAction": draw(targets), "Condition": {"Operator": "Equals", "Operands": [draw(st.text(max_size=3))]}}
            for _ in range(draw(st.integers(0, 3)))
        ]
        kinds = st.sampled_from(["NoMatchingError", "InProgress", "InputTimeLimitExceeded"])
        transitions["Errors"] = [{"ErrorType": draw(kinds), "NextAction": draw(targets)}]
        parameters = draw(
            st.dictionaries(
                st.sampled_from(["Text", "LoopCount", "TimeLimitSeconds", "InvocationType", "FlowAttributes"]),
                st.one_of(st.sampled_from(["3", "ASYNCHRONOUS", LATEST, ""]), st.integers(), st.none(), st.just([1])),
                max_size=3,
            )
        )
        type_ = draw(st.sampled_from(TYPES))
        made.append({"Identifier": name, "Type": type_, "Parameters": parameters, "Transitions": transitions})
    document = {"Version": "2019-10-30", "StartAction": draw(st.sampled_from([*NAMES, "nowhere"])), "Actions": made}
    plain = definition(hang_up())
    return read_flow(type(plain)(plain.name, plain.arn, json.dumps(document), plain.type))


@given(anything())
@settings(max_examples=150, deadline=None)
def test_no_flow_breaks_a_check_and_the_same_flow_gives_the_same_findings(made: Flow) -> None:
    given_ = definition(hang_up())
    assert check_flow(made, given_, Known(functions={})) == check_flow(made, given_, Known(functions={}))


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3), min_size=1))
def test_components_are_what_reaches_each_other(arcs: dict[str, list[str]]) -> None:
    def following(name: str) -> list[str]:
        return [target for target in arcs.get(name, []) if target in arcs]

    found = components(list(arcs), following)
    assert sorted(name for part in found for name in part) == sorted(arcs)
    place = {name: index for index, part in enumerate(found) for name in part}
    for name in arcs:
        reached = walk([name], following)
        together = {other for other in reached if name in walk([other], following)}
        assert {other for other in arcs if place[other] == place[name]} == together
        assert all(place[target] <= place[name] for target in following(name))
    round_ = {name for part in circles(list(arcs), following) for name in part}
    assert round_ == {name for name in arcs if name in walk(following(name), following)}


def test_distances_count_the_rounds_of_a_loop() -> None:
    made = flow(
        action(
            "l", "Loop", {"LoopCount": "4"}, "bye", errors={}, when={"ContinueLooping": "say", "DoneLooping": "bye"}
        ),
        say("say", "word " * 17, "l"),
        hang_up(),
    )
    view = view_of(made, Known())
    one = view.pace["say"].least
    assert one == pytest.approx(6.0)
    assert view.distances.since("l")["bye"] == pytest.approx(4 * one)
    assert view.distances.since("say")["bye"] == pytest.approx(5 * one)
