"""Actions about data: hours, luck, profiles, cases, tags, contact data, callbacks, tasks, recording, tables, and the
types that callpark does not carry out."""

from datetime import UTC, datetime

import msgspec
import pytest

from callpark.flows.actions.unsupported import UNSUPPORTED
from callpark.flows.contact import Memory, Party, Record, Target
from callpark.flows.declared import (
    Assistant,
    Case,
    DataTable,
    Declared,
    Hours,
    Profile,
    Queue,
    TaskTemplate,
    VoiceId,
)
from callpark.flows.effects import OpenContact, SetAttributes
from callpark.flows.events import AttributesSet
from callpark.flows.happenings import ContactOpened
from tests.flows.actions.single import EVERY_DAY, NUMBER, edge, entry, record, single
from tests.flows.building import INSTANCE_ARN, action, flow_arn, hang_up, say
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


# Customer profiles

ANN = Profile(
    id="p1",
    fields={"FirstName": "Ann", "PhoneNumber": NUMBER, "Attributes.tier": "gold"},
    calculated={"calls": "7"},
    objects={"Order": ({"OrderId": "1", "Total": "5"}, {"OrderId": "2", "Total": "9"})},
)
BOB = Profile(id="p2", fields={"FirstName": "Bob", "City": "Leeds"})
BOBBY = Profile(id="p3", fields={"FirstName": "Bobby", "City": "Leeds"})
DOMAIN = Declared(profiles=(ANN, BOB, BOBBY))


def profile(type_: str, declared: Declared = DOMAIN, /, **request: object) -> Driver:
    parameters: dict[str, object] = {"ProfileRequestData": request}
    errors = ("NoMatchingError", "NoneFoundError", "MultipleFoundError")
    return single(type_, parameters, errors=errors, declared=declared)


@pytest.mark.parametrize(
    ("request_", "taken"),
    [
        ({"PhoneNumber": "$.CustomerEndpoint.Address"}, "next"),
        ({"IdentifierName": "_phone", "IdentifierValue": NUMBER}, "next"),
        ({"IdentifierName": "_profileId", "IdentifierValue": "p1"}, "next"),
        ({"IdentifierName": "City", "IdentifierValue": "Leeds"}, "error MultipleFoundError"),
        ({"IdentifierName": "City", "IdentifierValue": "York"}, "error NoneFoundError"),
        (
            {
                "LogicalOperator": "AND",
                "SearchCriteria": [
                    {"IdentifierName": "City", "IdentifierValue": "Leeds"},
                    {"IdentifierName": "FirstName", "IdentifierValue": "Bob"},
                ],
            },
            "next",
        ),
        (
            {
                "LogicalOperator": "OR",
                "SearchCriteria": [
                    {"IdentifierName": "City", "IdentifierValue": "Leeds"},
                    {"IdentifierName": "FirstName", "IdentifierValue": "Ann"},
                ],
            },
            "error MultipleFoundError",
        ),
        ({}, "error NoMatchingError"),
    ],
)
def test_profiles_are_searched(request_: dict[str, object], taken: str) -> None:
    assert edge(profile("GetCustomerProfile", DOMAIN, **request_)) == taken


@pytest.mark.parametrize("response", [["FirstName"], {"FirstName": "$.x"}])
def test_the_fields_asked_for_are_found(response: object) -> None:
    parameters = {"ProfileRequestData": {"PhoneNumber": NUMBER}, "ProfileResponseData": response}
    driver = single("GetCustomerProfile", parameters, declared=DOMAIN)
    arn = f"{INSTANCE_ARN}/profile/p1"
    found = {"FirstName": "Ann", "Attributes": {}, "ProfileId": "p1", "ProfileARN": arn}
    assert driver.contact.memory.found["Customer"] == found


