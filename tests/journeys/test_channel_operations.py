"""Event APIs made, changed and removed with boto3; a script's API works at once, survives a restart, and goes."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from anyio import to_thread
from botocore.exceptions import ClientError

from callpark.app import App
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.compat

PROJECT = Path(__file__).parent / "apps" / "chat-channels"
KEYED = {"authType": "API_KEY"}
CONFIG = {
    "authProviders": [KEYED],
    "connectionAuthModes": [KEYED],
    "defaultPublishAuthModes": [KEYED],
    "defaultSubscribeAuthModes": [KEYED],
}
POLITE = "export const onPublish = (ctx) => ctx.events.filter((each) => each.payload !== 'rude')"


class Client:
    """boto3's calls, away from the loop that serves them."""

    def __init__(self, app: App) -> None:
        keys = {"aws_access_key_id": "callpark", "aws_secret_access_key": "callpark"}
        self._client: Any = boto3.client("appsync", endpoint_url=app.base_url, region_name="us-east-1", **keys)

    async def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        answer = await to_thread.run_sync(lambda: getattr(self._client, operation)(**parameters))
        answer.pop("ResponseMetadata")
        return dict(answer)

    async def refused(self, operation: str, **parameters: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            await self.call(operation, **parameters)
        return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with served(Settings(data=tmp_path, port=0)) as app:
        yield app


async def publish(app: App, api_id: str, key: str, channel: str, *events: object) -> httpx.Response:
    body = {"channel": channel, "events": [json.dumps(event) for event in events]}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return await client.post(f"{app.base_url}/apis/{api_id}/event", json=body, headers={"x-api-key": key})


async def test_a_script_makes_an_api_and_uses_it(app: App, tmp_path: Path) -> None:
    client = Client(app)
    api = (await client.call("create_api", name="chat", eventConfig=CONFIG, tags={"team": "a"}))["api"]
    api_id = api["apiId"]
    netloc = app.base_url.removeprefix("http://")
    assert {name: api[name] for name in api if name not in ("apiId", "created")} == {
        "name": "chat",
        "eventConfig": CONFIG,
        "apiArn": f"arn:aws:appsync:us-east-1:123456789012:apis/{api_id}",
        "dns": {"HTTP": netloc, "REALTIME": netloc},
        "tags": {"team": "a"},
        "xrayEnabled": False,
    }
    assert await client.call("get_api", apiId=api_id) == {"api": api}
    assert await client.call("list_apis") == {"apis": [api]}
    key = (await client.call("create_api_key", apiId=api_id))["apiKey"]["id"]
    made = await client.call("create_channel_namespace", apiId=api_id, name="ns", codeHandlers=POLITE)
    namespace = made["channelNamespace"]
    assert namespace["channelNamespaceArn"] == f"{api['apiArn']}/channelNamespace/ns"
    assert (namespace["name"], namespace["codeHandlers"], namespace["apiId"]) == ("ns", POLITE, api_id)
    assert (await publish(app, api_id, key, "/ns/a", "hi")).status_code == 200
    assert (await publish(app, api_id, "da2-other", "/ns/a", "hi")).status_code == 401

    kept = await client.call("list_channel_namespaces", apiId=api_id)
    await client.call("update_api", apiId=api_id, name="renamed", eventConfig=CONFIG)
    arn = api["apiArn"]
    await client.call("tag_resource", resourceArn=arn, tags={"x": "y"})
    await client.call("untag_resource", resourceArn=arn, tagKeys=["team"])
    assert await client.call("list_tags_for_resource", resourceArn=arn) == {"tags": {"x": "y"}}
    assert kept == {"channelNamespaces": [namespace]}
    assert [each["id"] for each in (await client.call("list_api_keys", apiId=api_id))["apiKeys"]] == [key]


async def test_what_was_made_survives_a_restart_and_can_be_deleted(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, port=0)
    async with served(settings) as app:
        client = Client(app)
        api_id = (await client.call("create_api", name="chat", eventConfig=CONFIG))["api"]["apiId"]
        key = (await client.call("create_api_key", apiId=api_id))["apiKey"]["id"]
        await client.call("create_data_source", apiId=api_id, name="none", type="NONE")
        await client.call("create_channel_namespace", apiId=api_id, name="ns", codeHandlers=POLITE)
        before = await client.call("get_api", apiId=api_id)
    async with served(settings) as app:
        client = Client(app)
        after = await client.call("get_api", apiId=api_id)
        assert after["api"]["created"] == before["api"]["created"]
        assert (await publish(app, api_id, key, "/ns/a", "hi")).status_code == 200
        await client.call("delete_channel_namespace", apiId=api_id, name="ns")
        assert (await publish(app, api_id, key, "/ns/a", "hi")).status_code == 400
        await client.call("delete_api", apiId=api_id)
        assert (await publish(app, api_id, key, "/ns/a", "hi")).status_code == 404
        assert await client.call("list_apis") == {"apis": []}
    async with served(settings) as app:
        assert await Client(app).call("list_apis") == {"apis": []}


async def test_namespaces_data_sources_and_keys(app: App) -> None:
    client = Client(app)
    api_id = (await client.call("create_api", name="chat", eventConfig=CONFIG))["api"]["apiId"]
    about = {"apiId": api_id}
    await client.call("create_data_source", **about, name="none", type="NONE")
    configs = {"onPublish": {"behavior": "CODE", "integration": {"dataSourceName": "none"}}}
    code = "export const onPublish = { request: (ctx) => ({ payload: 1 }), response: (ctx) => ctx.events }"
    made = await client.call("create_channel_namespace", **about, name="a", codeHandlers=code, handlerConfigs=configs)
    assert made["channelNamespace"]["handlerConfigs"] == configs
    updated = await client.call("update_channel_namespace", **about, name="a", publishAuthModes=[KEYED])
    assert "codeHandlers" not in updated["channelNamespace"]
    assert updated["channelNamespace"]["created"] == made["channelNamespace"]["created"]
    await client.call("update_channel_namespace", **about, name="a", codeHandlers=code, handlerConfigs=configs)
    assert await client.refused("delete_data_source", **about, name="none") == (
        "BadRequestException",
        "Data source none is in use by namespace a.",
    )
    assert (await client.call("get_data_source", **about, name="none"))["dataSource"]["type"] == "NONE"
    assert len((await client.call("list_data_sources", **about))["dataSources"]) == 1
    await client.call("delete_channel_namespace", **about, name="a")
    await client.call("update_data_source", **about, name="none", type="NONE")
    await client.call("delete_data_source", **about, name="none")
    key = (await client.call("create_api_key", **about, description="mine"))["apiKey"]["id"]
    await client.call("update_api_key", **about, id=key, description="yours")
    assert (await client.call("list_api_keys", **about))["apiKeys"][0]["description"] == "yours"
    await client.call("delete_api_key", **about, id=key)
    assert await client.call("list_api_keys", **about) == {"apiKeys": []}


async def test_refusals(app: App) -> None:
    client = Client(app)
    about = {"apiId": (await client.call("create_api", name="chat", eventConfig=CONFIG))["api"]["apiId"]}
    await client.call("create_channel_namespace", **about, name="ns")
    for operation, parameters, code in (
        ("get_api", {"apiId": "nobody"}, "NotFoundException"),
        ("get_channel_namespace", {**about, "name": "x"}, "NotFoundException"),
        ("delete_channel_namespace", {**about, "name": "x"}, "NotFoundException"),
        ("update_channel_namespace", {**about, "name": "x"}, "NotFoundException"),
        ("create_channel_namespace", {**about, "name": "ns"}, "ConflictException"),
        ("create_channel_namespace", {**about, "name": "x", "codeHandlers": "while(1){}"}, "BadRequestException"),
        ("get_data_source", {**about, "name": "x"}, "NotFoundException"),
        ("update_data_source", {**about, "name": "x", "type": "NONE"}, "NotFoundException"),
        ("update_api_key", {**about, "id": "x"}, "NotFoundException"),
        ("create_api", {"name": "x", "eventConfig": {**CONFIG, "authProviders": []}}, "BadRequestException"),
        (
            "create_api",
            {"name": "x", "eventConfig": {**CONFIG, "connectionAuthModes": [{"authType": "AWS_IAM"}]}},
            "BadRequestException",
        ),
        (
            "create_api",
            {"name": "x", "eventConfig": {**CONFIG, "authProviders": [{"authType": "AMAZON_COGNITO_USER_POOLS"}]}},
            "BadRequestException",
        ),
    ):
        assert (await client.refused(operation, **parameters))[0] == code, operation
    assert len((await client.call("list_apis"))["apis"]) == 1
    assert len((await client.call("list_channel_namespaces", **about))["channelNamespaces"]) == 1


async def test_a_projects_api_is_shown_and_can_be_changed_until_it_is_loaded_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(Settings(data=tmp_path, port=0), PROJECT) as app:
        client = Client(app)
        (api,) = (await client.call("list_apis"))["apis"]
        pool = {"userPoolId": "us-east-1_Chat", "awsRegion": "us-east-1"}
        cognito = {"authType": "AMAZON_COGNITO_USER_POOLS", "cognitoConfig": pool}
        assert api["eventConfig"]["authProviders"] == [KEYED, {"authType": "AWS_IAM"}, cognito]
        shown = (await client.call("list_channel_namespaces", apiId=api["apiId"]))["channelNamespaces"]
        direct = {"behavior": "DIRECT", "integration": {"dataSourceName": "guard"}}
        direct["integration"] = {"dataSourceName": "guard", "lambdaConfig": {"invokeType": "EVENT"}}
        assert [each["name"] for each in shown] == ["default", "guarded", "observed", "polite"]
        assert shown[2]["handlerConfigs"] == {"onPublish": direct}
        assert shown[3]["codeHandlers"].startswith("import { util }")
        with caplog.at_level(logging.WARNING):
            await client.call("create_channel_namespace", apiId=api["apiId"], name="more")
        assert "lasts until the project is loaded again" in caplog.text
        key = str(app.health().event_apis[0].api_key)
        assert (await publish(app, api["apiId"], key, "/more/a", 1)).status_code == 200
        assert (await publish(app, api["apiId"], key, "/default/a", 1)).status_code == 200
        await app.deployment.reload()
        assert (await publish(app, api["apiId"], key, "/more/a", 1)).status_code == 400
        assert (await publish(app, api["apiId"], key, "/polite/a", {"text": 1})).status_code == 200


async def test_graphql_apis_have_their_own_operations_still(app: App) -> None:
    client = Client(app)
    made = await client.call("create_graphql_api", name="graph", authenticationType="API_KEY")
    api_id = made["graphqlApi"]["apiId"]
    assert (await client.call("create_api_key", apiId=api_id))["apiKey"]["id"].startswith("da2-")
    assert await client.call("list_apis") == {"apis": []}
    assert (await client.refused("get_api", apiId=api_id))[0] == "NotFoundException"
    assert await client.call("list_tags_for_resource", resourceArn=made["graphqlApi"]["arn"]) == {"tags": {}}
