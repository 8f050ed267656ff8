"""CreatePersistentContactAssociation: the chat goes on from an earlier one, whose transcript comes first from here on.

The flow language does not publish its parameters; `SourceContactId` is spelled as in the operation of the same name.
Both rehydration types come to the same (`chat/service.py`).

https://docs.aws.amazon.com/connect/latest/adminguide/chat-persistence.html
"""

from dataclasses import dataclass

from callpark.flows.chat.turns import rehydrated
from callpark.flows.events import Rehydrated
from callpark.flows.language import Action
from callpark.flows.parameters import dynamic
from callpark.flows.program import DONE, NO_MATCHING_ERROR, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import Template
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class GoOnFrom:
    action: Action
    source: Template | None

    def enter(self, turn: Turn) -> Outcome:
        source = "" if self.source is None else self.source.text(turn.namespace)
        past = turn.world.transcripts(source)
        problem = None
        if turn.chat is None:
            problem = "only a chat goes on from another"
        elif turn.chat.continued_from:
            problem = "the chat goes on from another already"
        elif past is None:
            problem = f"{source!r} is no chat that has ended and is kept"
        if problem is not None or past is None:
            turn.log(self.action, {"SourceContactId": source}, Results=problem)
            return Failed(NO_MATCHING_ERROR, problem or "")
        rehydrated(turn, Rehydrated(source, past))
        turn.log(self.action, {"SourceContactId": source})
        return DONE


CREATE_PERSISTENT_CONTACT_ASSOCIATION = ActionType(
    "CreatePersistentContactAssociation",
    lambda action: Handlers(GoOnFrom(action, dynamic(action.parameters, "SourceContactId")).enter),
    frozenset(("RehydrationType", "SourceContactId", "ClientToken")),
    errors=frozenset((NO_MATCHING_ERROR,)),
    required_errors=frozenset((NO_MATCHING_ERROR,)),
)
