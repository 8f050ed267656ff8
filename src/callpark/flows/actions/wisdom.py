"""CreateWisdomSession: a session with a declared assistant; `$.Wisdom.SessionArn` names it, and it says nothing.

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-createwisdomsession.html
"""

from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.parameters import required
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import Template, template
from callpark.flows.resources import look_up
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class CreateSession:
    action: Action
    assistant: Template

    def enter(self, turn: Turn) -> Outcome:
        reference = self.assistant.text(turn.namespace)
        assistant = look_up(turn.world.resources.assistants, reference)
        turn.log(self.action, {"WisdomAssistantArn": reference})
        if assistant is None:
            turn.warn(f"there is no assistant {reference!r}: declare it under `assistants:` in connect.yaml")
            return Failed(NO_MATCHING_ERROR, f"there is no assistant {reference!r}")
        session = reference.replace(":assistant/", ":session/") + "/" + turn.new_id("session")
        turn.find("Wisdom", {"SessionArn": session})
        return DONE


def _prepare(action: Action) -> Handlers:
    return Handlers(CreateSession(action, template(required(action.parameters, "WisdomAssistantArn"))).enter)


CREATE_WISDOM_SESSION = ActionType(
    "CreateWisdomSession", _prepare, frozenset(("WisdomAssistantArn",)), results=NO_RESULT
)
