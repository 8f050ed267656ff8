"""The floor: who takes whom; and whole calls through queues on virtual time, over restarts."""

import dataclasses

import msgspec
import pytest

from callpark.flows.channels.phone import Manner, ScriptedPhone
from callpark.flows.contact import End, Target
from callpark.flows.custody import TABLE
from callpark.flows.declared import Agent, Bot, Case, Declared, Intent, Profile, PromptFile, Queue, View
from callpark.flows.happenings import ActionEntered, ContactEnded, StageEntered
from callpark.flows.model import FlowDefinition
from callpark.flows.resources import build_resources
from callpark.flows.service import PHONE_GONE
from callpark.kernel.clock import VirtualClock
from tests.flows.building import INSTANCE, action, definition, flow_arn, hang_up, say
from tests.flows.exchange import Finished, Office

pytestmark = pytest.mark.sim

Q, R = Target("arn:q", "Q"), Target("arn:r", "R")
DECLARED = Declared(
    queues=(
        Queue(name="Q", arn="arn:q", agents=("alice", "bob"), capacity=2),
        Queue(name="R", arn="arn:r", agents=("bob",)),
    ),
    agents=(
        Agent(name="alice", answers_after=5.0, talks=20.0),
        Agent(name="bob", answers_after=3.0, talks=20.0),
        Agent(name="carol", status="away"),
    ),
)
RESOURCES = build_resources(DECLARED)


FULL = {"QueueAtCapacity": "full", "NoMatchingError": "full"}
LINE = definition(
    action("set", "UpdateContactTargetQueue", {"QueueId": "Q"}, "transfer", errors={"NoMatchingError": "full"}),
    action("transfer", "TransferContactToQueue", {}, "full", errors=FULL),
    say("full", "Everybody is busy.", "bye"),
    hang_up(),
)


def office(clock: VirtualClock, *flows: FlowDefinition, declared: Declared = DECLARED) -> Office:
    return Office(clock, flows or [LINE], instance=dataclasses.replace(INSTANCE, declared=declared))


def stages(office: Office, contact_id: str) -> list[tuple[str, str]]:
    return [(h.stage, h.agent) for h in office.happenings(contact_id) if isinstance(h, StageEntered)]


async def test_a_call_waits_is_taken_and_ends_with_the_agent(clock: VirtualClock) -> None:
    call = await office(clock).call()
    assert call.end == End("AGENT_DISCONNECT")
    (talk,) = call.timeline.conversations
    assert talk.who == "alice"
    assert talk.end - talk.start == pytest.approx(20)
    assert call.timeline.prompts[0].text == "You are in the queue. Please hold the line."
    assert talk.start - call.timeline.start == pytest.approx(5.35, abs=0.1)  # five seconds, and the whisper "Q"
    assert call.timeline.seconds_of_silence < 0.5


async def test_more_callers_than_agents_wait_for_each_other_and_beyond_capacity_hear_so(clock: VirtualClock) -> None:
    line = office(clock)
    calls = [line.flows.start_call("flow", line.phone()) for _ in range(5)]
    ends = [await clock.run_until(call.ended) for call in calls]
    assert sorted(end.reason for end in ends) == ["AGENT_DISCONNECT"] * 2 + ["CONTACT_FLOW_DISCONNECT"] * 3
    assert {agent for call in calls for _, agent in stages(line, call.contact_id)} == {"", "alice", "bob"}


async def test_who_hangs_up_in_the_queue_gives_the_agent_back(clock: VirtualClock) -> None:
    declared = msgspec.structs.replace(DECLARED, queues=(Queue(name="Q", arn="arn:q", agents=("alice",)),))
    line = office(clock, declared=declared)
    began = clock.now()
    first = line.flows.start_call("flow", line.phone(manner=Manner(hang_up_after=1.0)))
    second = line.flows.start_call("flow", line.phone())
    assert (await clock.run_until(first.ended)).reason == "CUSTOMER_DISCONNECT"
    assert (await clock.run_until(second.ended)).reason == "AGENT_DISCONNECT"
    assert ("agent_whisper", "alice") in stages(line, second.contact_id)
    assert clock.now() - began == pytest.approx(26.35, abs=0.1)


async def test_a_restart_while_talking_or_waiting(clock: VirtualClock) -> None:
    """A caller whose phone is gone is hung up; agents do not stay busy with them."""
    line = office(clock)
    line.flows.start_call("flow", line.phone())
    await clock.advance(10)
    await line.flows.close()
    again = line.restarted()
    await again.flows.start()
    (contact,) = again.flows.contacts()
    assert contact.desk is not None
    assert contact.desk.stage == "connected"
    await clock.advance(0.1)
    assert [h.detail for h in again.happenings(contact.id) if isinstance(h, ContactEnded)] == [PHONE_GONE]
    call = await again.call()
    assert call.end == End("AGENT_DISCONNECT")


