"""What APPSYNC_JS refuses is refused at load, with AWS's rule, sentence and place; what it supports is not."""
# ruff: noqa: E501 - tables read better unbroken

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.graphql.runtimes.js.module import BrokenCode, to_script
from callpark.graphql.runtimes.js.syntax import CodeError

pytestmark = pytest.mark.unit


def refusals(code: str) -> tuple[CodeError, ...]:
    try:
        to_script(code, 100_000)
    except BrokenCode as broken:
        return broken.errors
    return ()


REFUSED = [
    ("async function f() {}", "no-async", "Async functions are not supported."),
    ("const f = async () => 1", "no-async", "Async functions are not supported."),
    ("const f = async x => 1", "no-async", "Async functions are not supported."),
    ("const o = { async f() {} }", "no-async", "Async functions are not supported."),
    ("await f()", "no-await", "The `await` keyword is not supported"),
    ("async function f(o) { for await (const x of o) {} }", "no-await", "The `await` keyword is not supported"),
    ("class A {}", "no-classes", "Class declarations are not supported."),
    ("const a = class {}", "no-classes", "Class declarations are not supported."),
    ("for (const x of y) { continue }", "no-continue", "Continue statements are not supported"),
    ("const a = 'a' in b", "no-in-operator", "in operator is not supported. Use Object.hasOwn()."),
    ("const a = b instanceof c", "no-disallowed-binary-operators", "The operator instanceof is not supported"),
    ("let i = 0; i++", "no-disallowed-unary-operators", "The operator ++ is not supported"),
    ("let i = 0; --i", "no-disallowed-unary-operators", "The operator -- is not supported"),
    ("const j = ~i", "no-disallowed-unary-operators", "The operator ~ is not supported"),
    ("for (let i = 0; i < 3; i += 1) {}", "no-for", "For statements are not supported."),
    ("for (;;) {}", "no-for", "For statements are not supported."),
    ("function* g() {}", "no-generators", "Generator functions are not supported."),
    ("const o = { *g() {} }", "no-generators", "Generator functions are not supported."),
    ("function* g() { yield 1 }", "no-yield", "Yield statements are not supported"),
    ("outer: for (const x of y) {}", "no-labels", "Labeled statements are not supported."),
    ("const p = new Promise((done) => done())", "no-promise", "Promise is not supported"),
    ("Promise.resolve()", "no-promise", "Promise is not supported"),
    ("const r = /a/g", "no-regex", "Regex literals are not supported."),
    ("f(/[/]/)", "no-regex", "Regex literals are not supported."),
    ("this.a", "no-this", "This expressions are not supported."),
    ("`${this.x}`", "no-this", "This expressions are not supported."),
    ("throw 1", "no-throw", "Throw statements are not supported."),
    ("try { a() } catch (e) { b() }", "no-try", "Try statements are not supported."),
    ("while (true) {}", "no-while", "While statements are not supported."),
    ("do { } while (x)", "no-while", "do...while statements are not supported."),
    ("debugger", "no-debugger", "Debugger statements are not supported."),
    ("new Map()", "no-new", "New expressions are not supported."),
    ("const a = 1n", "no-bigint", "BigInt literals are not supported."),
    ("const o = { get a() { return 1 } }", "no-accessors", "Getters and setters are not supported."),
    ("const o = { set a(v) { } }", "no-accessors", "Getters and setters are not supported."),
    ("function f() { return arguments[0] }", "no-arguments", "The arguments object is not supported."),
    ("const s = f`x`", "no-tagged-templates", "Tagged templates are not supported."),
    ("const t = new.target", "no-meta-properties", "Meta properties are not supported."),
    ("const m = import('x')", "no-dynamic-import", "import() is not supported."),
    ("const o = { __proto__: p }", "no-prototypes", "Setting __proto__ is not supported."),
    ("const o = x.__proto__", "no-prototypes", "Access to __proto__ is not supported."),
    ("Array.prototype.mine = 1", "no-prototypes", "Access to prototype is not supported."),
    ("const a = <b>c</b>", "no-jsx", "JSX is not supported."),
    # methods
    ("f.apply(x)", "no-disallowed-methods", "Method Function.apply is not implemented"),
    ("f?.call(x)", "no-disallowed-methods", "Method Function.call is not implemented"),
    ("f.bind(x)", "no-disallowed-methods", "Method Function.bind is not implemented"),
    ("f.constructor('x')", "no-disallowed-methods", "Method Function.constructor is not implemented"),
    ("Object.freeze(x)", "no-disallowed-methods", "Method ObjectConstructor.freeze is not implemented"),
    ("Object.defineProperty(x, 'y', {})", "no-disallowed-methods", "Method ObjectConstructor.defineProperty is not implemented"),
    ("Array.from(x)", "no-disallowed-methods", "Method Array.from is not implemented"),
    ("String.fromCharCode(1)", "no-disallowed-methods", "Method String.fromCharCode is not implemented"),
    ("'x'.padStart(3)", "no-disallowed-methods", "Method String.padStart is not implemented"),
    ("const s = `x`; s.repeat(3)", "no-disallowed-methods", "Method String.repeat is not implemented"),
    ("[1].keys()", "no-disallowed-methods", "Method Array.keys is not implemented"),
    # names
    ("eval('1')", "types", "TS2304: Cannot find name 'eval'."),
    ("Function('x')", "types", "TS2304: Cannot find name 'Function'."),
    ("setTimeout(1)", "types", "TS2304: Cannot find name 'setTimeout'."),
    ("globalThis.x = 1", "types", "TS2304: Cannot find name 'globalThis'."),
    ("const x = process.env", "types", "TS2304: Cannot find name 'process'."),
    ("util.toJson({})", "types", "TS2339: Property 'toJson' does not exist on type 'Util'."),
    ("import { util as u } from '@aws-appsync/utils'; u.nope()", "types", "TS2339: Property 'nope' does not exist on type 'Util'."),
    ("import * as ddb from '@aws-appsync/utils/dynamodb'; ddb.fetch()", "types", "TS2339: Property 'fetch' does not exist on type 'typeof import(\"@aws-appsync/utils/dynamodb\")'."),
    # functions
    ("const f = (x) => x(1); f(() => 2)", "no-function-passing", "Functions can not be passed as an argument"),
    ("function f() {} function g() {} f(g)", "no-function-passing", "Functions can not be passed as an argument"),
    ("[3, 1].sort((a, b) => a - b)", "no-function-passing", "Functions can not be passed as an argument"),
    ("ctx.x.sort((a, b) => a - b)", "no-function-passing", "Functions can not be passed as an argument"),
    ("'x'.replace('x', () => 'y')", "no-function-passing", "Functions can not be passed as an argument"),
    ("JSON.stringify({}, (k, v) => v)", "no-function-passing", "Functions can not be passed as an argument"),
    ("function f() { return () => 1 }", "no-function-return", "returning a function is not allowed"),
    ("function f() { const a = function () {}; return a }", "no-function-return", "returning a function is not allowed"),
    ("const f = () => () => 1", "no-function-return", "returning a function is not allowed"),
    ("const f = () => 1; const g = f", "no-function-reassign", "re-assigning function is not allowed"),
    ("const f = () => 1; let g; g = f", "no-function-reassign", "re-assigning function is not allowed"),
    ("function f(n) { return n ? n * f(n - 1) : 1 }", "no-recursion", "Recursive function calls not supported. Detected cycle in f <-f"),
    ("const f = (n) => f(n)", "no-recursion", "Recursive function calls not supported. Detected cycle in f <-f"),
    ("const f = (x) => [x].map((y) => f(y))", "no-recursion", "Recursive function calls not supported. Detected cycle in f <-f"),
    ("const f = (x) => x.all.map(f)", "no-recursion", "Recursive function calls not supported. Detected cycle in f <-f"),
    # the context
    ("export function request(ctx) { ctx = 1 }", "no-disallowed-re-assignment", "ctx is readonly and re-assignment is not supported."),
    ("export function request(ctx) { ctx.args = {} }", "no-disallowed-re-assignment", "ctx is readonly. Adding/Updating args is not supported."),
    ("export function response(context) { context.mine = 1 }", "no-disallowed-re-assignment", "context is readonly. Adding/Updating mine is not supported."),
    ("export const request = (ctx) => { ctx['stash'] = {} }", "no-disallowed-re-assignment", "ctx is readonly. Adding/Updating stash is not supported."),
    ("export function request(ctx) { delete ctx.stash }", "no-disallowed-re-assignment", "ctx is readonly. Adding/Updating stash is not supported."),
    ("export function request(ctx) { for (ctx.x of [1]) {} }", "no-disallowed-re-assignment", "ctx is readonly. Adding/Updating x is not supported."),
    ("export function request(ctx) { ctx[`a${1}`] = 1 }", "no-disallowed-re-assignment", "ctx is readonly adding/modifying properties is not supported."),
]  # fmt: skip


