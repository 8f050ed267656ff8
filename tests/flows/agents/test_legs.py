"""On hold: the customer hold flow for the customer, the agent hold flow for the agent, beside each other.

The driver saves the contact after every event and reads it back, so whatever holds here holds over a restart.
"""

import itertools

import msgspec
import pytest

from callpark.flows.contact import End, Leg
from callpark.flows.engine import compiled
from callpark.flows.events import AgentActed, AgentSpoke, AgentTransferred, FunctionAnswer, FunctionReturned, TimerFired
from callpark.flows.happenings import (
    ActionEntered,
    ActionFailed,
    AgentFlowEntered,
    AgentFlowLeft,
    AgentHeard,
    AgentSpeechStopped,
)
from callpark.flows.timeline import timeline
from callpark.kernel.trace import Entry
from tests.flows.actions.test_queueing import ALICE, DECLARED, in_queue
from tests.flows.building import Action, action, flow, flow_arn, invoke, invoke_async, keep, say
from tests.flows.driving import Driver

pytestmark = pytest.mark.unit

LOOP = action(
    "loop",
    "MessageParticipantIteratively",
    {"Messages": [{"Text": "One moment"}, {"Text": "Still there"}], "InterruptFrequencySeconds": "3"},
    when={"MessagesInterrupted": "loop"},
    errors={"NoMatchingError": "loop"},
)


def on_hold(*agent_hold: Action, hook: str | None = None) -> Driver:
    """A call that alice has put on hold; she is not played, and does nothing by herself. `agent_hold`: her flow."""
    hooks = {"AgentWhisper": "", "CustomerWhisper": ""}
    if agent_hold:
        hooks["AgentHold"] = flow_arn("AgentHold")
    if hook is not None:
        hooks["AgentHold"] = hook
    declared = msgspec.structs.replace(DECLARED, agents=(msgspec.structs.replace(ALICE, talks=9_999.0),))
    driver = in_queue(hooks=hooks, declared=declared)
    if agent_hold:
        program = compiled(flow(*agent_hold, name="AgentHold", type_="AGENT_HOLD"))
        driver.world.programs[program.flow.arn] = program  # type: ignore[index]
    driver.accept("alice")
    driver.happen(AgentActed("alice", "hold"))
    return driver


def heard(driver: Driver) -> list[str]:
    return [effect.text for effect in driver.effects if isinstance(effect, AgentHeard)]


def aside(driver: Driver) -> list[str]:
    return [effect.action for effect in driver.effects if isinstance(effect, ActionEntered) and effect.aside]


def test_both_hear_their_own_flow() -> None:
    driver = on_hold(LOOP)
    assert heard(driver) == ["One moment"]
    assert driver.said[-1] == "[recording CustomerHold.wav]"
    assert {"prompt", "leg prompt", "leg interrupt"} <= dict(driver.contact.timers).keys()
    assert driver.contact.flow_arn.endswith("default-CustomerHold")
    assert driver.contact.leg is not None
    assert driver.contact.leg.flow_arn == flow_arn("AgentHold")
    driver.advance(2)
    assert heard(driver) == ["One moment", "Still there", "One moment"]
    assert driver.said[-1] == "[recording CustomerHold.wav]"  # the customer's goes on undisturbed
    driver.advance(2)
    assert aside(driver) == ["loop", "loop"]  # interrupted after 3 s, and begun anew


def test_the_default_agent_hold_flow_says_so_every_ten_seconds() -> None:
    driver = on_hold()
    driver.advance(25)
    assert heard(driver) == ["You are on hold."] * 3


def test_resuming_cuts_both_off() -> None:
    driver = on_hold(LOOP)
    driver.advance(0.1)
    effects = driver.happen(AgentActed("alice", "resume"))
    assert any(isinstance(effect, AgentSpeechStopped) for effect in effects)
    assert any(isinstance(effect, AgentFlowLeft) for effect in effects)
    assert driver.cut_off
    assert driver.contact.leg is None
    assert not [name for name, _ in driver.contact.timers if name.startswith("leg ") or name == "prompt"]
    assert driver.contact.desk is not None
    assert driver.contact.desk.stage == "connected"


