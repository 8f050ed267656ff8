"""PublishVersion, aliases and qualifiers as the gateway calls them (lambda.md §2.1, §3, §4.5, §7)."""

import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from callpark.functions.model import Invocation
from callpark.kernel.clock import VirtualClock
from callpark.kernel.operations import Call
from callpark.store.memory import MemoryStore
from tests.functions.api.conftest import NEW, ZIP, Refused
from tests.functions.plain_environments import HandlerError, PlainEnvironments, Run
from tests.functions.scene import PLACE, Scene, opened_on, zipped

pytestmark = pytest.mark.sim

ARN = PLACE.arn("lambda", "function:f")
SECOND = zipped({"app.py": "second"})
THIRD = zipped({"app.py": "third"})


def code(run: Run) -> object:
    return (run.deployment.code_root / "app.py").read_text()


async def test_a_version_is_a_snapshot(scene: Scene) -> None:
    scene.environments.handlers["f"] = code
    await scene.call("CreateFunction", **NEW)
    published = await scene.call("PublishVersion", FunctionName="f", Description="first")
    assert (published["Version"], published["FunctionArn"], published["Description"]) == ("1", f"{ARN}:1", "first")
    assert (published["State"], published["StateReasonCode"]) == ("Pending", "Creating")
    await scene.call("UpdateFunctionCode", FunctionName="f", ZipFile=SECOND)
    await scene.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    first = await scene.call("Invoke", FunctionName="f:1", Payload=b"{}")
    newest = await scene.call("Invoke", FunctionName="f", Payload=b"{}")
    assert (first["ExecutedVersion"], newest["ExecutedVersion"]) == ("1", "$LATEST")
    assert b"return event" in bytes(first["Payload"])  # type: ignore[call-overload]
    assert newest["Payload"] == b'"second"'
    kept = await scene.call("GetFunctionConfiguration", FunctionName="f", Qualifier="1")
    assert (kept["Timeout"], kept["Version"], kept["State"]) == (3, "1", "Active")


async def test_publishing_again_without_a_change_is_the_same_version(scene: Scene) -> None:
    await scene.call("CreateFunction", **NEW)
    first = await scene.call("PublishVersion", FunctionName="f")
    again = await scene.call("PublishVersion", FunctionName="f", Description="another")
    assert (again["Version"], again["RevisionId"], again["State"]) == ("1", first["RevisionId"], "Active")
    await scene.call("UpdateFunctionConfiguration", FunctionName="f", Description="changed")
    assert (await scene.call("PublishVersion", FunctionName="f"))["Version"] == "2"


async def test_publish_with_the_call_that_changes(scene: Scene) -> None:
    created = await scene.call("CreateFunction", **NEW, Publish=True)
    assert (created["Version"], created["FunctionArn"], created["State"]) == ("1", ARN, "Pending")
    updated = await scene.call("UpdateFunctionCode", FunctionName="f", ZipFile=SECOND, Publish=True)
    assert (updated["Version"], updated["FunctionArn"]) == ("2", f"{ARN}:2")
    listed = await scene.call("ListVersionsByFunction", FunctionName="f")
    versions = listed["Versions"]
    assert isinstance(versions, list)
    assert [(v["Version"], v["FunctionArn"]) for v in versions] == [
        ("$LATEST", f"{ARN}:$LATEST"), ("1", f"{ARN}:1"), ("2", f"{ARN}:2"),
    ]  # fmt: skip


async def test_publishing_checks_what_is_expected(scene: Scene, refused: Refused) -> None:
    created = await scene.call("CreateFunction", **NEW)
    wrong = await refused("PublishVersion", FunctionName="f", CodeSha256="abc")
    assert wrong.body["message"] == (
        f"CodeSHA256 (abc) is different from current CodeSHA256 in $LATEST ({created['CodeSha256']}). "
        "Please try again with the CodeSHA256 in $LATEST."
    )
    assert (await refused("PublishVersion", FunctionName="f", RevisionId="x")).status == 412
    published = await scene.call(
        "PublishVersion", FunctionName="f", CodeSha256=created["CodeSha256"], RevisionId=created["RevisionId"]
    )
    assert published["Version"] == "1"


async def test_a_directory_is_packed_when_it_is_published(scene: Scene) -> None:
    await scene.declare("f", code)
    await scene.call("PublishVersion", FunctionName="f")
    (scene.directory / "project" / "f" / "app.py").write_text("edited")
    answers = [
        (await scene.functions.invoke(Invocation("f", b"{}", qualifier))).payload for qualifier in ("1", "$LATEST")
    ]
    assert answers == [b'"def handler(event, context): ...\\n"', b'"edited"']


