"""Coverage of edges, and flows of the patterns that people write driven down every one of theirs."""

import pytest

from callpark.flows.coverage import coverage, edges
from callpark.flows.engine import compiled
from callpark.flows.language import Flow
from tests.flows.actions.single import NUMBER
from tests.flows.building import ASYNCHRONOUS, action, flow, flow_arn, hang_up, invoke, say
from tests.flows.driving import Driver
from tests.flows.explorer import explore

pytestmark = pytest.mark.unit

CLOSED = say("closed", "We are closed.", "bye")
TROUBLE = {"NoMatchingError": "trouble"}
QUEUEING = {"QueueAtCapacity": "trouble", "NoMatchingError": "trouble"}


def menu(name: str, text: str, **to: str) -> dict[str, object]:
    errors = dict.fromkeys(("InputTimeLimitExceeded", "NoMatchingCondition", "NoMatchingError"), "trouble")
    return action(
        name,
        "GetParticipantInput",
        {"Text": text, "StoreInput": "False", "InputTimeLimitSeconds": "5"},
        "trouble",
        errors=errors,
        when={key.removeprefix("key"): target for key, target in to.items()},
    )


HOURS = flow(
    action("voice", "UpdateContactTextToSpeechVoice", {"TextToSpeechVoice": "Amy"}, "ask", errors=TROUBLE),
    menu("ask", "Sales 1, support 2.", key1="queue", key2="queue"),
    action("queue", "UpdateContactTargetQueue", {"QueueId": f"{flow_arn('x')}/queue/q1"}, "hours", errors=TROUBLE),
    action("hours", "CheckHoursOfOperation", {}, "closed", errors=TROUBLE, when={"True": "look up", "False": "closed"}),
    invoke("look up", "hold", "trouble"),
    say("hold", "You are connected to $.External.name.", "transfer"),
    action("transfer", "TransferContactToQueue", {}, "trouble", errors=QUEUEING),
    CLOSED,
    say("trouble", "Please try again later.", "bye"),
    hang_up(),
    name="hours",
)
GUIDE = flow(
    action("log", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "voice id"),
    action(
        "voice id",
        "CheckVoiceId",
        {"CheckVoiceIdOption": "voiceAuthentication"},
        "profile",
        errors={"NoMatchingError": "profile"},
        when=dict.fromkeys(("Authenticated", "NotAuthenticated", "Inconclusive", "NotEnrolled", "OptedOut"), "profile"),
    ),
    action(
        "profile",
        "GetCustomerProfile",
        {"ProfileRequestData": {"PhoneNumber": "+15555550100"}, "ProfileResponseData": ["FirstName"]},
        "case",
        errors=dict.fromkeys(("NoMatchingError", "MultipleFoundError", "NoneFoundError"), "case"),
    ),
    action(
        "case",
        "GetCase",
        {
            "LinkContactToCase": "false",
            "GetLastUpdatedCase": "true",
            "CaseRequestFields": {"case_id": "$.Attributes.CaseIdFromOriginalContact"},
        },
        "view",
        errors=dict.fromkeys(("NoMatchingError", "MultipleFound", "NoneFound"), "view"),
    ),
    action(
        "view",
        "ShowView",
        {
            "ViewResource": {"Id": "form"},
            "InvocationTimeLimitSeconds": "300",
            "ViewData": {"Name": "$.Customer.FirstName"},
        },
        "bye",
        errors=dict.fromkeys(("NoMatchingCondition", "NoMatchingError", "TimeLimitExceeded"), "bye"),
        when={"Next": "task", "Back": "profile"},
    ),
    action(
        "task",
        "CreateTask",
        {"Name": "Claim", "ContactFlowId": flow_arn("guide")},
        "bye",
        errors={"NoMatchingError": "bye"},
    ),
    hang_up(),
    name="guide",
)
CONVERSATION = flow(
    action(
        "split",
        "DistributeByPercentage",
        {},
        "talk",
        errors={"NoMatchingCondition": "talk"},
        when=[("NumberLessThan", "51", "stream")],
    ),
    action("stream", "UpdateContactMediaStreamingBehavior", {"MediaStreamingState": "Enabled"}, "talk", errors=TROUBLE),
    action(
        "talk",
        "ConnectParticipantWithLexBot",
        {"Text": "How can I help?", "LexV2Bot": {"AliasArn": "arn:aws:lex:eu-west-2:1:bot-alias/B/A"}},
        "talk",
        errors=dict.fromkeys(("NoMatchingCondition", "NoMatchingError", "InputTimeLimitExceeded"), "trouble"),
        when={"End": "bye", "Ring": "ring"},
    ),
    action(
        "ring",
        "TransferParticipantToThirdParty",
        {
            "ThirdPartyPhoneNumber": NUMBER,
            "ThirdPartyConnectionTimeLimitSeconds": "20",
            "ContinueFlowExecution": "True",
        },
        "bye",
        errors=dict.fromkeys(("NoMatchingError", "CallFailed", "ConnectionTimeLimitExceeded"), "trouble"),
    ),
    say("trouble", "Goodbye.", "bye"),
    hang_up(),
    name="conversation",
)
QUEUE = flow(
    action(
        "round",
        "MessageParticipantIteratively",
        {"Messages": [{"Text": "Wait"}], "InterruptFrequencySeconds": "30"},
        "end",
        errors={"NoMatchingError": "end"},
        when={"MessagesInterrupted": "size"},
    ),
    action(
        "size",
        "CheckMetricData",
        {"MetricType": "NumberOfContactsInQueue", "QueueId": "Support"},
        "round",
        errors={"NoMatchingError": "end", "NoMatchingCondition": "end"},
        when=[("NumberLessThan", "5", "over"), ("NumberGreaterOrEqualTo", "5", "round")],
    ),
    action(
        "over", "DequeueContactAndTransferToQueue", {"QueueId": "Support"}, "end", errors=dict.fromkeys(QUEUEING, "end")
    ),
    action("end", "EndFlowExecution"),
    name="queue",
    type_="CUSTOMER_QUEUE",
)
KEEP = {"Attributes": {"a": "$.Modules.Input.b"}}
MODULE = flow(
    action("keep", "UpdateContactAttributes", KEEP, "yes", errors={"NoMatchingError": "no"}),
    action("yes", "EndFlowModuleExecution", {"Result": "Yes"}),
    action("no", "EndFlowModuleExecution", {}),
    name="m",
    type_="MODULE",
)
CALLER = flow(
    action(
        "call",
        "InvokeFlowModule",
        {"FlowModuleId": "m"},
        "bye",
        errors={"NoMatchingError": "bye"},
        when={"Yes": "on"},
    ),
    action("on", "TransferToFlow", {"ContactFlowId": flow_arn("hours")}, "bye", errors={"NoMatchingError": "bye"}),
    hang_up(),
    name="caller",
)


