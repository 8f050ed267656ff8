"""What code finds of JavaScript's own: every documented built-in works, every method that the service lacks is refused.

Reference §2; the lists of refused methods are those of AWS's lint plug-in.
"""
# ruff: noqa: E501 - tables read better unbroken

from typing import Any

import pytest

from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.graphql.runtimes.js.surface import DOCUMENTED
from tests.graphql.runtimes.js.test_conformance import evaluate
from tests.graphql.runtimes.js.test_language import refusals

pytestmark = pytest.mark.unit

WORKS: list[tuple[str, Any]] = [
    ("Object.assign({ a: 1 }, { b: 2 })", {"a": 1, "b": 2}),
    ("Object.entries({ a: 1 })", [["a", 1]]),
    ("[Object.hasOwn({ a: 1 }, 'a'), Object.hasOwn({}, 'toString')]", [True, False]),
    ("Object.keys({ a: 1, b: 2 })", ["a", "b"]),
    ("Object.values({ a: 1, b: 2 })", [1, 2]),
    ("'héllo'.length", 5),
    ("'abc'.charAt(1)", "b"),
    ("'a'.concat('b', 'c')", "abc"),
    ("['abc'.startsWith('ab'), 'abc'.endsWith('bc'), 'abc'.includes('x')]", [True, True, False]),
    ("['abab'.indexOf('b'), 'abab'.lastIndexOf('b'), 'abab'.indexOf('z')]", [1, 3, -1]),
    ("String.raw`a\\n${1}`", "a\\n1"),
    ("'a.b.a'.replace('a', 'x')", "x.b.a"),
    ("'a.b.a'.replaceAll('a', 'x')", "x.b.x"),
    ("'abcd'.slice(1, -1)", "bc"),
    ("'abcd'.substring(1, 3)", "bc"),
    ("'a,b'.split(',')", ["a", "b"]),
    ("'aB'.toLowerCase() + 'aB'.toUpperCase()", "abAB"),
    ("['  a '.trim(), '  a '.trimEnd(), '  a '.trimStart()]", ["a", "  a", "a "]),
    ("[Number.isFinite(1), Number.isFinite(Infinity), Number.isNaN(NaN), Number.isNaN('x')]", [True, False, True, False]),
    ("[Math.min(2, 1), Math.max(2, 1), Math.round(1.5), Math.floor(1.5), Math.ceil(1.2)]", [1, 2, 2, 1, 2]),
    ("Math.random() < 1", True),
    ("[1, 2].length", 2),
    ("[1].concat([2], 3)", [1, 2, 3]),
    ("[1, 2, 3].fill(0, 1)", [1, 0, 0]),
    ("[1, [2, [3]]].flat()", [1, 2, [3]]),
    ("[[1, 2, 1].indexOf(1), [1, 2, 1].lastIndexOf(1), [1].indexOf(5)]", [0, 2, -1]),
    ("[1, 2].join('-')", "1-2"),
    ("[1, 2].includes(2)", True),
    ("const a = [1, 2]; const popped = a.pop(); const n = a.push(3, 4); const first = a.shift(); a.unshift(9); return [popped, n, first, a]", [2, 3, 1, [9, 3, 4]]),
    ("[1, 2, 3].reverse()", [3, 2, 1]),
    ("[1, 2, 3].slice(1)", [2, 3]),
    ("['b', 'a', 10, 9].sort()", [10, 9, "a", "b"]),
    ("const a = [1, 2, 3]; const gone = a.splice(1, 1, 'x', 'y'); return [gone, a]", [[2], [1, "x", "y", 3]]),
    ("let sum = 0; [1, 2].forEach((n, i) => { sum += n + i }); return sum", 4),
    ("[1, 2].map((n, i, all) => n * all.length + i)", [2, 5]),
    ("[1, 2].flatMap((n) => [n, n])", [1, 1, 2, 2]),
    ("[1, 2, 3].filter((n) => n > 1)", [2, 3]),
    ("['a', 'b'].reduce((all, each) => all + each, '>')", ">ab"),
    ("['a', 'b'].reduceRight((all, each) => all + each)", "ba"),
    ("[1, 2, 3].find((n) => n > 1)", 2),
    ("[1, 2, 3].findLast((n) => n < 3)", 2),
    ("[[1, 2].findIndex((n) => n === 2), [1, 2, 2].findLastIndex((n) => n === 2)]", [1, 2]),
    ("[[1, 2].some((n) => n === 2), [1, 2].every((n) => n === 2)]", [True, False]),
    ("JSON.parse('{\"a\": [1]}')", {"a": [1]}),
    ("JSON.stringify({ a: [1, null] })", '{"a":[1,null]}'),
    ("[NaN, Infinity, undefined].length", 3),
    # the language
    ("const { a, b: { c = 5, ...rest } = {}, ...others } = { a: 1, b: { d: 2 }, e: 3 }; return [a, c, rest, others]", [1, 5, {"d": 2}, {"e": 3}]),
    ("const [x, , y = 3, ...z] = [1, 2, undefined, 4, 5]; return [x, y, z]", [1, 3, [4, 5]]),
    ("const f = (a, b = 2, ...more) => [a, b, more]; return f(1, undefined, 3, 4)", [1, 2, [3, 4]]),
    ("const o = { a: null }; return [o?.a?.b ?? 'none', o.f?.(), typeof o.z, void 0]", ["none", None, "undefined", None]),
    ("const out = []; for (const each of ['a', 'b']) { if (each === 'b') break; out.push(each) } return out", ["a"]),
    ("const out = []; for (const key in { a: 1, b: 2 }) { out.push(key) } return out", ["a", "b"]),
    ("switch ('b') { case 'a': return 1; case 'b': return 2; default: return 3 }", 2),
    ("const o = { a: 1, b: 2 }; delete o.a; return o", {"b": 2}),
    ("const a = [1, 2]; delete a[0]; return a.length", 2),
    ("[7 & 3, 1 | 4, 5 ^ 1, 1 << 3, -8 >> 1, -1 >>> 31, 2 ** 3, 7 % 4]", [3, 5, 4, 8, -4, 1, 8, 3]),
    ("let n = 1; n += 2; n *= 3; n -= 1; n /= 2; n %= 3; n **= 2; n <<= 2; n |= 1; n &= 7; n ^= 2; return n", 7),
    ("let x = null; x ??= 1; x &&= 2; x ||= 3; return x", 2),
    ("`a${1 + 1}b${'c'}`", "a2bc"),
    ("1 < 2 && !(2 >= 3) ? 'yes' : 'no'", "yes"),
    ("['1' == 1, '1' === 1, null == undefined]", [True, False, True]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), WORKS, ids=[each[:60] for each, _ in WORKS])
