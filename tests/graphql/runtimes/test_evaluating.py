"""EvaluateCode's answers: results, errors, code errors, logs, stash and appended errors."""

import json
from collections.abc import Iterator

import pytest

from callpark.graphql.runtimes.evaluating import Evaluated, evaluate_code
from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def host() -> Iterator[JavaScriptHost]:
    made = JavaScriptHost(VirtualClock(), SeededIds(1), AppSyncLimits(resolver_milliseconds=300))
    yield made
    made.close()


def code(body: str) -> str:
    return f"export function request(ctx) {{\n  {body}\n}}\nexport const response = (ctx) => ctx.result;"


async def test_a_result_with_all_that_was_left(host: JavaScriptHost) -> None:
    body = "console.log(ctx.args); ctx.stash.a = 1; util.appendError('e', 'T'); return { payload: ctx.args.id };"
    assert await evaluate_code(host, code(body), '{"arguments": {"id": 7}}') == Evaluated(
        result='{"payload":7}',
        logs=('INFO - code.js:2:3: {"id":7}',),
        stash='{"a":1}',
        out_errors='[{"message":"e","type":"T","data":null,"errorInfo":null}]',
    )


async def test_the_other_handler_and_a_partial_context(host: JavaScriptHost) -> None:
    evaluated = await evaluate_code(host, code("return 1"), '{"result": [1]}', "response")
    assert (evaluated.result, evaluated.error, evaluated.stash, evaluated.out_errors) == ("[1]", None, "{}", "[]")
    assert (await evaluate_code(host, code(""), "{}")).result == "null"
    assert (await evaluate_code(host, code("runtime.earlyReturn({ a: 1 })"), "{}")).result == '{"a":1}'
    assert (await evaluate_code(host, code("return 2"), "{}", None)).result == "2"


async def test_errors_are_bare_messages(host: JavaScriptHost) -> None:
    """Recorded: EvaluateCode does not tell the type."""
    for body, message in (
        ("util.error('foo', 'T', { a: 1 })", "foo"),
        ("util.unauthorized()", "Unauthorized"),
        ("util.base64Encode(1)", "code.js:2:3: util.base64Encode expects a string"),
        ("return ctx.missing.deeper", "code.js:2:10: TypeError: cannot read property 'deeper' of undefined"),
    ):
        evaluated = await evaluate_code(host, code(body), "{}")
        assert evaluated.result is None
        assert evaluated.error is not None
        assert (evaluated.error.message, evaluated.error.code_errors) == (message, ())


async def test_code_errors_are_listed_with_their_places(host: JavaScriptHost) -> None:
    evaluated = await evaluate_code(host, code("let i = 0; i++; util.toJson(i);"), "{}")
    assert evaluated.result is evaluated.stash is None
    assert evaluated.error is not None
    assert evaluated.error.message == "The code contains one or more errors."
    assert evaluated.error.code_errors == (
        {
            "errorType": "LINT_ERROR",
            "value": "The operator ++ is not supported",
            "location": {"line": 2, "column": 14, "span": 3},
        },
        {
            "errorType": "PARSE_ERROR",
            "value": "code.js(2,24): error TS2339: Property 'toJson' does not exist on type 'Util'.\n",
            "location": {"line": 2, "column": 24, "span": 6},
        },
    )


async def test_a_syntax_error(host: JavaScriptHost) -> None:
    evaluated = await evaluate_code(host, "const x = {a: 1 b: 2}", "{}")
    assert evaluated.error is not None
    (only,) = evaluated.error.code_errors
    assert only["errorType"] == "PARSE_ERROR"
    assert only["value"] == "code.js(1,17): error TS1005: ',' expected. Found: 'b'\n"


async def test_a_handler_that_is_not_there(host: JavaScriptHost) -> None:
    evaluated = await evaluate_code(host, "export const other = () => 1", "{}", "response")
    assert evaluated.error is not None
    assert evaluated.error.message == "The code does not export a function named response."


async def test_endless_code_is_cut_off(host: JavaScriptHost) -> None:
    body = "let n = 0; const l = ctx.args.l; " + "for (const a of l) " * 5 + "n += 1;"
    evaluated = await evaluate_code(host, code(body), json.dumps({"arguments": {"l": list(range(900))}}))
    assert evaluated.error is not None
    assert evaluated.error.message == "The handler took too much time."


@pytest.mark.parametrize("context", ["", "[]", "nonsense", "1"])
async def test_a_context_that_is_no_object(host: JavaScriptHost, context: str) -> None:
    with pytest.raises(CallerError) as refused:
        await evaluate_code(host, code("return 1"), context)
    assert (refused.value.code, refused.value.status) == ("BadRequestException", 400)
