"""Discarded events: kept, bounded, redriven; events in every standing; the story of one."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from callpark.functions.events.administration import EventStanding, UnknownEvent
from callpark.functions.events.discarded import PAYLOADS, TABLE
from callpark.functions.model import EventInvokeConfig
from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import LambdaLimits
from callpark.store.memory import MemoryStore
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.scene import Scene, opened, opened_on

pytestmark = pytest.mark.sim

ONCE = EventInvokeConfig(maximum_retry_attempts=0)


def fail(run: Run) -> object:
    raise HandlerError("no")


def answer(run: Run) -> object:
    return run.event


async def standings(scene: Scene, function: str | None = None) -> dict[str, EventStanding]:
    found = await scene.clock.run_until(scene.functions.events.standing(function, 100))
    return {standing.request_id: standing for standing in found}


async def test_waiting_running_retrying_and_throttled_events_are_told_apart(scene: Scene) -> None:
    gate = asyncio.Event()

    async def wait(run: Run) -> object:
        await gate.wait()
        return None

    await scene.declare("fails", fail)
    await scene.declare("slow", wait, reserved=1)
    retrying = await scene.send("fails", {"a": 1})
    await scene.clock.settle()
    running = await scene.send("slow")
    throttled = await scene.send("slow")
    waiting = await scene.send("slow", qualifier="$LATEST")
    await scene.clock.advance(0.5)
    found = await standings(scene)
    assert {request_id: standing.status for request_id, standing in found.items()} == {
        retrying: "retrying",
        running: "running",
        throttled: "throttled",
        waiting: "waiting",
    }
    assert await scene.functions.events.due() == 3, "all but the one that waits for its retry"
    assert found[retrying].next_at == scene.start + 60
    assert (found[retrying].attempts, found[retrying].size) == (1, 8)
    assert found[retrying].age_seconds == 0.5
    assert found[throttled].next_at == scene.start + 1
    assert found[waiting].qualifier == "$LATEST"
    assert set(await standings(scene, "fails")) == {retrying}
    gate.set()
    await scene.clock.advance(400)
    assert await standings(scene) == {}


async def test_a_discarded_event_is_kept_with_its_payload_until_it_is_redriven(scene: Scene) -> None:
    await scene.declare("f", fail, config=ONCE)
    request_id = await scene.send("f", {"amount": 3})
    await scene.clock.settle()
    (kept,) = scene.functions.events.discarded("f")
    assert (kept.request_id, kept.reason, kept.attempts, kept.size) == (request_id, "RetriesExhausted", 1, 13)
    assert kept.ended_at == scene.start

    scene.environments.handlers["f"] = answer
    (redriven,) = await scene.clock.run_until(scene.functions.events.redrive("f"))
    assert redriven.request_id == request_id
    assert redriven.copy not in (None, request_id)
    await scene.clock.settle()
    assert scene.environments.runs[-1].event == {"amount": 3}
    assert scene.environments.runs[-1].request_id == redriven.copy
    assert scene.functions.events.discarded(None) == []
    assert not await scene.store.scan(TABLE)
    assert not await scene.store.scan(PAYLOADS)


async def test_discarded_events_survive_a_crash(clock: VirtualClock, tmp_path: Path) -> None:
    scene = await opened(clock, tmp_path)
    await scene.declare("f", fail, config=ONCE)
    request_id = await scene.send("f", {"n": 1}, qualifier="$LATEST")
    await clock.settle()
    assert isinstance(scene.store, MemoryStore)
    scene = await opened_on(scene.store.crash(), clock, tmp_path, scene.environments, definitions=scene.definitions)
    (kept,) = scene.functions.events.discarded("f")
    assert (kept.request_id, kept.qualifier) == (request_id, "$LATEST")
    scene.environments.handlers["f"] = answer
    copy = await clock.run_until(scene.functions.events.replay(request_id))
    await clock.settle()
    assert (scene.environments.runs[-1].request_id, scene.environments.runs[-1].event) == (copy, {"n": 1})


async def test_the_oldest_discarded_events_go_beyond_the_bounds(clock: VirtualClock, tmp_path: Path) -> None:
    limits = replace(LambdaLimits(), kept_discarded=3)
    scene = await opened(clock, tmp_path, limits)
    await scene.declare("f", fail, config=ONCE)
    sent = [await scene.send("f", number) for number in range(5)]
    await clock.settle()
    assert {kept.request_id for kept in scene.functions.events.discarded("f")} == set(sent[2:])
    assert {row.key for row in await scene.store.scan(TABLE)} == set(sent[2:])
    assert {row.key for row in await scene.store.scan(PAYLOADS)} == set(sent[2:])


async def test_payloads_of_discarded_events_are_bounded_by_size(clock: VirtualClock, tmp_path: Path) -> None:
    scene = await opened(clock, tmp_path, replace(LambdaLimits(), kept_discarded_bytes=250))
    await scene.declare("f", fail, config=ONCE)
    for _ in range(4):
        await scene.send("f", "x" * 98)
        await clock.settle()
    assert len(await scene.store.scan(PAYLOADS)) == 2
    await scene.send("f", "x" * 1_000)
    await clock.settle()
    assert len(await scene.store.scan(PAYLOADS)) == len(scene.functions.events.discarded("f")) == 0


async def test_discarded_events_are_forgotten_after_fourteen_days(scene: Scene) -> None:
    await scene.declare("f", fail, config=ONCE)
    await scene.send("f", 1)
    await scene.clock.settle()
    await scene.clock.advance(14 * 86_400 + 1)
    assert scene.functions.events.discarded("f") == []
    young = await scene.send("f", 2)
    await scene.clock.settle()
    assert [row.key for row in await scene.store.scan(TABLE)] == [young]


async def test_events_of_a_deleted_function_can_be_redriven_once_it_is_back(scene: Scene) -> None:
    await scene.create("f", fail)
    request_id = await scene.send("f", {"n": 1})
    await scene.clock.settle()
    await scene.clock.run_until(scene.functions.administration.delete_function("f"))
    await scene.clock.advance(60)
    (kept,) = scene.functions.events.discarded("f")
    assert (kept.request_id, kept.reason) == (request_id, "FunctionDeleted")

    (refused,) = await scene.clock.run_until(scene.functions.events.redrive("f"))
    assert refused.copy is None
    assert "Function not found" in (refused.refusal or "")
    assert len(scene.functions.events.discarded("f")) == 1

    await scene.create("f", answer)
    (done,) = await scene.clock.run_until(scene.functions.events.redrive("f"))
    assert done.copy is not None


async def test_only_those_named_are_redriven(scene: Scene) -> None:
    await scene.declare("f", fail, config=ONCE)
    sent = [await scene.send("f", number) for number in range(3)]
    await scene.clock.settle()
    redriven = await scene.clock.run_until(scene.functions.events.redrive(None, [sent[1], sent[1]]))
    assert [done.request_id for done in redriven] == [sent[1]]
    assert {row.key for row in await scene.store.scan(TABLE)} >= {sent[0], sent[2]}
    with pytest.raises(UnknownEvent):
        await scene.clock.run_until(scene.functions.events.redrive(None, ["nobody"]))


async def test_a_success_is_replayed_with_the_same_or_another_payload(scene: Scene) -> None:
    await scene.declare("f", answer)
    request_id = await scene.send("f", {"n": 1})
    await scene.clock.settle()
    (known,) = scene.functions.events.succeeded("f")
    assert (known.request_id, known.status, known.attempts) == (request_id, "succeeded", 1)
    await scene.clock.run_until(scene.functions.events.replay(request_id))
    await scene.clock.run_until(scene.functions.events.replay(request_id, b'{"n": 2}'))
    await scene.clock.settle()
    assert [run.event for run in scene.environments.runs] == [{"n": 1}, {"n": 1}, {"n": 2}]
    with pytest.raises(UnknownEvent):
        await scene.clock.run_until(scene.functions.events.replay("nobody"))


async def test_the_story_of_an_event_that_failed_three_times(scene: Scene) -> None:
    await scene.declare("f", fail, config=EventInvokeConfig(on_failure=scene.functions.arn("g")))
    await scene.declare("g", answer)
    request_id = await scene.send("f", {"n": 1})
    story = await scene.clock.run_until(scene.functions.events.story(request_id))
    assert story.standing is not None
    assert story.standing.status in ("waiting", "running", "retrying")
    await scene.clock.advance(200)
    story = await scene.clock.run_until(scene.functions.events.story(request_id))
    assert story.standing is not None
    assert (story.standing.status, story.standing.reason) == ("discarded", "RetriesExhausted")
    assert [(round(step.at - scene.start), step.kind) for step in story.steps] == [
        (0, "accepted"),
        (0, "retry"),
        (60, "retry"),
        (180, "delivered"),
        (180, "discarded"),
    ]
    assert json.loads(story.payload or "") == {"n": 1}
    assert json.loads(story.response or "")["errorType"] == "HandlerError"
    copy = await scene.clock.run_until(scene.functions.events.replay(request_id))
    for subject, text in ((request_id, f"again as {copy}"), (copy, f"again, after {request_id}")):
        story = await scene.clock.run_until(scene.functions.events.story(subject))
        assert text in [step.text for step in story.steps]
    with pytest.raises(UnknownEvent):
        await scene.clock.run_until(scene.functions.events.story("nobody"))
