"""Event APIs over HTTP and websockets, in process: who gets in, what is answered, that nobody is another's trouble."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from callpark.graphql.auth.iam import AccessKeys
from callpark.graphql.channels import happenings
from callpark.graphql.channels.api.web import ChannelsWeb
from callpark.graphql.channels.model import EventApiDefinition
from callpark.graphql.channels.service import EventApis
from callpark.graphql.model import ApiKey, AuthenticationProvider, LambdaAuthorizerConfig
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits, Limits
from callpark.kernel.trace import Trace
from tests.graphql.auth.people import authenticator
from tests.graphql.channels.toy import FUNCTION, KEY, KEYED, Functions, Wire, direct, event_api, namespace

pytestmark = pytest.mark.sim

IAM = AuthenticationProvider("AWS_IAM")
LAMBDA = AuthenticationProvider("AWS_LAMBDA", LambdaAuthorizerConfig(FUNCTION, result_ttl=300))
SECRETS = {"AKID": "secret"}


@dataclass
class House:
    service: EventApis
    web: ChannelsWeb
    functions: Functions
    clock: VirtualClock
    trace: Trace

    @contextlib.asynccontextmanager
    async def connected(self, wire: Wire | None = None, *, init: bool = True) -> AsyncIterator[Wire]:
        """A websocket, acknowledged; gone at the end."""
        wire = wire or Wire()
        running = asyncio.create_task(self.web(wire.scope(), wire.receive, wire.send))
        if init:
            wire.say(type="connection_init")
            assert (await wire.hear())["type"] == "connection_ack"
        try:
            yield wire
        finally:
            wire.leave()
            await running

    async def post(self, body: object, path: str = "/event", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        transport = httpx.ASGITransport(self.web)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(path, content=content, headers={"x-api-key": KEY, **headers})


@pytest.fixture
def make(clock: VirtualClock, ids: SeededIds) -> Callable[..., House]:
    def house(*apis: EventApiDefinition, **limits: Any) -> House:
        given, functions = Limits(appsync=AppSyncLimits(**limits)), Functions()
        trace = Trace(clock)
        service = EventApis(clock, ids, trace, given, functions)
        service.apply(apis or (event_api(),))
        door = authenticator(clock, keys=AccessKeys(SECRETS, open=False), functions=functions)
        return House(service, ChannelsWeb(service, door, clock, ids, trace, given), functions, clock, trace)

    return house


MESSAGE = {"channel": "/ns/a", "events": ['{"n":1}', "2"]}


async def test_an_event_goes_from_http_to_a_subscriber(make: Callable[..., House]) -> None:
    house = make()
    async with house.connected() as wire:
        assert wire.accepted == "aws-appsync-event-ws"
        wire.say(type="subscribe", id="s", channel="/ns/*")
        assert await wire.hear() == {"type": "subscribe_success", "id": "s"}
        answer = await house.post(MESSAGE)
        assert answer.status_code == 200
        assert [each["index"] for each in answer.json()["successful"]] == [0, 1]
        assert answer.json()["failed"] == []
        assert await wire.hear() == {"type": "data", "id": "s", "event": '{"n":1}'}
        assert await wire.hear() == {"type": "data", "id": "s", "event": "2"}
        wire.say(type="unsubscribe", id="s")
        assert await wire.hear() == {"type": "unsubscribe_success", "id": "s"}
        assert house.service.hub.subscriptions("events") == 0


async def test_publishing_over_the_websocket_keeps_the_order(make: Callable[..., House]) -> None:
    house = make()
    async with house.connected() as wire:
        wire.say(type="subscribe", id="s", channel="/ns/a")
        await wire.hear()
        for index in range(50):
            wire.say(type="publish", id=f"p{index}", channel="/ns/a", events=[str(index)])
        heard = [await wire.hear() for _ in range(100)]
        assert [frame["event"] for frame in heard if frame["type"] == "data"] == [str(index) for index in range(50)]
        successes = [frame["id"] for frame in heard if frame["type"] == "publish_success"]
        assert successes == [f"p{index}" for index in range(50)]


async def test_a_publication_outlives_its_connection(make: Callable[..., House]) -> None:
    house = make(event_api(namespace(on_publish=None), namespace("slow", on_publish=direct())))
    house.functions.gate = asyncio.Event()
    house.functions.answer = lambda event: {"events": event["events"]}
    async with house.connected() as listener:
        listener.say(type="subscribe", id="s", channel="/slow/a")
        await listener.hear()
        async with house.connected() as wire:
            wire.say(type="publish", id="p", channel="/slow/a", events=["1"])
            await until(lambda: bool(house.functions.asked))
        house.functions.gate.set()
        assert (await listener.hear())["event"] == "1"
    await house.web.aclose()


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)


@pytest.mark.parametrize(
    ("body", "status", "error_type", "message"),
    [
        (b"", 400, "BadRequestException", "Request body is empty."),
        (b"{", 400, "BadRequestException", "The request body is not JSON."),
        ([], 400, "BadRequestException", "The request body must be an object with channel and events."),
        ({}, 400, "BadRequestException", "The channel null is not valid."),
        ({"channel": "/ns/*", "events": ["1"]}, 400, "BadRequestException", 'The channel "/ns/*" is not valid.'),
        ({"channel": "/ns/a", "events": ["{"]}, 400, "BadRequestException", "Event 0 is not valid JSON."),
        ({"channel": "/x/a", "events": ["1"]}, 400, "BadRequestException", "The API has no channel namespace x."),
        (b"1" * 1_310_721, 413, "RequestEntityTooLargeException", "The request is larger than 1310720 bytes."),
    ],
)  # fmt: skip
async def test_publications_that_are_refused(
    make: Callable[..., House], body: object, status: int, error_type: str, message: str
) -> None:
    answer = await make().post(body)
    assert answer.status_code == status
    assert answer.json() == {"errors": [{"errorType": error_type, "message": message}]}
    assert answer.headers["x-amzn-errortype"] == error_type


async def test_what_a_handler_refuses_has_its_status(make: Callable[..., House]) -> None:
    code = "export const onPublish = (ctx) => ctx.events[0].payload ? util.error('no', 'Mine') : util.unauthorized()"
    house = make(event_api(namespace(code=code)))
    answer = await house.post({"channel": "ns", "events": ["1"]})
    assert (answer.status_code, answer.json()) == (403, {"errors": [{"errorType": "Mine", "message": "no"}]})
    answer = await house.post({"channel": "ns", "events": ["0"]})
    assert (answer.status_code, answer.json()["errors"][0]["errorType"]) == (401, "Unauthorized")
    async with house.connected() as wire:
        wire.say(type="publish", id="p", channel="/ns", events=["1"])
        errors = [{"errorType": "Mine", "message": "no"}]
        assert await wire.hear() == {"type": "publish_error", "id": "p", "errors": errors}


async def test_routes_methods_and_browsers(make: Callable[..., House]) -> None:
    house = make(event_api(), event_api(api_id="other", api_keys=()))
    for path, host in (
        ("/event", "localhost"),
        ("/apis/events/event", "localhost"),
        ("/event", "events.appsync-api.x"),
    ):
        assert (await house.post(MESSAGE, path, host=host)).status_code == 200
    assert (await house.post(MESSAGE, "/apis/nobody/event")).status_code == 404
    several = await house.post(MESSAGE, **{"x-api-key": "da2-nobody"})
    assert "Several Event APIs are served" in several.json()["errors"][0]["message"]
    assert (await house.post(MESSAGE, "/event/realtime")).status_code == 400
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.web), base_url="http://localhost") as client:
        assert (await client.get("/event")).status_code == 405
        preflight = await client.options("/event", headers={"access-control-request-headers": "x-api-key"})
    assert preflight.headers["access-control-allow-headers"] == "x-api-key"
    assert house.web.matches({"type": "http", "path": "/graphql", "headers": []}) is False
    assert house.web.matches({"type": "lifespan"}) is False


@pytest.mark.parametrize("headers", [{"x-api-key": "da2-wrong"}, {"x-api-key": "", "authorization": "token"}])
async def test_wrong_credentials_are_refused_everywhere(make: Callable[..., House], headers: dict[str, str]) -> None:
    house = make()
    answer = await house.post(MESSAGE, **headers)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["errorType"] == "UnauthorizedException"
    async with house.connected(Wire(key="da2-wrong"), init=False) as wire:
        (error,) = (await wire.hear())["errors"]
        assert (error["errorType"], error["errorCode"]) == ("UnauthorizedException", 401)
        wire.say(type="connection_init")
    assert wire.closed is not None
    async with house.connected() as wire:
        for kind, events in (("subscribe", {}), ("publish", {"events": ["1"]})):
            wire.say(type=kind, id="x", channel="/ns/a", authorization=headers, **events)
            frame = await wire.hear()
            assert frame["type"] == f"{kind}_error"
            assert frame["errors"][0]["errorType"] == "UnauthorizedException"
        wire.say(type="subscribe", id="y", channel="/ns/a", authorization={})
        (error,) = (await wire.hear())["errors"]
        assert error["message"] == "Valid authorization header not provided."
    assert house.service.hub.subscriptions("events") == 0


async def test_keys_of_another_api_and_expired_ones_open_nothing(make: Callable[..., House]) -> None:
    expired = event_api(api_id="old", api_keys=(ApiKey("da2-old", 1.0),))
    house = make(event_api(), expired, event_api(api_id="other", api_keys=(ApiKey("da2-other", 4e9),)))
    for api_id, key, status in (
        ("events", KEY, 200),
        ("events", "da2-other", 401),
        ("other", KEY, 401),
        ("other", "da2-other", 200),
        ("old", "da2-old", 401),
    ):
        path = f"/apis/{api_id}/event"
        assert (await house.post(MESSAGE, path, **{"x-api-key": key})).status_code == status
        async with house.connected(Wire(path=f"{path}/realtime", key=key), init=status == 200) as wire:
            if status == 401:
                assert (await wire.hear())["type"] == "connection_error"


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (Wire(subprotocols=()), "NoProtocolError"),
        (Wire(subprotocols=("graphql-ws",)), "SubProtocolNotSupportedError"),
        (Wire(subprotocols=("aws-appsync-event-ws", "header-!")), "Required headers are missing."),
        (Wire(path="/apis/nobody/event/realtime"), "Event API nobody not found."),
    ],
)
async def test_handshakes_that_fail_say_why(make: Callable[..., House], wire: Wire, message: str) -> None:
    async with make().connected(wire, init=False):
        frame = await wire.hear()
        assert frame["type"] == "connection_error"
        assert frame["errors"][0]["message"] == message


async def test_modes_are_the_namespaces_own_or_the_apis(make: Callable[..., House]) -> None:
    """Publishing to `locked` needs a function's yes, subscribing to it the key; elsewhere the key does."""
    locked = namespace("locked", publish_modes=("AWS_LAMBDA",))
    house = make(event_api(namespace(), locked, authentication=(KEYED, LAMBDA)))
    house.functions.answer = lambda event: {"isAuthorized": event["authorizationToken"] == "open"}
    message = {"channel": "/locked/a", "events": ["1"]}
    assert (await house.post(MESSAGE)).status_code == 200
    assert (await house.post(message)).status_code == 401
    assert (await house.post(message, authorization="open")).status_code == 200
    assert (await house.post(message, authorization="shut")).status_code == 401
    assert (await house.post(MESSAGE, **{"x-api-key": "", "authorization": "open"})).status_code == 401
    async with house.connected() as wire:
        wire.say(type="subscribe", id="s", channel="/locked/a")
        assert (await wire.hear())["type"] == "subscribe_success"