@pytest.mark.parametrize("size", [1, 2, 50])
async def test_versions_by_pages(scene: Scene, size: int) -> None:
    await scene.call("CreateFunction", **NEW)
    for number in range(5):
        await scene.call("UpdateFunctionConfiguration", FunctionName="f", Description=str(number))
        await scene.call("PublishVersion", FunctionName="f")
    pages: list[list[object]] = []
    given: dict[str, object] = {"FunctionName": "f", "MaxItems": size}
    while True:
        page = await scene.call("ListVersionsByFunction", **given)
        versions = page["Versions"]
        assert isinstance(versions, list)
        pages.append([version["Version"] for version in versions])
        if "NextMarker" not in page:
            break
        given["Marker"] = page["NextMarker"]
    numbers: list[object] = ["$LATEST", "1", "2", "3", "4", "5"]
    assert pages == [numbers[at : at + size] for at in range(0, 6, size)]
    everything = (await scene.call("ListFunctions", FunctionVersion="ALL"))["Functions"]
    assert isinstance(everything, list)
    assert [version["Version"] for version in everything] == ["$LATEST", "1", "2", "3", "4", "5"]


async def test_master_region_lists_replicas_of_which_there_are_none(scene: Scene, refused: Refused) -> None:
    await scene.call("CreateFunction", **NEW)
    assert await scene.call("ListFunctions", FunctionVersion="ALL", MasterRegion="us-east-1") == {"Functions": []}
    assert (await refused("ListFunctions", MasterRegion="us-east-1")).code == "InvalidParameterValueException"


async def test_deleting_versions(scene: Scene, refused: Refused) -> None:
    await scene.call("CreateFunction", **NEW, Publish=True)
    await scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert (await refused("DeleteFunction", FunctionName="f", Qualifier="1")).status == 409
    assert (await refused("DeleteFunction", FunctionName="f", Qualifier="live")).status == 400
    assert (await refused("DeleteFunction", FunctionName="f", Qualifier="7")).status == 404
    await scene.call("DeleteAlias", FunctionName="f", Name="live")
    await scene.call("DeleteFunction", FunctionName="f:1")
    gone = await refused("Invoke", FunctionName="f", Qualifier="1")
    assert gone.body == {"Type": "User", "Message": f"Function not found: {ARN}:1"}
    assert (await scene.call("GetFunction", FunctionName="f"))["Configuration"]


async def test_the_life_of_an_alias(scene: Scene, refused: Refused) -> None:
    await scene.call("CreateFunction", **NEW, Publish=True)
    created = await scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", Description="d")
    revision = created.pop("RevisionId")
    assert created == {"AliasArn": f"{ARN}:live", "Name": "live", "FunctionVersion": "1", "Description": "d"}
    twice = await refused("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert twice.body == {"Type": "User", "message": f"Alias already exists: {ARN}:live"}
    assert (await refused("UpdateAlias", FunctionName="f", Name="live", RevisionId="x")).status == 412
    updated = await scene.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="$LATEST")
    assert (updated["FunctionVersion"], updated["Description"]) == ("$LATEST", "d")
    assert updated["RevisionId"] != revision
    assert await scene.call("GetAlias", FunctionName="f", Name="live") == updated
    assert await scene.call("ListAliases", FunctionName="f", FunctionVersion="1") == {"Aliases": []}
    assert await scene.call("ListAliases", FunctionName="f") == {"Aliases": [updated]}
    assert await scene.call("DeleteAlias", FunctionName="f", Name="live") == {}
    assert await scene.call("DeleteAlias", FunctionName="f", Name="live") == {}
    missing = await refused("GetAlias", FunctionName="f", Name="live")
    assert missing.body == {"Type": "User", "Message": f"Cannot find alias arn: {ARN}:live"}
    assert (await refused("UpdateAlias", FunctionName="f", Name="live")).body["Message"] == (
        f"Alias not found: {ARN}:live"
    )


async def test_an_alias_shows_and_runs_its_version(scene: Scene) -> None:
    """`X-Amz-Executed-Version` is what the alias resolved to; `invoked_function_arn` ends in the alias (recorded)."""
    scene.environments.handlers["f"] = lambda run: run.attempt.invoked_arn
    await scene.call("CreateFunction", **NEW, Publish=True)
    await scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    shown = await scene.call("GetFunctionConfiguration", FunctionName="f:live")
    assert (shown["FunctionArn"], shown["Version"]) == (f"{ARN}:live", "1")
    for given in ({"FunctionName": "f", "Qualifier": "live"}, {"FunctionName": f"{ARN}:live"}):
        answer = await scene.call("Invoke", **given)
        assert (answer["ExecutedVersion"], answer["Payload"]) == ("1", f'"{ARN}:live"'.encode())


