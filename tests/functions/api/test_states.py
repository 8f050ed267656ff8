"""States as waiters see them, when they last: Pending, InProgress, and what is refused meanwhile (§2.6, §3)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from tests.functions.api.conftest import NEW, ZIP
from tests.functions.scene import PLACE, Scene, opened

pytestmark = pytest.mark.sim

ARN = PLACE.arn("lambda", "function:f")


@pytest.fixture
async def slow(clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Scene]:
    """Functions take ten seconds to become active."""
    scene = await opened(clock, tmp_path, replace(LambdaLimits(), activation_seconds=10.0))
    scene.environments.handlers["f"] = lambda run: run.deployment.version
    yield scene
    await scene.functions.close()


async def states(scene: Scene, **target: object) -> tuple[object, object]:
    shown = await scene.call("GetFunctionConfiguration", **{"FunctionName": "f", **target})
    return shown["State"], shown.get("LastUpdateStatus")


async def test_pending_then_active(slow: Scene) -> None:
    await slow.call("CreateFunction", **NEW)
    assert await states(slow) == ("Pending", None)
    with pytest.raises(CallerError) as refusal:
        await slow.call("Invoke", FunctionName="f")
    assert (refusal.value.code, refusal.value.status) == ("ResourceConflictException", 409)
    assert refusal.value.message.endswith("The function is currently in the following state: Pending")
    with pytest.raises(CallerError) as update:
        await slow.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    assert update.value.status == 409
    await slow.clock.advance(10)
    assert await states(slow) == ("Active", "Successful")
    assert (await slow.call("Invoke", FunctionName="f"))["Payload"] == b'"$LATEST"'


async def test_an_event_to_a_pending_function_runs_when_it_is_active(slow: Scene) -> None:
    """Our rule L11."""
    await slow.call("CreateFunction", **NEW)
    request_id = await slow.send("f")
    await slow.clock.run_until(slow.functions.wait_for_event(request_id))
    assert slow.environments.times(slow.start) == [10.0]


async def test_a_second_update_meanwhile_is_refused(slow: Scene) -> None:
    """(recorded)"""
    await slow.call("CreateFunction", **NEW)
    await slow.clock.advance(10)
    await slow.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    assert await states(slow) == ("Active", "InProgress")
    for operation, given in (("UpdateFunctionConfiguration", {"Timeout": 8}), ("UpdateFunctionCode", {"ZipFile": ZIP}),
                             ("PublishVersion", {})):  # fmt: skip
        with pytest.raises(CallerError) as refusal:
            await slow.call(operation, FunctionName="f", **given)
        assert (refusal.value.code, refusal.value.status) == ("ResourceConflictException", 409)
        assert refusal.value.body["message"] == (
            f"The operation cannot be performed at this time. An update is in progress for resource: {ARN}"
        )
    assert (await slow.call("Invoke", FunctionName="f"))["StatusCode"] == 200
    await slow.clock.advance(10)
    assert await states(slow) == ("Active", "Successful")
    published = await slow.call("PublishVersion", FunctionName="f")
    assert published["State"] == "Pending"
    assert (await states(slow, Qualifier="1"))[0] == "Pending"
    await slow.clock.advance(10)
    assert (await slow.call("Invoke", FunctionName="f:1"))["Payload"] == b'"1"'


async def test_an_upload_is_an_update_in_progress(scene: Scene) -> None:
    scene.environments.handlers["f"] = lambda run: None
    await scene.call("CreateFunction", **NEW)
    upload = asyncio.ensure_future(scene.call("UpdateFunctionCode", FunctionName="f", ZipFile=ZIP))
    await asyncio.sleep(0)
    with pytest.raises(CallerError) as refusal:
        await scene.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    assert "An update is in progress" in refusal.value.message
    assert (await upload)["LastUpdateStatus"] == "InProgress"
    assert await states(scene) == ("Active", "Successful")
