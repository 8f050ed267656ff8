"""Recursive loops are stopped (lambda.md §9)."""

import json

import pytest

from callpark.functions.events.happenings import EventDiscarded
from callpark.functions.model import EventInvokeConfig, Invocation
from callpark.kernel.errors import CallerError
from tests.functions.plain_environments import Run
from tests.functions.scene import Scene

pytestmark = pytest.mark.sim


def calls_itself(scene: Scene) -> None:
    async def handler(run: Run) -> object:
        inner = await scene.functions.invoke(Invocation("f", b"{}", trace_header=run.attempt.trace_header))
        return json.loads(inner.payload)

    scene.environments.handlers["f"] = handler


async def test_a_synchronous_loop_ends_at_sixteen(scene: Scene) -> None:
    await scene.declare("f", lambda run: None)
    calls_itself(scene)
    with pytest.raises(CallerError) as refusal:
        await scene.functions.invoke(Invocation("f", b"{}"))
    assert (refusal.value.code, refusal.value.status) == ("RecursiveInvocationException", 400)
    assert refusal.value.body["Type"] == "User"
    assert "Message" in refusal.value.body
    assert len(scene.environments.runs) == 16


async def test_loops_may_be_allowed(scene: Scene) -> None:
    await scene.declare("f", lambda run: None)
    assert await scene.call("GetFunctionRecursionConfig", FunctionName="f") == {"RecursiveLoop": "Terminate"}
    put = await scene.call("PutFunctionRecursionConfig", FunctionName="f", RecursiveLoop="Allow")
    assert put == {"RecursiveLoop": "Allow"}

    async def forty_deep(run: Run) -> object:
        if len(scene.environments.runs) >= 40:
            return "deep enough"
        inner = await scene.functions.invoke(Invocation("f", b"{}", trace_header=run.attempt.trace_header))
        return json.loads(inner.payload)

    scene.environments.handlers["f"] = forty_deep
    assert b"deep enough" in (await scene.functions.invoke(Invocation("f", b"{}"))).payload
    assert len(scene.environments.runs) == 40


@pytest.mark.parametrize("value", ["allow", "Never", ""])
async def test_only_two_words_are_known(scene: Scene, value: str) -> None:
    """(recorded)"""
    await scene.declare("f", lambda run: None)
    with pytest.raises(CallerError) as refusal:
        await scene.call("PutFunctionRecursionConfig", FunctionName="f", RecursiveLoop=value)
    assert refusal.value.code == "ValidationException"
    assert "at 'recursiveLoop'" in refusal.value.message
    assert "enum value set: [Terminate, Allow]" in refusal.value.message


async def test_an_event_that_goes_in_circles_ends_in_its_destination(scene: Scene) -> None:
    """Our rule: the timeline says recursion."""
    records: list[object] = []

    async def sends_to_itself(run: Run) -> None:
        trace_header = run.attempt.trace_header
        await scene.functions.invoke_event(Invocation("f", b"{}", trace_header=trace_header))

    await scene.declare("g", lambda run: records.append(run.event))
    target = EventInvokeConfig(on_failure=scene.functions.arn("g"))
    await scene.declare("f", sends_to_itself, config=target)
    await scene.send("f")
    await scene.clock.advance(1)
    ran = [run for run in scene.environments.runs if run.function == "f"]
    assert len(ran) == 16
    assert [discarded.condition for discarded in scene.trace_of(EventDiscarded)] == ["recursion"]
    (record,) = records
    assert isinstance(record, dict)
    assert record["requestContext"]["condition"] == "recursion"
    assert "responseContext" not in record


async def test_a_loop_through_a_destination_is_a_loop(scene: Scene) -> None:
    await scene.declare("f", lambda run: None)
    await scene.declare("g", lambda run: None, config=EventInvokeConfig(on_success=scene.functions.arn("f")))
    await scene.declare("f", lambda run: None, config=EventInvokeConfig(on_success=scene.functions.arn("g")))
    await scene.send("f")
    await scene.clock.advance(5)
    assert len(scene.environments.runs) == 32
    assert len(scene.trace_of(EventDiscarded)) == 1
