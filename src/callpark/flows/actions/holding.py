"""UpdatePreviousContactParticipantState: the console's Hold customer or agent, in flows that an agent has started.

AgentOnHold: the agent hold flow runs for the agent, who does not hear what this flow asks the customer; with the other
states they are back. Which state it is, is kept on the contact. Without an agent on the line there is nobody to hold:
the error branch.

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-updatepreviouscontactparticipantstate.html
"""

from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.legs import end_leg
from callpark.flows.parameters import choice
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.stages import TALKING, hold_agent
from callpark.flows.turn import Turn

STATES = ("AgentOnHold", "CustomerOnHold", "OffHold")


@dataclass(frozen=True, slots=True)
class Hold:
    action: Action
    state: str

    def enter(self, turn: Turn) -> Outcome:
        if turn.desk is None or turn.desk.stage not in TALKING:
            turn.log(self.action, {}, Results=NO_MATCHING_ERROR)
            return Failed(NO_MATCHING_ERROR, "no agent is on the line")
        if self.state == "AgentOnHold":
            hold_agent(turn)
        else:
            end_leg(turn)
        turn.keep_setting("PreviousContactParticipantState", self.state)
        turn.log(self.action, {"PreviousContactParticipantState": self.state})
        return DONE


def _prepare(action: Action) -> Handlers:
    return Handlers(Hold(action, choice(action.parameters, "PreviousContactParticipantState", STATES)).enter)


UPDATE_PREVIOUS_CONTACT_PARTICIPANT_STATE = ActionType(
    "UpdatePreviousContactParticipantState",
    _prepare,
    frozenset(("PreviousContactParticipantState",)),
    results=NO_RESULT,
    static=frozenset(("PreviousContactParticipantState",)),
)
