"""util.transform beyond the tables of both runtimes: calls without arguments, and what the log says."""

import pytest

from callpark.graphql.runtimes.js.host import JavaScriptHost
from tests.graphql.runtimes.js.test_hostile import run, unchecked

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("source", ["", "undefined", "null", "{ v: 'x' }", "{ v: { toString: 1 } }"])
async def test_what_the_service_cannot_render_is_null_and_the_log_says_so(host: JavaScriptHost, source: str) -> None:
    evaluation = await run(unchecked(host, f"return util.transform.toDynamoDBFilterExpression({source});"))
    assert (evaluation.halt, evaluation.value) == (None, None)
    assert "the result is null" in evaluation.logs[0]


@pytest.mark.parametrize("name", ["toSubscriptionFilter", "toElasticsearchQueryDSL"])
async def test_nothing_is_made_of_nothing(host: JavaScriptHost, name: str) -> None:
    assert (await run(unchecked(host, f"return util.transform.{name}();"))).value is None
