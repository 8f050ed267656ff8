"""Each block type of the legacy format: which action it is, with which parameters. One row per type. Pure.

`convert.py` adds the branches. What is not in the table, or not known well enough, is said, never guessed.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from callpark.flows.legacy.document import Module, Unconvertible
from callpark.flows.legacy.values import needed, reference, value_of

Made: TypeAlias = tuple[str, Mapping[str, object]]
"""An action type and its parameters."""


def _prompt(module: Module) -> Mapping[str, object]:
    recording = module.one("AudioPrompt")
    if recording is not None:
        return {"PromptId": needed(module, "AudioPrompt")}
    text = needed(module, "Text")
    return {"SSML" if module.text("TextToSpeechType") == "ssml" else "Text": text}


def _play(module: Module) -> Made:
    return "MessageParticipant", _prompt(module)


def _get_input(module: Module) -> Made:
    if module.target not in ("", "Digits"):
        raise Unconvertible(f"input by way of {module.target} is not known; set the Lex bot again in the console")
    if module.text("MaxDigits") not in (None, "1"):
        raise Unconvertible(f"a choice of {module.text('MaxDigits')} digits; the flow language takes one")
    return "GetParticipantInput", {
        **_prompt(module),
        "StoreInput": "False",
        "InputTimeLimitSeconds": needed(module, "Timeout"),
    }


def _store_input(module: Module) -> Made:
    parameters = {**_prompt(module), "StoreInput": "True", "InputTimeLimitSeconds": needed(module, "Timeout")}
    if module.text("CustomerInputType") == "PhoneNumber":
        number: dict[str, object] = {"NumberFormat": needed(module, "PhoneNumberFormat")}
        if (country := module.text("CountryCode")) is not None:
            number["CountryCode"] = country
        parameters["InputValidation"] = {"PhoneNumberValidation": number}
    else:
        parameters["InputValidation"] = {"CustomValidation": {"MaximumLength": needed(module, "MaxDigits")}}
    if (module.text("EncryptEntry") or "False").lower() == "true":
        parameters["InputEncryption"] = {
            "EncryptionKeyId": needed(module, "EncryptionKeyId"),
            "Key": needed(module, "EncryptionKey"),
        }
    return "GetParticipantInput", parameters


def _compare(module: Module) -> Made:
    namespace = module.text("Namespace") or "User Defined"
    return "Compare", {"ComparisonValue": reference(namespace, module.text("Attribute") or "")}


def _set_attributes(module: Module) -> Made:
    attributes = {item.key: value_of(item) for item in module.all("Attribute")}
    if "" in attributes or not attributes:
        raise Unconvertible("an attribute without a name")
    return "UpdateContactAttributes", {"Attributes": attributes, "TargetContact": "Current"}


def _set_screen_pop(module: Module) -> Made:
    return "UpdateContactAttributes", {
        "Attributes": {needed(module, "key"): needed(module, "value")},
        "TargetContact": "Current",
    }


def _invoke(module: Module) -> Made:
    if module.target not in ("", "Lambda"):
        raise Unconvertible(f"an external resource of type {module.target!r}")
    seconds = needed(module, "TimeLimit")
    if seconds.isdecimal() and int(seconds) >= 1000:  # Some exports count milliseconds, as the logs do
        seconds = str(int(seconds) // 1000)
    parameters: dict[str, object] = {
        "LambdaFunctionARN": needed(module, "FunctionArn"),
        "InvocationTimeLimitSeconds": seconds,
        "ResponseValidation": {"ResponseType": "STRING_MAP"},
    }
    attributes = {item.key: value_of(item) for item in module.parameters if item.key}
    if attributes:
        parameters["LambdaInvocationAttributes"] = attributes
    return "InvokeLambdaFunction", parameters


def _set_queue(module: Module) -> Made:
    if module.one("Agent") is not None:
        return "UpdateContactTargetQueue", {"AgentId": needed(module, "Agent")}
    return "UpdateContactTargetQueue", {"QueueId": needed(module, "Queue")}


def _transfer(module: Module) -> Made:
    if module.target == "Queue":
        if module.text("Queue") is not None:
            return "DequeueContactAndTransferToQueue", {"QueueId": needed(module, "Queue")}
        return "TransferContactToQueue", {}
    if module.target == "Flow":
        return _to_flow(module)
    raise Unconvertible(f"a transfer to {module.target or 'nothing'} is not known; draw it again in the console")


def _to_flow(module: Module) -> Made:
    return "TransferToFlow", {"ContactFlowId": needed(module, "ContactFlowId")}


def _hook(module: Module) -> Made:
    return "UpdateContactEventHooks", {"EventHooks": {needed(module, "Type"): needed(module, "ContactFlowId")}}


def _record(module: Module) -> Made:
    if module.text("RecordingBehaviorOption") == "Disable":
        who: list[str] = []
    else:
        participants = {"Both": ["Agent", "Customer"], "Agent": ["Agent"], "Customer": ["Customer"]}
        told = needed(module, "RecordingParticipantOption")
        if told not in participants:
            raise Unconvertible(f"recording of {told!r}")
        who = participants[told]
    return "UpdateContactRecordingBehavior", {"RecordingBehavior": {"RecordedParticipants": who}}


def _hours(module: Module) -> Made:
    named = next((p for p in module.parameters if p.name in ("Hours", "HoursOfOperation")), None)
    return "CheckHoursOfOperation", {} if named is None else {"HoursOfOperationId": needed(module, named.name)}


def _queue_status(module: Module) -> Made:
    kinds = {branch.condition for branch in module.branches} - {"NoMatch", "Error"}
    if kinds != {"CheckQueueTime"}:
        raise Unconvertible("only the time of the oldest contact is known; check the queue's capacity in the console")
    parameters: dict[str, object] = {"MetricType": "OldestContactInQueueAgeSeconds"}
    if module.text("Queue") is not None:
        parameters["QueueId"] = needed(module, "Queue")
    return "CheckMetricData", parameters


def _callback(module: Module) -> Made:
    parameters = {
        "InitialCallDelaySeconds": needed(module, "InitialDelaySeconds"),
        "RetryDelaySeconds": needed(module, "RetryDelaySeconds"),
        "MaximumConnectionAttempts": str(int(module.text("MaxRetryAttempts") or 0) + 1),
    }
    if module.text("Queue") is not None:
        parameters["QueueId"] = needed(module, "Queue")
    return "CreateCallbackContact", parameters


def _callback_number(module: Module) -> Made:
    return "UpdateContactCallbackNumber", {"CallbackNumber": needed(module, "CallBackNumber")}


def _priority(module: Module) -> Made:
    if module.text("AbsolutePosition") is not None:
        return "UpdateContactRoutingBehavior", {"QueuePriority": needed(module, "AbsolutePosition")}
    return "UpdateContactRoutingBehavior", {"QueueTimeAdjustmentSeconds": needed(module, "TimeOffset")}


def _logging(module: Module) -> Made:
    enabled = needed(module, "LoggingBehavior") == "Enable"
    return "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled" if enabled else "Disabled"}


def _voice(module: Module) -> Made:
    return "UpdateContactTextToSpeechVoice", {"TextToSpeechVoice": needed(module, "GlobalVoice")}


def _streaming(module: Module) -> Made:
    directions = {"FromCustomer": "From", "ToCustomer": "To"}
    tracks = [directions[str(item.value)] for item in module.all("Track") if item.value in directions]
    return "UpdateContactMediaStreamingBehavior", {
        "MediaStreamingState": "Enabled",
        "Participants": [{"ParticipantType": "Customer", "MediaDirections": tracks}],
        "MediaStreamType": "Audio",
    }


def _loop_prompts(module: Module) -> Made:
    messages = []
    for item in module.parameters:
        if item.name == "Text":
            messages.append({"SSML" if item.key == "ssml" else "Text": value_of(item)})
        elif item.name == "AudioPrompt":
            if not item.value:
                raise Unconvertible(f"the recording {item.resource!r} is only a name, write its id there")
            messages.append({"PromptId": value_of(item)})
    parameters: dict[str, object] = {"Messages": messages}
    if module.text("InterruptSeconds") is not None:
        parameters["InterruptFrequencySeconds"] = needed(module, "InterruptSeconds")
    return "MessageParticipantIteratively", parameters


BLOCKS: Mapping[str, Callable[[Module], Made]] = {
    "CheckAttribute": _compare,
    "CheckHoursOfOperation": _hours,
    "CheckQueueStatus": _queue_status,
    "CreateCallback": _callback,
    "CustomerInQueue": lambda module: ("TransferContactToQueue", {}),
    "Disconnect": lambda module: ("DisconnectParticipant", {}),
    "GetUserInput": _get_input,
    "InvokeExternalResource": _invoke,
    "Loop": lambda module: ("Loop", {"LoopCount": needed(module, "LoopCount")}),
    "LoopPrompts": _loop_prompts,
    "PercentileBranching": lambda module: ("DistributeByPercentage", {}),
    "PlayAudio": _play,
    "PlayPrompt": _play,
    "Resume": lambda module: ("EndFlowExecution", {}),
    "SetAttributes": _set_attributes,
    "SetCallBackNumber": _callback_number,
    "SetContactFlow": _hook,
    "SetEventHook": _hook,
    "SetLoggingBehavior": _logging,
    "SetQueue": _set_queue,
    "SetRecordingBehavior": _record,
    "SetScreenPop": _set_screen_pop,
    "SetVoice": _voice,
    "StartMediaStreaming": _streaming,
    "StoreCustomerInput": _store_input,
    "StoreUserInput": _store_input,
    "Transfer": _transfer,
    "TransferToFlow": _to_flow,
    "UpdateRoutingPriority": _priority,
}
