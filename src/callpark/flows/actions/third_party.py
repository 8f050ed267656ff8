"""TransferParticipantToThirdParty: the console's Transfer to phone number. Unpublished, in every current export.

The other end is declared under `third_parties:`: after how long it answers, and how long it talks. With
ContinueFlowExecution the flow goes on when they have hung up, without it the contact ends then.

https://docs.aws.amazon.com/connect/latest/adminguide/transfer-to-phone-number.html
"""

from dataclasses import dataclass

from callpark.flows.contact import Dialling
from callpark.flows.events import Event
from callpark.flows.happenings import ThirdPartyCalled
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, dynamic, flag, number, required
from callpark.flows.program import (
    DONE,
    NO_MATCHING_ERROR,
    NO_RESULT,
    PARKED,
    ActionType,
    Ended,
    Failed,
    Handlers,
    Outcome,
)
from callpark.flows.references import Template, template
from callpark.flows.turn import THIRD_PARTY, Turn

CALL_FAILED, TIME_LIMIT = "CallFailed", "ConnectionTimeLimitExceeded"


@dataclass(frozen=True, slots=True)
class Transfer:
    action: Action
    number: Template
    seconds: float
    continuing: bool

    def enter(self, turn: Turn) -> Outcome:
        number = self.number.text(turn.namespace)
        parties = turn.world.resources.third_parties
        turn.log(self.action, {"PhoneNumber": number})
        if not parties:
            turn.warn(f"nobody answers {number}: declare them under `third_parties:` in connect.yaml")
            return Failed(NO_MATCHING_ERROR, "callpark rings nobody who is not declared")
        party = parties.get(number)
        if party is None:
            turn.effects.append(ThirdPartyCalled(turn.subject, number, "failed"))
            return self._fail(turn, CALL_FAILED, f"nobody has the number {number}")
        rings = self.seconds if party.answers_after is None else min(party.answers_after, self.seconds)
        turn.activity = Dialling(number)
        turn.effects.append(ThirdPartyCalled(turn.subject, number, "ringing"))
        turn.arm(THIRD_PARTY, turn.now + rings)
        return PARKED

    def resume(self, turn: Turn, event: Event) -> Outcome:
        activity = turn.activity
        assert isinstance(activity, Dialling)
        party = turn.world.resources.third_parties.get(activity.number)
        if not activity.connected:
            if party is None or party.answers_after is None or party.answers_after > self.seconds:
                turn.activity = None
                turn.effects.append(ThirdPartyCalled(turn.subject, activity.number, "failed"))
                return self._fail(turn, TIME_LIMIT, f"{activity.number} did not answer within {self.seconds:g} s")
            turn.activity = Dialling(activity.number, connected=True)
            turn.function_seconds = 0.0
            turn.effects.append(ThirdPartyCalled(turn.subject, activity.number, "connected"))
            turn.arm(THIRD_PARTY, turn.now + party.talks)
            return PARKED
        turn.activity = None
        turn.effects.append(ThirdPartyCalled(turn.subject, activity.number, "ended"))
        return DONE if self.continuing else Ended("THIRD_PARTY_DISCONNECT")

    def _fail(self, turn: Turn, error: str, reason: str) -> Outcome:
        error = error if self.continuing else NO_MATCHING_ERROR
        turn.log(self.action, {}, Results=error)
        return Failed(error, reason)


def _prepare(action: Action) -> Handlers:
    parameters = action.parameters
    text = required(parameters, "ThirdPartyConnectionTimeLimitSeconds")
    seconds = number(text)
    if seconds is None or seconds < 1:
        raise ParameterProblem("ThirdPartyConnectionTimeLimitSeconds", f"must be a number from 1, not {text!r}")
    required(parameters, "ContinueFlowExecution")
    dynamic(parameters, "ThirdPartyDTMFDigits")
    transfer = Transfer(
        action,
        template(required(parameters, "ThirdPartyPhoneNumber")),
        seconds,
        flag(parameters, "ContinueFlowExecution"),
    )
    return Handlers(transfer.enter, transfer.resume)


TRANSFER_PARTICIPANT_TO_THIRD_PARTY = ActionType(
    "TransferParticipantToThirdParty",
    _prepare,
    frozenset(
        (
            *("ThirdPartyPhoneNumber", "ThirdPartyConnectionTimeLimitSeconds", "ContinueFlowExecution", "CallerId"),
            "ThirdPartyDTMFDigits",
        )
    ),
    errors=frozenset((NO_MATCHING_ERROR, CALL_FAILED, TIME_LIMIT)),
    results=NO_RESULT,
)
