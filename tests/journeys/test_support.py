"""examples/support-answers: one request asks a table, a service and a search, then a model writes."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from gql import Client, gql
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport

from callpark.app import App
from callpark.graphql.happenings import Subscribed
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.process

EXAMPLE = Path(__file__).parents[2] / "examples" / "support-answers"
MODELS = {
    "backends": {"writer": {"scripted": "echo"}, "vectors": {"scripted": {}}},
    "models": {
        "anthropic.claude-3-5-haiku-20241022-v1:0": "writer",
        "amazon.titan-embed-text-v2:0": "vectors",
    },
}
ASK = """
mutation Ask($question: String!, $customer: ID!) {
  ask(questionId: "q", customerId: $customer, question: $question) {
    customer { name } parcels { number status expected } passages { title text nearness }
  }
}
"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    folder = tmp_path_factory.mktemp("support")
    project = folder / "project"
    shutil.copytree(EXAMPLE, project)
    (project / "models.yaml").write_text(json.dumps(MODELS))
    settings = Settings(data=folder / "data", port=0, parameters={"IndexFolder": str(folder / "index")})
    async with served(settings, project) as app:
        yield app


async def asked(app: App, document: str, **variables: str) -> Any:
    (api,) = app.health().apis
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        body = {"query": document, "variables": variables}
        answer = await client.post(api.graphql_url, json=body, headers={"x-api-key": api.api_key or ""})
    read = answer.json()
    assert "errors" not in read, read
    return read["data"]


async def written(app: App) -> str:
    """The answer to question q, once all of it has come."""
    (api,) = app.health().apis
    auth = AppSyncApiKeyAuthentication(httpx.URL(api.graphql_url).netloc.decode(), api.api_key or "")
    pieces: list[Mapping[str, Any]] = []
    transport = AppSyncWebsocketsTransport(api.graphql_url.replace("http", "ws", 1), auth=auth)
    async with Client(transport=transport) as session:
        subscription = gql('subscription { onAnswer(questionId: "q") { index text last } }')
        async for result in session.subscribe(subscription):
            pieces.append(result["onAnswer"])
            if pieces[-1]["last"]:
                break
    assert [piece["index"] for piece in pieces] == list(range(len(pieces)))
    return "".join(piece["text"] for piece in pieces)


async def test_one_request_finds_everything_and_the_answer_follows(app: App) -> None:
    standing = asyncio.Event()
    app.trace.listen(lambda entry: standing.set() if isinstance(entry.happening, Subscribed) else None)
    add = 'mutation { addCustomer(id: "C-1", name: "Ada", city: "Leeds") { name } }'
    async with asyncio.timeout(50):
        assert await asked(app, add) == {"addCustomer": {"name": "Ada"}}
        answer = asyncio.create_task(written(app))
        await asyncio.wait((asyncio.ensure_future(standing.wait()), answer), return_when=asyncio.FIRST_COMPLETED)
        found = (await asked(app, ASK, question="the invoice is wrong", customer="C-1"))["ask"]
        text = await answer
    assert found["customer"] == {"name": "Ada"}
    assert found["parcels"] == [{"number": "P-701", "status": "on its way", "expected": "2026-12-02"}]
    titles = [passage["title"] for passage in found["passages"]]
    assert titles[0] == "A wrong invoice"
    assert found["passages"][0]["nearness"] >= found["passages"][1]["nearness"]
    assert "The customer is Ada from Leeds." in text, "what was found is what the model is given"
    assert "Parcel P-701 is on its way" in text
    assert "A wrong invoice: Write to us" in text
    assert text.rstrip().endswith("The question: the invoice is wrong")


async def test_a_customer_whom_nobody_knows_is_answered_all_the_same(app: App) -> None:
    async with asyncio.timeout(50):
        found = (await asked(app, ASK, question="how long is a voucher valid", customer="C-9"))["ask"]
    assert (found["customer"], found["parcels"]) == (None, None)
    assert found["passages"][0]["title"] == "Vouchers"
