"""A project's versions, aliases, URLs and policies, and what a new load makes of them."""

from pathlib import Path

import pytest

from callpark.functions.events.happenings import DeadLetterFailed
from callpark.functions.model import (
    AliasDefinition,
    Directory,
    EventInvokeConfig,
    FunctionConfiguration,
    FunctionDefinition,
    Invocation,
    PermissionDefinition,
    UrlDefinition,
    VersionDefinition,
)
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.scene import PLACE, Scene

pytestmark = pytest.mark.sim

ARN = PLACE.arn("lambda", "function:f")
STATEMENT = {"Sid": "s", "Effect": "Allow"}


def definition(root: Path, **configuration: str) -> FunctionDefinition:
    return FunctionDefinition(
        configuration=FunctionConfiguration("f", "python3.11", "app.handler", **configuration),  # type: ignore[arg-type]
        code=Directory(root),
        event_invoke_config=EventInvokeConfig(0),
        versions=(VersionDefinition("1", "first", provisioned_concurrency=None), VersionDefinition("2")),
        aliases=(AliasDefinition("live", "1", "", {"2": 1.0}, provisioned_concurrency=2),),
        urls=(UrlDefinition("live"),),
        permissions=(PermissionDefinition("s", STATEMENT, "live"),),
        qualified_event_invoke_configs={"live": EventInvokeConfig(1)},
        recursive_loop="Allow",
    )


@pytest.fixture
def root(scene: Scene) -> Path:
    scene.environments.handlers["f"] = lambda run: (run.deployment.code_root / "app.py").read_text()
    root = scene.directory / "src"
    root.mkdir()
    (root / "app.py").write_text("one")
    return root


async def test_everything_a_project_declares_is_there(scene: Scene, root: Path) -> None:
    await scene.functions.apply([definition(root)])
    live = {"FunctionName": "f", "Qualifier": "live"}
    answer = await scene.functions.invoke(Invocation("f", b"{}", "live"))
    assert (answer.payload, answer.executed_version) == (b'"one"', "2")
    assert (await scene.call("GetFunctionConfiguration", FunctionName="f:1"))["Description"] == "first"
    assert (await scene.call("GetFunctionEventInvokeConfig", **live))["MaximumRetryAttempts"] == 1
    assert (await scene.call("GetFunctionUrlConfig", **live))["FunctionArn"] == f"{ARN}:live"
    assert '"Sid":"s"' in str((await scene.call("GetPolicy", **live))["Policy"])
    assert await scene.call("GetFunctionRecursionConfig", FunctionName="f") == {"RecursiveLoop": "Allow"}
    await scene.clock.run_until(scene.functions.provisioning.settled())
    assert (await scene.call("GetProvisionedConcurrencyConfig", **live))["Status"] == "READY"


async def test_the_same_project_again_changes_nothing(scene: Scene, root: Path) -> None:
    await scene.functions.apply([definition(root)])
    before = scene.functions.function("f")
    await scene.clock.advance(60)
    await scene.functions.apply([definition(root)])
    assert scene.functions.function("f") is before


async def test_an_edit_is_published_anew(scene: Scene, root: Path) -> None:
    await scene.functions.apply([definition(root)])
    await scene.functions.invoke(Invocation("f", b"{}", "live"))
    await scene.clock.run_until(scene.functions.provisioning.settled())
    url = await scene.call("GetFunctionUrlConfig", FunctionName="f:live")
    (root / "app.py").write_text("edited")
    await scene.functions.apply([definition(root)])
    assert (await scene.functions.invoke(Invocation("f", b"{}", "live"))).payload == b'"edited"'
    again = await scene.call("GetFunctionUrlConfig", FunctionName="f:live")
    assert again["FunctionUrl"] == url["FunctionUrl"]
    assert sorted(scene.environments.retired) == [f"{ARN}:1", f"{ARN}:2"]
    await scene.clock.run_until(scene.functions.provisioning.settled())
    assert scene.environments.provisioned == {"1": 2}


async def test_what_the_project_drops_is_gone(scene: Scene, root: Path) -> None:
    await scene.functions.apply([definition(root)])
    await scene.clock.run_until(scene.functions.provisioning.settled())
    plain = FunctionDefinition(definition(root).configuration, Directory(root))
    await scene.functions.apply([plain])
    assert not scene.functions.knows(f"{ARN}:live")
    await scene.functions.apply([])
    assert not scene.functions.knows(ARN)


async def test_a_dead_letter_queue_is_frozen_with_its_version(scene: Scene, root: Path) -> None:
    """§6: part of the version-specific configuration."""

    def fails(run: Run) -> object:
        raise HandlerError("no")

    scene.environments.handlers["f"] = fails
    old, new = PLACE.arn("sqs", "old"), PLACE.arn("sqs", "new")
    await scene.functions.apply([FunctionDefinition(
        FunctionConfiguration("f", "python3.11", "app.handler", dead_letter_target=old),
        Directory(root),
        EventInvokeConfig(0),
    )])  # fmt: skip
    await scene.call("PublishVersion", FunctionName="f")
    await scene.call("PutFunctionEventInvokeConfig", FunctionName="f:1", MaximumRetryAttempts=0)
    await scene.call("UpdateFunctionConfiguration", FunctionName="f", DeadLetterConfig={"TargetArn": new})
    for qualifier in ("1", "$LATEST"):
        request_id = await scene.send("f", qualifier=qualifier)
        await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    assert [failed.target for failed in scene.trace_of(DeadLetterFailed)] == [old, new]
