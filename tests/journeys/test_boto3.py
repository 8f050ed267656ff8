"""An unmodified boto3 client: a function from a zip, every way to invoke it, typed exceptions on every failure."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from callpark.app import App
from callpark.serving import served
from callpark.settings import Settings
from callpark.upstreams.assignments import parse
from tests.journeys.archives import HANDLER, zipped

pytestmark = pytest.mark.compat

ROLE = "arn:aws:iam::123456789012:role/any"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with served(Settings(data=tmp_path, port=0)) as app:
        yield app


def client(app: App, name: str = "lambda") -> Any:  # boto3's clients are made at run time and have no types
    return boto3.client(
        name,
        endpoint_url=app.base_url,
        region_name="us-east-1",
        aws_access_key_id="callpark",
        aws_secret_access_key="callpark",
    )


def create(lambda_: Any, name: str = "Echo", timeout: int = 10, handler: str = "app.handler") -> Any:
    created = lambda_.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=ROLE,
        Handler=handler,
        Timeout=timeout,
        Code={"ZipFile": zipped(app=HANDLER)},
    )
    lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
    return created


async def test_request_response_with_its_log(app: App) -> None:
    def use() -> None:
        lambda_ = client(app)
        created = create(lambda_)
        assert created["FunctionArn"] == "arn:aws:lambda:us-east-1:123456789012:function:Echo"
        answer = lambda_.invoke(FunctionName="Echo", Payload=b'{"a": 1}', LogType="Tail")
        request_id = answer["ResponseMetadata"]["RequestId"]
        assert answer["StatusCode"] == 200
        assert answer["ExecutedVersion"] == "$LATEST"
        assert "FunctionError" not in answer
        assert json.loads(answer["Payload"].read()) == {"echo": {"a": 1}, "request_id": request_id}
        log = base64.b64decode(answer["LogResult"]).decode()
        assert log.startswith(f"START RequestId: {request_id} Version: $LATEST\n")
        assert 'asked for {"a": 1}\n' in log
        assert f"REPORT RequestId: {request_id}\tDuration:" in log

    await asyncio.to_thread(use)


async def test_an_event_is_accepted_runs_once_and_says_nothing_more(app: App) -> None:
    def use() -> str:
        lambda_ = client(app)
        create(lambda_)
        answer = lambda_.invoke(FunctionName="Echo", InvocationType="Event", Payload=b'{"b": 2}')
        assert answer["StatusCode"] == 202
        assert answer["Payload"].read() == b""
        assert "ExecutedVersion" not in answer
        return str(answer["ResponseMetadata"]["RequestId"])

    request_id = await asyncio.to_thread(use)
    result = await app.functions.wait_for_event(request_id)
    assert json.loads(result.payload or b"") == {"echo": {"b": 2}, "request_id": request_id}


async def test_a_dry_run_runs_nothing(app: App) -> None:
    def use() -> None:
        lambda_ = client(app)
        create(lambda_)
        assert lambda_.invoke(FunctionName="Echo", InvocationType="DryRun")["StatusCode"] == 204

    await asyncio.to_thread(use)


@pytest.mark.parametrize(
    ("what", "error_type", "message"),
    [
        ("fail", "ValueError", "this is intentional"),
        ("exit", "Runtime.ExitError", "RequestId: {id} Error: Runtime exited with error: exit status 1"),
        ("hang", "Sandbox.Timedout", "RequestId: {id} Error: Task timed out after 1.00 seconds"),
        (
            "large",
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        ),
    ],
)
async def test_what_a_handler_does_wrong_is_told_as_lambda_tells_it_and_the_next_call_works(
    app: App, what: str, error_type: str, message: str
) -> None:
    def use() -> None:
        lambda_ = client(app)
        create(lambda_, timeout=1)
        answer = lambda_.invoke(FunctionName="Echo", Payload=json.dumps({"do": what}))
        assert answer["StatusCode"] == 200
        assert answer["FunctionError"] == "Unhandled"
        error = json.loads(answer["Payload"].read())
        assert error["errorType"] == error_type
        assert error["errorMessage"] == message.format(id=answer["ResponseMetadata"]["RequestId"])
        assert "FunctionError" not in lambda_.invoke(FunctionName="Echo", Payload=b"{}")

    await asyncio.to_thread(use)


async def test_a_flood_of_log_lines_is_survived(app: App) -> None:
    def use() -> None:
        lambda_ = client(app)
        create(lambda_, timeout=30)
        answer = lambda_.invoke(FunctionName="Echo", Payload=b'{"do": "flood"}', LogType="Tail")
        assert json.loads(answer["Payload"].read()) == "flooded"
        assert len(base64.b64decode(answer["LogResult"])) <= 4096

    await asyncio.to_thread(use)


async def test_a_handler_that_does_not_load(app: App) -> None:
    def use() -> None:
        lambda_ = client(app)
        create(lambda_, handler="missing.handler")
        answer = lambda_.invoke(FunctionName="Echo")
        assert answer["FunctionError"] == "Unhandled"
        assert json.loads(answer["Payload"].read())["errorType"] == "Runtime.ImportModuleError"

    await asyncio.to_thread(use)


async def test_botocore_raises_its_typed_exceptions(app: App) -> None:
    def use() -> None:
        lambda_ = client(app)
        create(lambda_)
        errors = lambda_.exceptions
        unknown = "Function not found: arn:aws:lambda:us-east-1:123456789012:function:Nobody:$LATEST"
        with pytest.raises(errors.ResourceNotFoundException, match="Function not found") as caught:
            lambda_.invoke(FunctionName="Nobody")
        assert caught.value.response["Message"] == unknown
        with pytest.raises(errors.ResourceConflictException):
            create(lambda_)
        with pytest.raises(errors.InvalidRequestContentException, match="Could not parse request body into json"):
            lambda_.invoke(FunctionName="Echo", Payload=b"{nonsense")
        with pytest.raises(errors.InvalidParameterValueException, match="Could not unzip uploaded file"):
            lambda_.create_function(
                FunctionName="Broken", Runtime="python3.11", Role=ROLE, Handler="a.b", Code={"ZipFile": b"no zip"}
            )
        with pytest.raises(ClientError, match="1048577 byte payload is too large") as too_large:
            lambda_.invoke(FunctionName="Echo", InvocationType="Event", Payload=b'"' + b"x" * 1_048_575 + b'"')
        assert too_large.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
        lambda_.put_function_concurrency(FunctionName="Echo", ReservedConcurrentExecutions=0)
        with pytest.raises(errors.TooManyRequestsException) as throttled:
            boto3.client(
                "lambda",
                endpoint_url=app.base_url,
                region_name="us-east-1",
                aws_access_key_id="a",
                aws_secret_access_key="b",
                config=Config(retries={"total_max_attempts": 1}),
            ).invoke(FunctionName="Echo")
        assert throttled.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"

    await asyncio.to_thread(use)


async def test_a_service_that_nobody_serves_is_named(tmp_path: Path) -> None:
    def use(app: App) -> None:
        with pytest.raises(ClientError, match="does not implement the service dynamodb: leave out --upstream all=none"):
            client(app, "dynamodb").list_tables()

    settings = Settings(data=tmp_path, port=0, upstreams=parse(["all=none"], ()))
    async with served(settings) as app:
        await asyncio.to_thread(use, app)
