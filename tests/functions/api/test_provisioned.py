"""Provisioned concurrency (lambda.md §8, recorded)."""

from dataclasses import replace
from pathlib import Path

import pytest

from callpark.functions.model import Invocation
from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import LambdaLimits
from tests.functions.api.conftest import NEW, ZIP, Refused
from tests.functions.scene import PLACE, Scene, opened

pytestmark = pytest.mark.sim

ARN = PLACE.arn("lambda", "function:f")
LIVE: dict[str, object] = {"FunctionName": "f", "Qualifier": "live"}
ONE: dict[str, object] = {"FunctionName": "f", "Qualifier": "1"}


async def published(scene: Scene) -> None:
    """Function f, version 1, alias live."""
    scene.environments.handlers["f"] = lambda run: run.deployment.version
    await scene.call("CreateFunction", **NEW, Publish=True)
    await scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")


async def put(scene: Scene, target: dict[str, object], count: int) -> dict[str, object]:
    return await scene.call("PutProvisionedConcurrencyConfig", **target, ProvisionedConcurrentExecutions=count)


async def test_in_progress_then_ready(clock: VirtualClock, tmp_path: Path) -> None:
    scene = await opened(clock, tmp_path, replace(LambdaLimits(), provisioning_seconds=120.0))
    await published(scene)
    asked = await put(scene, LIVE, 5)
    asked.pop("LastModified")
    assert asked == {
        "RequestedProvisionedConcurrentExecutions": 5,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
    }
    await clock.advance(119)
    assert (await scene.call("GetProvisionedConcurrencyConfig", **LIVE))["Status"] == "IN_PROGRESS"
    await clock.advance(1)
    await clock.run_until(scene.functions.provisioning.settled())
    ready = await scene.call("GetProvisionedConcurrencyConfig", **LIVE)
    assert (ready["Status"], ready["AvailableProvisionedConcurrentExecutions"]) == ("READY", 5)
    assert scene.environments.provisioned == {"1": 5}
    await scene.functions.close()


async def test_an_init_that_fails_is_shown(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    await published(scene)
    scene.environments.provisionable = 1
    await put(scene, ONE, 2)
    await scene.clock.run_until(scene.functions.provisioning.settled())
    shown = await scene.call("GetProvisionedConcurrencyConfig", **ONE)
    assert (shown["Status"], shown["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert "1 of 2 environments could be initialised" in caplog.text


async def test_delete_and_list(scene: Scene, refused: Refused) -> None:
    await published(scene)
    await put(scene, LIVE, 3)
    await scene.clock.run_until(scene.functions.provisioning.settled())
    listed = (await scene.call("ListProvisionedConcurrencyConfigs", FunctionName="f"))["ProvisionedConcurrencyConfigs"]
    assert isinstance(listed, list)
    assert [(config["FunctionArn"], config["Status"]) for config in listed] == [(f"{ARN}:live", "READY")]
    account = (await scene.call("GetAccountSettings"))["AccountLimit"]
    assert isinstance(account, dict)
    assert account["UnreservedConcurrentExecutions"] == 997
    assert await scene.call("DeleteProvisionedConcurrencyConfig", **LIVE) == {}
    missing = await refused("GetProvisionedConcurrencyConfig", **LIVE)
    assert (missing.code, missing.status) == ("ProvisionedConcurrencyConfigNotFoundException", 404)
    assert missing.body["message"] == "No Provisioned Concurrency Config found for this function"
    await scene.clock.advance(1)
    assert scene.environments.provisioned == {"1": 0}


async def test_an_alias_that_moves_takes_its_environments_along(scene: Scene) -> None:
    await published(scene)
    await put(scene, LIVE, 2)
    await scene.clock.run_until(scene.functions.provisioning.settled())
    await scene.call("UpdateFunctionCode", FunctionName="f", ZipFile=ZIP)
    await scene.call("UpdateFunctionConfiguration", FunctionName="f", Description="second")
    await scene.call("PublishVersion", FunctionName="f")
    await scene.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
    await scene.clock.run_until(scene.functions.provisioning.settled())
    await scene.clock.advance(1)
    assert scene.environments.provisioned == {"1": 0, "2": 2}


@pytest.mark.parametrize("qualifier", ["$LATEST"])
async def test_latest_cannot_be_provisioned(scene: Scene, refused: Refused, qualifier: str) -> None:
    await published(scene)
    for operation in ("GetProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig"):
        refusal = await refused(operation, FunctionName="f", Qualifier=qualifier)
        assert refusal.body["message"] == "The function resource provided must be an alias or a published version."


async def test_an_already_provisioned_version(scene: Scene, refused: Refused) -> None:
    await published(scene)
    await put(scene, ONE, 1)
    refusal = await refused("PutProvisionedConcurrencyConfig", **LIVE, ProvisionedConcurrentExecutions=1)
    assert (refusal.code, refusal.status) == ("ResourceConflictException", 409)
    assert refusal.body["message"] == (
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
    )


async def test_reserved_and_provisioned_limit_each_other(scene: Scene, refused: Refused) -> None:
    await published(scene)
    await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=2)
    more = await refused("PutProvisionedConcurrencyConfig", **ONE, ProvisionedConcurrentExecutions=3)
    assert more.body["message"] == (
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
    )
    await put(scene, ONE, 2)
    less = await refused("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=1)
    assert less.body["message"] == (
        " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2]."
    )


async def test_the_account_keeps_a_hundred(scene: Scene, refused: Refused) -> None:
    await published(scene)
    reserved = await refused("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=901)
    assert reserved.body == {
        "message": "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    }
    provisioned = await refused("PutProvisionedConcurrencyConfig", **ONE, ProvisionedConcurrentExecutions=901)
    assert "below its minimum value of [100]" in provisioned.message
    await put(scene, ONE, 900)
    assert (await refused("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)).status == 400


async def test_provisioned_equal_to_reserved_leaves_nothing_for_latest(scene: Scene, refused: Refused) -> None:
    """(recorded, §4.4)"""
    await published(scene)
    await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=2)
    await put(scene, LIVE, 2)
    refusal = await refused("Invoke", FunctionName="f")
    assert refusal.body == {
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    }
    assert (await scene.functions.invoke(Invocation("f", b"{}", "live"))).payload == b'"1"'
