"""What an API's own limits do: depth, number of resolvers, introspection. Reference §9, §16."""

from dataclasses import replace
from typing import Any

import pytest

from callpark.graphql.messages import GraphqlRequest, GraphqlResponse
from callpark.kernel.errors import ProjectError
from tests.graphql.conftest import PASS_ON, Bench

pytestmark = pytest.mark.unit

SCHEMA = """
type Query { node: Node  strict: Node!  list: [Node]  thing: Thing }
type Mutation { make: Node }
interface Thing { name: String }
type Node implements Thing { name: String  sure: String!  node: Node  must: Node! }
"""
NODE = """
export function request(ctx) {
  const leaf = { __typename: 'Node', name: 'leaf', sure: 's' };
  const node = { __typename: 'Node', name: 'n', sure: 's', node: leaf, must: leaf };
  return { payload: ctx.info.fieldName === 'list' ? [node, node] : node };
}
"""


async def run(bench: Bench, query: str, **limits: Any) -> GraphqlResponse:
    resolvers: dict[str, Any] = dict.fromkeys(
        ("Query.node", "Query.strict", "Query.list", "Query.thing", "Mutation.make"), NODE
    )
    bench.api(SCHEMA, resolvers, source="NONE")
    definition = bench.service.api("api")
    assert definition is not None
    bench.service.apply([replace(definition, **limits)])
    return await bench.service.execute("api", GraphqlRequest(query))


@pytest.mark.parametrize(
    ("limit", "query", "data", "paths"),
    [
        (1, "{ node { name } }", {"node": {"name": None}}, [["node", "name"]]),
        (2, "{ node { name } }", {"node": {"name": "n"}}, []),
        (0, "{ node { node { name } } }", {"node": {"node": {"name": "leaf"}}}, []),
        (2, "{ node { node { name } } }", {"node": {"node": {"name": None}}}, [["node", "node", "name"]]),
        (2, "{ node { must { name } } }", {"node": {"must": {"name": None}}}, [["node", "must", "name"]]),
        (2, "{ node { must { sure } } }", {"node": None}, [["node", "must", "sure"]]),
        (1, "{ list { name } }", {"list": [{"name": None}] * 2}, [["list", 0, "name"], ["list", 1, "name"]]),
        (1, "{ strict { sure } }", None, [["strict", "sure"]]),
        (1, "{ node { __typename } }", {"node": {"__typename": "Node"}}, []),
        (1, "mutation { make { name } }", {"make": {"name": None}}, [["make", "name"]]),
        (1, "{ thing { ... on Node { name } } }", {"thing": {"name": None}}, [["thing", "name"]]),
        (2, "{ ...F } fragment F on Query { node { ... { name } } }", {"node": {"name": "n"}}, []),
        (1, "{ __schema { queryType { name } } }", {"__schema": {"queryType": {"name": "Query"}}}, []),
    ],
)  # fmt: skip
async def test_fields_below_the_depth_limit_fail_and_bubble(
    bench: Bench, limit: int, query: str, data: object, paths: list[object]
) -> None:
    response = await run(bench, query, query_depth_limit=limit)
    assert response.data == data
    assert [each["path"] for each in response.errors] == paths
    assert {(each["errorType"], each["message"]) for each in response.errors} <= {
        ("QueryDepthLimitReached", "Query depth limit exceeded.")
    }


@pytest.mark.parametrize(("limit", "run_"), [(0, 3), (1, 1), (2, 2), (3, 3), (20_000, 3)])
async def test_resolvers_beyond_the_count_do_not_run(bench: Bench, limit: int, run_: int) -> None:
    response = await run(bench, "{ a: node { name } b: node { name } c: node { name } }", resolver_count_limit=limit)
    assert response.data is not None
    assert [key for key, value in response.data.items() if value] == list("abc")[:run_]
    assert [(each["errorType"], each["message"]) for each in response.errors] == [
        ("ResolverExecutionLimitReached", "Resolver invocation limit reached.")
    ] * (3 - run_)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("{ __schema { types { name } } }", "__schema"),
        ('{ __type(name: "Node") { name } }', "__type"),
        ("{ ...F } fragment F on Query { __schema { types { name } } }", "__schema"),
    ],
)
async def test_introspection_can_be_switched_off(bench: Bench, query: str, field: str) -> None:
    response = await run(bench, query, introspection=False)
    assert response.data is None
    message = f"Validation error of type FieldUndefined: Field '{field}' in type 'Query' is undefined @ '{field}'"
    assert [each["message"] for each in response.errors] == [message]
    assert (await run(bench, query)).errors == []


@pytest.mark.parametrize("count", [10, 11])
async def test_a_pipeline_has_ten_functions_at_most(bench: Bench, count: int) -> None:
    names = tuple(f"f{each}" for each in range(count))
    code = "export function request() { return { payload: 1 }; }\n" + PASS_ON
    functions: dict[str, tuple[str, str | None]] = dict.fromkeys(names, ("NONE", code))
    pipeline = "export function request() { return {}; }\n" + PASS_ON
    if count == 10:
        bench.api(SCHEMA, {"Query.node": (pipeline, *names)}, functions=functions)
        return
    with pytest.raises(ProjectError, match="has 11 functions, AppSync allows 10"):
        bench.api(SCHEMA, {"Query.node": (pipeline, *names)}, functions=functions)


@pytest.mark.parametrize(("characters", "error"), [(5_242_860, None), (5_243_280, "Code")])
async def test_a_handlers_result_has_five_megabytes_at_most(bench: Bench, characters: int, error: str | None) -> None:
    large = (
        "export function request() { let unit = 'x'; let out = '';\n"
        f"  for (const bit of [{', '.join(reversed(f'{characters - 300:b}'))}]) {{\n"
        "    if (bit) out += unit; unit += unit; }\n"
        "  return { payload: out.length, pad: out }; }\n" + PASS_ON
    )
    bench.api("type Query { n: Int }", {"Query.n": large}, source="NONE")
    response = await bench.service.execute("api", GraphqlRequest("{ n }"))
    if error is None:
        assert response.data == {"n": characters - 300}
    else:
        assert [each["errorType"] for each in response.errors] == [error]
        assert "larger than 5242880 bytes" in str(response.errors[0]["message"])


async def test_typename_works_without_introspection(bench: Bench) -> None:
    response = await run(bench, "{ __typename node { __typename } }", introspection=False)
    assert response.data == {"__typename": "Query", "node": {"__typename": "Node"}}
