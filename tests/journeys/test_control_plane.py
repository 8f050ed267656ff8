"""Versions, aliases, provisioned concurrency, layers, URLs: unmodified clients and real handlers."""

import asyncio
import io
import json
import shutil
import time
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from callpark.app import App
from callpark.serving import served
from callpark.settings import Settings
from tests.journeys.archives import zipped
from tests.journeys.test_aws_cli import aws

pytestmark = pytest.mark.compat

ROLE = "arn:aws:iam::123456789012:role/any"
HANDLER = """
import json, os
try:
    import shared
    WORD = shared.WORD
except ImportError:
    WORD = None
TYPE = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]

def handler(event, context):
    if event.get("loop"):
        import boto3
        client = boto3.client("lambda")
        answer = client.invoke(FunctionName=context.function_name, Payload=b'{"loop": true}')
        return json.loads(answer["Payload"].read())
    return {"version": context.function_version, "arn": context.invoked_function_arn, "word": WORD, "type": TYPE,
            "path": event.get("rawPath"), "text": %r}
"""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with served(Settings(data=tmp_path / "data", port=0)) as app:
        yield app


def lambda_client(app: App) -> Any:  # boto3's clients are made at run time and have no types
    return boto3.client(
        "lambda",
        endpoint_url=app.base_url,
        region_name="us-east-1",
        aws_access_key_id="callpark",
        aws_secret_access_key="callpark",
    )


def create(lambda_: Any, text: str = "one", **more: object) -> Any:
    created = lambda_.create_function(
        FunctionName="Echo",
        Runtime="python3.11",
        Role=ROLE,
        Handler="app.handler",
        Timeout=50,
        Code={"ZipFile": zipped(app=HANDLER % text)},
        **more,
    )
    lambda_.get_waiter("function_active_v2").wait(FunctionName="Echo")
    return created


def answer(lambda_: Any, **given: object) -> tuple[dict[str, Any], str]:
    got = lambda_.invoke(**{"FunctionName": "Echo", "Payload": b"{}", **given})
    return json.loads(got["Payload"].read()), got.get("ExecutedVersion", "")


async def using(app: App, use: Callable[[Any], None]) -> None:
    await asyncio.to_thread(use, lambda_client(app))


