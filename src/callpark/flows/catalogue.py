"""Names that people write for action types by mistake: from the legacy language, from log names, or invented.

https://docs.aws.amazon.com/connect/latest/devguide/flow-language-actions.html
"""

from collections.abc import Mapping

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
