"""Templates that want to run, to grow or to look around for ever: cut off in bounded time and memory."""
# ruff: noqa: E501 - tables read better unbroken

import asyncio
import time
from contextlib import suppress

import pytest

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.vtl.failures import BrokenTemplate
from callpark.graphql.runtimes.vtl.host import VtlHost
from tests.graphql.runtimes.vtl.rendering import context, evaluate, failure_of, value_of

pytestmark = pytest.mark.unit

LOOP = "#foreach($i in [1..1000])"
TOO_LONG = "The template took too much time."
TOO_MUCH = "The template used too much memory."
TOO_LARGE = "larger than 5242880 bytes"
TOO_DEEP = "nested too deeply"
SOME_LIMIT = (TOO_LONG, TOO_MUCH, TOO_LARGE, TOO_DEEP)
"""Which one comes first depends on the machine."""

HOSTILE = [
    (f"{LOOP}{LOOP}{LOOP}$util.qr(1)#end#end#end", None),
    (f"#set($s = 'ab'){LOOP}#set($s = $s + $s)#end", None),
    (f"#set($s = 'ab'){LOOP}#set($s = \"$s$s\")#end", None),
    (f"#set($s = 'abcdefgh'){LOOP}#set($s = $s.replace('a', 'abcdefghabcdefgh'))#end", None),
    (f"#set($s = 'aa'){LOOP}#set($s = $s.replaceAll('a', 'aa'))#end", None),
    ("$!util.qr($ctx.args.s.repeat(1000000000))", None),
    ("#set($x = [1..1000000000])", None),
    (f"#set($l = []){LOOP}$util.qr($l.addAll($l))$util.qr($l.add(1))#end", None),
    (f"#set($n = 10){LOOP}#set($n = $n * $n)#end", "A number is too large."),
    (f"{LOOP}{LOOP}$ctx.args.s#end#end", None),
    ("#foreach($i in [1..1001])x#end", "#foreach over 1001 items: at most 1000 iterations"),
    # what holds itself, and what holds one part many times
    ("#set($m = {})#set($m.m = [$m])$util.toJson($m)", None),
    ("#set($l = [])$util.qr($l.add([$l]))$l", None),
    (f"#set($l = [1]){LOOP}#set($l = [$l, $l])#end$util.toJson($l)", None),
    ("#set($l = [1])#foreach($i in [1..60])#set($l = [$l, $l])#end$l", None),
    ("#set($a = [1])#set($b = [1])#foreach($i in [1..60])#set($a = [$a, $a])#set($b = [$b, $b])#end#if($a == $b)x#end", None),
    ("#set($l = [1])#foreach($i in [1..60])#set($l = [$l, $l])#end$util.qr($ctx.stash.put('l', $l)){}", None),
    ("#set($l = [1])#foreach($i in [1..60])#set($l = [$l, $l])#end$util.dynamodb.toListJson($l)", None),
    (f"#set($m = {{}}){LOOP}#set($m = {{'m': $m}})#end$util.toJson($m)", None),
    (f"#set($m = {{}}){LOOP}#set($m = {{'m': $m}})#end#return($m)", None),
    (f"#set($m = {{}}){LOOP}#set($m = {{'m': $m}})#end$util.dynamodb.toMapJson($m)", None),
    # calls of themselves
    ("#macro(m)#m()#end#m()", "'#m' calls itself more than 20 times."),
    ("#macro(m)#m()#m()#end#m()", "'#m' calls itself more than 20 times."),
    ("#macro(a)#b()#end#macro(b)#a()#end#a()", "calls itself more than 20 times."),
    ("#define($d)$d#end$d", "'d' calls itself more than 20 times."),
    ("#macro(m $n)#if($n > 0)#m($n - 1)#m($n - 1)#m($n - 1)#end#end#m(19)", None),
    # patterns
    ("$util.matches('(a+)+$', $ctx.args.bomb)", None),
    ("$ctx.args.bomb.replaceAll('(a|aa)+$', 'x')", None),
    ("$ctx.args.bomb.split('(.*a){25}').size()", None),
    (f"{LOOP}{LOOP}$util.matches('a.*b.*c', $ctx.args.s)#end#end", None),
    # work hidden in one call
    (f"#set($l = []){LOOP}$util.qr($l.addAll($ctx.args.words))#end{LOOP}$util.qr($l.contains('no'))#end", None),
    (f"{LOOP}{LOOP}$util.qr($ctx.args.words.removeAll($ctx.args.words))$util.qr($ctx.args.words.addAll($ctx.args.other))#end#end", None),
    (f"{LOOP}{LOOP}$util.qr($ctx.args.other.containsAll($ctx.args.words))#end#end", None),
    (f"{LOOP}{LOOP}$util.qr($ctx.args.long.hashCode())#end#end", None),
    (f"{LOOP}$util.qr($util.escapeJavaScript($ctx.args.long))#end", None),
    (f"{LOOP}$util.log.info($ctx.args.long)#end", None),
    (f"{LOOP}{LOOP}$util.appendError('x')#end#end", None),
    (f"#set($big = $ctx.args.s.repeat(40000)){LOOP}$util.qr($util.urlEncode($big))#end", None),
    (f"#set($big = $ctx.args.s.repeat(40000)){LOOP}$util.qr($util.base64Encode($big))#end", None),
    ("#set($big = $ctx.args.s.repeat(40000))$util.qr($util.urlDecode($big))", "$util.urlDecode takes at most 1000000 characters"),
    ("#set($big = $ctx.args.s.repeat(40000))$big.split('a').size()", None),
    ("#set($big = $ctx.args.s.repeat(40000))$big.toCharArray().size()", None),
    ("$util.qr($util.str.normalize($ctx.args.marks, 'nfc'))", "more than 4096 combining marks in a row"),
    ("$ctx.args.s.matches($ctx.args.long)", "callpark takes patterns of at most 10000 characters"),
    (f"#set($xml = '<r>' + $ctx.args.elements.repeat(1000) + '</r>'){LOOP}$util.qr($util.xml.toMap($xml))#end", None),
]  # fmt: skip


