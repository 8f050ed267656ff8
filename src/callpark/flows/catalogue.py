"""The names of all action types that Connect knows, and names that people write by mistake. For messages only.

https://docs.aws.amazon.com/connect/latest/devguide/flow-language-actions.html
"""

from collections.abc import Mapping

KNOWN_TYPES = frozenset(
    (
        *("MessageParticipant", "MessageParticipantIteratively", "GetParticipantInput", "ConnectParticipantWithLexBot"),
        *("DisconnectParticipant", "ShowView", "InvokeLambdaFunction", "LoadLambdaFunctionResult"),
        *("CreateCallbackContact", "AssociateContactToCustomerProfile", "CreateCustomerProfile"),
        *("UpdateCustomerProfile", "GetCustomerProfile", "GetCustomerProfileObject"),
        *("GetCalculatedAttributesForCustomerProfile", "CheckHoursOfOperation", "CheckMetricData"),
        *("CheckOutboundCallStatus", "CheckVoiceId", "StartVoiceIdStream", "Compare", "DistributeByPercentage"),
        *("EndFlowExecution", "GetMetricData", "Loop", "TransferToFlow", "UpdateFlowAttributes"),
        *("UpdateFlowLoggingBehavior", "UpdateContactRoutingCriteria", "Wait", "CompleteOutboundCall", "CreateCase"),
        *("GetCase", "UpdateCase", "CreateTask", "CreateWisdomSession", "UpdateContactTargetQueue"),
        *("TransferContactToQueue", "DequeueContactAndTransferToQueue", "TransferContactToAgent"),
        *("EndFlowModuleExecution", "InvokeFlowModule", "ResumeContact", "StartOutboundChatContact", "TagContact"),
        *("UntagContact", "UpdateContactAttributes", "UpdateContactCallbackNumber", "UpdateContactData"),
        *("UpdateContactEventHooks", "UpdateContactMediaProcessing", "UpdateContactMediaStreamingBehavior"),
        *("UpdateContactRecordingBehavior", "UpdateContactRecordingAndAnalyticsBehavior"),
        *("UpdateContactRoutingBehavior", "UpdateContactTextToSpeechVoice", "UpdatePreviousContactParticipantState"),
        *("AuthenticateParticipant", "CreateContact", "CreatePersistentContactAssociation"),
        *("EvaluateDataTableValues", "LoadContactContent", "RenderMessageTemplate", "StartOutboundEmailContact"),
        *("TransferParticipantToThirdParty", "CheckSegmentMembership", "RouteContactToAgent"),
        "ConnectParticipantWithAgenticCX",
    )
)

SUGGESTIONS: Mapping[str, str] = {
    "CheckAttribute": "Compare",
    "StoreUserInput": "GetParticipantInput",
    "GetUserInput": "GetParticipantInput",
    "SetVoice": "UpdateContactTextToSpeechVoice",
    "SetAttributes": "UpdateContactAttributes",
    "TransferToQueue": "TransferContactToQueue",
    "InvokeExternalResource": "InvokeLambdaFunction",
    "SendMessage": "MessageParticipant",
    "PlayPrompt": "MessageParticipant",
    "EvaluateDataTable": "EvaluateDataTableValues",
    "TransferToPhoneNumber": "TransferParticipantToThirdParty",
    "StartMediaStreaming": "UpdateContactMediaStreamingBehavior",
    "HoldParticipant": "UpdatePreviousContactParticipantState",
    "UnTagContact": "UntagContact",
    "UpdateRoutingCriteria": "UpdateContactRoutingCriteria",
}