@pytest.mark.parametrize(("code", "rule", "value"), REFUSED, ids=[f"{rule}: {code}"[:70] for code, rule, _ in REFUSED])
def test_refused(code: str, rule: str, value: str) -> None:
    assert (rule, value) in {(error.rule, error.value) for error in refusals(code)}


SUPPORTED = [
    "const o = { class: 1, try: 2, in: 3, this: 4, async: 5, get: 6, set: 7 }; o.class; o.try; o?.in",
    "const o = { a: 1 }; for (const k in o) { delete o[k] }",
    "const o = {}; for (const [k, v] of Object.entries(o)) { if (v) break }",
    "const a = 1, b = 2; const t = `while ${a ? `try ${b}` : 'class'} do`; const s = 'for (;;) {}'; // while",
    "const f = 1, b = 2; /* class this */ const a = b / f / 2; const e = (f) / 2",
    "const x = {}; const { a = 1, ...rest } = x; const f = (...y) => ({ ...y }); x.y ??= 1; x?.y ?? rest",
    "const x = 1; switch (x) { case 1: break; default: }",
    "const d = new Date(); const get = 1; const set = get; JSON.stringify(get, set)",
    "const get = 1, set = 2, async = 3; const o = { get, set, async };",
    "const x = 1; typeof x === 'string' && void 0",
    "const o = { f() { return 1 }, ['a' + 1]: 2 }; o.f()",
    "[1].map((x) => x + 1).filter(Boolean); const print = (n) => console.log(n); [1].forEach(print)",
    "(() => 1)(); const f = function () { return 1 }; f()",
    "function even(n) { return odd(n) } function odd(n) { return n }",
    "export function request(ctx) { ctx.stash.a = 1; ctx.args.owner = 'x'; ctx.args.list[0].n = 1; delete ctx.stash.a; return {} }",
    "export function request(ctx) { const c = ctx; const cache = {}; cache[ctx.args] = 1; if (c) { const ctx = 1; return ctx } }",
    "const helper = (ctx) => { ctx.mine = 1 }",
    "import { sql } from '@aws-appsync/utils/rds'; const s = sql`x ${1}`",
    "import * as rds from '@aws-appsync/utils/rds'; const s = rds.sql`x ${1}`; const r = String.raw`\\n`",
    "export function request(ctx) { const { constructor } = ctx.result; return ctx.result.constructor.name }",
    "export function request(ctx) { return ctx.result.prototype }",
    "const s = 'x'; s.toLowerCase(); s.includes('x'); [1, 2].includes(1); Object.hasOwn({}, 'a'); [3, 1].sort()",
    "var a = 1; if (a) { var b = 2 } b += a",
    "export function request(ctx) { const { arguments: args } = ctx; return ctx.arguments ?? args }",
    "const a = 2 ** 3 | 4 & ~~1 ^ 8" .replace("~~", ""),
]  # fmt: skip


