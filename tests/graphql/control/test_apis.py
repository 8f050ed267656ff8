"""GraphQL APIs of the control plane: settings, ways in, tags, variables, keys, caches, and what survives a restart."""

import asyncio
import logging
import re

import pytest

from callpark.graphql.model import (
    ApiDefinition,
    ApiKey,
    AuthenticationProvider,
    CacheDefinition,
    CodeDefinition,
    DataSourceDefinition,
    LambdaAuthorizerConfig,
    LogDefinition,
    OpenIdConnectConfig,
    ResolverDefinition,
    TableConfig,
    UserPoolConfig,
)
from callpark.graphql.refusals import refusal
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits, Limits
from callpark.store.memory import MemoryStore
from tests.graphql.control.conftest import Refused
from tests.graphql.control.scene import Scene, resolver

pytestmark = pytest.mark.unit

DAY = 86_400
POOL = {"userPoolId": "us-east-1_abc", "awsRegion": "us-east-1", "defaultAction": "DENY"}


async def test_an_api_as_created_and_shown(scene: Scene) -> None:
    created = (await scene.call("CreateGraphqlApi", name="Notes", authenticationType="API_KEY", tags={"a": "b"}))[
        "graphqlApi"
    ]
    assert re.fullmatch("[0-9a-z]{26}", created["apiId"])
    url = f"http://127.0.0.1:4566/apis/{created['apiId']}/graphql"
    assert created == {
        "name": "Notes",
        "authenticationType": "API_KEY",
        "apiId": created["apiId"],
        "arn": f"arn:aws:appsync:us-east-1:123456789012:apis/{created['apiId']}",
        "uris": {"GRAPHQL": url, "REALTIME": url.replace("http:", "ws:") + "/realtime"},
        "dns": {"GRAPHQL": "127.0.0.1:4566", "REALTIME": "127.0.0.1:4566"},
        "tags": {"a": "b"},
        "owner": "123456789012",
        "apiType": "GRAPHQL",
        "visibility": "GLOBAL",
        "xrayEnabled": False,
        "introspectionConfig": "ENABLED",
        "queryDepthLimit": 0,
        "resolverCountLimit": 0,
    }
    assert await scene.call("GetGraphqlApi", apiId=created["apiId"]) == {"graphqlApi": created}
    assert [api.api_id for api in scene.service.apis()] == [created["apiId"]], "callers see it at once"


async def test_every_way_in_becomes_a_provider(scene: Scene) -> None:
    authorizer = {"authorizerUri": "arn:aws:lambda:us-east-1:123456789012:function:door"}
    path = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:x:1:function:door/invocations"
    further = [
        {"authenticationType": "AWS_IAM"},
        {"authenticationType": "OPENID_CONNECT", "openIDConnectConfig": {"issuer": "https://a", "iatTTL": 5}},
        {"authenticationType": "AWS_LAMBDA", "lambdaAuthorizerConfig": authorizer},
    ]
    await scene.with_api(
        authenticationType="AMAZON_COGNITO_USER_POOLS", userPoolConfig=POOL, additionalAuthenticationProviders=further
    )
    definition = scene.plane.api(scene.api_id).definition
    assert definition.authentication == (
        AuthenticationProvider("AMAZON_COGNITO_USER_POOLS", UserPoolConfig("us-east-1_abc", "us-east-1", "DENY")),
        AuthenticationProvider("AWS_IAM"),
        AuthenticationProvider("OPENID_CONNECT", OpenIdConnectConfig("https://a", iat_ttl=5)),
        AuthenticationProvider("AWS_LAMBDA", LambdaAuthorizerConfig(authorizer["authorizerUri"])),
    )
    await scene.call(
        "UpdateGraphqlApi",
        name="Notes",
        authenticationType="AWS_LAMBDA",
        lambdaAuthorizerConfig={"authorizerUri": path, "authorizerResultTtlInSeconds": 9},
        logConfig={"fieldLogLevel": "ERROR", "cloudWatchLogsRoleArn": "r", "excludeVerboseContent": True},
        introspectionConfig="DISABLED",
        queryDepthLimit=3,
    )
    definition = scene.plane.api(scene.api_id).definition
    assert definition.authentication == (
        AuthenticationProvider("AWS_LAMBDA", LambdaAuthorizerConfig("arn:aws:lambda:x:1:function:door", 9)),
    ), "an update says everything"
    assert definition.logs == LogDefinition("ERROR", verbose=False)
    assert (definition.introspection, definition.query_depth_limit) == (False, 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"authenticationType": "OPENID_CONNECT"}, "openIDConnectConfig is required when the authentication type is"),
        ({"apiType": "MERGED"}, "callpark does not support merged APIs"),
        (
            {"additionalAuthenticationProviders": [{"authenticationType": "API_KEY"}]},
            "The authentication type API_KEY can be configured once only.",
        ),
        (
            {
                "authenticationType": "AMAZON_COGNITO_USER_POOLS",
                "userPoolConfig": {**POOL, "appIdClientRegex": "("},
            },
            "appIdClientRegex: '(' is no regular expression",
        ),
    ],
)
async def test_settings_that_are_refused(
    scene: Scene, refused: Refused, given: dict[str, object], message: str
) -> None:
    code, said = await refused("CreateGraphqlApi", **{"name": "x", "authenticationType": "API_KEY", **given})
    assert (code, said.startswith(message)) == ("BadRequestException", True), said
    assert not scene.plane.apis()


