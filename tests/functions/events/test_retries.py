"""Retries, event age and zero concurrency through the whole slice, on virtual time.

Facts: lambda.md §4.2, §4.3, §4.4.
"""

import json

import pytest

from callpark.functions.events import happenings
from callpark.functions.model import EventInvokeConfig
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.scene import Scene

pytestmark = pytest.mark.sim


def fails(run: Run) -> object:
    raise HandlerError("intentional failure")


async def test_a_failing_function_runs_at_0_60_and_180_seconds(scene: Scene) -> None:
    await scene.declare("f", fails)
    request_id = await scene.send("f", {"raise_error": 1})
    result = await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    assert scene.environments.times(scene.start) == [0, 60, 180]
    assert {run.request_id for run in scene.environments.runs} == {request_id}
    assert (result.condition, result.attempts, result.function_error) == ("RetriesExhausted", 3, "Unhandled")
    assert scene.happened(request_id) == [
        happenings.EventAccepted(request_id, "f", 18),
        happenings.EventAttemptEnded(request_id, "f", 1, "Unhandled"),
        happenings.EventRetryScheduled(request_id, "f", 1, scene.start + 60),
        happenings.EventAttemptEnded(request_id, "f", 2, "Unhandled", 60.0),
        happenings.EventRetryScheduled(request_id, "f", 2, scene.start + 180),
        happenings.EventAttemptEnded(request_id, "f", 3, "Unhandled", 180.0),
        happenings.EventDiscarded(request_id, "f", 3, "RetriesExhausted"),
    ]


@pytest.mark.parametrize(
    ("config", "times", "condition"),
    [
        (EventInvokeConfig(maximum_event_age_seconds=60), [0], "EventAgeExceeded"),
        (EventInvokeConfig(maximum_event_age_seconds=90), [0, 60], "EventAgeExceeded"),
        (EventInvokeConfig(), [0, 60, 180], "RetriesExhausted"),
        (EventInvokeConfig(maximum_retry_attempts=0), [0], "RetriesExhausted"),
        (EventInvokeConfig(maximum_retry_attempts=1), [0, 60], "RetriesExhausted"),
    ],
)
async def test_age_looks_ahead(scene: Scene, config: EventInvokeConfig, times: list[float], condition: str) -> None:
    await scene.declare("f", fails, config=config)
    result = await scene.clock.run_until(scene.functions.wait_for_event(await scene.send("f")))
    assert scene.environments.times(scene.start) == times
    assert (result.condition, result.attempts) == (condition, len(times))
    assert scene.since_start() == times[-1]


async def test_zero_concurrency_discards_without_a_run(scene: Scene) -> None:
    await scene.declare("f", fails, config=EventInvokeConfig(maximum_retry_attempts=0), reserved=0)
    result = await scene.clock.run_until(scene.functions.wait_for_event(await scene.send("f")))
    assert (result.condition, result.attempts, result.payload) == ("ZeroReservedConcurrency", 0, None)
    assert scene.environments.runs == []


async def test_a_success_ends_the_event(scene: Scene) -> None:
    await scene.declare("f", lambda run: {"got": run.event})
    request_id = await scene.send("f")
    result = await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    assert (result.condition, json.loads(result.payload or b"")) == ("Success", {"got": {}})
    await scene.clock.settle()
    assert await scene.store.count("events/f") == 0


async def test_retries_run_the_newest_code_and_configuration(scene: Scene) -> None:
    await scene.declare("f", fails)
    request_id = await scene.send("f")
    await scene.clock.advance(30)
    await scene.declare("f", lambda run: "new")
    old = scene.environments.runs[0].deployment.revision
    (scene.directory / "project" / "f" / "app.py").write_text("# longer than before, so another revision\n" * 3)
    await scene.declare("f", lambda run: "newest")
    result = await scene.clock.run_until(scene.functions.wait_for_event(request_id))
    assert (result.payload, result.attempts) == (b'"newest"', 2)
    assert scene.environments.runs[1].deployment.revision != old
    assert scene.environments.retired == [f"{scene.functions.arn('f')}:$LATEST"]
