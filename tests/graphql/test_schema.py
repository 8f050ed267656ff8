"""Schemas: what AppSync understands of SDL, run; what it keeps to itself, warned of; introspection on and off."""

import json

import pytest

from tests.graphql.conftest import Bench

pytestmark = pytest.mark.unit

SHAPES = """
"Anything that can be drawn."
interface Shape { id: ID!  area: Float }
interface Named { name: String }
type Circle implements Shape & Named { id: ID!  area: Float  name: String  radius: Float! }
type Square implements Shape { id: ID!  area: Float  side: Float! @deprecated(reason: "use area") }
type Text { text: String! }
union Thing = Circle | Square | Text
enum Colour { RED GREEN @deprecated }
input Filter { colour: Colour = RED  at: [Point!]  within: Filter }
input Point { x: Int! = 0  y: Int! = 0 }
type Query { shapes(filter: Filter): [Shape!]!  things: [Thing] }
extend type Query { echo(filter: Filter): AWSJSON }
extend type Text { length: Int }
extend enum Colour { BLUE }
extend union Thing = Other
type Other { a: Int }
extend input Filter { more: Boolean }
"""
MAKES = """
export function request(ctx) { return { payload: [
  { __typename: 'Circle', id: 1, area: 3.5, name: 'c', radius: 1 },
  { __typename: 'Square', id: 2, area: 4, side: 2 },
] } }
export function response(ctx) { return ctx.result }
"""
THINGS = MAKES.replace("] }", "{ __typename: 'Text', text: 't', length: 1 }, { __typename: 'Other', a: 1 }, null ] }")
ECHO = "export const request = (ctx) => ({ payload: ctx.args.filter });\nexport const response = (ctx) => ctx.result;"
RESOLVERS: dict[str, str | tuple[str | None, ...] | None] = {
    "Query.shapes": MAKES,
    "Query.things": THINGS,
    "Query.echo": ECHO,
}


async def test_interfaces(bench: Bench) -> None:
    assert bench.api(SHAPES, RESOLVERS, source="NONE") == []
    query = "{ shapes { __typename id ... on Named { name } ...square } } fragment square on Square { side }"
    assert await bench.data(query) == {
        "shapes": [
            {"__typename": "Circle", "id": "1", "name": "c"},
            {"__typename": "Square", "id": "2", "side": 2.0},
        ]
    }


async def test_unions_with_extensions(bench: Bench) -> None:
    bench.api(SHAPES, RESOLVERS, source="NONE")
    query = "{ things { ... on Shape { area } ... on Text { text length } ... on Other { a } } }"
    assert await bench.data(query) == {
        "things": [{"area": 3.5}, {"area": 4.0}, {"text": "t", "length": 1}, {"a": 1}, None]
    }


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("{}", {"colour": "RED"}),
        ("{colour: BLUE, more: true}", {"colour": "BLUE", "more": True}),
        ("{at: {y: 2}}", {"colour": "RED", "at": [{"x": 0, "y": 2}]}),
        ("{within: {colour: null}}", {"colour": "RED", "within": {"colour": None}}),
    ],
)
async def test_inputs_with_their_defaults(bench: Bench, given: str, seen: object) -> None:
    bench.api(SHAPES, RESOLVERS, source="NONE")
    answer = await bench.data(f"{{ echo(filter: {given}) }}")
    assert json.loads(answer["echo"]) == seen


async def test_introspection_tells_all_of_it_or_nothing(bench: Bench) -> None:
    bench.api(SHAPES, RESOLVERS, source="NONE")
    asked = await bench.data('{ __type(name: "Shape") { kind description possibleTypes { name } } }')
    assert asked["__type"] == {
        "kind": "INTERFACE",
        "description": "Anything that can be drawn.",
        "possibleTypes": [{"name": "Circle"}, {"name": "Square"}],
    }
    values = await bench.data('{ __type(name: "Colour") { enumValues(includeDeprecated: true) { name } } }')
    assert [value["name"] for value in values["__type"]["enumValues"]] == ["RED", "GREEN", "BLUE"]
    bench.api(SHAPES, RESOLVERS, source="NONE", introspection=False)
    for query in ("{ __schema { types { name } } }", '{ __type(name: "Shape") { kind } }'):
        refused = await bench.run(query)
        assert refused.data is None
        assert refused.errors
    assert await bench.data("{ __typename }") == {"__typename": "Query"}


async def test_every_directive_of_appsyncs_is_taken(bench: Bench) -> None:
    schema = """
    directive @mine(a: Int) on FIELD_DEFINITION
    type Query @aws_api_key @aws_iam { a: Int @aws_oidc @mine(a: 1)  b: Int @aws_lambda  c: Int @aws_auth
      d: Int @aws_cognito_user_pools(cognito_groups: ["x"])  e: Int @aws_api_key }
    type Mutation { m: Int @aws_publish(subscriptions: ["s"])  n: Kept }
    type Kept @canonical { a: Int @hidden  b: Int @renamed(to: "c") }
    type Subscription { s: Int @aws_subscribe(mutations: ["m"]) }
    """
    told = bench.api(schema)
    assert [line.rpartition(": ")[2] for line in told] == [
        f"@{name} is accepted and has no effect yet" for name in ("aws_publish", "canonical", "hidden", "renamed")
    ]
    assert await bench.data("{ e }") == {"e": None}
