"""EventBridge's pattern language, operator by operator, and what mappings make of bodies."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.functions.sources.filters import BadPattern, pattern, record_filter

pytestmark = pytest.mark.unit


def matches(rules: object, event: object) -> bool:
    return pattern(json.dumps(rules))(event)


def leaf(rule: object, value: object) -> bool:
    return matches({"a": [rule]}, {"a": value})


@pytest.mark.parametrize(
    ("rule", "taken", "left"),
    [
        ("x", ["x", ["y", "x"]], ["X", "xx", 1, None, True, {"x": 1}, []]),
        ("", [""], ["x", None]),
        (300, [300, 300.0, 3.0e2, [1, 300]], [301, "300", True, None]),
        (1, [1, 1.0], [True, "1"]),
        (True, [True], [False, 1, "true", None]),
        (None, [None], [False, 0, "", "null"]),
        ({"prefix": "ab"}, ["ab", "abc", ["x", "abc"]], ["a", "cab", "ABC", 12]),
        ({"prefix": {"equals-ignore-case": "aB"}}, ["abc", "ABc"], ["cab"]),
        ({"suffix": "bc"}, ["bc", "abc"], ["bcd", "aBC", 1]),
        ({"suffix": {"equals-ignore-case": "bC"}}, ["aBc"], ["bcd"]),
        ({"equals-ignore-case": "Alice"}, ["alice", "ALICE"], ["alic", 1, None]),
        ({"numeric": [">", 0]}, [1, 0.001], [0, -1, "1", True, None]),
        ({"numeric": ["<=", 5]}, [5, -9], [5.1, "5"]),
        ({"numeric": ["=", 3.018e2]}, [301.8], [302]),
        ({"numeric": [">", 0, "<=", 5]}, [0.1, 5, [9, 3]], [0, 5.01, [9, -3]]),
        ({"numeric": ["<", 5, ">=", 1]}, [1, 4.9], [5, 0]),
        ({"cidr": "10.0.0.0/24"}, ["10.0.0.255"], ["10.0.1.0", "x", 1, "10.0.0", "::1"]),
        ({"cidr": "2001:db8::/32"}, ["2001:db8::1"], ["2001:db9::1", "10.0.0.1"]),
        ({"wildcard": "a*c"}, ["ac", "abc", "abcc"], ["ab", "bac", 1]),
        ({"wildcard": "*.png"}, [".png", "a.b.png"], ["a.png.gz"]),
        ({"wildcard": "a*b*c*d"}, ["abcd", "a1b2c3d"], ["acbd", "abc"]),
        ({"wildcard": "aa*aa"}, ["aaaa", "aaxaa"], ["aaa"]),
        ({"wildcard": "a\\*b"}, ["a*b"], ["axb", "ab"]),
        ({"wildcard": "a\\\\*"}, ["a\\b"], ["ab"]),
        ({"exists": True}, ["x", None, 0, ["x"]], [{"b": 1}, []]),
        ({"anything-but": "x"}, ["y", 1, None, ["x", "y"]], ["x", ["x"], {"y": 1}]),
        ({"anything-but": ["x", "y"]}, ["z"], ["x", "y"]),
        ({"anything-but": 100}, [99, "100"], [100, 100.0]),
        ({"anything-but": [100, 200]}, [300], [100, 200]),
        ({"anything-but": {"prefix": "init"}}, ["done", 1], ["initial"]),
        ({"anything-but": {"prefix": ["init", "error"]}}, ["done"], ["initial", "errors"]),
        ({"anything-but": {"suffix": ".txt"}}, ["a.png"], ["a.txt"]),
        ({"anything-but": {"equals-ignore-case": ["INIT", "x"]}}, ["done"], ["init", "X"]),
        ({"anything-but": {"wildcard": ["*/lib/*", "*.so"]}}, ["/bin/x"], ["/usr/lib/x", "y.so"]),
    ],
)  # fmt: skip
def test_operators(rule: object, taken: list[object], left: list[object]) -> None:
    assert [value for value in taken if not leaf(rule, value)] == []
    assert [value for value in left if leaf(rule, value)] == []


@pytest.mark.parametrize("rule", ["x", None, {"prefix": ""}, {"anything-but": "x"}, {"exists": True}])
def test_what_is_not_there_matches_nothing_but_absence(rule: object) -> None:
    assert not matches({"a": [rule]}, {})
    assert not matches({"a": {"b": [rule]}}, {"a": 1})


@pytest.mark.parametrize("event", [{}, {"a": {}}, {"a": {"b": {"c": 1}}}, {"a": 1}, {"a": []}])
def test_absence(event: object) -> None:
    assert matches({"a": {"b": [{"exists": False}]}}, event)
    assert not matches({"a": {"b": [{"exists": False}]}}, {"a": {"b": None}})


@pytest.mark.parametrize(
    ("rules", "event", "verdict"),
    [
        ({"a": ["x"], "b": [1]}, {"a": "x", "b": 1, "c": 0}, True),
        ({"a": ["x"], "b": [1]}, {"a": "x", "b": 2}, False),
        ({"a": ["x", {"prefix": "y"}]}, {"a": "yes"}, True),
        ({"a": {"b": {"c": [1]}}}, {"a": {"b": {"c": 1}}}, True),
        ({"a": {"b": [1]}}, {"a": [{"b": 2}, {"b": 1}]}, True),
        ({"a": {"b": [1], "c": [1]}}, {"a": [{"b": 1}, {"c": 1}]}, False),
        ({"$or": [{"a": [1]}, {"b": [1]}]}, {"b": 1}, True),
        ({"$or": [{"a": [1]}, {"b": [1]}]}, {"a": 2, "b": 2}, False),
        ({"c": [1], "$or": [{"a": [1]}, {"b": [1]}]}, {"a": 1}, False),
        ({"a": {"$or": [{"x": [1]}, {"y": [1]}]}}, {"a": {"y": 1}}, True),
        ({"$or": [1]}, {"$or": 1}, True),
    ],
)  # fmt: skip
def test_members_are_and_lists_are_or(rules: object, event: object, verdict: bool) -> None:
    assert matches(rules, event) is verdict


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "[]", "{}", "1", '"a"', '{"a": 1}', '{"a": "x"}', '{"a": []}', '{"a": {}}', '{"a": [[1]]}',
        '{"a": [{}]}',
        '{"a": [{"prefix": 1}]}', '{"a": [{"prefix": "a", "suffix": "b"}]}', '{"a": [{"between": 1}]}',
        '{"a": [{"exists": "yes"}]}', '{"a": [{"numeric": []}]}', '{"a": [{"numeric": [">"]}]}',
        '{"a": [{"numeric": ["!", 1]}]}', '{"a": [{"numeric": [">", "1"]}]}', '{"a": [{"numeric": [">", 1, ">", 2]}]}',
        '{"a": [{"numeric": [">", 5000000001]}]}', '{"a": [{"cidr": "10.0.0.0/99"}]}', '{"a": [{"wildcard": "a**b"}]}',
        '{"a": [{"wildcard": "a\\\\b"}]}', '{"a": [{"anything-but": []}]}', '{"a": [{"anything-but": [true]}]}',
        '{"a": [{"anything-but": {"prefix": []}}]}', '{"a": [{"anything-but": {"numeric": [">", 1]}}]}',
        '{"$or": [{"a": [1]}, {}]}', "[" * 10_000, '{"a":' * 100 + "[1]" + "}" * 100,
    ],
)  # fmt: skip
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(BadPattern):
        pattern(text)


def record(body: str, **more: object) -> dict[str, object]:
    return {"messageId": "m", "body": body, "attributes": {"SenderId": "s"}, "messageAttributes": {}, **more}


@pytest.mark.parametrize(
    ("rules", "body", "verdict"),
    [
        ({"body": {"k": [1]}}, '{"k": 1}', True),
        ({"body": {"k": [1]}}, '{"k": 2}', False),
        ({"body": {"k": [1]}}, '[{"k": 1}]', True),
        # recorded: plain text never matches a JSON pattern, whatever the pattern
        ({"body": {"k": [1]}}, "k", False),
        ({"body": {"k": [{"exists": False}]}}, "plain", False),
        ({"body": {"k": [{"exists": False}]}}, "1", False),
        ({"body": {"k": [{"exists": False}]}}, "{}", True),
        ({"body": {"k": [{"exists": False}]}}, "{broken", False),
        # JSON never matches a pattern for plain text
        ({"body": ["plain"]}, "plain", True),
        ({"body": [{"prefix": "pl"}]}, "plain", True),
        ({"body": [{"prefix": "{"}]}, '{"k": 1}', False),
        ({"body": [{"anything-but": "x"}]}, '{"k": 1}', False),
        ({"body": ["123"]}, "123", True),
        # without the body only the rest counts
        ({"attributes": {"SenderId": ["s"]}}, "plain", True),
        ({"attributes": {"SenderId": ["t"]}}, "plain", False),
        ({"$or": [{"body": {"k": [1]}}, {"body": ["plain"]}]}, "plain", True),
        ({"$or": [{"body": {"k": [1]}}, {"body": ["plain"]}]}, '{"k": 1}', True),
        ({"$or": [{"body": {"k": [1]}}, {"body": ["plain"]}]}, "other", False),
    ],
)  # fmt: skip
def test_records(rules: object, body: str, verdict: bool) -> None:
    assert record_filter([json.dumps(rules)])(record(body)) is verdict


def test_any_of_several_patterns_lets_a_record_through() -> None:
    passes = record_filter(['{"body": {"a": [1]}}', '{"body": {"b": [1]}}'])
    assert passes(record('{"b": 1}'))
    assert not passes(record('{"c": 1}'))
    assert record_filter([])(record("anything"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.text("ab*\\", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from(["a", "b", 1, None, True]))
def test_a_value_and_anything_but_it_never_both_match_a_leaf(value: object, wanted: object) -> None:
    if isinstance(value, list | dict) or wanted is None or isinstance(wanted, bool):
        return
    assert leaf(wanted, value) is not leaf({"anything-but": wanted}, value)


@given(json_values)
def test_exists_is_one_or_the_other(value: object) -> None:
    event = {"a": value}
    assert leaf({"exists": True}, value) is not leaf({"exists": False}, value)
    assert matches({"z": [{"exists": False}]}, event)


@given(st.text("ab*\\", max_size=8))
def test_an_escaped_wildcard_matches_itself_only(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("*", "\\*")
    assert leaf({"wildcard": escaped}, text)
    assert not leaf({"wildcard": escaped}, text + "a")


@given(st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=4), st.text("abc", max_size=12))
def test_wildcards_are_what_a_regular_expression_says(parts: list[str], text: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, parts)), text) is not None
    assert leaf({"wildcard": "*".join(parts)}, text) is expected


@given(json_values, json_values)
def test_patterns_never_raise_at_work(rules: object, event: object) -> None:
    try:
        holds = pattern(json.dumps(rules))
    except BadPattern:
        return
    assert holds(event) in (True, False)
