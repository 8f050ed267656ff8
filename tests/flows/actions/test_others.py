"""The actions without a file of their own here: each with its branches."""

import pytest

from callpark.flows.contact import Party, Voice
from callpark.flows.engine import compiled
from tests.flows.building import INSTANCE_ARN, action, flow, flow_arn, hang_up, invoke, keep, say
from tests.flows.driving import CONTACT_ID, Driver

pytestmark = pytest.mark.unit


def party(channel: str) -> Party:
    return Party(CONTACT_ID, INSTANCE_ARN, "us-east-1", None, None, 0.0, channel=channel)  # type: ignore[arg-type]


# MessageParticipant


@pytest.mark.parametrize(
    ("parameters", "heard"),
    [
        ({"Text": "Hello $.CustomerEndpoint.Address"}, "Hello +441632960001"),
        ({"SSML": "<speak>Hello <break time='1s'/> you</speak>"}, "Hello you"),
        ({"Text": "<speak>Hello</speak>"}, "Hello"),
        ({"PromptId": f"{INSTANCE_ARN}/prompt/Music.wav"}, "[recording Music.wav]"),
        ({"Media": {"Uri": "s3://b/a.wav", "SourceType": "S3", "MediaType": "Audio"}}, "[recording a.wav]"),
    ],
)
def test_a_message_is_heard_and_then_the_flow_goes_on(parameters: dict[str, object], heard: str) -> None:
    message = action("say", "MessageParticipant", parameters, "bye", errors={"NoMatchingError": "failed"})
    driver = Driver(message, say("failed", "Failed", "bye"), hang_up()).start()
    assert driver.said == [heard]
    assert driver.contact.ended is None
    driver.next_timer()
    assert driver.path == ["say", "bye"]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"Text": "a", "SSML": "<speak/>"},
        {"SSML": "<speak>open"},
        {"SSML": "<p>no speak</p>"},
        {"SSML": "<!DOCTYPE a [<!ENTITY b 'c'>]><speak>&b;</speak>"},
        {"SSML": "<speak><break time='long'/></speak>"},
        {"Text": "x" * 6_001},
        {"PromptId": "$.Attributes.none"},
        {"Media": {}},
    ],
)
def test_a_message_that_cannot_be_said(parameters: dict[str, object]) -> None:
    with_edge = action("say", "MessageParticipant", parameters, "bye", errors={"NoMatchingError": "failed"})
    assert Driver(with_edge, say("failed", "Failed", "bye"), hang_up()).start().path == ["say", "failed"]
    without_edge = action("say", "MessageParticipant", parameters, "bye")
    assert Driver(without_edge, hang_up()).start().path == ["say", "bye"]


def test_a_task_hears_nothing_and_succeeds() -> None:
    assert Driver(say("say", "Hello", "bye"), hang_up(), party=party("TASK")).start().path == ["say", "bye"]


# UpdateContactAttributes, UpdateFlowAttributes


def set_attributes(name: str, then: str, target: str = "Current", /, **attributes: object) -> dict[str, object]:
    parameters = {"Attributes": attributes, "TargetContact": target}
    return action(name, "UpdateContactAttributes", parameters, then, errors={"NoMatchingError": "failed"})


FAILED = say("failed", "Failed", "bye")


def test_attributes_are_set_overwritten_and_kept() -> None:
    driver = Driver(
        set_attributes("one", "two", a="1", b=2, c="$.Channel"),
        set_attributes("two", "talk", b="<$.Attributes.a>", d="$.Attributes.none", e="[$.Attributes.none]"),
        keep("talk", "say", a="flow $.Attributes.a"),
        say("say", "$.Attributes.b $.FlowAttributes.a", "bye"),
        FAILED,
        hang_up(),
    ).start()
    assert driver.contact.memory.attributes == {"a": "1", "b": "<1>", "c": "VOICE", "e": "[]"}
    assert driver.contact.memory.flow_attributes == {"a": "flow 1"}
    assert driver.said == ["<1> flow 1"]


def test_keys_may_be_dynamic() -> None:
    driver = Driver(
        set_attributes("one", "say", **{"is-$.Channel": "yes"}), say("say", "x", "bye"), FAILED, hang_up()
    ).start()
    assert driver.contact.memory.attributes == {"is-VOICE": "yes"}


