"""Headers that resolvers add to the answer: whose value counts, what fits, what is no header."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.response_headers import response_headers
from tests.graphql.conftest import Bench

pytestmark = pytest.mark.unit


def added(*pairs: tuple[Any, Any], most: int = 4096) -> tuple[list[tuple[str, str]], int]:
    kept, left_out = response_headers([{"name": "addResponseHeader", "parameters": list(pair)} for pair in pairs], most)
    return list(kept), len(left_out)


def test_the_last_value_counts() -> None:
    assert added(("A", "1"), ("b", 2), ("a", "3")) == ([("a", "3"), ("b", "2")], 0)


def test_other_effects_are_not_headers() -> None:
    assert response_headers([{"name": "evictFromApiCache", "parameters": ["a", "b"]}], 10) == ((), ())


def test_what_does_not_fit_is_left_out() -> None:
    assert added(("a", "x" * 9), ("b", "y"), ("c", ""), most=11) == ([("a", "x" * 9)], 2)


@pytest.mark.parametrize(
    "pair",
    [("a\r\nb", "1"), ("a", "1\r\nSet-Cookie: x"), ("", "1"), ("a b", "1"), ("ä", "1"), ("a", "😀")],
)
def test_what_would_break_out_of_its_line_is_left_out(pair: tuple[str, str]) -> None:
    assert added(pair) == ([], 1)


@given(st.text(), st.text())
def test_whatever_is_kept_can_be_sent(name: str, value: str) -> None:
    for kept_name, kept_value in added((name, value))[0]:
        assert not {"\r", "\n", "\x00"} & set(kept_name + kept_value)
        kept_name.encode("ascii")
        kept_value.encode("latin-1")


async def test_a_resolver_adds_them(bench: Bench) -> None:
    code = """
    export function request(ctx) {
      util.http.addResponseHeader('X-Mine', 1);
      util.http.addResponseHeaders({ 'x-other': 'two', 'Content-Type': 'text/plain' });
      return { payload: 1 };
    }
    """
    bench.api("type Query { a: Int }", {"Query.a": code}, source="NONE")
    response = await bench.run("{ a }")
    assert list(response.headers) == [("X-Mine", "1"), ("x-other", "two")]
    assert [each["errorType"] for each in response.errors] == ["ResponseHeaderError"]
