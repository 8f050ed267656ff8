"""The flows that Connect has when a project declares none: in the queue, on hold, whispers. Minimal, and replaceable by
the event hooks (our rule O13). CustomerRemaining has none: the contact ends with the agent. `Callback` is what
a contact made by CreateCallbackContact begins with when no flow is named.

https://docs.aws.amazon.com/connect/latest/adminguide/contact-flow-default.html
"""

import json
from collections.abc import Mapping

from callpark.flows.model import FlowDefinition

_PREFIX = "arn:aws:connect:::instance/callpark/contact-flow/"


def default_arn(hook: str) -> str:
    return f"{_PREFIX}default-{hook}"


def _flow(hook: str, type_: str, *actions: Mapping[str, object]) -> FlowDefinition:
    document = {"Version": "2019-10-30", "StartAction": actions[0]["Identifier"], "Metadata": {}, "Actions": actions}
    return FlowDefinition(f"Default {hook}", default_arn(hook), json.dumps(document), type_)


def _repeat(*messages: Mapping[str, str]) -> Mapping[str, object]:
    return {
        "Identifier": "repeat",
        "Type": "MessageParticipantIteratively",
        "Parameters": {"Messages": messages},
        "Transitions": {},
    }


def _say(text: str) -> Mapping[str, object]:
    return {
        "Identifier": "say",
        "Type": "MessageParticipant",
        "Parameters": {"Text": text},
        "Transitions": {"NextAction": "end"},
    }


_END = {"Identifier": "end", "Type": "EndFlowExecution", "Parameters": {}, "Transitions": {}}

DEFAULT_FLOWS = (
    _flow(
        "CustomerQueue",
        "CUSTOMER_QUEUE",
        _repeat({"Text": "You are in the queue. Please hold the line."}, {"PromptId": "CustomerQueue.wav"}),
    ),
    _flow("AgentHold", "AGENT_HOLD", _repeat({"SSML": '<speak>You are on hold.<break time="10s"/></speak>'})),
    _flow("AgentWhisper", "AGENT_WHISPER", _say("$.Queue.Name"), _END),
    _flow("CustomerWhisper", "CUSTOMER_WHISPER", _END),
    _flow(
        "Callback",
        "CONTACT_FLOW",
        {
            "Identifier": "queue",
            "Type": "TransferContactToQueue",
            "Parameters": {},
            "Transitions": {
                "NextAction": "bye",
                "Errors": [
                    {"ErrorType": "QueueAtCapacity", "NextAction": "bye"},
                    {"ErrorType": "NoMatchingError", "NextAction": "bye"},
                ],
            },
        },
        {"Identifier": "bye", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}},
    ),
    _flow("CustomerHold", "CUSTOMER_HOLD", _repeat({"PromptId": "CustomerHold.wav"})),
)
