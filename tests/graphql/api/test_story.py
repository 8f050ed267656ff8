"""The story journey over real sockets with the real service: a mutation answers at once, its function runs later and
publishes by another mutation, and subscribers hear it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from gql import Client, GraphQLRequest, gql
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.exceptions import TransportQueryError

from callpark.graphql.api.web import GraphqlWeb
from callpark.graphql.datasources.lambda_ import FunctionReply
from callpark.graphql.happenings import Subscribed
from callpark.graphql.model import (
    ApiDefinition,
    ApiKey,
    AuthenticationProvider,
    CodeDefinition,
    DataSourceDefinition,
    ResolverDefinition,
)
from callpark.graphql.service import GraphqlService
from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import Limits
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Trace
from tests.graphql.api.serving import serving
from tests.graphql.api.toy import KEY, NEVER
from tests.graphql.auth.people import authenticator

pytestmark = pytest.mark.compat

SCHEMA = """
type Token { story: ID!  text: String!  last: Boolean }
type Query { ready: Boolean }
type Mutation {
  tell(story: ID!): String
  token(story: ID!, text: String!, last: Boolean): Token
}
type Subscription { onToken(story: ID!): Token @aws_subscribe(mutations: ["token"]) }
"""
TELL = """
export function request(ctx) {
  return { operation: 'Invoke', invocationType: 'Event', payload: { story: ctx.args.story } };
}
export function response(ctx) { return 'OK'; }
"""
TOKEN = """
export function request(ctx) { return { payload: ctx.args }; }
export function response(ctx) { return ctx.result; }
"""
PUBLISH = "mutation($s: ID!, $t: String!, $l: Boolean) { token(story: $s, text: $t, last: $l) { story text last } }"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:storyteller"


def story_api() -> ApiDefinition:
    return ApiDefinition(
        api_id="story",
        name="Story",
        authentication=(AuthenticationProvider("API_KEY"),),
        schema=SCHEMA,
        data_sources=(
            DataSourceDefinition("none", "NONE"),
            DataSourceDefinition("teller", "AWS_LAMBDA", ARN),
        ),
        resolvers=(
            ResolverDefinition("Mutation", "tell", "UNIT", "teller", code=CodeDefinition(TELL)),
            ResolverDefinition("Mutation", "token", "UNIT", "none", code=CodeDefinition(TOKEN)),
        ),
        api_keys=(ApiKey(KEY, NEVER),),
    )


class Teller:
    """Runs the one function there is as a task, as an Event, the way its handler would: by HTTP."""

    def __init__(self) -> None:
        self.address = ""
        self.tasks = Tasks("teller")

    async def invoke(self, function_arn: str, payload: bytes) -> FunctionReply:
        raise AssertionError("only Event is used")

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        assert function_arn == ARN
        self.tasks.spawn(self._tell(json.loads(payload)["story"]), "tell")

    async def _tell(self, story: str) -> None:
        words = ["Once", " upon", " a", " time"]
        async with httpx.AsyncClient(
            base_url=f"http://{self.address}", headers={"x-api-key": KEY}, timeout=30
        ) as client:
            for word in words:
                variables = {"s": story, "t": word, "l": word == words[-1]}
                response = await client.post("/apis/story/graphql", json={"query": PUBLISH, "variables": variables})
                assert "errors" not in response.json()


@dataclass
class Running:
    address: str
    subscribed: asyncio.Event


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    clock, ids, teller = SystemClock(), SystemIds(), Teller()
    trace = Trace(clock)
    service = GraphqlService(clock, ids, trace, Limits(), teller)
    assert service.apply([story_api()]) == []
    subscribed = asyncio.Event()
    trace.listen(lambda entry: subscribed.set() if isinstance(entry.happening, Subscribed) else None)
    async with serving(GraphqlWeb(service, authenticator(clock), clock, ids, trace, Limits())) as address:
        teller.address = address
        yield Running(address, subscribed)
        await teller.tasks.aclose()


def transport(address: str) -> AppSyncWebsocketsTransport:
    return AppSyncWebsocketsTransport(f"ws://{address}/graphql", auth=AppSyncApiKeyAuthentication(address, KEY))


async def post(address: str, query: str, **variables: object) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://{address}", headers={"x-api-key": KEY}, timeout=30) as client:
        return await client.post("/apis/story/graphql", json={"query": query, "variables": variables})


SUBSCRIPTION = gql("subscription OnToken($story: ID!) { onToken(story: $story) { word: text last } }")


async def test_tokens_arrive_as_they_are_told(running: Running) -> None:
    words: list[str] = []
    async with Client(transport=transport(running.address)) as session:
        heard = session.subscribe(GraphQLRequest(SUBSCRIPTION, variable_values={"story": "s1"}))
        first = asyncio.ensure_future(anext(heard))
        await running.subscribed.wait()
        for story in ("another", "s1"):
            answer = await post(running.address, "mutation($s: ID!) { tell(story: $s) }", s=story)
            assert answer.json() == {"data": {"tell": "OK"}}
        words.append((await first)["onToken"]["word"])
        async for result in heard:
            words.append(result["onToken"]["word"])
            if result["onToken"]["last"]:
                break
        await heard.aclose()
    assert words == ["Once", " upon", " a", " time"]


async def test_a_subscription_that_does_not_fit_the_schema(running: Running) -> None:
    async with Client(transport=transport(running.address)) as session:
        with pytest.raises(TransportQueryError, match="nonsense"):
            await anext(session.subscribe(gql('subscription { onToken(story: "s1") { nonsense } }')))
        with pytest.raises(TransportQueryError):
            await anext(session.subscribe(gql("subscription { onToken { text } }")))


async def test_requests_that_do_not_fit(running: Running) -> None:
    answer = await post(running.address, "query { nonsense }")
    assert answer.status_code == 200
    assert answer.json()["data"] is None
    assert "FieldUndefined" in answer.json()["errors"][0]["message"]
    answer = await post(running.address, "query A { ready } query B { ready }")
    assert answer.status_code == 400
    assert answer.json() == {"errors": [{"errorType": "BadRequestException", "message": "Missing operation name."}]}
