"""Chats: messages take no time, words reach bots and Waits, the flow starts when the customer connects."""

import pytest

from callpark.flows.calls import Chat
from callpark.flows.channels.chat import message
from callpark.flows.contact import Contact
from callpark.flows.contact_record import contact_record, state_of
from callpark.flows.declared import Bot, Declared, Intent, View
from callpark.flows.model import InstanceDefinition
from callpark.flows.prompts import BadPrompt, Prompt
from callpark.flows.timeline import timeline
from callpark.flows.world import Heard
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ConnectLimits
from tests.flows.building import (
    INSTANCE_ARN,
    Action,
    action,
    definition,
    hang_up,
    invoke_async,
    load,
    say,
    wait,
)
from tests.flows.channels.scripted import ScriptedCustomer, Written
from tests.flows.exchange import Office, takes

pytestmark = pytest.mark.sim

LATEST = "$.LambdaInvocation.InvocationId"
DECLARED = Declared(
    bots=(Bot(name="Clerk", intents=(Intent(name="Book", phrases=("book", "a booking")),)),),
    views=(View(name="form"),),
)


def bot(then: str, otherwise: str, **parameters: object) -> Action:
    given = {"Text": "What can I do?", "LexV2Bot": {"AliasArn": "Clerk"}, **parameters}
    errors = {name: otherwise for name in ("NoMatchingCondition", "NoMatchingError", "InputTimeLimitExceeded")}
    return action("bot", "ConnectParticipantWithLexBot", given, otherwise, errors=errors, when={"Book": then})


class Scene:
    """An office and a chat in it."""

    def __init__(self, clock: VirtualClock, *actions: Action, seconds: float | None = None, **script: object) -> None:
        instance = InstanceDefinition(arn=INSTANCE_ARN, all_functions=True, declared=DECLARED)
        self.office = Office(clock, [definition(*actions)], {"F": takes(7, {"n": "7"})}, instance=instance)
        self.customer = ScriptedCustomer(clock, **script)  # type: ignore[arg-type]
        self.chat: Chat = self.office.flows.start_chat(
            "flow", self.customer, attributes={"tier": "gold"}, seconds=seconds
        )

    @property
    def contact(self) -> Contact:
        found = self.office.flows.contact(self.chat.contact_id)
        assert found is not None
        return found

    def connect(self) -> "Scene":
        self.chat.connect()
        return self


async def test_the_flow_starts_when_the_customer_connects(clock: VirtualClock) -> None:
    scene = Scene(clock, say("hello", "Hello $.Attributes.tier customer.", "bye"), hang_up())
    await clock.advance(120)
    assert scene.customer.transcript == []
    assert state_of(scene.contact) == "scheduled"
    scene.connect()
    end = await clock.run_until(scene.chat.ended)
    assert end.reason == "CONTACT_FLOW_DISCONNECT"
    assert scene.customer.read == ["Hello gold customer."]
    assert scene.customer.end == "CONTACT_FLOW_DISCONNECT"


async def test_nobody_connects(clock: VirtualClock) -> None:
    scene = Scene(clock, say("hello", "Hello.", "bye"), hang_up())
    began = clock.now()
    end = await clock.run_until(scene.chat.ended)
    assert clock.now() - began == 300
    assert (end.reason, end.detail) == ("OTHER", "nobody connected within 300 s")
    assert scene.customer.read == []


async def test_connecting_again_does_not_start_the_flow_again(clock: VirtualClock) -> None:
    scene = Scene(
        clock, say("hello", "Hello.", "wait"), action("wait", "Wait", {"TimeLimitSeconds": "60"}, "bye"), hang_up()
    )
    scene.connect()
    await clock.advance(1)
    scene.connect()
    await clock.run_until(scene.chat.ended)
    assert scene.customer.read == ["Hello."]


@pytest.mark.parametrize(("seconds", "expected"), [(None, 90_000), (3_600.0, 3_600)])
async def test_a_chat_lasts_so_long_and_no_longer(clock: VirtualClock, seconds: float | None, expected: float) -> None:
    forever = action("wait", "Wait", {"TimeLimitSeconds": "600000"}, "bye")
    scene = Scene(clock, forever, hang_up(), seconds=seconds).connect()
    began = clock.now()
    end = await clock.run_until(scene.chat.ended)
    assert clock.now() - began == expected
    assert end.reason == "EXPIRED"


