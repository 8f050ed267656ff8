"""Actions about data: hours, luck, tags, contact data, attributes, recording, tables; and the types that callpark does
not carry out."""

import msgspec
import pytest

from callpark.flows.actions.unsupported import UNSUPPORTED
from callpark.flows.contact import Memory, Party, Target
from callpark.flows.declared import Assistant, DataTable, Declared, Hours, Queue, VoiceId
from callpark.flows.effects import SetAttributes
from callpark.flows.events import AttributesSet
from tests.flows.actions.single import EVERY_DAY, edge, entry, record, single
from tests.flows.building import INSTANCE_ARN, action, hang_up, say
from tests.flows.driving import CONTACT_ID, Driver

pytestmark = pytest.mark.unit

# CheckHoursOfOperation

OPEN = Hours(name="Open", arn="arn:h/open", days=dict.fromkeys(EVERY_DAY, ("00:00-00:00",)))
SHUT = Hours(name="Shut", days={})
QUEUES = (Queue(name="Q", hours="Shut"), Queue(name="Bare"))
IN_SHUT = record(target=Target("Q", "Q"))


@pytest.mark.parametrize(
    ("parameters", "memory", "taken"),
    [
        ({"HoursOfOperationId": "arn:h/open"}, Memory(), "on True"),
        ({"HoursOfOperationId": "$.Attributes.h"}, Memory(attributes={"h": "Shut"}), "on False"),
        ({"HoursOfOperationId": "none"}, Memory(), "error NoMatchingError"),
        ({}, IN_SHUT, "on False"),
        ({"HoursOfOperationId": "Open"}, IN_SHUT, "on True"),
        ({}, record(target=Target("Bare", "Bare")), "error NoMatchingError"),
        ({}, record(target=Target("a", "alice", agent=True)), "error NoMatchingError"),
        ({}, Memory(), "error NoMatchingError"),
    ],
)
def test_hours(parameters: dict[str, object], memory: Memory, taken: str) -> None:
    driver = single(
        "CheckHoursOfOperation",
        parameters,
        when={"True": "on True", "False": "on False"},
        declared=Declared(hours=(OPEN, SHUT), queues=QUEUES),
        memory=memory,
    )
    assert driver.path[1] == taken
    assert entry(driver)["Results"] == (taken.removeprefix("on ") if "on" in taken[:3] else "no hours of operation")


def test_o8_without_any_hours_it_is_open_but_not_for_an_agent() -> None:
    when = {"True": "on True", "False": "on False"}
    parameters = {"HoursOfOperationId": "x"}
    assert single("CheckHoursOfOperation", parameters, when=when).path[1] == "on True"
    assert single("CheckHoursOfOperation", {}, when=when).path[1] == "on True"
    agent = single("CheckHoursOfOperation", {}, when=when, memory=record(target=Target("a", "alice", agent=True)))
    assert edge(agent) == "error NoMatchingError"


# DistributeByPercentage


def lucky(number: int) -> str:
    party = Party(f"0e6f9f8a-0f7f-4f57-9a5e-{number:012x}", INSTANCE_ARN, "us-east-1", None, None, 0.0)
    thresholds = [("NumberLessThan", "31", "a"), ("NumberLessThan", "81", "b")]
    it = action("it", "DistributeByPercentage", {}, "c", errors={"NoMatchingCondition": "c"}, when=thresholds)
    driver = Driver(it, *[say(name, name, "bye") for name in "abc"], hang_up(), party=party).start()
    assert driver.said == Driver(it, *[say(n, n, "bye") for n in "abc"], hang_up(), party=party).start().said
    return driver.said[0]


def test_o7_luck_follows_the_contact_and_is_distributed() -> None:
    drawn = [lucky(number) for number in range(400)]
    shares = {name: drawn.count(name) / 400 for name in "abc"}
    assert shares == pytest.approx({"a": 0.3, "b": 0.5, "c": 0.2}, abs=0.07)


# Tags, contact data, attributes of the related contact


def test_tags_are_set_and_removed() -> None:
    driver = Driver(
        action("tag", "TagContact", {"Tags": {"a": "$.Channel", "b": "2", "c": "$.Attributes.none"}}, "untag"),
        action("untag", "UntagContact", {"TagKeys": ["b", "x"]}, "say"),
        say("say", "$.Tags.a [$.Tags.b]", "bye"),
        hang_up(),
    ).start()
    assert driver.said == ["VOICE []"]
    assert driver.contact.memory.record.tags == {"a": "VOICE"}


