"""Properties over generated templates and values: the parser fails in one way only, JSON goes through unharmed, nothing
a template does escapes as an exception, evaluating again gives the same."""

import json
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.vtl.failures import BrokenTemplate, Overrun
from callpark.graphql.runtimes.vtl.run import Bounds
from callpark.graphql.runtimes.vtl.template import Compiled
from tests.graphql.runtimes.vtl.generated import EXPRESSIONS, NODES, OPERATORS, REFERENCES, template
from tests.graphql.runtimes.vtl.rendering import BOUNDS, context

pytestmark = pytest.mark.unit

SHORT = Bounds(0.05, 1_000_000, 100_000, 100, 5)
quickly = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
PIECES = st.sampled_from([*NODES, *EXPRESSIONS, *OPERATORS, *REFERENCES, *'()[]{}"$#\\ \n', "##", "#*", "*#", "#end"])
SCRAPS = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60)


def evaluate(compiled: Compiled, given: dict[str, object], bounds: Bounds = BOUNDS) -> Evaluation:
    return compiled.evaluate(given, bounds, 1_767_225_600.0, "seed", "API Key Authorization")


def values(source: str, **arguments: object) -> Any:
    evaluation = evaluate(Compiled(source), context(arguments=arguments))
    assert evaluation.halt is None, evaluation.halt
    return evaluation.value


def check(compiled: Compiled) -> None:
    given_context = context(arguments={"a": 1, "b": ["x"]})
    try:
        first = evaluate(compiled, given_context, SHORT)
    except Overrun:
        return
    orjson.dumps([first.value, first.halt, first.args, first.stash, first.errors, first.effects, first.logs])
    assert given_context == context(arguments={"a": 1, "b": ["x"]})
    if first.halt is None:
        assert evaluate(compiled, given_context) == first


@settings(quickly, max_examples=50)
@given(SCRAPS)
def test_the_parser_raises_nothing_but_its_own_error(source: str) -> None:
    with suppress(BrokenTemplate):
        check(Compiled(source))


@settings(quickly, max_examples=500)
@given(st.integers(0, 2**32))
def test_what_parses_ends_in_a_value_or_in_an_error(seed: int) -> None:
    with suppress(BrokenTemplate):
        check(Compiled(template(seed)))


@quickly
@given(JSON)
def test_json_goes_through_a_template_unharmed(value: Any) -> None:
    assert values("$util.toJson($ctx.args.v)", v=value) == value
    assert values('{"v": $util.toJson($ctx.args.v)}', v=value) == {"v": value}
    returned = evaluate(Compiled("#return($ctx.args.v)"), context(arguments={"v": value})).halt
    assert returned is not None
    assert returned["value"] == value


@quickly
@given(JSON)
def test_parsing_what_was_written_gives_the_value_again(value: Any) -> None:
    source = "#set($text = $util.toJson($ctx.args.v))$util.toJson([$util.parseJson($text), $text])"
    parsed, text = values(source, v=value)
    assert parsed == value
    assert json.loads(text) == value


@quickly
@given(JSON)
def test_copies_are_equal_and_print_alike(value: Any) -> None:
    source = (
        "#set($v = $ctx.args.v)#set($copy = $util.parseJson($util.toJson($v)))"
        '[#if($v == $copy)true#{else}false#end, $util.toJson("$!v"), $util.toJson("$!copy")]'
    )
    equal, first, second = values(source, v=value)
    assert equal is True
    assert first == second


@quickly
@given(TEXT)
def test_text_without_velocity_is_printed_as_it_is(text: str) -> None:
    plain = text.replace("$", "").replace("#", "")
    assert values(json.dumps(plain)) == plain


@quickly
@given(st.integers(-(2**40), 2**40), st.integers(-100, 100))
def test_whole_arithmetic_is_javas(a: int, b: int) -> None:
    source = (
        "#set($q = $ctx.args.a / $ctx.args.b)#set($r = $ctx.args.a % $ctx.args.b)"
        "#if($util.isNull($q))null#{else}[$q, $r]#end"
    )
    found = values(source, a=a, b=b)
    if b == 0:
        assert found is None
        return
    quotient, rest = found
    assert quotient * b + rest == a
    assert abs(rest) < abs(b)
    assert rest == 0 or (rest < 0) == (a < 0)
