"""Calls with agents whom somebody plays, whole, on virtual time: ringing, hold, transfer, the end, restarts."""

from typing import Any

import msgspec
import pytest

from callpark.flows.agents.notes import (
    Connected,
    Heard,
    Held,
    Left,
    Offered,
    OfferOver,
    Resumed,
    Seated,
    StatusSet,
    Transferring,
)
from callpark.flows.channels.phone import Manner
from callpark.flows.contact import Target
from callpark.flows.declared import Agent, Proficiency
from callpark.flows.happenings import OfferEnded, StageEntered
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import ProjectError
from tests.flows.agents.centre import DECLARED, Centre, line, on_duty, states, talking
from tests.flows.building import action, definition, flow_arn, hang_up, say

pytestmark = pytest.mark.sim

OPERATOR = "NumberGreaterOrEqualTo"


async def test_a_call_goes_from_flow_to_queue_to_agent_to_hold_to_another_agent_to_its_end(
    clock: VirtualClock,
) -> None:
    centre = Centre(clock)
    alice, bob = await on_duty(centre, "alice", "bob")
    call = centre.flows.start_call("line", phone := centre.phone())
    offered = await clock.run_until(alice.next(Offered))
    assert (offered.contact_id, offered.queue, offered.seconds) == (call.contact_id, "Support", 20.0)
    await clock.advance(5)
    await alice.accept(call.contact_id)
    await clock.run_until(alice.next(Connected))
    assert phone.heard_texts[-1] == "[recording CustomerQueue.wav]"  # the whisper is not for the customer
    await alice.say(call.contact_id, "Good morning")
    assert phone.heard_texts[-1] == "Good morning"
    await clock.advance(30)
    await alice.hold(call.contact_id)
    await clock.run_until(alice.next(Held))
    told = [await clock.run_until(alice.next(Heard)) for _ in range(2)]
    assert [(note.who, note.text) for note in told] == [("whisper", "Support"), ("hold", "You are on hold.")]
    assert phone.heard_texts[-1] == "[recording CustomerHold.wav]"
    with pytest.raises(ProjectError, match="does not hear you"):
        await alice.say(call.contact_id, "They do not hear this")
    await clock.advance(25)
    await alice.resume(call.contact_id)
    await clock.run_until(alice.next(Resumed))
    await clock.advance(5)
    record = centre.record(call.contact_id)
    assert (record["Agent"]["Username"], record["Queue"]["Name"]) == ("alice", "Support")
    assert (record["Agent"]["NumberOfHolds"], record["Agent"]["CustomerHoldDuration"]) == (1, 25)
    await alice.transfer(call.contact_id, "To billing")
    await clock.run_until(alice.next(Transferring))
    await clock.run_until(bob.next(Offered))
    assert (await clock.run_until(alice.next(Left))).why == "transferred"
    assert "I put you through." in phone.heard_texts
    await bob.accept(call.contact_id)
    await clock.run_until(bob.next(Connected))
    await clock.advance(12)
    await bob.hang_up(call.contact_id)
    assert (await clock.run_until(call.ended)).reason == "AGENT_DISCONNECT"
    assert centre.stages(call.contact_id) == [
        ("queued", ""),
        ("agent_whisper", "alice"),
        ("customer_whisper", "alice"),
        ("connected", "alice"),
        ("customer_hold", "alice"),
        ("connected", "alice"),
        ("transferring", "alice"),
        ("queued", ""),
        ("agent_whisper", "bob"),
        ("customer_whisper", "bob"),
        ("connected", "bob"),
    ]
    record = centre.record(call.contact_id)
    assert (record["Agent"]["Username"], record["Queue"]["Name"]) == ("bob", "Billing")
    assert record["Agent"]["AgentInteractionDuration"] == 12
    assert [row.who for row in centre.drawn(call.contact_id).conversations] == ["alice", "alice", "bob"]