@pytest.mark.parametrize("type_", ["UpdateContactAttributes", "UpdateFlowAttributes"])
@pytest.mark.parametrize(("size", "path"), [(32_767, "say"), (32_768, "failed")])
def test_all_or_nothing_within_32_kilobytes(type_: str, size: int, path: str) -> None:
    value = "x" * size
    contact = type_ == "UpdateContactAttributes"
    parameters = {"Attributes": {"a": value}} if contact else {"FlowAttributes": {"a": {"Value": value}}}
    driver = Driver(
        action("set", type_, parameters, "say", errors={"NoMatchingError": "failed"}),
        say("say", "x", "bye"),
        FAILED,
        hang_up(),
    )
    driver.start()
    assert driver.path == ["set", path]
    memory = driver.contact.memory
    assert bool(memory.attributes or memory.flow_attributes) == (path == "say")


def test_there_is_no_related_contact() -> None:
    driver = Driver(set_attributes("one", "bye", "Related", a="1"), FAILED, hang_up()).start()
    assert driver.path == ["one", "failed"]


@pytest.mark.parametrize("parameters", [{}, {"Attributes": []}, {"Attributes": {"a": {}}}, {"Attributes": {"a": None}}])
def test_bad_attributes(parameters: dict[str, object]) -> None:
    driver = Driver(
        action("set", "UpdateContactAttributes", parameters, "bye", errors={"NoMatchingError": "failed"}),
        FAILED,
        hang_up(),
    )
    assert driver.start().path == ["set", "failed"]


# Compare


@pytest.mark.parametrize(
    ("value", "operator", "operand", "matches"),
    [
        (200, "Equals", "200", True),
        (200.0, "Equals", "200", True),
        ("Yes", "Equals", "yes", False),
        (True, "Equals", "true", True),
        ("hello", "TextStartsWith", "he", True),
        ("hello", "TextEndsWith", "lo", True),
        ("hello", "TextContains", "ell", True),
        ("hello", "TextContains", "x", False),
        ("5", "NumberGreaterThan", "4", True),
        ("5", "NumberGreaterThan", "5", False),
        ("5", "NumberGreaterOrEqualTo", "5.0", True),
        (-1, "NumberLessThan", "0", True),
        (0, "NumberLessOrEqualTo", "-1", False),
        ("many", "NumberLessThan", "5", False),
        ("5", "NumberLessThan", "many", False),
        ("nan", "NumberLessOrEqualTo", "nan", False),
        ({"key": 1}, "KeyExists", "key", True),
        ({"key": 1}, "KeyExists", "other", False),
        ("key", "KeyExists", "key", False),
        (None, "Equals", "", False),
        ("x", "Contains", "x", False),
    ],
)
def test_operators(value: object, operator: str, operand: str, matches: bool) -> None:
    driver = Driver(
        invoke("invoke", "compare", ResponseValidation={"ResponseType": "JSON"}),
        action(
            "compare",
            "Compare",
            {"ComparisonValue": "$.External.value"},
            "no",
            errors={"NoMatchingCondition": "no"},
            when=[(operator, operand, "yes")],
        ),
        say("yes", "Yes", "bye"),
        say("no", "No", "bye"),
        hang_up(),
    ).start()
    driver.answer({"value": value})
    assert driver.said == ["Yes" if matches else "No"]


def test_the_first_true_condition_wins_and_undefined_matches_nothing() -> None:
    def compare(reference: str) -> list[str]:
        conditions = [("TextStartsWith", "VO", "first"), ("Equals", "VOICE", "second")]
        parameters = {"ComparisonValue": reference}
        edges = {"NoMatchingCondition": "none"}
        steps = [say(name, name, "bye") for name in ("first", "second", "none")]
        check = action("check", "Compare", parameters, "none", errors=edges, when=conditions)
        return Driver(check, *steps, hang_up()).start().said

    assert compare("$.Channel") == ["first"]
    assert compare("$.Attributes.channel") == ["none"]


# Loop


