"""Real-time websockets over real sockets: a server, a plain websocket client, a made-up service."""

import base64
import json
import logging
from collections.abc import AsyncIterator, Sequence

import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from callpark.graphql.api.web import GraphqlWeb
from callpark.graphql.model import ApiKey
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace
from tests.graphql.api.serving import serving
from tests.graphql.api.toy import KEY, NEVER, ToyService, api
from tests.graphql.auth.people import authenticator

pytestmark = pytest.mark.process

CREDENTIALS = {"host": "localhost", "x-api-key": KEY}
GRAPHQL_WS = Subprotocol("graphql-ws")
ACK = {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}}
KA = {"type": "ka"}
UNAUTHORIZED = "com.amazonaws.deepdish.graphql.auth#UnauthorizedException"


def encoded(credentials: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(credentials).encode()).decode().rstrip("=")


def offering(credentials: object) -> list[Subprotocol]:
    return [GRAPHQL_WS, Subprotocol(f"header-{encoded(credentials)}")]


def start(id: str = "1", query: str = "subscription { onSay }", variables: object = None, key: str = KEY) -> str:
    payload = {
        "data": json.dumps({"query": query, "variables": variables}),
        "extensions": {"authorization": {"host": "localhost", "x-api-key": key}},
    }
    return json.dumps({"id": id, "type": "start", "payload": payload})


async def say(socket: ClientConnection, *messages: str | bytes) -> None:
    for message in messages:
        await socket.send(message)


async def hear(socket: ClientConnection, count: int = 1) -> list[object]:
    return [json.loads(await socket.recv()) for _ in range(count)]


def connection_error(message: str, error_type: str | None = None) -> dict[str, object]:
    error: dict[str, object] = {"errorType": error_type} if error_type else {}
    return {"payload": {"errors": [{**error, "message": message, "errorCode": 400}]}, "type": "connection_error"}


@pytest.fixture
def service() -> ToyService:
    return ToyService()


@pytest.fixture
def web(service: ToyService, clock: VirtualClock, ids: SeededIds) -> GraphqlWeb:
    limits = Limits().override(["appsync.request_bytes=100000", "appsync.close_seconds=0.5"])
    return GraphqlWeb(service, authenticator(clock), clock, ids, Trace(clock), limits)


@pytest.fixture
async def address(web: GraphqlWeb) -> AsyncIterator[str]:
    async with serving(web) as address:
        yield address


@pytest.fixture
async def socket(address: str) -> AsyncIterator[ClientConnection]:
    """Acknowledged."""
    async with connect(f"ws://{address}/apis/story/graphql/realtime", subprotocols=offering(CREDENTIALS)) as socket:
        await say(socket, '{"type":"connection_init"}')
        assert await hear(socket, 2) == [ACK, KA]
        yield socket


PATHS = ["/graphql", "/graphql/realtime", "/realtime"]


@pytest.mark.parametrize("path", [*PATHS, *(f"/apis/story{path}" for path in PATHS)])
async def test_every_path_and_every_way_to_show_credentials(address: str, path: str) -> None:
    ways: list[tuple[str, Sequence[Subprotocol], dict[str, str]]] = [
        (f"?header={base64.b64encode(json.dumps(CREDENTIALS).encode()).decode()}&payload=e30=", [GRAPHQL_WS], {}),
        ("", offering(CREDENTIALS), {}),
        ("", [GRAPHQL_WS], {"x-api-key": KEY}),
    ]
    for query, offered, headers in ways:
        async with connect(f"ws://{address}{path}{query}", subprotocols=offered, additional_headers=headers) as socket:
            assert socket.subprotocol == "graphql-ws"
            await say(socket, '{"type":"connection_init"}')
            assert await hear(socket, 2) == [ACK, KA]


async def test_a_subscription_from_start_to_stop(socket: ClientConnection, service: ToyService) -> None:
    await say(socket, start(query="subscription Q { onSay }", variables={"to": "x"}))
    assert await hear(socket) == [{"type": "start_ack", "id": "1"}]
    (request,) = service.requests
    assert (request.query, request.variables, request.auth_mode) == ("subscription Q { onSay }", {"to": "x"}, "API_KEY")
    service.publish({"to": "x", "text": "é"})
    service.publish({"to": "y"})
    service.publish({"to": "x", "text": "2"})
    assert await hear(socket, 2) == [
        {"id": "1", "type": "data", "payload": {"data": {"onSay": {"to": "x", "text": "é"}}}},
        {"id": "1", "type": "data", "payload": {"data": {"onSay": {"to": "x", "text": "2"}}}},
    ]
    await say(socket, '{"id":"1","type":"stop"}')
    assert await hear(socket) == [{"type": "complete", "id": "1"}]
    service.publish({"to": "x"})
    await say(socket, start("2"))
    assert await hear(socket) == [{"type": "start_ack", "id": "2"}]


