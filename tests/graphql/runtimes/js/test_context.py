"""What a handler sees and leaves: ctx, logs, appended errors, effects, early returns, headers, XML."""

from collections.abc import Mapping
from typing import Any

import pytest

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.host import JavaScriptHost
from tests.graphql.runtimes.js.test_conformance import CONTEXT, evaluate
from tests.graphql.runtimes.js.test_util_table import call

pytestmark = pytest.mark.unit

FULL: dict[str, object] = {
    **CONTEXT,
    "arguments": {"name": "n"},
    "source": {"id": "parent"},
    "identity": {"sub": "s", "claims": {"cognito:groups": ["g"]}},
    "request": {"headers": {"x-a": ["1", "2"]}, "domainName": None},
    "result": {"id": 1},
    "error": {"message": "m", "type": "T"},
    "prev": {"result": [1]},
    "stash": {"kept": True},
    "outErrors": [{"message": "before", "type": None, "data": None, "errorInfo": None}],
}
MEMBERS = [
    ("ctx.args", {"name": "n"}),
    ("ctx.arguments", {"name": "n"}),
    ("ctx.source.id", "parent"),
    ("ctx.identity.claims['cognito:groups'][0]", "g"),
    ("ctx.request.headers['x-a']", ["1", "2"]),
    ("ctx.request.domainName", None),
    ("ctx.result.id", 1),
    ("ctx.error.type", "T"),
    ("ctx.prev.result", [1]),
    ("ctx.stash.kept", True),
    ("ctx.env.STAGE", "test"),
    ("ctx.outErrors[0].message", "before"),
    ("ctx.info.fieldName + ctx.info.parentTypeName", "fQuery"),
    ("ctx.info.variables", {}),
    ("ctx.info.selectionSetList", ["a"]),
    ("ctx.info.selectionSetGraphQL", "{\n  a\n}"),
    ("Object.keys(ctx.info).includes('selectionSetList')", False),
    ("ctx.missing?.deeper ?? 'none'", "none"),
]


@pytest.mark.parametrize(("expression", "expected"), MEMBERS)
async def test_members_of_the_context(host: JavaScriptHost, expression: str, expected: object) -> None:
    assert (await evaluate(host, f"return {expression};", FULL)).value == expected


async def test_arguments_and_stash_exist_without_being_given(host: JavaScriptHost) -> None:
    for context in ({}, {"arguments": None, "stash": None}):
        evaluation = await evaluate(host, "ctx.args.a = 1; ctx.stash.b = 2; return ctx.arguments;", context)
        assert (evaluation.value, evaluation.args, evaluation.stash) == ({"a": 1}, {"a": 1}, {"b": 2})


async def test_changes_travel_through_a_pipeline_of_handlers(host: JavaScriptHost) -> None:
    steps = [
        "ctx.args.owner = 'x'; ctx.stash.seen = [1]; return 1;",
        "ctx.args.owner += 'y'; ctx.stash.seen.push(2); delete ctx.args.name; return 2;",
        "return [ctx.args, ctx.stash];",
    ]
    context: Mapping[str, object] = CONTEXT
    for body in steps:
        evaluation = await evaluate(host, body, context)
        context = {**context, "arguments": evaluation.args, "stash": evaluation.stash}
    assert evaluation.value == [{"owner": "xy"}, {"seen": [1, 2]}]


async def test_logs_have_level_place_and_json(host: JavaScriptHost) -> None:
    evaluation = await evaluate(
        host, "console.log('text', 1, { a: [null] }, undefined);\n  console.error('bad');\nreturn 1;"
    )
    assert evaluation.logs == (
        'INFO - code.js:3:1: "text" 1 {"a":[null]} undefined',
        'ERROR - code.js:4:3: "bad"',
    )


