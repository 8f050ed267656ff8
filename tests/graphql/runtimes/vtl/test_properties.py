"""Properties over generated templates and values: the parser fails in one way only, JSON goes through unharmed, nothing
a template does escapes as an exception, evaluating again gives the same."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.vtl.failures import BrokenTemplate, Overrun
from callpark.graphql.runtimes.vtl.run import Bounds
from callpark.graphql.runtimes.vtl.template import Compiled
from tests.graphql.runtimes.vtl.rendering import BOUNDS, context

pytestmark = pytest.mark.unit

SHORT = Bounds(0.05, 1_000_000, 100_000, 100, 5)
quickly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)

WORDS = """
#set( $x = #if( #elseif( #else #end #foreach( $i in $list ) [1..5] ) ( $x $!x ${x} ${ } .a .b( [0] ["k"] { } "a" : 1
2.5 "text $x" 'single' , + - * / % == != < > && || ! not and or $ctx.args $util.toJson( $util.error( "m" $util.qr(
.put("k", $ctx) .add( $list) .size() #return( #return #break #stop #define($d) $d #macro(m $a) #m( $a ## #* *# \\ $ #
$foreach.index null true false .keySet() .split("(") .substring(5) .matches(".*") #[[ ]]# \\$x \\#if #{end}
"""
PIECES = st.sampled_from([*WORDS.split(), " ", "\n", '"'])
TEMPLATES = (
    st.lists(PIECES, max_size=25).map(" ".join) | st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60)
)


def evaluate(template: Compiled, given: dict[str, object], bounds: Bounds = BOUNDS) -> Evaluation:
    return template.evaluate(given, bounds, 1_767_225_600.0, "seed", "API Key Authorization")


@quickly
@given(TEMPLATES)
def test_the_parser_raises_only_its_own_error_and_evaluation_none(source: str) -> None:
    try:
        template = Compiled(source)
    except BrokenTemplate:
        return
    given_context = context(arguments={"a": 1, "b": ["x"]})
    try:
        first = evaluate(template, given_context, SHORT)
    except Overrun:
        return
    json.dumps([first.value, first.halt, first.args, first.stash, first.errors, first.effects, first.logs])
    assert given_context == context(arguments={"a": 1, "b": ["x"]})
    assert (
        evaluate(template, given_context, BOUNDS) == first or "memory" in str(first.halt) or "larger" in str(first.halt)
    )


@quickly
@given(JSON)
def test_json_goes_through_a_template_unharmed(value: Any) -> None:
    given_context = context(arguments={"v": value})
    for source in ("$util.toJson($ctx.args.v)", '{"v": $util.toJson($ctx.args.v)}', "#return($ctx.args.v)"):
        evaluation = evaluate(Compiled(source), given_context)
        found = evaluation.value if evaluation.halt is None else evaluation.halt["value"]
        assert found == ({"v": value} if source.startswith("{") else value)


@quickly
@given(JSON)
def test_parsing_what_was_written_gives_the_value_again(value: Any) -> None:
    source = "#set($text = $util.toJson($ctx.args.v))$util.toJson([$util.parseJson($text), $text])"
    evaluation = evaluate(Compiled(source), context(arguments={"v": value}))
    assert evaluation.halt is None
    parsed, text = evaluation.value  # type: ignore[misc]
    assert parsed == value
    assert json.loads(text) == value


@quickly
@given(JSON)
def test_copies_are_equal_and_print_alike(value: Any) -> None:
    source = (
        "#set($v = $ctx.args.v)#set($copy = $util.parseJson($util.toJson($v)))"
        '[#if($v == $copy)true#{else}false#end, $util.toJson("$!v"), $util.toJson("$!copy")]'
    )
    evaluation = evaluate(Compiled(source), context(arguments={"v": value}))
    assert evaluation.halt is None
    equal, first, second = evaluation.value  # type: ignore[misc]
    assert equal is True
    assert first == second


@quickly
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_text_without_velocity_is_printed_as_it_is(text: str) -> None:
    plain = text.replace("$", "").replace("#", "")
    written = json.dumps(plain)
    evaluation = evaluate(Compiled(written), context())
    assert evaluation.value == plain


@quickly
@given(st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40))
def test_whole_arithmetic_is_javas(a: int, b: int) -> None:
    source = "#set($a = $ctx.args.a)#set($b = $ctx.args.b)#set($q = $a / $b)#set($r = $a % $b)"
    source += "[$a, $b, $!q#if($b == 0)null, null#{else}, $r#end]"
    evaluation = evaluate(Compiled(source), context(arguments={"a": a, "b": b}))
    assert evaluation.halt is None, evaluation.halt
    _, _, quotient, rest = evaluation.value  # type: ignore[misc]
    if b == 0:
        assert quotient is None
    else:
        assert quotient * b + rest == a
        assert abs(rest) < abs(b)
        assert rest == 0 or (rest < 0) == (a < 0)
