"""The story example, told to the clients that people use, unmodified: aws-amplify v6 and Apollo with AppSync's links in
Node.js over https and wss, gql, and requests that botocore signed."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from gql import Client, GraphQLRequest, gql
from gql.transport.appsync_auth import AppSyncIAMAuthentication, AppSyncJWTAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport

from callpark.app import App
from callpark.graphql.auth.local_pool import LocalPool, Subject
from callpark.graphql.happenings import Subscribed
from callpark.kernel.trace import Entry
from callpark.serving import served
from callpark.settings import Settings
from tests.compat.driving import driver, needs_node
from tests.story_example import STORY, settings_of, story_example

pytestmark = pytest.mark.compat

POOL = "us-east-1_Story"
KEYS = {"AKIDSTORY": "very-secret"}
MODES = """
      AdditionalAuthenticationProviders:
        - AuthenticationType: AWS_IAM
        - AuthenticationType: AMAZON_COGNITO_USER_POOLS
          UserPoolConfig: { UserPoolId: us-east-1_Story, AwsRegion: us-east-1 }
"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The example as it stands, but for more ways in."""
    folder = story_example(tmp_path_factory.mktemp("stories"))
    template, schema = folder / "template.yaml", folder / "schema.graphql"
    template.write_text(
        template.read_text().replace("AuthenticationType: API_KEY\n", f"AuthenticationType: API_KEY{MODES}")
    )
    everybody = " @aws_api_key @aws_iam @aws_cognito_user_pools"
    opened = schema.read_text().replace("type Token {", f"type Token{everybody} {{")
    for line in ("version: String", '"story"): String', "error: String): Token", '["publishToken"])'):
        opened = opened.replace(line, line + everybody)
    schema.write_text(opened)
    async with served(settings(folder), folder) as app:
        yield app


def settings(folder: Path, port: int = 0) -> Settings:
    return Settings(data=folder / ".callpark", port=port, access_keys=KEYS, parameters=settings_of(folder))


def token(app: App) -> str:
    minted = LocalPool(app.settings.data).mint("us-east-1", POOL, Subject("ada"), app.clock.now(), 600, "j")
    return minted.access_token


def listening(app: App) -> asyncio.Event:
    """Set when the next subscription stands."""
    standing = asyncio.Event()

    def read(entry: Entry) -> None:
        if isinstance(entry.happening, Subscribed):
            standing.set()

    app.trace.listen(read)
    return standing


def surroundings(app: App, mode: str, scheme: str) -> Mapping[str, str]:
    (access_key, secret), *_ = KEYS.items()
    address = app.base_url.removeprefix("http://").replace("127.0.0.1", "localhost")
    return {
        "ENDPOINT": f"{scheme}://{address}/graphql",
        "REGION": "us-east-1",
        "MODE": mode,
        "API_KEY": app.graphql.apis()[0].api_keys[0].key,
        "TOKEN": token(app),
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "NODE_EXTRA_CA_CERTS": str(app.certificate.ensure()),
    }