async def test_a_log_is_bounded(host: JavaScriptHost) -> None:
    body = (
        "let s = 'x'; for (const n of ctx.args.list) s += s; for (const n of ctx.args.list) console.log(s); return 1;"
    )
    evaluation = await evaluate(host, body, {"arguments": {"list": list(range(16))}})
    assert len(evaluation.logs) < 6
    assert evaluation.logs[-1].endswith("the rest of this log is left out")


ENDINGS: list[tuple[str, Any]] = [
    ("util.error('m')", {"message": "m", "type": None, "data": None, "errorInfo": None}),
    ("util.error('m', 'T', { a: 1 }, [2])", {"message": "m", "type": "T", "data": {"a": 1}, "errorInfo": [2]}),
    ("util.error()", {"message": None, "type": None, "data": None, "errorInfo": None}),
    ("util.unauthorized()", {"message": "Unauthorized", "type": "Unauthorized", "data": None, "errorInfo": None}),
]


@pytest.mark.parametrize(("expression", "expected"), ENDINGS)
async def test_errors_end_the_handler(host: JavaScriptHost, expression: str, expected: dict[str, object]) -> None:
    evaluation = await evaluate(host, f"ctx.stash.before = 1; {expression}; ctx.stash.after = 1; return 1;")
    assert evaluation.halt == {"kind": "error", **expected}
    assert evaluation.stash == {"before": 1}
    assert evaluation.value is None


@pytest.mark.parametrize(
    ("expression", "value", "skip_to"),
    [
        ("runtime.earlyReturn()", None, None),
        ("runtime.earlyReturn({ a: 1 }, { skipTo: 'END' })", {"a": 1}, "END"),
        ("runtime.earlyReturn(5, { skipTo: 'NEXT' })", 5, "NEXT"),
    ],
)
async def test_early_returns(host: JavaScriptHost, expression: str, value: object, skip_to: str | None) -> None:
    evaluation = await evaluate(host, f"{expression}; return 1;")
    assert evaluation.halt == {"kind": "return", "value": value, "skipTo": skip_to}


EFFECTS = [
    ("extensions.evictFromApiCache('Query', 'f', { 'context.arguments.id': '1' })", "evictFromApiCache"),
    ("extensions.setSubscriptionFilter({ filterGroup: [] })", "setSubscriptionFilter"),
    ("extensions.setSubscriptionInvalidationFilter({ filterGroup: [] })", "setSubscriptionInvalidationFilter"),
    ("extensions.invalidateSubscriptions({ subscriptionField: 'f', payload: {} })", "invalidateSubscriptions"),
]


@pytest.mark.parametrize(("expression", "name"), EFFECTS)
async def test_effects_are_values(host: JavaScriptHost, expression: str, name: str) -> None:
    evaluation = await evaluate(host, f"return {expression};")
    assert evaluation.value is None
    assert [each["name"] for each in evaluation.effects] == [name]


MISUSED = [
    ("extensions.evictFromApiCache('Query')", "expects a string"),
    ("extensions.evictFromApiCache('Query', 'f', 5)", "as an object"),
    ("extensions.setSubscriptionFilter({})", "expects an object with a 'filterGroup'"),
    ("extensions.invalidateSubscriptions({})", "expects an object with a 'subscriptionField'"),
    ("runtime.earlyReturn(1, { skipTo: 'HOME' })", "skipTo is 'END' or 'NEXT'"),
    ("util.http.addResponseHeaders(5)", "expects a map"),
    ("util.str.normalize('x', 'nfx')", "expects one of"),
    ("util.math.roundNum('x')", "expects a number"),
]


@pytest.mark.parametrize(("expression", "why"), MISUSED)
async def test_misuse_of_effects(host: JavaScriptHost, expression: str, why: str) -> None:
    evaluation = await evaluate(host, f"{expression}; return 1;")
    assert evaluation.halt is not None
    assert why in str(evaluation.halt["message"])
    assert evaluation.effects == ()