async def test_a_lambda_authorizer_is_told_of_the_channel_and_handlers_of_its_context(
    make: Callable[..., House],
) -> None:
    code = "export const onPublish = (ctx) => [{ id: ctx.events[0].id, payload: ctx.identity }]"
    modes = dict.fromkeys(("connection_modes", "publish_modes", "subscribe_modes"), ("AWS_LAMBDA",))
    house = make(event_api(namespace(code=code), authentication=(LAMBDA,), **modes))
    house.functions.answer = lambda event: {"isAuthorized": True, "handlerContext": {"who": "ada"}}
    credentials = {"authorization": "token"}
    wire = Wire(subprotocols=("aws-appsync-event-ws", "header-eyJBdXRob3JpemF0aW9uIjoidG9rZW4ifQ"))
    async with house.connected(wire):
        wire.say(type="subscribe", id="s", channel="/ns/a", authorization=credentials)
        await wire.hear()
        for channel in ("/ns/a", "/ns/a", "/ns/b"):
            wire.say(type="publish", id="p", channel=channel, events=["1"], authorization=credentials)
            while (frame := await wire.hear())["type"] != "publish_success":
                assert json.loads(frame["event"]) == {"handlerContext": {"who": "ada"}}
    asked = [event["requestContext"] for event in house.functions.asked]
    assert [(each["operation"], each["channelNamespaceName"], each["channel"]) for each in asked] == [
        ("EVENT_CONNECT", None, None),
        ("EVENT_SUBSCRIBE", "ns", "/ns/a"),
        ("EVENT_PUBLISH", "ns", "/ns/a"),
        ("EVENT_PUBLISH", "ns", "/ns/b"),
    ]
    assert {(each["apiId"], each["accountId"]) for each in asked} == {("events", "123456789012")}
    assert house.functions.asked[0]["authorizationToken"] == "token"