async def test_weights_divide_the_invocations(scene: Scene) -> None:
    await scene.declare("f", lambda run: None)
    for description in ("a", "b"):
        await scene.call("UpdateFunctionConfiguration", FunctionName="f", Description=description)
        await scene.call("PublishVersion", FunctionName="f")
    routing = {"AdditionalVersionWeights": {"2": 0.25}}
    alias = {"FunctionName": "f", "Name": "live", "FunctionVersion": "1"}
    created = await scene.call("CreateAlias", **alias, RoutingConfig=routing)
    assert created["RoutingConfig"] == routing
    ran = [(await scene.functions.invoke(Invocation("f", b"{}", "live"))).executed_version for _ in range(400)]
    assert 70 < ran.count("2") < 130
    assert set(ran) == {"1", "2"}
    updated = await scene.call("UpdateAlias", FunctionName="f", Name="live", RoutingConfig={})
    assert "RoutingConfig" not in updated


async def test_an_alias_is_resolved_for_each_attempt(scene: Scene) -> None:
    """Our rule L7."""

    def fails_on_the_first(run: Run) -> object:
        if run.deployment.version == "1":
            raise HandlerError("old")
        return run.deployment.version

    scene.environments.handlers["f"] = fails_on_the_first
    await scene.call("CreateFunction", **NEW, Publish=True)
    await scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    request_id = await scene.send("f", qualifier="live")
    await scene.clock.advance(30)
    await scene.call("UpdateFunctionConfiguration", FunctionName="f", Description="new")
    await scene.call("PublishVersion", FunctionName="f")
    await scene.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
    result = await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    assert (result.payload, result.attempts) == (b'"2"', 2)
    assert [run.attempt.invoked_arn for run in scene.environments.runs] == [f"{ARN}:live"] * 2


async def test_an_event_invoke_config_belongs_to_its_qualifier(scene: Scene, refused: Refused) -> None:
    """One config per `$LATEST`, version and alias; publishing a version copies nothing (recorded, §7)."""
    received: list[object] = []
    scene.environments.handlers["f"] = lambda run: received.append(run.event)
    scene.environments.handlers["g"] = lambda run: received.append(run.event)
    await scene.call("CreateFunction", **{**NEW, "FunctionName": "g"})
    await scene.call("CreateFunction", **NEW)
    await scene.call("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=1)
    await scene.call("PublishVersion", FunctionName="f")
    missing = await refused("GetFunctionEventInvokeConfig", FunctionName="f", Qualifier="1")
    assert missing.message == f"The function {ARN}:1 doesn't have an EventInvokeConfig"
    await scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    target = {"OnSuccess": {"Destination": PLACE.arn("lambda", "function:g")}}
    put = await scene.call("PutFunctionEventInvokeConfig", FunctionName="f:live", DestinationConfig=target)
    assert put["FunctionArn"] == f"{ARN}:live"
    unknown = await refused("PutFunctionEventInvokeConfig", FunctionName="f:gone", MaximumRetryAttempts=1)
    assert unknown.message == "The function doesn't exist."
    request_id = await scene.send("f", {"a": 1}, qualifier="live")
    await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    await scene.clock.advance(1)
    record = received[-1]
    assert isinstance(record, dict)
    assert record["requestContext"]["functionArn"] == f"{ARN}:live"
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "1"}
    listed = (await scene.call("ListFunctionEventInvokeConfigs", FunctionName="f"))["FunctionEventInvokeConfigs"]
    assert isinstance(listed, list)
    assert [config["FunctionArn"] for config in listed] == [f"{ARN}:$LATEST", f"{ARN}:live"]


async def test_concurrency_is_for_functions_only(scene: Scene, refused: Refused) -> None:
    """(recorded, §8)"""
    await scene.call("CreateFunction", **NEW, Publish=True)
    refusal = await refused("PutFunctionConcurrency", FunctionName="f:1", ReservedConcurrentExecutions=1)
    assert refusal.body["message"] == (
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
        "Please specify either a function name or an unqualified function ARN."
    )


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("PublishVersion", {}),
        ("CreateAlias", {"Name": "live", "FunctionVersion": "$LATEST"}),
        ("ListAliases", {}),
        ("PutFunctionConcurrency", {"ReservedConcurrentExecutions": 1}),
        ("PutFunctionEventInvokeConfig", {"MaximumRetryAttempts": 1}),
        ("PutFunctionRecursionConfig", {"RecursiveLoop": "Allow"}),
        ("CreateFunctionUrlConfig", {"AuthType": "NONE"}),
        ("AddPermission", {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}),
        ("UpdateFunctionConfiguration", {"Timeout": 9}),
        ("DeleteFunction", {}),
    ],
)
async def test_another_accounts_arn_is_not_ours(
    scene: Scene, refused: Refused, operation: str, given: dict[str, object]
) -> None:
    await scene.call("CreateFunction", **NEW)
    before = scene.functions.function("f")
    foreign = "arn:aws:lambda:us-east-1:999999999999:function:f"
    assert (await refused(operation, FunctionName=foreign, **given)).status == 404
    assert scene.functions.function("f") is before


