"""Message move tasks, as recorded, on the clock and across restarts."""

import base64
import json

import pytest

from callpark.kernel.errors import CallerError
from tests.queues.scene import Scene, arn

pytestmark = pytest.mark.sim

INVALID = "InvalidParameterValueException"


async def refusal(scene: Scene, operation: str, **parameters: object) -> tuple[str, int, str]:
    with pytest.raises(CallerError) as caught:
        await scene.call(operation, **parameters)
    return caught.value.code, caught.value.status, caught.value.message


async def dead_letters(scene: Scene, count: int = 2) -> tuple[str, str]:
    """URLs of a queue and of its dead-letter queue, which holds `count` messages."""
    dead = await scene.create("dead")
    policy = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1})
    url = await scene.create("work", RedrivePolicy=policy)
    for number in range(count):
        await scene.send(url, f"message-{number}")
        await scene.receive(url, VisibilityTimeout=0)
    assert await scene.receive(url) == []
    assert await scene.counts(dead) == (count, 0, 0)
    return url, dead


async def listed(scene: Scene, **parameters: object) -> list[dict[str, object]]:
    return list((await scene.call("ListMessageMoveTasks", SourceArn=arn("dead"), **parameters))["Results"])


async def test_recorded_the_workflow_with_a_destination(scene: Scene) -> None:
    _, dead = await dead_letters(scene)
    other = await scene.create("other")
    started = int(scene.clock.now() * 1000)
    answer = await scene.call("StartMessageMoveTask", SourceArn=arn("dead"), DestinationArn=arn("other"))
    assert answer.keys() == {"TaskHandle"}
    await scene.clock.settle()
    assert await listed(scene) == [
        {
            "ApproximateNumberOfMessagesMoved": 2,
            "ApproximateNumberOfMessagesToMove": 2,
            "DestinationArn": arn("other"),
            "SourceArn": arn("dead"),
            "StartedTimestamp": started,
            "Status": "COMPLETED",
        }
    ]
    assert sorted(await scene.bodies(other)) == ["message-0", "message-1"]
    assert await scene.counts(dead) == (0, 0, 0)


async def test_recorded_without_a_destination_each_message_goes_where_it_came_from(scene: Scene) -> None:
    url, dead = await dead_letters(scene)
    policy = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1})
    second = await scene.create("second", RedrivePolicy=policy)
    await scene.send(second, "second")
    await scene.receive(second, VisibilityTimeout=0)
    await scene.receive(second)
    (before, *_) = await scene.receive(dead, VisibilityTimeout=0)
    await scene.call("StartMessageMoveTask", SourceArn=arn("dead"))
    await scene.clock.settle()
    (task,) = await listed(scene)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 3)
    assert "DestinationArn" not in task
    messages = await scene.receive(url)
    assert sorted(message["Body"] for message in messages) == ["message-0", "message-1"]
    assert await scene.bodies(second) == ["second"]
    assert messages[0]["Attributes"]["ApproximateReceiveCount"] == "1", "a moved message is a new one"
    assert "DeadLetterQueueSourceArn" not in messages[0]["Attributes"]
    assert before["MessageId"] not in {message["MessageId"] for message in messages}


async def test_recorded_cancelling(scene: Scene) -> None:
    url, _ = await dead_letters(scene, 10)
    answer = await scene.call("StartMessageMoveTask", SourceArn=arn("dead"), MaxNumberOfMessagesPerSecond=1)
    (task,) = await listed(scene)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"]) == (
        "RUNNING",
        0,
        10,
    )
    assert task["TaskHandle"] == answer["TaskHandle"]
    assert task["MaxNumberOfMessagesPerSecond"] == 1
    await scene.clock.advance(2.5)
    assert await scene.call("CancelMessageMoveTask", TaskHandle=answer["TaskHandle"]) == {
        "ApproximateNumberOfMessagesMoved": 2
    }
    await scene.clock.advance(10)
    (task,) = await listed(scene)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("CANCELLED", 2)
    assert "TaskHandle" not in task
    assert len(await scene.bodies(url)) == 2
    code, _, _ = await refusal(scene, "CancelMessageMoveTask", TaskHandle=answer["TaskHandle"])
    assert code == "UnsupportedOperation"


async def test_recorded_one_active_task_per_source(scene: Scene) -> None:
    await dead_letters(scene)
    await scene.call("StartMessageMoveTask", SourceArn=arn("dead"), MaxNumberOfMessagesPerSecond=1)
    assert await refusal(scene, "StartMessageMoveTask", SourceArn=arn("dead")) == (
        INVALID,
        400,
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
    )


