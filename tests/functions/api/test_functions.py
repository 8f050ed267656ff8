"""The control plane as the gateway calls it; bodies and refusals as recorded (lambda.md §3)."""

import base64
import hashlib
import logging
from pathlib import Path

import botocore.loaders
import botocore.model
import botocore.validate
import pytest

from callpark.functions.api.parameters import HOST_ARCHITECTURE
from callpark.functions.model import Invocation
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.store.memory import MemoryStore
from tests.functions.plain_environments import PlainEnvironments
from tests.functions.scene import PLACE, Scene, opened_on, zipped

pytestmark = pytest.mark.sim

ZIP = zipped({"app.py": "def handler(event, context): return event\n"})
ARN = PLACE.arn("lambda", "function:f")
NEW = {
    "FunctionName": "f",
    "Runtime": "python3.12",
    "Role": "arn:aws:iam::123456789012:role/r",
    "Handler": "app.handler",
    "Code": {"ZipFile": ZIP},
}
LIVE: dict[str, object] = {"FunctionName": "f", "Qualifier": "live"}
LAYER: dict[str, object] = {"LayerName": "l", "VersionNumber": 1}


@pytest.fixture(scope="module")
def service() -> botocore.model.ServiceModel:
    loader = botocore.loaders.Loader()
    return botocore.model.ServiceModel(loader.load_service_model("lambda", "service-2"), "lambda")


async def refused(scene: Scene, operation: str, **parameters: object) -> CallerError:
    with pytest.raises(CallerError) as refusal:
        await scene.call(operation, **parameters)
    return refusal.value


async def test_create_answers_as_recorded(scene: Scene) -> None:
    created = await scene.call("CreateFunction", **NEW)
    revision_id, last_modified = created.pop("RevisionId"), created.pop("LastModified")
    assert created == {
        "FunctionName": "f",
        "FunctionArn": ARN,
        "Runtime": "python3.12",
        "Role": "arn:aws:iam::123456789012:role/r",
        "Handler": "app.handler",
        "CodeSize": len(ZIP),
        "CodeSha256": base64.b64encode(hashlib.sha256(ZIP).digest()).decode(),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "RuntimeVersionConfig": created["RuntimeVersionConfig"],
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
    }
    assert len(str(revision_id)) == 36
    assert last_modified == "2026-01-01T00:00:00.000+0000"


async def test_the_next_look_finds_it_active(scene: Scene) -> None:
    await scene.call("CreateFunction", **NEW, Tags={"team": "x"}, Environment={"Variables": {"A": "1"}})
    await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
    found = await scene.call("GetFunction", FunctionName="f")
    configuration = found["Configuration"]
    assert isinstance(configuration, dict)
    assert (configuration["State"], configuration["LastUpdateStatus"]) == ("Active", "Successful")
    assert configuration["Environment"] == {"Variables": {"A": "1"}}
    assert found["Tags"] == {"team": "x"}
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 0}


async def test_arns_are_qualified_as_asked(scene: Scene) -> None:
    await scene.call("CreateFunction", **NEW)
    bare = await scene.call("GetFunctionConfiguration", FunctionName="f")
    qualified = await scene.call("GetFunctionConfiguration", FunctionName="f", Qualifier="$LATEST")
    assert (bare["FunctionArn"], qualified["FunctionArn"]) == (ARN, f"{ARN}:$LATEST")


async def test_updates_show_themselves_in_progress_once(scene: Scene) -> None:
    created = await scene.call("CreateFunction", **NEW, DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:1:q"})
    updated = await scene.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=30, DeadLetterConfig={})
    assert updated["Timeout"] == 30
    assert updated["LastUpdateStatus"] == "InProgress"
    assert updated["LastUpdateStatusReason"] == "The function is being created."
    assert updated["LastUpdateStatusReasonCode"] == "Creating"
    assert updated["DeadLetterConfig"] == {"TargetArn": "arn:aws:sqs:us-east-1:1:q"}
    assert updated["RevisionId"] != created["RevisionId"]
    now = await scene.call("GetFunctionConfiguration", FunctionName="f")
    assert "DeadLetterConfig" not in now
    assert (now["LastUpdateStatus"], now["Handler"]) == ("Successful", "app.handler")


async def test_new_code_runs_next(scene: Scene) -> None:
    scene.environments.handlers["f"] = lambda run: (run.deployment.code_root / "app.py").read_text()
    await scene.call("CreateFunction", **NEW)
    first = await scene.functions.invoke(Invocation("f", b"{}"))
    await scene.call("UpdateFunctionCode", FunctionName="f", ZipFile=zipped({"app.py": "second"}), DryRun=True)
    assert (await scene.functions.invoke(Invocation("f", b"{}"))).payload == first.payload
    await scene.call("UpdateFunctionCode", FunctionName="f", ZipFile=zipped({"app.py": "second"}))
    assert (await scene.functions.invoke(Invocation("f", b"{}"))).payload == b'"second"'
    assert scene.environments.retired == [f"{ARN}:$LATEST"]


