"""A row for every action type: parameters with references in them, where it leads, what it logs."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from callpark.flows.actions.unsupported import UNSUPPORTED
from callpark.flows.declared import (
    Agent,
    Assistant,
    Bot,
    Case,
    DataTable,
    Declared,
    Hours,
    Intent,
    Profile,
    Queue,
    ThirdParty,
    View,
    ViewAnswer,
    VoiceId,
)
from callpark.flows.engine import compiled
from tests.flows.actions.single import NUMBER
from tests.flows.building import action, flow, function_arn, hang_up
from tests.flows.driving import Driver

EVERY_DAY = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVERYTHING = Declared(
    hours=(Hours(name="Office", days={day: ("00:00-24:00",) for day in EVERY_DAY}),),
    agents=(Agent(name="ann", answers_after=2.0),),
    queues=(Queue(name="Support", hours="Office", agents=("ann",)),),
    bots=(Bot(name="Clerk", intents=(Intent(name="Book", phrases=("book",)),)),),
    views=(View(name="form", answer=ViewAnswer(action="Next", after=1)),),
    profiles=(Profile(id="p", fields={"PhoneNumber": NUMBER}, calculated={"calls": "7"}, objects={"Order": ({},)}),),
    cases=(Case(id="c", fields={"title": "Leak"}),),
    data_tables=(DataTable(name="Fees", rows=({"tier": "gold", "fee": 0},)),),
    assistants=(Assistant(name="Helper"),),
    third_parties=(ThirdParty(number="+441632960099", answers_after=1, talks=2),),
    voice_id=VoiceId(),
    media_streams="arn:aws:kinesisvideo:eu-west-2:1:stream/line",
)
#: What the references in the rows resolve to.
ATTRIBUTES = {"queue": "Support", "who": "Ada", "n": "1", "profile": "p", "flow": "arn:other", "number": NUMBER}
OTHER = compiled(flow(hang_up(), name="other"))
MODULE = compiled(flow(action("end", "EndFlowModuleExecution"), name="m", type_="MODULE"))


class Row(NamedTuple):
    """`logged`: the entry's module type, and members of its Parameters (None: no entry). `taken`: "" when the contact
    goes on elsewhere. `act`: what must happen meanwhile."""

    type: str
    parameters: Mapping[str, object]
    module_type: str
    logged: Mapping[str, object] | None = {}
    taken: str = "next"
    flow_type: str = "CONTACT_FLOW"
    channel: str = "VOICE"
    when: Mapping[str, str] | Sequence[tuple[str, str, str]] = {}
    act: Callable[[Driver], object] = lambda driver: None


def _returns(driver: Driver) -> None:
    driver.answer({"name": "Ada"})


ROWS = [
    Row(
        "AssociateContactToCustomerProfile",
        {"ProfileRequestData": {"ProfileId": "$.Attributes.profile", "ContactId": "$.ContactId"}},
        "AssociateContactToCustomerProfile",
    ),
    Row(
        "CheckHoursOfOperation",
        {"HoursOfOperationId": "Office"},
        "CheckHoursOfOperation",
        taken="on True",
        when={"True": "on True", "False": "on False"},
    ),
    Row(
        "CheckMetricData",
        {"MetricType": "NumberOfAgentsStaffed", "QueueId": "$.Attributes.queue"},
        "CheckQueueStatus",
        taken="on staff",
        when=[("NumberGreaterThan", "0", "on staff")],
    ),
    Row("CheckOutboundCallStatus", {}, "CheckOutboundCallStatus", taken="error NoMatchingError"),
    Row(
        "CheckVoiceId",
        {"CheckVoiceIdOption": "enrollmentStatus"},
        "CheckVoiceId",
        {"CheckVoiceIdOption": "enrollmentStatus"},
        taken="on Enrolled",
        when={"Enrolled": "on Enrolled"},
    ),
    Row("Compare", {"ComparisonValue": "$.Attributes.who"}, "CheckAttribute", taken="on Ada", when={"Ada": "on Ada"}),
    Row(
        "CompleteOutboundCall",
        {"CallerId": {"Number": "$.SystemEndpoint.Address"}},
        "CompleteOutboundCall",
        flow_type="OUTBOUND_WHISPER",
    ),
    Row(
        "ConnectParticipantWithLexBot",
        {"Text": "$.Attributes.who?", "LexV2Bot": {"AliasArn": "Clerk"}},
        "GetUserInput",
        taken="on Book",
        when={"Book": "on Book"},
        act=lambda driver: driver.say("book"),
    ),
    Row(
        "CreateCallbackContact",
        {
            "QueueId": "$.Attributes.queue",
            "InitialCallDelaySeconds": "5",
            "MaximumConnectionAttempts": "1",
            "RetryDelaySeconds": "5",
        },
        "CreateCallback",
    ),
    Row(
        "CreateCase",
        {"LinkContactToCase": "True", "CaseTemplateId": "t", "CaseRequestFields": {"title": "$.Attributes.who"}},
        "CreateCase",
    ),
    Row("CreateCustomerProfile", {"ProfileRequestData": {"FirstName": "$.Attributes.who"}}, "CreateCustomerProfile"),
    Row(
        "CreatePersistentContactAssociation",
        {"RehydrationType": "From Segment", "SourceContactId": "$.Attributes.who"},
        "CreatePersistentContactAssociation",
        {"SourceContactId": "Ada"},
        taken="error NoMatchingError",
    ),
    Row(
        "CreateTask",
        {"Name": "Call $.Attributes.who", "ContactFlowId": OTHER.flow.arn},
        "CreateTask",
        {"Name": "Call Ada"},
    ),
    Row(
        "CreateWisdomSession", {"WisdomAssistantArn": "Helper"}, "SetWisdomAssistant", {"WisdomAssistantArn": "Helper"}
    ),
    Row(
        "DequeueContactAndTransferToQueue",
        {"QueueId": "$.Attributes.queue"},
        "Transfer",
        taken="error NoMatchingError",
        flow_type="CUSTOMER_QUEUE",
    ),
    Row("DisconnectParticipant", {}, "Disconnect", taken=""),
    Row(
        "DistributeByPercentage", {}, "PercentileBranching", taken="on any", when=[("NumberLessThan", "101", "on any")]
    ),
    Row("EndFlowExecution", {}, "Resume", taken="", flow_type="AGENT_WHISPER"),
    Row("EndFlowModuleExecution", {}, "EndFlowModuleExecution", None, taken="", flow_type="MODULE"),
    Row(
        "EvaluateDataTableValues",
        {"DataTableId": "Fees", "Queries": [{"Name": "q"}]},
        "EvaluateDataTableValues",
        {"DataTableId": "Fees"},
    ),
    Row(
        "GetCalculatedAttributesForCustomerProfile",
        {"ProfileRequestData": {"ProfileId": "$.Attributes.profile"}},
        "GetCalculatedAttributesForCustomerProfile",
    ),
    Row(
        "GetCase",
        {"LinkContactToCase": "False", "GetLastUpdatedCase": "True", "CaseRequestFields": {"title": "Leak"}},
        "GetCase",
    ),
    Row("GetCustomerProfile", {"ProfileRequestData": {"PhoneNumber": "$.Attributes.number"}}, "GetCustomerProfile"),
    Row(
        "GetCustomerProfileObject",
        {"ProfileRequestData": {"ProfileId": "$.Attributes.profile", "ObjectType": "Order", "UseLatest": "True"}},
        "GetCustomerProfileObject",
    ),
    Row("GetMetricData", {"QueueId": "$.Attributes.queue"}, "GetMetricData"),
    Row(
        "GetParticipantInput",
        {"Text": "$.Attributes.who, a key?", "StoreInput": "False", "InputTimeLimitSeconds": "5"},
        "GetUserInput",
        taken="on 1",
        when={"1": "on 1"},
        act=lambda driver: driver.press("1"),
    ),
    Row("InvokeFlowModule", {"FlowModuleId": "m", "Input": {"name": "$.Attributes.who"}}, "InvokeFlowModule", None),
    Row(
        "InvokeLambdaFunction",
        {
            "LambdaFunctionARN": function_arn("F"),
            "InvocationTimeLimitSeconds": "8",
            "LambdaInvocationAttributes": {"name": "$.Attributes.who"},
        },
        "InvokeExternalResource",
        {"FunctionArn": function_arn("F"), "TimeLimit": "8000"},
        act=_returns,
    ),
    Row(
        "LoadLambdaFunctionResult",
        {"LambdaInvocationId": "$.Attributes.who"},
        "LoadLambdaFunctionResult",
        {"LambdaInvocationId": "Ada"},
        taken="error NoMatchingError",
    ),
    Row(
        "Loop",
        {"LoopCount": "$.Attributes.n"},
        "Loop",
        {"LoopCount": "1"},
        taken="on again",
        when={"ContinueLooping": "on again", "DoneLooping": "on done"},
    ),
    Row("MessageParticipant", {"Text": "Hello $.Attributes.who."}, "PlayPrompt", act=lambda driver: driver.advance(9)),
    Row(
        "MessageParticipantIteratively",
        {"Messages": [{"Text": "Wait, $.Attributes.who."}], "InterruptFrequencySeconds": "30"},
        "LoopPrompts",
        taken="on time",
        when={"MessagesInterrupted": "on time"},
        flow_type="CUSTOMER_QUEUE",
        act=lambda driver: driver.advance(31),
    ),
    Row("ResumeContact", {}, "ResumeContact", taken="error NoMatchingError"),
    Row(
        "ShowView",
        {"ViewResource": {"Id": "form"}, "ViewData": {"Name": "$.Attributes.who"}},
        "ShowView",
        {"ViewId": "form"},
        taken="on Next",
        when={"Next": "on Next"},
        channel="CHAT",
        act=lambda driver: driver.advance(2),
    ),
    Row("StartVoiceIdStream", {}, "StartVoiceIdStream"),
    Row("TagContact", {"Tags": {"name": "$.Attributes.who"}}, "TagContact", {"Tags": {"name": "Ada"}}),
    Row("TransferContactToAgent", {}, "Transfer", taken="", flow_type="AGENT_TRANSFER"),
    Row("TransferContactToQueue", {}, "Transfer", taken="error NoMatchingError"),
    Row(
        "TransferParticipantToThirdParty",
        {
            "ThirdPartyPhoneNumber": "+441632960099",
            "ThirdPartyConnectionTimeLimitSeconds": "9",
            "ContinueFlowExecution": "True",
        },
        "Transfer",
        {"PhoneNumber": "+441632960099"},
        act=lambda driver: driver.advance(9),
    ),
    Row("TransferToFlow", {"ContactFlowId": OTHER.flow.arn}, "TransferToFlow", taken=""),
    Row("UntagContact", {"TagKeys": ["name"]}, "UntagContact", {"TagKeys": ["name"]}),
    Row(
        "UpdateCase",
        {"LinkContactToCase": "False", "CaseId": "c", "CaseRequestFields": {"title": "$.Attributes.who"}},
        "UpdateCase",
    ),
    Row(
        "UpdateContactAttributes",
        {"Attributes": {"name": "$.Attributes.who"}, "TargetContact": "Current"},
        "SetAttributes",
        {"Key": "name", "Value": "Ada"},
    ),
    Row("UpdateContactCallbackNumber", {"CallbackNumber": "$.Attributes.number"}, "SetCallBackNumber"),
    Row("UpdateContactData", {"Description": "$.Attributes.who"}, "UpdateContactData", {"Description": "Ada"}),
    Row(
        "UpdateContactEventHooks",
        {"EventHooks": {"CustomerRemaining": OTHER.flow.arn}},
        "SetEventHook",
        {"CustomerRemaining": OTHER.flow.arn},
    ),
    Row(
        "UpdateContactMediaProcessing",
        {
            "ChatProcessor": {
                "ProcessingEnabled": "True",
                "LambdaProcessorARN": function_arn("P"),
                "ChatProcessorSettings": {"DeliverUnprocessedMessages": "True"},
            }
        },
        "UpdateContactMediaProcessing",
        channel="CHAT",
    ),
    Row(
        "UpdateContactMediaStreamingBehavior",
        {
            "MediaStreamingState": "Enabled",
            "MediaStreamType": "Audio",
            "Participants": [{"ParticipantType": "Customer", "MediaDirections": ["To", "From"]}],
        },
        "UpdateContactMediaStreamingBehavior",
        {"MediaStreamingState": "Enabled"},
    ),
    Row(
        "UpdateContactRecordingAndAnalyticsBehavior",
        {"VoiceBehavior": {"VoiceRecordingBehavior": {"RecordedParticipants": ["Agent"]}}},
        "SetRecordingBehavior",
    ),
    Row(
        "UpdateContactRecordingBehavior",
        {"RecordingBehavior": {"RecordedParticipants": ["Agent"]}},
        "SetRecordingBehavior",
    ),
    Row("UpdateContactRoutingBehavior", {"QueuePriority": "3"}, "UpdateRoutingPriority", {"QueuePriority": "3"}),
    Row(
        "UpdateContactRoutingCriteria",
        {
            "RoutingCriteria": {
                "Steps": [
                    {
                        "Expression": {
                            "AttributeCondition": {
                                "Name": "$.Attributes.who",
                                "Value": "en",
                                "ProficiencyLevel": "3.0",
                                "ComparisonOperator": "NumberGreaterOrEqualTo",
                            }
                        }
                    }
                ]
            }
        },
        "UpdateContactRoutingCriteria",
    ),
    Row("UpdateContactTargetQueue", {"QueueId": "$.Attributes.queue"}, "SetQueue"),
    Row(
        "UpdateContactTextToSpeechVoice", {"TextToSpeechVoice": "$.Attributes.who"}, "SetVoice", {"GlobalVoice": "Ada"}
    ),
    Row(
        "UpdateCustomerProfile",
        {"ProfileRequestData": {"ProfileId": "$.Attributes.profile", "FirstName": "$.Attributes.who"}},
        "UpdateCustomerProfile",
    ),
    Row(
        "UpdateFlowAttributes",
        {"FlowAttributes": {"name": {"Value": "$.Attributes.who"}}},
        "SetFlowAttributes",
        {"Key": "name", "Value": "Ada"},
    ),
    Row("UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "SetLoggingBehavior"),
    Row(
        "UpdatePreviousContactParticipantState",
        {"PreviousContactParticipantState": "OffHold"},
        "UpdatePreviousContactParticipantState",
        taken="error NoMatchingError",
    ),
    Row(
        "Wait",
        {
            "TimeLimitSeconds": "$.Attributes.n",
            "InterruptibleEvents": {"Done": {"AsyncLambdaCompletionEvent": {"Identifier": "$.Attributes.who"}}},
        },
        "Wait",
        None,
        taken="on time",
        when={"WaitCompleted": "on time"},
        act=lambda driver: driver.advance(2),
    ),
    *(Row(type_.name, {"Any": "$.Attributes.who"}, type_.name, taken="error NoMatchingError") for type_ in UNSUPPORTED),
]
