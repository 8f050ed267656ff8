"""The engine at large: dead ends, unsupported types, endless flows, hang-ups; no flow and no history breaks it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.flows.effects import EndContact
from callpark.flows.engine import compiled, handle, new_contact
from callpark.flows.events import (
    Event,
    FunctionAnswer,
    FunctionReturned,
    HungUp,
    KeyPressed,
    Started,
    TimerFired,
)
from callpark.flows.happenings import ContactEnded
from callpark.flows.language import parse_flow
from callpark.flows.model import FlowDefinition
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ConnectLimits
from tests.flows.building import ASYNCHRONOUS, action, hang_up, invoke, say
from tests.flows.driving import Driver, PlainWorld
from tests.flows.test_language import mutated_flows

pytestmark = pytest.mark.unit


def end_of(driver: Driver) -> tuple[str, str]:
    assert driver.contact.ended is not None
    return driver.contact.ended.reason, driver.contact.ended.detail


def test_an_unknown_action_type_ends_the_contact_by_name() -> None:
    driver = Driver(action("set", "SetVoice", {}, "bye", errors={"NoMatchingError": "bye"}), hang_up()).start()
    assert end_of(driver) == ("OTHER", "action 'set': action type SetVoice is not supported by callpark")
    assert driver.warnings == ["flow flow: action 'set': action type SetVoice is not supported by callpark"]
    assert any(isinstance(effect, ContactEnded) for effect in driver.effects)


def test_an_unknown_action_is_logged_while_logging_is_on() -> None:
    log = action("log", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "set")
    driver = Driver(log, action("set", "SetVoice")).start()
    assert driver.log[-1]["Results"] == "action 'set': action type SetVoice is not supported by callpark"
    assert driver.log[-1]["Metric"] == "ContactFlowFatalErrors"


@pytest.mark.parametrize("target", ["", None])
def test_a_branch_that_is_not_wired_ends_the_contact(target: str | None) -> None:
    driver = Driver(action("say", "MessageParticipant", {"Text": "Hi"}, target)).start()
    driver.next_timer()
    assert end_of(driver) == ("OTHER", "action 'say' leads nowhere: its branch is not wired")


def test_an_error_without_an_edge_ends_the_contact_with_its_reason() -> None:
    driver = Driver(action("transfer", "TransferToFlow", {"ContactFlowId": "gone"}, "bye"), hang_up()).start()
    assert end_of(driver)[1] == (
        "action 'transfer' failed (NoMatchingError: there is no flow 'gone') and has no error branch"
    )


def test_an_endless_flow_is_stopped() -> None:
    world = PlainWorld(ConnectLimits(actions_per_contact=100))
    driver = Driver(
        action("again", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Disabled"}, "again"), world=world
    )
    driver.start()
    assert end_of(driver)[1] == "stopped after 100 actions: an endless flow"
    assert len(driver.path) == 101


def test_hanging_up_ends_everything_at_once() -> None:
    driver = Driver(*ASYNCHRONOUS).start()
    driver.until("ask")
    driver.press("3#")
    assert driver.contact.wait is not None
    driver.hang_up()
    assert end_of(driver) == ("CUSTOMER_DISCONNECT", "")
    assert driver.contact.timers == ()
    assert isinstance(driver.effects[-1], EndContact)
    assert driver.log[-1]["Identifier"] == "please wait"


def test_a_late_answer_is_dropped_and_logged() -> None:
    driver = Driver(*ASYNCHRONOUS).start()
    driver.until("ask")
    driver.press("3#")
    driver.hang_up()
    driver.answer({})
    assert driver.log[-1]["Results"] == "Answer dropped: nobody waits for it"


def test_a_stale_timer_changes_nothing() -> None:
    driver = Driver(invoke("invoke", "say"), say("say", "Hi", "bye"), hang_up()).start()
    driver.now = 1.0
    driver.answer({})
    before = driver.contact
    for name in ("wait", "minimum", "input", f"function {driver.started[0].invocation_id}", "prompt"):
        driver.happen(TimerFired(name, 0.5))  # the prompt's is armed, but for later
    assert driver.contact == before


def test_keys_are_ignored_where_nobody_asked() -> None:
    driver = Driver(say("say", "Hi", "bye"), hang_up()).start()
    before = driver.contact
    driver.press("1")
    assert driver.contact == before
    assert driver.cut_off == 0


def test_an_ended_contact_takes_nothing() -> None:
    driver = Driver(hang_up()).start()
    events: list[Event] = [Started(), KeyPressed("1"), TimerFired("prompt", 0.0), HungUp()]
    for event in events:
        assert driver.happen(event) == []


STEPS = st.one_of(
    st.floats(0, 70),
    st.sampled_from("0123456789*#"),
    st.sampled_from(["return", "fail", "nonsense", "hang up", "unknown"]),
)


def run_history(driver: Driver, steps: list[float | str]) -> None:
    """Let a history happen. No timer lies in the past, and something will wake whoever has not ended."""

    def follow(event: Event) -> None:
        driver.happen(event)
        timers = dict(driver.contact.timers)
        if driver.contact.ended is None:
            assert timers, "a contact that nothing will ever wake"
            assert min(timers.values()) >= driver.now
        else:
            assert timers == {}

    follow(Started())
    for step in steps:
        if isinstance(step, float):
            until = driver.now + step
            while (armed := dict(driver.contact.timers)) and min(armed.values()) <= until:
                name = min(armed, key=lambda name: armed[name])
                driver.now = armed[name]
                follow(TimerFired(name, armed[name]))
            driver.now = until
        elif len(step) == 1:
            follow(KeyPressed(step))
        elif step == "hang up":
            follow(HungUp())
        else:
            ids = [start.invocation_id for start in driver.started] or ["x"]
            payload = b'{"status":"accepted"}' if step == "return" else b"]"
            id_ = "unknown" if step == "unknown" else ids[-1]
            follow(FunctionReturned(id_, FunctionAnswer(payload, failed=step == "fail", message="failed")))


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_no_history_leaves_a_contact_asleep_or_a_timer_behind(steps: list[float | str]) -> None:
    driver = Driver(*ASYNCHRONOUS)
    run_history(driver, steps)
    while driver.contact.timers:
        driver.next_timer()
    assert driver.contact.ended is not None
    assert sum(isinstance(effect, EndContact) for effect in driver.effects) == 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(mutated_flows(), st.lists(STEPS, max_size=8))
def test_a_mutated_flow_never_breaks_the_engine(text: str, steps: list[float | str]) -> None:
    try:
        parsed = parse_flow(FlowDefinition("f", "arn:f", text))
    except ProjectError:
        return
    driver = Driver(hang_up(), world=PlainWorld(ConnectLimits(actions_per_contact=300)))
    driver.program = compiled(parsed)
    driver.contact = new_contact(driver.party, driver.program)
    run_history(driver, steps)


def test_handling_changes_nothing_it_was_given() -> None:
    driver = Driver(*ASYNCHRONOUS).start()
    driver.until("ask")
    before = driver.contact
    saved = repr(before)
    for event in (KeyPressed("1"), KeyPressed("#"), TimerFired("prompt", dict(before.timers)["prompt"]), HungUp()):
        handle(driver.world, driver.program, before, event, driver.now + 100)
    assert repr(before) == saved