def test_a_profile_is_made_found_in_the_same_turn_and_changed() -> None:
    make = {"ProfileRequestData": {"FirstName": "Cleo", "PhoneNumber": "+44", "Attributes": {"tier": "new"}}}
    driver = Driver(
        action("make", "CreateCustomerProfile", make, "get", errors={"NoMatchingError": "bye"}),
        action("get", "GetCustomerProfile", {"ProfileRequestData": {"PhoneNumber": "+44"}}, "change"),
        action("change", "UpdateCustomerProfile", {"ProfileRequestData": {"FirstName": "Cleopatra"}}, "say"),
        say("say", "$.Customer.FirstName $.Customer.Attributes.tier", "bye"),
        hang_up(),
        world=single("Loop", declared=DOMAIN).world,
    ).start()
    assert driver.said == ["Cleopatra new"]
    profiles = driver.world.profiles
    assert profiles is not None
    assert len(profiles) == 4


def test_profiles_that_cannot_be_made_or_changed() -> None:
    assert edge(profile("CreateCustomerProfile", Nickname="C")) == "error NoMatchingError"
    assert edge(profile("UpdateCustomerProfile", FirstName="C")) == "error NoMatchingError"
    absent = profile("CreateCustomerProfile", Declared(), FirstName="C")
    assert edge(absent) == "error NoMatchingError"
    assert "declare them under `profiles:`" in absent.warnings[0]


def test_a_contact_is_associated_with_a_profile() -> None:
    driver = profile("AssociateContactToCustomerProfile", ProfileId="p1", ContactId="$.ContactId")
    assert edge(driver) == "next"
    assert driver.contact.memory.record.customer_id == "p1"
    for wrong in ({"ProfileId": "p9", "ContactId": "$.ContactId"}, {"ProfileId": "p1", "ContactId": "x"}, {}):
        assert edge(profile("AssociateContactToCustomerProfile", DOMAIN, **wrong)) == "error NoMatchingError"


@pytest.mark.parametrize(
    ("request_", "taken", "found"),
    [
        ({"ObjectType": "Order", "UseLatest": "true"}, "next", {"Order": {"OrderId": "2", "Total": "9"}}),
        (
            {"ObjectType": "Order", "IdentifierName": "OrderId", "IdentifierValue": "1"},
            "next",
            {"Order": {"OrderId": "1", "Total": "5"}},
        ),
        ({"ObjectType": "Order", "IdentifierName": "OrderId", "IdentifierValue": "3"}, "error NoneFoundError", None),
        ({"ObjectType": "Asset", "UseLatest": "true"}, "error NoneFoundError", None),
    ],
)
def test_objects_of_a_profile(request_: dict[str, object], taken: str, found: object) -> None:
    driver = profile("GetCustomerProfileObject", DOMAIN, ProfileId="p1", **request_)
    assert edge(driver) == taken
    assert driver.contact.memory.found.get("Customer") == found


def test_calculated_attributes_of_a_profile() -> None:
    driver = profile("GetCalculatedAttributesForCustomerProfile", ProfileId="p1")
    assert driver.contact.memory.found["Customer"] == {"CalculatedAttributes": {"calls": "7"}}
    assert edge(profile("GetCalculatedAttributesForCustomerProfile", ProfileId="p2")) == "error NoneFoundError"


def test_14_000_characters_of_profile_and_no_more() -> None:
    long = Declared(profiles=(Profile(id="p", fields={"AdditionalInformation": "x" * 14_000}),))
    assert edge(profile("GetCustomerProfile", long, ProfileId="p")) == "error NoMatchingError"


# Cases

CASES = Declared(
    cases=(
        Case(id="c1", fields={"title": "Leak", "customer_id": "p1", "last_updated_datetime": "2026-01-01"}),
        Case(id="c2", fields={"title": "Leak", "customer_id": "p1", "last_updated_datetime": "2026-02-01"}),
    )
)
CASE_ERRORS = ("NoMatchingError", "ContactNotLinked", "MultipleFound", "NoneFound")


