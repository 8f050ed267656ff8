"""One server, and everything that can be wrong about a request: each gets one clear refusal, and it goes on serving."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from callpark.app import App
from callpark.health import ApiHealth
from callpark.serving import served
from callpark.settings import Settings
from tests.journeys.archives import HANDLER, zipped

pytestmark = pytest.mark.process

EXAMPLE = Path(__file__).parents[2] / "examples" / "story-stream"
INVOKE = "/2015-03-31/functions/{}/invocations"
CREATE = "/2015-03-31/functions"
EVENT = {"x-amz-invocation-type": "Event"}


def creation(name: str, zip_file: bytes, **members: object) -> dict[str, object]:
    code = {"ZipFile": base64.b64encode(zip_file).decode()}
    fixed = {"Runtime": "python3.11", "Handler": "app.handler", "Role": "arn:aws:iam::123456789012:role/any"}
    return {"FunctionName": name, "Code": code, "Timeout": 1, **fixed, **members}


class Client:
    """The server's address, and one HTTP client."""

    def __init__(self, app: App, http: httpx.AsyncClient) -> None:
        self.app = app
        self.http = http

    async def refused(self, path: str, content: bytes, headers: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, error type and message of an AWS-shaped refusal."""
        response = await self.http.post(self.app.base_url + path, content=content, headers=headers)
        body = response.json()
        return response.status_code, response.headers["x-amzn-errortype"], body.get("message") or body.get("Message")

    async def invoke(self, event: object) -> tuple[bool, object]:
        """Whether the function failed, and what it answered."""
        response = await self.http.post(self.app.base_url + INVOKE.format("Echo"), content=json.dumps(event))
        assert response.status_code == 200, response.text
        return "x-amz-function-error" in response.headers, response.json()

    async def query(self, content: bytes, key: str | None) -> tuple[int, str]:
        """Status and the first error of a GraphQL request: its type, or its message when it has none."""
        (api,) = self.app.health().apis
        headers = {} if key is None else {"x-api-key": key}
        response = await self.http.post(api.graphql_url, content=content, headers=headers)
        error = response.json()["errors"][0]
        return response.status_code, error.get("errorType") or error["message"]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with (
        served(Settings(data=tmp_path, port=0), EXAMPLE) as app,
        httpx.AsyncClient(trust_env=False, timeout=30) as http,
    ):
        client = Client(app, http)
        created = await http.post(app.base_url + CREATE, json=creation("Echo", zipped(app=HANDLER)))
        assert created.status_code == 201, created.text
        yield client


async def test_everything_wrong_in_turn(client: Client) -> None:
    too_much = b'"' + b"x" * 1_048_575 + b'"'
    far_too_much = b'"' + b"x" * 6_291_456 + b'"'
    assert (await client.refused(INVOKE.format("Nobody"), b"{}"))[:2] == (404, "ResourceNotFoundException")
    assert (await client.refused(INVOKE.format("Echo"), b"{nonsense"))[:2] == (400, "InvalidRequestContentException")
    assert (await client.refused(INVOKE.format("Echo"), b"\xff\xfe"))[:2] == (400, "InvalidRequestContentException")
    assert (await client.refused(INVOKE.format("Echo"), too_much, EVENT))[:2] == (413, "RequestEntityTooLargeException")
    assert (await client.refused(INVOKE.format("Echo"), far_too_much))[:2] == (413, "RequestEntityTooLargeException")
    assert (await client.refused(CREATE, b"{nonsense"))[0] == 400
    assert (await client.refused(CREATE, b"[]"))[0] == 400
    status, _, message = await client.refused(CREATE, json.dumps(creation("Bad", b"no zip")).encode())
    assert (status, message) == (
        400,
        "Could not unzip uploaded file. Please check your file, then try to upload again.",
    )
    assert (await client.refused("/2015-03-31/nothing", b"{}"))[0] == 404

    failed, answer = await client.invoke({"do": "exit"})
    assert failed
    assert "exit status 1" in str(answer)
    failed, answer = await client.invoke({"do": "hang"})
    assert failed
    assert "Task timed out after 1.00 seconds" in str(answer)
    failed, answer = await client.invoke({"do": "fail"})
    assert failed
    assert "this is intentional" in str(answer)

    (api,) = client.app.health().apis
    assert await client.query(b'{"query":"{ a }"}', None) == (401, "UnauthorizedException")
    assert await client.query(b'{"query":"{ a }"}', "da2-wrong") == (401, "UnauthorizedException")
    for wrong in (b"{nonsense", b'{"query":"{ a"}', b'{"query":"{ nowhere }"}', b'{"variables":{}}', b""):
        status, told = await client.query(wrong, api.api_key)
        assert status in (200, 400), wrong
        assert told, wrong
    await _sockets(api)

    failed, answer = await client.invoke({"text": "ünï ☎"})
    assert not failed
    assert isinstance(answer, dict)
    assert answer["echo"] == {"text": "ünï ☎"}
    asked = await client.http.post(
        api.graphql_url,
        json={"query": 'mutation { tellStory(prompt: "a") }'},
        headers={"x-api-key": api.api_key or ""},
    )
    assert asked.json() == {"data": {"tellStory": "OK"}}


async def _sockets(api: ApiHealth) -> None:
    """A wrong key, and frames that are none: each gets its error frame."""
    host = httpx.URL(api.graphql_url).netloc.decode()
    wrong: tuple[tuple[str | None, str | bytes, str], ...] = (
        ("da2-wrong", "{}", "connection_error"),
        (api.api_key, "{nonsense", "error"),
        (api.api_key, b"\xff", "error"),
    )
    for key, sent, expected in wrong:
        header = base64.urlsafe_b64encode(json.dumps({"host": host, "x-api-key": key}).encode()).decode().rstrip("=")
        protocols = [Subprotocol("graphql-ws"), Subprotocol(f"header-{header}")]
        async with connect(api.realtime_url, subprotocols=protocols, proxy=None) as socket, asyncio.timeout(10):
            await socket.send('{"type":"connection_init"}')
            await socket.send(sent)
            frames: list[str] = []
            while not frames or "error" not in frames[-1]:
                frames.append(json.loads(await socket.recv())["type"])
            assert frames[-1] == expected
