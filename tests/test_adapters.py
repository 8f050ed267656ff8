"""One slice as another sees it: what a flow is told about functions that it may not invoke."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.adapters import FunctionsForFlows, FunctionsForGraphql
from callpark.functions.model import Invocation
from callpark.kernel.clock import VirtualClock
from tests.functions.scene import PLACE, Scene, opened

pytestmark = pytest.mark.sim

INSTANCE = PLACE.arn("connect", "instance/11111111-2222-4333-8444-555555555555")
ARN = PLACE.arn("lambda", "function:f")


@pytest.fixture
async def scene(clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Scene]:
    scene = await opened(clock, tmp_path)
    await scene.create("f", lambda run: None)
    yield scene
    await scene.functions.close()
    await scene.store.close()


async def _permit(scene: Scene, statement_id: str, source_arn: str) -> None:
    await scene.call(
        "AddPermission",
        FunctionName="f",
        StatementId=statement_id,
        Action="lambda:InvokeFunction",
        Principal="connect.amazonaws.com",
        SourceArn=source_arn,
    )


async def test_a_flow_may_not_invoke_what_a_resource_policy_refuses_to_its_instance(scene: Scene) -> None:
    functions = FunctionsForFlows(scene.functions, lambda: INSTANCE)
    assert functions.refusal(ARN) is None, "without a statement: associating it is enough"

    await _permit(scene, "other", PLACE.arn("connect", "instance/another"))
    assert (functions.refusal(ARN) or "").startswith("Status Code: 403; Error Code: AccessDeniedException")

    await _permit(scene, "ours", INSTANCE)
    assert functions.refusal(ARN) is None


async def test_what_a_resolver_invokes_may_be_waited_for_by_a_function(scene: Scene) -> None:
    await FunctionsForGraphql(scene.functions).invoke(ARN, b"{}")
    await scene.functions.invoke(Invocation("f", b"{}"))
    assert [run.attempt.nested for run in scene.environments.runs] == [True, False]


async def test_versions_have_policies_of_their_own(scene: Scene) -> None:
    functions = FunctionsForFlows(scene.functions, lambda: INSTANCE)
    await scene.call("PublishVersion", FunctionName="f")
    await _permit(scene, "other", PLACE.arn("connect", "instance/another"))
    assert functions.refusal(f"{ARN}:1") is None
    assert functions.refusal(f"{ARN}:2") == f"Function not found: {ARN}:2"