def signed(clock: VirtualClock, path: str, body: bytes, secret: str = "secret") -> dict[str, str]:
    request = AWSRequest("POST", f"http://localhost{path}", headers={"content-type": "application/json"}, data=body)
    with patch("botocore.auth.get_current_datetime", lambda: datetime.fromtimestamp(clock.now(), UTC)):
        SigV4Auth(Credentials("AKID", secret), "appsync", "us-east-1").add_auth(request)
    return {"host": "localhost", **dict(request.headers.items())}


async def test_signatures_cover_what_the_reference_says(make: Callable[..., House]) -> None:
    modes = dict.fromkeys(("connection_modes", "publish_modes", "subscribe_modes"), ("AWS_IAM",))
    house = make(event_api(authentication=(IAM,), **modes))
    clock = house.clock
    body = json.dumps(MESSAGE).encode()
    path = "/apis/events/event"
    good = {**signed(clock, path, body), "x-api-key": ""}
    assert (await house.post(body, path, **good)).status_code == 200
    assert (await house.post(body + b" ", path, **good)).status_code == 401
    assert (await house.post(body, path, **signed(clock, path, body, "guess"))).status_code == 401
    header = json.dumps(signed(clock, path, b"{}")).encode()
    encoded = base64.urlsafe_b64encode(header).decode().rstrip("=")
    wire = Wire(path=f"{path}/realtime", subprotocols=("aws-appsync-event-ws", f"header-{encoded}"))
    async with house.connected(wire):
        text = '{"channel":"/ns/*"}'
        wire.say(type="subscribe", id="s", channel="/ns/*", authorization=signed(clock, path, text.encode()))
        assert (await wire.hear())["type"] == "subscribe_success"
        text = json.dumps({"channel": "/ns/a", "events": ['"<ä>"']}, separators=(",", ":"), ensure_ascii=False)
        credentials = signed(clock, path, text.encode())
        wire.say(type="publish", id="p", channel="/ns/a", events=['"<ä>"'], authorization=credentials)
        assert {(await wire.hear())["type"] for _ in range(2)} == {"data", "publish_success"}
        wire.say(type="publish", id="p", channel="/ns/b", events=['"<ä>"'], authorization=credentials)
        assert (await wire.hear())["type"] == "publish_error"


