"""AppSync Events from a template: handlers in JavaScript, a function with AWS's event handler, a plain websocket."""

import base64
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from callpark.app import App
from callpark.graphql.happenings import RequestLogged
from callpark.health import EventApiHealth
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.process

PROJECT = Path(__file__).parent / "apps" / "chat-channels"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with served(Settings(data=tmp_path_factory.mktemp("channels"), port=0), PROJECT) as app:
        yield app


def api(app: App) -> EventApiHealth:
    (found,) = app.health().event_apis
    return found


async def publish(app: App, channel: str, *events: object) -> httpx.Response:
    body = {"channel": channel, "events": [json.dumps(event) for event in events]}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return await client.post(api(app).event_url, json=body, headers={"x-api-key": str(api(app).api_key)})


class Client:
    def __init__(self, socket: ClientConnection, key: str) -> None:
        self._socket = socket
        self._key = key

    async def ask(self, **members: object) -> dict[str, Any]:
        credentials = {"authorization": {"x-api-key": self._key}}
        await self._socket.send(json.dumps({**credentials, **members}))
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        while (frame := json.loads(await self._socket.recv()))["type"] == "ka":
            pass
        return dict(frame)


@contextlib.asynccontextmanager
async def connected(app: App) -> AsyncIterator[Client]:
    header = json.dumps({"host": "localhost", "x-api-key": api(app).api_key}).encode()
    protocols: Any = ["aws-appsync-event-ws", "header-" + base64.urlsafe_b64encode(header).decode().rstrip("=")]
    async with connect(api(app).realtime_url, subprotocols=protocols, proxy=None) as socket:
        assert socket.subprotocol == "aws-appsync-event-ws"
        client = Client(socket, str(api(app).api_key))
        assert await client.ask(type="connection_init") == {"type": "connection_ack", "connectionTimeoutMs": 300_000}
        yield client


async def test_the_template_says_where(app: App) -> None:
    assert app.deployment.project is not None
    assert app.deployment.project.outputs["Url"] == f"{app.base_url}/event"
    assert app.deployment.warnings == []
    assert api(app).namespaces == ["default", "polite", "guarded", "observed"]
    assert api(app).event_url.startswith(f"{app.base_url}/apis/")


async def test_handlers_in_javascript(app: App) -> None:
    async with connected(app) as client:
        assert (await client.ask(type="subscribe", id="1", channel="/polite/*"))["type"] == "subscribe_success"
        refused = await client.ask(type="subscribe", id="2", channel="/polite/staff")
        assert refused["errors"] == [{"errorType": "Unauthorized", "message": "Unauthorized"}]
        answer = await publish(app, "/polite/room", {"text": "shut up"}, {"text": "speak"})
        assert len(answer.json()["successful"]) == 2
        assert json.loads((await client.hear())["event"]) == {"text": "speak, please"}


async def test_a_direct_function_with_awss_own_event_handler(app: App) -> None:
    async with connected(app) as client:
        assert (await client.ask(type="subscribe", id="1", channel="/guarded/a"))["type"] == "subscribe_success"
        refused = await client.ask(type="subscribe", id="2", channel="/guarded/secret")
        assert refused["errors"][0]["message"] == "You are not authorized to make this call."
        refused = await client.ask(type="subscribe", id="3", channel="/guarded/broken")
        assert refused["errors"][0]["message"] == "ValueError - not today"
        done = await client.ask(
            type="publish", id="p", channel="/guarded/a", events=['{"text":"hi"}', '{"text":"fail"}']
        )
        assert (done["type"], json.loads(done["event"])) == ("data", {"text": "hi", "checked": True})
        done = await client.hear()
        assert (done["type"], [each["index"] for each in done["successful"]]) == ("publish_success", [0])
        assert [(each["index"], each["message"]) for each in done["failed"]] == [(1, "ValueError - not this one")]


async def test_a_function_in_event_mode_publishes_in_its_turn(app: App) -> None:
    async with connected(app) as client:
        await client.ask(type="subscribe", id="1", channel="/default/observed")
        assert (await publish(app, "/observed/a", {"n": 1})).status_code == 200
        assert json.loads((await client.hear())["event"]) == {"n": 1}


async def test_a_stream_arrives_whole_and_in_order_at_every_subscriber(app: App) -> None:
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(app)) for _ in range(20)]
        for number, client in enumerate(clients):
            channel = "/default/*" if number % 2 else "/default/stream"
            assert (await client.ask(type="subscribe", id="s", channel=channel))["type"] == "subscribe_success"
        for start in range(0, 100, 5):
            assert (await publish(app, "/default/stream", *range(start, start + 5))).status_code == 200
        for client in clients:
            assert [int((await client.hear())["event"]) for _ in range(100)] == list(range(100))


async def test_what_is_logged_and_counted(app: App) -> None:
    answer = await publish(app, "/observed/room", 1, 2)
    api_id = api(app).id
    logged = [entry.happening for entry in app.trace.entries() if isinstance(entry.happening, RequestLogged)][-1]
    assert (logged.api_id, logged.request_id) == (api_id, answer.headers["x-amzn-requestid"])
    assert (logged.lines[0], logged.lines[-1]) == ("Begin Request", "End Request")
    key = {"MetricName": "InboundMessages", "Namespace": "AWS/AppSync"}
    listed = await app.own_operations.call("cloudwatch", "ListMetrics", key)
    wanted = [{"Name": "EventAPIId", "Value": api_id}, {"Name": "ChannelNamespaceName", "Value": "observed"}]
    assert {**key, "Dimensions": wanted} in cast(list[object], listed["Metrics"])
    (series,) = app.recording.event_apis.recorded("InboundMessages", api_id, f"{api_id}:observed")
    assert series.total >= 2
