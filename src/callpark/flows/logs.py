"""Entries of Connect's flow log, as JSON objects. Pure; the engine writes one per executed action while logging is on.

Log group: `/aws/connect/<instance-alias>`. Action types go by their legacy names there. For Wait and
LoadLambdaFunctionResult no name is known: ours is the action type, `Results` the branch taken.

https://docs.aws.amazon.com/connect/latest/adminguide/about-contact-flow-logs.html
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from callpark.flows.language import Action, Flow

MODULE_TYPES: Mapping[str, str] = {
    "CheckMetricData": "CheckQueueStatus",
    "Compare": "CheckAttribute",
    "ConnectParticipantWithLexBot": "GetUserInput",
    "CreateCallbackContact": "CreateCallback",
    "CreateWisdomSession": "SetWisdomAssistant",
    "DequeueContactAndTransferToQueue": "Transfer",
    "DisconnectParticipant": "Disconnect",
    "DistributeByPercentage": "PercentileBranching",
    "EndFlowExecution": "Resume",
    "InvokeLambdaFunction": "InvokeExternalResource",
    "MessageParticipant": "PlayPrompt",
    "MessageParticipantIteratively": "LoopPrompts",
    "TransferContactToAgent": "Transfer",
    "TransferContactToQueue": "Transfer",
    "TransferParticipantToThirdParty": "Transfer",
    "TransferToFlow": "TransferToFlow",
    "UpdateContactAttributes": "SetAttributes",
    "UpdateContactCallbackNumber": "SetCallBackNumber",
    "UpdateContactEventHooks": "SetEventHook",
    "UpdateContactRecordingAndAnalyticsBehavior": "SetRecordingBehavior",
    "UpdateContactRecordingBehavior": "SetRecordingBehavior",
    "UpdateContactRoutingBehavior": "UpdateRoutingPriority",
    "UpdateContactTargetQueue": "SetQueue",
    "UpdateContactTextToSpeechVoice": "SetVoice",
    "UpdateFlowAttributes": "SetFlowAttributes",
    "UpdateFlowLoggingBehavior": "SetLoggingBehavior",
}

_NOT_IN_A_NAME = re.compile(r"[^\w./#-]", re.ASCII)

FUNCTION_FAILED = "The Lambda Function Returned An Error."
FUNCTION_FORBIDDEN = "Status Code: 403; Error Code: AccessDeniedException"
NESTED_WAIT = "Unsupported Action In Wait Action's Continue Branch"


def log_group(alias: str) -> str:
    """The log group of an instance; what no group's name may hold becomes a hyphen."""
    return f"/aws/connect/{_NOT_IN_A_NAME.sub('-', alias)}"


def timestamp(at: float) -> str:
    """An instant as `2026-01-31T09:00:00.000Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log_entry(
    contact_id: str,
    flow: Flow,
    action: Action,
    at: float,
    parameters: Mapping[str, object],
    members: Mapping[str, object],
) -> Mapping[str, object]:
    """One entry. `members`: what comes beyond the base entry, such as Results or ExternalResults."""
    return {
        "ContactId": contact_id,
        "ContactFlowId": flow.arn,
        "ContactFlowName": flow.name,
        "ContactFlowModuleType": module_type(action),
        "Identifier": action.identifier,
        "Timestamp": timestamp(at),
        "Parameters": parameters,
        **members,
    }


def module_type(action: Action) -> str:
    if action.type == "GetParticipantInput":
        return "StoreUserInput" if str(action.parameters.get("StoreInput")).lower() == "true" else "GetUserInput"
    return MODULE_TYPES.get(action.type, action.type)