@pytest.mark.parametrize(
    ("parameters", "taken", "case_id"),
    [
        ({"CaseRequestFields": {"case_id": "c1"}, "GetLastUpdatedCase": "false"}, "next", "c1"),
        ({"CaseRequestFields": {"title": "Leak"}, "GetLastUpdatedCase": "true"}, "next", "c2"),
        ({"CaseRequestFields": {"title": "Leak"}, "GetLastUpdatedCase": "false"}, "error MultipleFound", None),
        ({"CustomerId": "p1", "GetLastUpdatedCase": "true"}, "next", "c2"),
        ({"CaseRequestFields": {"title": "$.Attributes.none"}, "GetLastUpdatedCase": "true"}, "error NoneFound", None),
        ({"GetLastUpdatedCase": "true"}, "error NoneFound", None),
        ({}, "error NoMatchingError", None),
    ],
)
def test_cases_are_found(parameters: dict[str, object], taken: str, case_id: str | None) -> None:
    more = {"LinkContactToCase": "true", "CaseResponseFields": ["title"]}
    driver = single("GetCase", {**parameters, **more}, errors=CASE_ERRORS, declared=CASES)
    assert edge(driver) == taken
    found = driver.contact.memory.found.get("Case")
    assert found == (None if case_id is None else {"case_id": case_id, "title": "Leak"})
    assert driver.contact.memory.record.settings.get("CaseId") == case_id


def test_a_case_is_made_and_changed() -> None:
    driver = Driver(
        action(
            "make",
            "CreateCase",
            {"LinkContactToCase": "false", "CaseTemplateId": "t", "CaseRequestFields": {"title": "For $.Channel"}},
            "change",
        ),
        action(
            "change",
            "UpdateCase",
            {"LinkContactToCase": "false", "CaseId": "$.Case.case_id", "CaseRequestFields": {"status": "closed"}},
            "say",
        ),
        say("say", "$.Case.title $.Case.status", "bye"),
        hang_up(),
        world=single("Loop", declared=Declared(cases=())).world,
    ).start()
    assert driver.said == ["For VOICE closed"]


def test_cases_that_are_not_there() -> None:
    update = {"LinkContactToCase": "false", "CaseId": "c9"}
    assert edge(single("UpdateCase", update, errors=CASE_ERRORS, declared=CASES)) == "error NoMatchingError"
    absent = single("UpdateCase", update, errors=CASE_ERRORS)
    assert "declare them under `cases:`" in absent.warnings[0]
    assert edge(single("CreateCase", {"Fields": {}}, declared=CASES)) == "error NoMatchingError"


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


# Callbacks and tasks


@pytest.mark.parametrize(
    ("value", "taken"),
    [("+441632960077", "next"), ("none", "error InvalidCallbackNumber"), ("+4", "error InvalidCallbackNumber")],
)
def test_the_number_to_ring_back(value: str, taken: str) -> None:
    errors = ("InvalidCallbackNumber", "CallbackNumberNotDialable")
    memory = Memory(attributes={"n": value})
    driver = single("UpdateContactCallbackNumber", {"CallbackNumber": "$.Attributes.n"}, errors=errors, memory=memory)
    assert edge(driver) == taken
    assert driver.contact.memory.record.callback_number == (value if taken == "next" else None)
    assert edge(single("UpdateContactCallbackNumber", {"CallbackNumber": value})) == "error NoMatchingError"


CALLBACK = {"InitialCallDelaySeconds": "99", "MaximumConnectionAttempts": "1", "RetryDelaySeconds": "600"}
TARGET = Target("arn:q", "Q")


def opened(driver: Driver) -> OpenContact:
    (effect,) = [effect for effect in driver.effects if isinstance(effect, OpenContact)]
    assert ContactOpened(CONTACT_ID, effect.contact_id, effect.channel, effect.initiation_method) in driver.effects
    return effect


