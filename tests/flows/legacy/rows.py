"""Blocks of the legacy export format and what each becomes: a table."""

from collections.abc import Mapping, Sequence
from typing import Any

ARN = "arn:aws:connect:eu-west-2:123456789012:instance/i"
Block = dict[str, Any]


def block(type_: str, *parameters: Mapping[str, object], target: str = "", id_: str = "it", **branches: str) -> Block:
    made: Block = {
        "id": id_,
        "type": type_,
        "branches": [{"condition": condition, "transition": to} for condition, to in branches.items()],
        "parameters": list(parameters),
        "metadata": {"position": {"x": 1, "y": 2}, "useDynamic": False},
    }
    return made | ({"target": target} if target else {})


def named(name: str, value: object, namespace: str | None = None, **more: object) -> Mapping[str, object]:
    return {"name": name, "value": value, "namespace": namespace, **more}


TEXT = (named("Text", "Hello."), named("TextToSpeechType", "text"))
END = block("Disconnect", id_="end")
SUCCESS = {"Success": "end"}
BOTH = {"Success": "end", "Error": "end"}
ROWS: Sequence[tuple[Block, str, Mapping[str, object]]] = [
    (block("PlayPrompt", *TEXT, **SUCCESS), "MessageParticipant", {"Text": "Hello."}),
    (block("PlayAudio", *TEXT, **SUCCESS), "MessageParticipant", {"Text": "Hello."}),
    (
        block("PlayPrompt", named("Text", "<speak>Hi</speak>"), named("TextToSpeechType", "ssml"), **SUCCESS),
        "MessageParticipant",
        {"SSML": "<speak>Hi</speak>"},
    ),
    (
        block("PlayPrompt", named("Text", "message", "User Defined"), named("TextToSpeechType", "text"), **SUCCESS),
        "MessageParticipant",
        {"Text": "$.Attributes.message"},
    ),
    (
        block("PlayPrompt", named("AudioPrompt", f"{ARN}/prompt/p", resourceName="Beep.wav"), **SUCCESS),
        "MessageParticipant",
        {"PromptId": f"{ARN}/prompt/p"},
    ),
    (
        block("GetUserInput", *TEXT, named("Timeout", "8"), named("MaxDigits", "1"), target="Digits", Error="end"),
        "GetParticipantInput",
        {"Text": "Hello.", "StoreInput": "False", "InputTimeLimitSeconds": "8"},
    ),
    (
        block(
            "StoreUserInput",
            *TEXT,
            named("CustomerInputType", "Custom"),
            named("Timeout", "6"),
            named("MaxDigits", 20),
            **BOTH,
        ),
        "GetParticipantInput",
        {
            "Text": "Hello.",
            "StoreInput": "True",
            "InputTimeLimitSeconds": "6",
            "InputValidation": {"CustomValidation": {"MaximumLength": "20"}},
        },
    ),
    (
        block(
            "StoreUserInput",
            *TEXT,
            named("CustomerInputType", "PhoneNumber"),
            named("Timeout", "6"),
            named("PhoneNumberFormat", "Local"),
            named("CountryCode", "US"),
            **BOTH,
        ),
        "GetParticipantInput",
        {
            "Text": "Hello.",
            "StoreInput": "True",
            "InputTimeLimitSeconds": "6",
            "InputValidation": {"PhoneNumberValidation": {"NumberFormat": "Local", "CountryCode": "US"}},
        },
    ),
    (
        block(
            "StoreCustomerInput",
            *TEXT,
            named("CustomerInputType", "Custom"),
            named("Timeout", "6"),
            named("MaxDigits", 20),
            named("EncryptEntry", True),
            named("EncryptionKeyId", "key-1"),
            named("EncryptionKey", "PEM"),
            **BOTH,
        ),
        "GetParticipantInput",
        {
            "Text": "Hello.",
            "StoreInput": "True",
            "InputTimeLimitSeconds": "6",
            "InputValidation": {"CustomValidation": {"MaximumLength": "20"}},
            "InputEncryption": {"EncryptionKeyId": "key-1", "Key": "PEM"},
        },
    ),
    (
        block("CheckAttribute", named("Attribute", "tier"), named("Namespace", "User Defined"), NoMatch="end"),
        "Compare",
        {"ComparisonValue": "$.Attributes.tier"},
    ),
    (
        block("CheckAttribute", named("Attribute", "a b"), named("Namespace", "User Defined"), NoMatch="end"),
        "Compare",
        {"ComparisonValue": "$.Attributes['a b']"},
    ),
    (
        block("CheckAttribute", named("Attribute", "State"), named("Namespace", "External"), NoMatch="end"),
        "Compare",
        {"ComparisonValue": "$.External.State"},
    ),
    (
        block("CheckAttribute", named("Attribute", "Channel"), named("Namespace", "System"), NoMatch="end"),
        "Compare",
        {"ComparisonValue": "$.Channel"},
    ),
    (
        block(
            "SetAttributes",
            named("Attribute", "true", key="greeted"),
            named("Attribute", "aid", "External", key="id"),
            **BOTH,
        ),
        "UpdateContactAttributes",
        {"Attributes": {"greeted": "true", "id": "$.External.aid"}, "TargetContact": "Current"},
    ),
    (
        block("SetScreenPop", named("key", "card"), named("value", "Stored customer input", "System"), **BOTH),
        "UpdateContactAttributes",
        {"Attributes": {"card": "$.StoredCustomerInput"}, "TargetContact": "Current"},
    ),
    (
        block(
            "InvokeExternalResource",
            named("FunctionArn", "arn:aws:lambda:eu-west-2:1:function:F"),
            named("TimeLimit", "4"),
            named("Parameter", "Customer Number", "System", key="number"),
            target="Lambda",
            **BOTH,
        ),
        "InvokeLambdaFunction",
        {
            "LambdaFunctionARN": "arn:aws:lambda:eu-west-2:1:function:F",
            "InvocationTimeLimitSeconds": "4",
            "ResponseValidation": {"ResponseType": "STRING_MAP"},
            "LambdaInvocationAttributes": {"number": "$.CustomerEndpoint.Address"},
        },
    ),
    (
        block(
            "InvokeExternalResource",
            named("FunctionArn", "function_arn", "User Defined"),
            named("TimeLimit", "8000"),
            target="Lambda",
            **BOTH,
        ),
        "InvokeLambdaFunction",
        {
            "LambdaFunctionARN": "$.Attributes.function_arn",
            "InvocationTimeLimitSeconds": "8",
            "ResponseValidation": {"ResponseType": "STRING_MAP"},
        },
    ),
    (
        block("SetQueue", named("Queue", f"{ARN}/queue/q"), **BOTH),
        "UpdateContactTargetQueue",
        {"QueueId": f"{ARN}/queue/q"},
    ),
    (
        block("SetQueue", named("Agent", f"{ARN}/agent/a"), **BOTH),
        "UpdateContactTargetQueue",
        {"AgentId": f"{ARN}/agent/a"},
    ),
    (block("Transfer", target="Queue", AtCapacity="end", Error="end"), "TransferContactToQueue", {}),
    (block("CustomerInQueue", AtCapacity="end", Error="end"), "TransferContactToQueue", {}),
    (
        block("Transfer", named("Queue", f"{ARN}/queue/q"), target="Queue", AtCapacity="end", Error="end"),
        "DequeueContactAndTransferToQueue",
        {"QueueId": f"{ARN}/queue/q"},
    ),
    (
        block("Transfer", named("ContactFlowId", f"{ARN}/contact-flow/f"), target="Flow", Error="end"),
        "TransferToFlow",
        {"ContactFlowId": f"{ARN}/contact-flow/f"},
    ),
    (
        block("TransferToFlow", named("ContactFlowId", f"{ARN}/contact-flow/f"), Error="end"),
        "TransferToFlow",
        {"ContactFlowId": f"{ARN}/contact-flow/f"},
    ),
    (
        block("SetEventHook", named("Type", "CustomerRemaining"), named("ContactFlowId", "f"), target="Flow", **BOTH),
        "UpdateContactEventHooks",
        {"EventHooks": {"CustomerRemaining": "f"}},
    ),
    (
        block("SetContactFlow", named("ContactFlowId", "f"), named("Type", "CustomerQueue"), **SUCCESS),
        "UpdateContactEventHooks",
        {"EventHooks": {"CustomerQueue": "f"}},
    ),
    (
        block(
            "SetRecordingBehavior",
            named("RecordingBehaviorOption", "Enable"),
            named("RecordingParticipantOption", "Both"),
            **SUCCESS,
        ),
        "UpdateContactRecordingBehavior",
        {"RecordingBehavior": {"RecordedParticipants": ["Agent", "Customer"]}},
    ),
    (
        block("SetRecordingBehavior", named("RecordingBehaviorOption", "Disable"), **SUCCESS),
        "UpdateContactRecordingBehavior",
        {"RecordingBehavior": {"RecordedParticipants": []}},
    ),
    (block("CheckHoursOfOperation", **{"True": "end", "False": "end", "Error": "end"}), "CheckHoursOfOperation", {}),
    (
        block("CheckHoursOfOperation", named("Hours", "h"), **{"True": "end", "False": "end", "Error": "end"}),
        "CheckHoursOfOperation",
        {"HoursOfOperationId": "h"},
    ),
    (
        block(
            "CreateCallback",
            *(named(n, v) for n, v in (("InitialDelaySeconds", 5), ("RetryDelaySeconds", 600))),
            named("MaxRetryAttempts", 1),
            **BOTH,
        ),
        "CreateCallbackContact",
        {"InitialCallDelaySeconds": "5", "RetryDelaySeconds": "600", "MaximumConnectionAttempts": "2"},
    ),
    (
        block(
            "SetCallBackNumber",
            named("CallBackNumber", "Stored customer input", "System"),
            Success="end",
            InvalidPhoneNumber="end",
            NonDialableNumber="end",
        ),
        "UpdateContactCallbackNumber",
        {"CallbackNumber": "$.StoredCustomerInput"},
    ),
    (
        block("UpdateRoutingPriority", named("AbsolutePosition", 1), **SUCCESS),
        "UpdateContactRoutingBehavior",
        {"QueuePriority": "1"},
    ),
    (
        block("UpdateRoutingPriority", named("TimeOffset", 600), **SUCCESS),
        "UpdateContactRoutingBehavior",
        {"QueueTimeAdjustmentSeconds": "600"},
    ),
    (
        block("SetLoggingBehavior", named("LoggingBehavior", "Enable"), **SUCCESS),
        "UpdateFlowLoggingBehavior",
        {"FlowLoggingBehavior": "Enabled"},
    ),
    (
        block("SetVoice", named("GlobalVoice", "Mizuki"), **SUCCESS),
        "UpdateContactTextToSpeechVoice",
        {"TextToSpeechVoice": "Mizuki"},
    ),
    (
        block(
            "StartMediaStreaming",
            named("Track", "FromCustomer"),
            named("Track", "ToCustomer"),
            named("MediaStreamTypes", "Audio"),
            **BOTH,
        ),
        "UpdateContactMediaStreamingBehavior",
        {
            "MediaStreamingState": "Enabled",
            "Participants": [{"ParticipantType": "Customer", "MediaDirections": ["From", "To"]}],
            "MediaStreamType": "Audio",
        },
    ),
    (
        block("Loop", named("LoopCount", "count", "User Defined"), Looping="end", Complete="end"),
        "Loop",
        {"LoopCount": "$.Attributes.count"},
    ),
]