async def test_what_is_documented_works_and_is_not_warned_of(
    host: JavaScriptHost, expression: str, expected: object
) -> None:
    body = expression if "return " in expression else f"return {expression};"
    assert host.load(f"export function request(ctx) {{ {body} }}").warnings == ()
    evaluation = await evaluate(host, body)
    assert (evaluation.halt, evaluation.value) == (None, expected)


def test_every_documented_name_is_in_the_table() -> None:
    text = "\n".join(expression for expression, _ in WORKS)
    assert [f"{of}.{name}" for of, names in DOCUMENTED.items() for name in names if f"{of}.{name}" not in text] == []


ARRAY = "copyWithin entries group groupToMap keys toLocaleString toString values"
STRING = "charCodeAt localeCompare matchAll padEnd padStart repeat search toLocaleLowerCase toLocaleUpperCase valueOf"
OBJECT = (
    "create defineProperties defineProperty freeze getOwnPropertyDescriptor getOwnPropertyDescriptors getOwnPropertyNames "
    "getOwnPropertySymbols getPrototypeOf hasOwnProperty is isExtensible isFrozen isPrototypeOf isSealed preventExtensions "
    "propertyIsEnumerable seal setPrototypeOf toLocaleString toString valueOf"
)
DATE = (
    "setDate setFullYear setHours setMilliseconds setMinutes setMonth setSeconds setTime setUTCDate setUTCFullYear "
    "setUTCHours setUTCMilliseconds setUTCMinutes setUTCMonth setUTCSeconds toGMTString toLocaleDateString toLocaleString "
    "toLocaleTimeString"
)
LACKING = [
    *((f"[1].{name}()", f"Array.{name}") for name in ARRAY.split()),
    *((f"'x'.{name}()", f"String.{name}") for name in STRING.split()),
    *((f"Object.{name}({{}})", f"ObjectConstructor.{name}") for name in OBJECT.split()),
    *((f"new Date().{name}(1)", f"Date.{name}") for name in DATE.split()),
    ("const d = new Date(0); d.setHours(1)", "Date.setHours"),
    ("Array.from([])", "Array.from"),
    ("String.fromCharCode(1)", "String.fromCharCode"),
    ("String.fromCodePoint(1)", "String.fromCodePoint"),
    *((f"const f = () => 1; f.{name}()", f"Function.{name}") for name in ("apply", "bind", "call")),
]


@pytest.mark.parametrize(("code", "method"), LACKING, ids=[method for _, method in LACKING])
def test_methods_that_the_service_lacks_are_refused(code: str, method: str) -> None:
    assert ("no-disallowed-methods", f"Method {method} is not implemented") in {
        (error.rule, error.value) for error in refusals(code)
    }


@pytest.mark.parametrize("code", ["new Date().toISOString()", "const d = new Date(); d.getTime()", "Date.parse('x')"])
def test_what_dates_have_is_not(code: str) -> None:
    assert refusals(code) == ()
