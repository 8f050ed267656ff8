"""AppSync Events with the client that people use, unmodified: aws-amplify v6 over https and wss."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.app import App
from callpark.graphql.auth.local_pool import LocalPool, Subject
from callpark.serving import served
from callpark.settings import Settings
from tests.compat.driving import driver, needs_node

pytestmark = [pytest.mark.compat, needs_node]

PROJECT = Path(__file__).parents[1] / "journeys" / "apps" / "chat-channels"
KEYS = {"AKIDCHAT": "very-secret"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    settings = Settings(data=tmp_path_factory.mktemp("chat"), port=0, access_keys=KEYS)
    async with served(settings, PROJECT) as app:
        yield app


def surroundings(app: App, mode: str) -> dict[str, str]:
    (api,) = app.health().event_apis
    ((access_key, secret),) = KEYS.items()
    minted = LocalPool(app.settings.data).mint("us-east-1", "us-east-1_Chat", Subject("ada"), app.clock.now(), 600, "j")
    return {
        "ENDPOINT": api.event_url.replace("http://127.0.0.1", "https://localhost"),
        "REGION": "us-east-1",
        "MODE": mode,
        "API_KEY": str(api.api_key),
        "TOKEN": minted.access_token,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "NODE_EXTRA_CA_CERTS": str(app.certificate.ensure()),
    }


@pytest.mark.parametrize("mode", ["apiKey", "userPool", "iam"])
async def test_amplify_publishes_and_subscribes(app: App, mode: str) -> None:
    async with driver("amplify_events.mjs", surroundings(app, mode)) as client:
        said = json.loads(await client.line())
    texts = ["over <http>, please", "over a websocket, please", "twice, please", "still here, please"]
    assert [event["text"] for event in said["heard"]] == texts
    assert said["failed"] == []
    assert said["wildcard"] == "Publish errors: BadRequestException"
    assert "Unauthorized" in said["refusal"]


async def test_what_amplify_reads_when_it_is_kept_out(app: App) -> None:
    async with driver("amplify_events.mjs", {**surroundings(app, "apiKey"), "API_KEY": "da2-nobody"}) as client:
        with pytest.raises(AssertionError, match="UnauthorizedException"):
            await client.line()