async def test_several_subscriptions_share_a_connection(socket: ClientConnection, service: ToyService) -> None:
    odd = 'a"\\é'
    await say(socket, start(odd), start("b"))
    assert sorted(frame["id"] for frame in await hear(socket, 2) if isinstance(frame, dict)) == [odd, "b"]
    service.publish(1)
    assert {frame["id"] for frame in await hear(socket, 2) if isinstance(frame, dict)} == {odd, "b"}
    assert service.projected == 1


@pytest.mark.parametrize(
    ("offered", "query", "headers", "expected"),
    [
        (None, "", {"x-api-key": KEY}, connection_error("NoProtocolError")),
        ([GRAPHQL_WS], "", {}, connection_error("Required headers are missing.")),
        ([GRAPHQL_WS], "?header=nonsense", {"x-api-key": KEY}, connection_error("Required headers are missing.")),
        ([GRAPHQL_WS], "?header=e30=", {"x-api-key": KEY}, connection_error("Required headers are missing.")),
        (
            [GRAPHQL_WS],
            "",
            {"x-api-key": "wrong"},
            connection_error("You are not authorized to make this call.", UNAUTHORIZED),
        ),
        (
            offering({"host": "nowhere.appsync-api.x", "x-api-key": KEY}),
            "",
            {},
            connection_error("GraphQL API nowhere not found.", "BadRequestException"),
        ),
    ],
)
async def test_who_may_not_come_in_reads_why(
    address: str, offered: Sequence[Subprotocol] | None, query: str, headers: dict[str, str], expected: object
) -> None:
    url = f"ws://{address}/graphql{query}"
    async with connect(url, subprotocols=offered, additional_headers=headers) as socket:
        await say(socket, '{"type":"connection_init"}')
        assert await hear(socket) == [expected]
        with pytest.raises(websockets.ConnectionClosedOK):
            await socket.recv()


async def test_another_subprotocol_is_refused(address: str) -> None:
    async with connect(f"ws://{address}/graphql", additional_headers={"sec-websocket-protocol": "mqtt"}) as socket:
        assert await hear(socket) == [connection_error("SubProtocolNotSupportedError")]


async def test_a_refused_client_that_says_nothing_is_closed_after_a_grace(address: str, clock: VirtualClock) -> None:
    async with connect(f"ws://{address}/graphql") as socket:
        await hear(socket)
        await clock.advance(1)
        with pytest.raises(websockets.ConnectionClosedOK):
            await socket.recv()


async def test_a_client_that_never_says_connection_init_is_closed(address: str, clock: VirtualClock) -> None:
    async with connect(f"ws://{address}/graphql", subprotocols=offering(CREDENTIALS)) as socket:
        await say(socket, start())
        await clock.advance(15)
        with pytest.raises(websockets.ConnectionClosedError):
            await socket.recv()
    assert (socket.close_code, socket.close_reason) == (1008, "no connection_init within 15 s")


async def test_ka_on_the_clock_and_the_end_after_24_hours(socket: ClientConnection, clock: VirtualClock) -> None:
    await clock.advance(60)
    await clock.advance(59)
    await clock.advance(1)
    assert await hear(socket, 2) == [KA, KA]
    await clock.advance(24 * 3600)
    assert {text async for text in socket} == {'{"type":"ka"}'}
    assert (socket.close_code, socket.close_reason) == (1001, "connection older than 24 h")


@pytest.mark.parametrize(
    ("query", "key", "error"),
    [
        ("refuse", KEY, {"message": "Validation error of type FieldUndefined"}),
        (
            "subscription { onSay }",
            "wrong",
            {"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."},
        ),
    ],
)
async def test_a_start_that_is_refused(socket: ClientConnection, query: str, key: str, error: object) -> None:
    await say(socket, start(query=query, key=key))
    assert await hear(socket) == [{"id": "1", "type": "error", "payload": {"errors": [error]}}]
    await say(socket, start())
    assert await hear(socket) == [{"type": "start_ack", "id": "1"}]


