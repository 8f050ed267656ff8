"""Subscription arguments against published values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.realtime.matching import equal, matches

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("arguments", "value", "expected"),
    [
        ({}, {"id": "1"}, True),
        ({}, "a scalar", True),
        ({}, None, True),
        ({"id": "1"}, {"id": "1", "x": 2}, True),
        ({"id": "1"}, {"id": "2"}, False),
        ({"id": "1"}, {"x": "1"}, False),
        ({"id": "1"}, {"id": None}, False),
        ({"id": None}, {"id": None}, True),
        ({"id": None}, {"x": 1}, True),
        ({"id": None}, {"id": "1"}, False),
        ({"id": "1"}, "1", False),
        ({"id": None}, "1", True),
        ({"id": "1"}, [{"id": "1"}], False),
        ({"a": "1", "b": 2}, {"a": "1", "b": 2}, True),
        ({"a": "1", "b": 2}, {"a": "1", "b": 3}, False),
        ({"n": 1}, {"n": 1.0}, True),
        ({"n": 1}, {"n": True}, False),
        ({"n": True}, {"n": 1}, False),
        ({"n": False}, {"n": False}, True),
        ({"n": 0}, {"n": False}, False),
        ({"id": "1"}, {"id": 1}, False),
        ({"id": "A"}, {"id": "a"}, False),
        ({"tags": ["a", "b"]}, {"tags": ["a", "b"]}, True),
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}, False),
        ({"where": {"x": 1}}, {"where": {"x": 1}}, True),
        ({"where": {"x": 1}}, {"where": {"x": 1, "y": None}}, False),
    ],
)
def test_matches(arguments: dict[str, object], value: object, expected: bool) -> None:
    assert matches(arguments, value) is expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(json_values, json_values)
def test_equality_is_reflexive_and_symmetric(one: object, other: object) -> None:
    assert equal(one, one)
    assert equal(one, other) is equal(other, one)


@given(st.dictionaries(st.text(max_size=2), json_values, max_size=4))
def test_a_value_matches_its_own_fields(value: dict[str, object]) -> None:
    assert matches(value, value)
