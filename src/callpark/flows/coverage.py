"""Which edges of a flow contacts have taken. Pure: a flow and happenings in, edges out.

For tests of flows, and for `callpark flow coverage`. An edge that nothing could ever take is not counted: the
NextAction of an action whose every outcome has an edge of its own, which exports write all the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from callpark.flows.actions import ACTION_TYPES
from callpark.flows.happenings import ActionEntered
from callpark.flows.language import Action, Flow
from callpark.flows.program import NO_MATCHING_CONDITION, NO_RESULT
from callpark.flows.transitions import Edge

_NEVER_DONE = frozenset(
    (
        *("TransferToFlow", "TransferContactToQueue", "DequeueContactAndTransferToQueue", "Wait", "Loop"),
        *("CheckHoursOfOperation", "MessageParticipantIteratively"),
    )
)
"""Types whose NextAction is only written: they go elsewhere, or every result has its condition."""


@dataclass(frozen=True, slots=True)
class FlowEdge:
    """An edge of a flow: the action it leaves, its name (`transitions.Edge`), where it leads."""

    action: str
    name: str
    target: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was taken of what can be taken."""

    flow: str
    taken: frozenset[FlowEdge]
    missing: frozenset[FlowEdge]

    @property
    def ratio(self) -> float:
        every = len(self.taken) + len(self.missing)
        return 1.0 if every == 0 else len(self.taken) / every

    def __str__(self) -> str:
        return f"{self.flow}: {len(self.taken)} of {len(self.taken) + len(self.missing)} edges"


def edges(flow: Flow) -> frozenset[FlowEdge]:
    """Every edge that is wired and can be taken."""
    return frozenset(
        FlowEdge(action.identifier, edge.name, edge.target)
        for action in flow.actions.values()
        for edge in _edges(action)
        if edge.target
    )


def coverage(flow: Flow, happenings: Iterable[object]) -> Coverage:
    """The edges of one flow (by its name in ActionEntered) that these happenings took."""
    known = edges(flow)
    named = {(edge.action, edge.name): edge for edge in known}
    taken = {
        named[(entered.source, entered.via)]
        for entered in happenings
        if isinstance(entered, ActionEntered) and entered.flow == flow.name and (entered.source, entered.via) in named
    }
    return Coverage(flow.name, frozenset(taken), known - taken)


def _edges(action: Action) -> list[Edge]:
    found = [Edge(f"condition {index}", condition.target) for index, condition in enumerate(action.conditions)]
    found += [Edge(f"error {kind}", target) for kind, target in action.errors.items()]
    if action.next_action and _next_action_counts(action):
        found.append(Edge("NextAction", action.next_action))
    return found


def _next_action_counts(action: Action) -> bool:
    type_ = ACTION_TYPES.get(action.type)
    if type_ is None or type_.terminal or action.type in _NEVER_DONE:
        return False
    return type_.results is NO_RESULT or NO_MATCHING_CONDITION not in action.errors