WAIT = {"TimeLimitSeconds": "50"}
TASK = definition(
    say("say", "Nobody hears this", "tag"),
    action("tag", "TagContact", {"Tags": {"a": "b"}}, "wait"),
    action("wait", "Wait", WAIT, "bye", errors={"NoMatchingError": "bye"}, when={"WaitCompleted": "bye"}),
    hang_up(),
    name="task",
)
MAKER = definition(
    action(
        "make",
        "CreateTask",
        {"Name": "T", "ContactFlowId": flow_arn("task"), "DelaySeconds": "100", "Attributes": {"a": "$.Channel"}},
        "bye",
        errors={"NoMatchingError": "bye"},
    ),
    hang_up(),
)


async def test_a_task_runs_when_it_is_due_also_after_a_restart(clock: VirtualClock) -> None:
    line = office(clock, MAKER, TASK)
    await line.call()
    (task,) = line.flows.contacts()
    assert (task.party.channel, task.party.related_contact_id is None) == ("TASK", False)
    await clock.advance(60)
    await line.flows.close()
    again = line.restarted()
    await again.flows.start()
    await clock.advance(41)
    assert [h.action for h in again.happenings(task.id) if isinstance(h, ActionEntered)] == ["say", "tag", "wait"]
    await clock.advance(50)
    assert again.flows.contacts() == []
    assert await again.store.scan(TABLE) == []


CALLBACK = definition(
    action("set", "UpdateContactTargetQueue", {"QueueId": "Q"}, "back", errors={"NoMatchingError": "bye"}),
    action(
        "back", "CreateCallbackContact", {"InitialCallDelaySeconds": "30"}, "bye", errors={"NoMatchingError": "bye"}
    ),
    hang_up(),
)


async def test_a_callback_waits_for_an_agent_and_talks(clock: VirtualClock) -> None:
    line = office(clock, CALLBACK)
    first = await line.call()
    (contact,) = line.flows.contacts()
    assert (contact.party.initiation_method, contact.party.initial_contact_id) == ("CALLBACK", first.contact_id)
    await clock.advance(100)
    assert stages(line, contact.id) == [
        *(("queued", ""), ("agent_whisper", "alice"), ("customer_whisper", "alice"), ("connected", "alice")),
    ]
    assert [h.reason for h in line.happenings(contact.id) if isinstance(h, ContactEnded)] == ["AGENT_DISCONNECT"]


async def test_a_caller_speaks_to_a_bot_and_answers_a_view_is_for_chat(clock: VirtualClock) -> None:
    declared = Declared(
        bots=(Bot(name="Clerk", intents=(Intent(name="Book", phrases=("book", "1")),)),),
        prompts=(PromptFile(name="Hello", seconds=2.0, text="Hello there"),),
        views=(View(name="v"),),
        profiles=(Profile(id="p", fields={}),),
        cases=(Case(id="c"),),
    )
    line = office(
        clock,
        definition(
            action("hello", "MessageParticipant", {"PromptId": "x/prompt/Hello"}, "talk"),
            action(
                "talk",
                "ConnectParticipantWithLexBot",
                {"Text": "How can I help?", "LexBot": {"Name": "Clerk"}},
                "bye",
                errors=dict.fromkeys(("NoMatchingCondition", "NoMatchingError"), "bye"),
                when={"Book": "booked"},
            ),
            say("booked", "Booked by $.Lex.IntentName", "bye"),
            hang_up(),
        ),
        declared=declared,
    )
    phone = ScriptedPhone(clock, says=["I want to book"])
    call = line.flows.start_call("flow", phone)
    await clock.run_until(call.ended)
    assert phone.heard_texts == ["Hello there", "How can I help?", "Booked by Book"]
    assert phone.transcript[1][0] - phone.transcript[0][0] == pytest.approx(2)
    keyed: Finished = await line.call("1#")
    assert keyed.heard[-1] == "Booked by Book"


async def test_a_prompt_that_is_not_declared_among_others(clock: VirtualClock) -> None:
    declared = Declared(prompts=(PromptFile(name="Hello", seconds=2.0),))
    flow = definition(
        action(
            "a", "MessageParticipant", {"PromptId": "arn:p/prompt/none"}, "bye", errors={"NoMatchingError": "sorry"}
        ),
        say("sorry", "Sorry", "bye"),
        hang_up(),
    )
    assert (await office(clock, flow, declared=declared).call()).heard == ["Sorry"]


async def test_nobody_ever_takes_the_call_and_one_warning_says_so(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    line = office(clock, declared=Declared())
    for _ in range(2):
        call = await line.call(manner=Manner(hang_up_after=90.0))
        assert call.end == End("CUSTOMER_DISCONNECT")
    assert [message for message in caplog.messages if "nobody takes contacts out of queue Q" in message] == [
        "flow flow, action 'transfer': nobody takes contacts out of queue Q: declare an agent with `answers_after:` in "
        "connect.yaml, or be one with `callpark agent`"
    ]
    caplog.clear()