async def test_what_changes_nothing_here_is_said_once(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    await scene.with_api(xrayEnabled=True, visibility="PRIVATE")
    await scene.call("UpdateGraphqlApi", name="Notes", authenticationType="API_KEY", xrayEnabled=True)
    told = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert told == [
        "GraphQL API Notes: visibility PRIVATE is kept and shown, but changes nothing here",
        "GraphQL API Notes: xrayEnabled is kept and shown, but changes nothing here",
    ]


async def test_quotas(clock: VirtualClock, ids: SeededIds) -> None:
    limits = Limits(appsync=AppSyncLimits(apis=1, api_keys=1, environment_variables=1))
    scene = await Scene(clock, ids, MemoryStore(clock), limits).with_api()
    await scene.call("CreateApiKey")
    for operation, given, code in (
        ("CreateGraphqlApi", {"name": "b", "authenticationType": "API_KEY"}, "ApiLimitExceededException"),
        ("CreateApiKey", {}, "ApiKeyLimitExceededException"),
        ("PutGraphqlApiEnvironmentVariables", {"environmentVariables": {"a": "", "b": ""}}, "BadRequestException"),
    ):
        with pytest.raises(CallerError) as refused_:
            await scene.call(operation, **given)
        assert refused_.value.code == code


async def test_lists_come_in_pages(scene: Scene, refused: Refused) -> None:
    for number in range(5):
        await scene.call("CreateGraphqlApi", name=f"api {number}", authenticationType="API_KEY")
    names, token = [], None
    for expected in (2, 2, 1):
        page = await scene.call("ListGraphqlApis", maxResults=2, **({} if token is None else {"nextToken": token}))
        assert len(page["graphqlApis"]) == expected
        names += [api["name"] for api in page["graphqlApis"]]
        token = page.get("nextToken")
    assert (sorted(names), token) == ([f"api {number}" for number in range(5)], None)
    assert await scene.call("ListGraphqlApis", apiType="MERGED") == {"graphqlApis": []}
    assert await refused("ListGraphqlApis", nextToken="???") == ("BadRequestException", "Invalid nextToken.")


async def test_an_api_that_is_not_there(refused: Refused) -> None:
    expected = ("NotFoundException", "GraphQL API gone not found.")
    for operation in ("GetGraphqlApi", "DeleteGraphqlApi", "ListApiKeys", "GetApiCache", "GetSchemaCreationStatus"):
        assert await refused(operation, apiId="gone") == expected


async def test_deleted_is_not_served(scene: Scene) -> None:
    await scene.with_hello()
    assert await scene.data('{ hello(name: "a") }') == {"hello": "hello a test"}
    await scene.call("DeleteGraphqlApi")
    with pytest.raises(CallerError) as gone:
        await scene.data("{ hello }")
    assert gone.value.body == refusal("NotFoundException", 404, f"GraphQL API {scene.api_id} not found.").body


async def test_a_running_request_ends_with_what_it_began_with(scene: Scene) -> None:
    await scene.with_hello()
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def slow(event: object) -> object:
        waiting.set()
        await go_on.wait()
        return event

    scene.functions.handlers["arn:aws:lambda:us-east-1:123456789012:function:slow"] = slow
    config = {"lambdaFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:slow"}
    await scene.call("CreateDataSource", name="slow", type="AWS_LAMBDA", lambdaConfig=config)
    code = "export const request = () => ({ operation: 'Invoke', payload: 1 });\nexport const response = () => 'old';"
    await scene.call("UpdateResolver", **resolver(dataSourceName="slow", code=code))
    running = asyncio.create_task(scene.data("{ hello }"))
    await waiting.wait()
    await scene.call("UpdateResolver", **resolver(code=code.replace("old", "new").replace("operation: 'Invoke',", "")))
    await scene.call("DeleteDataSource", name="slow")
    assert await scene.data("{ hello }") == {"hello": "new"}
    go_on.set()
    assert await running == {"hello": "old"}


async def test_tags(scene: Scene) -> None:
    await scene.with_api(tags={"a": "1", "b": "2"})
    arn = scene.plane.arn(scene.api_id)
    await scene.call("TagResource", resourceArn=arn, tags={"b": "3", "c": "4"})
    await scene.call("UntagResource", resourceArn=arn, tagKeys=["a", "z"])
    assert await scene.call("ListTagsForResource", resourceArn=arn) == {"tags": {"b": "3", "c": "4"}}


async def test_environment_variables_reach_resolvers(scene: Scene) -> None:
    await scene.with_hello()
    await scene.data("{ hello }")
    await scene.call("PutGraphqlApiEnvironmentVariables", environmentVariables={"STAGE": "live"})
    assert await scene.call("GetGraphqlApiEnvironmentVariables") == {"environmentVariables": {"STAGE": "live"}}
    assert await scene.data('{ hello(name: "a") }') == {"hello": "hello a live"}


async def test_keys_end_on_the_hour_and_within_a_year(scene: Scene, refused: Refused) -> None:
    await scene.with_api()
    now = scene.clock.now() // 3600 * 3600
    first = (await scene.call("CreateApiKey", description="mine"))["apiKey"]
    assert re.fullmatch("da2-[0-9a-z]{26}", first["id"])
    assert (first["expires"], first["deletes"]) == (now + 7 * DAY, now + 67 * DAY)
    assert [key.key for key in scene.service.apis()[0].api_keys] == [first["id"]], "callers may use it at once"
    changed = await scene.call("UpdateApiKey", id=first["id"], expires=int(now + 30 * DAY + 1_800))
    assert changed["apiKey"] == {**first, "expires": now + 30 * DAY, "deletes": now + 90 * DAY}
    for days, bound in ((0, "minimum of 1 days"), (366, "maximum of 365 days")):
        code, message = await refused("CreateApiKey", expires=int(now + days * DAY))
        assert (code, message) == ("ApiKeyValidityOutOfBoundsException", f"API key must be valid for a {bound}.")
    await scene.call("CreateApiKey", expires=int(now + 365 * DAY))
    await scene.call("DeleteApiKey", id=first["id"])
    assert len((await scene.call("ListApiKeys"))["apiKeys"]) == 1
    assert await refused("DeleteApiKey", id=first["id"]) == ("NotFoundException", f"API key {first['id']} not found.")


async def test_a_cache_from_making_to_deleting(scene: Scene, refused: Refused) -> None:
    await scene.with_hello()
    missing = "the cache as it doesn't exist, please create the cache first."
    for operation, verb in (("GetApiCache", "get"), ("DeleteApiCache", "delete"), ("FlushApiCache", "flush")):
        assert await refused(operation) == ("NotFoundException", f"Unable to {verb} {missing}")
    given = {"ttl": 60, "apiCachingBehavior": "FULL_REQUEST_CACHING", "type": "SMALL"}
    assert (await refused("UpdateApiCache", **given))[0] == "NotFoundException"
    assert (await refused("CreateApiCache", **{**given, "ttl": 3601}))[0] == "BadRequestException"
    made = (await scene.call("CreateApiCache", **given))["apiCache"]
    assert made == {
        **given,
        "status": "AVAILABLE",
        "transitEncryptionEnabled": False,
        "atRestEncryptionEnabled": False,
    }
    assert await refused("CreateApiCache", **given) == (
        "BadRequestException",
        "The API has already enabled caching.",
    )
    await scene.data('{ hello(name: "a") }')
    await scene.call("FlushApiCache")
    assert scene.service.flush_cache(scene.api_id) == 0
    await scene.data('{ hello(name: "a") }')
    assert scene.service.flush_cache(scene.api_id) == 1, "the cache is one that works"
    await scene.call("UpdateApiCache", ttl=90, apiCachingBehavior="PER_RESOLVER_CACHING", type="LARGE")
    assert scene.service.apis()[0].cache == CacheDefinition("PER_RESOLVER_CACHING", 90)
    await scene.call("DeleteApiCache")
    assert scene.service.apis()[0].cache is None


async def test_everything_survives_a_restart(clock: VirtualClock, ids: SeededIds) -> None:
    before = await Scene(clock, ids, MemoryStore(clock)).with_hello()
    function = await before.call("CreateFunction", name="f", dataSourceName="none", requestMappingTemplate="{}")
    key = await before.call("CreateApiKey")
    await before.call("CreateApiCache", ttl=60, apiCachingBehavior="PER_RESOLVER_CACHING", type="SMALL")
    await before.call("TagResource", resourceArn=before.plane.arn(before.api_id), tags={"a": "b"})
    after = await before.restarted()
    assert after.plane.apis() == before.plane.apis()
    assert await after.data('{ hello(name: "a") }') == {"hello": "hello a test"}
    assert (await after.call("ListApiKeys"))["apiKeys"] == [key["apiKey"]]
    assert (await after.call("ListFunctions"))["functions"] == [function["functionConfiguration"]]


DECLARED = ApiDefinition(
    "declared",
    "Declared",
    (AuthenticationProvider("API_KEY"), AuthenticationProvider("AWS_IAM")),
    "type Query { hello: String }",
    data_sources=(DataSourceDefinition("t", "AMAZON_DYNAMODB", configuration=TableConfig("items")),),
    resolvers=(
        ResolverDefinition(
            "Query",
            "hello",
            "UNIT",
            "t",
            request_template=CodeDefinition('{"version": "2018-05-29"}'),
            response_template=CodeDefinition("1"),
        ),
    ),
    api_keys=(ApiKey("da2-k", 4e9),),
)


async def test_a_projects_api_is_shown_and_its_changes_last_until_the_next_load(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.with_hello()
    made = scene.api_id
    await scene.plane.apply([DECLARED])
    scene.api_id = "declared"
    shown = (await scene.call("GetGraphqlApi"))["graphqlApi"]
    assert shown["additionalAuthenticationProviders"] == [{"authenticationType": "AWS_IAM"}]
    assert (await scene.call("GetDataSource", name="t"))["dataSource"] == {
        "name": "t",
        "type": "AMAZON_DYNAMODB",
        "dynamodbConfig": {"tableName": "items", "awsRegion": "us-east-1", "versioned": False},
        "dataSourceArn": "arn:aws:appsync:us-east-1:123456789012:apis/declared/datasources/t",
    }
    assert (await scene.call("GetSchemaCreationStatus")) == {"status": "SUCCESS"}
    await scene.call("CreateDataSource", name="none", type="NONE")
    await scene.call(
        "UpdateResolver",
        **resolver(
            code="export const request = () => ({ payload: 'new' });\nexport const response = (ctx) => ctx.result;"
        ),
    )
    assert "belongs to the project" in caplog.text
    assert await scene.data("{ hello }") == {"hello": "new"}
    await scene.plane.apply([DECLARED])
    assert [api.api_id for api in scene.plane.apis()] == ["declared", made]
    assert scene.plane.api("declared").definition is DECLARED
    assert scene.service.api("declared") is DECLARED
    await scene.plane.apply([])
    assert [api.api_id for api in scene.service.apis()] == [made]
    scene.api_id = made
    assert await scene.data('{ hello(name: "a") }') == {"hello": "hello a test"}