@pytest.mark.parametrize("count", ["0", "1", "3"])
def test_a_loop_continues_so_often_and_then_is_done_and_begins_anew(count: str) -> None:
    loop = action(
        "loop", "Loop", {"LoopCount": count}, "done", when={"ContinueLooping": "again", "DoneLooping": "done"}
    )
    driver = Driver(loop, say("again", "again", "loop"), say("done", "done", "loop"), hang_up()).start()
    rounds = (int(count) + 1) * 2
    while len(driver.said) < rounds:
        driver.next_timer()
    assert driver.said == (["again"] * int(count) + ["done"]) * 2


@pytest.mark.parametrize("count", ["101", "-1", "many", ["a"]])
def test_a_loop_that_cannot_count(count: object) -> None:
    loop = action("loop", "Loop", {"LoopCount": count}, "bye", errors={"NoMatchingError": "failed"})
    assert Driver(loop, FAILED, hang_up()).start().path == ["loop", "failed"]


# TransferToFlow


def test_another_flow_goes_on_without_flow_attributes_and_loop_rounds() -> None:
    loop = {"LoopCount": "1"}
    when = {"ContinueLooping": "go", "DoneLooping": "say"}
    other = compiled(
        flow(
            action("loop", "Loop", loop, "say", when=when),
            say("go", "[$.FlowAttributes.a] $.Attributes.b", "bye"),
            say("say", "done", "bye"),
            hang_up(),
            name="other",
        )
    )
    driver = Driver(
        action("loop", "Loop", loop, "bye", when={"ContinueLooping": "keep", "DoneLooping": "bye"}),
        keep("keep", "set", a="flow"),
        set_attributes("set", "transfer", b="contact"),
        action(
            "transfer",
            "TransferToFlow",
            {"ContactFlowId": flow_arn("other")},
            "bye",
            errors={"NoMatchingError": "failed"},
        ),
        FAILED,
        hang_up(),
        others=[other],
    ).start()
    assert driver.said == ["[] contact"]


@pytest.mark.parametrize("type_", [None, "CUSTOMER_QUEUE"])
def test_a_flow_that_cannot_be_transferred_to(type_: str | None) -> None:
    others = [] if type_ is None else [compiled(flow(hang_up(), name="other", type_=type_))]
    transfer = action(
        "transfer", "TransferToFlow", {"ContactFlowId": flow_arn("other")}, "bye", errors={"NoMatchingError": "failed"}
    )
    assert Driver(transfer, FAILED, hang_up(), others=others).start().path == ["transfer", "failed"]


# Settings


def test_the_voice_is_kept() -> None:
    parameters = {"TextToSpeechVoice": "Amy", "TextToSpeechEngine": "Neural", "TextToSpeechStyle": "None"}
    driver = Driver(
        action("voice", "UpdateContactTextToSpeechVoice", parameters, "say", errors={"NoMatchingError": "bye"}),
        say("say", "$.TextToSpeechVoiceId", "bye"),
        hang_up(),
    ).start()
    assert driver.said == ["Amy"]
    assert driver.contact.memory.voice == Voice("Amy", "Neural", "None")


def test_logging_is_switched_on_and_off() -> None:
    driver = Driver(
        say("silent", "Not logged", "on"),
        action("on", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "logged"),
        say("logged", "Logged", "off"),
        action("off", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Disabled"}, "silent again"),
        say("silent again", "Not logged", "bye"),
        hang_up(),
    ).start()
    driver.advance(60)
    assert [(entry["ContactFlowModuleType"], entry["Identifier"]) for entry in driver.log] == [
        ("SetLoggingBehavior", "on"),
        ("PlayPrompt", "logged"),
        ("SetLoggingBehavior", "off"),
    ]
    assert driver.log[1] == {
        "ContactId": CONTACT_ID,
        "ContactFlowId": flow_arn("flow"),
        "ContactFlowName": "flow",
        "ContactFlowModuleType": "PlayPrompt",
        "Identifier": "logged",
        "Timestamp": "1970-01-01T00:00:00.706Z",
        "Parameters": {"Text": "Logged"},
    }


# Ends


@pytest.mark.parametrize(("type_", "detail"), [("DisconnectParticipant", ""), ("EndFlowExecution", "the flow ended")])
def test_terminal_actions(type_: str, detail: str) -> None:
    driver = Driver(action("end", type_)).start()
    ended = driver.contact.ended
    assert ended is not None
    assert ended.reason == "CONTACT_FLOW_DISCONNECT"
    assert ended.detail.startswith(detail)