async def test_tags_are_for_functions_only(scene: Scene, refused: Refused) -> None:
    await scene.call("CreateFunction", **NEW, Publish=True)
    refusal = await refused("TagResource", Resource=f"{ARN}:1", Tags={"a": "b"})
    assert refusal.message == "Tags on function aliases and versions are not supported. Please specify a function ARN."


async def test_versions_aliases_and_policies_survive_a_restart(clock: VirtualClock, tmp_path: Path) -> None:
    store, environments = MemoryStore(clock), PlainEnvironments(clock)
    environments.handlers["f"] = code
    before = await opened_on(store, clock, tmp_path, environments)
    await before.call("CreateFunction", **NEW, Publish=True)
    await before.call("UpdateFunctionCode", FunctionName="f", ZipFile=SECOND, Publish=True)
    routing = {"AdditionalVersionWeights": {"2": 1.0}}
    await before.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=routing)
    live = {"FunctionName": "f", "Qualifier": "live"}
    await before.call("PutProvisionedConcurrencyConfig", **live, ProvisionedConcurrentExecutions=2)
    await before.call("AddPermission", **live, StatementId="s", Action="lambda:InvokeFunction", Principal="*")
    await before.call("CreateFunctionUrlConfig", **live, AuthType="NONE")
    await before.call("PutFunctionRecursionConfig", FunctionName="f", RecursiveLoop="Allow")
    await before.clock.run_until(before.functions.provisioning.settled())

    async def seen(scene: Scene) -> str:
        asked = [("GetAlias", {"FunctionName": "f", "Name": "live"}), ("ListVersionsByFunction", {"FunctionName": "f"}),
                 ("GetPolicy", live), ("GetFunctionUrlConfig", live), ("GetProvisionedConcurrencyConfig", live),
                 ("GetFunctionRecursionConfig", {"FunctionName": "f"})]  # fmt: skip
        return json.dumps([await scene.call(operation, **parameters) for operation, parameters in asked])

    shown = await seen(before)
    await before.functions.close()
    environments.provisioned.clear()
    after = await opened_on(store.crash(), clock, tmp_path / "elsewhere", environments)
    await clock.run_until(after.functions.provisioning.settled())
    assert environments.provisioned == {"1": 2}
    assert await seen(after) == shown
    answer = await after.functions.invoke(Invocation("f", b"{}", "live"))
    assert (answer.payload, answer.executed_version) == (b'"second"', "2")
    await after.functions.close()


async def test_packages_that_nobody_uses_are_removed(scene: Scene) -> None:
    """Those of versions stay, and those that another function has as well."""
    first, second, third = (hashlib.sha256(data).hexdigest() for data in (ZIP, SECOND, THIRD))
    await scene.call("CreateFunction", **NEW, Publish=True)
    await scene.call("UpdateFunctionCode", FunctionName="f", ZipFile=SECOND)
    await scene.call("CreateFunction", **{**NEW, "FunctionName": "g", "Code": {"ZipFile": THIRD}})
    await scene.call("UpdateFunctionCode", FunctionName="f", ZipFile=THIRD)
    kept = [await scene.store.get_blob(digest) for digest in (first, second, third)]
    assert kept == [ZIP, None, THIRD]
    await scene.call("DeleteFunction", FunctionName="f")
    kept = [await scene.store.get_blob(digest) for digest in (first, second, third)]
    assert kept == [None, None, THIRD]


async def test_an_upload_is_not_removed_before_it_is_used(scene: Scene) -> None:
    await scene.call("CreateFunction", **NEW)
    create = scene.table["lambda", "CreateFunction"]
    again = Call("lambda", "CreateFunction", {**NEW, "FunctionName": "g"}, "id", PLACE)
    creating = asyncio.ensure_future(create(again))
    await scene.call("DeleteFunction", FunctionName="f")
    await scene.clock.run_until(creating)
    assert await scene.store.get_blob(hashlib.sha256(ZIP).hexdigest()) == ZIP


async def test_a_function_that_comes_again_counts_on(clock: VirtualClock, tmp_path: Path) -> None:
    store, environments = MemoryStore(clock), PlainEnvironments(clock)
    before = await opened_on(store, clock, tmp_path, environments)
    await before.call("CreateFunction", **NEW, Publish=True)
    await before.call("DeleteFunction", FunctionName="f")
    await before.functions.close()
    after = await opened_on(store.crash(), clock, tmp_path / "elsewhere", environments)
    assert (await after.call("CreateFunction", **NEW, Publish=True))["Version"] == "2"
    await after.call("DeleteFunction", FunctionName="f")
    assert (await after.call("CreateFunction", **NEW, Publish=True))["Version"] == "3"
    await after.functions.close()
