"""GetParticipantInput: menus, stored digits, terminators, time limits, phone numbers (connect reference §3.2)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.flows.contact import Party
from callpark.flows.effects import CollectKeys, StopCollecting
from callpark.flows.happenings import KeysEnded, KeyTaken
from tests.flows.building import INSTANCE_ARN, Action, action, hang_up, say
from tests.flows.driving import CONTACT_ID, Driver

pytestmark = pytest.mark.unit


def menu(**parameters: object) -> Driver:
    return Driver(
        action(
            "menu",
            "GetParticipantInput",
            {"Text": "Press 1 or star.", "InputTimeLimitSeconds": "5", "StoreInput": "False", **parameters},
            "other",
            errors={"NoMatchingCondition": "other", "InputTimeLimitExceeded": "late", "NoMatchingError": "failed"},
            when={"1": "one", "*": "star"},
        ),
        *[say(name, name, "bye") for name in ("one", "star", "other", "late", "failed")],
        hang_up(),
    ).start()


def store(*, maximum: object = "4", validation: object = None, dtmf: object = None, **more: object) -> Driver:
    parameters: dict[str, object] = {
        "Text": "Your number?",
        "InputTimeLimitSeconds": "5",
        "StoreInput": "True",
        "InputValidation": validation or {"CustomValidation": {"MaximumLength": maximum}},
        **more,
    }
    if dtmf is not None:
        parameters["DTMFConfiguration"] = dtmf
    errors = {"NoMatchingError": "failed", "InvalidPhoneNumber": "invalid"}
    return Driver(
        action("ask", "GetParticipantInput", parameters, "got", errors=errors),
        say("got", "<$.StoredCustomerInput>", "bye"),
        say("failed", "failed", "bye"),
        say("invalid", "invalid", "bye"),
        hang_up(),
    ).start()


@pytest.mark.parametrize(("key", "branch"), [("1", "one"), ("*", "star"), ("2", "other"), ("#", "other")])
def test_one_key_decides_a_menu(key: str, branch: str) -> None:
    driver = menu()
    driver.next_timer()
    driver.press(key)
    assert driver.path == ["menu", branch]


def test_a_key_interrupts_the_question() -> None:
    driver = menu()
    driver.press("1")
    assert driver.cut_off == 1
    assert driver.path == ["menu", "one"]


def test_no_key_in_time_after_the_question() -> None:
    driver = menu()
    assert driver.next_timer() == "prompt"
    asked = driver.now
    assert driver.next_timer() == "input"
    assert driver.now == asked + 5
    assert driver.path == ["menu", "late"]


def test_keys_after_the_input_are_lost_and_said_so() -> None:
    driver = menu()
    driver.press("12")
    assert [(e.key, e.wanted) for e in driver.effects if isinstance(e, KeyTaken)] == [("1", True), ("2", False)]


@pytest.mark.parametrize(
    ("keys", "stored"),
    [("12#", "12"), ("1234", "1234"), ("1*2#", "2"), ("12*34#", "34"), ("*", None), ("#", "Timeout")],
)
def test_digits_are_stored(keys: str, stored: str | None) -> None:
    driver = store()
    driver.press(keys)
    assert driver.said[1:] == ([] if stored is None else [f"<{stored}>"])


def test_nothing_typed_is_the_value_timeout_and_a_success() -> None:
    driver = store()
    driver.next_timer()
    driver.next_timer()
    assert driver.said[-1] == "<Timeout>"
    assert driver.errors == []


def test_cancelling_gives_the_first_key_its_time_again() -> None:
    driver = store()
    driver.press("*")
    assert driver.next_timer() == "input"
    assert driver.now == 5
    assert driver.said[-1] == "<Timeout>"
    driver = store(dtmf={"InterdigitTimeLimitSeconds": "2"})
    driver.press("1*")
    driver.next_timer()
    assert driver.now == 5


def test_a_pause_between_digits_ends_the_input() -> None:
    driver = store(dtmf={"InterdigitTimeLimitSeconds": "2"})
    driver.press("12")
    typed = driver.now
    assert driver.next_timer() == "input"
    assert driver.now == typed + 2
    assert driver.said[-1] == "<12>"


def test_the_pause_is_five_seconds_unless_the_flow_says() -> None:
    driver = store()
    driver.press("1")
    driver.next_timer()
    assert driver.now == 5


@pytest.mark.parametrize(
    ("dtmf", "keys", "stored"),
    [
        ({"InputTerminationSequence": "##"}, "1#2##", "1#2"),
        ({"InputTerminationSequence": "9"}, "129", "12"),
        ({"DisableCancelKey": "True"}, "1*2#", "1*2"),
        ({"InputTerminationSequence": "*1", "DisableCancelKey": "true"}, "22*1", "22"),
    ],
)
def test_terminators_and_the_cancel_key(dtmf: object, keys: str, stored: str) -> None:
    driver = store(dtmf=dtmf, maximum="9")
    driver.press(keys)
    assert driver.said[-1] == f"<{stored}>"


def test_the_maximum_may_be_a_reference() -> None:
    driver = Driver(
        action("set", "UpdateContactAttributes", {"Attributes": {"n": "3"}}, "ask", errors={"NoMatchingError": "bye"}),
        action(
            "ask",
            "GetParticipantInput",
            {
                "Text": "?",
                "InputTimeLimitSeconds": "5",
                "StoreInput": "true",
                "InputValidation": {"CustomValidation": {"MaximumLength": "$.Attributes.n"}},
            },
            "got",
            errors={"NoMatchingError": "bye"},
        ),
        say("got", "$.StoredCustomerInput", "bye"),
        hang_up(),
    ).start()
    driver.press("12345")
    assert driver.said[-1] == "123"


@pytest.mark.parametrize(
    ("validation", "keys", "stored"),
    [
        ({"NumberFormat": "Local", "CountryCode": "GB"}, "01632960000#", "+441632960000"),
        ({"NumberFormat": "Local", "CountryCode": "us"}, "2025550123#", "+12025550123"),
        ({"NumberFormat": "E164"}, "441632960000#", "+441632960000"),
        ({"NumberFormat": "Local", "CountryCode": "GB"}, "12#", None),
        ({"NumberFormat": "E164"}, "0#", None),
    ],
)
def test_phone_numbers(validation: object, keys: str, stored: str | None) -> None:
    driver = store(validation={"PhoneNumberValidation": validation})
    driver.press(keys)
    assert driver.said[-1] == ("invalid" if stored is None else f"<{stored}>")


@pytest.mark.parametrize(
    "parameters",
    [
        {"maximum": "none"},
        {"maximum": "0"},
        {"InputTimeLimitSeconds": "0"},
        {"InputTimeLimitSeconds": "181"},
        {"InputTimeLimitSeconds": ""},
        {"SSML": "<speak>two prompts</speak>"},
        {"InputEncryption": {"EncryptionKeyId": "k", "Key": "pem"}},
        {"dtmf": {"InputTerminationSequence": "123456"}},
        {"dtmf": {"InputTerminationSequence": "x"}},
        {"validation": {"Other": {}}},
    ],
)
def test_what_cannot_be_done_takes_the_error_branch(parameters: dict[str, object]) -> None:
    driver = store(**parameters)
    assert driver.path == ["ask", "failed"]


def test_keys_need_a_telephone() -> None:
    party = Party(CONTACT_ID, INSTANCE_ARN, "us-east-1", None, None, 0.0, channel="CHAT")
    ask: Action = action(
        "ask",
        "GetParticipantInput",
        {"Text": "?", "InputTimeLimitSeconds": "5", "StoreInput": "False"},
        "bye",
        errors={"NoMatchingError": "bye"},
    )
    assert Driver(ask, hang_up(), party=party).start().errors == [("ask", "NoMatchingError")]


def test_without_a_prompt_keys_are_awaited_at_once() -> None:
    driver = Driver(
        action(
            "ask",
            "GetParticipantInput",
            {"EnableDTMFBuffer": "True", "InputTimeLimitSeconds": "3", "StoreInput": "False"},
            "bye",
            errors={"InputTimeLimitExceeded": "bye", "NoMatchingCondition": "bye", "NoMatchingError": "bye"},
        ),
        hang_up(),
    ).start()
    assert driver.next_timer() == "input"
    assert driver.now == 3


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 8), st.sampled_from("0123456789*#")), max_size=12))
def test_input_always_ends_once_and_within_its_time(presses: list[tuple[float, str]]) -> None:
    driver = store()
    for pause, key in presses:
        driver.advance(pause)
        driver.press(key)
    driver.advance(60)
    ended = [effect for effect in driver.effects if isinstance(effect, KeysEnded)]
    assert len(ended) == 1
    assert sum(isinstance(effect, CollectKeys) for effect in driver.effects) == 1
    assert sum(isinstance(effect, StopCollecting) for effect in driver.effects) == 1
    stored = driver.contact.memory.stored_input
    assert stored == (ended[0].digits or "Timeout")
    assert stored is not None
    assert stored == "Timeout" or len(stored) <= 4
    assert driver.contact.ended is not None