async def test_a_start_without_credentials(socket: ClientConnection) -> None:
    await say(socket, '{"id":"1","type":"start","payload":{"data":"{\\"query\\":\\"x\\"}"}}')
    error = {"errorType": "UnauthorizedException", "message": "Valid authorization header not provided."}
    assert await hear(socket) == [{"id": "1", "type": "error", "payload": {"errors": [error]}}]


async def test_a_key_that_expired_meanwhile(
    address: str, service: ToyService, clock: VirtualClock, socket: ClientConnection
) -> None:
    service.served = [api(keys=(ApiKey(KEY, clock.now()), ApiKey("new", NEVER)))]
    await say(socket, start("1"), start("2", key="new"))
    frames = await hear(socket, 2)
    assert sorted(str(frame["type"]) for frame in frames if isinstance(frame, dict)) == ["error", "start_ack"]


async def test_a_start_that_takes_too_long_and_one_that_is_a_bug(
    socket: ClientConnection, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    await say(socket, start("bug", "bug"))
    error = {"errorType": "InternalFailure", "message": "Internal failure."}
    assert await hear(socket) == [{"id": "bug", "type": "error", "payload": {"errors": [error]}}]
    assert "ZeroDivisionError" in caplog.text
    caplog.clear()
    await say(socket, start("slow", "hang"), "junk")
    assert [frame["type"] for frame in await hear(socket) if isinstance(frame, dict)] == ["error"]
    await clock.advance(30)
    error = {"errorType": "ExecutionTimeout", "message": "Request timed out."}
    assert await hear(socket) == [{"id": "slow", "type": "error", "payload": {"errors": [error]}}]


async def test_bad_frames_are_answered_and_the_connection_lives(socket: ClientConnection, service: ToyService) -> None:
    bad: list[str | bytes] = ["", "{", "[]", b"\x00\xff", '{"type":"nonsense"}', '{"type":"start"}']
    await say(socket, *bad)
    assert {frame["type"] for frame in await hear(socket, len(bad)) if isinstance(frame, dict)} == {"error"}
    await say(socket, start())
    assert await hear(socket) == [{"type": "start_ack", "id": "1"}]


async def test_a_message_that_is_too_big_ends_the_connection(socket: ClientConnection) -> None:
    await say(socket, "x" * 100_001)
    with pytest.raises(websockets.ConnectionClosedError):
        await socket.recv()
    assert socket.close_code == 1009


async def test_a_client_that_goes_away_leaves_nothing_behind(
    socket: ClientConnection, web: GraphqlWeb, service: ToyService, clock: VirtualClock
) -> None:
    await say(socket, start("1"), start("2", "hang"))
    assert await hear(socket) == [{"type": "start_ack", "id": "1"}]
    assert web.hub.subscriptions() == {("story", "say"): 1}
    socket.transport.abort()
    await web.idle()
    assert web.hub.subscriptions() == {}
    service.publish(1)
    assert "0 timers armed" in clock.explain() or "nothing is due" in clock.explain()


async def test_a_slow_reader_is_disconnected_and_delays_nobody(
    socket: ClientConnection,
    address: str,
    web: GraphqlWeb,
    service: ToyService,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connect(
        f"ws://{address}/graphql", subprotocols=offering(CREDENTIALS), max_queue=1, compression=None
    ) as slow:
        await say(slow, '{"type":"connection_init"}', start())
        assert len(await hear(slow, 3)) == 3
        await say(socket, start())
        await hear(socket)
        text = "x" * 200_000
        with caplog.at_level(logging.WARNING):
            for number in range(400):
                service.publish({"n": number, "text": text})
                frame = (await hear(socket))[0]
                assert isinstance(frame, dict)
                assert frame["payload"]["data"]["onSay"]["n"] == number
                if len(web) == 1:
                    break
        assert "subscriber reads too slowly" in caplog.text
        slow.transport.abort()
    assert service.projected == number + 1


async def test_stopping_the_server_says_goodbye(web: GraphqlWeb, socket: ClientConnection) -> None:
    await say(socket, start())
    await hear(socket)
    await web.aclose()
    with pytest.raises(websockets.ConnectionClosedOK):
        await socket.recv()
    assert (socket.close_code, socket.close_reason) == (1001, "the server is stopping")