@pytest.mark.parametrize("code", SUPPORTED, ids=[code[:60] for code in SUPPORTED])
def test_supported(code: str) -> None:
    assert refusals(code) == ()


def test_cycles_through_several_functions_are_named_from_each_of_them() -> None:
    """The plug-in's own example."""
    errors = refusals(
        "function one() { two() }\nfunction two() { three() }\nvar three = function () { four() }\nconst four = () => { one() }"
    )
    start = "Recursive function calls not supported. Detected cycle in "
    assert [(each.line, each.value.removeprefix(start)) for each in errors] == [
        (1, "one <-two <-three <-four <-one"),
        (2, "two <-three <-four <-one <-two"),
        (3, "three <-four <-one <-two <-three"),
        (4, "four <-one <-two <-three <-four"),
    ]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14))
@settings(max_examples=150, deadline=None)
def test_recursion_is_found_in_any_graph_of_calls(calls: list[tuple[int, int]]) -> None:
    """Against reachability, found the simple way."""
    reached = {(a, b) for a, b in calls}
    for _ in range(8):
        reached |= {(a, d) for a, b in reached for c, d in reached if b == c}
    code = "".join(f"function f{n}() {{ {' '.join(f'f{b}();' for a, b in calls if a == n)} }}\n" for n in range(8))
    lines = sorted(a + 1 for a, b in calls if (b, a) in reached or a == b)
    assert [error.line for error in refusals(code)] == lines


