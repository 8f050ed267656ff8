"""Hostile code is stopped, seals nothing and nobody else in, and leaves the unit usable.

Most of it does not pass the language check at load; the tests put it past the check on purpose.
"""

import asyncio

import pytest

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.host import CodeUnit, JavaScriptHost
from callpark.graphql.runtimes.js.module import Script
from tests.graphql.runtimes.js.test_conformance import CONTEXT

pytestmark = pytest.mark.unit


TIMES = """
function times(text, count) {
  let out = '';
  for (let unit = text; count >= 1; unit += unit, count = Math.floor(count / 2)) if (count % 2) out += unit;
  return out;
}"""


def unchecked(host: JavaScriptHost, body: str) -> CodeUnit:
    text = f'(function (__importModule) {{ "use strict";\nfunction request(ctx) {{ {body} }}\n{TIMES}\nreturn {{ request }}; }})'
    return CodeUnit(host, Script(text, frozenset({"request"}), ()))


async def run(unit: CodeUnit, context: dict[str, object] = CONTEXT) -> Evaluation:
    done = unit.evaluate("request", context, "")
    return done if isinstance(done, Evaluation) else await done


HANGS = {
    "endless loop": "for (;;) {}",
    "endless loop that catches": "for (;;) { try { for (;;) {} } catch (e) {} finally { for (;;) {} } }",
    "endless callback": "const f = (x) => { let y = 0; while (true) y += x; }; return [1].map(f);",
    "catastrophic pattern": "return times('a', 60).replace('(a+)+$', '') + util.matches('(a|a)*b', times('a', 60));",
    "promise-like": "let o = {}; while (!o.then) { o = { ...o }; } return o;",
}
FAILS = {
    "memory": "const all = []; for (;;) all.push(times('x', 100000) + all.length);",
    "string doubling": "let s = 'x'; for (;;) s = s + s;",
    "huge repeat": "return times('x', 1e9);",
    "recursion": "const f = (n) => f(n + 1) + 1; return f(0);",
    "deep JSON": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a;",
    "wide by sharing": "let a = []; for (let i = 0; i < 40; i++) a = [a, a]; return a;",
    "sharing behind toJSON": "let a = []; for (let i = 0; i < 40; i++) a = [a, a]; return { toJSON: () => a };",
    "sparse reverse": "const a = []; a.length = 4294967295; return a.reverse();",
    "sparse join": "const a = []; a.length = 4294967295; return `${a}`;",
    "borrowed method": "const o = { length: 2 ** 53, sort: [].sort }; return o.sort();",
    "quadratic search": "return times('a', 2e7).indexOf(times('a', 1e7) + 'b');",
    "cycle": "const o = {}; o.o = o; return o;",
    "too large": "return times('x', 6e6);",
    "bigint": "return BigInt(1);",
    "no constructor": "return request.constructor('return 1')();",
    "no apply": "return [].sort.apply({ length: 1e9 });",
    "no eval": "return (0, eval)('1');",
    "thrown oddity": "throw { get message() { throw 1; } };",
}


@pytest.mark.parametrize("name", HANGS)
async def test_endless_code_is_stopped_off_the_loop(host: JavaScriptHost, name: str) -> None:
    unit = unchecked(host, HANGS[name])
    turns = 0

    async def heartbeat() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.005)
            turns += 1

    beating = asyncio.ensure_future(heartbeat())
    evaluation = await run(unit)
    beating.cancel()
    assert evaluation.halt is not None
    assert evaluation.halt["message"] == "The handler took too much time."
    assert turns > 5, "the loop ran meanwhile"


@pytest.mark.parametrize("name", FAILS)
async def test_greedy_and_crooked_code_fails_as_a_value(host: JavaScriptHost, name: str) -> None:
    evaluation = await run(unchecked(host, FAILS[name]))
    assert evaluation.halt is not None
    assert evaluation.halt["type"] == "Code"
    assert evaluation.halt["message"]


async def test_a_unit_serves_again_after_it_was_stopped(host: JavaScriptHost) -> None:
    unit = unchecked(host, "if (ctx.args.name === 'bad') { for (;;) {} } return ctx.args.name;")
    assert (await run(unit, {**CONTEXT, "arguments": {"name": "bad"}})).halt is not None
    assert (await run(unit)).value == "n"


@pytest.mark.parametrize(
    "body",
    [
        "Object.prototype.polluted = 1; Array.prototype.map = () => 'mine'; return 1;",
        "JSON.stringify = () => '{}'; JSON.parse = () => ({}); Object.keys = () => []; return 1;",
        "util.error = () => 'mine'; util.time.nowISO8601 = () => 'mine'; return 1;",
    ],
)
async def test_tampering_stays_inside_its_own_unit(host: JavaScriptHost, body: str) -> None:
    await run(unchecked(host, body))
    other = unchecked(
        host, "return [[1].map((x) => x + 1), ({}).polluted === undefined, util.time.nowISO8601().length];"
    )
    assert (await run(other)).value == [[2], True, 24]


async def test_a_forged_outcome_is_only_a_value(host: JavaScriptHost) -> None:
    evaluation = await run(unchecked(host, "return { halt: { kind: 'error' }, errors: [1], logs: 5 };"))
    assert evaluation.halt is None
    assert evaluation.errors == ()
    assert evaluation.value == {"halt": {"kind": "error"}, "errors": [1], "logs": 5}


async def test_the_engine_offers_nothing_of_the_host(host: JavaScriptHost) -> None:
    absent = (
        "Function eval Promise Proxy Reflect Symbol RegExp Error Map Set WeakRef Iterator ArrayBuffer Atomics BigInt "
        "SharedArrayBuffer queueMicrotask escape DisposableStack performance setTimeout require process std os "
        "scriptArgs navigator gc InternalError"
    )
    names = ", ".join(f"typeof {name}" for name in absent.split())
    assert set((await run(unchecked(host, f"return [{names}];"))).value) == {"undefined"}  # type: ignore[call-overload]
