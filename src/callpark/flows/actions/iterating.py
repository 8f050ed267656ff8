"""MessageParticipantIteratively: the console's Loop prompts. One prompt after the other, round and round.

With InterruptFrequencySeconds the round is left after that time (`MessagesInterrupted`) and begins anew when the action
is reached again. Every message counts as an action, so an endless round is bounded as an endless flow is (rule O9).

https://docs.aws.amazon.com/connect/latest/devguide/participant-actions-messageparticipantiteratively.html
"""

from dataclasses import dataclass

from callpark.flows.actions.prompt import PromptTemplate, read_prompt
from callpark.flows.contact import Iterating
from callpark.flows.events import Event, TimerFired
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, number, scalar
from callpark.flows.program import (
    NO_MATCHING_ERROR,
    PARKED,
    ActionType,
    Ended,
    Failed,
    Handlers,
    Outcome,
    Result,
    results,
)
from callpark.flows.prompts import BadPrompt
from callpark.flows.turn import INTERRUPT, Turn

INTERRUPTED = "MessagesInterrupted"


@dataclass(frozen=True, slots=True)
class Round:
    action: Action
    messages: tuple[PromptTemplate, ...]
    seconds: float | None

    def enter(self, turn: Turn) -> Outcome:
        turn.log(self.action, {} if self.seconds is None else {"InterruptFrequencySeconds": f"{self.seconds:g}"})
        outcome = self._play(turn, 0)
        if outcome is PARKED and self.seconds is not None:
            turn.arm(INTERRUPT, turn.now + self.seconds)
        return outcome

    def resume(self, turn: Turn, event: Event) -> Outcome:
        activity = turn.activity
        assert isinstance(activity, Iterating)
        assert isinstance(event, TimerFired)
        if event.name == INTERRUPT:
            turn.activity = None
            turn.hush()
            turn.log(self.action, {}, Results=INTERRUPTED)
            return Result(INTERRUPTED)
        turn.actions_run += 1
        if turn.actions_run > turn.world.limits.actions_per_contact:
            turn.disarm(INTERRUPT)
            return Ended("OTHER", f"stopped after {turn.world.limits.actions_per_contact} messages: an endless round")
        outcome = self._play(turn, (activity.index + 1) % len(self.messages))
        if outcome is not PARKED:
            turn.activity = None
            turn.disarm(INTERRUPT)
        return outcome

    def _play(self, turn: Turn, index: int) -> Outcome:
        try:
            turn.say(self.messages[index].resolve(turn.namespace))
        except BadPrompt as problem:
            turn.log(self.action, {}, Results=str(problem))
            return Failed(NO_MATCHING_ERROR, str(problem))
        turn.activity = Iterating(index)
        return PARKED


def _prepare(action: Action) -> Handlers:
    listed = action.parameters.get("Messages")
    if not isinstance(listed, list) or not listed:
        raise ParameterProblem("Messages", "is a list of prompts", missing=listed is None)
    messages = [read_prompt(item) if isinstance(item, dict) else None for item in listed]
    found = tuple(message for message in messages if message is not None)
    if len(found) < len(listed):
        raise ParameterProblem("Messages", "each needs one of Text, SSML, PromptId, Media")
    text = scalar(action.parameters, "InterruptFrequencySeconds")
    seconds = None if text is None else number(text)
    if text is not None and (seconds is None or seconds <= 0):
        raise ParameterProblem("InterruptFrequencySeconds", f"must be a number of seconds, not {text!r}")
    loop = Round(action, found, seconds)
    return Handlers(loop.enter, loop.resume)


MESSAGE_PARTICIPANT_ITERATIVELY = ActionType(
    "MessageParticipantIteratively",
    _prepare,
    frozenset(("Messages", "InterruptFrequencySeconds")),
    required_errors=frozenset(),
    results=results(INTERRUPTED, required=False),
    static=frozenset(("InterruptFrequencySeconds",)),
)