def test_each_hold_begins_the_flow_anew() -> None:
    driver = on_hold(LOOP)
    for what in ("resume", "hold"):
        driver.happen(AgentActed("alice", what))
    assert heard(driver) == ["One moment"] * 2
    assert sum(isinstance(effect, AgentFlowEntered) for effect in driver.effects) == 2


def test_a_hook_that_is_switched_off_leaves_the_agent_in_silence() -> None:
    driver = on_hold(hook="")
    assert driver.contact.leg is None
    assert heard(driver) == []


def test_who_hangs_up_on_hold_ends_both() -> None:
    driver = on_hold(LOOP)
    driver.hang_up()
    assert driver.contact.ended == End("CUSTOMER_DISCONNECT")
    assert driver.contact.leg is None
    assert driver.contact.timers == ()
    assert isinstance(driver.effects[-1], AgentFlowLeft)


def test_a_flow_that_ends_leaves_the_agent_in_silence_and_the_customer_on_hold() -> None:
    driver = on_hold(say("a", "Short", "end"), action("end", "EndFlowExecution"))
    driver.advance(1)
    assert driver.contact.leg is None
    assert driver.contact.desk is not None
    assert driver.contact.desk.stage == "customer_hold"
    assert driver.contact.activity is not None
    assert driver.contact.ended is None


@pytest.mark.parametrize(
    "type_",
    [
        "DisconnectParticipant",
        "TransferContactToQueue",
        "TransferContactToAgent",
        "DequeueContactAndTransferToQueue",
    ],
)
def test_what_is_about_the_customers_line_is_an_error(type_: str) -> None:
    parameters = {"QueueId": "Support"} if type_.startswith("Dequeue") else {}
    driver = on_hold(action("bad", type_, parameters))
    failed = [effect for effect in driver.effects if isinstance(effect, ActionFailed)]
    assert failed[-1].reason == "an agent hold flow cannot do this to the customer"
    assert driver.contact.ended is None
    assert driver.contact.desk is not None
    assert driver.contact.desk.stage == "customer_hold"


def test_a_function_of_the_agents_leg_is_waited_for_there() -> None:
    driver = on_hold(
        invoke("ask", "set", "set"),
        keep("set", "say", who="$.External.name"),
        say("say", "It is $.FlowAttributes.who", "loop"),
        LOOP,
    )
    assert driver.contact.leg is not None
    activity = driver.contact.activity
    driver.answer({"name": "Ada"})
    assert heard(driver) == ["It is Ada"]
    assert driver.contact.activity == activity
    assert driver.contact.memory.flow_attributes == {}  # the leg's own
    assert driver.contact.leg.flow_attributes == {"who": "Ada"}
    assert driver.contact.memory.external == {"name": "Ada"}  # the contact's


def test_a_function_that_takes_too_long_takes_the_legs_error_branch() -> None:
    driver = on_hold(invoke("ask", "say", "sorry"), say("say", "Fine", "loop"), say("sorry", "Sorry", "loop"), LOOP)
    driver.advance(8)
    assert heard(driver)[0] == "Sorry"


def test_a_function_of_the_leg_that_ends_after_the_hold_is_dropped() -> None:
    driver = on_hold(invoke("ask", "say", "say"), say("say", "Fine", "loop"), LOOP)
    driver.happen(AgentActed("alice", "resume"))
    before = driver.contact
    driver.happen(FunctionReturned(driver.started[-1].invocation_id, FunctionAnswer(b"{}")))
    assert driver.contact == before


def test_an_asynchronous_function_of_the_leg_can_be_loaded() -> None:
    reference = "$.LambdaInvocation.InvocationId"
    driver = on_hold(
        invoke_async("go", "loop", "loop"),
        action(
            "loop",
            "MessageParticipantIteratively",
            {"Messages": [{"Text": "Wait"}], "InterruptFrequencySeconds": "1"},
            when={"MessagesInterrupted": "load"},
            errors={"NoMatchingError": "load"},
        ),
        action(
            "load",
            "LoadLambdaFunctionResult",
            {"LambdaInvocationId": reference},
            "say",
            errors={"NoMatchingError": "say", "InProgress": "loop"},
        ),
        say("say", "Got $.External.x", "end"),
        action("end", "EndFlowExecution"),
    )
    driver.advance(1.5)
    driver.answer({"x": "it"})
    driver.advance(1)
    assert "Got it" in heard(driver)