async def test_a_wrong_revision_is_refused(scene: Scene) -> None:
    await scene.call("CreateFunction", **NEW)
    refusal = await refused(scene, "UpdateFunctionCode", FunctionName="f", ZipFile=ZIP, RevisionId="other")
    assert (refusal.code, refusal.status) == ("PreconditionFailedException", 412)


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"Code": {"ZipFile": b"rubbish"}}, "InvalidParameterValueException", "Could not unzip uploaded file. Please"),
        ({"Code": {}}, "InvalidParameterValueException", "Please provide a source for function code."),
        ({"Code": {"S3Bucket": "b"}}, "InvalidParameterValueException", "Please provide a source for function code."),
        ({"Code": {"S3Bucket": "b", "S3Key": "k"}}, "ServiceUnavailable", "nobody serves s3 here"),
        (
            {"Code": {"ZipFile": ZIP, "S3Bucket": "b", "S3Key": "k"}},
            "InvalidParameterValueException",
            "Please do not provide other FunctionCode parameters when providing a ZipFile.",
        ),
        ({"PackageType": "Image"}, "InvalidParameterValueException", "does not support PackageType Image"),
        ({"DurableConfig": {"ExecutionTimeout": 1}}, "InvalidParameterValueException", "not support DurableConfig"),
        ({"Handler": None}, "InvalidParameterValueException", "Runtime and Handler are mandatory parameters"),
        ({"Runtime": "python2.7"}, "InvalidParameterValueException", "The runtime parameter of python2.7 is no longer"),
        ({"Timeout": 901}, "ValidationException", "Value '901' at 'timeout' failed to satisfy constraint: Member must"),
        ({"MemorySize": 10_241}, "ValidationException", "have value less than or equal to 10240"),
        ({"FunctionName": "f" * 65}, "ValidationException", "have length less than or equal to 64"),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x"}}},
            "InvalidParameterValueException",
            "Reserved keys used in this request: AWS_REGION",
        ),
        ({"Environment": {"Variables": {"A": "x" * 4096}}}, "InvalidParameterValueException", "exceeded the 4KB limit"),
    ],
)
async def test_what_cannot_be_created(scene: Scene, changes: dict[str, object], code: str, text: str) -> None:
    given = {key: value for key, value in {**NEW, **changes}.items() if value is not None}
    refusal = await refused(scene, "CreateFunction", **given)
    assert refusal.code == code
    assert text in refusal.message
    assert await scene.call("ListFunctions") == {"Functions": []}


async def test_a_request_that_is_too_large_for_aws(scene: Scene) -> None:
    """(recorded)"""
    too_large = (
        (52_428_801, "Zipped size must be smaller than 52428800 bytes"),
        (52_625_500, "Request must be smaller than 70167211 bytes for the CreateFunction operation"),
    )
    for size, text in too_large:
        refusal = await refused(scene, "CreateFunction", **{**NEW, "Code": {"ZipFile": bytes(size)}})
        assert (refusal.code, refusal.status, refusal.message) == ("RequestEntityTooLargeException", 413, text)


async def test_the_same_name_twice(scene: Scene) -> None:
    await scene.call("CreateFunction", **NEW)
    refusal = await refused(scene, "CreateFunction", **NEW)
    assert (refusal.code, refusal.status) == ("ResourceConflictException", 409)
    assert refusal.body == {"Type": "User", "message": "Function already exist: f"}


@pytest.mark.parametrize(
    ("operation", "parameters", "arn"),
    [
        ("GetFunction", {}, ARN),
        ("GetFunction", {"Qualifier": "7"}, f"{ARN}:7"),
        ("GetFunctionConfiguration", {}, ARN),
        ("DeleteFunction", {}, ARN),
        ("UpdateFunctionCode", {"ZipFile": ZIP}, ARN),
        ("Invoke", {}, f"{ARN}:$LATEST"),
        ("Invoke", {"Qualifier": "$latest"}, f"{ARN}:$latest"),
        ("Invoke", {"InvocationType": "Event"}, f"{ARN}:$LATEST"),
        ("Invoke", {"InvocationType": "DryRun"}, f"{ARN}:$LATEST"),
        ("PutFunctionConcurrency", {"ReservedConcurrentExecutions": 1}, f"{ARN}:$LATEST"),
    ],
)
async def test_unknown_functions(scene: Scene, operation: str, parameters: dict[str, object], arn: str) -> None:
    refusal = await refused(scene, operation, FunctionName="f", **parameters)
    assert (refusal.code, refusal.status) == ("ResourceNotFoundException", 404)
    assert refusal.body == {"Type": "User", "Message": f"Function not found: {arn}"}


