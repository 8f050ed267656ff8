"""Whole calls on virtual time: the journeys of the feature, functions, reloads, and many at once."""

import gc
import logging
import time
import tracemalloc
from collections.abc import Callable

import pytest

from callpark.flows.channels.phone import Manner
from callpark.flows.custody import TABLE
from callpark.flows.happenings import FunctionEnded, WaitEnded
from callpark.flows.model import InstanceDefinition
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.timers import Timer
from tests.flows.building import (
    INSTANCE_ARN,
    action,
    definition,
    flow_arn,
    function_arn,
    hang_up,
    invoke,
    invoke_async,
    say,
    wait,
)
from tests.flows.exchange import Office, Stub, number, takes
from tests.flows.patterns import DELAY, LATEST, PATTERN, three_at_once, until_waiting

pytestmark = pytest.mark.sim


async def test_three_seconds_the_waiting_message_then_the_completion_at_once(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.perf_counter()
    call = await Office(clock, [PATTERN], {"F": DELAY}).call("3#")
    assert time.perf_counter() - began < 3, "nobody waits in real time"
    assert call.heard == [
        "This flow shows a function at work.",
        "For how many seconds?",
        "Please wait while it works.",
        "[recording CustomerQueue.wav]",
        "Your request is done.",
    ]
    (function,) = call.timeline.functions
    assert function.end is not None
    assert function.end - function.start == pytest.approx(3)
    assert call.timeline.prompts[-1].start == function.end
    assert call.timeline.prompts[-2].interrupted
    assert call.timeline.seconds_of_silence == pytest.approx(0)
    assert (call.end.reason, call.end.detail) == ("CONTACT_FLOW_DISCONNECT", "")
    assert caplog.messages == []


async def test_seventy_seconds_the_wait_times_out_at_sixty(clock: VirtualClock) -> None:
    began = time.perf_counter()
    call = await Office(clock, [PATTERN], {"F": DELAY}).call("70")
    assert time.perf_counter() - began < 3, "nobody waits in real time"
    assert call.heard[-1] == "This took too long."
    (waited,) = call.timeline.waits
    assert waited.branch == "WaitCompleted"
    assert waited.end - waited.start == pytest.approx(60)


async def test_sixty_seconds_the_answer_at_the_instant_of_the_limits_wins(clock: VirtualClock) -> None:
    call = await Office(clock, [PATTERN], {"F": DELAY}).call("60")
    assert call.heard[-1] == "Your request is done."
    assert [w.branch for w in call.timeline.waits] == ["LambdaReturned"]


async def test_a_function_that_returns_at_once_still_waits_the_minimum(clock: VirtualClock) -> None:
    call = await Office(clock, [PATTERN], {"F": DELAY}).call("0#")
    (waited,) = call.timeline.waits
    assert waited.end - waited.start == pytest.approx(1)
    assert call.heard[-1] == "Your request is done."


async def test_three_functions_at_once(clock: VirtualClock) -> None:
    stubs = {name: takes(seconds, {"value": name}) for name, seconds in (("One", 4), ("Two", 3), ("Three", 2.5))}
    office = Office(clock, [definition(*three_at_once())], stubs)
    call = await office.call()
    assert call.heard[-1] == "One Two Three"
    assert len({run[3] for run in office.runner.runs}) == 1  # all at the same instant
    assert [run[2] for run in office.runner.runs] == [row.invocation_id for row in call.timeline.functions]
    assert call.timeline.prompts[-1].start - call.timeline.start == pytest.approx(4)  # the slowest, not the sum
    assert call.timeline.seconds_of_silence == pytest.approx(0)


async def test_synchronous_functions_leave_the_caller_in_silence(clock: VirtualClock) -> None:
    flow = definition(
        say("hello", "Hello.", "one"),
        invoke("one", "two"),
        invoke("two", "done"),
        say("done", "Done.", "bye"),
        hang_up(),
    )
    call = await Office(clock, [flow], {"F": takes(3)}).call()
    assert call.timeline.seconds_of_silence == pytest.approx(6)
    assert [(round(gap.end - gap.start, 3)) for gap in call.timeline.silences] == [6.0]


async def test_the_same_call_gives_the_same_history(clock: VirtualClock) -> None:
    histories = []
    for _ in range(2):
        clock = VirtualClock()
        office = Office(clock, [PATTERN], {"F": DELAY})
        call = await office.call("12#")
        histories.append([(entry.at, entry.happening) for entry in office.trace.entries(call.contact_id)])
    assert histories[0] == histories[1]


async def test_a18_hanging_up_lets_functions_run_on(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], {"F": DELAY})
    call = await office.call("30", manner=Manner(hang_up_after=15))
    assert call.end.reason == "CUSTOMER_DISCONNECT"
    assert office.flows.contacts() == []
    await clock.advance(60)
    ended = [h for h in office.happenings(call.contact_id) if isinstance(h, FunctionEnded)]
    assert [(h.outcome, h.reason) for h in ended] == [("abandoned", "the contact has ended")]


