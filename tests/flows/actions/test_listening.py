"""Actions in which somebody is heard or answers: Loop prompts, Lex bots, views, third parties."""

import orjson
import pytest

from callpark.flows.contact import End, Memory
from callpark.flows.declared import Bot, Declared, Intent, ThirdParty, View, ViewAnswer
from callpark.flows.effects import ShowForm
from callpark.flows.events import ViewAnswered
from callpark.flows.happenings import ThirdPartyCalled, ViewClosed
from callpark.kernel.limits import ConnectLimits
from tests.flows.actions.single import edge, entry, single
from tests.flows.building import function_arn
from tests.flows.driving import Driver, PlainWorld

pytestmark = pytest.mark.unit

# MessageParticipantIteratively


def rounds(messages: object, interrupt: str | None = None, limits: ConnectLimits | None = None) -> Driver:
    parameters = {"Messages": messages} | ({} if interrupt is None else {"InterruptFrequencySeconds": interrupt})
    return single(
        "MessageParticipantIteratively",
        parameters,
        when={"MessagesInterrupted": "on"},
        flow_type="CUSTOMER_QUEUE",
        world=PlainWorld(limits or ConnectLimits()),
    )


TWO = [{"Text": "One $.Channel"}, {"SSML": "<speak>Two</speak>"}]


def test_messages_are_heard_in_turn_without_end() -> None:
    driver = rounds(TWO)
    for _ in range(3):
        driver.next_timer()
    assert driver.said == ["One VOICE", "Two", "One VOICE", "Two"]
    assert entry(driver)["ContactFlowModuleType"] == "LoopPrompts"


def test_an_interruption_cuts_the_message_off_and_the_round_begins_anew_next_time() -> None:
    driver = rounds(TWO, "0.5")
    driver.advance(0.5)
    assert driver.path[1] == "on"
    assert driver.cut_off == 1
    assert entry(driver)["Results"] == "MessagesInterrupted"


@pytest.mark.parametrize(
    "messages",
    [[], None, "x", [{}], [{"Text": "a", "SSML": "b"}], ["x"], [{"PromptId": "$.Attributes.none"}]],
)
def test_messages_that_cannot_be_said(messages: object) -> None:
    assert edge(rounds(messages)) == "error NoMatchingError"
    assert edge(rounds(TWO, "never")) == "error NoMatchingError"


def test_a_later_message_that_cannot_be_said_takes_the_error_branch() -> None:
    driver = rounds([{"Text": "One"}, {"PromptId": "$.Attributes.none"}], "50")
    driver.next_timer()
    assert edge(driver) == "error NoMatchingError"
    assert driver.contact.due("interrupt") is None


def test_an_endless_round_of_nothing_is_stopped() -> None:
    driver = rounds([{"Text": "$.Attributes.none"}], limits=ConnectLimits(actions_per_contact=50))
    while driver.contact.ended is None:
        driver.next_timer()
    assert driver.contact.ended == End("OTHER", "stopped after 50 messages: an endless round")


# ConnectParticipantWithLexBot

ALIAS = "arn:aws:lex:eu-west-2:123456789012:bot-alias/BOT/ALIAS"
BOT = Bot(
    name="Clerk",
    arn=ALIAS,
    intents=(
        Intent(name="Book", phrases=("book a table", "1"), slots={"when": "tonight"}),
        Intent(name="Stop", phrases=("goodbye",)),
    ),
)


def lex(bot: Bot | None = BOT, **more: object) -> Driver:
    parameters: dict[str, object] = {"Text": "How can I help?", "LexV2Bot": {"AliasArn": "$.Attributes.bot"}, **more}
    return single(
        "ConnectParticipantWithLexBot",
        {key: value for key, value in parameters.items() if value is not None},
        errors=("NoMatchingCondition", "NoMatchingError", "InputTimeLimitExceeded"),
        when={"Book": "on book", "Stop": "on stop"},
        declared=Declared(bots=() if bot is None else (bot,)),
        memory=Memory(attributes={"bot": ALIAS}),
    )


@pytest.mark.parametrize(
    ("words", "taken", "intent"),
    [
        ("I would like to Book  a Table please", "on book", "Book"),
        ("1", "on book", "Book"),
        ("goodbye", "on stop", "Stop"),
        ("goodbyes", "error NoMatchingCondition", "FallbackIntent"),
        ("my number is 1", "error NoMatchingCondition", "FallbackIntent"),
        ("", "error NoMatchingCondition", "FallbackIntent"),
    ],
)
def test_words_decide(words: str, taken: str, intent: str) -> None:
    driver = lex()
    assert driver.said == ["How can I help?"]
    driver.say(words)
    assert driver.path[1] == taken
    assert driver.cut_off == 1  # the caller spoke into the question
    assert entry(driver)["Results"] == intent
    found = driver.contact.memory.found["Lex"]
    assert isinstance(found, dict)
    assert found["IntentName"] == intent
    assert found["Slots"] == ({"when": "tonight"} if intent == "Book" else {})


