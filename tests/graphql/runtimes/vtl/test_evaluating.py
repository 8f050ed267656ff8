"""EvaluateMappingTemplate's answers."""

import json

import pytest

from callpark.graphql.runtimes.evaluating import evaluate_template
from callpark.graphql.runtimes.vtl.host import VtlHost
from callpark.kernel.errors import CallerError

pytestmark = pytest.mark.unit


async def test_the_result_is_the_text_that_the_template_prints(host: VtlHost) -> None:
    template = (
        '#set($ctx.stash.seen = true)$util.appendError("careful")$util.log.info("looked")\n{ "id": "$ctx.args.id" }'
    )
    answer = await evaluate_template(host, template, '{"arguments": {"id": "7"}}')
    assert answer.result == '\n{ "id": "7" }'
    assert answer.error is None
    assert answer.logs == ("INFO - looked",)
    assert answer.stash == '{"seen":true}'
    assert json.loads(answer.out_errors or "")[0]["message"] == "careful"


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("plain words, $ctx.args.none", "plain words, $ctx.args.none"),
        ('$util.toJson({"a": [1, null]})', '{"a":[1,null]}'),
        ('#return({"a": 1})', '{"a":1}'),
        ("#return", "null"),
        ("", ""),
    ],
)
async def test_results(host: VtlHost, template: str, result: str) -> None:
    assert (await evaluate_template(host, template, "{}")).result == result


async def test_arguments_may_be_given_as_args(host: VtlHost) -> None:
    assert (await evaluate_template(host, "$ctx.arguments.a", '{"args": {"a": 1}}')).result == "1"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ('$util.error("no", "T")', "no"),
        ("$util.unauthorized()", "Unauthorized"),
        ("\n#if($x)", "2:8: #if without its #end"),
        ("$util.parseJson('{')", "$util.parseJson: the text is not JSON"),
    ],
)
async def test_errors(host: VtlHost, template: str, message: str) -> None:
    answer = await evaluate_template(host, template, "{}")
    assert answer.result is None
    assert answer.error is not None
    assert message in answer.error.message


async def test_a_context_that_is_no_object_is_refused(host: VtlHost) -> None:
    with pytest.raises(CallerError):
        await evaluate_template(host, "{}", "[]")