@needs_node
@pytest.mark.parametrize(
    ("script", "mode", "scheme"),
    [
        ("amplify.mjs", "apiKey", "https"),
        ("amplify.mjs", "userPool", "https"),
        ("amplify.mjs", "iam", "https"),
        ("apollo.mjs", "apiKey", "http"),
        ("apollo.mjs", "userPool", "https"),
    ],
)
async def test_a_javascript_client(app: App, script: str, mode: str, scheme: str) -> None:
    standing = listening(app)
    async with driver(script, surroundings(app, mode, scheme)) as client:
        heard = asyncio.ensure_future(client.line())
        stands = asyncio.ensure_future(standing.wait())
        await asyncio.wait({heard, stands}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        stands.cancel()
        await client.go()
        said = json.loads(await heard)
    assert (said["version"], said["answer"]) == (None, "OK")
    assert said["story"].startswith(STORY)


LISTEN = gql("subscription Listen($storyId: ID) { onToken(storyId: $storyId) { storyId index text last } }")
TELL = 'mutation Tell($storyId: ID) { tellStory(prompt: "a moon", storyId: $storyId) }'


def url(app: App) -> str:
    return f"{app.base_url}/graphql"


async def post(app: App, headers: Mapping[str, str], body: bytes) -> object:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return (await client.post(url(app), content=body, headers=dict(headers))).json()


def signed(app: App, body: bytes) -> Mapping[str, str]:
    (access_key, secret), *_ = KEYS.items()
    request = AWSRequest("POST", url(app), headers={"content-type": "application/json"}, data=body)
    SigV4Auth(Credentials(access_key, secret), "appsync", "us-east-1").add_auth(request)
    return dict(request.headers.items())


@pytest.mark.parametrize("mode", ["iam", "userPool"])
async def test_gql_and_a_signed_request(app: App, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (access_key, secret), *_ = KEYS.items()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    host = httpx.URL(app.base_url).netloc.decode()
    auth = (
        AppSyncIAMAuthentication(host, region_name="us-east-1")
        if mode == "iam"
        else AppSyncJWTAuthentication(host, token(app))
    )
    standing = listening(app)
    trusting = ssl.create_default_context(cafile=str(app.certificate.ensure()))
    address = url(app).replace("http://", "wss://")
    transport = AppSyncWebsocketsTransport(address, auth=auth, ssl=trusting)
    texts: list[str] = []

    async def listen() -> None:
        async with Client(transport=transport) as session:
            async for heard in session.subscribe(GraphQLRequest(LISTEN, variable_values={"storyId": mode})):
                texts.append(heard["onToken"]["text"])
                if heard["onToken"]["last"]:
                    return

    listener = asyncio.ensure_future(listen())
    stands = asyncio.ensure_future(standing.wait())
    await asyncio.wait({listener, stands}, return_when=asyncio.FIRST_COMPLETED)
    body = json.dumps({"query": TELL, "variables": {"storyId": mode}}).encode()
    assert await post(app, signed(app, body), body) == {"data": {"tellStory": "OK"}}
    await asyncio.wait_for(listener, 20)
    assert "".join(texts).startswith(STORY)


@needs_node
async def test_what_a_javascript_client_reads_when_it_is_kept_out(app: App) -> None:
    for script, expected in (("amplify.mjs", "UnauthorizedException"), ("apollo.mjs", "UnauthorizedException")):
        environment = {**surroundings(app, "apiKey", "https"), "API_KEY": "da2-nobody"}
        async with driver(script, environment) as client:
            with pytest.raises(AssertionError, match=expected):
                await client.line()


async def publish(app: App, index: int) -> None:
    token = f'storyId: "s", index: {index}, text: "t", last: false'
    query = f"mutation {{ publishToken({token}) {{ storyId index text last }} }}"
    headers = {"x-api-key": app.graphql.apis()[0].api_keys[0].key}
    answer = await post(app, headers, json.dumps({"query": query}).encode())
    assert isinstance(answer, dict)
    assert "errors" not in answer


@needs_node
async def test_amplify_comes_back_after_a_restart_and_misses_only_what_it_was_away_for(tmp_path: Path) -> None:
    heard: list[int] = []
    async with contextlib.AsyncExitStack() as stack:
        project = story_example(tmp_path)
        async with served(settings(project), project) as app:
            standing = listening(app)
            client = await stack.enter_async_context(driver("following.mjs", surroundings(app, "apiKey", "https")))
            await asyncio.wait_for(standing.wait(), 20)
            for index in (1, 2, 3):
                await publish(app, index)
            heard += [int(await client.line()) for _ in range(3)]
            port = int(app.base_url.rpartition(":")[2])
        async with served(settings(project, port), project) as app:
            standing = listening(app)
            await publish(app, 4)
            await asyncio.wait_for(standing.wait(), 20)
            for index in (5, 6, 7):
                await publish(app, index)
            heard += [int(await client.line()) for _ in range(3)]
            await stack.aclose()
    assert heard == [1, 2, 3, 5, 6, 7]
