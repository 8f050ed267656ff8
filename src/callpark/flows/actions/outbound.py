"""CheckOutboundCallStatus (Check call progress) and CompleteOutboundCall (Call phone number): calls that go out.

A callback's customer answers at once: `CallAnswered`. On a call that came in there is no status: the error branch.

https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-checkoutboundcallstatus.html
https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-completeoutboundcall.html
"""

from dataclasses import dataclass

from callpark.flows.actions.nested import compile_nested, resolve_nested
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, members, number, scalar
from callpark.flows.program import (
    DONE,
    NO_MATCHING_ERROR,
    NO_RESULT,
    ActionType,
    Failed,
    Handlers,
    Outcome,
    Result,
    results,
)
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class CheckStatus:
    action: Action

    def enter(self, turn: Turn) -> Outcome:
        if turn.party.initiation_method not in ("OUTBOUND", "CALLBACK"):
            turn.log(self.action, {}, Results=NO_MATCHING_ERROR)
            return Failed(NO_MATCHING_ERROR, "this call came in: it has no progress")
        turn.log(self.action, {}, Results="CallAnswered")
        return Result("CallAnswered")


@dataclass(frozen=True, slots=True)
class CompleteCall:
    action: Action
    setting: object

    def enter(self, turn: Turn) -> Outcome:
        turn.keep_setting("OutboundCall", resolve_nested(self.setting, turn.namespace))
        turn.log(self.action, {})
        return DONE


def _prepare_complete(action: Action) -> Handlers:
    parameters = action.parameters
    members(parameters, "CallerId")
    members(parameters, "VoiceConnector")
    text = scalar(parameters, "ConnectionTimeLimitSeconds")
    seconds = None if text is None else number(text)
    if text is not None and (seconds is None or seconds < 1):
        raise ParameterProblem("ConnectionTimeLimitSeconds", f"must be a number from 1, not {text!r}")
    return Handlers(CompleteCall(action, compile_nested(parameters)).enter)


CHECK_OUTBOUND_CALL_STATUS = ActionType(
    "CheckOutboundCallStatus",
    lambda action: Handlers(CheckStatus(action).enter),
    frozenset(),
    results=results("CallAnswered", "VoicemailBeep", "VoicemailNoBeep", "NotDetected", required=False),
)
COMPLETE_OUTBOUND_CALL = ActionType(
    "CompleteOutboundCall",
    _prepare_complete,
    frozenset(("CallerId", "VoiceConnector", "ConnectionTimeLimitSeconds")),
    errors=frozenset(),
    required_errors=frozenset(),
    results=NO_RESULT,
)