async def test_two_calls_and_one_agent_come_by_priority_and_then_by_age(clock: VirtualClock) -> None:
    urgent = definition(
        action("first", "UpdateContactRoutingBehavior", {"QueuePriority": "1"}, "set"),
        *_queue_up(),
        name="urgent",
    )
    centre = Centre(clock, [line(), urgent])
    calls = [centre.flows.start_call("line", centre.phone())]
    await clock.advance(1)
    calls.append(centre.flows.start_call("line", centre.phone()))
    await clock.advance(1)
    calls.append(centre.flows.start_call("urgent", centre.phone()))
    await clock.advance(1)
    (alice,) = await on_duty(centre, "alice")
    for expected in (calls[2], calls[0], calls[1]):
        offered = await clock.run_until(alice.next(Offered))
        assert offered.contact_id == expected.contact_id
        await alice.accept(offered.contact_id)
        await clock.run_until(alice.next(Connected))
        await alice.hang_up(offered.contact_id)
        await clock.run_until(expected.ended)
        assert states(centre.seen("alice")) == ["ENDED"]  # after contact work keeps the next one away
        await alice.clear(offered.contact_id)


def _queue_up() -> list[dict[str, object]]:
    return [
        action("set", "UpdateContactTargetQueue", {"QueueId": "Support"}, "go", errors={"NoMatchingError": "bye"}),
        action("go", "TransferContactToQueue", {}, "bye", errors={"QueueAtCapacity": "bye", "NoMatchingError": "bye"}),
        hang_up(),
    ]


async def test_criteria_of_the_flow_choose_the_agent(clock: VirtualClock) -> None:
    condition = {"Name": "Language", "Value": "French", "ProficiencyLevel": "4", "ComparisonOperator": OPERATOR}
    step = {"Expression": {"AttributeCondition": condition}, "Expiry": {"DurationInSeconds": "30"}}
    asking = definition(
        action(
            "ask",
            "UpdateContactRoutingCriteria",
            {"RoutingCriteria": {"Steps": [step]}},
            "set",
            errors={"NoMatchingError": "bye"},
        ),
        *_queue_up(),
        name="asking",
    )
    fluent = Agent(
        name="chloe",
        routing_profile="Everything",
        status="offline",
        proficiencies=(Proficiency(name="Language", value="French", level=4.5),),
    )
    centre = Centre(clock, [asking], declared=msgspec.structs.replace(DECLARED, agents=(*DECLARED.agents, fluent)))
    (alice,) = await on_duty(centre, "alice")
    began = clock.now()
    centre.flows.start_call("asking", centre.phone())
    await clock.run_until(alice.next(Offered))
    assert clock.now() - began == pytest.approx(30.0)  # nobody speaks French, so anybody will do in the end
    (chloe,) = await on_duty(centre, "chloe")
    call = centre.flows.start_call("asking", centre.phone())
    assert (await clock.run_until(chloe.next(Offered))).contact_id == call.contact_id


async def test_a_missed_call_waits_on_and_rings_for_the_next_agent(clock: VirtualClock) -> None:
    centre = Centre(clock, [line(queue="Billing")])
    bob, alice = await on_duty(centre, "bob", "alice")
    call = centre.flows.start_call("line", centre.phone())
    first = await clock.run_until(bob.next(Offered))
    offered_at = clock.now()
    assert states(centre.seen("bob")) == ["CONNECTING"]
    assert (await clock.run_until(bob.next(OfferOver))).outcome == "missed"
    assert clock.now() - offered_at == pytest.approx(20.0)
    assert (await clock.run_until(alice.next(Offered))).contact_id == first.contact_id
    assert states(centre.seen("bob")) == ["MISSED"]
    assert centre.flows.switchboard.metrics(Target("Billing", "Billing")).errors == 1
    await alice.accept(call.contact_id)
    with pytest.raises(ProjectError, match="does not ring for you"):
        await bob.accept(call.contact_id)
    await bob.set_status("Available")  # as in Connect, that clears it
    assert centre.seen("bob") == []
    with pytest.raises(ProjectError, match="not to be cleared"):
        await bob.clear(call.contact_id)


async def test_a_rejected_call_does_not_ring_there_again_before_it_is_cleared(clock: VirtualClock) -> None:
    centre = Centre(clock)
    (alice,) = await on_duty(centre, "alice")
    call = centre.flows.start_call("line", centre.phone())
    await clock.run_until(alice.next(Offered))
    await alice.reject(call.contact_id)
    assert (await clock.run_until(alice.next(OfferOver))).outcome == "rejected"
    assert states(centre.seen("alice")) == ["REJECTED"]
    await clock.advance(60)
    assert sum(isinstance(note, Offered) for note in alice.notes) == 1
    await alice.clear(call.contact_id)
    assert (await clock.run_until(alice.next(Offered))).contact_id == call.contact_id


