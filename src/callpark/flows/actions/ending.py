"""DisconnectParticipant and EndFlowExecution: the terminal actions.

https://docs.aws.amazon.com/connect/latest/devguide/participant-actions-disconnectparticipant.html
https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-endflowexecution.html
"""

from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.program import ActionType, Ended, Handlers, Outcome
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class Ending:
    """`detail`: EndFlowExecution ends the contact too when, as always here, it is neither queued nor connected."""

    action: Action
    detail: str

    def enter(self, turn: Turn) -> Outcome:
        turn.log(self.action, {})
        return Ended("CONTACT_FLOW_DISCONNECT", self.detail)


DISCONNECT_PARTICIPANT = ActionType(
    "DisconnectParticipant",
    lambda action: Handlers(Ending(action, "").enter),
    frozenset(),
    terminal=True,
    errors=frozenset(),
    required_errors=frozenset(),
)
END_FLOW_EXECUTION = ActionType(
    "EndFlowExecution",
    lambda action: Handlers(Ending(action, "the flow ended and nobody else was connected").enter),
    frozenset(),
    terminal=True,
    errors=frozenset(),
    required_errors=frozenset(),
)
