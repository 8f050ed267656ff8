"""Documents and variables that mean harm: answered in bounded time, in words, while everybody else is served."""
# ruff: noqa: E501 - documents read better unbroken

import asyncio
import time
from typing import Any

import pytest

from callpark.graphql.messages import GraphqlRequest
from tests.graphql.conftest import Bench

pytestmark = pytest.mark.unit

SCHEMA = """
type Query { a: Q  name: String  list(i: [I]): Int  json(j: AWSJSON): String  plain(s: String): String }
type Q { a: Q  name: String  x(i: Int): String }
input I { i: I  n: Int  l: [I] }
"""
SECONDS = 20.0
"""More than any of these may take on the slowest machine; unbounded, each would take minutes or the process."""


def bomb(levels: int) -> str:
    """Every fragment spreads the next one twice."""
    fragments = (f"fragment f{n} on Q {{ a {{ ...f{n + 1} }} b: a {{ ...f{n + 1} }} }}" for n in range(levels))
    return f"{{ a {{ ...f0 }} }} {' '.join(fragments)} fragment f{levels} on Q {{ name }}"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"i": value}
    return value


HOSTILE: dict[str, tuple[str, dict[str, Any], str]] = {
    "deep": ("{" + "a {" * 5_000 + "name" + "}" * 5_001, {}, "nested too deeply"),
    "aliases": ("{" + " ".join(f"a{n}: name" for n in range(50_000)) + "}", {}, "InvalidSyntax"),
    "the same field": ("{" + "name " * 7_000 + "}", {}, "Validation"),
    "fragment cycle": ("{ a { ...f } } fragment f on Q { a { ...g } } fragment g on Q { a { ...f } }", {}, "FragmentCycle"),
    "fragment that spreads itself": ("{ a { ...f } } fragment f on Q { ...f }", {}, "FragmentCycle"),
    "fragment bomb": (bomb(40), {}, "selects more than 20000 fields"),
    "conflicts": ("{ a {" + " ".join(f"x(i: {n})" for n in range(800)) + "} }", {}, "Validation"),
    "inline fragments": ("{ a {" + "... {" * 3_000 + "name" + "}" * 3_000 + "} }", {}, "nested too deeply"),
    "types of types": (
        "{ __schema { types {" + "fields { type {" * 20 + "name" + "} }" * 20 + "} } }", {}, "introspection depth"
    ),
    "introspections": ("{" + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(500)) + "}", {}, "introspection"),
    "deep literal": ("{ list(i: [" + "{ i: " * 5_000 + "{}" + "}" * 5_000 + "]) }", {}, "nested too deeply"),
    "deep variable": ("query ($i: [I]) { list(i: $i) }", {"i": [nested(5_000)]}, "nested too deeply"),
    "deep JSON": ("query ($j: AWSJSON) { json(j: $j) }", {"j": "[" * 200_000}, "Unable to parse"),
    "wrong variables": ("query ($i: [I]) { list(i: $i) }", {"i": [{"n": "x"}] * 20_000}, "Int cannot represent"),
    "unused variables": ("query (" + " ".join(f"$v{n}: Int" for n in range(3_000)) + ") { name }", {}, "Unused"),
    "directives": ("{ name " + "@skip(if: true) " * 3_000 + "}", {}, "Validation"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_it_is_refused_in_words_and_in_bounded_time(bench: Bench, name: str) -> None:
    query, variables, words = HOSTILE[name]
    bench.api(SCHEMA)
    began = time.perf_counter()
    response = await bench.run(query, variables)
    assert time.perf_counter() - began < SECONDS
    assert response.data is None
    assert words in str(response.errors[0]["message"])
    assert len(response.errors) <= 51
    assert len(response.body()) < 100_000


async def test_ten_megabytes_of_variables_are_taken_or_refused(bench: Bench) -> None:
    resolver = "export function request(ctx) { return { payload: `${ctx.args.s.length}` }; }"
    bench.api(SCHEMA, {"Query.plain": resolver}, source="NONE")
    response = await bench.run("query ($s: String) { plain(s: $s) }", {"s": "x" * 10_000_000})
    assert response.data == {"plain": None}
    assert response.errors[0]["errorType"] == "Code"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{" + " ".join(f"a{n}: name" for n in range(4_900)) + "}", {}),
        ("query ($i: [I]) { list(i: $i) }", {"i": [{"n": n} for n in range(30_000)]}),
        (bomb(40), {}),
    ],
    ids=["aliases", "variables", "bomb"],
)
async def test_everybody_else_is_served_meanwhile(bench: Bench, query: str, variables: dict[str, Any]) -> None:
    bench.api(SCHEMA)
    flood = [
        asyncio.create_task(bench.service.execute("api", GraphqlRequest(query, variables=variables))) for _ in range(2)
    ]
    served = 0
    while not all(each.done() for each in flood):
        assert (await bench.run("{ name }")).data == {"name": None}
        served += 1
        await asyncio.sleep(0.001)
    assert served > 10


@pytest.mark.parametrize(
    ("variables", "small"),
    [
        ({}, True),
        ({"a": 1}, True),
        ({"a": [1] * 400}, True),
        ({"a": [1] * 1_100}, False),
        ({"a": {str(n): [n] for n in range(600)}}, False),
        ({"a": "x" * 1_000_000}, True),
        ({"a": "x" * 3_000_000}, False),
        ({"a": nested(3_000)}, False),
    ],
)
async def test_large_variables_are_not_coerced_on_the_loop(
    bench: Bench, variables: dict[str, Any], *, small: bool
) -> None:
    bench.api(SCHEMA)
    documents = bench.service._documents("api")
    assert documents.is_quick(GraphqlRequest("{ name }", variables=variables)) is small
