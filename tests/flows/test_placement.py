"""Channels and flow types per action type (connect reference §5), copied from the table as it stands there."""

import pytest

from callpark.flows.actions import ACTION_TYPES
from callpark.flows.language import Flow
from callpark.flows.placement import PLACEMENTS, support
from callpark.flows.validate import validate
from callpark.kernel.limits import ConnectLimits
from tests.flows.actions.single import edge, single
from tests.flows.building import action, flow

pytestmark = pytest.mark.unit

#: type: voice chat task, flow types. Y works, E error branch, S success without effect, N not available.
TABLE = """
CompleteOutboundCall                        YEE OW
CreateCase GetCase UpdateCase               YYY all
UpdateContactRoutingBehavior                YNY OW I CQ TA TQ
CheckOutboundCallStatus                     YEE all
Compare                                     YYY all
CheckHoursOfOperation                       YYY I CQ TA TQ
CheckMetricData                             YYY I CQ TA TQ
CheckVoiceId                                YEE I CQ CW OW AW TA TQ
CreateTask                                  YYY all
GetCustomerProfile CreateCustomerProfile    YYY all
DisconnectParticipant                       YYY I CQ TA TQ
DistributeByPercentage                      YYY I CQ OW TA TQ
EndFlowExecution                            YYY CQ CW OW AW
ConnectParticipantWithLexBot                YYY I CQ TA TQ
GetMetricData                               YYY all
UpdatePreviousContactParticipantState       YEE I OW TA TQ
InvokeLambdaFunction                        YYY I CQ CH CW AH AW TA TQ
LoadLambdaFunctionResult                    YYY I CQ CH CW AH AW TA TQ
InvokeFlowModule                            YYY I
MessageParticipantIteratively               YEE CQ CH AH
Loop                                        YYY all
MessageParticipant                          YYS I CQ CW AW OW TA TQ
UpdateContactCallbackNumber                 YEE I CQ TA TQ
CreateCallbackContact                       YEE I CQ TA TQ
UpdateContactAttributes                     YYY all
UpdateFlowAttributes UpdateContactData      YYY all
UpdateContactEventHooks                     YYY all
UpdateFlowLoggingBehavior                   YYY all
UpdateContactRecordingBehavior              YYE I CQ OW TA TQ
StartVoiceIdStream                          YEE I CQ CW OW AW TA TQ
UpdateContactTextToSpeechVoice              YSS all
UpdateContactTargetQueue                    YYY I TA TQ
ShowView                                    NYN I CQ
UpdateContactMediaStreamingBehavior         YEE I CQ CW OW AW TA TQ
GetParticipantInput                         YEE I CQ TA TQ
TransferContactToAgent                      YEE TA TQ
TransferToFlow                              YYY I TA TQ
TransferParticipantToThirdParty             YEE I CQ TA TQ
TransferContactToQueue                      YYY I TA TQ
Wait                                        YYY I CQ
CreateWisdomSession                         YNN I CQ OW TA TQ
"""
CODES = {
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


def rows() -> list[tuple[str, str, list[str]]]:
    """(type, marks, flow types) of every type in the table."""
    found = []
    for line in TABLE.strip().splitlines():
        words = line.split()
        marks = next(word for word in words if len(word) == 3 and set(word) <= set("YESN"))
        place = words.index(marks)
        codes = list(CODES) if words[place + 1] == "all" else words[place + 1 :]
        found += [(name, marks, [CODES[code] for code in codes]) for name in words[:place]]
    return found


@pytest.mark.parametrize(
    ("name", "marks", "flow_types"), rows(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_row(name: str, marks: str, flow_types: list[str]) -> None:
    meaning = {"Y": "works", "E": "error", "N": "error", "S": "skip"}
    channels = ("VOICE", "CHAT", "TASK")
    assert [support(name, channel) for channel in channels] == [meaning[mark] for mark in marks]
    assert PLACEMENTS[name].flow_types - {"MODULE", "CAMPAIGN"} == set(flow_types)
    for type_ in CODES.values():
        problem = f"{name} is not allowed in a flow of type {type_}"
        assert any(problem in str(p) for p in validate(lone(name, type_), ConnectLimits())) == (type_ not in flow_types)


def lone(name: str, type_: str) -> Flow:
    return flow(action("a", name, {}, "a"), type_=type_)


def test_the_engine_asks_the_table_before_the_action() -> None:
    for name in ACTION_TYPES:
        for channel in ("VOICE", "CHAT", "TASK", "EMAIL"):
            supported = support(name, channel)
            if supported == "works":
                continue
            driver = single(name, {}, channel=channel)
            assert edge(driver) == ("next" if supported == "skip" else "error NoMatchingError"), (name, channel)
            assert driver.log[0]["Results"] == f"not on channel {channel}"


def test_every_documented_type_has_a_row() -> None:
    """Those without one are unpublished: AWS does not say where they may stand."""
    assert len(ACTION_TYPES.keys() - PLACEMENTS.keys()) == 10
    assert PLACEMENTS.keys() <= ACTION_TYPES.keys()
