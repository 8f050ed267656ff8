"""DistributeByPercentage: a number from 1 to 100 against a chain of NumberLessThan thresholds.

The number comes from the contact's id, which is random: a seeded run draws the same (our rule O7).

https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-distributebypercentage.html
"""

from dataclasses import dataclass

from callpark.flows.language import Action
from callpark.flows.program import NO_MATCHING_CONDITION, ActionType, Handlers, Outcome, Result, Results
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class Distribute:
    action: Action

    def enter(self, turn: Turn) -> Outcome:
        drawn = turn.draw()
        turn.log(self.action, {}, Results=str(drawn))
        return Result(drawn)


DISTRIBUTE_BY_PERCENTAGE = ActionType(
    "DistributeByPercentage",
    lambda action: Handlers(Distribute(action).enter),
    frozenset(),
    errors=frozenset((NO_MATCHING_CONDITION,)),
    required_errors=frozenset((NO_MATCHING_CONDITION,)),
    results=Results(operators=frozenset(("NumberLessThan",)), needed=True),
)