async def test_messages_take_no_time_and_markup_is_shown_as_it_stands(clock: VirtualClock) -> None:
    markup = "<speak>Hello <break time='3s'/> there</speak>"
    ssml = action("ssml", "MessageParticipant", {"SSML": markup}, "three", errors={"NoMatchingError": "bye"})
    scene = Scene(clock, say("one", "One.", "ssml"), ssml, say("three", "Three.", "bye"), hang_up()).connect()
    began = clock.now()
    await clock.run_until(scene.chat.ended)
    assert clock.now() == began
    assert scene.customer.transcript == [Written(began, "SYSTEM", text) for text in ("One.", markup, "Three.")]


async def test_a_recording_cannot_be_sent(clock: VirtualClock) -> None:
    music = action("music", "MessageParticipant", {"PromptId": "p"}, "bye", errors={"NoMatchingError": "sorry"})
    scene = Scene(clock, music, say("sorry", "Sorry.", "bye"), hang_up()).connect()
    await clock.run_until(scene.chat.ended)
    assert scene.customer.read == ["Sorry."]


async def test_keys_cannot_be_asked_for(clock: VirtualClock) -> None:
    """GetParticipantInput takes its error branch in a chat (reference §5)."""
    ask = {"Text": "Key?", "StoreInput": "False", "InputTimeLimitSeconds": "5"}
    errors = {"NoMatchingError": "sorry", "NoMatchingCondition": "bye", "InputTimeLimitExceeded": "bye"}
    get = action("ask", "GetParticipantInput", ask, "bye", errors=errors, when={"1": "bye"})
    scene = Scene(clock, get, say("sorry", "Sorry.", "bye"), hang_up()).connect()
    await clock.run_until(scene.chat.ended)
    assert scene.customer.read == ["Sorry."]


async def test_words_reach_a_bot(clock: VirtualClock) -> None:
    flow = (bot("booked", "lost"), say("booked", "Booked.", "bye"), say("lost", "Lost.", "bye"), hang_up())
    scene = Scene(clock, *flow, says=["a booking"], reaction=400.0).connect()
    await clock.run_until(scene.chat.ended)
    assert [(line.role, line.text) for line in scene.customer.transcript] == [
        ("SYSTEM", "What can I do?"),
        ("CUSTOMER", "a booking"),
        ("SYSTEM", "Booked."),
    ]


async def test_a_bot_waits_as_long_as_the_flow_says(clock: VirtualClock) -> None:
    flow = (bot("bye", "lost", LexTimeoutSeconds={"Text": "120"}), say("lost", "Lost.", "bye"), hang_up())
    scene = Scene(clock, *flow).connect()
    began = clock.now()
    await clock.run_until(scene.chat.ended)
    assert clock.now() - began == 120
    assert scene.customer.read == ["What can I do?", "Lost."]


async def test_a_wait_for_the_customers_return_ends_with_the_next_message(clock: VirtualClock) -> None:
    waits = action(
        "wait",
        "Wait",
        {"TimeLimitSeconds": "600", "Events": ["CustomerReturned"]},
        "late",
        errors={"NoMatchingError": "late"},
        when={"CustomerReturned": "back", "WaitCompleted": "late"},
    )
    scene = Scene(clock, waits, say("back", "Welcome back.", "bye"), say("late", "Late.", "bye"), hang_up()).connect()
    await clock.advance(60)
    scene.customer.write("hello?")
    await clock.run_until(scene.chat.ended)
    assert scene.customer.read == ["Welcome back."]


@pytest.mark.parametrize(
    ("views", "read"), [([("Next", {"a": "1"})], "Chose 1."), ([], "Nothing."), ([("Other", {})], "Another.")]
)
async def test_a_view(clock: VirtualClock, views: list[tuple[str, dict[str, object]]], read: str) -> None:
    errors = {"NoMatchingCondition": "another", "NoMatchingError": "bye", "TimeLimitExceeded": "nothing"}
    parameters = {"ViewResource": {"Id": "form", "Version": "1"}, "InvocationTimeLimitSeconds": "400", "ViewData": {}}
    show = action("show", "ShowView", parameters, "bye", errors=errors, when={"Next": "chose"})
    texts = {"chose": "Chose $.Views.ViewResultData.a.", "nothing": "Nothing.", "another": "Another."}
    scene = Scene(clock, show, *[say(name, text, "bye") for name, text in texts.items()], hang_up(), views=views)
    scene.connect()
    await clock.run_until(scene.chat.ended)
    assert scene.customer.read == [read]