async def test_a_deployment_with_versions_and_an_alias(app: App) -> None:
    def use(lambda_: Any) -> None:
        created = create(lambda_, Publish=True)
        assert created["Version"] == "1"
        lambda_.get_waiter("published_version_active").wait(FunctionName="Echo", Qualifier="1")
        lambda_.create_alias(FunctionName="Echo", Name="live", FunctionVersion="1")
        lambda_.update_function_code(FunctionName="Echo", ZipFile=zipped(app=HANDLER % "two"))
        lambda_.get_waiter("function_updated_v2").wait(FunctionName="Echo")
        second = lambda_.publish_version(FunctionName="Echo", Description="second")
        assert (second["Version"], second["Description"]) == ("2", "second")
        said, executed = answer(lambda_, Qualifier="live")
        assert (said["text"], said["version"], executed) == ("one", "1", "1")
        assert said["arn"].endswith(":function:Echo:live")
        assert answer(lambda_)[0]["text"] == "two"
        lambda_.update_alias(FunctionName="Echo", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
        assert answer(lambda_, Qualifier="live")[1] == "2"
        lambda_.update_alias(FunctionName="Echo", Name="live", FunctionVersion="2", RoutingConfig={})
        pages = lambda_.get_paginator("list_versions_by_function").paginate(
            FunctionName="Echo", PaginationConfig={"PageSize": 1}
        )
        assert [version["Version"] for page in pages for version in page["Versions"]] == ["$LATEST", "1", "2"]
        lambda_.delete_function(FunctionName="Echo", Qualifier="1")
        with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
            lambda_.get_function(FunctionName="Echo", Qualifier="1")
        with pytest.raises(lambda_.exceptions.ResourceConflictException):
            lambda_.delete_function(FunctionName="Echo", Qualifier="2")

    await using(app, use)


async def test_provisioned_environments_are_initialised_as_such(app: App) -> None:
    def use(lambda_: Any) -> None:
        create(lambda_, Publish=True)
        target = {"FunctionName": "Echo", "Qualifier": "1"}
        asked = lambda_.put_provisioned_concurrency_config(**target, ProvisionedConcurrentExecutions=2)
        assert asked["Status"] == "IN_PROGRESS"
        deadline = time.monotonic() + 20
        while lambda_.get_provisioned_concurrency_config(**target)["Status"] == "IN_PROGRESS":
            assert time.monotonic() < deadline
        ready = lambda_.get_provisioned_concurrency_config(**target)
        assert (ready["Status"], ready["AvailableProvisionedConcurrentExecutions"]) == ("READY", 2)
        assert answer(lambda_, Qualifier="1")[0]["type"] == "provisioned-concurrency"
        assert answer(lambda_)[0]["type"] == "on-demand"
        lambda_.delete_provisioned_concurrency_config(**target)
        with pytest.raises(lambda_.exceptions.ProvisionedConcurrencyConfigNotFoundException):
            lambda_.get_provisioned_concurrency_config(**target)

    await using(app, use)


async def test_handlers_import_from_layers(app: App) -> None:
    def use(lambda_: Any) -> None:
        arns = []
        for word in ("low", "high"):
            package = zipped(**{"python/shared": f"WORD = {word!r}", f"python/only_{word}": ""})
            published = lambda_.publish_layer_version(LayerName=word, Content={"ZipFile": package})
            arns.append(published["LayerVersionArn"])
            assert httpx.get(published["Content"]["Location"]).content == package
        create(lambda_, Layers=arns)
        assert answer(lambda_)[0]["word"] == "high"
        lambda_.update_function_configuration(FunctionName="Echo", Layers=arns[:1])
        assert answer(lambda_)[0]["word"] == "low"
        lambda_.update_function_configuration(FunctionName="Echo", Layers=[])
        assert answer(lambda_)[0]["word"] is None

    await using(app, use)


async def test_a_function_url_answers_any_http_client(app: App) -> None:
    addresses: list[str] = []

    def use(lambda_: Any) -> None:
        create(lambda_, Publish=True)
        lambda_.create_alias(FunctionName="Echo", Name="live", FunctionVersion="1")
        made = lambda_.create_function_url_config(FunctionName="Echo", Qualifier="live", AuthType="NONE")
        addresses.append(made["FunctionUrl"])

    await using(app, use)
    async with httpx.AsyncClient(timeout=30) as client:
        said = (await client.get(f"{addresses[0]}some/path?q=1")).json()
    assert (said["path"], said["version"]) == ("/some/path", "1")


async def test_a_function_that_calls_itself_is_stopped(app: App) -> None:
    def use(lambda_: Any) -> None:
        create(lambda_)
        said, _ = answer(lambda_, Payload=b'{"loop": true}')
        assert said["errorType"] == "RecursiveInvocationException"

    await using(app, use)


async def test_a_stream_through_boto3(app: App) -> None:
    def use(lambda_: Any) -> None:
        create(lambda_)
        got = lambda_.invoke_with_response_stream(FunctionName="Echo", Payload=b"{}", LogType="Tail")
        events = list(got["EventStream"])
        assert (
            json.loads(b"".join(e["PayloadChunk"]["Payload"] for e in events if "PayloadChunk" in e))["text"] == "one"
        )
        assert "LogResult" in events[-1]["InvokeComplete"]
        assert got["ExecutedVersion"] == "$LATEST"
        with pytest.raises(ClientError) as refusal:
            lambda_.invoke_with_response_stream(FunctionName="Nobody")
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404

    await using(app, use)


async def test_the_aws_cli_publishes_and_permits(app: App, tmp_path: Path) -> None:
    await using(app, lambda lambda_: create(lambda_) and None)
    code, out, err = await aws(app, "publish-version", "--function-name", "Echo", "--description", "from the CLI")
    assert (code, json.loads(out)["Version"]) == (0, "1"), err
    code, out, err = await aws(
        app, "create-alias", "--function-name", "Echo", "--name", "live", "--function-version", "1"
    )
    assert code == 0, err
    code, out, err = await aws(
        app, "add-permission", "--function-name", "Echo", "--qualifier", "live", "--statement-id", "s",
        "--action", "lambda:InvokeFunction", "--principal", "connect.amazonaws.com",
    )  # fmt: skip
    assert code == 0, err
    code, out, err = await aws(app, "get-policy", "--function-name", "Echo", "--qualifier", "live")
    assert json.loads(json.loads(out)["Policy"])["Statement"][0]["Sid"] == "s", err
    code, out, err = await aws(
        app, "invoke", "--function-name", "Echo:live", "--payload", "{}", str(tmp_path / "answer.json")
    )
    assert json.loads(out)["ExecutedVersion"] == "1", err


async def test_a_restart_keeps_all_of_it(tmp_path: Path) -> None:
    def build(lambda_: Any) -> None:
        layer = lambda_.publish_layer_version(
            LayerName="l", Content={"ZipFile": zipped(**{"python/shared": "WORD = 1"})}
        )
        create(lambda_, Publish=True, Layers=[layer["LayerVersionArn"]])
        lambda_.create_alias(FunctionName="Echo", Name="live", FunctionVersion="1")
        lambda_.put_provisioned_concurrency_config(
            FunctionName="Echo", Qualifier="live", ProvisionedConcurrentExecutions=1
        )
        lambda_.update_function_code(FunctionName="Echo", ZipFile=zipped(app=HANDLER % "two"))

    def look(lambda_: Any) -> None:
        said, executed = answer(lambda_, Qualifier="live")
        assert (said["text"], said["word"], executed) == ("one", 1, "1")
        assert answer(lambda_)[0]["text"] == "two"
        provisioned = lambda_.get_provisioned_concurrency_config(FunctionName="Echo", Qualifier="live")
        assert provisioned["RequestedProvisionedConcurrentExecutions"] == 1

    for use in (build, look):
        async with served(Settings(data=tmp_path / "data", port=0)) as app:
            await using(app, use)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js on PATH")
async def test_a_function_url_streams_what_node_writes(app: App) -> None:
    """The second half is written only when the client has seen the first."""
    addresses: list[str] = []
    source = """
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
            stream = awslambda.HttpResponseStream.from(stream, {
                statusCode: 201, headers: { "Content-Type": "text/event-stream", "X-Path": event.rawPath } });
            stream.write("first\\n");
            await (await fetch(event.queryStringParameters.wait)).text();
            stream.write("second\\n");
            stream.end();
        });
    """
    seen = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await seen.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    def use(lambda_: Any) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("app.mjs", source)
        lambda_.create_function(
            FunctionName="Echo", Runtime="nodejs22.x", Role=ROLE, Handler="app.handler", Timeout=10,
            Code={"ZipFile": buffer.getvalue()},
        )  # fmt: skip
        made = lambda_.create_function_url_config(FunctionName="Echo", AuthType="NONE", InvokeMode="RESPONSE_STREAM")
        addresses.append(made["FunctionUrl"])

    await using(app, use)
    async with await asyncio.start_server(wait, "127.0.0.1", 0) as waiting, httpx.AsyncClient(timeout=20) as client:
        port = waiting.sockets[0].getsockname()[1]
        parameters = {"wait": f"http://127.0.0.1:{port}/"}
        async with client.stream("GET", f"{addresses[0]}a", params=parameters) as answered:
            assert (answered.status_code, answered.headers["x-path"]) == (201, "/a")
            assert answered.headers["content-type"] == "text/event-stream"
            lines = answered.aiter_lines()
            assert await anext(lines) == "first"
            seen.set()
            assert await anext(lines) == "second"
