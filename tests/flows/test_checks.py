"""Publish-time rules of the single action types: the recorded facts of the connect reference §3 and §4, one by one."""

from collections.abc import Mapping, Sequence

import pytest

from callpark.flows.validate import validate
from callpark.kernel.limits import ConnectLimits
from tests.flows.building import Action, action, flow, hang_up, invoke

pytestmark = pytest.mark.unit

BYE = {"NoMatchingError": "bye"}
METRIC = {"NoMatchingError": "bye", "NoMatchingCondition": "bye"}
VIEW = dict.fromkeys(("NoMatchingCondition", "NoMatchingError", "TimeLimitExceeded"), "bye")
NUMBER = {"ThirdPartyPhoneNumber": "+44", "ThirdPartyConnectionTimeLimitSeconds": "30"}
CASE = {"LinkContactToCase": "true", "GetLastUpdatedCase": "true"}


def problems(type_: str, *actions: Action) -> list[str]:
    return [str(problem) for problem in validate(flow(*actions, type_=type_), ConnectLimits())]


def it(
    type_: str,
    parameters: Mapping[str, object],
    errors: Mapping[str, str] | None = None,
    when: Mapping[str, str] | Sequence[tuple[str, str, str]] | None = None,
) -> Action:
    return action("it", type_, parameters, "bye", errors=BYE if errors is None else errors, when=when)


@pytest.mark.parametrize(
    ("tested", "message"),
    [
        # recorded: both conditions of the hours, and no override results
        (it("CheckHoursOfOperation", {}, when={"True": "bye"}), "condition False is missing"),
        (
            it("CheckHoursOfOperation", {}, when={"True": "bye", "False": "bye", "Override": "bye"}),
            "there is no result 'Override'",
        ),
        # recorded against documented: NoMatchingCondition is required for agent metrics too
        (
            it("CheckMetricData", {"MetricType": "NumberOfAgentsStaffed"}, when=[("NumberGreaterThan", "0", "bye")]),
            "Transitions.Errors: NoMatchingCondition",
        ),
        (
            it("CheckMetricData", {"MetricType": "NumberOfAgentsStaffed"}, METRIC, [("NumberGreaterThan", "1", "bye")]),
            "agent metrics are compared NumberGreaterThan 0",
        ),
        (it("CheckMetricData", {"MetricType": "NumberOfContactsInQueue"}, METRIC), "at least one condition is needed"),
        (it("CheckMetricData", {"MetricType": "$.Attributes.m"}, METRIC, {"1": "bye"}), "no reference may stand here"),
        # recorded: the wire value is NumberLessThan, no threshold above 100
        (
            it("DistributeByPercentage", {}, {"NoMatchingCondition": "bye"}, [("NumericLessThan", "51", "bye")]),
            "unknown operator NumericLessThan",
        ),
        (
            it("DistributeByPercentage", {}, {"NoMatchingCondition": "bye"}, [("NumberLessThan", "101", "bye")]),
            "thresholds are 1 to 100",
        ),
        (
            it("DistributeByPercentage", {}, {"NoMatchingCondition": "bye"}, [("Equals", "51", "bye")]),
            "does not take the operator Equals",
        ),
        # recorded: Voice ID's wire values have no spaces
        (
            it("CheckVoiceId", {"CheckVoiceIdOption": "fraudDetection"}, when={"High risk": "bye"}),
            "there is no result 'High risk'",
        ),
        (
            it("CheckVoiceId", {"CheckVoiceIdOption": "fraudDetection"}, when={"Enrolled": "bye"}),
            "there is no result 'Enrolled'",
        ),
        # recorded: an empty EventHooks map is rejected, with that message
        (it("UpdateContactEventHooks", {"EventHooks": {}}), "Invalid contact flow format"),
        # recorded: only Equals on one static result of a round
        (it("MessageParticipantIteratively", {"Messages": [{"Text": "a"}]}, when={"Done": "bye"}), "no result 'Done'"),
        # recorded: outcomes of the third party only with ContinueFlowExecution True
        (
            it(
                "TransferParticipantToThirdParty",
                {**NUMBER, "ContinueFlowExecution": "False"},
                {**BYE, "CallFailed": "bye"},
            ),
            "error branch CallFailed: only with ContinueFlowExecution True",
        ),
        (it("TransferParticipantToThirdParty", NUMBER), "Parameters.ContinueFlowExecution"),
        (
            it(
                "TransferParticipantToThirdParty",
                {**NUMBER, "ThirdPartyConnectionTimeLimitSeconds": "601", "ContinueFlowExecution": "True"},
            ),
            "ThirdPartyConnectionTimeLimitSeconds: 1 to 600",
        ),
        # recorded: settings of a chat's processor are required
        (
            it("UpdateContactMediaProcessing", {"ChatProcessor": {"ProcessingEnabled": "True"}}, METRIC),
            "ChatProcessor.ChatProcessorSettings",
        ),
        # recorded: the service rejects References, the documented spellings UnTagContact and UpdateRoutingCriteria
        (it("UpdateContactData", {"Name": "a", "References": {}}), "Invalid Action property name: References"),
        (it("UnTagContact", {"TagKeys": ["a"]}), "unknown action type UnTagContact; did you mean UntagContact?"),
        (
            it("UpdateRoutingCriteria", {"RoutingCriteria": {}}),
            "unknown action type UpdateRoutingCriteria; did you mean UpdateContactRoutingCriteria?",
        ),
        (it("UntagContact", {"TagKeys": ["$.Attributes.k"]}), "no reference may stand here"),
        # recorded: no plain OnHold
        (
            it("UpdatePreviousContactParticipantState", {"PreviousContactParticipantState": "OnHold"}),
            "must be one of AgentOnHold, CustomerOnHold, OffHold",
        ),
        # recorded: a callback number is one reference, never a literal
        (
            it("UpdateContactCallbackNumber", {"CallbackNumber": "+441632960000"}, METRIC),
            "is one reference, never a number itself",
        ),
        # recorded: exports omit ContactNotLinked when linking is false; with it, it must be there
        (
            it("GetCase", CASE, {**BYE, "MultipleFound": "bye", "NoneFound": "bye"}),
            "Transitions.Errors: ContactNotLinked",
        ),
        # recorded: a Fields key is refused
        (
            it("CreateCase", {"LinkContactToCase": "false", "CaseTemplateId": "t", "Fields": {}}),
            "Invalid Action property name: Fields",
        ),
        # recorded: no LanguageCode of a voice; CompleteOutboundCall not in CONTACT_FLOW
        (
            it("UpdateContactTextToSpeechVoice", {"TextToSpeechVoice": "Amy", "LanguageCode": "en-GB"}),
            "Invalid Action property name: LanguageCode",
        ),
        (it("CompleteOutboundCall", {}, {}), "CompleteOutboundCall is not allowed in a flow of type CONTACT_FLOW"),
        (it("TagContact", {"Tags": {str(n): "x" for n in range(7)}}), "Parameters.Tags: 6 tags at most"),
        (it("CreateTask", {"Name": "n", "ContactFlowId": "f", "DelaySeconds": "518401"}), "DelaySeconds: 1 to 518400"),
        (
            it("CreateCallbackContact", {"InitialCallDelaySeconds": "259201"}),
            "InitialCallDelaySeconds: 1 to 259200",
        ),
        (it("ShowView", {"ViewResource": {}}, VIEW), "Parameters.ViewResource.Id"),
        (it("ShowView", {"ViewResource": {"Id": "v"}}), "Transitions.Errors: TimeLimitExceeded"),
        (it("UpdateContactRoutingBehavior", {"QueuePriority": "0"}, {}), "must be a whole number from 1"),
        (it("TransferContactToQueue", {}, BYE), "Transitions.Errors: QueueAtCapacity"),
        (it("TransferContactToQueue", {"QueueId": "q"}, METRIC), "Invalid Action property name: QueueId"),
        (it("UpdateContactTargetQueue", {}), "QueueId or AgentId is needed"),
        (it("GetCustomerProfile", {}, BYE), "Transitions.Errors: MultipleFoundError"),
        (it("LoadLambdaFunctionResult", {"LambdaInvocationId": "x"}, when={"x": "bye"}), "there is no result 'x'"),
        (
            it("Wait", {"TimeLimitSeconds": "5"}, {**BYE, "ParticipantNotFound": "bye"}, {"WaitCompleted": "bye"}),
            "ParticipantNotFound: only with the event BotParticipantDisconnected",
        ),
        (it("StoreUserInput", {}), "did you mean GetParticipantInput?"),
        (it("Start", {}), "unknown action type Start"),
    ],
)
def test_errors(tested: Action, message: str) -> None:
    found = problems("CONTACT_FLOW", tested, hang_up())
    assert [problem for problem in found if problem.startswith("error") and message in problem], found