def test_keys_decide_after_a_pause_or_the_hash_key() -> None:
    driver = lex()
    driver.press("1")
    assert driver.next_timer() == "input"
    assert driver.path[1] == "on book"
    other = lex()
    other.press("9*1#")
    assert other.path[1] == "on book"


def test_silence_takes_its_branch() -> None:
    driver = lex()
    driver.next_timer()
    driver.next_timer()
    assert edge(driver) == "error InputTimeLimitExceeded"


def test_o10_a_bot_that_nobody_declares() -> None:
    driver = lex(None)
    assert edge(driver) == "error NoMatchingError"
    assert "declare its intents under `bots:`" in driver.warnings[0]


@pytest.mark.parametrize(
    "more",
    [{"LexV2Bot": None}, {"LexV2Bot": {}}, {"LexBot": {"Name": "Clerk"}}, {"Text": None}, {"SSML": "<speak/>"}],
)
def test_bots_that_are_not_named_well(more: dict[str, object]) -> None:
    assert edge(lex(BOT, **more)) == "error NoMatchingError"


def test_a_classic_bot_goes_by_its_name() -> None:
    driver = lex(LexV2Bot=None, LexBot={"Name": "Clerk", "Region": "eu-west-2", "Alias": "prod"})
    driver.say("goodbye")
    assert driver.path[1] == "on stop"


def test_the_initial_message_is_taken_for_the_first_words() -> None:
    driver = lex(LexInitializationData={"InitialMessage": "$.Attributes.bot"}, Text=None)
    assert edge(driver) == "error NoMatchingCondition"
    absent = lex(LexInitializationData={"InitialMessage": "$.Media.InitialMessage"}, Text=None)
    assert edge(absent) == "error NoMatchingError"


HOOKED = Bot(name="Clerk", arn=ALIAS, intents=BOT.intents, function=function_arn("Hook"))


def hook_answer(kind: str, intent: str = "Book", *messages: str) -> dict[str, object]:
    slot = {"value": {"interpretedValue": "tomorrow"}}
    return {
        "sessionState": {
            "dialogAction": {"type": kind},
            "intent": {"name": intent, "state": "Fulfilled", "slots": {"when": slot, "none": None}},
            "sessionAttributes": {"seen": "1"},
        },
        "messages": [{"contentType": "PlainText", "content": message} for message in messages],
    }


def test_a_code_hook_is_asked_and_closes() -> None:
    driver = lex(HOOKED, LexSessionAttributes={"who": "$.CustomerEndpoint.Address"})
    driver.say("book a table")
    event = orjson.loads(driver.started[0].payload)
    assert event["inputTranscript"] == "book a table"
    assert event["sessionState"]["intent"]["slots"]["when"]["value"]["interpretedValue"] == "tonight"
    assert event["sessionState"]["sessionAttributes"] == {"who": "+441632960001"}
    driver.answer(hook_answer("Close", "Book", "Booked."))
    assert driver.path[1] == "on book"
    assert driver.contact.memory.found["Lex"] == {
        "IntentName": "Book",
        "IntentConfidence": {"Score": None},
        "Slots": {"when": "tomorrow", "none": None},
        "SessionAttributes": {"seen": "1"},
        "DialogState": "Fulfilled",
    }


def test_a_code_hook_asks_back_and_keeps_its_session() -> None:
    driver = lex(HOOKED)
    driver.say("hello")
    driver.answer(hook_answer("ElicitSlot", "Book", "When?"))
    assert driver.said[-1] == "When?"
    driver.say("tomorrow")
    assert orjson.loads(driver.started[1].payload)["sessionState"]["sessionAttributes"] == {"seen": "1"}
    driver.answer(hook_answer("Close", "Stop"))
    assert driver.path[1] == "on stop"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"sessionState": {"dialogAction": {"type": "Sing"}}},
        {"sessionState": {"dialogAction": {"type": "Close"}}},
        [],
    ],
)
def test_a_code_hook_that_answers_nonsense(answer: object) -> None:
    driver = lex(HOOKED)
    driver.say("hello")
    driver.answer(answer)
    assert edge(driver) == "error NoMatchingError"


def test_a_code_hook_that_fails_is_late_or_is_left() -> None:
    failed = lex(HOOKED)
    failed.say("hello")
    failed.answer({}, failed=True)
    assert edge(failed) == "error NoMatchingError"
    late = lex(HOOKED)
    late.say("hello")
    late.next_timer()
    assert late.now == pytest.approx(30)
    assert edge(late) == "error NoMatchingError"
    left = lex(HOOKED)
    left.say("hello")
    left.hang_up()
    assert left.contact.ended == End("CUSTOMER_DISCONNECT")


# ShowView


