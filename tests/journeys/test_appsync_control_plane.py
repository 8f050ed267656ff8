"""AppSync's control plane through unmodified clients: boto3, the AWS CLI, and a team's own resolver test, which knows
nothing of callpark but AWS_ENDPOINT_URL."""

import asyncio
import json
import os
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from callpark.app import App
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.compat

RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
CODE = """
export function request(ctx) { return { payload: `hello ${ctx.args.name}` } }
export function response(ctx) { return ctx.result }
"""


def client(url: str) -> Any:  # boto3's clients are made at run time and have no types
    return boto3.client(
        "appsync",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="callpark",
        aws_secret_access_key="callpark",
    )


def make(url: str) -> tuple[str, str]:
    """An API, piece by piece; its id and a key."""
    appsync = client(url)
    api = appsync.create_graphql_api(name="Made", authenticationType="API_KEY", tags={"stage": "test"})["graphqlApi"]
    api_id = api["apiId"]
    appsync.start_schema_creation(apiId=api_id, definition=b"type Query { hello(name: String): String }")
    assert appsync.get_schema_creation_status(apiId=api_id)["status"] == "SUCCESS"
    appsync.create_data_source(apiId=api_id, name="none", type="NONE")
    made = {"apiId": api_id, "typeName": "Query", "fieldName": "hello", "dataSourceName": "none", "runtime": RUNTIME}
    with pytest.raises(appsync.exceptions.BadRequestException) as broken:
        appsync.create_resolver(**made, code="export function request() { class A {} }")
    assert broken.value.response["reason"] == "CODE_ERROR"
    assert broken.value.response["detail"]["codeErrors"][0]["location"]["line"] == 1
    appsync.create_resolver(**made, code=CODE)
    sdl = appsync.get_introspection_schema(apiId=api_id, format="SDL")["schema"].read()
    assert b"hello(name: String): String" in sdl
    appsync.tag_resource(resourceArn=api["arn"], tags={"more": "yes"})
    assert appsync.list_tags_for_resource(resourceArn=api["arn"])["tags"] == {"stage": "test", "more": "yes"}
    pages = appsync.get_paginator("list_data_sources").paginate(apiId=api_id)
    assert [source["name"] for page in pages for source in page["dataSources"]] == ["none"]
    for unserved in (appsync.list_domain_names, lambda: appsync.list_source_api_associations(apiId=api_id)):
        with pytest.raises(ClientError, match=r"callpark does not implement List\w+ of the service appsync"):
            unserved()
    return api_id, appsync.create_api_key(apiId=api_id)["apiKey"]["id"]


async def test_an_api_made_with_boto3_answers_and_is_there_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", port=0)

    async def hello(app: App, api_id: str, key: str) -> Any:
        url = (await asyncio.to_thread(client(app.base_url).get_graphql_api, apiId=api_id))["graphqlApi"]["uris"]
        async with httpx.AsyncClient(timeout=30) as http:
            answer = await http.post(
                url["GRAPHQL"], json={"query": '{ hello(name: "you") }'}, headers={"x-api-key": key}
            )
        return answer.json()

    async with served(settings) as app:
        api_id, key = await asyncio.to_thread(make, app.base_url)
        assert await hello(app, api_id, key) == {"data": {"hello": "hello you"}}
    async with served(settings) as app:
        assert await hello(app, api_id, key) == {"data": {"hello": "hello you"}}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with served(Settings(data=tmp_path / "data", port=0)) as app:
        yield app


async def run(app: App, *arguments: str, folder: Path) -> tuple[int, str]:
    """Exit code and everything printed, of a Python command that has only AWS_ENDPOINT_URL to go by."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": app.base_url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "callpark",
            "AWS_SECRET_ACCESS_KEY": "callpark",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_PAGER": "",
        },
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


TEAMS_TEST = """
import json
from pathlib import Path

import boto3

appsync = boto3.client("appsync")
CODE = Path(__file__).with_name("resolver.js").read_text()


def evaluate(function, context):
    answer = appsync.evaluate_code(
        runtime={"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"},
        code=CODE,
        context=json.dumps(context),
        function=function,
    )
    assert "error" not in answer, answer["error"]
    return json.loads(answer["evaluationResult"])


def test_the_request_updates_the_item():
    request = evaluate("request", {"arguments": {"id": "7", "title": "New"}, "identity": {"username": "ada"}})
    assert request["operation"] == "UpdateItem"
    assert request["key"] == {"id": {"S": "7"}}
    assert set(request["update"]["expressionNames"].values()) == {"title", "by"}


def test_the_response_hands_on_the_item():
    assert evaluate("response", {"result": {"id": "7"}}) == {"id": "7"}


def test_errors_are_errors():
    answer = appsync.evaluate_code(
        runtime={"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"},
        code=CODE,
        context=json.dumps({"error": {"message": "it failed", "type": "DynamoDB"}}),
        function="response",
    )
    assert answer["error"]["message"] == "it failed"


def test_the_template_renders():
    answer = appsync.evaluate_mapping_template(
        template='{"version": "2018-05-29", "key": $util.dynamodb.toDynamoDBJson($ctx.args.id)}',
        context=json.dumps({"arguments": {"id": "7"}}),
    )
    assert json.loads(answer["evaluationResult"]) == {"version": "2018-05-29", "key": {"S": "7"}}
"""
TEAMS_RESOLVER = """
import { util } from '@aws-appsync/utils';
import { update } from '@aws-appsync/utils/dynamodb';

export function request(ctx) {
  const { id, title } = ctx.args;
  console.log(id);
  return update({ key: { id }, update: { title, by: ctx.identity.username } });
}

export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
  return ctx.result;
}
"""


async def test_a_teams_resolver_test_passes_offline(app: App, tmp_path: Path) -> None:
    (tmp_path / "resolver.js").write_text(textwrap.dedent(TEAMS_RESOLVER))
    (tmp_path / "test_resolver.py").write_text(TEAMS_TEST)
    code, printed = await run(app, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_resolver.py", folder=tmp_path)
    assert code == 0, printed
    assert "4 passed" in printed


async def test_the_aws_cli_evaluates_files(app: App, tmp_path: Path) -> None:
    (tmp_path / "resolver.js").write_text(textwrap.dedent(TEAMS_RESOLVER))
    (tmp_path / "context.json").write_text('{"arguments": {"id": "7", "title": "x"}, "identity": {"username": "ada"}}')
    (tmp_path / "template.vtl").write_text('{"id": "$ctx.args.id"}')
    code, printed = await run(
        app,
        *("-m", "awscli", "appsync", "evaluate-code", "--code", "file://resolver.js"),
        *("--context", "file://context.json", "--function", "request"),
        *("--runtime", "name=APPSYNC_JS,runtimeVersion=1.0.0"),
        folder=tmp_path,
    )
    assert code == 0, printed
    answer = json.loads(printed)
    assert json.loads(answer["evaluationResult"])["key"] == {"id": {"S": "7"}}
    assert answer["logs"] == ['INFO - code.js:7:3: "7"']
    code, printed = await run(
        app,
        *("-m", "awscli", "appsync", "evaluate-mapping-template", "--template", "file://template.vtl"),
        *("--context", "file://context.json", "--query", "evaluationResult", "--output", "text"),
        folder=tmp_path,
    )
    assert (code, printed) == (0, '{"id": "7"}\n')