def test_six_tags_and_no_more() -> None:
    assert edge(single("TagContact", {"Tags": {str(n): "x" for n in range(6)}})) == "next"
    assert edge(single("TagContact", {"Tags": {str(n): "x" for n in range(7)}})) == "error NoMatchingError"
    assert edge(single("TagContact", {"Tags": {}})) == "error NoMatchingError"
    assert edge(single("UntagContact", {"TagKeys": []})) == "error NoMatchingError"


def test_contact_data_is_what_references_and_functions_see() -> None:
    data = {"Name": "$.Attributes.n", "Description": "d", "LanguageCode": "fr-FR", "CustomerId": "c"}
    driver = single("UpdateContactData", data, memory=Memory(attributes={"n": "Ann"}))
    assert edge(driver) == "next"
    namespace = [driver.contact.memory.record.name, driver.contact.memory.record.language_code]
    assert namespace == ["Ann", "fr-FR"]
    assert entry(driver)["Parameters"] == {
        "Name": "Ann",
        "Description": "d",
        "LanguageCode": "fr-FR",
        "CustomerId": "c",
    }


VOICE_ID = {
    "IsVoiceIdStreamingEnabled": "True",
    "IsVoiceAuthenticationEnabled": "True",
    "IsFraudDetectionEnabled": "False",
}
THRESHOLDS = {"VoiceAuthenticationThreshold": "90", "VoiceAuthenticationResponseTime": "10"}


@pytest.mark.parametrize(
    ("data", "taken"),
    [
        ({**VOICE_ID, **THRESHOLDS}, "next"),
        (VOICE_ID, "error NoMatchingError"),
        ({**VOICE_ID, **THRESHOLDS, "FraudDetectionThreshold": "50"}, "error NoMatchingError"),
        ({**VOICE_ID, **THRESHOLDS, "VoiceAuthenticationResponseTime": "11"}, "error NoMatchingError"),
        ({"IsFraudDetectionEnabled": "False"}, "error NoMatchingError"),
        ({"WisdomSessionArn": "arn"}, "next"),
        ({"Name": "$.Attributes.none"}, "error NoMatchingError"),
        ({"Name": "a", "TargetContact": "Related"}, "error NoMatchingError"),
        ({"References": {}}, "error NoMatchingError"),
    ],
)
def test_the_rules_of_contact_data(data: dict[str, object], taken: str) -> None:
    assert edge(single("UpdateContactData", data)) == taken


def test_o14_attributes_of_the_related_contact() -> None:
    party = Party(CONTACT_ID, INSTANCE_ARN, "us-east-1", None, None, 0.0, channel="TASK", related_contact_id="other")
    parameters = {"Attributes": {"a": "$.Channel"}, "TargetContact": "Related"}
    it = action("it", "UpdateContactAttributes", parameters, "bye", errors={"NoMatchingError": "bye"})
    driver = Driver(it, hang_up(), party=party).start()
    assert SetAttributes("other", {"a": "TASK"}) in driver.effects
    other = single("Loop")
    other.happen(AttributesSet({"a": "TASK"}))
    assert other.contact.memory.attributes == {"a": "TASK"}
    other.happen(AttributesSet({"b": "x" * 32_768}))
    assert other.contact.memory.attributes == {"a": "TASK"}
    assert "those set from elsewhere are lost" in other.warnings[-1]


# Settings that are kept