def view(declared: Declared = Declared(), channel: str = "CHAT", **more: object) -> Driver:  # noqa: B008 a frozen value
    return single(
        "ShowView",
        {
            "ViewResource": {"Id": "form", "Version": "Latest"},
            "InvocationTimeLimitSeconds": "300",
            "ViewData": {"Heading": "For $.Attributes.name", "Rows": [{"Value": "$.Attributes.name"}]},
            **more,
        },
        errors=("NoMatchingCondition", "NoMatchingError", "TimeLimitExceeded"),
        when={"Next": "on"},
        declared=declared,
        channel=channel,
        memory=Memory(attributes={"name": "Ann"}),
    )


def test_a_view_is_shown_with_its_data_and_answered() -> None:
    driver = view()
    (shown,) = [effect for effect in driver.effects if isinstance(effect, ShowForm)]
    assert shown.data == {"Heading": "For Ann", "Rows": [{"Value": "Ann"}]}
    driver.happen(ViewAnswered("Next", {"FormData": {"x": [1]}}))
    assert driver.path[1] == "on"
    assert driver.contact.memory.found["Views"] == {"Action": "Next", "ViewResultData": {"FormData": {"x": [1]}}}
    assert entry(driver)["Results"] == "Next"


def test_an_answer_without_a_condition_and_no_answer_in_time() -> None:
    driver = view()
    driver.happen(ViewAnswered("Back"))
    assert edge(driver) == "error NoMatchingCondition"
    late = view()
    late.next_timer()
    assert late.now == 300.0
    assert edge(late) == "error TimeLimitExceeded"
    before = late.contact
    late.happen(ViewAnswered("Next"))
    assert late.contact == before


def test_a_declared_view_answers_by_itself() -> None:
    driver = view(Declared(views=(View(name="form", answer=ViewAnswer(action="Next", data={"a": 1}, after=2.0)),)))
    assert driver.next_timer() == "view"
    assert (driver.now, driver.path[1]) == (2.0, "on")


@pytest.mark.parametrize(
    "driver",
    [
        view(Declared(views=(View(name="other"),))),
        view(ViewData={"x": "y" * 16_384}),
        view(ViewResource={}),
        view(InvocationTimeLimitSeconds="soon"),
        view(channel="VOICE"),
        view(channel="TASK"),
    ],
    ids=["not declared", "too large", "no view", "no time", "voice", "task"],
)
def test_views_that_cannot_be_shown(driver: Driver) -> None:
    assert edge(driver) == "error NoMatchingError"


def test_a_view_is_closed_when_the_customer_leaves() -> None:
    driver = view()
    driver.hang_up()
    assert ViewClosed(driver.contact.id, "form", "") in driver.effects


# TransferParticipantToThirdParty

OTHER = "+441632960099"


def third_party(continuing: str, *parties: ThirdParty, **more: str) -> Driver:
    return single(
        "TransferParticipantToThirdParty",
        {
            "ThirdPartyPhoneNumber": "$.Attributes.other",
            "ThirdPartyConnectionTimeLimitSeconds": "30",
            "ContinueFlowExecution": continuing,
            **more,
        },
        errors=("NoMatchingError", "CallFailed", "ConnectionTimeLimitExceeded"),
        declared=Declared(third_parties=parties),
        memory=Memory(attributes={"other": OTHER}),
    )


def test_the_flow_goes_on_when_the_third_party_has_hung_up() -> None:
    driver = third_party("True", ThirdParty(number=OTHER, answers_after=4.0, talks=20.0))
    driver.advance(60)
    assert edge(driver) == "next"
    outcomes = [effect.outcome for effect in driver.effects if isinstance(effect, ThirdPartyCalled)]
    assert outcomes == ["ringing", "connected", "ended"]


def test_the_contact_ends_with_the_third_party() -> None:
    driver = third_party("False", ThirdParty(number=OTHER))
    driver.advance(60)
    assert driver.contact.ended == End("THIRD_PARTY_DISCONNECT")


@pytest.mark.parametrize(
    ("continuing", "parties", "taken"),
    [
        ("True", [], "error NoMatchingError"),
        ("True", [ThirdParty(number="+1")], "error CallFailed"),
        ("True", [ThirdParty(number=OTHER, answers_after=None)], "error ConnectionTimeLimitExceeded"),
        ("True", [ThirdParty(number=OTHER, answers_after=31.0)], "error ConnectionTimeLimitExceeded"),
        ("False", [ThirdParty(number=OTHER, answers_after=31.0)], "error NoMatchingError"),
        ("False", [ThirdParty(number="+1")], "error NoMatchingError"),
        ("maybe", [ThirdParty(number=OTHER)], "error NoMatchingError"),
    ],
)
def test_calls_that_fail(continuing: str, parties: list[ThirdParty], taken: str) -> None:
    driver = third_party(continuing, *parties)
    driver.advance(30)
    assert edge(driver) == taken


def test_hanging_up_on_a_third_party() -> None:
    driver = third_party("True", ThirdParty(number=OTHER))
    driver.hang_up()
    assert driver.contact.ended == End("CUSTOMER_DISCONNECT")
    assert driver.contact.due("third party") is None