async def test_whoever_reads_too_slowly_is_cut_off_and_the_others_are_served(
    make: Callable[..., House], caplog: pytest.LogCaptureFixture
) -> None:
    house = make(unsent_messages=10)
    stuck = Wire()
    gate = asyncio.Event()
    send = stuck.send

    async def hang(message: Any) -> None:
        if message.get("type") == "websocket.send" and '"data"' in message["text"]:
            await gate.wait()
        await send(message)

    stuck.send = hang  # type: ignore[method-assign]
    async with house.connected(stuck), house.connected() as quick:
        for wire in (stuck, quick):
            wire.say(type="subscribe", id="s", channel="/ns/a")
            await wire.hear()
        for index in range(20):
            await house.post({"channel": "/ns/a", "events": [str(index)]})
            assert (await quick.hear())["event"] == str(index)
        gate.set()
    assert "is closed: subscriber reads too slowly" in caplog.text
    assert house.service.hub.subscriptions("events") == 0


async def test_an_api_that_goes_takes_its_websockets_along_and_a_stop_all(make: Callable[..., House]) -> None:
    house = make(event_api(), event_api(api_id="stays", api_keys=()))
    wire = Wire(path="/apis/events/event/realtime")
    running = asyncio.create_task(house.web(wire.scope(), wire.receive, wire.send))
    wire.say(type="connection_init")
    await wire.hear()
    house.service.apply([event_api(api_id="stays")])
    await running
    assert wire.closed is not None
    assert (wire.closed["code"], wire.closed["reason"]) == (1001, "the API is gone")
    wire = Wire(path="/apis/stays/event/realtime")
    running = asyncio.create_task(house.web(wire.scope(), wire.receive, wire.send))
    wire.say(type="connection_init")
    await wire.hear()
    await house.web.aclose()
    await running
    assert wire.closed is not None
    assert len(house.web) == 0