async def test_numbers_names_ids_and_arns_reach_a_flow(clock: VirtualClock) -> None:
    office = Office(clock, [definition(hang_up())], numbers=[number(flow_arn("flow"))])
    for to in ("+441632960000", "flow", flow_arn("flow")):
        call = await office.call(to=to)
        assert call.end.reason == "CONTACT_FLOW_DISCONNECT"


@pytest.mark.parametrize(
    ("to", "cause"), [("+441632960009", "no number and no flow is called"), ("+441632960001", "nobody answers")]
)
async def test_numbers_that_nobody_answers(clock: VirtualClock, to: str, cause: str) -> None:
    office = Office(clock, [definition(hang_up())], numbers=[number(None, "+441632960001")])
    with pytest.raises(ProjectError, match=cause):
        office.flows.start_call(to, office.phone())


async def test_more_calls_than_allowed(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], limits=ConnectLimits(calls=1))
    office.flows.start_call("flow", office.phone())
    with pytest.raises(CallerError, match="LimitExceededException"):
        office.flows.start_call("flow", office.phone())


# Functions


async def test_functions_of_other_accounts_are_found_by_name_with_one_warning(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    exported = "arn:aws:lambda:eu-west-2:999999999999:function:F:LIVE"
    flow = definition(
        invoke("a", "b", "bad", LambdaFunctionARN=exported),
        invoke("b", "good", "bad", LambdaFunctionARN=exported),
        say("good", "Good", "bye"),
        say("bad", "Bad", "bye"),
        hang_up(),
    )
    with caplog.at_level(logging.WARNING, "callpark"):
        office = Office(clock, [flow], {"F": takes(1)})
        for _ in range(2):
            assert (await office.call()).heard == ["Good"]
    assert caplog.messages == [f"{exported} is answered by the local function {function_arn('F')}"]


@pytest.mark.parametrize(
    ("instance", "heard"),
    [
        (InstanceDefinition(INSTANCE_ARN, function_arns=(function_arn("F"),)), "Good"),
        (InstanceDefinition(INSTANCE_ARN, function_arns=(function_arn("Other"),)), "Bad"),
        (InstanceDefinition(INSTANCE_ARN, function_arns=(function_arn("F") + ":LIVE",)), "Bad"),
        (InstanceDefinition(INSTANCE_ARN), "Bad"),
        (InstanceDefinition(INSTANCE_ARN, all_functions=True, strict=True), "Bad"),
        (InstanceDefinition(INSTANCE_ARN, "callpark", (function_arn("F"),), all_functions=True, strict=True), "Good"),
        (InstanceDefinition(INSTANCE_ARN, all_functions=True), "Good"),
    ],
)
async def test_only_associated_functions_may_be_called(
    clock: VirtualClock, instance: InstanceDefinition, heard: str
) -> None:
    flow = definition(invoke("a", "good", "bad"), say("good", "Good", "bye"), say("bad", "Bad", "bye"), hang_up())
    assert (await Office(clock, [flow], {"F": takes(1)}, instance=instance).call()).heard == [heard]


async def test_an_association_covers_versions_and_aliases(clock: VirtualClock) -> None:
    qualified = function_arn("F") + ":LIVE"
    instance = InstanceDefinition(INSTANCE_ARN, function_arns=(function_arn("F"),))
    flow = definition(
        invoke("a", "good", "bad", LambdaFunctionARN=qualified),
        say("good", "Good", "bye"),
        say("bad", "Bad", "bye"),
        hang_up(),
    )
    assert (await Office(clock, [flow], {"F": takes(1)}, instance=instance).call()).heard == ["Good"]


async def test_a_function_that_is_not_associated_is_one_warning_and_a_403_in_the_log(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    log = action("log", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "a")
    office = Office(
        clock,
        [definition(log, invoke("a", "bye"), hang_up())],
        {"F": takes(1)},
        instance=InstanceDefinition(INSTANCE_ARN),
    )
    calls = [await office.call() for _ in range(3)]
    (warning,) = caplog.messages
    assert warning.startswith("flow flow, action 'a': Status Code: 403")
    assert "`functions:` in connect.yaml" in warning
    caplog.clear()
    refused = [entry for entry in office.log(calls[0].contact_id) if "Results" in entry]
    assert [entry["Results"] for entry in refused] == ["Status Code: 403; Error Code: AccessDeniedException"]


async def test_unknown_functions_take_the_error_branch(clock: VirtualClock) -> None:
    flow = definition(invoke("a", "good", "bad"), say("good", "Good", "bye"), say("bad", "Bad", "bye"), hang_up())
    assert (await Office(clock, [flow]).call()).heard == ["Bad"]


@pytest.mark.parametrize(("retries", "runs"), [(0, 1), (3, 4)])
async def test_a14_failed_functions_are_retried_when_asked(clock: VirtualClock, retries: int, runs: int) -> None:
    flow = definition(invoke("a", "good", "bad"), say("good", "Good", "bye"), say("bad", "Bad", "bye"), hang_up())
    office = Office(clock, [flow], {"F": takes(1, failed=True)}, limits=ConnectLimits(function_retries=retries))
    call = await office.call()
    assert call.heard == ["Bad"]
    assert len(office.runner.runs) == runs


async def test_retries_stay_within_the_limit(clock: VirtualClock) -> None:
    flow = definition(invoke("a", "good", "bad"), say("good", "Good", "bye"), say("bad", "Bad", "bye"), hang_up())
    office = Office(clock, [flow], {"F": takes(3, failed=True)}, limits=ConnectLimits(function_retries=3))
    call = await office.call()
    await clock.advance(60)
    assert len(office.runner.runs) == 3  # begun at 0, 3 and 6 of 8 seconds
    assert call.timeline.functions[0].outcome == "timed_out"


async def test_a_runner_that_breaks_is_a_failed_function(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    def broken(parameters: object) -> float:
        raise RuntimeError("no process")

    flow = definition(invoke("a", "good", "bad"), say("good", "Good", "bye"), say("bad", "Bad", "bye"), hang_up())
    assert (await Office(clock, [flow], {"F": Stub(broken)}).call()).heard == ["Bad"]
    assert "could not be run" in caplog.text
    caplog.clear()


# Reloads


async def test_a_reload_changes_new_calls_and_leaves_those_in_progress(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], {"F": DELAY})
    await until_waiting(office)
    office.flows.apply(office._definitions[0], [definition(say("new", "New.", "bye"), hang_up())], [])
    call = await office.call()
    assert call.heard == ["New."]
    (old,) = office.flows.contacts()
    await clock.advance(100)
    assert office.flows.contacts() == []
    assert [h.branch for h in office.happenings(old.id) if isinstance(h, WaitEnded)] == ["LambdaReturned"]


async def test_a_flow_that_cannot_run_changes_nothing(clock: VirtualClock) -> None:
    office = Office(clock, [definition(say("old", "Old.", "bye"), hang_up())])
    broken = definition(say("a", "x", "gone"))
    with pytest.raises(ProjectError, match=r"flow\.json, Actions\[0\] \(a\): NextAction leads to 'gone'"):
        office.flows.apply(office._definitions[0], [definition(hang_up(), name="good"), broken], [])
    assert (await office.call()).heard == ["Old."]


def unpublishable() -> dict[str, object]:
    return action("a", "TransferToFlow", {"ContactFlowId": "x"}, "bye")


async def test_what_aws_would_not_publish_is_a_warning_and_in_strict_mode_refused(clock: VirtualClock) -> None:
    flow = definition(unpublishable(), hang_up())
    office = Office(clock, [flow])
    assert office.warnings == (
        "flow flow: error: action 'a': Action is missing required property. "
        "Path: Actions[0].Transitions.Errors: NoMatchingError",
    )
    with pytest.raises(ProjectError, match="flow flow cannot be published"):
        Office(clock, [flow], instance=InstanceDefinition(INSTANCE_ARN, strict=True))


async def test_a_number_whose_flow_is_not_there(clock: VirtualClock) -> None:
    office = Office(clock, [definition(hang_up())], numbers=[number(flow_arn("gone"))])
    assert office.warnings == (f"number +441632960000 is answered by a flow that is not there: {flow_arn('gone')}",)


class SetBackClock(VirtualClock):
    """A machine's clock that somebody sets back by an hour each time a timer has just been called."""

    back = 0.0

    def now(self) -> float:
        return super().now() - self.back

    def timer(self, at: float, callback: Callable[[], None], key: str = "") -> Timer:
        def fired() -> None:
            self.back = 3600.0
            callback()

        return super().timer(at, fired, key)


async def test_a_clock_that_is_set_back_loses_no_wait() -> None:
    parked = wait("wait", events={"R": ("none", "bye")}, completed="late", limit="5")
    office = Office(SetBackClock(), [definition(parked, say("late", "Late.", "bye"), hang_up())])
    assert (await office.call()).heard == ["Late."]


# Many


async def test_many_parked_contacts_cost_little_and_all_wake(clock: VirtualClock) -> None:
    """No task each: 2,000 contacts in Wait, memory per contact, and every one of them ends."""
    flow = definition(
        invoke_async("a", "wait"), wait("wait", events={"R": (LATEST, "bye")}, completed="bye", limit="3600"), hang_up()
    )
    office = Office(clock, [flow], {"F": takes(0)})
    bare = definition(
        wait("wait", events={"R": ("none", "bye")}, completed="bye", limit="3600"), hang_up(), name="bare"
    )
    office.flows.apply(office._definitions[0], [flow, bare], [])
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    calls = [office.flows.start_call("bare", office.phone()) for _ in range(2_000)]
    await clock.settle()
    gc.collect()
    each = (tracemalloc.get_traced_memory()[0] - before) / 2_000
    tracemalloc.stop()
    assert len(office.flows.contacts()) == 2_000
    assert len(office.flows._open._runs._running) == 0
    assert each < 12_000, f"{each:.0f} bytes a contact with its phone, its saved row and its trace entries"
    await clock.advance(3600)
    assert all(call.ended.done() for call in calls)
    assert await office.store.scan(TABLE) == []