@pytest.mark.parametrize(
    ("type_", "parameters", "errors", "taken"),
    [
        ("UpdateContactRecordingBehavior", {"RecordingBehavior": {"RecordedParticipants": ["Agent"]}}, (), "next"),
        ("UpdateContactRecordingBehavior", {"RecordingBehavior": {"RecordedParticipants": ["Dog"]}}, (), "next"),
        (
            "UpdateContactRecordingAndAnalyticsBehavior",
            {"VoiceBehavior": {"VoiceRecordingBehavior": {"RecordedParticipants": ["Agent", "Customer"]}}},
            ("NoMatchingError", "ChannelMismatch"),
            "next",
        ),
        (
            "UpdateContactRecordingAndAnalyticsBehavior",
            {"ChatBehavior": {"ChatAnalyticsBehavior": {"Enabled": "True"}}},
            ("NoMatchingError", "ChannelMismatch"),
            "error ChannelMismatch",
        ),
        (
            "UpdateContactRecordingAndAnalyticsBehavior",
            {"ChatBehavior": {"a": "b"}, "VoiceBehavior": {"a": "b"}},
            ("NoMatchingError", "ChannelMismatch"),
            "error NoMatchingError",
        ),
        ("UpdateContactRecordingAndAnalyticsBehavior", {}, ("NoMatchingError",), "error NoMatchingError"),
        ("CompleteOutboundCall", {"CallerId": {"Number": "$.SystemEndpoint.Address"}}, (), "next"),
    ],
)
def test_settings_are_kept(type_: str, parameters: dict[str, object], errors: tuple[str, ...], taken: str) -> None:
    driver = single(type_, parameters, errors=errors)
    assert edge(driver) == taken
    kept = taken == "next" and "Dog" not in str(parameters)
    assert bool(driver.contact.memory.record.settings) == kept


PROCESSOR = {
    "ProcessingEnabled": "True",
    "LambdaProcessorARN": "arn:aws:lambda:eu-west-2:1:function:P",
    "ChatProcessorSettings": {"DeliverUnprocessedMessages": "True"},
}


@pytest.mark.parametrize(
    ("channel", "processor", "taken"),
    [
        ("CHAT", PROCESSOR, "next"),
        ("VOICE", PROCESSOR, "error ChannelMismatch"),
        ("CHAT", {}, "error NoMatchingError"),
        ("CHAT", {"ProcessingEnabled": "True"}, "error NoMatchingError"),
    ],
)
def test_message_processing(channel: str, processor: dict[str, object], taken: str) -> None:
    errors = ("NoMatchingError", "ChannelMismatch")
    driver = single("UpdateContactMediaProcessing", {"ChatProcessor": processor}, errors=errors, channel=channel)
    assert edge(driver) == taken
    assert bool(driver.warnings) == (taken != "error ChannelMismatch")


STREAM = {
    "MediaStreamingState": "Enabled",
    "MediaStreamType": "Audio",
    "Participants": [{"ParticipantType": "Customer", "MediaDirections": ["To", "From"]}],
}


def test_media_streams_are_named_for_functions_once_streaming_is_declared() -> None:
    driver = single("UpdateContactMediaStreamingBehavior", STREAM, declared=Declared(media_streams="arn:kvs/line"))
    assert edge(driver) == "next"
    started = driver.contact.memory.found["MediaStreams"]
    assert started == {
        "Customer": {
            "Audio": {
                "StreamARN": f"arn:kvs/line-contact-{CONTACT_ID}",
                "StartTimestamp": "0",
                "StopTimestamp": None,
                "StartFragmentNumber": "1",
            }
        }
    }
    absent = single("UpdateContactMediaStreamingBehavior", STREAM)
    assert edge(absent) == "error NoMatchingError"
    assert "`media_streams:`" in absent.warnings[0]
    wrong = {**STREAM, "Participants": [{"ParticipantType": "Agent"}]}
    assert edge(single("UpdateContactMediaStreamingBehavior", wrong)) == "error NoMatchingError"


# Voice ID, outbound calls, Wisdom, data tables


@pytest.mark.parametrize(
    ("option", "answer"),
    [("enrollmentStatus", "OptedOut"), ("voiceAuthentication", "Inconclusive"), ("fraudDetection", "HighRisk")],
)
def test_voice_id_answers_what_is_declared(option: str, answer: str) -> None:
    voice_id = VoiceId(enrollment="OptedOut", authentication="Inconclusive", fraud="HighRisk")
    parameters = {"CheckVoiceIdOption": option}
    driver = single("CheckVoiceId", parameters, when={answer: "on"}, declared=Declared(voice_id=voice_id))
    assert driver.path[1] == "on"
    assert edge(single("CheckVoiceId", parameters)) == "error NoMatchingError"
    assert edge(single("StartVoiceIdStream", declared=Declared(voice_id=voice_id))) == "next"
    assert edge(single("StartVoiceIdStream")) == "error NoMatchingError"


