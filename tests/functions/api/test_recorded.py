"""Answers as recorded from the service, whole and on the wire: status, headers, bodies, order of their keys."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Protocol

import httpx
import pytest

from callpark.functions.api.operations import operations
from callpark.gateway.app import Gateway
from callpark.kernel.clock import sleep
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import Limits
from tests.functions.api.conftest import NEW, ZIP
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.scene import PLACE, Scene

pytestmark = pytest.mark.sim

ARN = PLACE.arn("lambda", "function:f")
FUNCTIONS = "/2015-03-31/functions"
INVOKE = f"{FUNCTIONS}/f/invocations"
CONFIG = "/2019-09-25/functions/f/event-invoke-config"
ABSENT = ("x-amz-executed-version", "x-amz-function-error", "x-amz-log-result")


class Wire(Protocol):
    async def __call__(
        self, method: str, path: str, body: bytes | dict[str, object] = b"", **headers: str
    ) -> httpx.Response: ...


@pytest.fixture
async def wire(scene: Scene) -> AsyncIterator[Wire]:
    """Requests to the gateway; underscores in names of headers are hyphens."""
    gateway = Gateway(
        operations=operations(scene.functions),
        mounts=[],
        ids=SeededIds(3),
        limits=Limits().gateway,
        place=PLACE,
        health=dict,
    )
    credential = "AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/lambda/aws4_request"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=gateway), base_url="http://c", headers={"authorization": credential}
    ) as client:

        async def send(method: str, path: str, body: bytes | dict[str, object] = b"", **headers: str) -> httpx.Response:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await scene.clock.run_until(client.request(method, path, content=content, headers=named))

        yield send


def fails(run: Run) -> object:
    raise HandlerError("intentional failure")


# Invoke, §2.3


async def test_request_response(scene: Scene, wire: Wire) -> None:
    await scene.declare("f", lambda run: None)
    answer = await wire("POST", INVOKE)
    assert (answer.status_code, answer.content) == (200, b"null")
    assert answer.headers["x-amz-executed-version"] == "$LATEST"
    assert "x-amz-function-error" not in answer.headers
    assert [len(part) for part in answer.headers["x-amzn-requestid"].split("-")] == [8, 4, 4, 4, 12]


async def test_a_function_error(scene: Scene, wire: Wire) -> None:
    await scene.declare("f", fails)
    answer = await wire("POST", INVOKE, b"{}")
    assert answer.status_code == 200
    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.headers["x-amz-executed-version"] == "$LATEST"


@pytest.mark.parametrize(("kind", "status"), [("Event", 202), ("DryRun", 204)])
async def test_what_says_nothing_but_its_status(scene: Scene, wire: Wire, kind: str, status: int) -> None:
    await scene.declare("f", lambda run: run.request_id)
    answer = await wire("POST", INVOKE, b"{}", x_amz_invocation_type=kind, x_amz_log_type="Tail")
    assert (answer.status_code, answer.content) == (status, b"")
    assert not [name for name in ABSENT if name in answer.headers]
    if kind == "Event":  # the request id is the invocation's
        await scene.clock.run_until(scene.functions.wait_for_event(answer.headers["x-amzn-requestid"]))


async def test_an_absent_body_is_an_empty_object(scene: Scene, wire: Wire) -> None:
    """§2.2: the record of an Event call without a payload has `"requestPayload":{}`."""
    received: list[object] = []
    await scene.declare("f", lambda run: received.append(run.event))
    answer = await wire("POST", INVOKE, x_amz_invocation_type="Event")
    await scene.clock.run_until(scene.functions.wait_for_event(answer.headers["x-amzn-requestid"]))
    assert received == [{}]


async def test_the_root_of_a_trace_is_kept(scene: Scene, wire: Wire) -> None:
    await scene.declare("f", lambda run: run.attempt.trace_header)
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    answer = await wire("POST", INVOKE, x_amzn_trace_id=header)
    assert answer.json().startswith("Root=1-5759e988-bd862e3fe1be46a994272793;")


async def test_the_legacy_operation(scene: Scene, wire: Wire) -> None:
    """§2.7: the modelled output `Status` is the HTTP status."""
    await scene.declare("f", lambda run: None)
    answer = await wire("POST", "/2014-11-13/functions/f/invoke-async", b"{}")
    assert answer.status_code == 202


# Refusals, §2.5 and §2.6: SDKs show the keys of the body as they are


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "keys"),
    [
        ("POST", f"{FUNCTIONS}/g/invocations", b"{}", 404, "ResourceNotFoundException", {"Type", "Message"}),
        ("POST", INVOKE, b"{oops", 400, "InvalidRequestContentException", {"Type", "message"}),
        ("POST", f"{INVOKE}?Qualifier=!", b"{}", 400, "ValidationException", {"message"}),
        ("POST", f"{FUNCTIONS}/f:1/invocations?Qualifier=2", b"{}", 400, "InvalidParameterValueException",
         {"Type", "message"}),
        ("POST", INVOKE, b'"' + b"x" * 6_291_456 + b'"', 413, "RequestEntityTooLargeException", {"message"}),
        ("POST", FUNCTIONS, {**NEW, "FunctionName": "h", "Code": {"ZipFile": "YQ=="}}, 400,
         "InvalidParameterValueException", {"Type", "message"}),
        ("POST", FUNCTIONS, {**NEW, "Code": {"ZipFile": "YQ=="}}, 409, "ResourceConflictException",
         {"Type", "message"}),
        ("PUT", "/2017-10-31/functions/f/concurrency", {"ReservedConcurrentExecutions": 901}, 400,
         "InvalidParameterValueException", {"message"}),
        ("GET", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=live", b"", 404,
         "ProvisionedConcurrencyConfigNotFoundException", {"Type", "message"}),
        ("PUT", "/2024-08-31/functions/f/recursion-config", {"RecursiveLoop": "Maybe"}, 400, "ValidationException",
         {"message"}),
    ],
)  # fmt: skip
async def test_the_envelopes(
    scene: Scene,
    wire: Wire,
    method: str,
    path: str,
    body: bytes | dict[str, object],
    status: int,
    code: str,
    keys: set[str],
) -> None:
    await scene.declare("f", lambda run: None)
    await scene.call("PublishVersion", FunctionName="f")
    await scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    answer = await wire(method, path, body)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (status, code)
    assert set(answer.json()) == keys
    assert answer.json().get("Type", "User") == "User"


async def test_a_throttled_call(scene: Scene, wire: Wire) -> None:
    await scene.declare("f", lambda run: None, reserved=0)
    answer = await wire("POST", INVOKE, b"{}")
    assert answer.status_code == 429
    assert answer.content == (
        b'{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}'
    )
    assert answer.headers["retry-after"].isdigit()


async def test_a_bad_recursion_setting(scene: Scene, wire: Wire) -> None:
    """§9"""
    await scene.declare("f", lambda run: None)
    answer = await wire("PUT", "/2024-08-31/functions/f/recursion-config", {"RecursiveLoop": "Maybe"})
    assert "at 'recursiveLoop'" in answer.json()["message"]
    assert answer.json()["message"].endswith("enum value set: [Terminate, Allow]")


# The control plane, §3, §7, §8


async def test_statuses_and_bodies_of_the_event_invoke_configuration(scene: Scene, wire: Wire) -> None:
    await scene.declare("f", lambda run: None)
    await scene.clock.advance(0.123)
    put = await wire("PUT", CONFIG, {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60})
    assert put.status_code == 200
    assert json.loads(put.content) == {
        "LastModified": scene.clock.now(),  # an epoch number
        "FunctionArn": f"{ARN}:$LATEST",
        "MaximumRetryAttempts": 0,
        "MaximumEventAgeInSeconds": 60,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
    }
    assert (await wire("GET", CONFIG)).json() == put.json()
    assert (await wire("POST", CONFIG, {"MaximumRetryAttempts": 1})).status_code == 200
    listed = await wire("GET", f"{CONFIG}/list")
    assert (listed.status_code, list(listed.json())) == (200, ["FunctionEventInvokeConfigs"])
    gone = await wire("DELETE", CONFIG)
    assert (gone.status_code, gone.content) == (204, b"")
    again = await wire("GET", CONFIG)
    assert again.json()["Message"] == f"The function {ARN}:$LATEST doesn't have an EventInvokeConfig"


async def test_a_region_that_is_not_this_one(scene: Scene, wire: Wire) -> None:
    """§7: also for event-invoke configurations."""
    path = CONFIG.replace("/f/", "/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Af/")
    answer = await wire("GET", path)
    assert answer.status_code == 404
    assert answer.json()["Message"] == "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"


async def test_statuses_and_bodies_of_reserved_concurrency(scene: Scene, wire: Wire) -> None:
    await scene.declare("f", lambda run: None)
    read, write = "/2019-09-30/functions/f/concurrency", "/2017-10-31/functions/f/concurrency"
    assert (await wire("GET", read)).content == b"{}"
    put = await wire("PUT", write, {"ReservedConcurrentExecutions": 0})
    assert (put.status_code, put.content) == (200, b'{"ReservedConcurrentExecutions":0}')
    assert (await wire("GET", read)).content == put.content
    assert (await wire("GET", f"{FUNCTIONS}/f")).json()["Concurrency"] == put.json()
    gone = await wire("DELETE", write)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await wire("GET", read)).content == b"{}"


async def test_statuses_of_creation_and_of_provisioned_concurrency(scene: Scene, wire: Wire) -> None:
    await scene.declare("g", lambda run: None)
    zipped = {"ZipFile": base64.b64encode(ZIP).decode()}
    created = await wire("POST", FUNCTIONS, {**NEW, "Code": zipped, "Publish": True})
    assert created.status_code == 201
    path = "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1"
    put = await wire("PUT", path, {"ProvisionedConcurrentExecutions": 5})
    assert put.status_code == 202
    asked = {key: value for key, value in put.json().items() if key != "LastModified"}
    assert asked == {
        "RequestedProvisionedConcurrentExecutions": 5,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
    }
    await scene.clock.run_until(scene.functions.provisioning.settled())
    ready = (await wire("GET", path)).json()
    assert (ready["Status"], ready["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 5)


@pytest.mark.parametrize(
    ("runtime", "accepted"),
    [
        *((f"python3.{minor}", True) for minor in range(8, 15)),
        *((f"nodejs{major}.x", True) for major in (16, 18, 20, 22, 24)),
        *((name, True) for name in ("java8.al2", "java11", "java17", "java21", "java25", "dotnet6", "dotnet8")),
        *((name, True) for name in ("dotnet10", "ruby3.2", "ruby3.3", "ruby3.4", "provided.al2", "provided.al2023")),
        ("python2.7", False),
        ("nodejs12.x", False),
    ],
)
async def test_names_of_runtimes(scene: Scene, wire: Wire, runtime: str, accepted: bool) -> None:
    """§3, January 2026."""
    zipped = {"ZipFile": base64.b64encode(ZIP).decode()}
    answer = await wire("POST", FUNCTIONS, {**NEW, "Code": zipped, "Runtime": runtime})
    if accepted:
        assert answer.status_code == 201
    else:
        text = (
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions."
        )
        assert (answer.status_code, answer.json()["message"].startswith(text)) == (400, True)


# What becomes of events, §4


async def test_behind_reserved_concurrency_1(scene: Scene, wire: Wire) -> None:
    """§4.4: the first runs, the second waits, a synchronous call gets 429; with 3 all of them run."""

    async def handler(run: Run) -> object:
        await sleep(scene.clock, 60)
        return None

    await scene.create("f", handler)
    await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=1)
    for _ in range(2):
        assert (await wire("POST", INVOKE, b"{}", x_amz_invocation_type="Event")).status_code == 202
    await scene.clock.advance(5)
    assert scene.environments.times(scene.start) == [0.0]
    assert (await wire("POST", INVOKE, b"{}")).status_code == 429
    await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=3)
    assert (await wire("POST", INVOKE, b"{}")).status_code == 200
    assert len([at for at in scene.environments.times(scene.start) if at <= 25]) == 3


async def test_events_that_wait_run_with_the_new_configuration(scene: Scene) -> None:
    """§4.5: one old, fourteen new."""
    ran: list[str] = []

    async def handler(run: Run) -> object:
        ran.append(run.deployment.configuration.environment["WORD"])
        await sleep(scene.clock, 5)
        return None

    await scene.create("f", handler)
    await scene.call("UpdateFunctionConfiguration", FunctionName="f", Environment={"Variables": {"WORD": "old"}})
    await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=1)
    sent = [await scene.send("f", number) for number in range(15)]
    await scene.clock.advance(1)
    await scene.call("UpdateFunctionConfiguration", FunctionName="f", Environment={"Variables": {"WORD": "new"}})
    for request_id in sent:
        await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    assert ran == ["old", *["new"] * 14]


async def test_all_attempts_have_the_id_of_the_acknowledgement(scene: Scene, wire: Wire) -> None:
    """§4.6"""
    await scene.declare("f", fails)
    answer = await wire("POST", INVOKE, b"{}", x_amz_invocation_type="Event")
    request_id = answer.headers["x-amzn-requestid"]
    await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    assert [run.request_id for run in scene.environments.runs] == [request_id] * 3
    assert scene.environments.times(scene.start) == [0.0, 60.0, 180.0]