async def headers(host: JavaScriptHost, expression: str) -> tuple[list[object], list[object]]:
    evaluation: Evaluation = await evaluate(host, f"{expression}; return 1;")
    assert evaluation.halt is None
    assert {each["name"] for each in evaluation.effects} <= {"addResponseHeader"}
    return [each["parameters"] for each in evaluation.effects], [
        (each["type"], each["message"]) for each in evaluation.errors
    ]


async def test_response_headers(host: JavaScriptHost) -> None:
    added, errors = await headers(
        host, "util.http.addResponseHeader('itemsCount', 7); util.http.addResponseHeaders({ a: 'x', b: { c: [1] } })"
    )
    assert added == [["itemsCount", "7"], ["a", "x"], ["b", '{"c":[1]}']]
    assert errors == []


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("('', 1)", "empty or invalid"),
        ("('a b', 1)", "empty or invalid"),
        ("('Vary', '*')", "'Vary' is restricted"),
        ("('access-control-allow-origin', '*')", "is restricted"),
        ("('Connection', 'x')", "is restricted"),
        ("('x-amzn-y', 1)", "is restricted"),
        ("('X-Amz-y', 1)", "is restricted"),
        ("('a', null)", "has no value"),
        ("('a', 'x\\r\\ny: z')", "is invalid"),
    ],
)
async def test_headers_that_cannot_be_added_are_errors_beside_the_answer(
    host: JavaScriptHost, call: str, why: str
) -> None:
    added, errors = await headers(host, f"util.http.addResponseHeader{call}")
    assert added == []
    ((kind, message),) = errors  # type: ignore[misc]
    assert kind == "ResponseHeaderError"  # type: ignore[has-type]
    assert why in str(message)  # type: ignore[has-type]


XML: list[tuple[str, Any]] = [
    ("<a/>", {"a": ""}),
    ("<a></a>", {"a": ""}),
    ("<a>text</a>", {"a": "text"}),
    ("<a>1</a>", {"a": 1}),
    ("<a>-1.5e2</a>", {"a": -150}),
    ("<a>007</a>", {"a": "007"}),
    ("<a>true</a>", {"a": True}),
    ("<a>null</a>", {"a": None}),
    ("<a x=\"1\" y='&lt;é'>t</a>", {"a": {"x": 1, "y": "<é", "content": "t"}}),
    ('<a x="1"/>', {"a": {"x": 1}}),
    ("<a><b>1</b><c>2</c><b>3</b></a>", {"a": {"b": [1, 3], "c": 2}}),
    ("<a>x<b>1</b>y</a>", {"a": {"b": 1, "content": ["x", "y"]}}),
    ("<a><![CDATA[<b>&amp;]]></a>", {"a": "<b>&amp;"}),
    ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><!-- no --><a>&b;&#65;&#x42;&amp;</a>", {"a": "&b;AB&"}),
    ("<s:a xmlns:s='u'><s:b>1</s:b></s:a>", {"s:a": {"xmlns:s": "u", "s:b": 1}}),
    ("<a><__proto__>1</__proto__></a>", {"a": {"__proto__": 1}}),
]


@pytest.mark.parametrize(("source", "expected"), XML)
async def test_xml(host: JavaScriptHost, source: str, expected: object) -> None:
    evaluation = await evaluate(host, call("xml.toMap", (source,)))
    assert evaluation.halt is None
    assert evaluation.value == expected


async def test_xml_as_json(host: JavaScriptHost) -> None:
    assert (await evaluate(host, call("xml.toJsonString", ("<a>1</a>",)))).value == '{"a":1}'
    assert (await evaluate(host, call("xml.toJsonString", ("<a>1</a>", True)))).value == '"{\\"a\\":1}"'


@pytest.mark.parametrize(
    "source", ["<a>", "<a></b>", "a", "<a b></a", "<a b=1/>", "<!-- open", "<a><![CDATA[", "<", "</a>"]
)
async def test_broken_xml_is_misuse(host: JavaScriptHost, source: str) -> None:
    halt = (await evaluate(host, call("xml.toMap", (source,)))).halt
    assert halt is not None
    assert "util.xml.toMap: " in str(halt["message"])
