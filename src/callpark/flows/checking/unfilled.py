"""References that are read before anything fills them."""

from collections.abc import Iterator, Sequence

from callpark.flows.actions import ACTION_TYPES
from callpark.flows.checking.awaiting import KEPT_IN, LATEST, stored
from callpark.flows.checking.dataflow import forward
from callpark.flows.checking.graph import Arc
from callpark.flows.checking.pace import is_asynchronous
from callpark.flows.checking.rules import Hit, Rule
from callpark.flows.checking.view import INBOUND, View
from callpark.flows.language import Action
from callpark.flows.references import Path

EXTERNAL = Rule(
    "CP221",
    "warning",
    "$.External is read before it is loaded",
    "The reference holds nothing: the caller hears a gap where the result should be, and comparisons fit no branch. An "
    "asynchronous function fills it only when Load Lambda result has run.",
    "Load the result first, or read it only on the paths where it is loaded.",
)
UNFILLED = Rule(
    "CP222",
    "warning",
    "a reference is read before anything fills it",
    "The reference holds nothing: prompts have a gap there, comparisons fit no branch, a Wait never gets its event.",
    "Put the block that fills it before, on every path that leads here.",
)

_FILLERS = {
    "ConnectParticipantWithLexBot": ("Lex",),
    "ShowView": ("Views",),
    "GetMetricData": ("Metrics",),
    "EvaluateDataTableValues": ("DataTables", "DataTableList"),
    "CreateWisdomSession": ("Wisdom",),
    "UpdateContactMediaStreamingBehavior": ("MediaStreams",),
    "InvokeFlowModule": ("Modules", "External", "StoredCustomerInput", "Lex", "Views", "Customer", "Case"),
    "CreateTask": ("Task",),
    **dict.fromkeys(("GetCase", "CreateCase", "UpdateCase"), ("Case",)),
    **dict.fromkeys((name for name in ACTION_TYPES if "CustomerProfile" in name), ("Customer",)),
}
"""Namespaces that an action type fills as a whole."""

_FOLLOWED = frozenset(
    ("External", "StoredCustomerInput", *(name for names in _FILLERS.values() for name in names), "Modules")
)

_ON_EVERY_PATH = frozenset((("External",), LATEST))
"""Elsewhere a path on which something failed before is common, and a gap in a prompt is what people expect of it."""


def unfilled(view: View) -> Iterator[Hit]:
    """Inbound flows that no other flow leads to: elsewhere a contact may bring results along."""
    if view.flow.type != INBOUND or _is_transferred_to(view):
        return
    read = {action.identifier: _read(view.paths[action.identifier]) for action in view.actions()}
    every = frozenset(place for places in read.values() for place in places)
    filling = _Filling(view)
    missing = forward(view.graph, every, filling.less)
    filled = forward(view.graph, frozenset[Path](), filling.more)
    for action in view.actions():
        name = action.identifier
        for place in sorted(read[name] & missing.get(name, frozenset())):
            never = place not in filled.get(name, frozenset())
            if not never and (action.type == "Compare" or place not in _ON_EVERY_PATH):
                continue  # Asking whether it is there is what Compare is for
            where = "nothing before this block fills it" if never else "not every path to this block fills it"
            rule = EXTERNAL if place == ("External",) else UNFILLED
            yield Hit(rule, action, f"$.{'.'.join(place)} is read, and {where}")


def _is_transferred_to(view: View) -> bool:
    own = {view.flow.arn, view.flow.id}
    return any(
        str(action.parameters.get("ContactFlowId", "")).rsplit("/", 1)[-1] in own
        or str(action.parameters.get("ContactFlowId", "")) in own
        for flow in view.known.flows
        for action in flow.actions.values()
        if action.type == "TransferToFlow"
    )


def _read(paths: Sequence[Path]) -> frozenset[Path]:
    """The places an action reads, as far as they are followed: a namespace, or one flow attribute."""
    found = set()
    for path in paths:
        if path[0] == "FlowAttributes" and len(path) > 1:
            found.add(path[:2])
        elif path[:2] == ("LambdaInvocation", "ResultData"):
            found.add(("External",))
        elif path == LATEST:
            found.add(LATEST)
        elif path[0] in _FOLLOWED and path[:2] != ("Modules", "Input"):
            found.add(path[:1])
    return frozenset(found)


def _fills(action: Action, arc: Arc) -> frozenset[Path]:
    """What is filled once an arc is taken."""
    if action.type == "InvokeFlowModule":
        return frozenset((name,) for name in _FILLERS[action.type]) | {LATEST}
    if arc.name.startswith("error ") and arc.name != "error NoMatchingCondition":
        return frozenset()
    if action.type == "InvokeLambdaFunction":
        return frozenset((LATEST if is_asynchronous(action) else ("External",),))
    if action.type == "LoadLambdaFunctionResult":
        return frozenset((("External",),))
    if action.type == "GetParticipantInput" and str(action.parameters.get("StoreInput")).lower() == "true":
        return frozenset((("StoredCustomerInput",),))
    return frozenset((name,) for name in _FILLERS.get(action.type, ()))


def _empties(action: Action, arc: Arc) -> frozenset[Path]:
    """A synchronous function that fails leaves nothing behind (our rule)."""
    failed = action.type == "InvokeLambdaFunction" and not is_asynchronous(action) and arc.name.startswith("error ")
    return frozenset((("External",),)) if failed else frozenset()


class _Filling:
    """What arcs fill and empty, worked out once for each."""

    def __init__(self, view: View) -> None:
        actions = view.flow.actions
        arcs = [arc for name in view.graph.reached for arc in view.graph.out[name]]
        self._kept = {
            name: frozenset(place for place, _ in stored(a)) for name, a in actions.items() if a.type in KEPT_IN
        }
        self._fills = {
            arc: self._kept[arc.source]
            if arc.source in self._kept and not arc.name.startswith("error ")
            else _fills(actions[arc.source], arc)
            for arc in arcs
        }
        self._empties = {arc: _empties(actions[arc.source], arc) for arc in arcs}

    def less(self, arc: Arc, places: frozenset[Path]) -> frozenset[Path]:
        """What is still missing beyond an arc."""
        return (places - self._fills[arc]) | self._empties[arc]

    def more(self, arc: Arc, places: frozenset[Path]) -> frozenset[Path]:
        """What is there beyond an arc."""
        return (places - self._empties[arc]) | self._fills[arc]
