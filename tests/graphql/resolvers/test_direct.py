"""Direct Lambda resolvers, in unit resolvers and in pipelines, batched or not (reference §1.3)."""

from dataclasses import replace

import pytest

from tests.graphql.conftest import ECHO, Bench

pytestmark = pytest.mark.unit

SCHEMA = "type Query { item(id: ID!): Item } type Item { id: ID }"


class UnauthorizedException(ArithmeticError):
    """Named as the one class whose message AppSync replaces."""


async def test_an_unauthorized_exception_loses_its_message(bench: Bench) -> None:
    async def fail(event: object) -> object:
        raise UnauthorizedException("secret reason")

    bench.api(SCHEMA, {"Query.item": None})
    bench.functions.handlers[ECHO] = fail
    response = await bench.run('{ item(id: "1") { id } }')
    assert [(e["errorType"], e["message"]) for e in response.errors] == [
        ("UnauthorizedException", "You are not authorized to make this call.")
    ]


async def test_a_direct_pipeline_function_sees_prev(bench: Bench) -> None:
    first = (
        "export function request() { return { payload: { id: '9' } }; }\n"
        "export function response(ctx) { return ctx.result; }"
    )

    async def handler(event: dict[str, dict[str, object]]) -> object:
        return event["prev"]["result"]

    bench.api(SCHEMA, {"Query.item": (None, "f1", "f2")}, functions={"f1": ("NONE", first), "f2": ("LAMBDA", None)})
    bench.functions.handlers[ECHO] = handler
    assert await bench.data('{ item(id: "1") { id } }') == {"item": {"id": "9"}}


@pytest.mark.parametrize(
    ("answer", "data", "errors"),
    [
        ([{"data": {"id": "1"}, "other": 1}], {"item": {"id": "1"}}, []),
        (
            [{"data": {"id": "1", "x": 2}, "errorMessage": "m", "errorType": "T"}],
            {"item": None},
            [("T", "m", {"id": "1"})],
        ),
        (
            [],
            {"item": None},
            [("Lambda:IllegalArgument", "A batch of 1 needs an answer of 1 item, the function gave 0.", None)],
        ),
    ],
)
async def test_a_batched_direct_resolver(bench: Bench, answer: object, data: object, errors: list[object]) -> None:
    async def handler(event: object) -> object:
        assert isinstance(event, list)
        assert len(event) == 1
        return answer

    bench.api(SCHEMA, {"Query.item": None})
    definition = bench.service.api("api")
    assert definition is not None
    batched = replace(definition, resolvers=tuple(replace(each, max_batch_size=5) for each in definition.resolvers))
    assert bench.service.apply([batched]) == []
    bench.functions.handlers[ECHO] = handler
    response = await bench.run('{ item(id: "1") { id } }')
    assert response.data == data
    assert [(e["errorType"], e["message"], e["data"]) for e in response.errors] == errors
