"""InvokeWithResponseStream (lambda.md §16), before the gateway frames it."""

import pytest

from callpark.kernel.operations import Answer, Call
from tests.functions.api.conftest import NEW, Refused
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.scene import PLACE, Scene

pytestmark = pytest.mark.sim


async def streamed(scene: Scene, **given: object) -> tuple[dict[str, object], list[tuple[str, dict[str, object]]]]:
    call = Call("lambda", "InvokeWithResponseStream", {"FunctionName": "f", **given}, "id", PLACE)
    answer = await scene.clock.run_until(scene.table["lambda", "InvokeWithResponseStream"](call))
    assert isinstance(answer, Answer)
    assert answer.stream is not None
    return dict(answer.members), [(name, dict(members)) async for name, members in answer.stream]


def fails(run: Run) -> object:
    raise HandlerError("no")


async def test_chunks_then_complete(scene: Scene) -> None:
    scene.environments.handlers["f"] = lambda run: run.event
    await scene.call("CreateFunction", **NEW, Publish=True)
    members, events = await streamed(scene, Qualifier="1", Payload=b'{"a": 1}', LogType="Tail")
    assert (members["StatusCode"], members["ExecutedVersion"]) == (200, "1")
    assert events == [
        ("PayloadChunk", {"Payload": b'{"a": 1}'}),
        ("InvokeComplete", {"LogResult": "U1RBUlQK"}),
    ]


async def test_a_failure_is_told_at_the_end(scene: Scene) -> None:
    scene.environments.handlers["f"] = fails
    await scene.call("CreateFunction", **NEW)
    _, events = await streamed(scene)
    ((name, complete),) = events
    assert (name, complete["ErrorCode"]) == ("InvokeComplete", "Unhandled")
    assert '"errorMessage": "no"' in str(complete["ErrorDetails"])


async def test_the_slot_is_taken_until_the_run_has_ended(scene: Scene, refused: Refused) -> None:
    scene.environments.handlers["f"] = lambda run: None
    await scene.call("CreateFunction", **NEW)
    await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=1)
    for _ in range(3):
        await streamed(scene)
    await scene.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
    assert (await refused("InvokeWithResponseStream", FunctionName="f")).status == 429


async def test_dry_run(scene: Scene) -> None:
    await scene.call("CreateFunction", **NEW)
    assert await scene.call("InvokeWithResponseStream", FunctionName="f", InvocationType="DryRun") == {
        "StatusCode": 204
    }
    assert scene.environments.runs == []


@pytest.mark.parametrize("media", ["text/xml", "application/pdf", "multipart/form-data; boundary=x"])
async def test_what_says_it_is_not_json_is_refused(scene: Scene, media: str) -> None:
    """415, §2.6."""
    await scene.call("CreateFunction", **NEW)
    for operation in ("Invoke", "InvokeWithResponseStream"):
        call = Call("lambda", operation, {"FunctionName": "f"}, "id", PLACE, {"content-type": media})
        with pytest.raises(Exception, match="UnsupportedMediaTypeException") as refusal:
            await scene.clock.run_until(scene.table["lambda", operation](call))
        assert getattr(refusal.value, "status", None) == 415
        assert getattr(refusal.value, "body", {})["Type"] == "User"


@pytest.mark.parametrize(
    "media",
    ["application/json; charset=utf-8", "application/octet-stream", "application/x-www-form-urlencoded",
     "text/plain;charset=UTF-8", "application/x-amz-json-1.1", "application/cloudevents+json", ""],
)  # fmt: skip
async def test_what_clients_send_without_a_thought_passes(scene: Scene, media: str) -> None:
    scene.environments.handlers["f"] = lambda run: None
    await scene.call("CreateFunction", **NEW)
    call = Call("lambda", "Invoke", {"FunctionName": "f"}, "id", PLACE, {"content-type": media})
    answer = await scene.clock.run_until(scene.table["lambda", "Invoke"](call))
    assert not isinstance(answer, Answer)
    assert answer["StatusCode"] == 200
