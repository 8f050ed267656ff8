"""examples/story-stream, told to clients as they are: gql's AppSync transport, and a plain web socket (listen.py)."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import httpx
import pytest
from gql import Client, gql
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport

from callpark.app import App
from callpark.graphql.happenings import Published, Subscribed
from callpark.health import ApiHealth
from callpark.kernel.limits import LambdaLimits, Limits
from callpark.kernel.trace import Entry
from callpark.serving import served
from callpark.settings import Settings
from tests.story_example import EXAMPLE, STORY, Reply, settings_of, story_example

pytestmark = pytest.mark.compat

AS_ALWAYS = LambdaLimits()
AT_ONCE = LambdaLimits(retry_base_seconds=0.05)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with telling(tmp_path) as app:
        yield app


@contextlib.asynccontextmanager
async def telling(
    folder: Path, replies: Sequence[Reply] = ({"text": STORY},), limits: LambdaLimits = AS_ALWAYS
) -> AsyncIterator[App]:
    project = story_example(folder, replies)
    settings = Settings(data=folder / "data", port=0, parameters=settings_of(project), limits=Limits(lambda_=limits))
    async with served(settings, project) as app:
        yield app


def happened(app: App, kind: type) -> asyncio.Event:
    """Set when it has happened once."""
    seen = asyncio.Event()
    app.trace.listen(lambda entry: seen.set() if isinstance(entry.happening, kind) else None)
    return seen


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
    return await ask(api, 'mutation { tellStory(prompt: "a moon") }')


async def ask(api: ApiHealth, document: str) -> object:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        query = {"query": document}
        response = await client.post(api.graphql_url, json=query, headers={"x-api-key": api.api_key or ""})
        return response.json()


async def heard_by_gql(api: ApiHealth) -> list[dict[str, object]]:
    host = httpx.URL(api.graphql_url).netloc.decode()
    auth = AppSyncApiKeyAuthentication(host, api.api_key or "")
    tokens: list[dict[str, object]] = []
    async with Client(
        transport=AppSyncWebsocketsTransport(api.graphql_url.replace("http", "ws", 1), auth=auth)
    ) as session:
        async for result in session.subscribe(gql("subscription { onToken { index text last error } }")):
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


async def heard_once_asked(app: App) -> list[dict[str, object]]:
    """The tokens of one story, asked for when somebody listens."""
    (api,) = app.health().apis
    standing = listeners(app, 1)
    hearing = asyncio.create_task(heard_by_gql(api))
    await asyncio.wait((asyncio.ensure_future(standing.wait()), hearing), return_when=asyncio.FIRST_COMPLETED)
    assert await tell(api) == {"data": {"tellStory": "OK"}}
    return await hearing


def text_of(tokens: Sequence[Mapping[str, object]]) -> str:
    assert [token["index"] for token in tokens] == list(range(len(tokens))), "each once, in order"
    return "".join(str(token["text"]) for token in tokens)


async def test_both_hear_every_token_in_order(app: App) -> None:
    (api,) = app.health().apis
    standing = listeners(app, 2)
    by_gql, by_example = asyncio.create_task(heard_by_gql(api)), asyncio.create_task(heard_by_the_example(api))
    async with asyncio.timeout(20):
        await asyncio.wait((asyncio.ensure_future(standing.wait()), by_gql), return_when=asyncio.FIRST_COMPLETED)
        assert await tell(api) == {"data": {"tellStory": "OK"}}
        tokens, printed = await asyncio.gather(by_gql, by_example)
    assert text_of(tokens).strip() == STORY
    assert printed.strip() == STORY


async def test_a_model_that_breaks_off_is_asked_again_and_no_token_is_heard_twice(tmp_path: Path) -> None:
    breaks_off = {"text": STORY, "times": 1, "fault": {"kind": "model-error", "at_token": 7}}
    async with telling(tmp_path, [breaks_off, {"text": STORY}], AT_ONCE) as app, asyncio.timeout(30):
        tokens = await heard_once_asked(app)
    assert text_of(tokens).strip() == STORY


async def test_whoever_listens_is_told_when_a_story_failed_every_time(tmp_path: Path) -> None:
    fails = {"text": STORY, "fault": {"kind": "model-error", "at_token": 3, "message": "the model fell asleep"}}
    async with telling(tmp_path, [fails], AT_ONCE) as app, asyncio.timeout(30):
        *told, last = await heard_once_asked(app)
    assert text_of([*told, last]) == "Once there was"
    assert last["last"] is True
    assert "the model fell asleep" in str(last["error"])


async def test_a_story_is_cancelled_by_a_mutation(tmp_path: Path) -> None:
    endless = {"tokens": ["on and "] * 5_000, "token_seconds": 0.01}
    async with telling(tmp_path, [endless]) as app, asyncio.timeout(30):
        (api,) = app.health().apis
        cancel = 'mutation { cancelStory(storyId: "story") }'
        assert await ask(api, cancel) == {"data": {"cancelStory": False}}, "there is none yet"
        standing, published = listeners(app, 1), happened(app, Published)
        hearing = asyncio.create_task(heard_by_gql(api))
        await asyncio.wait((asyncio.ensure_future(standing.wait()), hearing), return_when=asyncio.FIRST_COMPLETED)
        await tell(api)
        await published.wait()
        assert await ask(api, cancel) == {"data": {"cancelStory": True}}
        tokens = await hearing
    assert text_of(tokens).startswith("on and")
    assert len(tokens) < 5_000
    assert (tokens[-1]["last"], tokens[-1]["error"]) == (True, None)
