"""Asynchronous functions in flows: invoke, wait, load, and our rules A1 to A20 (connect reference §1)."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.flows.contact import Awaited, Party
from callpark.flows.effects import EndContact, StopSpeaking
from callpark.flows.events import FunctionAnswer, FunctionReturned, TimerFired
from callpark.flows.happenings import FunctionEnded, WaitEnded
from callpark.flows.logs import NESTED_WAIT
from callpark.kernel.limits import ConnectLimits
from tests.flows.building import (
    ASYNCHRONOUS,
    INSTANCE_ARN,
    action,
    function_arn,
    hang_up,
    invoke,
    invoke_async,
    keep,
    load,
    say,
    wait,
)
from tests.flows.driving import CONTACT_ID, Driver, PlainWorld

pytestmark = pytest.mark.unit

LATEST = "$.LambdaInvocation.InvocationId"


def waiting(**more: str) -> Driver:
    """A contact in the Wait of the pattern: function started, Continue branch talking, at instant 0."""
    driver = Driver(
        invoke_async("invoke", "wait"),
        wait("wait", events={"Returned": (LATEST, "load")}, continuing="talk", completed="late", **more),
        say("talk", "Please hold the line for as long as it takes us to work this out.", "music"),
        action("music", "MessageParticipant", {"PromptId": "x/music"}, "bye", errors={"NoMatchingError": "bye"}),
        load("load", "done", reference=LATEST, progress="unfinished", error="failed"),
        say("done", "Done $.External.n", "bye"),
        say("unfinished", "Unfinished", "bye"),
        say("failed", "Failed", "bye"),
        say("late", "Late", "bye"),
        hang_up(),
    )
    return driver.start()


def test_the_flow_goes_on_at_once_and_talks() -> None:
    driver = waiting()
    assert driver.path == ["invoke", "wait", "talk"]
    assert len(driver.started) == 1
    assert driver.contact.wait is not None
    assert driver.contact.wait.events == (Awaited("Returned", driver.started[0].invocation_id),)


def test_a8_the_return_interrupts_the_prompt_and_the_result_is_loaded() -> None:
    driver = waiting()
    driver.now = 3.0
    driver.answer({"n": 7})
    assert driver.path == ["invoke", "wait", "talk", "load", "done"]
    assert driver.said[-1] == "Done 7"
    assert driver.cut_off == 1  # A8: at once
    assert driver.contact.wait is None
    assert [e for e in driver.effects if isinstance(e, WaitEnded)] == [WaitEnded(CONTACT_ID, "wait", "Returned")]


def test_the_limit_ends_the_wait() -> None:
    driver = waiting(limit="5")
    driver.advance(5)
    assert driver.path[-1] == "late"
    assert driver.now == 5.0
    driver.answer({"n": 7})
    assert driver.path[-1] == "late"


def test_a1_minimum_holds_events_back_while_continue_starts_at_once() -> None:
    driver = waiting(minimum="2")
    driver.now = 0.5
    driver.answer({"n": 1})
    assert driver.path[-1] == "talk"
    assert driver.next_timer() == "minimum"
    assert driver.now == 2.0
    assert driver.path[-1] == "done"


def test_a1_the_limit_waits_for_the_minimum_too() -> None:
    driver = waiting(limit="1", minimum="3")
    while driver.contact.position == "talk":
        driver.next_timer()
    assert driver.now == 3.0
    assert driver.path[-1] == "late"


@pytest.mark.parametrize(
    ("payload", "failed"),
    [(b'{"errorMessage":"boom"}', True), (b"not json", False), (b'"' + b"x" * 32_768 + b'"', False)],
    ids=["a2 raises", "a6 no JSON", "a6 too large"],
)
def test_a2_a6_a_failed_function_ends_the_wait_and_load_takes_the_error_branch(payload: bytes, failed: bool) -> None:
    driver = waiting()
    driver.now = 2.0
    driver.answer(payload, failed=failed)
    assert driver.path[-2:] == ["load", "failed"]
    assert driver.errors == [("load", "NoMatchingError")]


def test_a2_exceeding_the_own_limit_fires_the_event() -> None:
    driver = Driver(
        invoke_async("invoke", "wait", InvocationTimeLimitSeconds="5"),
        wait("wait", events={"Returned": (LATEST, "load")}, completed="late"),
        load("load", "done", reference=LATEST, progress="unfinished", error="failed"),
        *[say(name, name, "bye") for name in ("done", "unfinished", "failed", "late")],
        hang_up(),
    ).start()
    driver.advance(5)
    assert driver.path[-2:] == ["load", "failed"]
    assert [e.outcome for e in driver.effects if isinstance(e, FunctionEnded)] == ["timed_out"]


def test_only_the_first_outcome_counts() -> None:
    driver = Driver(
        invoke_async("invoke", "wait", InvocationTimeLimitSeconds="5"),
        wait("wait", events={"Returned": (LATEST, "pause")}, completed="bye"),
        say("pause", "A pause.", "load"),
        load("load", "bye", reference=LATEST, progress="bye", error="failed"),
        say("failed", "Failed", "bye"),
        hang_up(),
    ).start()
    driver.advance(5)
    driver.answer({"too": "late"})
    driver.until("failed")
    assert driver.errors == [("load", "NoMatchingError")]


def test_an_error_without_its_own_edge_takes_the_general_one() -> None:
    load_it = action(
        "load",
        "LoadLambdaFunctionResult",
        {"LambdaInvocationId": LATEST},
        "bye",
        errors={"NoMatchingError": "general"},
    )
    driver = Driver(invoke_async("invoke", "load"), load_it, say("general", "General", "bye"), hang_up()).start()
    assert driver.errors == [("load", "InProgress")]
    assert driver.path[-1] == "general"


def test_a3_loading_too_early_is_in_progress_and_a5_loading_twice_is_the_same() -> None:
    driver = Driver(
        invoke_async("invoke", "first"),
        load("first", "bye", reference=LATEST, progress="pause", error="bye"),
        say("pause", "A pause.", "second"),
        load("second", "say", reference=LATEST, progress="bye", error="bye"),
        say("say", "$.External.n", "third"),
        load("third", "again", reference=LATEST, progress="bye", error="bye"),
        say("again", "$.LambdaInvocation.ResultData.n", "bye"),
        hang_up(),
    ).start()
    assert driver.errors == [("first", "InProgress")]
    driver.answer({"n": "x"})
    driver.until("again")
    assert driver.said == ["A pause.", "x", "x"]


@pytest.mark.parametrize("reference", ["7c9e6679-7425-40de-944b-e07fc1f90ae7", "$.Attributes.none", LATEST])
def test_a4_loading_what_this_contact_never_had_is_an_error(reference: str) -> None:
    driver = Driver(
        load("load", "bye", reference=reference, progress="bye", error="failed"),
        say("failed", "Failed", "bye"),
        hang_up(),
    )
    assert driver.start().path == ["load", "failed"]


def test_the_id_of_a_synchronous_function_cannot_be_loaded() -> None:
    driver = Driver(
        invoke("invoke", "load"),
        load("load", "bye", reference=LATEST, progress="bye", error="failed"),
        say("failed", "Failed", "bye"),
        hang_up(),
    ).start()
    driver.answer({})
    assert driver.path[-1] == "failed"


@pytest.mark.parametrize("reason", ["unknown", "Status Code: 403; Error Code: AccessDeniedException"])
def test_a7_the_error_branch_is_for_what_cannot_be_started(reason: str) -> None:
    world = PlainWorld(refused={function_arn("F"): reason})
    driver = Driver(invoke_async("invoke", "bye", "failed"), say("failed", "Failed", "bye"), hang_up(), world=world)
    driver.start()
    assert driver.path == ["invoke", "failed"]
    assert driver.started == []


@pytest.mark.parametrize("ending", ["DisconnectParticipant", "EndFlowExecution"])
def test_a9_a_terminal_action_in_the_continue_branch_is_honoured(ending: str) -> None:
    driver = Driver(
        invoke_async("invoke", "wait", "late"),
        wait("wait", events={"Returned": (LATEST, "late")}, continuing="end", completed="late"),
        action("end", ending),
        say("late", "Late", "end"),
    ).start()
    assert driver.contact.ended is not None
    assert driver.contact.wait is None
    assert driver.contact.timers == ()
    assert driver.started  # and it is not cancelled: no effect says so
    before = len(driver.path)
    driver.answer({})  # A18: dropped
    assert len(driver.path) == before


def test_a11_a_cap_on_functions_in_flight() -> None:
    world = PlainWorld(ConnectLimits(functions_in_flight=3))
    driver = Driver(
        invoke_async("invoke", "loop", "full"),
        action("loop", "Loop", {"LoopCount": "9"}, "invoke", when={"ContinueLooping": "invoke", "DoneLooping": "bye"}),
        say("full", "Full", "bye"),
        hang_up(),
        world=world,
    ).start()
    assert len(driver.started) == 3
    assert driver.path[-1] == "full"


def test_a12_the_event_is_that_of_a_synchronous_function() -> None:
    details = []
    for step in (invoke, invoke_async):
        driver = Driver(step("invoke", "bye", "bye", LambdaInvocationAttributes={"a": "b"}), hang_up()).start()
        details.append(orjson.loads(driver.started[0].payload))
    assert details[0] == details[1]


def test_a15_an_event_at_the_instant_of_the_limit_wins() -> None:
    driver = waiting(limit="4")
    driver.now = 4.0
    driver.answer({"n": 1})
    assert driver.path[-1] == "done"


def test_a15_also_when_the_limit_is_handled_after_an_answer_held_back_by_the_minimum() -> None:
    driver = waiting(limit="4", minimum="4")
    driver.now = 1.0
    driver.answer({"n": 1})
    driver.now = 4.0
    driver.happen(TimerFired("wait", 4.0))
    assert driver.path[-1] == "done"


def test_a19_external_stays_until_a_result_is_loaded() -> None:
    driver = Driver(
        invoke("sync", "async"),
        invoke_async("async", "talk"),
        say("talk", "$.External.n", "talk again"),
        say("talk again", "$.External.n", "bye"),
        hang_up(),
    ).start()
    driver.answer({"n": "old"})
    driver.answer({"n": "new"})
    driver.until("talk again")
    assert driver.said == ["old", "old"]


def test_a20_asynchronous_functions_do_not_count_into_the_twenty_seconds() -> None:
    driver = Driver(
        invoke_async("invoke", "wait"),
        wait("wait", events={"Returned": (LATEST, "sync")}, completed="bye"),
        invoke("sync", "bye"),
        hang_up(),
    ).start()
    driver.now = 50.0
    driver.answer({})
    assert driver.started[-1].deadline == 58.0


def test_an_unknown_identifier_waits_until_the_limit() -> None:
    driver = Driver(
        wait("wait", events={"Returned": ("$.Attributes.none", "bye")}, completed="late", limit="30"),
        say("late", "Late", "bye"),
        hang_up(),
    ).start()
    assert driver.next_timer() == "wait"
    assert (driver.now, driver.path[-1]) == (30.0, "late")


@pytest.mark.parametrize(("minimum", "path"), [("0", ["wait", "bye"]), ("1", ["wait", "talk"])])
def test_a_finished_id_fires_at_once_or_after_the_minimum(minimum: str, path: list[str]) -> None:
    driver = Driver(
        invoke_async("invoke", "pause"),
        say("pause", "A pause.", "wait"),
        wait("wait", events={"Returned": (LATEST, "bye")}, continuing="talk", completed="bye", minimum=minimum),
        say("talk", "Please hold the line.", "talk"),
        hang_up(),
    ).start()
    driver.answer({})
    driver.next_timer()
    assert driver.path[-2:] == path


def test_identifiers_are_resolved_on_entry() -> None:
    driver = Driver(
        invoke_async("first", "keep"),
        keep("keep", "wait", id=LATEST),
        wait(
            "wait",
            events={"Returned": ("$.FlowAttributes.id", "bye")},
            continuing="overwrite",
            completed="bye",
            minimum="0",
        ),
        keep("overwrite", "talk", id="something else"),
        say("talk", "Please hold the line.", "talk"),
        hang_up(),
    ).start()
    driver.answer({})
    assert driver.contact.ended is not None


def test_a_wait_in_a_continue_branch_takes_its_error_branch() -> None:
    driver = Driver(
        action("log", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "invoke"),
        invoke_async("invoke", "wait"),
        wait("wait", events={"Returned": (LATEST, "bye")}, continuing="inner", completed="bye"),
        wait("inner", events={"Returned": (LATEST, "bye")}, completed="bye", error="talk"),
        say("talk", "Please hold the line.", "talk"),
        hang_up(),
    ).start()
    assert driver.path[-2:] == ["inner", "talk"]
    assert any(entry.get("Results") == NESTED_WAIT for entry in driver.log)
    assert driver.contact.wait is not None
    assert driver.contact.wait.action == "wait"


@pytest.mark.parametrize(
    ("type_", "channel", "events", "waits"),
    [
        ("CONTACT_FLOW", "VOICE", True, True),
        ("CONTACT_FLOW", "VOICE", False, False),
        ("CUSTOMER_QUEUE", "VOICE", True, False),
        ("CONTACT_FLOW", "CHAT", False, True),
    ],
)
def test_where_a_wait_may_stand(type_: str, channel: str, events: bool, waits: bool) -> None:
    party = Party(CONTACT_ID, INSTANCE_ARN, "us-east-1", None, None, 0.0, channel=channel)  # type: ignore[arg-type]
    declared = {"Returned": (LATEST, "bye")} if events else None
    driver = Driver(wait("wait", events=declared, completed="bye"), hang_up(), party=party, type_=type_).start()
    assert (driver.contact.wait is not None) == waits


@pytest.mark.parametrize("limit", ["0", "604801", "many", "$.Attributes.none"])
def test_a_limit_out_of_range_is_an_error(limit: str) -> None:
    driver = Driver(wait("wait", events={"R": (LATEST, "bye")}, completed="bye", limit=limit), hang_up()).start()
    assert driver.errors == [("wait", "NoMatchingError")]


def test_polling_without_a_wait() -> None:
    driver = Driver(
        invoke_async("invoke", "poll"),
        action("poll", "Loop", {"LoopCount": "5"}, "bye", when={"ContinueLooping": "talk", "DoneLooping": "bye"}),
        say("talk", "Still working.", "load"),
        load("load", "done", reference=LATEST, progress="poll", error="bye"),
        say("done", "Done.", "bye"),
        hang_up(),
    ).start()
    for _ in range(3):
        driver.next_timer()
    driver.answer({})
    driver.next_timer()
    assert driver.said == ["Still working."] * 4 + ["Done."]


@settings(max_examples=150, deadline=None)
@given(
    limit=st.integers(1, 20),
    minimum=st.integers(0, 10),
    own_limit=st.integers(1, 20),
    returns=st.one_of(st.none(), st.integers(0, 25).map(float), st.floats(0, 25)),
    answer=st.sampled_from(["good", "bad", "failed"]),
)
def test_a_wait_ends_once_at_the_right_time_whatever_happens(
    limit: int, minimum: int, own_limit: int, returns: float | None, answer: str
) -> None:
    driver = Driver(
        invoke_async("invoke", "wait", InvocationTimeLimitSeconds=str(own_limit)),
        wait(
            "wait",
            events={"Returned": (LATEST, "event")},
            continuing="talk",
            completed="time",
            limit=str(limit),
            minimum=str(minimum),
        ),
        say("talk", "One two three.", "talk"),
        say("event", "The event.", "bye"),
        say("time", "The time.", "bye"),
        hang_up(),
    ).start()
    if returns is not None:
        driver.advance(returns)
        payload = b"{}" if answer == "good" else b"no"
        driver.happen(FunctionReturned(driver.started[0].invocation_id, FunctionAnswer(payload, answer == "failed")))
    driver.advance(60)
    over = own_limit if returns is None else min(returns, own_limit)
    due = max(over, minimum)
    ended = [effect for effect in driver.effects if isinstance(effect, WaitEnded)]
    assert len(ended) == 1
    expected_time = max(limit, minimum)
    if due < expected_time:
        assert driver.path[-2:] == ["event", "bye"]
    elif due > expected_time:
        assert driver.path[-2:] == ["time", "bye"]
    assert driver.contact.ended is not None
    assert driver.contact.timers == ()
    assert sum(isinstance(effect, EndContact) for effect in driver.effects) == 1
    assert sum(isinstance(effect, StopSpeaking) for effect in driver.effects) <= 1


def test_the_pattern_of_the_console() -> None:
    driver = Driver(*ASYNCHRONOUS).start()
    driver.until("ask")
    driver.press("3")
    driver.advance(1)
    driver.press("#")
    assert driver.parameters() == {"SecondsDelay": "3"}
    driver.advance(3)
    driver.answer({"status-code": 200})
    driver.advance(30)
    assert driver.said == [
        "This flow shows a function at work.",
        "For how many seconds?",
        "Please wait while it works.",
        "[recording CustomerQueue.wav]",
        "Your request is done.",
    ]