async def test_delete(scene: Scene) -> None:
    await scene.call("CreateFunction", **NEW)
    refusal = await refused(scene, "DeleteFunction", FunctionName="f", Qualifier="$LATEST")
    assert refusal.message == "$LATEST version cannot be deleted without deleting the function."
    assert await scene.call("DeleteFunction", FunctionName=ARN) == {"StatusCode": 204}
    assert (await refused(scene, "GetFunction", FunctionName="f")).status == 404


async def test_list_by_pages(scene: Scene) -> None:
    for name in ("c", "a", "b", "d", "e"):
        await scene.call("CreateFunction", **{**NEW, "FunctionName": name})
    pages, marker = [], None
    while True:
        given = {"MaxItems": 2} if marker is None else {"MaxItems": 2, "Marker": marker}
        answer = await scene.call("ListFunctions", **given)
        assert isinstance(answer["Functions"], list)
        pages.append([function["FunctionName"] for function in answer["Functions"]])
        if (marker := answer.get("NextMarker")) is None:
            break
    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    assert (await refused(scene, "ListFunctions", Marker="%%%")).message == "Invalid Marker"


async def test_what_is_kept_but_not_acted_on_is_named_once(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    layer = "arn:aws:lambda:us-east-1:210987654321:layer:foreign:3"
    other = "arm64" if HOST_ARCHITECTURE == "x86_64" else "x86_64"
    inert = {"TracingConfig": {"Mode": "Active"}, "Layers": [layer], "EphemeralStorage": {"Size": 512}}
    inert["Architectures"] = [other]
    created = await scene.call("CreateFunction", **NEW, **inert)
    assert created["TracingConfig"] == {"Mode": "Active"}
    assert created["Layers"] == [{"Arn": layer, "CodeSize": 0}]
    assert created["Architectures"] == [other]
    await scene.call("UpdateFunctionConfiguration", FunctionName="f", **inert)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [
        "function f: TracingConfig is kept and shown, but changes nothing here",
        f"function f is built for {other} and runs on {HOST_ARCHITECTURE}",
        f"function f runs without layers that are not on this machine: {layer}",
    ]


async def test_tags(scene: Scene) -> None:
    await scene.call("CreateFunction", **NEW, Tags={"a": "1", "b": "2"})
    await scene.call("TagResource", Resource=ARN, Tags={"b": "3", "c": "4"})
    await scene.call("UntagResource", Resource=ARN, TagKeys=["a"])
    assert await scene.call("ListTags", Resource=ARN) == {"Tags": {"b": "3", "c": "4"}}


async def test_everything_survives_a_restart(clock: VirtualClock, tmp_path: Path) -> None:
    store, environments = MemoryStore(clock), PlainEnvironments(clock)
    before = await opened_on(store, clock, tmp_path, environments)
    await before.call("CreateFunction", **NEW, Tags={"a": "1"})
    await before.call("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=1)
    await before.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=5)
    await before.call("CreateFunction", **{**NEW, "FunctionName": "gone"})
    await before.call("DeleteFunction", FunctionName="gone")
    seen = [
        await before.call(operation, FunctionName="f")
        for operation in ("GetFunction", "GetFunctionEventInvokeConfig", "GetFunctionConcurrency")
    ]
    await before.functions.close()
    after = await opened_on(store.crash(), clock, tmp_path / "elsewhere", environments)
    assert [
        await after.call(operation, FunctionName="f")
        for operation in ("GetFunction", "GetFunctionEventInvokeConfig", "GetFunctionConcurrency")
    ] == seen
    assert (await refused(after, "GetFunction", FunctionName="gone")).status == 404
    environments.handlers["f"] = lambda run: (run.deployment.code_root / "app.py").read_text()
    result = await after.functions.invoke(Invocation("f", b"{}"))
    assert b"return event" in result.payload
    await after.functions.close()


async def test_a_projects_function_may_be_changed_until_the_next_load(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.declare("f", lambda run: None)
    await scene.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    assert "belongs to the project" in caplog.text
    assert (await scene.call("GetFunctionConfiguration", FunctionName="f"))["Timeout"] == 9
    await scene.declare("f", lambda run: None)
    assert (await scene.call("GetFunctionConfiguration", FunctionName="f"))["Timeout"] == 3


async def test_every_answer_has_the_members_of_the_service_model(
    scene: Scene, service: botocore.model.ServiceModel
) -> None:
    scene.environments.handlers["f"] = lambda run: None
    calls: list[tuple[str, dict[str, object]]] = [
        ("CreateFunction", {**NEW, "Environment": {"Variables": {"AB": "1"}}}),
        ("GetFunction", {"FunctionName": "f"}),
        ("GetFunctionConfiguration", {"FunctionName": "f"}),
        ("ListFunctions", {}),
        ("UpdateFunctionCode", {"FunctionName": "f", "ZipFile": ZIP}),
        ("UpdateFunctionConfiguration", {"FunctionName": "f", "Description": "d"}),
        ("PutFunctionEventInvokeConfig", {"FunctionName": "f", "MaximumRetryAttempts": 0}),
        ("UpdateFunctionEventInvokeConfig", {"FunctionName": "f", "MaximumEventAgeInSeconds": 60}),
        ("GetFunctionEventInvokeConfig", {"FunctionName": "f"}),
        ("ListFunctionEventInvokeConfigs", {"FunctionName": "f"}),
        ("PutFunctionConcurrency", {"FunctionName": "f", "ReservedConcurrentExecutions": 2}),
        ("GetFunctionConcurrency", {"FunctionName": "f"}),
        ("GetAccountSettings", {}),
        ("Invoke", {"FunctionName": "f", "Payload": b"{}", "LogType": "Tail"}),
        ("InvokeAsync", {"FunctionName": "f", "InvokeArgs": b"{}"}),
        ("ListTags", {"Resource": ARN}),
        ("TagResource", {"Resource": ARN, "Tags": {"a": "b"}}),
        ("UntagResource", {"Resource": ARN, "TagKeys": ["a"]}),
        ("PublishVersion", {"FunctionName": "f", "Description": "one"}),
        ("ListVersionsByFunction", {"FunctionName": "f"}),
        ("CreateAlias", {"FunctionName": "f", "Name": "live", "FunctionVersion": "1"}),
        ("UpdateAlias", {"FunctionName": "f", "Name": "live", "Description": "d"}),
        ("GetAlias", {"FunctionName": "f", "Name": "live"}),
        ("ListAliases", {"FunctionName": "f"}),
        ("DeleteFunctionConcurrency", {"FunctionName": "f"}),
        ("PutProvisionedConcurrencyConfig", {**LIVE, "ProvisionedConcurrentExecutions": 2}),
        ("GetProvisionedConcurrencyConfig", LIVE),
        ("ListProvisionedConcurrencyConfigs", {"FunctionName": "f"}),
        ("DeleteProvisionedConcurrencyConfig", LIVE),
        ("AddPermission", {**LIVE, "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}),
        ("GetPolicy", LIVE),
        ("RemovePermission", {**LIVE, "StatementId": "s"}),
        ("CreateFunctionUrlConfig", {**LIVE, "AuthType": "NONE", "Cors": {"AllowOrigins": ["*"]}}),
        ("UpdateFunctionUrlConfig", {**LIVE, "InvokeMode": "RESPONSE_STREAM"}),
        ("GetFunctionUrlConfig", LIVE),
        ("ListFunctionUrlConfigs", {"FunctionName": "f"}),
        ("DeleteFunctionUrlConfig", LIVE),
        ("PutFunctionRecursionConfig", {"FunctionName": "f", "RecursiveLoop": "Allow"}),
        ("GetFunctionRecursionConfig", {"FunctionName": "f"}),
        ("GetRuntimeManagementConfig", {"FunctionName": "f"}),
        ("GetFunctionCodeSigningConfig", {"FunctionName": "f"}),
        ("PublishLayerVersion", {"LayerName": "l", "Content": {"ZipFile": ZIP}, "CompatibleRuntimes": ["python3.12"]}),
        ("GetLayerVersion", LAYER),
        ("GetLayerVersionByArn", {"Arn": PLACE.arn("lambda", "layer:l:1")}),
        ("ListLayers", {}),
        ("ListLayerVersions", {"LayerName": "l"}),
        (
            "AddLayerVersionPermission",
            {**LAYER, "StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"},
        ),
        ("GetLayerVersionPolicy", LAYER),
        ("RemoveLayerVersionPermission", {**LAYER, "StatementId": "s"}),
        ("DeleteLayerVersion", LAYER),
        ("DeleteAlias", {"FunctionName": "f", "Name": "live"}),
        ("DeleteFunctionEventInvokeConfig", {"FunctionName": "f"}),
        ("DeleteFunctionConcurrency", {"FunctionName": "f"}),
        ("DeleteFunction", {"FunctionName": "f"}),
    ]
    elsewhere = ("InvokeWithResponseStream", "EventSourceMapping")  # tests of their own
    served = {operation for _, operation in scene.table if not any(part in operation for part in elsewhere)}
    assert {operation for operation, _ in calls} == served
    for operation, parameters in calls:
        answer = await scene.call(operation, **parameters)
        shape = service.operation_model(operation).output_shape
        if shape is None:
            assert answer == {}
        else:
            report = botocore.validate.ParamValidator().validate(answer, shape)
            assert not report.has_errors(), (operation, report.generate_report())
            assert set(answer) <= set(shape.members), operation