async def test_who_hangs_up_while_it_rings_takes_up_nobodys_place(clock: VirtualClock) -> None:
    centre = Centre(clock)
    (alice,) = await on_duty(centre, "alice")
    call = centre.flows.start_call("line", centre.phone(manner=Manner(hang_up_after=4.0)))
    await clock.run_until(alice.next(Offered))
    assert (await clock.run_until(alice.next(OfferOver))).outcome == "withdrawn"
    await clock.run_until(call.ended)
    assert centre.seen("alice") == []


async def test_a_customer_who_hangs_up_leaves_after_contact_work(clock: VirtualClock) -> None:
    working = msgspec.structs.replace(DECLARED.agents[0], after_work=30.0)
    centre = Centre(clock, declared=msgspec.structs.replace(DECLARED, agents=(working,)))
    (alice,) = await on_duty(centre, "alice")
    call = await talking(centre, alice)
    call.line.hang_up()
    assert (await clock.run_until(alice.next(Left))).why == "CUSTOMER_DISCONNECT"
    ended_at = clock.now()
    waiting = centre.flows.start_call("line", centre.phone())
    offered = await clock.run_until(alice.next(Offered))
    assert offered.contact_id == waiting.contact_id
    assert clock.now() - ended_at == pytest.approx(30.0)  # its time is over by itself
    assert centre.record(call.contact_id)["Agent"]["AfterContactWorkDuration"] == 30


async def test_a_transfer_to_an_agent_waits_for_that_agent(clock: VirtualClock) -> None:
    centre = Centre(clock)
    alice, bob = await on_duty(centre, "alice", "bob")
    call = await talking(centre, alice)
    with pytest.raises(ProjectError, match="to transfer to"):
        await alice.transfer(call.contact_id, "nowhere")
    await alice.transfer(call.contact_id, "bob")
    offered = await clock.run_until(bob.next(Offered))
    assert (offered.contact_id, offered.queue) == (call.contact_id, "bob")


async def test_an_agent_who_leaves_while_a_transfer_flow_runs_is_not_waited_for(clock: VirtualClock) -> None:
    centre = Centre(clock)
    alice, bob = await on_duty(centre, "alice", "bob")
    call = await talking(centre, alice)
    await alice.transfer(call.contact_id, "To billing")
    await alice.hang_up(call.contact_id)
    assert (await clock.run_until(alice.next(Left))).why == "transferred"
    assert (await clock.run_until(bob.next(Offered))).contact_id == call.contact_id


async def test_a_transfer_flow_that_comes_to_nothing_gives_the_customer_back(clock: VirtualClock) -> None:
    unwired = definition(say("a", "Just a word.", "b"), action("b", "EndFlowExecution"), name="transfer")
    centre = Centre(clock, [line(), unwired], transfer=False)
    (alice,) = await on_duty(centre, "alice")
    call = await talking(centre, alice)
    await alice.transfer(call.contact_id, "To billing")
    await clock.run_until(alice.next(Transferring))
    await clock.run_until(alice.next(Connected))
    assert centre.stages(call.contact_id)[-1] == ("connected", "alice")


async def test_transfer_to_agent_rings_for_who_is_played_and_refuses_who_is_busy(clock: VirtualClock) -> None:
    direct = definition(
        action("set", "UpdateContactTargetQueue", {"AgentId": "alice"}, "go", errors={"NoMatchingError": "go"}),
        action("go", "TransferContactToAgent"),
        name="direct",
        type_="AGENT_TRANSFER",
    )
    centre = Centre(clock, [line(), direct])
    (alice,) = await on_duty(centre, "alice")
    call = await talking(centre, alice, to="direct")
    other = centre.flows.start_call("direct", centre.phone())
    assert (await clock.run_until(other.ended)).detail == "agent alice is not available"
    assert centre.contact(call.contact_id).ended is None


async def test_an_agent_who_accepts_automatically(clock: VirtualClock) -> None:
    centre = Centre(clock)
    alice = centre.agents.sit("alice", auto_accept=True)
    await alice.set_status("Available")
    call = centre.flows.start_call("line", centre.phone())
    connected = await clock.run_until(alice.next(Connected))
    assert connected.contact_id == call.contact_id