def test_a_callback_waits_its_delay_and_goes_to_the_queue() -> None:
    made = opened(single("CreateCallbackContact", CALLBACK, memory=record(target=TARGET)))
    assert (made.channel, made.initiation_method, made.starts_at, made.address) == ("VOICE", "CALLBACK", 99.0, NUMBER)
    assert (made.flow, made.record.target) == (None, TARGET)
    parameters = {**CALLBACK, "QueueId": "Other", "ContactFlowId": flow_arn("flow"), "CallerId": "+441632960010"}
    flown = opened(single("CreateCallbackContact", parameters, memory=record(callback_number="+441632960077")))
    assert (flown.starts_at, flown.flow, flown.address) == (0.0, flow_arn("flow"), "+441632960077")
    assert flown.record.target == Target("Other", "Other", caller_id="+441632960010")


@pytest.mark.parametrize(
    "parameters",
    [
        CALLBACK,
        {**CALLBACK, "QueueId": "Q", "ContactFlowId": "none"},
        {**CALLBACK, "QueueId": "Q", "InitialCallDelaySeconds": "259201"},
        {**CALLBACK, "QueueId": "Q", "MaximumConnectionAttempts": "0"},
    ],
)
def test_callbacks_that_cannot_be(parameters: dict[str, object]) -> None:
    assert edge(single("CreateCallbackContact", parameters)) == "error NoMatchingError"


TASK = {"ContactFlowId": flow_arn("flow"), "Name": "For $.Attributes.n"}


def test_a_task_is_made_with_what_it_needs_to_know() -> None:
    parameters = {
        **TASK,
        "Description": "d",
        "Attributes": {"a": "$.Attributes.n", "b": "$.Attributes.none"},
        "References": {"link": "https://x", "mail": {"Type": "EMAIL", "Value": "a@b"}},
        "DelaySeconds": "30",
    }
    driver = single("CreateTask", parameters, memory=Memory(attributes={"n": "Ann"}))
    made = opened(driver)
    assert (made.channel, made.starts_at, made.flow) == ("TASK", 30.0, flow_arn("flow"))
    assert made.record == Record(
        name="For Ann",
        description="d",
        references={"link": {"Type": "URL", "Value": "https://x"}, "mail": {"Type": "EMAIL", "Value": "a@b"}},
    )
    assert made.attributes == {"a": "Ann"}
    assert driver.contact.memory.found["Task"] == {"ContactId": made.contact_id}


@pytest.mark.parametrize("text", ["3600", "1970-01-01T01:00:00Z", "1970-01-01T01:00:00", "1970-01-01T02:00:00+01:00"])
def test_a_scheduled_task(text: str) -> None:
    assert opened(single("CreateTask", {**TASK, "ScheduledTime": text})).starts_at == 3_600.0
    assert datetime.fromtimestamp(3_600, UTC).hour == 1


@pytest.mark.parametrize(
    "parameters",
    [
        {**TASK, "ContactFlowId": "none"},
        {**TASK, "DelaySeconds": "518401"},
        {**TASK, "DelaySeconds": "0"},
        {**TASK, "ScheduledTime": "soon"},
        {**TASK, "ScheduledTime": "1", "DelaySeconds": "1"},
        {**TASK, "TaskTemplateId": "none"},
        {"ContactFlowId": flow_arn("flow")},
        {"Name": "x"},
        {"Name": "x", "TaskTemplateId": "t"},
    ],
)
def test_tasks_that_cannot_be(parameters: dict[str, object]) -> None:
    declared = Declared(task_templates=(TaskTemplate(name="t"),))
    assert edge(single("CreateTask", parameters, declared=declared)) == "error NoMatchingError"


def test_a_task_by_a_declared_template_and_resuming_what_is_not_paused() -> None:
    declared = Declared(task_templates=(TaskTemplate(name="t"),))
    assert edge(single("CreateTask", {**TASK, "TaskTemplateId": "t"}, declared=declared)) == "next"
    assert edge(single("ResumeContact")) == "error NoMatchingError"


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
