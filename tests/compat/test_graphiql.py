"""GraphiQL as a browser shows it: a query, a subscription that is heard, another caller; nothing from elsewhere."""

import asyncio
import json
import shutil
from pathlib import Path

import httpx
import pytest

from callpark.app import App
from callpark.graphql.api import graphiql
from callpark.graphql.happenings import Subscribed, Unsubscribed
from callpark.kernel.trace import Entry
from tests.compat.driving import driver, needs_node
from tests.compat.test_story_clients import anyio_backend, app, post, surroundings

__all__ = ["anyio_backend", "app"]

pytestmark = pytest.mark.compat

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
STATIC = Path(graphiql.__file__).parent.parent / "graphiql" / "static"

needs_graphiql = pytest.mark.skipif(
    not (STATIC / "graphiql.min.js").exists(), reason="GraphiQL's files are missing: install npm, then `make setup`"
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing: apt-get install chromium")


def happened(app: App, kind: type) -> asyncio.Event:
    seen = asyncio.Event()

    def read(entry: Entry) -> None:
        if isinstance(entry.happening, kind):
            seen.set()

    app.trace.listen(read)
    return seen


@needs_node
@needs_graphiql
@needs_chromium
async def test_in_chromium(app: App) -> None:
    assert CHROMIUM is not None
    subscribed, unsubscribed = happened(app, Subscribed), happened(app, Unsubscribed)
    environment = {**surroundings(app, "apiKey", "http"), "CHROMIUM": CHROMIUM}
    async with driver("graphiql.mjs", environment) as person:
        assert json.loads(await person.line()) == "asked"
        await asyncio.wait_for(subscribed.wait(), 20)
        token = 'storyId: "browser", index: 1, text: "heard in the browser", last: true'
        query = f"mutation {{ publishToken({token}) {{ storyId index text last }} }}"
        await post(app, {"x-api-key": environment["API_KEY"]}, json.dumps({"query": query}).encode())
        await person.go()
        assert json.loads(await person.line()) == "heard"
        await asyncio.wait_for(unsubscribed.wait(), 20)
        await person.go()
        assert json.loads(await person.line()) == {"elsewhere": [], "complaints": []}


@needs_graphiql
async def test_every_file_of_the_page_is_here(app: App) -> None:
    async with httpx.AsyncClient(base_url=app.base_url, trust_env=False, timeout=30) as client:
        page = await client.get("/graphql", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert page.status_code == 200
        assert "access-control-allow-origin" not in page.headers
        for part in page.text.split('"')[1::2]:
            if part.startswith("/_callpark/"):
                file = await client.get(part)
                assert (file.status_code, len(file.content) > 100) == (200, True), part
        assert "Copyright (c) 2021 GraphQL Contributors" in (await client.get("/_callpark/graphiql/LICENSES.txt")).text