def hostile_context() -> dict[str, object]:
    words = [f"word{each}" for each in range(1000)]
    return context(
        arguments={
            "s": "a" * 100,
            "bomb": "a" * 60 + "!",
            "words": words,
            "other": words[::-1],
            "long": "ü" * 100_000,
            "marks": "a" + "\u0301\u0327" * 30_000,
            "elements": "<a/>" * 1_000,
        }
    )


@pytest.mark.parametrize(("template", "message"), HOSTILE, ids=[each[0][:70] for each in HOSTILE])
async def test_cut_off(host: VtlHost, template: str, message: str | None) -> None:
    started = time.thread_time()
    said = await failure_of(host, template, hostile_context())
    assert any(each in said for each in (SOME_LIMIT if message is None else (message,)))
    assert time.thread_time() - started < 2


async def test_a_context_too_deep_to_copy_is_an_error_of_the_template(host: VtlHost) -> None:
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    said = await failure_of(host, "#set($ctx.stash.a = 1){}", context(arguments={"deep": deep}))
    assert said.startswith("The context cannot be written as JSON")
    assert TOO_DEEP in await failure_of(host, "$util.toJson($ctx.args)", context(arguments={"deep": deep}))


async def test_everyone_else_is_served_while_a_template_runs_away(host: VtlHost) -> None:
    quick = host.load("$ctx.args.n")
    slow = asyncio.ensure_future(evaluate(host, HOSTILE[0][0], hostile_context()))
    served = 0
    while not slow.done():
        done = quick.evaluate(context(arguments={"n": served}), "")
        assert isinstance(done, Evaluation)
        assert done.value == served
        served += 1
        await asyncio.sleep(0)
    assert served > 10
    assert (await slow).halt is not None


async def test_a_slow_template_gets_its_time_on_a_thread_and_the_same_inputs(host: VtlHost) -> None:
    template = f'#set($n = 0){LOOP}#foreach($j in [1..60])#set($n = $n + 1)#end#end["$util.autoId()", $n]'
    loaded = host.load(template)
    done = loaded.evaluate(context(), "")
    assert not isinstance(done, Evaluation)
    evaluation = await done
    assert evaluation.halt is None
    assert evaluation.value[1] == 60_000  # type: ignore[index]


BROKEN = [
    "(" * 5000,
    "#set($x = " + "(" * 60 + "1" + ")" * 60 + ")",
    "#set($x = " + "[" * 5000,
    "#set($x = " + "!" * 5000 + "true)",
    "#set($x = " + "-" * 5000 + "1)",
    "#if(true)" * 5000,
    "#set($x = " + "1+" * 5000 + "1)",
    "$x" + ".a" * 5000,
    "$x" + "[0]" * 5000,
    "#set($x = " + '"$x.get(' * 200 + ")",
    "#set($x = " + "9" * 5000 + ")",
    "x" * 65_537,
]


@pytest.mark.parametrize("template", BROKEN[1:], ids=[each[:30] for each in BROKEN[1:]])
def test_refused_at_load(host: VtlHost, template: str) -> None:
    started = time.thread_time()
    with pytest.raises(BrokenTemplate):
        host.load(template)
    assert time.thread_time() - started < 1


LONG = [
    "\\" * 65_000,
    "$" * 65_000,
    "#" * 65_000,
    "#*" + "*" * 60_000 + "*#",
    "#macro" * 10_000,
    "$a" * 30_000,
    "{" * 65_000,
]


@pytest.mark.parametrize("template", LONG, ids=[each[:10] for each in LONG])
def test_long_templates_load_in_linear_time(host: VtlHost, template: str) -> None:
    started = time.thread_time()
    with suppress(BrokenTemplate):
        host.load(template)
    assert time.thread_time() - started < 2


REFLECTION = [
    "$ctx.class",
    '$ctx.args.getClass().forName("java.lang.Runtime")',
    '$ctx.args.s.class.forName("java.lang.System")',
    "$ctx.args.s.__class__.__mro__",
    "$ctx.args.__init__.__globals__",
    "$foreach.class",
    "$util.toJson.__closure__",
    '$ctx.args.s.getBytes().getClass().newInstance("x")',
]


@pytest.mark.parametrize("reference", REFLECTION)
async def test_there_is_nothing_behind_values(host: VtlHost, reference: str) -> None:
    assert await value_of(host, f"#set($x = {reference})[$util.isNull($x)]", hostile_context()) == [True]


@pytest.mark.parametrize("reference", ["$util.class.protectionDomain", "$util.time.class"])
async def test_there_is_nothing_behind_the_utilities(host: VtlHost, reference: str) -> None:
    assert "callpark does not have $util." in await failure_of(host, f'"{reference}"')


async def test_the_format_of_a_string_reaches_nothing(host: VtlHost) -> None:
    assert await value_of(host, "\"$ctx.args.s.format('{0.__class__} %s', 'x')\"", hostile_context()) == (
        "{0.__class__} x"
    )


@pytest.mark.parametrize("key", ["__proto__", "__class__", "constructor", "hasOwnProperty"])
async def test_keys_that_are_names_elsewhere_are_only_keys(host: VtlHost, key: str) -> None:
    given = context(arguments={"m": {}})
    assert await value_of(host, f'$util.qr($ctx.args.m.put("{key}", 1))$util.toJson($ctx.args.m)', given) == {key: 1}
    assert await value_of(host, '"$!ctx.args.m.polluted"', given) == ""
