"""POST /graphql through ASGI: AppSync's statuses, bodies and headers."""

import asyncio
import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from callpark.graphql.api.web import GraphqlWeb
from callpark.graphql.messages import GraphqlRequest, GraphqlResponse
from callpark.graphql.model import ApiKey
from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace
from tests.graphql.api.toy import KEY, NEVER, ToyService, api
from tests.graphql.auth.people import authenticator

pytestmark = pytest.mark.unit

QUERY = {"query": "query { hello }"}


@pytest.fixture
def service() -> ToyService:
    return ToyService()


@pytest.fixture
def web(service: ToyService, clock: VirtualClock, ids: SeededIds) -> GraphqlWeb:
    limits = Limits().override(["appsync.request_bytes=1000"])
    return GraphqlWeb(service, authenticator(clock), clock, ids, Trace(clock), limits)


@pytest.fixture
async def client(web: GraphqlWeb) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(web)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers={"x-api-key": KEY}) as made:
        yield made


def errors(error_type: str, message: str) -> dict[str, object]:
    return {"errors": [{"errorType": error_type, "message": message}]}


async def test_an_answer(client: httpx.AsyncClient, service: ToyService) -> None:
    response = await client.post(
        "/apis/story/graphql",
        json={"query": "query Q($a: Int) { hello }", "variables": {"a": 1}, "operationName": "Q", "extensions": {}},
        headers=[("X-Repeated", "1"), ("X-Repeated", "2"), ("Cookie", "secret"), ("X-Custom", "yes")],
    )
    assert (response.status_code, response.json()) == (200, {"data": {"query": "query Q($a: Int) { hello }"}})
    assert response.headers["content-type"] == "application/json;charset=UTF-8"
    assert response.headers["access-control-allow-origin"] == "*"
    assert re.fullmatch(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", response.headers["x-amzn-requestid"])
    (request,) = service.requests
    assert (request.operation_name, request.variables) == ("Q", {"a": 1})
    assert (request.auth_mode, request.identity) == ("API_KEY", None)
    assert request.headers["x-repeated"] == ["1", "2"]
    assert request.headers["x-custom"] == "yes"
    assert "cookie" not in request.headers


@pytest.mark.parametrize("content_type", ["application/json", "application/graphql", "text/plain", None])
async def test_the_content_type_does_not_matter(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = await client.post("/apis/story/graphql", content=json.dumps(QUERY), headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Request body is empty."),
        (b"{}", "Unable to parse GraphQL query."),
        (b"[]", "Unable to parse GraphQL query."),
        (b"garbage", "Unable to parse GraphQL query."),
        (b"null", "Unable to parse GraphQL query."),
        (b'{"query":""}', "Unable to parse GraphQL query."),
        (b'{"query":null}', "Unable to parse GraphQL query."),
        (b'{"query":1}', "Unable to parse GraphQL query."),
        (b'{"variables":{}}', "Unable to parse GraphQL query."),
        (b'{"query":"{a}","variables":[1]}', "Unable to parse GraphQL query."),
        (b'{"query":"{a}"', "Unable to parse GraphQL query."),
        (b'{"query":"\xff"}', "Unable to parse GraphQL query."),
        (b"[" * 900, "Unable to parse GraphQL query."),
    ],
)
async def test_malformed_bodies(client: httpx.AsyncClient, body: bytes, message: str) -> None:
    response = await client.post("/apis/story/graphql", content=body)
    assert (response.status_code, response.json()) == (400, errors("MalformedHttpRequestException", message))
    assert response.headers["x-amzn-errortype"] == "MalformedHttpRequestException"


async def test_null_variables_and_operation_name_are_absent(client: httpx.AsyncClient, service: ToyService) -> None:
    body = {**QUERY, "variables": None, "operationName": None}
    assert (await client.post("/apis/story/graphql", json=body)).status_code == 200
    assert (service.requests[0].variables, service.requests[0].operation_name) == ({}, None)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Missing authorization header"),
        ({"x-api-key": "da2-wrong"}, "You are not authorized to make this call."),
        ({"authorization": "token"}, "You are not authorized to make this call."),
    ],
)
async def test_unauthorized(web: GraphqlWeb, service: ToyService, headers: dict[str, str], message: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://localhost") as client:
        response = await client.post("/apis/story/graphql", content=b"garbage", headers=headers)
    assert (response.status_code, response.json()) == (401, errors("UnauthorizedException", message))
    assert response.headers["x-amzn-errortype"] == "UnauthorizedException"
    assert not service.requests


async def test_an_expired_key(client: httpx.AsyncClient, service: ToyService, clock: VirtualClock) -> None:
    service.served = [api(keys=(ApiKey(KEY, clock.now() + 60),))]
    assert (await client.post("/apis/story/graphql", json=QUERY)).status_code == 200
    await clock.advance(60)
    response = await client.post("/apis/story/graphql", json=QUERY)
    expected = errors("UnauthorizedException", "You are not authorized to make this call.")
    assert (response.status_code, response.json()) == (401, expected)


async def test_an_unknown_api(client: httpx.AsyncClient) -> None:
    response = await client.post("/apis/nowhere/graphql", json=QUERY)
    assert (response.status_code, response.json()) == (
        404,
        errors("NotFoundException", "GraphQL API nowhere not found."),
    )


async def test_the_api_may_be_named_by_host_or_by_key(client: httpx.AsyncClient, service: ToyService) -> None:
    service.served = [api(), api("other", keys=(ApiKey("da2-other", NEVER),))]
    by_host = {"host": "other.appsync-api.us-east-1.amazonaws.com", "x-api-key": "da2-other"}
    assert (await client.post("/graphql", json=QUERY, headers=by_host)).status_code == 200
    assert (await client.post("/graphql", json=QUERY)).status_code == 200
    response = await client.post("/graphql", json=QUERY, headers={"x-api-key": "unknown"})
    assert response.status_code == 404
    assert "/apis/story/graphql, /apis/other/graphql" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit(client: httpx.AsyncClient, service: ToyService, declared: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    content: bytes | AsyncIterator[bytes] = b"x" * 1_001 if declared else chunks()
    response = await client.post("/apis/story/graphql", content=content)
    expected = errors("RequestEntityTooLargeException", "The request is larger than 1000 bytes.")
    assert (response.status_code, response.json()) == (413, expected)
    assert response.headers["connection"] == "close"
    assert not service.requests


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods_are_refused(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/apis/story/graphql?query={hello}")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST, OPTIONS"
    assert response.headers["x-amzn-errortype"] == "MethodNotAllowed"


async def test_a_post_to_the_websocket_path_says_where_to_go(client: httpx.AsyncClient) -> None:
    response = await client.post("/apis/story/graphql/realtime", json=QUERY)
    assert response.status_code == 400
    assert "/graphql" in response.json()["errors"][0]["message"]


async def test_a_browser_may_call_from_any_origin(web: GraphqlWeb) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://localhost") as client:
        response = await client.options(
            "/apis/story/graphql",
            headers={
                "origin": "http://localhost:5173",
                "access-control-request-method": "POST",
                "access-control-request-headers": "x-api-key,x-custom",
            },
        )
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert "POST" in response.headers["access-control-allow-methods"]
    assert response.headers["access-control-allow-headers"] == "x-api-key,x-custom"


async def test_a_refusal_of_the_service_keeps_its_status_and_body(
    client: httpx.AsyncClient, service: ToyService
) -> None:
    body = errors("BadRequestException", "Missing operation name.")

    async def refuse(request: GraphqlRequest) -> GraphqlResponse:
        raise CallerError("BadRequestException", 400, "Missing operation name.", body=body)

    service.on_execute = refuse
    response = await client.post("/apis/story/graphql", json=QUERY)
    assert (response.status_code, response.json()) == (400, body)
    assert response.headers["x-amzn-errortype"] == "BadRequestException"


async def test_a_bug_is_logged_and_never_shown(
    client: httpx.AsyncClient, service: ToyService, caplog: pytest.LogCaptureFixture
) -> None:
    async def bug(request: GraphqlRequest) -> GraphqlResponse:
        raise ZeroDivisionError("secret detail")

    service.on_execute = bug
    response = await client.post("/apis/story/graphql", json=QUERY)
    request_id = response.headers["x-amzn-requestid"]
    expected = errors("InternalFailure", f"Internal failure of request {request_id}.")
    assert (response.status_code, response.json()) == (500, expected)
    assert "secret detail" in caplog.text
    assert request_id in caplog.text
    caplog.clear()


async def test_a_request_takes_30_seconds_at_most(
    client: httpx.AsyncClient, service: ToyService, clock: VirtualClock
) -> None:
    async def slow(request: GraphqlRequest) -> GraphqlResponse:
        await sleep(clock, 31)
        raise AssertionError("not reached")

    service.on_execute = slow
    began = clock.now()
    response = await clock.run_until(client.post("/apis/story/graphql", json=QUERY))
    assert clock.now() - began == 30
    assert response.status_code == 200
    assert response.json() == {
        "data": None,
        "errors": [
            {
                "path": None,
                "data": None,
                "errorType": "ExecutionTimeout",
                "errorInfo": None,
                "locations": None,
                "message": "Request timed out.",
            }
        ],
    }


async def test_a_body_that_never_arrives_is_given_up(web: GraphqlWeb, clock: VirtualClock) -> None:
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("not reached")

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "headers": [(b"host", b"localhost"), (b"x-api-key", KEY.encode())],
    }
    await clock.run_until(web(scope, receive, send))
    assert sent[0]["status"] == 408


async def test_nobody_is_answered_when_the_client_left(web: GraphqlWeb, service: ToyService) -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        raise AssertionError("nobody is there")

    headers = [(b"host", b"localhost"), (b"x-api-key", KEY.encode())]
    await web({"type": "http", "method": "POST", "path": "/graphql", "headers": headers}, receive, send)
    assert not service.requests


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("http", "/graphql", True),
        ("http", "/apis/x/graphql", True),
        ("websocket", "/apis/x/graphql/realtime", True),
        ("websocket", "/realtime", True),
        ("http", "/v1/apis", False),
        ("lifespan", "/graphql", False),
    ],
)
def test_matches(web: GraphqlWeb, kind: str, path: str, expected: bool) -> None:
    assert web.matches({"type": kind, "path": path, "headers": []}) is expected


def test_matches_without_a_path(web: GraphqlWeb) -> None:
    assert not web.matches({"type": "lifespan"})
