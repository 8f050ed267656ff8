"""Function URLs: their configuration, and requests to them over ASGI."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from callpark.functions.api.web import FunctionWeb
from callpark.kernel.ids import SeededIds
from tests.functions.api.conftest import NEW, ZIP, Refused
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.scene import PLACE, Scene

pytestmark = pytest.mark.sim

ARN = PLACE.arn("lambda", "function:f")


@pytest.fixture
async def web(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the mount alone."""
    transport = httpx.ASGITransport(app=FunctionWeb(scene.functions, scene.clock, SeededIds(2)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4566") as client:
        yield client


async def created(scene: Scene, **given: object) -> str:
    """The address of a new URL of function f."""
    await scene.call("CreateFunction", **NEW)
    made = await scene.call("CreateFunctionUrlConfig", **{"FunctionName": "f", "AuthType": "NONE", **given})
    return str(made["FunctionUrl"])


async def test_the_life_of_a_configuration(scene: Scene, refused: Refused) -> None:
    await scene.call("CreateFunction", **NEW)
    made = await scene.call("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE", Cors={"AllowOrigins": ["*"]})
    address = str(made["FunctionUrl"])
    assert address.startswith("http://127.0.0.1:4566/_urls/")
    assert made == {
        "FunctionUrl": address,
        "FunctionArn": ARN,
        "AuthType": "NONE",
        "CreationTime": "2026-01-01T00:00:00.000000Z",
        "InvokeMode": "BUFFERED",
        "Cors": {"AllowOrigins": ["*"]},
    }
    twice = await refused("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    assert twice.body["message"] == (
        f"Failed to create function url config for [functionArn = {ARN}]. "
        "Error message:  FunctionUrlConfig exists for this Lambda function"
    )
    updated = await scene.call("UpdateFunctionUrlConfig", FunctionName="f", InvokeMode="RESPONSE_STREAM")
    assert (updated["FunctionUrl"], updated["InvokeMode"], updated["AuthType"]) == (address, "RESPONSE_STREAM", "NONE")
    assert await scene.call("GetFunctionUrlConfig", FunctionName="f") == updated
    assert await scene.call("ListFunctionUrlConfigs", FunctionName="f") == {"FunctionUrlConfigs": [updated]}
    assert scene.functions.urls.addresses() == {"f": address}
    assert await scene.call("DeleteFunctionUrlConfig", FunctionName="f") == {}
    assert scene.functions.urls.addresses() == {}
    missing = await refused("GetFunctionUrlConfig", FunctionName="f")
    assert missing.body == {"Type": "User", "Message": "The resource you requested does not exist."}
    assert (await refused("DeleteFunctionUrlConfig", FunctionName="f")).status == 404


async def test_only_functions_and_aliases_have_urls(scene: Scene, refused: Refused) -> None:
    await scene.call("CreateFunction", **NEW, Publish=True)
    version = await refused("CreateFunctionUrlConfig", FunctionName="f", Qualifier="1", AuthType="NONE")
    assert version.code == "ValidationException"
    unknown = await refused("CreateFunctionUrlConfig", FunctionName="g", AuthType="NONE")
    assert (unknown.status, unknown.message) == (404, "Function does not exist")
    await scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    made = await scene.call("CreateFunctionUrlConfig", FunctionName="f", Qualifier="live", AuthType="NONE")
    assert made["FunctionArn"] == f"{ARN}:live"


async def test_a_request_becomes_an_invocation(scene: Scene, web: httpx.AsyncClient) -> None:
    def handler(run: Run) -> object:
        assert isinstance(run.event, dict)
        return {"statusCode": 201, "headers": {"x-path": run.event["rawPath"]}, "body": run.event["body"]}

    scene.environments.handlers["f"] = handler
    address = await created(scene)
    answer = await web.post(f"{address}a/b%20c?x=1", json={"k": 1})
    assert (answer.status_code, answer.headers["x-path"], answer.json()) == (201, "/a/b%20c", {"k": 1})
    event = scene.environments.runs[-1].event
    assert isinstance(event, dict)
    assert event["rawQueryString"] == "x=1"
    assert event["requestContext"]["requestId"] == scene.environments.runs[-1].request_id
    url_id = address.rstrip("/").rpartition("/")[2]
    hosted = await web.post("/deep", headers={"host": f"{url_id}.lambda-url.us-east-1.localhost:4566"}, json=[])
    assert hosted.headers["x-path"] == "/deep"


async def test_what_fails_is_a_bad_gateway(scene: Scene, web: httpx.AsyncClient) -> None:
    def fails(run: Run) -> object:
        raise HandlerError("no")

    scene.environments.handlers["f"] = fails
    address = await created(scene)
    answer = await web.get(address)
    assert (answer.status_code, answer.text) == (502, "Internal Server Error")
    await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
    throttled = await web.get(address)
    assert (throttled.status_code, throttled.json()) == (429, {"Message": "Rate Exceeded."})
    assert (await web.get("/_urls/nobody/")).status_code == 404
    too_large = await web.post(address, content=b"x" * 6_300_000)
    assert (too_large.status_code, too_large.headers["connection"]) == (413, "close")


async def test_cross_origin_and_signatures(scene: Scene, web: httpx.AsyncClient) -> None:
    scene.environments.handlers["f"] = lambda run: {"ok": True}
    address = await created(scene, AuthType="AWS_IAM", Cors={"AllowOrigins": ["*"], "AllowMethods": ["*"]})
    origin = {"origin": "https://a.example"}
    preflight = await web.options(address, headers={**origin, "access-control-request-method": "PUT"})
    assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (200, "*")
    assert scene.environments.runs == []
    refused = await web.get(address, headers=origin)
    assert (refused.status_code, refused.json()) == (403, {"Message": "Forbidden"})
    assert refused.headers["access-control-allow-origin"] == "*"
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/lambda/aws4_request, Signature=x"}
    answer = await web.get(address, headers={**origin, **signed})
    assert (answer.json(), answer.headers["access-control-allow-origin"]) == ({"ok": True}, "*")


async def test_a_streamed_answer_is_the_body(scene: Scene, web: httpx.AsyncClient) -> None:
    """A handler that does not stream gives its whole answer as one chunk; `statusCode` means nothing then."""
    scene.environments.handlers["f"] = lambda run: {"statusCode": 404}
    address = await created(scene, InvokeMode="RESPONSE_STREAM")
    answer = await web.get(address)
    assert (answer.status_code, answer.json()) == (200, {"statusCode": 404})

    def fails(run: Run) -> object:
        raise HandlerError("no")

    scene.environments.handlers["f"] = fails
    assert (await web.get(address)).status_code == 502


async def test_an_alias_url_runs_the_alias(scene: Scene, web: httpx.AsyncClient) -> None:
    scene.environments.handlers["f"] = lambda run: run.attempt.invoked_arn
    await scene.call("CreateFunction", **NEW, Publish=True)
    await scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    made = await scene.call("CreateFunctionUrlConfig", FunctionName="f:live", AuthType="NONE")
    assert (await web.get(str(made["FunctionUrl"]))).json() == f"{ARN}:live"


async def test_packages_can_be_downloaded(scene: Scene, web: httpx.AsyncClient) -> None:
    await scene.call("CreateFunction", **NEW)
    code = (await scene.call("GetFunction", FunctionName="f"))["Code"]
    assert isinstance(code, dict)
    answer = await web.get(code["Location"])
    assert (answer.content, answer.headers["content-type"]) == (ZIP, "application/zip")
    await scene.call("DeleteFunction", FunctionName="f")
    assert (await web.get(code["Location"])).status_code == 404
    assert json.loads((await web.get("/_code/nothing")).content) == {"Message": "no package has this digest"}