@pytest.mark.parametrize(
    ("tested", "message"),
    [
        (
            it(
                "DistributeByPercentage",
                {},
                {"NoMatchingCondition": "bye"},
                [("NumberLessThan", "51", "bye"), ("NumberLessThan", "26", "bye")],
            ),
            "a threshold below an earlier one",
        ),
        (it("CheckVoiceId", {"CheckVoiceIdOption": "fraudDetection"}), "AWS ended Voice ID"),
        (
            it("CreateCallbackContact", {"MaximumConnectionAttempts": "3"}),
            "answer a callback at the first attempt",
        ),
    ],
)
def test_warnings(tested: Action, message: str) -> None:
    found = problems("CONTACT_FLOW", tested, hang_up())
    assert [problem for problem in found if problem.startswith("warning") and message in problem], found
    assert not [problem for problem in found if problem.startswith("error")]


def test_a_queue_flow_as_exports_have_it_is_no_problem() -> None:
    """recorded: exports of Loop prompts with empty Transitions exist; a terminal action has none."""
    messages = {"Messages": [{"Text": "Wait"}, {"PromptId": "PROMPT#Music"}], "InterruptFrequencySeconds": "15"}
    loop = action("it", "MessageParticipantIteratively", messages, "end", errors={"NoMatchingError": "end"})
    found = problems("CUSTOMER_QUEUE", loop, action("end", "EndFlowExecution"))
    assert found == [
        "warning: action 'it': AWS advises an InterruptFrequencySeconds above 20",
        "warning: action 'it': nothing follows MessagesInterrupted but NextAction",
    ]


def test_modules_have_settings_flows_have_none() -> None:
    end = action("end", "EndFlowModuleExecution")
    assert problems("MODULE", end) == []
    assert problems("CONTACT_FLOW", end) == [
        "error: action 'end': EndFlowModuleExecution is not allowed in a flow of type CONTACT_FLOW"
    ]
    inner = action("it", "InvokeFlowModule", {"FlowModuleId": "m"}, "end", errors={"NoMatchingError": "end"})
    assert problems("MODULE", inner, end) == []


def test_whispers_and_holds_speak_and_call_functions() -> None:
    """§5: a whisper plays a prompt, a hold flow does not; both may call functions."""
    end = action("end", "EndFlowExecution")
    prompt = action("it", "MessageParticipant", {"Text": "$.Queue.Name"}, "end")
    assert problems("AGENT_WHISPER", prompt, end) == []
    assert any("MessageParticipant is not allowed" in p for p in problems("CUSTOMER_HOLD", prompt, end))
    called = invoke("it", "end", "end")
    assert problems("CUSTOMER_WHISPER", called, end) == []
