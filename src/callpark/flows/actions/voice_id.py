"""CheckVoiceId and StartVoiceIdStream. AWS ended Voice ID in May 2026; what `voice_id:` declares still
answers.

https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-checkvoiceid.html
"""

from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.parameters import choice
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

OPTIONS = ("enrollmentStatus", "voiceAuthentication", "fraudDetection")


@dataclass(frozen=True, slots=True)
class CheckVoice:
    action: Action
    option: str

    def enter(self, turn: Turn) -> Outcome:
        declared = turn.world.resources.voice_id
        if declared is None:
            return _absent(turn, self.action)
        answers = (declared.enrollment, declared.authentication, declared.fraud)
        answer = dict(zip(OPTIONS, answers, strict=True))[self.option]
        turn.log(self.action, {"CheckVoiceIdOption": self.option}, Results=answer)
        return Result(answer)


@dataclass(frozen=True, slots=True)
class StartStream:
    action: Action

    def enter(self, turn: Turn) -> Outcome:
        if turn.world.resources.voice_id is None:
            return _absent(turn, self.action)
        turn.log(self.action, {})
        return DONE


def _absent(turn: Turn, action: Action) -> Outcome:
    turn.warn("there is no Voice ID: declare its answers under `voice_id:` in connect.yaml")
    turn.log(action, {}, Results=NO_MATCHING_ERROR)
    return Failed(NO_MATCHING_ERROR, "there is no Voice ID")


def _prepare(action: Action) -> Handlers:
    return Handlers(CheckVoice(action, choice(action.parameters, "CheckVoiceIdOption", OPTIONS)).enter)


CHECK_VOICE_ID = ActionType(
    "CheckVoiceId",
    _prepare,
    frozenset(("CheckVoiceIdOption",)),
    results=results(
        *("Enrolled", "NotEnrolled", "OptedOut", "Authenticated", "NotAuthenticated", "Inconclusive"),
        *("HighRisk", "LowRisk"),
        required=False,
    ),
    static=frozenset(("CheckVoiceIdOption",)),
)
START_VOICE_ID_STREAM = ActionType(
    "StartVoiceIdStream", lambda action: Handlers(StartStream(action).enter), frozenset(), results=NO_RESULT
)
