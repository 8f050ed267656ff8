"""Event-invoke configurations and reserved concurrency as the gateway calls them (lambda.md §7, §8); all recorded."""

import pytest

from callpark.kernel.errors import CallerError
from tests.functions.scene import PLACE, Scene, zipped

pytestmark = pytest.mark.sim

ARN = PLACE.arn("lambda", "function:f")
NONE_THERE = f"The function {ARN}:$LATEST doesn't have an EventInvokeConfig"
CODE = zipped({"app.py": "x"})


@pytest.fixture(autouse=True)
async def functions(scene: Scene) -> None:
    await scene.create("f", lambda run: None)
    await scene.create("g", lambda run: None)


async def refused(scene: Scene, operation: str, **parameters: object) -> tuple[str, int, object]:
    with pytest.raises(CallerError) as refusal:
        await scene.call(operation, **parameters)
    return refusal.value.code, refusal.value.status, refusal.value.message


async def test_put_answers_with_what_is_set(scene: Scene) -> None:
    put = await scene.call("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=0)
    assert put == {
        "LastModified": scene.clock.now(),
        "FunctionArn": f"{ARN}:$LATEST",
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
    }
    assert await scene.call("GetFunctionEventInvokeConfig", FunctionName="f:$LATEST") == put
    assert await scene.call("GetFunctionEventInvokeConfig", FunctionName=ARN, Qualifier="$LATEST") == put


async def test_put_replaces_and_update_merges(scene: Scene) -> None:
    target = PLACE.arn("lambda", "function:g")
    destinations = {"OnFailure": {"Destination": target}}
    await scene.call(
        "PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=1, DestinationConfig=destinations
    )
    merged = await scene.call("UpdateFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=60)
    assert merged["MaximumRetryAttempts"] == 1
    assert merged["MaximumEventAgeInSeconds"] == 60
    assert merged["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": target}}
    replaced = await scene.call("PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig={"OnSuccess": {}})
    assert set(replaced) == {"LastModified", "FunctionArn", "DestinationConfig"}
    assert replaced["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}


async def test_list_and_delete(scene: Scene) -> None:
    assert await scene.call("ListFunctionEventInvokeConfigs", FunctionName="f") == {"FunctionEventInvokeConfigs": []}
    put = await scene.call("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=2)
    assert await scene.call("ListFunctionEventInvokeConfigs", FunctionName="f") == {"FunctionEventInvokeConfigs": [put]}
    assert await scene.call("DeleteFunctionEventInvokeConfig", FunctionName="f") == {}
    for operation in ("GetFunctionEventInvokeConfig", "DeleteFunctionEventInvokeConfig"):
        assert await refused(scene, operation, FunctionName="f") == ("ResourceNotFoundException", 404, NONE_THERE)


@pytest.mark.parametrize(
    ("operation", "parameters", "refusal"),
    [
        (
            "PutFunctionEventInvokeConfig",
            {"FunctionName": "unknown"},
            (
                "InvalidParameterValueException",
                400,
                "You must specify at least one of error handling or destination setting.",
            ),
        ),
        (
            "PutFunctionEventInvokeConfig",
            {"FunctionName": "unknown", "MaximumRetryAttempts": 1},
            ("ResourceNotFoundException", 404, "The function doesn't exist."),
        ),
        (
            "PutFunctionEventInvokeConfig",
            {"FunctionName": "f", "Qualifier": "alias", "MaximumRetryAttempts": 1},
            ("ResourceNotFoundException", 404, "The function doesn't exist."),
        ),
        (
            "UpdateFunctionEventInvokeConfig",
            {"FunctionName": "unknown", "MaximumRetryAttempts": 1},
            ("ResourceNotFoundException", 404, "The function doesn't exist."),
        ),
        (
            "ListFunctionEventInvokeConfigs",
            {"FunctionName": "unknown"},
            ("ResourceNotFoundException", 404, "The function doesn't exist."),
        ),
        (
            "UpdateFunctionEventInvokeConfig",
            {"FunctionName": "f", "MaximumRetryAttempts": 1},
            ("ResourceNotFoundException", 404, NONE_THERE),
        ),
        (
            "GetFunctionEventInvokeConfig",
            {"FunctionName": "f", "Qualifier": "7"},
            ("ResourceNotFoundException", 404, NONE_THERE.replace("$LATEST", "7")),
        ),
        (
            "PutFunctionEventInvokeConfig",
            {"FunctionName": "f:1", "Qualifier": "2", "MaximumRetryAttempts": 1},
            (
                "InvalidParameterValueException",
                400,
                "The derived qualifier from the function name does not match the specified qualifier.",
            ),
        ),
    ],
)
async def test_refusals(
    scene: Scene, operation: str, parameters: dict[str, object], refusal: tuple[str, int, str]
) -> None:
    assert await refused(scene, operation, **parameters) == refusal


@pytest.mark.parametrize(
    ("kind", "target", "code", "text"),
    [
        (
            "OnFailure",
            ARN,
            "InvalidParameterValueException",
            "You can't specify the function as a destination for itself.",
        ),
        (
            "OnFailure",
            PLACE.arn("lambda", "function:x"),
            "InvalidParameterValueException",
            f"The destination ARN {PLACE.arn('lambda', 'function:x')} is invalid.",
        ),
        (
            "OnSuccess",
            "arn:aws:iam::123456789012:role/r",
            "InvalidParameterValueException",
            "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination="
            "arn:aws:iam::123456789012:role/r), onFailure=null) is invalid.",
        ),
        (
            "OnFailure",
            "rubbish",
            "ValidationException",
            "1 validation error detected: Value 'rubbish' at 'destinationConfig.onFailure.destination' failed to "
            "satisfy constraint: Member must satisfy regular expression pattern: $|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|"
            "arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:"
            "(\\d{12})?:(.*)",
        ),
    ],
)
async def test_destinations_that_are_refused(scene: Scene, kind: str, target: str, code: str, text: str) -> None:
    config = {kind: {"Destination": target}}
    found = await refused(scene, "PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig=config)
    assert found == (code, 400, text)


async def test_a_destination_that_is_not_delivered_is_warned_about(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    target = "arn:aws:sns:us-east-1:123456789012:t"
    config = {"OnFailure": {"Destination": target}}
    put = await scene.call("PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig=config)
    assert put["DestinationConfig"] == {"OnSuccess": {}, **config}
    assert [record.getMessage() for record in caplog.records] == [
        f"function f: OnFailure is kept, but nobody serves sns here: no upstreams are connected; "
        f"what is meant for {target} is named in the trace"
    ]


async def test_reserved_concurrency(scene: Scene) -> None:
    assert await scene.call("GetFunctionConcurrency", FunctionName="f") == {}
    put = await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
    assert put == {"ReservedConcurrentExecutions": 0}
    assert await scene.call("GetFunctionConcurrency", FunctionName="f") == put
    assert await scene.call("DeleteFunctionConcurrency", FunctionName="f") == {}
    assert await scene.call("GetFunctionConcurrency", FunctionName="f") == {}


async def test_reservations_must_leave_something_over(scene: Scene) -> None:
    await scene.call("PutFunctionConcurrency", FunctionName="g", ReservedConcurrentExecutions=400)
    await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=500)
    with pytest.raises(CallerError) as refusal:
        await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=501)
    assert refusal.value.code == "InvalidParameterValueException"
    assert refusal.value.body == {
        "message": "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    }
    settings = await scene.call("GetAccountSettings")
    assert settings["AccountLimit"] == {
        "TotalCodeSize": 80_530_636_800,
        "CodeSizeUnzipped": 262_144_000,
        "CodeSizeZipped": 52_428_800,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 100,
    }


async def test_concurrency_belongs_to_functions_only(scene: Scene) -> None:
    _, status, text = await refused(scene, "PutFunctionConcurrency", FunctionName="f:1", ReservedConcurrentExecutions=1)
    assert status == 400
    assert str(text).startswith("This operation is permitted on Lambda functions only. Aliases and versions do not")
