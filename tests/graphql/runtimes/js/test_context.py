"""What a handler sees and leaves: ctx, logs, appended errors, effects, early returns, headers, XML."""

from collections.abc import Mapping
from typing import Any

import pytest

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.host import JavaScriptHost
from tests.graphql.runtimes.js.test_conformance import CONTEXT, evaluate

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
    ("runtime.earlyReturn(1, { skipTo: 'HOME' })", "skipTo is 'END' or 'NEXT'"),
    ("util.http.addResponseHeaders(5)", "expects a map"),
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
