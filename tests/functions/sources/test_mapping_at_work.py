"""A mapping at work on virtual time: real queues, plain environments."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from callpark.functions.model import FunctionConfiguration
from callpark.functions.sources.happenings import BatchThrottled, MessagesFilteredOut
from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.limits import LambdaLimits
from callpark.store.memory import MemoryStore
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.sources.conftest import Fed, bodies, feed

pytestmark = pytest.mark.sim


def ok(run: Run) -> object:
    return None


def fails(run: Run) -> object:
    raise HandlerError("no")


async def test_a_message_reaches_the_function_and_is_deleted(fed: Fed) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", ok)
    await fed.map("q")
    (message_id,) = await fed.send("q", '{"k": 1}')
    await fed.clock.settle()
    (run,) = fed.scene.environments.runs
    assert fed.times() == [0.0]
    assert isinstance(run.event, dict)
    (record,) = run.event["Records"]
    assert record["messageId"] == message_id
    assert await fed.left("q") == 0
    assert run.deployment.version == "$LATEST"


async def test_messages_that_wait_already(fed: Fed) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", ok)
    await fed.send("q", *map(str, range(25)))
    await fed.map("q")
    await fed.clock.settle()
    assert sorted(len(batch) for batch in fed.bodies()) == [5, 10, 10]
    assert await fed.left("q") == 0


async def test_an_error_leaves_the_batch_until_visibility_ends(fed: Fed) -> None:
    """(recorded) the retry interval is the visibility timeout; no asynchronous retries."""
    await fed.queue("q", VisibilityTimeout="7")
    await fed.scene.declare("f", fails)
    await fed.map("q")
    await fed.send("q", "a", "b")
    await fed.clock.advance(30)
    assert fed.times() == [0.0, 7.0, 14.0, 21.0, 28.0]
    assert fed.bodies() == [["a", "b"]] * 5
    assert {one.error for one in fed.ended()} == {"Unhandled"}


async def test_the_redrive_policy_decides_the_end(fed: Fed) -> None:
    """(recorded)"""
    await fed.queue("dead")
    policy = json.dumps({"deadLetterTargetArn": fed.arn("dead"), "maxReceiveCount": 2})
    await fed.queue("q", VisibilityTimeout="5", RedrivePolicy=policy)
    await fed.scene.declare("f", fails)
    await fed.map("q")
    await fed.send("q", "a")
    await fed.clock.advance(60)
    assert fed.times() == [0.0, 5.0]
    assert (await fed.left("q"), await fed.left("dead")) == (0, 1)


async def test_only_the_reported_failures_stay(fed: Fed) -> None:
    """(recorded) ReportBatchItemFailures."""
    await fed.queue("q", VisibilityTimeout="5")

    def handler(run: Run) -> object:
        assert isinstance(run.event, dict)
        bad = [one["messageId"] for one in run.event["Records"] if one["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": one} for one in bad]}

    await fed.scene.declare("f", handler)
    await fed.map("q", FunctionResponseTypes=["ReportBatchItemFailures"])
    await fed.send("q", "good", "bad", "fine")
    await fed.clock.advance(6)
    assert fed.bodies() == [["good", "bad", "fine"], ["bad"]]
    assert fed.times() == [0.0, 5.0]
    assert [(one.messages, one.deleted, one.error) for one in fed.ended()] == [
        (3, 2, "BatchItemFailures"),
        (1, 0, "BatchItemFailures"),
    ]


async def test_a_malformed_report_fails_the_whole_batch(fed: Fed) -> None:
    """(recorded) the good messages too."""
    await fed.queue("q", VisibilityTimeout="5")
    await fed.scene.declare("f", lambda run: {"batchItemFailures": [{"foo": "x"}]})
    await fed.map("q", FunctionResponseTypes=["ReportBatchItemFailures"])
    await fed.send("q", "a", "b")
    await fed.clock.advance(6)
    assert fed.bodies() == [["a", "b"], ["a", "b"]]
    assert await fed.left("q") == 2


async def test_without_the_response_type_a_report_means_nothing(fed: Fed) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", lambda run: {"batchItemFailures": [{"foo": "x"}]})
    await fed.map("q")
    await fed.send("q", "a")
    await fed.clock.settle()
    assert await fed.left("q") == 0


async def test_filtered_out_messages_are_deleted(fed: Fed) -> None:
    """(recorded) also plain text, which never matches a JSON pattern."""
    await fed.queue("q")
    await fed.scene.declare("f", ok)
    await fed.map("q", FilterCriteria={"Filters": [{"Pattern": '{"body": {"kind": ["order"]}}'}]})
    await fed.send("q", '{"kind": "order"}', '{"kind": "other"}', "order", "123")
    await fed.clock.settle()
    assert fed.bodies() == [['{"kind": "order"}']]
    assert await fed.left("q") == 0
    assert [one.messages for one in fed.scene.trace_of(MessagesFilteredOut)] == [3]


async def test_a_window_gathers_a_batch(fed: Fed) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", ok)
    await fed.map("q", BatchSize=100, MaximumBatchingWindowInSeconds=5)
    await fed.send("q", "a")
    await fed.clock.advance(2)
    await fed.send("q", *map(str, range(30)))
    await fed.clock.advance(10)
    assert [len(batch) for batch in fed.bodies()] == [31]
    assert fed.times() == [5.0]
    assert await fed.left("q") == 0


async def test_a_full_batch_does_not_wait_for_its_window(fed: Fed) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", ok)
    await fed.map("q", BatchSize=20, MaximumBatchingWindowInSeconds=5)
    await fed.send("q", *map(str, range(25)))
    await fed.clock.advance(10)
    assert [len(batch) for batch in fed.bodies()] == [20, 5]
    assert fed.times() == [0.0, 5.0]


async def test_a_window_longer_than_the_visibility_delivers_once(fed: Fed) -> None:
    await fed.queue("q", VisibilityTimeout="10")
    await fed.scene.declare("f", ok)
    await fed.map("q", BatchSize=100, MaximumBatchingWindowInSeconds=60)
    await fed.send("q", "a")
    await fed.clock.advance(120)
    assert (fed.bodies(), fed.times()) == ([["a"]], [9.0])


async def test_fifo_groups_keep_their_order_and_run_beside_each_other(fed: Fed) -> None:
    """(recorded: never in parallel) one batch per group at a time."""
    await fed.queue("q.fifo")
    running: dict[str, int] = {}
    most = {"together": 0, "group": 0}
    order: dict[str, list[str]] = {}

    async def handler(run: Run) -> object:
        assert isinstance(run.event, dict)
        (group,) = {one["attributes"]["MessageGroupId"] for one in run.event["Records"]}
        running[group] = running.get(group, 0) + 1
        most["group"] = max(most["group"], running[group])
        most["together"] = max(most["together"], sum(running.values()))
        await sleep(fed.clock, 3)
        order.setdefault(group, []).extend(bodies(run))
        running[group] -= 1
        return None

    await fed.scene.declare("f", handler)
    for group in ("red", "blue", "green"):
        await fed.send("q.fifo", *[f"{group}-{n}" for n in range(25)], group=group)
    await fed.map("q.fifo", BatchSize=4)
    await fed.clock.advance(60)
    assert order == {group: [f"{group}-{n}" for n in range(25)] for group in ("red", "blue", "green")}
    assert most == {"together": 3, "group": 1}
    assert await fed.left("q.fifo") == 0


async def test_a_failing_group_holds_up_nobody_else_and_keeps_its_order(fed: Fed) -> None:
    await fed.queue("q.fifo", VisibilityTimeout="5")
    seen: list[str] = []

    def handler(run: Run) -> object:
        seen.extend(bodies(run))
        if run.at < fed.scene.start + 12 and "a1" in bodies(run):
            raise HandlerError("not yet")
        return None

    await fed.scene.declare("f", handler)
    await fed.map("q.fifo", BatchSize=1)
    await fed.send("q.fifo", "a1", "a2", group="a")
    await fed.send("q.fifo", "b1", "b2", group="b")
    await fed.clock.advance(30)
    assert [body for body in seen if body[0] == "a"] == ["a1", "a1", "a1", "a1", "a2"]
    assert [body for body in seen if body[0] == "b"] == ["b1", "b2"]
    assert await fed.left("q.fifo") == 0


async def test_five_batches_at_first_and_more_while_there_is_a_backlog(fed: Fed) -> None:
    """§20: 5 concurrent batches at first, +300 per minute."""
    await fed.queue("q", VisibilityTimeout="900")
    running = {"now": 0, "most": 0}
    release = asyncio.Event()

    async def handler(run: Run) -> object:
        running["now"] += 1
        running["most"] = max(running["most"], running["now"])
        await release.wait()
        running["now"] -= 1
        return None

    await fed.scene.declare("f", handler)
    await fed.send("q", *map(str, range(100)))
    await fed.map("q", BatchSize=1)
    await fed.clock.settle()
    assert running["most"] == 5
    await fed.clock.advance(2)
    assert running["most"] == 15
    await fed.clock.advance(60)
    assert running["most"] == 100
    release.set()
    await fed.clock.settle()
    assert await fed.left("q") == 0


async def test_maximum_concurrency(fed: Fed) -> None:
    await fed.queue("q")
    running = {"now": 0, "most": 0}

    async def handler(run: Run) -> object:
        running["now"] += 1
        running["most"] = max(running["most"], running["now"])
        await sleep(fed.clock, 2)
        running["now"] -= 1
        return None

    await fed.scene.declare("f", handler)
    await fed.send("q", *map(str, range(20)))
    await fed.map("q", BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    await fed.clock.advance(60)
    assert running["most"] == 2
    assert fed.times()[-1] == 18.0
    assert await fed.left("q") == 0


async def test_a_failing_function_is_spared_a_backlog(fed: Fed) -> None:
    await fed.queue("q", VisibilityTimeout="600")
    await fed.scene.declare("f", fails)
    await fed.send("q", *map(str, range(1_000)))
    await fed.map("q", BatchSize=1)
    await fed.clock.advance(120)
    assert 5 <= len(fed.scene.environments.runs) <= 20


async def test_a_throttled_batch_is_tried_again_while_it_is_held(fed: Fed) -> None:
    await fed.queue("q", VisibilityTimeout="30")

    async def handler(run: Run) -> object:
        await sleep(fed.clock, 2.5)
        return None

    await fed.scene.declare("f", handler, reserved=1)
    await fed.send("q", "a", "b")
    await fed.map("q", BatchSize=1)
    await fed.clock.advance(20)
    assert fed.times() == [0.0, 3.0]
    assert len(fed.scene.trace_of(BatchThrottled)) == 2
    assert await fed.left("q") == 0


@pytest.mark.filterwarnings("default")
async def test_without_room_a_batch_goes_back(fed: Fed, caplog: pytest.LogCaptureFixture) -> None:
    await fed.queue("q", VisibilityTimeout="30")
    await fed.scene.declare("f", ok, reserved=0)
    await fed.send("q", "a")
    await fed.map("q")
    await fed.clock.advance(29)
    assert fed.scene.environments.runs == []
    assert await fed.left("q") == 1
    assert "could not be invoked" in caplog.text
    caplog.clear()
    await fed.scene.declare("f", ok)
    await fed.clock.advance(60)
    assert await fed.left("q") == 0


async def test_a_disabled_mapping_rests(fed: Fed) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", ok)
    mapping = await fed.map("q", Enabled=False)
    await fed.send("q", "a")
    await fed.clock.advance(60)
    assert fed.scene.environments.runs == []
    await fed.scene.call("UpdateEventSourceMapping", UUID=mapping["UUID"], Enabled=True)
    await fed.clock.settle()
    assert fed.bodies() == [["a"]]
    await fed.scene.call("DeleteEventSourceMapping", UUID=mapping["UUID"])
    await fed.send("q", "b")
    await fed.clock.advance(60)
    assert fed.bodies() == [["a"]]


async def test_a_batch_that_runs_while_the_mapping_changes_still_ends(fed: Fed) -> None:
    await fed.queue("q")

    async def handler(run: Run) -> object:
        await sleep(fed.clock, 2)
        return None

    await fed.scene.declare("f", handler)
    mapping = await fed.map("q")
    await fed.send("q", "a")
    await fed.clock.settle()
    await fed.scene.call("UpdateEventSourceMapping", UUID=mapping["UUID"], BatchSize=1)
    await fed.clock.advance(3)
    assert await fed.left("q") == 0
    assert fed.bodies() == [["a"]]


async def test_a_queue_that_comes_again(fed: Fed, caplog: pytest.LogCaptureFixture) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", ok)
    await fed.map("q")
    await fed.clock.run_until(fed.queues.administration.delete("q"))
    await fed.clock.advance(61)
    await fed.queue("q")
    await fed.send("q", "a")
    await fed.clock.advance(1)
    assert fed.bodies() == [["a"]]
    caplog.clear()


async def test_a_purge_ends_nothing(fed: Fed) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", ok)
    await fed.map("q")
    await fed.clock.run_until(fed.queues.administration.purge("q"))
    await fed.send("q", "a")
    await fed.clock.advance(1)
    assert fed.bodies() == [["a"]]


async def test_a_restart_goes_on(clock: VirtualClock, tmp_path: Path) -> None:
    store = MemoryStore(clock)
    before = await feed(clock, tmp_path, store)
    await before.queue("q", VisibilityTimeout="20")

    async def handler(run: Run) -> object:
        await sleep(clock, 10)
        return None

    await before.scene.declare("f", handler)
    await before.map("q", BatchSize=2, FunctionResponseTypes=["ReportBatchItemFailures"])
    await before.send("q", "a")
    await clock.advance(5)
    await before.close()
    assert before.bodies() == [["a"]]
    after = await feed(clock, tmp_path, store.crash(), before=before.scene)
    await clock.advance(40)
    assert after.bodies() == [["a"]]
    assert after.times() == [15.0]
    assert await after.left("q") == 0
    listed = await after.scene.call("ListEventSourceMappings")
    assert isinstance(listed["EventSourceMappings"], list)
    assert [one["State"] for one in listed["EventSourceMappings"]] == ["Enabled"]
    await after.close()


async def test_states_on_the_clock(clock: VirtualClock, tmp_path: Path) -> None:
    limits = replace(LambdaLimits(), source_transition_seconds=10.0)
    fed = await feed(clock, tmp_path, MemoryStore(clock), limits)
    await fed.queue("q")
    configuration = FunctionConfiguration("f", "python3.11", "app.handler")
    await fed.scene.declare("f", ok, configuration=configuration)
    await fed.send("q", "a")
    mapping = await fed.map("q")

    async def state() -> object:
        return (await fed.scene.call("GetEventSourceMapping", UUID=mapping["UUID"]))["State"]

    assert (mapping["State"], await state()) == ("Creating", "Creating")
    assert fed.bodies() == []
    await clock.advance(10)
    assert (await state(), fed.bodies()) == ("Enabled", [["a"]])
    for parameters, passing, final in (
        ({"BatchSize": 3}, "Updating", "Enabled"),
        ({"Enabled": False}, "Disabling", "Disabled"),
        ({"Enabled": True}, "Enabling", "Enabled"),
    ):
        changed = await fed.scene.call("UpdateEventSourceMapping", UUID=mapping["UUID"], **parameters)
        assert (changed["State"], await state()) == (passing, passing)
        await clock.advance(10)
        assert await state() == final
    deleted = await fed.scene.call("DeleteEventSourceMapping", UUID=mapping["UUID"])
    assert (deleted["State"], await state()) == ("Deleting", "Deleting")
    await clock.advance(10)
    listed = await fed.scene.call("ListEventSourceMappings")
    assert listed == {"EventSourceMappings": []}
    await fed.close()


async def test_a_group_that_is_too_large_for_one_payload(clock: VirtualClock, tmp_path: Path) -> None:
    """It goes in several batches, one after another; when one fails the following wait for it."""
    limits = replace(LambdaLimits(), request_payload_bytes=4_000)
    fed = await feed(clock, tmp_path, MemoryStore(clock), limits)
    await fed.queue("q.fifo", VisibilityTimeout="20")
    running: list[str] = []
    together: list[list[str]] = []
    order: list[str] = []

    async def handler(run: Run) -> object:
        running.append(bodies(run)[0][0])
        together.append(list(running))
        await sleep(clock, 2)
        running.remove(bodies(run)[0][0])
        if run.at < fed.scene.start + 1:
            raise HandlerError("not at first")
        order.extend(body[0] for body in bodies(run))
        return None

    await fed.scene.declare("f", handler)
    await fed.send("q.fifo", *[f"{n}{'x' * 1_000}" for n in range(7)], group="g")
    await fed.map("q.fifo")
    await clock.advance(60)
    assert order == list("0123456")
    assert max(len(one) for one in together) == 1
    assert fed.times() == [0.0, 20.0, 22.0, 24.0, 26.0]
    await fed.close()


async def test_a_drained_queue_begins_with_five_again(fed: Fed) -> None:
    await fed.queue("q", VisibilityTimeout="900")
    running = {"now": 0, "most": 0}

    async def handler(run: Run) -> object:
        running["now"] += 1
        running["most"] = max(running["most"], running["now"])
        await sleep(fed.clock, 5)
        running["now"] -= 1
        return None

    await fed.scene.declare("f", handler)
    await fed.send("q", *map(str, range(60)))
    await fed.map("q", BatchSize=1)
    await fed.clock.advance(60)
    assert running["now"] == 0
    assert running["most"] > 20
    running["most"] = 0
    await fed.send("q", *map(str, range(60)))
    await fed.clock.advance(1)
    assert running["most"] <= 10
