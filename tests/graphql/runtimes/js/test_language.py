"""What APPSYNC_JS refuses is refused at load, with AWS's rule and the place; what it supports is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.graphql.runtimes.js.language import CodeError, check_language
from callpark.graphql.runtimes.js.module import BrokenCode, to_script
from callpark.graphql.runtimes.js.tokens import tokens

pytestmark = pytest.mark.unit

REFUSED = [
    ("async function f() {}", "no-async"),
    ("const f = async () => 1", "no-async"),
    ("const f = async x => 1", "no-async"),
    ("await f()", "no-await"),
    ("class A {}", "no-classes"),
    ("const a = class {}", "no-classes"),
    ("for (const x of y) { continue }", "no-continue"),
    ("'a' in b", "no-disallowed-binary-operators"),
    ("a instanceof b", "no-disallowed-binary-operators"),
    ("f.apply(x)", "no-disallowed-methods"),
    ("f?.call(x)", "no-disallowed-methods"),
    ("eval('1')", "no-disallowed-methods"),
    ("x.constructor", "no-disallowed-methods"),
    ("i++", "no-disallowed-unary-operators"),
    ("--i", "no-disallowed-unary-operators"),
    ("~i", "no-disallowed-unary-operators"),
    ("for (let i = 0; i < 3; i += 1) {}", "no-for"),
    ("for (;;) {}", "no-for"),
    ("function* g() {}", "no-generators"),
    ("outer: for (const x of y) {}", "no-labels"),
    ("Promise.resolve()", "no-promise"),
    ("const r = /a/g", "no-regex"),
    ("f(/[/]/)", "no-regex"),
    ("this.a", "no-this"),
    ("throw 1", "no-throw"),
    ("try { a() } catch (e) { b() }", "no-try"),
    ("while (true) {}", "no-while"),
    ("do { } while (x)", "no-while"),
    ("`${this.x}`", "no-this"),
    ("new Map()", "no-new"),
    ("const a = 1n", "no-bigint"),
    ("const o = { get a() { return 1 } }", "no-accessors"),
]
SUPPORTED = [
    "const o = { class: 1, try: 2, in: 3, this: 4, async: 5, get: 6, set: 7 }; o.class; o.try; o?.in",
    "for (const k in o) { delete o[k] }",
    "for (const [k, v] of Object.entries(o)) { if (v) break }",
    "const t = `while ${a ? `try ${b}` : 'class'} do`; const s = 'for (;;) {}'; // while",
    "/* class this */ const a = b / c / d; const e = (f) / 2; g[0] / 3",
    "const { a = 1, ...rest } = x; const f = (...y) => ({ ...y }); x ??= 1; x?.y ?? z",
    "switch (x) { case 1: return a; default: return b }",
    "const d = new Date(); const get = 1; const set = get; f(get, set)",
    "const o = { get, set, async };",
    "typeof x === 'string' && void 0",
]


@pytest.mark.parametrize(("code", "rule"), REFUSED)
def test_refused(code: str, rule: str) -> None:
    assert rule in {error.rule for error in check_language(code, list(tokens(code)))}


@pytest.mark.parametrize("code", SUPPORTED)
def test_supported(code: str) -> None:
    assert check_language(code, list(tokens(code))) == []


def test_the_place_is_line_and_column() -> None:
    with pytest.raises(BrokenCode) as broken:
        to_script("export function request() {\n  const a = 1;\n  while (a) {}\n}", 1000)
    (error,) = broken.value.errors
    assert (error.line, error.column, error.value) == (3, 3, "while is not supported by APPSYNC_JS (no-while)")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import x from 'lodash'", "default import"),
        ("import { map } from 'lodash'", "bundle it"),
        ("import 'side-effect'", "bundle it"),
        ("export default function () {}", "export default"),
        ("export * from 'x'", "export *"),
        ("export { a } from '@aws-appsync/utils'", "re-exports"),
        ("const x = 'open", "not closed"),
        ("const x = `open ${1}", "not closed"),
        ("/* open", "not closed"),
        ("import {", "unexpected end"),
        ("import", "unexpected end"),
        ("export", "unexpected end"),
        ("\\", "unexpected character"),
        ("x" * 40_000, "more than"),
    ],
)
def test_modules_that_cannot_be_loaded(code: str, why: str) -> None:
    with pytest.raises(BrokenCode, match=why.replace("*", r"\*")):
        to_script(code, 32_768)


def test_exports_and_imports_become_script() -> None:
    code = (
        "import { util, runtime as rt } from '@aws-appsync/utils';\n"
        "import * as ddb from '@aws-appsync/utils/dynamodb';\n"
        "const respond = (c) => c;\nfunction request(ctx) { return {} }\nexport { request, respond as response };\n"
        "export const extra = 1;"
    )
    script = to_script(code, 32_768)
    assert script.exports == {"request", "response", "extra"}
    assert script.text.count("\n") == code.count("\n") + 2
    assert script.warnings == ("the module @aws-appsync/utils/dynamodb is not built yet: calling it is a field error",)


PIECES = st.sampled_from(
    [
        *("import ", "export ", "const ", "function ", "from ", "as ", "async ", "for", "in", "label:", "'x'"),
        *"ab{}()`'\"/*\n ;:,=\\1.[]é#$",
        *("${", "//", "/*", "*/", "=>", "'@aws-appsync/utils'"),
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=30).map("".join)))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_script_or_broken_code(source: str) -> None:
    try:
        lines = to_script(source, 1000).text.count("\n") - 2
        errors: tuple[CodeError, ...] = ()
    except BrokenCode as broken:
        lines, errors = source.count("\n"), broken.errors
    assert lines == source.count("\n")
    assert all(error.line >= 1 and error.column >= 1 and error.value for error in errors)