HOSTILE = {
    "everybody calls everybody": "".join(
        f"function f{i}(){{{''.join(f'f{(i * 7 + j) % 300}();' for j in range(10))}}}\n" for i in range(300)
    ),
    "names in a deep nest": "[" * 900 + "a," * 14_000 + "]" * 900,
    "brackets": "(" * 16_000 + ")" * 16_000,
    "a long sum": "a+" * 15_990 + "a",
    "open templates": "`${" * 10_000,
    "garbage": "class )] => async " * 1_700,
    "errors": "this;" * 6_500,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_sources_are_refused(host: JavaScriptHost, name: str) -> None:
    """In bounded time: quadratic work on these would take minutes."""
    with pytest.raises(BrokenCode) as broken:
        host.load(HOSTILE[name])
    assert 1 <= len(broken.value.errors) <= 100


def test_the_place_is_line_column_and_span_in_characters() -> None:
    (error,) = refusals("export function request() {\n  const ü = '𝒳'; while (ü) {}\n}")
    assert (error.line, error.column, error.span, error.error_type) == (2, 18, len("while (ü) {}"), "LINT_ERROR")


SYNTAX = [
    ("const x = 'open", "TS1002: Unterminated string literal.", 11),
    ("const x = `open ${1}", "TS1002: Unterminated string literal.", 20),
    ("/* open", "TS1010: '*/' expected.", 1),
    ("f(1", "TS1109: Expression expected. Found the end of the code.", 4),
    ("import {", "TS1003: Identifier expected.", 9),
    ("const = 1", "TS1134: Variable declaration expected.", 7),
    ("const x = {a: 1 b: 2}", "TS1005: ',' expected. Found: 'b'", 17),
    ("const ü = {;", "TS1136: Property assignment expected.", 12),
    ("x = = 2", "TS1109: Expression expected. Found: =", 5),
    ("let a; let a;", "TS2451: Cannot redeclare block-scoped variable.", 13),
    ("\ud800", "TS1127: Invalid character.", 1),
    ("[" * 3_000 + "]" * 3_000, "the code nests deeper than 1000 levels", 1),
]  # fmt: skip


@pytest.mark.parametrize(("code", "value", "column"), SYNTAX, ids=[value for _, value, _ in SYNTAX])
def test_what_cannot_be_read_is_a_parse_error(host: JavaScriptHost, code: str, value: str, column: int) -> None:
    with pytest.raises(BrokenCode) as broken:
        host.load(code)
    (error,) = broken.value.errors
    assert (error.error_type, error.value, error.line, error.column) == ("PARSE_ERROR", value, 1, column)


MODULES = [
    ("import { map } from 'lodash'", "TS2307: Cannot find module 'lodash'"),
    ("import './mine'", "TS2307: Cannot find module './mine'"),
    ("import { getItem } from '@aws-appsync/utils/dynamodb'", "TS2305: Module '\"@aws-appsync/utils/dynamodb\"' has no exported member 'getItem'."),
    ("export default function () {}", "export default is not supported"),
    ("export * from 'x'", "re-exports"),
    ("export { a } from '@aws-appsync/utils'", "re-exports"),
    ("x" * 40_000, "more than"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "why"), MODULES, ids=[why for _, why in MODULES])
def test_modules_that_cannot_be_loaded(code: str, why: str) -> None:
    with pytest.raises(BrokenCode) as broken:
        to_script(code, 32_768)
    assert why in broken.value.errors[0].value


def test_exports_and_imports_become_script() -> None:
    code = (
        "import { util, runtime as rt } from '@aws-appsync/utils';\n"
        "import * as ddb from '@aws-appsync/utils/dynamodb';\nimport rds from '@aws-appsync/utils/rds';\n"
        "const respond = (c) => c;\nfunction request(ctx) { return missing + Math.abs(1) }\nexport { request, respond as response };\n"
        "export const extra = 1, [more, { deep: deeper }] = [2, {}];"
    )
    script = to_script(code, 32_768)
    assert script.exports == {"request", "response", "extra", "more", "deeper"}
    assert script.text.count("\n") == code.count("\n") + 2
    assert script.warnings == (
        "@aws-appsync/utils/rds has no default export in AppSync: name what you import",
        "5:32: TS2304: Cannot find name 'missing'.",
        "5:42: Math.abs is not among the functions that AppSync documents",
    )


PIECES = st.sampled_from(
    [
        *("import ", "export ", "const ", "function ", "from ", "as ", "async ", "for", "in", "label:", "'x'", "of "),
        *"ab{}()`'\"/*\n ;:,=\\1.[]é#$",
        *("${", "//", "/*", "*/", "=>", "'@aws-appsync/utils'"),
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=30).map("".join)))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_script_or_broken_code(source: str) -> None:
    try:
        script = to_script(source, 1000)
        lines = script.text.count("\n") - 2
        errors: tuple[CodeError, ...] = ()
        for line in range(1, lines + 3):
            assert script.positions.original(line, 7)[1] >= 1
    except BrokenCode as broken:
        lines, errors = source.count("\n"), broken.errors
    assert lines == source.count("\n")
    assert all(error.line >= 1 and error.column >= 1 and error.value for error in errors)