async def test_recorded_the_destination_is_deleted_meanwhile(scene: Scene) -> None:
    _, dead = await dead_letters(scene, 10)
    other = await scene.create("other")
    await scene.call(
        "StartMessageMoveTask", SourceArn=arn("dead"), DestinationArn=arn("other"), MaxNumberOfMessagesPerSecond=1
    )
    await scene.clock.advance(3)
    await scene.call("DeleteQueue", QueueUrl=other)
    await scene.clock.advance(3)
    (task,) = await listed(scene)
    assert (task["Status"], task["FailureReason"], task["ApproximateNumberOfMessagesMoved"]) == (
        "FAILED",
        "AWS.SimpleQueueService.NonExistentQueue",
        3,
    )
    assert await scene.counts(dead) == (7, 0, 0)


async def test_a_message_that_came_from_nowhere(scene: Scene) -> None:
    _, dead = await dead_letters(scene, 0)
    await scene.send(dead, "sent here")
    await scene.call("StartMessageMoveTask", SourceArn=arn("dead"))
    await scene.clock.settle()
    (task,) = await listed(scene)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert await scene.bodies(dead) == ["sent here"]


async def test_a_running_task_goes_on_after_a_restart(scene: Scene) -> None:
    url, dead = await dead_letters(scene, 10)
    await scene.call("StartMessageMoveTask", SourceArn=arn("dead"), MaxNumberOfMessagesPerSecond=2)
    await scene.clock.advance(2)
    await scene.restart()
    await scene.clock.advance(10)
    (task,) = await listed(scene)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 10)
    assert len(await scene.bodies(url)) == 10
    assert await scene.counts(dead) == (0, 0, 0)


async def test_fifo_queues_keep_their_order(scene: Scene) -> None:
    await scene.fifo("dead.fifo")
    policy = json.dumps({"deadLetterTargetArn": arn("dead.fifo"), "maxReceiveCount": 1})
    url = await scene.fifo("work.fifo", RedrivePolicy=policy, ContentBasedDeduplication="true")
    for body in "abc":
        await scene.send(url, body, MessageGroupId="g")
    await scene.receive(url, VisibilityTimeout=1)
    await scene.clock.advance(1)
    assert await scene.receive(url) == []
    await scene.call("StartMessageMoveTask", SourceArn=arn("dead.fifo"))
    await scene.clock.settle()
    assert await scene.bodies(url) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("parameters", "answer"),
    [
        (
            {"SourceArn": arn("work")},
            (INVALID, 400, "Source queue must be configured as a Dead Letter Queue."),
        ),
        (
            {"SourceArn": arn("none")},
            (
                "ResourceNotFoundException",
                404,
                "The resource that you specified for the SourceArn parameter doesn't exist.",
            ),
        ),
        (
            {"SourceArn": arn("dead"), "DestinationArn": arn("none")},
            (
                "ResourceNotFoundException",
                404,
                "The resource that you specified for the DestinationArn parameter doesn't exist.",
            ),
        ),
        (
            {"SourceArn": arn("dead"), "DestinationArn": arn("other.fifo")},
            (INVALID, 400, "The source queue and destination queue must be of the same queue type."),
        ),
        (
            {"SourceArn": arn("dead"), "MaxNumberOfMessagesPerSecond": 501},
            (
                INVALID,
                400,
                "Value 501 for parameter MaxNumberOfMessagesPerSecond is invalid. "
                "Reason: Must be between 1 and 500, if provided.",
            ),
        ),
    ],
)
async def test_recorded_what_cannot_be_started(
    scene: Scene, parameters: dict[str, object], answer: tuple[str, int, str]
) -> None:
    await dead_letters(scene)
    await scene.fifo("other.fifo")
    assert await refusal(scene, "StartMessageMoveTask", **parameters) == answer


def handle(**values: str) -> str:
    return base64.b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    ("task_handle", "answer"),
    [
        ("foobared", (INVALID, 400, "Value for parameter TaskHandle is invalid.")),
        (handle(taskId="x"), (INVALID, 400, "Value for parameter TaskHandle is invalid.")),
        (
            handle(taskId="x", sourceArn=arn("none")),
            (
                "ResourceNotFoundException",
                404,
                "The resource that you specified for the SourceArn parameter doesn't exist.",
            ),
        ),
        (
            handle(taskId="x", sourceArn=arn("dead")),
            ("ResourceNotFoundException", 404, "Task does not exist."),
        ),
    ],
)
async def test_recorded_handles_of_nothing(scene: Scene, task_handle: str, answer: tuple[str, int, str]) -> None:
    await dead_letters(scene)
    assert await refusal(scene, "CancelMessageMoveTask", TaskHandle=task_handle) == answer


async def test_the_latest_ten_are_remembered(scene: Scene) -> None:
    await dead_letters(scene, 0)
    for _ in range(12):
        await scene.call("StartMessageMoveTask", SourceArn=arn("dead"))
        await scene.clock.advance(1)
    assert len(await listed(scene)) == 1
    tasks = await listed(scene, MaxResults=10)
    assert [task["StartedTimestamp"] for task in tasks] == sorted(
        (task["StartedTimestamp"] for task in tasks),
        reverse=True,  # type: ignore[type-var]
    )
    assert len(tasks) == 10
    assert len(await scene.store.scan("sqs-moves")) == 10