async def test_keep_alive_comes_every_minute(make: Callable[..., House], clock: VirtualClock) -> None:
    async with make().connected() as wire:
        assert await wire.heard.get() == {"type": "ka"}
        await clock.advance(181)
        assert [wire.heard.get_nowait() for _ in range(3)] == [{"type": "ka"}] * 3
        assert wire.heard.empty()


async def test_a_subscriber_is_told_of_an_event_it_does_not_get(make: Callable[..., House]) -> None:
    code = "export const onPublish = (ctx) => ctx.events.map(({ id }) => ({ id, payload: 'longer than ten' }))"
    house = make(event_api(namespace(code=code)), subscription_message_bytes=10)
    async with house.connected() as wire:
        wire.say(type="subscribe", id="s", channel="/ns/a")
        await wire.hear()
        await house.post({"channel": "/ns/a", "events": ["1"]})
        frame = await wire.hear()
        assert (frame["type"], frame["id"]) == ("broadcast_error", "s")
        assert frame["errors"][0]["errorType"] == "MessageProcessingError"


async def test_10_000_subscriptions_on_one_connection_are_refused_beyond_the_limit(
    make: Callable[..., House],
) -> None:
    house = make(unsent_messages=20_000)
    async with house.connected() as wire:
        for index in range(10_000):
            wire.say(type="subscribe", id=str(index), channel=f"/ns/{index}")
        frames = [await wire.hear() for _ in range(10_000)]
    kinds = [frame["type"] for frame in frames]
    assert (kinds.count("subscribe_success"), kinds.count("subscribe_error")) == (100, 9_900)


async def test_the_trace_hears_of_connections_subscriptions_and_publications(make: Callable[..., House]) -> None:
    house = make()
    async with house.connected() as wire:
        wire.say(type="subscribe", id="s", channel="/ns/a")
        await wire.hear()
        wire.say(type="subscribe", id="t", channel="/nowhere/a")
        await wire.hear()
        wire.say(type="publish", id="p", channel="/ns/a", events=["1"])
        assert {(await wire.hear())["type"], (await wire.hear())["type"]} == {"data", "publish_success"}
        wire.say(type="publish", id="q", channel="/nowhere/a", events=["1"])
        await wire.hear()
        await house.post(MESSAGE)
        await house.post(MESSAGE, **{"x-api-key": "da2-wrong"}, path="/apis/events/event")
        await house.clock.advance(5)
    heard = [entry.happening for entry in house.trace.entries()]
    assert heard == [
        happenings.ConnectionJudged("events", 200),
        happenings.ChannelSubscribed("events", "/ns/a"),
        happenings.SubscriptionDenied("events", "/nowhere/a", 400),
        happenings.EventsPublished("events", "/ns/a", 1, 0, (1,), 1),
        happenings.MessageServed("events", "/ns/a", 200),
        happenings.MessageServed("events", "/nowhere/a", 400),
        happenings.EventsPublished("events", "/ns/a", 2, 0, (7, 1), 2),
        happenings.RequestServed("events", 200, 0.0),
        happenings.RequestServed("events", 401, 0.0),
        happenings.ChannelUnsubscribed("events", "/ns/a"),
        happenings.ConnectionEnded("events", 5.0),
    ]
