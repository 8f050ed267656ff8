"""What mutations publish and what subscriptions take of it."""

import pytest

from callpark.graphql.messages import GraphqlRequest, Publication
from callpark.graphql.subscriptions import SubscriptionRefused
from tests.graphql.conftest import PASS_ON, Bench
from tests.graphql.items import SCHEMA

pytestmark = pytest.mark.sim


async def test_a_mutation_publishes_what_it_selected_and_a_subscription_takes_its_part(bench: Bench) -> None:
    bench.api(
        SCHEMA,
        {
            "Mutation.say": "export function request(ctx) {"
            " return { payload: { id: '1', text: ctx.args.text, tags: ['a'] } }; }\n" + PASS_ON
        },
        source="NONE",
    )
    prepared = await bench.service.subscribe(
        "api",
        GraphqlRequest(
            "subscription S($t: String) { heard: onSay(text: $t) { key: id text tags __typename } }",
            variables={"t": None},
        ),
    )
    assert (prepared.field_name, prepared.mutations, prepared.arguments) == ("onSay", ("say",), {"text": None})
    await bench.data('mutation { first: say(text: "hi") { key: id words: text } other }')
    (publication,) = bench.published
    assert publication.field_name == "say"
    assert publication.value == {"__typename": "Item", "id": "1", "text": "hi"}
    assert prepared.project(publication.value) == {
        "data": {"heard": {"key": "1", "text": "hi", "tags": None, "__typename": "Item"}}
    }
    await bench.data('mutation { say(text: "hi") { text } }')
    assert prepared.project(bench.published[1].value) == {
        "data": {"heard": None},
        "errors": [
            {
                "path": ["heard", "key"],
                "locations": None,
                "message": "Cannot return null for non-nullable type: 'ID' within parent 'Item' (/heard/key)",
            }
        ],
    }


async def test_an_abstract_result_is_published_with_its_type(bench: Bench) -> None:
    schema = """
    type Query { a: Int }
    interface Thing { id: ID! }
    type One implements Thing { id: ID!  one: Int }
    type Two implements Thing { id: ID!  two: Int }
    type Mutation { make(n: Int!): Thing  many: [Thing!] }
    type Subscription {
      made: Thing @aws_subscribe(mutations: ["make"])
      all: [Thing!] @aws_subscribe(mutations: ["many"])
    }
    """
    make = (
        "export function request(ctx) { return { payload: ctx.args.n === 1"
        " ? { __typename: 'One', id: '1', one: 1 } : { __typename: 'Two', id: '2', two: 2 } }; }\n" + PASS_ON
    )
    many = (
        "export function request() { return { payload:"
        " [{ __typename: 'One', id: '1', one: 1 }, { __typename: 'Two', id: '2', two: 2 }] }; }\n" + PASS_ON
    )
    bench.api(schema, {"Mutation.make": make, "Mutation.many": many}, source="NONE")
    parts = "{ id ... on One { o: one } ... on Two { two } }"
    made = await bench.service.subscribe("api", GraphqlRequest(f"subscription {{ made {parts} }}"))
    every = await bench.service.subscribe("api", GraphqlRequest(f"subscription {{ all {parts} }}"))
    response = await bench.run(f"mutation {{ a: make(n: 1) {parts} b: make(n: 2) {parts} many {parts} }}")
    assert response.body().startswith(b'{"data":{"a":{"id":"1","o":1},"b":{"id":"2","two":2},"many":[{"id":"1"')
    one, two, both = (each.value for each in bench.published)
    assert one == {"__typename": "One", "id": "1", "one": 1}
    assert made.project(two) == {"data": {"made": {"id": "2", "two": 2}}}
    assert every.project(both) == {"data": {"all": [{"id": "1", "o": 1}, {"id": "2", "two": 2}]}}


async def test_a_publisher_that_breaks_does_not_break_the_mutation(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(publication: Publication) -> None:
        raise RuntimeError("no")

    bench.api(
        SCHEMA,
        {"Mutation.say": "export function request() { return { payload: { id: '1' } }; }\n" + PASS_ON},
        source="NONE",
    )
    bench.service.on_publish(broken)
    assert await bench.data("mutation { say { id } }") == {"say": {"id": "1"}}
    assert "publishing say of API api failed" in caplog.text
    caplog.clear()


async def test_a_mutation_field_that_fails_publishes_nothing(bench: Bench) -> None:
    bench.api(SCHEMA, {"Mutation.say": "export function request() { util.error('no'); }\n" + PASS_ON}, source="NONE")
    assert (await bench.run("mutation { say { id } }")).errors
    assert bench.published == []


async def test_subscriptions_of_one_shape_share_it_whatever_their_arguments(bench: Bench) -> None:
    bench.api(SCHEMA)
    shapes = set()
    for query in (
        'subscription { onSay(id: "1") { id } }',
        'subscription { onSay(id: "2") { id } }',
        "subscription ($i: ID) { onSay(id: $i) { id } }",
    ):
        shapes.add((await bench.service.subscribe("api", GraphqlRequest(query))).shape)
    assert len(shapes) == 1
    other = await bench.service.subscribe("api", GraphqlRequest("subscription { onSay { id text } }"))
    assert other.shape not in shapes


async def test_a_subscription_resolver_may_refuse_and_may_filter(bench: Bench) -> None:
    code = (
        "export function request(ctx) { if (!ctx.args.id) util.unauthorized(); return {}; }\n"
        "export function response() {"
        " extensions.setSubscriptionFilter({ filterGroup: [{ filters: [] }] }); return null; }"
    )
    bench.api(SCHEMA, {"Subscription.guarded": code}, source="NONE")
    with pytest.raises(SubscriptionRefused) as refused:
        await bench.service.subscribe("api", GraphqlRequest("subscription { guarded { id } }"))
    assert (refused.value.errors[0]["errorType"], refused.value.errors[0]["message"]) == (
        "Unauthorized",
        "Unauthorized",
    )
    prepared = await bench.service.subscribe("api", GraphqlRequest('subscription { guarded(id: "1") { id } }'))
    assert prepared.filter == {"filterGroup": [{"filters": []}]}


@pytest.mark.parametrize(
    "query", ["{ must }", "subscription { nope }", "subscription { onSay { id } guarded { id } }", "{"]
)
async def test_what_is_no_subscription_is_refused(bench: Bench, query: str) -> None:
    bench.api(SCHEMA)
    with pytest.raises(SubscriptionRefused) as refused:
        await bench.service.subscribe("api", GraphqlRequest(query))
    assert refused.value.errors[0]["message"]
