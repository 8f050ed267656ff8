"""What subscribers of a real schema hear of real mutations: selections, arguments, filters, refusals."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from callpark.graphql.api.web import GraphqlWeb
from callpark.graphql.datasources.lambda_ import FunctionReply
from callpark.graphql.model import (
    ApiDefinition,
    ApiKey,
    AuthenticationProvider,
    CodeDefinition,
    DataSourceDefinition,
    ResolverDefinition,
)
from callpark.graphql.service import GraphqlService
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace
from tests.graphql.api.toy import KEY, NEVER
from tests.graphql.api.wire import Wire, start, stop
from tests.graphql.auth.people import authenticator

pytestmark = pytest.mark.sim

SCHEMA = """
type Alert { id: ID!  severity: Int  title: String!  secret: String @aws_iam  inner: Inner }
type Inner { a: Int  b: Int }
type Query { hidden: String @aws_iam  open: String }
type Mutation {
  raise(id: ID!, severity: Int, title: String): Alert
  drop(id: ID!, severity: Int, title: String): Alert
  revoke(ids: [ID!]!): [Alert]
}
type Subscription {
  onRaise(id: ID, severity: Int): Alert @aws_subscribe(mutations: ["raise"])
  onAny: Alert @aws_subscribe(mutations: ["raise", "drop"])
  onSevere(least: Int!): Alert @aws_subscribe(mutations: ["raise"])
  onTicket(id: ID!): Alert @aws_subscribe(mutations: ["raise"])
  onSome(severities: [Int!]!): Alert @aws_subscribe(mutations: ["raise"])
  onClosed: Alert @aws_subscribe(mutations: ["raise"])
}
"""
ECHO = """
export function request(ctx) { return { payload: { title: 'none', inner: { a: 1, b: 2 }, ...ctx.args } }; }
export function response(ctx) { return ctx.result; }
"""
SEVERE = """
import { extensions } from '@aws-appsync/utils';
export function request(ctx) { return { payload: null }; }
export function response(ctx) {
  const filters = [{ fieldName: 'severity', operator: 'ge', value: ctx.args.least }];
  extensions.setSubscriptionFilter({ filterGroup: [{ filters }] });
  return null;
}
"""
SOME = """
import { extensions } from '@aws-appsync/utils';
export function request(ctx) { return { payload: null }; }
export function response(ctx) {
  const filters = [{ fieldName: 'severity', operator: 'in', value: ctx.args.severities }];
  extensions.setSubscriptionFilter({ filterGroup: [{ filters }] });
  return null;
}
"""
TICKET = """
import { extensions } from '@aws-appsync/utils';
export function request(ctx) { return { payload: null }; }
export function response(ctx) {
  const filters = [{ fieldName: 'ticket', operator: 'eq', value: ctx.args.id }];
  extensions.setSubscriptionInvalidationFilter({ filterGroup: [{ filters }] });
  return null;
}
"""
REVOKE = """
import { extensions } from '@aws-appsync/utils';
export function request(ctx) { return { payload: null }; }
export function response(ctx) {
  for (const ticket of ctx.args.ids) {
    extensions.invalidateSubscriptions({ subscriptionField: 'onTicket', payload: { ticket } });
  }
  return [];
}
"""
CLOSED = """
import { util } from '@aws-appsync/utils';
export function request(ctx) { util.unauthorized(); }
export function response(ctx) { return null; }
"""


class NoFunctions:
    async def invoke(self, function_arn: str, payload: bytes) -> FunctionReply:
        raise AssertionError("no function here")

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        raise AssertionError("no function here")


def alerts() -> ApiDefinition:
    code = {
        ("Mutation", "raise"): ECHO,
        ("Mutation", "drop"): ECHO,
        ("Subscription", "onSevere"): SEVERE,
        ("Subscription", "onSome"): SOME,
        ("Subscription", "onClosed"): CLOSED,
        ("Subscription", "onTicket"): TICKET,
        ("Mutation", "revoke"): REVOKE,
    }
    return ApiDefinition(
        "alerts",
        "Alerts",
        (AuthenticationProvider("API_KEY"), AuthenticationProvider("AWS_IAM")),
        SCHEMA,
        data_sources=(DataSourceDefinition("none", "NONE"),),
        resolvers=tuple(
            ResolverDefinition(type_name, field_name, "UNIT", "none", code=CodeDefinition(text))
            for (type_name, field_name), text in code.items()
        ),
        api_keys=(ApiKey(KEY, NEVER),),
    )


@dataclass
class World:
    clock: VirtualClock
    wire: Wire
    client: httpx.AsyncClient
    service: GraphqlService
    warnings: list[str]

    async def subscribe(self, id: str, query: str, **variables: object) -> list[dict[str, Any]]:
        self.wire.say(start(id, query, variables))
        return await self.news()

    async def mutate(self, query: str) -> Any:
        return (await self.client.post("/graphql", json={"query": query})).json()

    async def news(self) -> list[dict[str, Any]]:
        """What was heard since the last call."""
        await self.clock.settle()
        heard, self.wire.heard = self.wire.heard, []
        return heard


@pytest.fixture
async def world(clock: VirtualClock, ids: SeededIds) -> AsyncIterator[World]:
    trace = Trace(clock)
    service = GraphqlService(clock, ids, trace, Limits(), NoFunctions())
    warnings = service.apply([alerts()])
    web = GraphqlWeb(service, authenticator(clock), clock, ids, trace, Limits())
    wire = Wire()
    wire.say('{"type":"connection_init"}')
    served = asyncio.create_task(web(wire.scope(KEY), wire.receive, wire.send))
    transport = httpx.ASGITransport(web)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers={"x-api-key": KEY}
    ) as client:
        made = World(clock, wire, client, service, warnings)
        assert [frame["type"] for frame in await made.news()] == ["connection_ack", "ka"]
        yield made
    await web.aclose()
    await served
    service.close()


def ack(id: str) -> dict[str, object]:
    return {"type": "start_ack", "id": id}


async def heard_by(world: World, mutation: str) -> dict[str, list[object]]:
    await world.mutate(mutation)
    found: dict[str, list[object]] = {}
    for frame in await world.news():
        assert frame["type"] == "data"
        found.setdefault(frame["id"], []).append(frame["payload"])
    return found


async def test_delivered_is_what_the_mutation_selected_and_the_subscription_wants(world: World) -> None:
    query = "subscription { alert: onRaise { __typename number: id severity inner { b } } }"
    assert await world.subscribe("1", query) == [ack("1")]
    found = await heard_by(world, 'mutation { x: raise(id: "7", severity: 3) { key: id inner { a b } } }')
    expected = {"__typename": "Alert", "number": "7", "severity": None, "inner": {"b": 2}}
    assert found == {"1": [{"data": {"alert": expected}}]}


async def test_a_non_null_field_that_the_mutation_did_not_select_is_an_error(world: World) -> None:
    assert await world.subscribe("1", "subscription { onRaise { id title } }") == [ack("1")]
    ((payload,),) = (await heard_by(world, 'mutation { raise(id: "7") { id } }')).values()
    assert isinstance(payload, dict)
    assert payload["data"] == {"onRaise": None}
    assert "non-nullable type: 'String'" in payload["errors"][0]["message"]


async def test_arguments_filter_by_equality_and_null_asks_for_nothing_there(world: World) -> None:
    await world.subscribe("all", "subscription { onRaise { id } }")
    await world.subscribe("seven", 'subscription { onRaise(id: "7") { id } }')
    await world.subscribe("severe", "subscription S($s: Int) { onRaise(severity: $s) { id } }", s=3)
    await world.subscribe("null", "subscription { onRaise(severity: null) { id } }")
    await world.subscribe("omitted", "subscription S($s: Int) { onRaise(severity: $s) { id } }")
    assert sorted(await heard_by(world, 'mutation { raise(id: "7", severity: 3) { id severity } }')) == [
        "all",
        "omitted",
        "seven",
        "severe",
    ]
    assert sorted(await heard_by(world, 'mutation { raise(id: "8") { id severity } }')) == ["all", "null", "omitted"]
    # What is not selected is absent: no equal value, and as good as null.
    assert sorted(await heard_by(world, 'mutation { raise(id: "7", severity: 3) { title } }')) == [
        "all",
        "null",
        "omitted",
    ]


async def test_one_publication_per_mutation_field_in_order(world: World) -> None:
    await world.subscribe("1", "subscription { onAny { id } }")
    found = await heard_by(world, 'mutation { a: raise(id: "1") { id } drop(id: "2") { id } b: raise(id: "3") { id } }')
    assert found == {"1": [{"data": {"onAny": {"id": id}}} for id in ("1", "2", "3")]}


async def test_a_filter_set_by_the_resolver_of_the_subscription(world: World) -> None:
    assert await world.subscribe("1", "subscription { onSevere(least: 5) { id } }") == [ack("1")]
    assert await heard_by(world, 'mutation { raise(id: "1", severity: 4) { id severity } }') == {}
    assert await heard_by(world, 'mutation { raise(id: "2", severity: 5) { id severity } }') != {}


async def test_a_filter_with_too_many_values_is_refused_as_recorded(world: World) -> None:
    assert await world.subscribe("1", "subscription { onSome(severities: [1, 2, 3, 4, 5]) { id } }") == [ack("1")]
    (frame,) = await world.subscribe("2", "subscription { onSome(severities: [1, 2, 3, 4, 5, 6]) { id } }")
    message = "subscription exceeds maximum value limit 5 for operator `in`."
    assert frame["payload"]["errors"] == [{"message": message, "errorCode": 400}]
    assert sorted(await heard_by(world, 'mutation { raise(id: "1", severity: 5) { id severity } }')) == ["1"]


async def test_a_resolver_may_refuse_the_subscription(world: World) -> None:
    (frame,) = await world.subscribe("1", "subscription { onClosed { id } }")
    assert (frame["id"], frame["type"]) == ("1", "error")
    assert "Unauthorized" in str(frame["payload"]["errors"])
    assert await heard_by(world, 'mutation { raise(id: "1") { id } }') == {}


@pytest.mark.parametrize(
    "query",
    ["subscription {", "subscription { nothing }", "subscription { onSevere { id } }", "query { open }", "{ open }"],
)
async def test_what_is_no_subscription_is_refused(world: World, query: str) -> None:
    (frame,) = await world.subscribe("1", query)
    assert (frame["id"], frame["type"]) == ("1", "error")
    assert frame["payload"]["errors"][0]["message"]
    assert await world.subscribe("1", "subscription { onAny { id } }") == [ack("1")]


async def test_nothing_after_stop(world: World) -> None:
    await world.subscribe("1", "subscription { onAny { id } }")
    world.wire.say(stop("1"))
    assert await world.news() == [{"type": "complete", "id": "1"}]
    assert await heard_by(world, 'mutation { raise(id: "1") { id } }') == {}


async def test_a_field_of_another_mode_is_denied(world: World) -> None:
    answer = await world.mutate("query { hidden open }")
    assert answer["data"] == {"hidden": None, "open": None}
    (error,) = answer["errors"]
    assert (error["errorType"], error["message"]) == ("Unauthorized", "Not Authorized to access hidden on type Query")


async def test_a_mutation_ends_the_subscriptions_whose_invalidation_filter_its_payload_passes(world: World) -> None:
    for id in ("1", "2", "3"):
        await world.subscribe(id, f'subscription {{ onTicket(id: "{id}") {{ id }} }}')
    await world.subscribe("4", "subscription { onAny { id } }")
    await world.mutate('mutation { revoke(ids: ["1", "3", "9"]) { id } }')
    assert await world.news() == [{"type": "complete", "id": "1"}, {"type": "complete", "id": "3"}]
    assert sorted(await heard_by(world, 'mutation { raise(id: "2") { id } }')) == ["2", "4"]
    assert await world.subscribe("1", 'subscription { onTicket(id: "1") { id } }') == [ack("1")]


async def test_who_is_sent_away_hears_first_what_the_same_request_published(world: World) -> None:
    await world.subscribe("1", 'subscription { onTicket(id: "1") { id } }')
    await world.mutate('mutation { revoke(ids: ["1"]) { id } raise(id: "1") { id } }')
    assert [frame["type"] for frame in await world.news()] == ["data", "complete"]


async def test_a_request_invalidates_five_times_at_most(world: World) -> None:
    await world.subscribe("1", 'subscription { onTicket(id: "1") { id } }')
    answer = await world.mutate('mutation { revoke(ids: ["1", "2", "3", "4", "5", "6"]) { id } }')
    (error,) = answer["errors"]
    assert error["message"] == "A request can invalidate subscriptions 5 times at most."
    assert await world.news() == []
    answer = await world.mutate('mutation { revoke(ids: ["1", "2", "3", "4", "5", "1", "2"]) { id } }')
    assert answer == {"data": {"revoke": []}}
    assert await world.news() == [{"type": "complete", "id": "1"}]


async def test_a_connection_ends_with_its_api(world: World) -> None:
    await world.subscribe("1", "subscription { onAny { id } }")
    world.service.apply([alerts()])
    assert await world.news() == []
    assert not world.wire.closed
    world.service.apply([])
    await world.clock.settle()
    assert world.wire.closed


async def test_a_resolver_that_sets_a_filter_and_returns_a_value_is_named(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    definition = alerts()
    chatty = CodeDefinition(SEVERE.replace("return null", "return { id: '0', title: 'no' }"))
    resolvers = [replace(each, code=chatty) if each.field_name == "onSevere" else each for each in definition.resolvers]
    assert await world.subscribe("1", "subscription { onSevere(least: 5) { id } }") == [ack("1")]
    assert "AppSync wants" not in caplog.text
    world.service.apply([replace(definition, resolvers=tuple(resolvers))])
    assert await world.subscribe("2", "subscription { onSevere(least: 5) { id } }") == [ack("2")]
    assert "the resolver of onSevere sets a filter: AppSync wants it to return null" in caplog.text
