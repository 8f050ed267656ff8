"""Invocation records and their delivery (lambda.md §5); shapes as recorded, key order included."""

import json
import logging

import pytest

from callpark.functions.events import happenings
from callpark.functions.events.destinations import Response, derived_request_id, invocation_record
from callpark.functions.model import EventInvokeConfig, FunctionConfiguration
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.scene import PLACE, Scene

pytestmark = pytest.mark.sim

ID = "11111111-2222-4333-8444-555555555555"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:F:$LATEST"


def arn(name: str) -> str:
    return PLACE.arn("lambda", f"function:{name}")


def fails(run: Run) -> object:
    raise HandlerError("intentional failure")


def test_the_record_of_a_success() -> None:
    record = invocation_record(
        at=1764025868.123,
        request_id=ID,
        function_arn=ARN,
        condition="Success",
        attempts=1,
        payload=b'{"message": "hi"}',
        response=Response(b'{"hello":"world"}', None),
    )
    assert record.decode() == (
        '{"version":"1.0","timestamp":"2025-11-24T23:11:08.123Z",'
        f'"requestContext":{{"requestId":"{ID}","functionArn":"{ARN}","condition":"Success","approximateInvokeCount":1}},'
        '"requestPayload":{"message": "hi"},'
        '"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},'
        '"responsePayload":{"hello":"world"}}'
    )


def test_the_record_of_a_failure() -> None:
    record = invocation_record(
        at=1764025868.0,
        request_id=ID,
        function_arn=ARN,
        condition="RetriesExhausted",
        attempts=3,
        payload=b"{}",
        response=Response(b'{"errorMessage":"x"}', "Unhandled"),
    )
    assert record.endswith(
        b'"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},'
        b'"responsePayload":{"errorMessage":"x"}}'
    )


def test_without_a_run_there_are_no_response_parts() -> None:
    record = invocation_record(
        at=0.0,
        request_id=ID,
        function_arn=ARN,
        condition="ZeroReservedConcurrency",
        attempts=0,
        payload=b"{}",
        response=None,
    )
    assert list(json.loads(record)) == ["version", "timestamp", "requestContext", "requestPayload"]
    assert json.loads(record)["requestContext"]["approximateInvokeCount"] == 0


async def test_on_success_invokes_the_other_function_asynchronously(scene: Scene) -> None:
    await scene.declare("after", lambda run: None)
    await scene.declare("f", lambda run: {"hello": "world"}, config=EventInvokeConfig(on_success=arn("after")))
    request_id = await scene.send("f", {"message": "hi"})
    delivered = derived_request_id(request_id, "OnSuccess")
    await scene.clock.run_until(scene.functions.wait_for_event(delivered))
    run = scene.environments.runs[1]
    assert (run.function, run.request_id, run.patient) == ("after", delivered, True)
    assert isinstance(run.event, dict)
    assert run.event["requestContext"] == {
        "requestId": request_id,
        "functionArn": f"{arn('f')}:$LATEST",
        "condition": "Success",
        "approximateInvokeCount": 1,
    }
    assert run.event["requestPayload"] == {"message": "hi"}
    assert run.event["responsePayload"] == {"hello": "world"}
    kind = happenings.DestinationDelivered(request_id, "f", "OnSuccess", arn("after"), delivered)
    assert kind in scene.happened(request_id)


@pytest.mark.parametrize(
    ("config", "reserved", "condition", "count"),
    [
        (EventInvokeConfig(), None, "RetriesExhausted", 3),
        (EventInvokeConfig(maximum_retry_attempts=0), None, "RetriesExhausted", 1),
        (EventInvokeConfig(maximum_event_age_seconds=90), None, "EventAgeExceeded", 2),
        (EventInvokeConfig(maximum_retry_attempts=0), 0, "ZeroReservedConcurrency", 0),
    ],
)
async def test_on_failure_tells_why(
    scene: Scene, config: EventInvokeConfig, reserved: int | None, condition: str, count: int
) -> None:
    await scene.declare("after", lambda run: None)
    failing = EventInvokeConfig(
        config.maximum_retry_attempts, config.maximum_event_age_seconds, on_failure=arn("after")
    )
    await scene.declare("f", fails, config=failing, reserved=reserved)
    request_id = await scene.send("f", {"raise_error": 1})
    await scene.clock.run_until(scene.functions.wait_for_event(derived_request_id(request_id, "OnFailure")))
    record = scene.environments.runs[-1].event
    assert isinstance(record, dict)
    assert record["requestContext"]["condition"] == condition
    assert record["requestContext"]["approximateInvokeCount"] == count
    if count:
        assert record["responseContext"]["functionError"] == "Unhandled"
        assert record["responsePayload"]["errorMessage"] == "intentional failure"
    else:
        assert "responseContext" not in record


async def test_a_destination_that_fails_is_retried_like_any_event(scene: Scene) -> None:
    await scene.declare("after", fails)
    await scene.declare("f", lambda run: None, config=EventInvokeConfig(on_success=arn("after")))
    delivered = derived_request_id(await scene.send("f"), "OnSuccess")
    result = await scene.clock.run_until(scene.functions.wait_for_event(delivered))
    assert (result.condition, result.attempts) == ("RetriesExhausted", 3)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (
            "arn:aws:sns:us-east-1:123456789012:t",
            "NotImplemented: nobody serves sns here: no upstreams are connected",
        ),
        (arn("gone"), f"Function not found: {arn('gone')}:$LATEST"),
    ],
)
async def test_what_cannot_be_delivered_is_seen(
    scene: Scene, caplog: pytest.LogCaptureFixture, target: str, reason: str
) -> None:
    warnings = await scene.declare("f", lambda run: 1, config=EventInvokeConfig(on_success=target))
    assert [target in warning for warning in warnings] == ([True] if ":sns:" in target else [])
    request_id = await scene.send("f")
    await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    await scene.clock.settle()
    failed = [h for h in scene.happened(request_id) if isinstance(h, happenings.DestinationFailed)]
    assert [(h.kind, h.target, h.reason) for h in failed] == [("OnSuccess", target, reason)]
    assert json.loads(failed[0].record)["responsePayload"] == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert await scene.store.count("events/f") == 0


async def test_a_record_that_is_too_large_is_not_delivered(scene: Scene) -> None:
    await scene.declare("after", lambda run: None)
    await scene.declare("f", lambda run: "x" * 1_048_576, config=EventInvokeConfig(on_success=arn("after")))
    request_id = await scene.send("f")
    await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    failed = [h for h in scene.happened(request_id) if isinstance(h, happenings.DestinationFailed)]
    assert len(failed) == 1
    assert "an event may have 1048576" in failed[0].reason


async def test_a_dead_letter_target_that_nobody_serves_is_named_when_it_misses_an_event(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    target = "arn:aws:sns:us-east-1:123456789012:dead"
    configuration = FunctionConfiguration("f", "python3.11", "app.handler", dead_letter_target=target)
    config = EventInvokeConfig(maximum_retry_attempts=0)
    warnings = await scene.declare("f", fails, config=config, configuration=configuration)
    assert len(warnings) == 1
    assert target in warnings[0]
    request_id = await scene.send("f")
    await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    await scene.clock.settle()
    assert scene.happened(request_id)[-1] == happenings.DeadLetterFailed(
        request_id, "f", target, "NotImplemented: nobody serves sns here: no upstreams are connected"
    )
    assert "dead" in caplog.text