def test_call_progress() -> None:
    assert edge(single("CheckOutboundCallStatus", when={"CallAnswered": "on"})) == "error NoMatchingError"
    party = Party(CONTACT_ID, INSTANCE_ARN, "us-east-1", None, None, 0.0, initiation_method="CALLBACK")
    it = action("it", "CheckOutboundCallStatus", {}, "bye", when={"CallAnswered": "on"})
    assert Driver(it, say("on", "Answered", "bye"), hang_up(), party=party).start().said == ["Answered"]


def test_a_wisdom_session() -> None:
    arn = "arn:aws:wisdom:us-west-2:1:assistant/a1"
    parameters = {"WisdomAssistantArn": arn}
    driver = single("CreateWisdomSession", parameters, declared=Declared(assistants=(Assistant(name="A", arn=arn),)))
    assert edge(driver) == "next"
    found = driver.contact.memory.found["Wisdom"]
    assert isinstance(found, dict)
    assert found["SessionArn"].startswith("arn:aws:wisdom:us-west-2:1:session/a1/")
    assert edge(single("CreateWisdomSession", parameters)) == "error NoMatchingError"


TABLE = DataTable(name="Fees", rows=({"tier": "gold", "fee": 0}, {"tier": "basic", "fee": 5, "note": "n"}))


def test_data_tables() -> None:
    query = {
        "Name": "q",
        "PrimaryValues": [{"AttributeName": "tier", "Value": "$.Attributes.t"}],
        "AttributeNames": ["fee"],
    }
    parameters = {
        "DataTableId": "Fees",
        "Queries": [query, {"Name": "none", "PrimaryValues": [{"Name": "x", "Value": "1"}]}],
    }
    memory = Memory(attributes={"t": "basic"})
    driver = single("EvaluateDataTableValues", parameters, declared=Declared(data_tables=(TABLE,)), memory=memory)
    assert edge(driver) == "next"
    assert driver.contact.memory.found["DataTables"] == {"q": {"fee": 5}, "none": {}}
    assert edge(single("EvaluateDataTableValues", parameters)) == "error NoMatchingError"
    assert edge(single("EvaluateDataTableValues", {"DataTableId": "Fees"})) == "error NoMatchingError"
    assert edge(single("EvaluateDataTableValues", {"DataTableId": "Fees", "Queries": [{}]})) == "error NoMatchingError"


@pytest.mark.parametrize("name", [type_.name for type_ in UNSUPPORTED])
def test_o16_what_callpark_does_not_carry_out_says_so_and_takes_the_error_branch(name: str) -> None:
    driver = single(name, {"Any": {"thing": "goes"}})
    assert edge(driver) == "error NoMatchingError"
    assert entry(driver)["Results"] == "not supported by callpark"
    assert entry(driver)["ContactFlowModuleType"] == name
    (warning,) = driver.warnings
    assert f"{name} is not supported by callpark" in warning


def test_encrypted_input_takes_the_error_branch() -> None:
    parameters = {
        "Text": "Card?",
        "StoreInput": "True",
        "InputTimeLimitSeconds": "5",
        "InputValidation": {"CustomValidation": {"MaximumLength": "16"}},
        "InputEncryption": {"EncryptionKeyId": "k", "Key": "-----BEGIN CERTIFICATE-----"},
    }
    driver = single("GetParticipantInput", parameters)
    assert edge(driver) == "error NoMatchingError"  # O15: no key is configured
    assert "there is no security key 'k'" in driver.warnings[0]
    no_key = {**parameters, "InputEncryption": {"EncryptionKeyId": "k"}}
    assert edge(single("GetParticipantInput", no_key)) == "error NoMatchingError"


def test_a_loop_over_a_list() -> None:
    loop = {"LoopCount": "$.Views.ViewResultData.items", "LoopName": "each"}
    memory = Memory(found={"Views": {"ViewResultData": {"items": ["a", "b"]}}})
    driver = Driver(
        action("it", "Loop", loop, "done", when={"ContinueLooping": "again", "DoneLooping": "done"}),
        say("again", "$.Loop.each.Index $.Loop.each.Element", "it"),
        say("done", "Done", "bye"),
        hang_up(),
    )
    driver.contact = msgspec.structs.replace(driver.contact, memory=memory)
    driver.start()
    driver.advance(10)
    assert driver.said == ["0 a", "1 b", "Done"]
