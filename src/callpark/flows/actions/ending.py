"""DisconnectParticipant and EndFlowExecution: the terminal actions.

https://docs.aws.amazon.com/connect/latest/devguide/participant-actions-disconnectparticipant.html
https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-endflowexecution.html
"""

from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.program import FLOW_OVER, NO_RESULT, ActionType, Ended, Handlers, Outcome
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class Disconnect:
    action: Action

    def enter(self, turn: Turn) -> Outcome:
        turn.log(self.action, {})
        return Ended("CONTACT_FLOW_DISCONNECT")


@dataclass(frozen=True, slots=True)
class EndFlow:
    """The contact ends too when it is neither queued nor connected (`stages.flow_over`)."""

    action: Action

    def enter(self, turn: Turn) -> Outcome:
        turn.log(self.action, {})
        return FLOW_OVER


DISCONNECT_PARTICIPANT = ActionType(
    "DisconnectParticipant",
    lambda action: Handlers(Disconnect(action).enter),
    frozenset(),
    terminal=True,
    errors=frozenset(),
    required_errors=frozenset(),
    results=NO_RESULT,
)
END_FLOW_EXECUTION = ActionType(
    "EndFlowExecution",
    lambda action: Handlers(EndFlow(action).enter),
    frozenset(),
    terminal=True,
    errors=frozenset(),
    required_errors=frozenset(),
    results=NO_RESULT,
)
