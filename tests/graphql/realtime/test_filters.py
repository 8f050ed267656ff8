"""Enhanced filters: every operator, groups, nested fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.realtime.filters import OPERATORS, excess, passes, surprises
from callpark.kernel.limits import AppSyncLimits

pytestmark = pytest.mark.unit

VALUE = {
    "severity": 7,
    "title": "Engine room",
    "open": True,
    "tags": ["fire", "smoke"],
    "nothing": None,
    "at": {"deck": {"level": 3}},
    "items": [{"id": 1}],
}


def one(field: str, operator: str, value: object) -> dict[str, object]:
    return {"filterGroup": [{"filters": [{"fieldName": field, "operator": operator, "value": value}]}]}


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("severity", "eq", 7, True),
        ("severity", "eq", 7.0, True),
        ("severity", "eq", "7", False),
        ("open", "eq", True, True),
        ("open", "eq", 1, False),
        ("nothing", "eq", None, True),
        ("absent", "eq", None, True),
        ("severity", "ne", 8, True),
        ("severity", "ne", 7, False),
        ("absent", "ne", 7, True),
        ("severity", "lt", 8, True),
        ("severity", "lt", 7, False),
        ("severity", "le", 7, True),
        ("severity", "lte", 7, True),
        ("severity", "gt", 6, True),
        ("severity", "gt", 7, False),
        ("severity", "ge", 7, True),
        ("severity", "gte", 8, False),
        ("title", "gt", "Deck", True),
        ("title", "gt", 1, False),
        ("open", "ge", 0, False),
        ("absent", "lt", 8, False),
        ("title", "contains", "room", True),
        ("title", "contains", "Room", False),
        ("tags", "contains", "fire", True),
        ("tags", "contains", "fir", False),
        ("severity", "contains", 7, False),
        ("title", "notContains", "cabin", True),
        ("tags", "notContains", "fire", False),
        ("absent", "notContains", "fire", False),
        ("title", "beginsWith", "Engine", True),
        ("title", "beginsWith", "room", False),
        ("severity", "beginsWith", "7", False),
        ("severity", "in", [1, 7], True),
        ("severity", "in", [1, 2], False),
        ("severity", "in", 7, False),
        ("severity", "notIn", [1, 2], True),
        ("severity", "notIn", [7], False),
        ("severity", "between", [7, 9], True),
        ("severity", "between", [1, 7], True),
        ("severity", "between", [8, 9], False),
        ("severity", "between", [7], False),
        ("tags", "containsAny", ["water", "smoke"], True),
        ("tags", "containsAny", ["water"], False),
        ("at.deck.level", "eq", 3, True),
        ("at.deck.missing", "eq", 3, False),
        ("a.b.c.d.e.f", "eq", "deeper than five levels is ignored", True),
        ("severity", "approximately", 7, False),
    ],
)
def test_operators(field: str, operator: str, value: object, expected: bool) -> None:
    assert passes(one(field, operator, value), VALUE) is expected


def test_filters_of_a_group_all_hold_and_any_group_will_do() -> None:
    right = {"fieldName": "severity", "operator": "eq", "value": 7}
    wrong = {"fieldName": "severity", "operator": "eq", "value": 8}
    assert passes({"filterGroup": [{"filters": [right, right]}]}, VALUE)
    assert not passes({"filterGroup": [{"filters": [right, wrong]}]}, VALUE)
    assert passes({"filterGroup": [{"filters": [wrong]}, {"filters": [right]}]}, VALUE)


@pytest.mark.parametrize("value", [[VALUE], "text", None, 7])
def test_only_objects_pass_a_filter(value: object) -> None:
    assert not passes(one("severity", "ne", 8), value)


@pytest.mark.parametrize("filter", [{}, {"filterGroup": None}, {"filterGroup": []}])
def test_a_filter_without_groups_lets_everything_through(filter: dict[str, object]) -> None:
    assert passes(filter, "anything")


@pytest.mark.parametrize("group", [None, 1, {}, {"filters": None}, {"filters": [None]}, {"filters": [{}]}])
def test_a_malformed_group_never_holds(group: object) -> None:
    assert not passes({"filterGroup": [group]}, VALUE)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(OPERATORS)), json_values, json_values)
def test_no_operator_raises_and_opposites_never_both_hold(operator: str, found: object, wanted: object) -> None:
    opposites = {"eq": "ne", "contains": "notContains", "in": "notIn", "lt": "ge", "gt": "le"}
    holds = OPERATORS[operator](found, wanted)
    if operator in opposites:
        assert not (holds and OPERATORS[opposites[operator]](found, wanted))


@pytest.mark.parametrize(
    ("filter", "told"),
    [
        (one("severity", "ge", 7), []),
        ({"filterGroup": []}, []),
        ({"filterGroups": []}, ["it has no filterGroup, so everything is delivered"]),
        (one("a.b.c.d.e", "eq", 1), []),
        (one("a.b.c.d.e.f", "eq", 1), ["a.b.c.d.e.f has more than 5 levels and is ignored, as AppSync ignores it"]),
        ({"filterGroup": [1, {"filters": [2]}]}, []),
    ],
)
def test_what_a_filter_says_in_vain_is_told(filter: dict[str, object], told: list[str]) -> None:
    assert list(surprises(filter)) == told


def test_a_misspelt_operator_is_named_with_those_there_are() -> None:
    (told,) = surprises(one("severity", "greaterThan", 7))
    assert told.startswith("severity: there is no operator greaterThan, so nothing passes; there is eq, ne, lt,")


@pytest.mark.parametrize(("operator", "most"), [("in", 5), ("notIn", 5), ("containsAny", 20)])
def test_an_operator_takes_so_many_values(operator: str, most: int) -> None:
    said = f"subscription exceeds maximum value limit {most} for operator `{operator}`."
    assert excess(one("title", operator, ["x"] * most), AppSyncLimits()) is None
    assert excess(one("title", operator, ["x"] * (most + 1)), AppSyncLimits()) == said
    assert excess(one("title", operator, "x" * (most + 1)), AppSyncLimits()) is None


@pytest.mark.parametrize("filter", [{}, {"filterGroup": 1}, {"filterGroup": [{"filters": 1}, 2, {"filters": [3]}]}])
def test_what_is_no_filter_has_no_excess(filter: dict[str, object]) -> None:
    assert excess(filter, AppSyncLimits()) is None
