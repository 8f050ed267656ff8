"""What checks look at: a flow as a graph, how long its actions take, and what the project tells. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from callpark.flows.checking.awaiting import Awaiting, awaiting
from callpark.flows.checking.graph import Graph, graph_of, walk
from callpark.flows.checking.pace import Pace, pace_of
from callpark.flows.checking.stretches import Distances, targets_of
from callpark.flows.checking.texts import paths_of
from callpark.flows.language import Action, Flow
from callpark.flows.model import FlowDefinition
from callpark.flows.references import Path, template
from callpark.flows.resources import NO_RESOURCES, Resources
from callpark.kernel.arn import function_name
from callpark.kernel.limits import ConnectLimits

INBOUND = "CONTACT_FLOW"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known around the flows.

    `functions`: seconds after which a function times out, by name; None when nobody knows which functions there are (a
    bare flow file). `associated`: names of functions that the instance may call, None for all. `whole`: `flows` are all
    there are, so a reference to another is to nothing; `modules` have contracts. `silence_seconds`: what callers put up
    with.
    """

    limits: ConnectLimits = field(default_factory=ConnectLimits)
    silence_seconds: float = 10.0
    functions: Mapping[str, float] | None = None
    associated: frozenset[str] | None = None
    resources: Resources = NO_RESOURCES
    flows: Sequence[Flow] = ()
    modules: Sequence[FlowDefinition] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """One flow with everything computed that several checks need."""

    flow: Flow
    known: Known
    graph: Graph
    pace: Mapping[str, Pace]
    awaiting: Awaiting
    distances: Distances
    paths: Mapping[str, Sequence[Path]]
    """Every reference in an action's parameters."""

    def actions(self) -> list[Action]:
        """Those that are reached: what lies idle is said once and not looked at any further."""
        return [action for name, action in self.flow.actions.items() if name in self.graph.reached]

    def of_type(self, *types: str) -> list[Action]:
        return [action for action in self.actions() if action.type in types]

    def targets(self, name: str) -> list[str]:
        return [arc.target for arc in self.graph.out.get(name, ())]

    def continuing(self) -> Mapping[str, float]:
        """What lies in a Continue branch, with the seconds after which its Wait takes the contact away."""
        found: dict[str, float] = {}
        for action in self.of_type("Wait"):
            starts = targets_of(self.flow, self.graph, action.identifier, "Continue")
            limit = self.pace[action.identifier].limit
            for name in walk(starts, self.targets):
                found[name] = max(limit, found.get(name, 0.0))
        return found

    def function_seconds(self, action: Action) -> float:
        """How long a function of this block can take: its own timeout, if known, within the block's."""
        own = self.timeout(action)
        limit = self.pace[action.identifier].limit
        return limit if own is None else min(own, limit)

    def timeout(self, action: Action) -> float | None:
        """The timeout of the function itself."""
        name = called(action)
        return None if name is None or self.known.functions is None else self.known.functions.get(name)


def called(action: Action) -> str | None:
    """The name of the function that a block invokes, None when only the run tells."""
    arn = str(action.parameters.get("LambdaFunctionARN", ""))
    return function_name(arn) if template(arn).fixed is not None else None


def view_of(flow: Flow, known: Known) -> View:
    graph = graph_of(flow)
    pace = pace_of(flow, known.limits, known.resources)
    paths = {name: paths_of(action) for name, action in flow.actions.items()}
    return View(flow, known, graph, pace, awaiting(flow, graph), Distances(flow, graph, pace), paths)