async def test_while_nobody_plays_them_agents_do_what_is_declared(clock: VirtualClock) -> None:
    scripted = Agent(name="carol", routing_profile="Everything", answers_after=4.0, talks=10.0)
    centre = Centre(clock, declared=msgspec.structs.replace(DECLARED, agents=(scripted,)))
    call = await centre.call(to="line")
    assert call.end.reason == "AGENT_DISCONNECT"
    carol = centre.agents.sit("carol")
    second = centre.flows.start_call("line", centre.phone())
    assert (await clock.run_until(carol.next(Offered))).contact_id == second.contact_id
    await clock.advance(10)
    assert centre.stages(second.contact_id)[-1] == ("queued", "")  # whoever plays her decides
    carol.close()
    await clock.advance(20)
    assert centre.stages(second.contact_id)[-1][0] == "connected"  # missed, and then taken as declared


async def test_an_automatic_user_takes_calls_without_anybody(clock: VirtualClock) -> None:
    user = Agent(name="robot", routing_profile="Everything", auto_accept=True, talks=7.0)
    centre = Centre(clock, declared=msgspec.structs.replace(DECLARED, agents=(user,)))
    call = await centre.call(to="line")
    assert call.end.reason == "AGENT_DISCONNECT"
    assert centre.drawn(call.contact_id).conversations[0].who == "robot"


async def test_nobody_is_offered_anything_while_away(clock: VirtualClock) -> None:
    centre = Centre(clock)
    alice = centre.agents.sit("alice")
    await alice.set_status("Away")
    centre.flows.start_call("line", centre.phone())
    await clock.advance(100)
    assert [type(note) for note in alice.notes] == [Seated, StatusSet]
    with pytest.raises(ProjectError, match="there is no status 'Gone'"):
        await alice.set_status("Gone")
    await alice.set_status("Available")
    await clock.run_until(alice.next(Offered))


async def test_what_the_customer_says_and_keys_reaches_the_agent(clock: VirtualClock) -> None:
    centre = Centre(clock)
    (alice,) = await on_duty(centre, "alice")
    call = await talking(centre, alice)
    call.line.press("5")
    centre.flows._open._lanes[call.contact_id].say("Hello?")
    told = [await clock.run_until(alice.next(Heard)) for _ in range(3)]
    assert [(note.who, note.text) for note in told[1:]] == [("customer", "5"), ("customer", "Hello?")]


@pytest.mark.parametrize("what", ["hold", "resume", "hang_up", "clear"])
async def test_what_is_not_theirs_agents_cannot_touch(clock: VirtualClock, what: str) -> None:
    centre = Centre(clock)
    alice, bob = await on_duty(centre, "alice", "bob")
    call = await talking(centre, alice)
    act: Any = getattr(bob, what)
    with pytest.raises(ProjectError):
        await act(call.contact_id)
    with pytest.raises(ProjectError):
        await alice.resume(call.contact_id)  # nothing is on hold


async def test_the_flow_after_the_agent_and_the_agents_after_contact_work(clock: VirtualClock) -> None:
    hooked = definition(
        action(
            "hook",
            "UpdateContactEventHooks",
            {"EventHooks": {"CustomerRemaining": flow_arn("survey")}},
            "set",
            errors={"NoMatchingError": "set"},
        ),
        *_queue_up(),
        name="hooked",
    )
    survey = definition(say("a", "How was it?", "bye"), hang_up(), name="survey")
    centre = Centre(clock, [hooked, survey])
    (alice,) = await on_duty(centre, "alice")
    call = await talking(centre, alice, to="hooked")
    await alice.hang_up(call.contact_id)
    assert (await clock.run_until(alice.next(Left))).why == "left"
    assert states(centre.seen("alice")) == ["ENDED"]
    assert (await clock.run_until(call.ended)).reason == "CONTACT_FLOW_DISCONNECT"


async def test_the_trace_tells_how_each_offer_ended(clock: VirtualClock) -> None:
    centre = Centre(clock)
    (alice,) = await on_duty(centre, "alice")
    call = centre.flows.start_call("line", centre.phone())
    await clock.run_until(alice.next(OfferOver))
    await alice.set_status("Available")
    await clock.run_until(alice.next(Offered))
    await alice.accept(call.contact_id)
    happened = centre.happenings(call.contact_id)
    assert [h.outcome for h in happened if isinstance(h, OfferEnded)] == ["missed", "accepted"]
    assert [h.stage for h in happened if isinstance(h, StageEntered)][:2] == ["queued", "agent_whisper"]