def test_a_timer_of_a_hold_that_is_over_changes_nothing() -> None:
    driver = on_hold(LOOP)
    at = dict(driver.contact.timers)["leg prompt"]
    driver.happen(AgentActed("alice", "resume"))
    before = driver.contact
    driver.happen(TimerFired("leg prompt", at))
    assert driver.contact == before


def test_a_flow_that_is_gone_leaves_the_agent_in_silence() -> None:
    driver = on_hold(LOOP)
    assert isinstance(driver.contact.leg, Leg)
    del driver.world.programs[flow_arn("AgentHold")]  # type: ignore[attr-defined]
    driver.advance(1)
    assert driver.contact.leg is None
    assert "is gone or has changed" in driver.warnings[-1]
    driver.happen(AgentActed("alice", "resume"))
    assert driver.contact.ended is None


def test_a_round_without_a_pause_ends_the_leg_and_not_the_call() -> None:
    spin = action("spin", "Loop", {"LoopCount": "100"}, when={"ContinueLooping": "spin", "DoneLooping": "spin"})
    driver = on_hold(spin)
    assert driver.contact.leg is None
    assert "endless flow" in driver.warnings[-1]
    assert driver.contact.ended is None


def test_the_customer_does_not_hear_the_agent_while_on_hold() -> None:
    driver = on_hold(LOOP)
    said = driver.said
    driver.happen(AgentSpoke("alice", "Nobody hears this"))
    assert driver.said == said


EVENTS = {
    "hold": AgentActed("alice", "hold"),
    "resume": AgentActed("alice", "resume"),
    "leave": AgentActed("alice", "leave"),
    "stranger": AgentActed("bob", "resume"),
}


@pytest.mark.parametrize("order", list(itertools.product(EVENTS, repeat=3)))
def test_in_any_order_the_leg_is_there_exactly_while_the_customer_is_on_hold(order: tuple[str, ...]) -> None:
    driver = on_hold(LOOP)
    for name in order:
        driver.happen(EVENTS[name])
        driver.advance(0.2)
        held = driver.contact.ended is None and driver.contact.desk is not None
        held = held and driver.contact.desk is not None and driver.contact.desk.stage == "customer_hold"
        assert (driver.contact.leg is not None) == held
        assert any(timer.startswith("leg ") for timer, _ in driver.contact.timers) == held


def test_a_transfer_flow_can_put_the_agent_on_hold_while_it_asks_the_customer() -> None:
    secret = (
        hold("hold", "AgentOnHold", "ask"),
        say("ask", "Your card number, please", "back"),
        hold("back", "OffHold", "thanks"),
        say("thanks", "Thank you both", "end"),
        action("end", "EndFlowExecution"),
    )
    driver = on_hold(LOOP)
    driver.happen(AgentActed("alice", "resume"))
    program = compiled(flow(*secret, name="secret", type_="QUEUE_TRANSFER"))
    driver.world.programs[program.flow.arn] = program  # type: ignore[index]
    driver.happen(AgentTransferred("alice", flow=program.flow.arn))
    assert (driver.said[-1], heard(driver)[-1]) == ("Your card number, please", "One moment")
    assert driver.contact.leg is not None
    driver.next_timer()
    driver.until("thanks")
    assert driver.contact.leg is None
    driver.next_timer()
    assert driver.contact.desk is not None
    assert (driver.contact.desk.stage, driver.contact.desk.agent) == ("connected", "alice")


def hold(name: str, state: str, then: str) -> Action:
    parameters = {"PreviousContactParticipantState": state}
    return action(name, "UpdatePreviousContactParticipantState", parameters, then, errors={"NoMatchingError": then})


def test_the_timeline_shows_both_legs() -> None:
    driver = on_hold(LOOP)
    driver.advance(1.2)
    driver.happen(AgentActed("alice", "resume"))
    entries = [Entry(n, driver.now, effect) for n, effect in enumerate(driver.effects) if hasattr(effect, "subject")]
    drawn = timeline(entries)
    assert [row.action for row in drawn.blocks if row.aside] == ["loop"]
    assert [row.end is not None for row in drawn.blocks if row.aside] == [True]
    assert [row.text for row in drawn.agent_prompts][:2] == ["One moment", "Still there"]
    assert "One moment" not in [row.text for row in drawn.prompts]