@pytest.mark.parametrize(
    ("main", "others", "channels", "alone"),
    [
        (flow(*ASYNCHRONOUS), [], ["VOICE"], 0.5),
        (HOURS, [], ["VOICE"], 0.55),
        (GUIDE, [], ["VOICE", "CHAT"], 0.7),
        (CONVERSATION, [], ["VOICE"], 0.6),
        (QUEUE, [], ["VOICE"], 0.3),
        (CALLER, [MODULE, HOURS], ["VOICE"], 0.2),
    ],
    ids=["asynchronous", "hours", "guide", "conversation", "queue", "modules"],
)
def test_every_branch_is_taken(main: Flow, others: list[Flow], channels: list[str], alone: float) -> None:
    """`alone`: the share that the worlds reach before anything is forced to happen."""
    covered, found = explore(main, others, channels)
    assert covered.missing == frozenset()
    assert covered.ratio == 1.0
    assert found.unforced.ratio >= alone, str(found.unforced)
    assert found.ends <= {"CONTACT_FLOW_DISCONNECT", "CUSTOMER_DISCONNECT", "AGENT_DISCONNECT", "OTHER"}


def test_a_call_covers_what_it_took() -> None:
    driver = Driver(menu("ask", "?", key1="closed"), CLOSED, say("trouble", "Trouble", "bye"), hang_up()).start()
    driver.press("1")
    driver.advance(10)
    covered = coverage(driver.program.flow, driver.effects)
    assert {(edge.action, edge.name, edge.target) for edge in covered.taken} == {
        ("ask", "condition 0", "closed"),
        ("closed", "NextAction", "bye"),
    }
    assert str(covered) == "flow: 2 of 8 edges"
    assert covered.ratio == 0.25


def test_edges_that_nothing_can_take_are_not_counted() -> None:
    names = {(edge.action, edge.name) for edge in edges(HOURS)}
    assert ("ask", "NextAction") not in names  # every outcome of a menu has its own edge
    assert ("transfer", "NextAction") not in names  # a success goes to the queue
    assert ("look up", "NextAction") in names
    assert coverage(flow(hang_up()), []).ratio == 1.0


def test_an_unwired_edge_is_none() -> None:
    assert edges(flow(action("a", "MessageParticipant", {"Text": "x"}, ""))) == frozenset()
    assert compiled(flow(hang_up())).flow.start == "bye"
