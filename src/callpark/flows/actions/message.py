"""MessageParticipant: play a prompt and go on when it has been heard.

https://docs.aws.amazon.com/connect/latest/devguide/participant-actions-messageparticipant.html
"""

from dataclasses import dataclass

from callpark.flows.actions.prompt import PARAMETERS, PromptTemplate, read_prompt
from callpark.flows.contact import Speaking
from callpark.flows.events import Event
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, PARKED, ActionType, Failed, Handlers, Outcome
from callpark.flows.prompts import BadPrompt
from callpark.flows.turn import PROMPT, Turn


@dataclass(frozen=True, slots=True)
class Message:
    action: Action
    prompt: PromptTemplate

    def enter(self, turn: Turn) -> Outcome:
        try:
            prompt = self.prompt.resolve(turn.namespace)
            turn.say(prompt)
        except BadPrompt as problem:
            turn.log(self.action, {}, Results=str(problem))
            return Failed(NO_MATCHING_ERROR, str(problem))
        turn.log(self.action, {"Prompt" if prompt.kind == "recording" else "Text": prompt.content})
        if not turn.armed(PROMPT):
            return DONE
        turn.activity = Speaking()
        return PARKED

    def resume(self, turn: Turn, event: Event) -> Outcome:
        """The prompt has been heard to its end."""
        turn.activity = None
        return DONE


def _prepare(action: Action) -> Handlers:
    prompt = read_prompt(action.parameters)
    if prompt is None:
        raise ParameterProblem("Text", "one of Text, SSML, PromptId, Media is needed", missing=True)
    message = Message(action, prompt)
    return Handlers(message.enter, message.resume)


MESSAGE_PARTICIPANT = ActionType(
    "MessageParticipant",
    _prepare,
    PARAMETERS | {"SkipWhenDTMFBufferEnabled"},
    required_errors=frozenset(),
    optional_error_edge=True,
    results=NO_RESULT,
)
