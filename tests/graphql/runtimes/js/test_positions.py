"""Places in messages and logs are those of the author's file, through our edits and through an inline source map."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.graphql.runtimes.js.module import BrokenCode, to_script
from callpark.graphql.runtimes.js.sourcemap import inline_map
from tests.graphql.runtimes.js.test_conformance import CONTEXT

pytestmark = pytest.mark.unit

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def vlq(number: int) -> str:
    number = (-number << 1) | 1 if number < 0 else number << 1
    out = ""
    while True:
        number, digit = number >> 5, number & 31
        out += _LETTERS[digit | (32 if number else 0)]
        if not number:
            return out


def with_map(code: str, lines: list[list[tuple[int, int, int, int]]], sources: list[str], **members: object) -> str:
    """`lines`: segments (column, source, line, column) from 0."""
    source = line = column = 0
    written = []
    for segments in lines:
        generated = 0
        parts = []
        for to in segments:
            parts.append(vlq(to[0] - generated) + vlq(to[1] - source) + vlq(to[2] - line) + vlq(to[3] - column))
            generated, source, line, column = to
        written.append(",".join(parts))
    document = {"version": 3, "sources": sources, "names": [], "mappings": ";".join(written), **members}
    text = base64.b64encode(json.dumps(document).encode()).decode()
    return f"{code}\n//# sourceMappingURL=data:application/json;base64,{text}\n"


def evaluate(host: JavaScriptHost, code: str) -> Evaluation:
    done = host.load(code).evaluate("request", CONTEXT, "")
    assert isinstance(done, Evaluation)
    return done


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("export function request(ctx) { return util.base64Encode(1); }", "1:39"),
        ("export function request(ctx) { return [util.autoId(), util.base64Encode(ctx.args)]; }", "1:55"),
        ("export const request = (ctx) => util.base64Encode(1);", "1:33"),
        (
            "import { util } from '@aws-appsync/utils'; export function request() { return util.base64Encode(1); }",
            "1:79",
        ),
        ("export function request() {\n  const s = 'é𝒳';  return util.base64Encode(s.length);\n}", "2:27"),
        ("export function request() {\n  for (const x of [1]) { util.base64Encode(x); }\n}", "2:26"),
        ("export function request() {\n  for (const x of [1]) util.base64Encode(x);\n}", "2:24"),
        ("const f = (x) => util.base64Encode(x);\nexport function request() {\n  return [1].map(f);\n}", "1:18"),
    ],
)
def test_the_place_of_a_misuse(host: JavaScriptHost, code: str, place: str) -> None:
    halt = evaluate(host, code).halt
    assert halt is not None
    assert str(halt["message"]) == f"code.js:{place}: util.base64Encode expects a string"


def test_positions_follow_an_inline_source_map(host: JavaScriptHost) -> None:
    code = (
        "// lib\nfunction encode(x) {\n  return util.base64Encode(x);\n}\n"
        "export function request() {\n  console.log('here');\n  return encode(1);\n}"
    )
    lines: list[list[tuple[int, int, int, int]]] = [
        [],
        [(0, 1, 9, 0)],
        [(0, 1, 10, 0), (9, 1, 10, 4)],
        [],
        [(0, 0, 2, 0)],
        [(2, 0, 3, 6)],
    ]
    evaluation = evaluate(host, with_map(code, lines, ["../src/resolver.ts", "../src/lib/encode.ts"]))
    assert evaluation.logs == ('INFO - src/resolver.ts:4:7: "here"',)
    assert evaluation.halt is not None
    assert evaluation.halt["message"] == "src/lib/encode.ts:11:5: util.base64Encode expects a string"


def test_what_the_map_does_not_cover_is_placed_in_the_bundle(host: JavaScriptHost) -> None:
    code = with_map("export function request() {\n  util.base64Encode(1);\n}", [[(0, 0, 0, 0)]], ["a.ts"])
    halt = evaluate(host, code).halt
    assert halt is not None
    assert str(halt["message"]).startswith("code.js:2:")


def test_refusals_are_placed_in_the_code_that_was_given() -> None:
    code = with_map("export function request() {\n  while (1) {}\n}", [[], [(0, 0, 40, 0)]], ["a.ts"])
    with pytest.raises(BrokenCode) as broken:
        to_script(code, 10_000)
    assert (broken.value.errors[0].line, broken.value.errors[0].column) == (2, 3)


@pytest.mark.parametrize("mappings", ["A", "AAAA,!", "AEAA", "g", "AAAA" + "g" * 20])
def test_a_map_that_cannot_be_read_is_a_warning(mappings: str) -> None:
    document = json.dumps({"version": 3, "sources": ["a.ts"], "mappings": mappings})
    comment = f"//# sourceMappingURL=data:application/json;base64,{base64.b64encode(document.encode()).decode()}"
    script = to_script(f"export function request() {{}}\n{comment}", 10_000)
    assert [each for each in script.warnings if "source map" in each] or mappings == "A"


places = st.tuples(*(st.integers(0, 3), st.integers(0, 2), st.integers(0, 500), st.integers(0, 500)))


@given(st.lists(st.lists(places, max_size=4, unique_by=lambda segment: segment[0]).map(sorted), min_size=1, max_size=5))
def test_maps_are_read_as_they_were_written(lines: list[list[tuple[int, int, int, int]]]) -> None:
    read, warning = inline_map(with_map("code", lines, ["a", "b", "c"], sourceRoot="root/"))
    assert warning is None
    assert read is not None
    for number, segments in enumerate(lines, 1):
        for column, source, line, original in segments:
            assert read.original(number, column + 1) == (f"root/{'abc'[source]}", line + 1, original + 1)
