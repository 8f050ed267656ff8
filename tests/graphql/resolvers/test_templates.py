"""VTL mapping templates, which are not run yet: a field that needs one says so, at load and when it is asked for."""

import pytest

from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.model import ApiDefinition, DataSourceDefinition, FunctionDefinition, ResolverDefinition
from tests.graphql.conftest import Bench

pytestmark = pytest.mark.unit

WHY = "callpark does not run VTL mapping templates yet; write them in APPSYNC_JS"


@pytest.mark.parametrize(
    ("resolver", "functions", "where"),
    [
        (
            ResolverDefinition("Query", "a", "UNIT", data_source="NONE", request_template="{}"),
            (),
            "resolver Query.a",
        ),
        (
            ResolverDefinition("Query", "a", "UNIT", data_source="NONE", response_template="$context.result"),
            (),
            "resolver Query.a",
        ),
        (
            ResolverDefinition("Query", "a", "PIPELINE", functions=(), request_template="{}"),
            (),
            "resolver Query.a",
        ),
        (
            ResolverDefinition("Query", "a", "PIPELINE", functions=("f",)),
            (FunctionDefinition("f", "old", "NONE", None, request_template="{}"),),
            "function old",
        ),
    ],
)
async def test_a_field_with_mapping_templates_fails_by_name(
    bench: Bench, resolver: ResolverDefinition, functions: tuple[FunctionDefinition, ...], where: str
) -> None:
    api = ApiDefinition(
        api_id="api",
        name="Test",
        authentication_type="API_KEY",
        schema="type Query { a: Int b: Int }",
        data_sources=(DataSourceDefinition("NONE", "NONE"),),
        functions=functions,
        resolvers=(resolver,),
    )
    assert bench.service.apply([api]) == [f"API Test: {where}: {WHY}"]
    response = await bench.service.execute("api", GraphqlRequest("{ a b }"))
    assert response.data == {"a": None, "b": None}
    assert [(error["errorType"], error["message"]) for error in response.errors] == [
        ("UnsupportedResolver", f"{where}: {WHY}")
    ]
