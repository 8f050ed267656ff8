"""Where each action type may stand and on which channels it works: one row per type. Pure.

Flow types are a matter of publishing (`validate.py`); channels also of running (`engine.py`): `error` takes the error
branch, `skip` succeeds without effect, `works` is the action's own affair. Email follows its own pages where they name
it, else the task column (our rule).

https://docs.aws.amazon.com/connect/latest/adminguide/block-support-by-channel.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Support = Literal["works", "error", "skip"]

FLOW_TYPES: Mapping[str, str] = {
    "I": "CONTACT_FLOW",
    "CQ": "CUSTOMER_QUEUE",
    "CH": "CUSTOMER_HOLD",
    "CW": "CUSTOMER_WHISPER",
    "OW": "OUTBOUND_WHISPER",
    "AH": "AGENT_HOLD",
    "AW": "AGENT_WHISPER",
    "TA": "AGENT_TRANSFER",
    "TQ": "QUEUE_TRANSFER",
}
MODULE = "MODULE"
_EVERYWHERE = " ".join(FLOW_TYPES)
_TALKING = "I CQ TA TQ"


@dataclass(frozen=True, slots=True)
class Placement:
    """`flow_types`: AWS's names. A module counts as inbound, as does a campaign's flow."""

    flow_types: frozenset[str]
    voice: Support = "works"
    chat: Support = "works"
    task: Support = "works"
    email: Support = "works"

    def support(self, channel: str) -> Support:
        if channel == "VOICE":
            return self.voice
        return self.chat if channel == "CHAT" else self.task if channel == "TASK" else self.email


def _row(where: str, chat: Support = "works", task: Support = "works", **more: Support) -> Placement:
    types = {FLOW_TYPES[code] for code in where.split()}
    if "CONTACT_FLOW" in types:
        types |= {MODULE, "CAMPAIGN"}
    return Placement(
        frozenset(types), chat=chat, task=task, email=more.get("email", task), voice=more.get("voice", "works")
    )


_ANYWHERE = _row(_EVERYWHERE)
_VOICE_ONLY = _row(_TALKING, "error", "error")

PLACEMENTS: Mapping[str, Placement] = {
    "MessageParticipant": _row("I CQ CW AW OW TA TQ", task="skip", email="works"),
    "MessageParticipantIteratively": _row("CQ CH AH", "error", "error"),
    "GetParticipantInput": _VOICE_ONLY,
    "ConnectParticipantWithLexBot": _row(_TALKING),
    "DisconnectParticipant": _row(_TALKING),
    "ShowView": _row("I CQ", task="error", voice="error"),
    "InvokeLambdaFunction": _row("I CQ CH CW AH AW TA TQ"),
    "LoadLambdaFunctionResult": _row("I CQ CH CW AH AW TA TQ"),
    "CreateCallbackContact": _VOICE_ONLY,
    "AssociateContactToCustomerProfile": _ANYWHERE,
    "CreateCustomerProfile": _ANYWHERE,
    "UpdateCustomerProfile": _ANYWHERE,
    "GetCustomerProfile": _ANYWHERE,
    "GetCustomerProfileObject": _ANYWHERE,
    "GetCalculatedAttributesForCustomerProfile": _ANYWHERE,
    "CheckHoursOfOperation": _row(_TALKING),
    "CheckMetricData": _row(_TALKING),
    "CheckOutboundCallStatus": _row(_EVERYWHERE, "error", "error"),
    "CheckVoiceId": _row("I CQ CW OW AW TA TQ", "error", "error"),
    "StartVoiceIdStream": _row("I CQ CW OW AW TA TQ", "error", "error"),
    "Compare": _ANYWHERE,
    "DistributeByPercentage": _row("I CQ OW TA TQ"),
    "EndFlowExecution": _row("CQ CW OW AW"),
    "GetMetricData": _ANYWHERE,
    "Loop": _ANYWHERE,
    "TransferToFlow": _row("I TA TQ"),
    "UpdateFlowAttributes": _ANYWHERE,
    "UpdateFlowLoggingBehavior": _ANYWHERE,
    "UpdateContactRoutingCriteria": _row(_TALKING),
    "Wait": _row("I CQ"),
    "CompleteOutboundCall": _row("OW", "error", "error"),
    "CreateCase": _ANYWHERE,
    "GetCase": _ANYWHERE,
    "UpdateCase": _ANYWHERE,
    "CreateTask": _ANYWHERE,
    "CreateWisdomSession": _row("I CQ OW TA TQ", "error", "error"),
    "UpdateContactTargetQueue": _row("I TA TQ"),
    "TransferContactToQueue": _row("I TA TQ"),
    "DequeueContactAndTransferToQueue": _row("CQ"),
    "TransferContactToAgent": _row("TA TQ", "error", "error"),
    "EndFlowModuleExecution": Placement(frozenset((MODULE,))),
    "InvokeFlowModule": _row("I"),
    "ResumeContact": _ANYWHERE,
    "StartOutboundChatContact": _ANYWHERE,
    "TagContact": _ANYWHERE,
    "UntagContact": _ANYWHERE,
    "UpdateContactAttributes": _ANYWHERE,
    "UpdateContactCallbackNumber": _VOICE_ONLY,
    "UpdateContactData": _ANYWHERE,
    "UpdateContactEventHooks": _ANYWHERE,
    "UpdateContactMediaProcessing": _ANYWHERE,
    "UpdateContactMediaStreamingBehavior": _row("I CQ CW OW AW TA TQ", "error", "error"),
    "UpdateContactRecordingBehavior": _row("I CQ OW TA TQ", task="error"),
    "UpdateContactRecordingAndAnalyticsBehavior": _row("I CQ OW TA TQ", task="error"),
    "UpdateContactRoutingBehavior": _row("OW I CQ TA TQ", "error"),
    "UpdateContactTextToSpeechVoice": _row(_EVERYWHERE, "skip", "skip"),
    "UpdatePreviousContactParticipantState": _row("I OW TA TQ", "error", "error"),
    "TransferParticipantToThirdParty": _VOICE_ONLY,
}
"""Types that are not here may stand anywhere: AWS does not say."""


NOT_FOR_AGENTS = frozenset(
    (
        "GetParticipantInput",
        "ConnectParticipantWithLexBot",
        "DisconnectParticipant",
        "ShowView",
        "TransferToFlow",
        "TransferContactToQueue",
        "DequeueContactAndTransferToQueue",
        "TransferContactToAgent",
        "TransferParticipantToThirdParty",
    )
)
"""What is about the customer's line: an agent hold flow takes their error branches."""


def support(action_type: str, channel: str) -> Support:
    placement = PLACEMENTS.get(action_type)
    return "works" if placement is None else placement.support(channel)
