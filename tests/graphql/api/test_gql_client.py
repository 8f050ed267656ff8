"""gql's AppSync transport, unmodified, against a real server. Its rules: the path stays `/graphql`, credentials in the
query string, ids are "1", "2", …, an `error` frame without an id is fatal."""

from collections.abc import AsyncIterator

import pytest
from gql import Client, GraphQLRequest, gql
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.exceptions import TransportQueryError, TransportServerError
from gql.transport.httpx import HTTPXAsyncTransport

from callpark.graphql.api.web import GraphqlWeb
from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace
from tests.graphql.api.serving import serving
from tests.graphql.api.toy import KEY, ToyService
from tests.graphql.auth.people import authenticator

pytestmark = pytest.mark.compat

SUBSCRIPTION = gql("subscription OnSay($to: String) { onSay(to: $to) { text } }")


@pytest.fixture
def service() -> ToyService:
    return ToyService()


@pytest.fixture
async def address(service: ToyService) -> AsyncIterator[str]:
    clock = SystemClock()
    async with serving(
        GraphqlWeb(service, authenticator(clock), clock, SystemIds(), Trace(clock), Limits())
    ) as address:
        yield address


def transport(address: str, path: str = "/graphql", key: str = KEY) -> AppSyncWebsocketsTransport:
    return AppSyncWebsocketsTransport(f"ws://{address}{path}", auth=AppSyncApiKeyAuthentication(address, key))


@pytest.mark.parametrize("path", ["/graphql", "/apis/story/graphql", "/apis/story/graphql/realtime"])
async def test_a_subscription(address: str, service: ToyService, path: str) -> None:
    service.once_subscribed = [{"to": to, "text": text} for to, text in (("me", "a"), ("you", "b"), ("me", "c"))]
    heard: list[object] = []
    async with Client(transport=transport(address, path)) as session:
        async for result in session.subscribe(GraphQLRequest(SUBSCRIPTION, variable_values={"to": "me"})):
            heard.append(result)
            if len(heard) == 2:
                break
    assert heard == [{"onSay": {"to": "me", "text": "a"}}, {"onSay": {"to": "me", "text": "c"}}]
    assert service.requests[0].variables == {"to": "me"}


async def test_two_subscriptions_on_one_connection(address: str, service: ToyService) -> None:
    service.once_subscribed = [{"text": "hello"}]
    async with Client(transport=transport(address)) as session:
        for _ in range(2):
            async for result in session.subscribe(SUBSCRIPTION):
                assert result == {"onSay": {"text": "hello"}}
                break


async def test_a_key_that_is_wrong_at_start(address: str) -> None:
    made = transport(address)
    async with Client(transport=made) as session:
        assert isinstance(made.auth, AppSyncApiKeyAuthentication)
        made.auth.api_key = "wrong"
        with pytest.raises(TransportQueryError, match="not authorized"):
            await anext(session.subscribe(SUBSCRIPTION))


async def test_a_key_that_is_wrong_at_connect(address: str) -> None:
    with pytest.raises(TransportServerError, match="You are not authorized to make this call"):
        async with Client(transport=transport(address, key="wrong")):
            raise AssertionError("not let in")


async def test_a_mutation_over_http(address: str) -> None:
    http = HTTPXAsyncTransport(f"http://{address}/apis/story/graphql", headers={"x-api-key": KEY})
    async with Client(transport=http) as session:
        assert "hello" in (await session.execute(gql("mutation { hello }")))["query"]
