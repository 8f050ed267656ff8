"""CheckHoursOfOperation: True or False, by the named hours or those of the working queue.

Without any declared hours the answer is True (our rule O8).

https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-checkhoursofoperation.html
"""

from dataclasses import dataclass
from typing import Literal

from callpark.flows.hours import OpeningHours, is_open
from callpark.flows.language import Action
from callpark.flows.parameters import dynamic
from callpark.flows.program import NO_MATCHING_ERROR, ActionType, Failed, Handlers, Outcome, Result, results
from callpark.flows.references import Template
from callpark.flows.resources import look_up
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class CheckHours:
    action: Action
    hours: Template | None

    def enter(self, turn: Turn) -> Outcome:
        reference = self._reference(turn)
        parameters = {} if reference is None else {"HoursOfOperationId": reference}
        if isinstance(reference, str) or not turn.world.resources.hours:
            found = self._find(turn, reference or "")
            if found is not None:
                answer = "True" if found is True or is_open(found, turn.now) else "False"
                turn.log(self.action, parameters, Results=answer)
                return Result(answer)
        reason = "no hours of operation"
        turn.log(self.action, parameters, Results=reason)
        return Failed(NO_MATCHING_ERROR, reason)

    def _reference(self, turn: Turn) -> str | None:
        """The hours meant; None when neither the action nor the working queue has any. An agent's queue has none."""
        if self.hours is not None:
            return self.hours.text(turn.namespace)
        target = turn.memory.record.target
        queue = None if target is None or target.agent else turn.world.resources.queue(target.arn)
        return None if queue is None else queue.hours

    def _find(self, turn: Turn, reference: str) -> OpeningHours | Literal[True] | None:
        hours = turn.world.resources.hours
        target = turn.memory.record.target
        if not hours:
            return None if self.hours is None and target is not None and target.agent else True
        found = look_up(hours, reference)
        if found is None:
            turn.warn(f"there are no hours of operation {reference!r}: declare them under `hours:` in connect.yaml")
        return found


def _prepare(action: Action) -> Handlers:
    return Handlers(CheckHours(action, dynamic(action.parameters, "HoursOfOperationId")).enter)


CHECK_HOURS_OF_OPERATION = ActionType(
    "CheckHoursOfOperation", _prepare, frozenset(("HoursOfOperationId",)), results=results("True", "False")
)
