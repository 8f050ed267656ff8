"""TransferToFlow: another flow goes on from its start.

https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-transfertoflow.html
"""

from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.parameters import required
from callpark.flows.program import NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Jump, Outcome
from callpark.flows.references import Template, template
from callpark.flows.turn import Turn

FLOW_TYPES = frozenset(("CONTACT_FLOW", "AGENT_TRANSFER", "QUEUE_TRANSFER"))


@dataclass(frozen=True, slots=True)
class TransferToFlow:
    action: Action
    flow: Template

    def enter(self, turn: Turn) -> Outcome:
        reference = self.flow.text(turn.namespace)
        turn.log(self.action, {"ContactFlowId": reference})
        program = turn.world.flow(reference)
        if program is None:
            return Failed(NO_MATCHING_ERROR, f"there is no flow {reference!r}")
        if program.flow.type not in FLOW_TYPES:
            return Failed(NO_MATCHING_ERROR, f"flow {program.flow.name} is of type {program.flow.type}")
        return Jump(program)


def _prepare(action: Action) -> Handlers:
    return Handlers(TransferToFlow(action, template(required(action.parameters, "ContactFlowId"))).enter)


TRANSFER_TO_FLOW = ActionType("TransferToFlow", _prepare, frozenset(("ContactFlowId",)), results=NO_RESULT)
