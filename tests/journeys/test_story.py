"""examples/story-stream, told to clients as they are: gql's AppSync transport, and a plain web socket (listen.py)."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from gql import Client, gql
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport

from callpark.app import App
from callpark.graphql.happenings import Subscribed
from callpark.health import ApiHealth
from callpark.kernel.trace import Entry
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.compat

EXAMPLE = Path(__file__).parents[2] / "examples" / "story-stream"
TOLD = "Once there was a telephone exchange that never made anybody wait. When a caller asked for a moon, it parked"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    settings = Settings(data=tmp_path / "data", port=0, parameters={"TokenSeconds": "0.005"})
    async with served(settings, EXAMPLE) as app:
        yield app


def listeners(app: App, count: int) -> asyncio.Event:
    """Set when so many subscriptions stand."""
    standing = asyncio.Event()
    seen = 0

    def read(entry: Entry) -> None:
        nonlocal seen
        seen += isinstance(entry.happening, Subscribed)
        if seen >= count:
            standing.set()

    app.trace.listen(read)
    return standing


async def tell(api: ApiHealth) -> object:
    async with httpx.AsyncClient(trust_env=False) as client:
        query = {"query": 'mutation { tellStory(prompt: "a moon") }'}
        response = await client.post(api.graphql_url, json=query, headers={"x-api-key": api.api_key or ""})
        return response.json()


async def heard_by_gql(api: ApiHealth) -> list[dict[str, object]]:
    host = httpx.URL(api.graphql_url).netloc.decode()
    auth = AppSyncApiKeyAuthentication(host, api.api_key or "")
    tokens: list[dict[str, object]] = []
    async with Client(
        transport=AppSyncWebsocketsTransport(api.graphql_url.replace("http", "ws", 1), auth=auth)
    ) as session:
        async for result in session.subscribe(gql("subscription { onToken { index text last } }")):
            tokens.append(result["onToken"])
            if result["onToken"]["last"]:
                break
    return tokens


async def heard_by_the_example(api: ApiHealth) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLE / "listen.py")),
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "GRAPHQL_URL": api.graphql_url, "GRAPHQL_API_KEY": api.api_key or ""},
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def test_both_hear_every_token_in_order(app: App) -> None:
    (api,) = app.health().apis
    standing = listeners(app, 2)
    by_gql, by_example = asyncio.create_task(heard_by_gql(api)), asyncio.create_task(heard_by_the_example(api))
    async with asyncio.timeout(20):
        await asyncio.wait((asyncio.ensure_future(standing.wait()), by_gql), return_when=asyncio.FIRST_COMPLETED)
        assert await tell(api) == {"data": {"tellStory": "OK"}}
        tokens, printed = await asyncio.gather(by_gql, by_example)
    assert [token["index"] for token in tokens] == list(range(len(tokens)))
    assert "".join(str(token["text"]) for token in tokens).startswith(TOLD)
    assert printed.startswith(TOLD)
