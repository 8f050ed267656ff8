"""What the other slices and the project loader use of the service."""

import dataclasses
from pathlib import Path

import pytest

from callpark.functions.concurrency import NO_SHARES, Shares, Slots
from callpark.functions.model import Directory, EventInvokeConfig, FunctionConfiguration, FunctionDefinition, Invocation
from callpark.kernel.errors import CallerError, ProjectError
from tests.functions.scene import PLACE, Scene

pytestmark = pytest.mark.sim


async def test_names_and_arns(scene: Scene) -> None:
    await scene.declare("f", lambda run: None)
    arn = scene.functions.arn("f")
    assert arn == PLACE.arn("lambda", "function:f")
    for known in ("f", arn, f"{arn}:$LATEST", "f:$LATEST"):
        assert scene.functions.knows(known)
    other_account = arn.replace(PLACE.account, "210987654321")
    for unknown in ("g", f"{arn}:7", "f:alias", "not a name", other_account):
        assert not scene.functions.knows(unknown)
    assert [function.configuration.name for function in scene.functions.functions()] == ["f"]


async def test_loading_a_project_again_changes_only_what_changed(scene: Scene) -> None:
    await scene.declare("same", lambda run: None, config=EventInvokeConfig(maximum_retry_attempts=1))
    await scene.declare("changed", lambda run: None)
    for name in ("same", "changed"):
        await scene.functions.invoke(Invocation(name, b"{}"))
    before = {name: scene.functions.function(name) for name in ("same", "changed")}
    await scene.clock.advance(5)
    configuration = FunctionConfiguration("changed", "python3.11", "app.handler", timeout_seconds=9)
    await scene.declare("changed", lambda run: None, configuration=configuration)
    assert scene.functions.function("same") is before["same"]
    assert scene.functions.function("changed").revision_id != before["changed"].revision_id
    assert scene.environments.retired == [f"{scene.functions.arn('changed')}:$LATEST"]


async def test_functions_of_the_api_stay_and_those_of_the_project_go(scene: Scene) -> None:
    await scene.create("made", lambda run: None)
    await scene.declare("declared", lambda run: None)
    await scene.functions.apply(())
    assert [function.configuration.name for function in scene.functions.functions()] == ["made"]
    with pytest.raises(CallerError):
        await scene.functions.invoke(Invocation("declared", b"{}"))


async def test_a_project_takes_over_a_name(scene: Scene) -> None:
    await scene.create("f", lambda run: "made")
    await scene.declare("f", lambda run: "declared")
    assert scene.functions.function("f").declared
    assert await scene.store.scan("functions") == []


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"name": "bad name"}, "function bad name: 1 validation error detected"),
        ({"runtime": "python2.7"}, "The runtime parameter of python2.7 is no longer supported"),
        ({"timeout_seconds": 0}, "greater than or equal to 1"),
        ({"environment": {"AWS_REGION": "x"}}, "reserved keys"),
    ],
)
async def test_a_project_that_aws_would_refuse(
    scene: Scene, tmp_path: Path, changes: dict[str, object], cause: str
) -> None:
    await scene.declare("good", lambda run: None)
    configuration = dataclasses.replace(FunctionConfiguration("f", "python3.11", "app.handler"), **changes)  # type: ignore[arg-type]
    with pytest.raises(ProjectError, match=cause):
        await scene.functions.apply([FunctionDefinition(configuration, Directory(tmp_path))])
    assert scene.functions.knows("good")


async def test_a_project_whose_code_is_missing(scene: Scene, tmp_path: Path) -> None:
    definition = FunctionDefinition(FunctionConfiguration("f", "python3.11", "a.b"), Directory(tmp_path / "no"))
    with pytest.raises(ProjectError, match="does not exist"):
        await scene.functions.apply([definition])
    with pytest.raises(ProjectError, match="two functions are named f"):
        await scene.functions.apply([definition, definition])


async def test_runtimes_that_cannot_run_here_are_named(scene: Scene) -> None:
    warnings = await scene.declare("f", lambda run: 1, configuration=FunctionConfiguration("f", "java21", "a.B::c"))
    assert warnings == ["function f: runtime java21 cannot run here; python, nodejs, provided can"]


@pytest.mark.unit
def test_slots() -> None:
    slots = Slots(account=3)
    slots.share(Shares({"r": 1}, {}))
    assert [slots.take(name) for name in ("r", "a", "b")] == [None, None, None]
    assert slots.take("r") == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert slots.take("c") == "ConcurrentInvocationLimitExceeded"
    slots.give_back("a")
    assert slots.take("c") is None
    slots.share(NO_SHARES)
    assert slots.take("r") == "ConcurrentInvocationLimitExceeded"
    for name in ("r", "b", "c"):
        slots.give_back(name)
    assert [slots.running(name) for name in ("a", "b", "c", "r")] == [0, 0, 0, 0]
    assert [slots.take("a") for _ in range(4)] == [None, None, None, "ConcurrentInvocationLimitExceeded"]
