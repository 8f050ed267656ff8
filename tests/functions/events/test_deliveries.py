"""Records and dead letters for topics, event buses and buckets (lambda.md §5.2, §6): shapes, retries, restarts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from callpark.functions.events import happenings
from callpark.functions.model import EventInvokeConfig, FunctionConfiguration
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from callpark.store.memory import MemoryStore
from tests.functions.plain_environments import HandlerError, PlainEnvironments, Run
from tests.functions.scene import Scene, opened_on
from tests.functions.upstreams import ScriptedUpstreams

pytestmark = pytest.mark.sim

TOPIC = "arn:aws:sns:us-east-1:123456789012:t"
BUS = "arn:aws:events:us-east-1:123456789012:event-bus/b"
BUCKET = "arn:aws:s3:::bucket"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST"
PUBLISHED = {"MessageId": "m-1"}
DOWN = CallerError("ServiceUnavailable", 503, "down")


def fails(run: Run) -> object:
    raise HandlerError("intentional failure")


async def scene_with(
    clock: VirtualClock, folder: Path, upstreams: ScriptedUpstreams, limits: LambdaLimits | None = None
) -> Scene:
    store = MemoryStore(clock)
    return await opened_on(store, clock, folder, PlainEnvironments(clock), limits, upstreams=upstreams)


def always(answer: Mapping[str, object] | CallerError, service: str, operation: str) -> ScriptedUpstreams:
    return ScriptedUpstreams({(service, operation): [answer]})


async def end(scene: Scene, event: object) -> str:
    """Run an event to its end, and what it leaves behind to its target; its request id."""
    request_id = await scene.send("f", event)
    await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    await scene.clock.settle()
    return request_id


async def test_a_record_for_a_topic_is_the_message(clock: VirtualClock, tmp_path: Path) -> None:
    """message = record (lambda.md §5.2); no attributes (rule L9)."""
    upstreams = always(PUBLISHED, "sns", "Publish")
    scene = await scene_with(clock, tmp_path, upstreams)
    assert await scene.declare("f", lambda run: {"a": 1}, config=EventInvokeConfig(on_success=TOPIC)) == []
    request_id = await end(scene, {"message": "hi"})
    ((service, operation, parameters),) = upstreams.calls
    assert (service, operation, set(parameters)) == ("sns", "Publish", {"TopicArn", "Message"})
    record = json.loads(str(parameters["Message"]))
    assert record["requestContext"]["requestId"] == request_id
    assert record["requestContext"]["condition"] == "Success"
    assert happenings.DestinationDelivered(request_id, "f", "OnSuccess", TOPIC, "m-1") in scene.happened(request_id)
    assert await scene.store.count("deliveries") == 0


@pytest.mark.parametrize(("success", "outcome"), [(True, "Success"), (False, "Failure")])
async def test_a_record_for_an_event_bus(clock: VirtualClock, tmp_path: Path, success: bool, outcome: str) -> None:
    """Source, detail type and resources as a rule's target saw them (recorded)."""
    upstreams = always({"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}, "events", "PutEvents")
    scene = await scene_with(clock, tmp_path, upstreams)
    config = EventInvokeConfig(maximum_retry_attempts=0, on_success=BUS, on_failure=BUS)
    await scene.declare("f", (lambda run: 1) if success else fails, config=config)
    request_id = await end(scene, {})
    ((_, _, parameters),) = upstreams.calls
    (entry,) = cast("Sequence[Mapping[str, object]]", parameters["Entries"])
    assert {key: value for key, value in entry.items() if key != "Detail"} == {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {outcome}",
        "Resources": [BUS, FUNCTION],
        "EventBusName": BUS,
    }
    assert json.loads(str(entry["Detail"]))["requestContext"]["requestId"] == request_id
    told = [h.delivered_id for h in scene.trace_of(happenings.DestinationDelivered)]
    assert told == ["e-1"]


async def test_a_record_for_a_bucket_has_a_key_by_day(clock: VirtualClock, tmp_path: Path) -> None:
    """aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random UUID> (lambda.md §5.2)."""
    upstreams = always({"ETag": "x"}, "s3", "PutObject")
    scene = await scene_with(clock, tmp_path, upstreams)
    config = EventInvokeConfig(maximum_retry_attempts=0, on_failure=BUCKET)
    await scene.declare("f", fails, config=config)
    request_id = await end(scene, {"n": 1})
    ((_, _, parameters),) = upstreams.calls
    assert parameters["Bucket"] == "bucket"
    record = json.loads(parameters["Body"])  # type: ignore[arg-type]
    at = record["timestamp"]
    key = str(parameters["Key"])
    assert key.startswith(f"aws/lambda/async/f/{at[:10].replace('-', '/')}/{at[:19].replace(':', '.')}-")
    assert len(key.rpartition("/")[2]) == len("2026-01-01T00.00.00-") + 36
    (told,) = scene.trace_of(happenings.DestinationDelivered)
    assert (told.subject, told.delivered_id) == (request_id, key)


async def test_a_dead_letter_for_a_topic_is_the_event_with_three_attributes(
    clock: VirtualClock, tmp_path: Path
) -> None:
    """Body byte for byte; RequestID, ErrorCode (a Number) and ErrorMessage (recorded)."""
    upstreams = always(PUBLISHED, "sns", "Publish")
    scene = await scene_with(clock, tmp_path, upstreams)
    configuration = FunctionConfiguration("f", "python3.11", "app.handler", dead_letter_target=TOPIC)
    config = EventInvokeConfig(maximum_retry_attempts=2)
    await scene.declare("f", fails, config=config, configuration=configuration)
    request_id = await end(scene, {"n": 1})
    assert scene.since_start() == 180
    ((_, _, parameters),) = upstreams.calls
    assert parameters == {
        "TopicArn": TOPIC,
        "Message": '{"n": 1}',
        "MessageAttributes": {
            "RequestID": {"DataType": "String", "StringValue": request_id},
            "ErrorCode": {"DataType": "Number", "StringValue": "200"},
            "ErrorMessage": {"DataType": "String", "StringValue": "intentional failure"},
        },
    }
    assert happenings.DeadLetterSent(request_id, "f", TOPIC, "m-1") in scene.happened(request_id)


async def test_what_may_pass_is_tried_again_later_and_later(clock: VirtualClock, tmp_path: Path) -> None:
    throttled = CallerError("ThrottlingException", 400, "slow down")
    upstreams = ScriptedUpstreams({("sns", "Publish"): [DOWN, throttled, DOWN, PUBLISHED]})
    scene = await scene_with(clock, tmp_path, upstreams)
    await scene.declare("f", lambda run: 1, config=EventInvokeConfig(on_success=TOPIC))
    request_id = await end(scene, {})
    start = clock.now()
    await clock.advance(1 + 2 + 4)
    delayed = [h.at - start for h in scene.happened(request_id) if isinstance(h, happenings.DeliveryDelayed)]
    assert delayed == [1, 3, 7]
    assert len(upstreams.calls) == 4
    assert scene.trace_of(happenings.DestinationFailed) == []
    assert len(scene.trace_of(happenings.DestinationDelivered)) == 1
    told = [(step.kind, step.text) for step in (await scene.functions.events.story(request_id)).steps]
    assert ("undelivered", f"to {TOPIC}: ServiceUnavailable: down, next try in 1 s") in told
    assert told[-1] == ("delivered", f"OnSuccess to {TOPIC}")


async def test_a_delivery_is_given_up_in_the_end(clock: VirtualClock, tmp_path: Path) -> None:
    upstreams = always(DOWN, "sns", "Publish")
    scene = await scene_with(clock, tmp_path, upstreams, LambdaLimits(delivery_seconds=600.0))
    configuration = FunctionConfiguration("f", "python3.11", "app.handler", dead_letter_target=TOPIC)
    config = EventInvokeConfig(maximum_retry_attempts=0, on_failure=TOPIC)
    await scene.declare("f", fails, config=config, configuration=configuration)
    request_id = await end(scene, {})
    await clock.advance(601)
    assert await scene.store.count("deliveries") == 0
    (lost,) = scene.trace_of(happenings.DestinationFailed)
    assert (lost.subject, lost.reason) == (request_id, "ServiceUnavailable: down")
    assert json.loads(lost.record)["requestContext"]["requestId"] == request_id
    assert [h.reason for h in scene.trace_of(happenings.DeadLetterFailed)] == ["ServiceUnavailable: down"]
    assert len(upstreams.calls) == 2 * 10  # at once, then after 1, 3, 7, 15, 31, 63, 127, 255 and 511 s


@pytest.mark.parametrize(
    ("target", "answers", "reason"),
    [
        (TOPIC, {("sns", "Publish"): [CallerError("NotFound", 404, "Topic does not exist")]}, "NotFound: Topic does"),
        (TOPIC, {("s3", "PutObject"): [PUBLISHED]}, "NotImplemented: nobody serves sns here: name who serves sns"),
        (f"{TOPIC}.fifo", {("sns", "Publish"): [PUBLISHED]}, "FIFO topics are not supported"),
        (
            BUS,
            {("events", "PutEvents"): [{"Entries": [{"ErrorCode": "MalformedDetail", "ErrorMessage": "no"}]}]},
            "MalformedDetail: no",
        ),
    ],
)
async def test_what_is_refused_is_not_tried_again(
    clock: VirtualClock,
    tmp_path: Path,
    target: str,
    answers: dict[tuple[str, str], list[Mapping[str, object] | CallerError]],
    reason: str,
) -> None:
    scene = await scene_with(clock, tmp_path, ScriptedUpstreams(answers))
    await scene.declare("f", lambda run: 1, config=EventInvokeConfig(on_success=target))
    await end(scene, {})
    (lost,) = scene.trace_of(happenings.DestinationFailed)
    assert lost.reason.startswith(reason)
    assert await scene.store.count("deliveries") == 0


async def test_a_message_for_a_topic_has_at_most_256_kb(clock: VirtualClock, tmp_path: Path) -> None:
    """lambda.md §2.4: although SQS and Lambda moved to 1 MB."""
    upstreams = always(PUBLISHED, "sns", "Publish")
    scene = await scene_with(clock, tmp_path, upstreams)
    await scene.declare("f", lambda run: "x" * 262_144, config=EventInvokeConfig(on_success=TOPIC))
    await end(scene, {})
    (lost,) = scene.trace_of(happenings.DestinationFailed)
    assert "one for a topic may have 262144" in lost.reason
    assert upstreams.calls == []


async def test_a_delivery_survives_a_crash(clock: VirtualClock, tmp_path: Path) -> None:
    store, environments = MemoryStore(clock), PlainEnvironments(clock)
    down = always(DOWN, "sns", "Publish")
    before = await opened_on(store, clock, tmp_path, environments, upstreams=down)
    await before.declare("f", lambda run: 1, config=EventInvokeConfig(on_success=TOPIC))
    request_id = await end(before, {})
    await before.functions.close()

    up = always(PUBLISHED, "sns", "Publish")
    after = await opened_on(store.crash(), clock, tmp_path, environments, definitions=before.definitions, upstreams=up)
    await clock.advance(5)
    assert len(down.calls) == 1
    assert len(up.calls) == 1
    assert after.happened(request_id)[-1] == happenings.DestinationDelivered(request_id, "f", "OnSuccess", TOPIC, "m-1")


async def test_many_deliveries_are_made_a_few_at_a_time(clock: VirtualClock, tmp_path: Path) -> None:
    upstreams = always(PUBLISHED, "sns", "Publish")
    scene = await scene_with(clock, tmp_path, upstreams, LambdaLimits(deliveries=2))
    await scene.declare("f", lambda run: 1, config=EventInvokeConfig(on_success=TOPIC))
    for _ in range(9):
        await end(scene, {})
    assert len(upstreams.calls) == 9
    assert len(scene.trace_of(happenings.DestinationDelivered)) == 9