async def test_a8_an_asynchronous_function_while_the_chat_goes_on(clock: VirtualClock) -> None:
    """The Continue branch asks a bot; the answer of the function comes first and ends the question."""
    scene = Scene(
        clock,
        invoke_async("invoke", "wait"),
        wait("wait", events={"R": (LATEST, "load")}, continuing="please", completed="bye"),
        say("please", "One moment.", "bot"),
        bot("bye", "bye"),
        load("load", "done", reference=LATEST, progress="bye", error="bye"),
        say("done", "Done $.External.n.", "bye"),
        hang_up(),
        says=["book"],
        reaction=30.0,
    ).connect()
    began = clock.now()
    await clock.run_until(scene.chat.ended)
    assert scene.customer.read == ["One moment.", "What can I do?", "Done 7."]
    assert clock.now() - began == 7
    drawn = timeline(await scene.office.flows.story(scene.chat.contact_id))
    assert [block.action for block in drawn.blocks if block.branch] == ["please", "bot"]


async def test_the_customer_leaves(clock: VirtualClock) -> None:
    scene = Scene(clock, bot("bye", "bye"), hang_up(), leaves_after=20.0).connect()
    end = await clock.run_until(scene.chat.ended)
    assert end.reason == "CUSTOMER_DISCONNECT"
    record = contact_record(scene.contact, [])
    assert (record["Channel"], record["InitiationMethod"]) == ("CHAT", "API")
    assert "CustomerEndpoint" not in record


async def test_a_chat_goes_on_after_a_restart(clock: VirtualClock) -> None:
    """Nobody is hung up: a chat's customer connects again."""
    scene = Scene(clock, bot("booked", "bye"), say("booked", "Booked.", "bye"), hang_up()).connect()
    await clock.advance(60)
    await scene.office.flows.close()
    again = scene.office.restarted()
    customer = ScriptedCustomer(clock, ["book"])
    await again.flows.start(lambda contact: customer)
    await clock.advance(10)
    assert customer.read == ["Booked."]
    assert customer.end == "CONTACT_FLOW_DISCONNECT"


async def test_a_chat_that_nobody_connected_to_before_a_restart(clock: VirtualClock) -> None:
    scene = Scene(clock, say("hello", "Hello.", "bye"), hang_up())
    await clock.advance(200)
    await scene.office.flows.close()
    again = scene.office.restarted()
    await again.flows.start()
    await clock.advance(101)
    contact = again.flows.contact(scene.chat.contact_id)
    assert contact is not None
    assert contact.ended is not None
    assert contact.ended.detail == "nobody connected within 300 s"


async def test_many_chats_beside_calls(clock: VirtualClock) -> None:
    flow = definition(say("hello", "Hello.", "bye"), hang_up())
    office = Office(clock, [flow], limits=ConnectLimits(calls=3))
    chats = [office.flows.start_chat("flow", ScriptedCustomer(clock)) for _ in range(2)]
    office.flows.start_call("flow", office.phone())
    with pytest.raises(CallerError, match="3 contacts are open already"):
        office.flows.start_chat("flow", ScriptedCustomer(clock))
    for chat in chats:
        chat.connect()
    await clock.advance(30)
    assert office.flows.contacts() == []


@pytest.mark.parametrize(
    ("prompt", "read"),
    [
        (Prompt("text", "one  two\nthree"), Heard("one  two\nthree", 3, 0.0)),
        (Prompt("ssml", "<speak>a</speak>"), Heard("<speak>a</speak>", 1, 0.0)),
        (Prompt("text", ""), Heard("", 0, 0.0)),
    ],
)
def test_what_a_message_is(prompt: Prompt, read: Heard) -> None:
    assert message(prompt, ConnectLimits()) == read


@pytest.mark.parametrize("prompt", [Prompt("recording", "p"), Prompt("text", "x" * 6_001)])
def test_what_cannot_be_sent(prompt: Prompt) -> None:
    with pytest.raises(BadPrompt):
        message(prompt, ConnectLimits())
