"""Flows that go round: without a pause, without an end, or asking for ever."""

from collections.abc import Iterator

from callpark.flows.checking.graph import circles, walk
from callpark.flows.checking.pace import ENDS, MOVES, is_asynchronous
from callpark.flows.checking.rules import Hit, Rule
from callpark.flows.checking.view import INBOUND, View

SPINNING = Rule(
    "CP111",
    "error",
    "a loop without a pause",
    "The contact spins through these blocks in no time until it is stopped: after thousands of actions the call is cut "
    "off, and each of them may have cost something.",
    "Put a prompt, a question or a Wait into the loop, or bound it with a Loop block.",
)
POLLING = Rule(
    "CP112",
    "error",
    "an InProgress edge that spins",
    "The result is asked for again in the same instant, so the function is never finished when it is looked at; the "
    "call is cut off, or every round of a Loop is used up at once.",
    "Lead InProgress to a prompt or a Wait before the result is loaded again; best, wait for the function's event.",
)
ENDLESS = Rule(
    "CP113",
    "warning",
    "no way out",
    "From here on no path ends the contact or hands it to somebody: only the caller can hang up.",
    "Lead one of the branches to a Disconnect block, a transfer or the end of the flow.",
)
ASKING = Rule(
    "CP114",
    "note",
    "a question is repeated for ever",
    "A caller who presses nothing (an answering machine, a pocket) keeps the line busy and is never let go.",
    "Count the attempts with a Loop block, then transfer or hang up.",
)

_OVER = ENDS | MOVES | {"EndFlowModuleExecution"}

_DECIDING = frozenset(
    ("Loop", "GetParticipantInput", "ConnectParticipantWithLexBot", "Compare", "InvokeLambdaFunction")
)


def loops_without_a_pause(view: View) -> Iterator[Hit]:
    """Loop blocks bound a circle, as does a Load that is handled by `spinning_loads`."""
    quick = [
        action.identifier
        for action in view.actions()
        if not view.pace[action.identifier].pauses and action.type not in ("Loop", "LoadLambdaFunctionResult")
    ]
    for circle in circles(quick, view.targets):
        first = min(circle, key=lambda name: view.flow.actions[name].index)
        yield Hit(SPINNING, view.flow.actions[first], f"{_round(circle)} without anything that takes time")


def spinning_loads(view: View) -> Iterator[Hit]:
    """An InProgress edge whose quick way leads back to the same Load."""
    pace = view.pace
    for action in view.of_type("LoadLambdaFunctionResult"):
        again = [arc.target for arc in view.graph.out[action.identifier] if arc.name == "error InProgress"]
        quick = walk(again, lambda name: [] if pace[name].pauses else view.targets(name))
        if action.identifier in quick:
            yield Hit(POLLING, action, "InProgress leads back to this block without anything that takes time")


def no_way_out(view: View) -> Iterator[Hit]:
    """Queue and hold flows go round on purpose."""
    if view.flow.type != INBOUND:
        return
    ends = [a.identifier for a in view.actions() if a.type in _OVER or not view.graph.out[a.identifier]]
    saved = walk(ends, lambda name: [arc.source for arc in view.graph.into[name]])
    preempted = view.continuing()
    lost = [a.identifier for a in view.actions() if a.identifier not in saved and a.identifier not in preempted]
    for circle in circles(lost, view.targets):
        first = min(circle, key=lambda name: view.flow.actions[name].index)
        yield Hit(ENDLESS, view.flow.actions[first], f"{_round(circle)}, and nothing leads out")


def asking_for_ever(view: View) -> Iterator[Hit]:
    """Silence leads back to the question, not past a Loop, and not past anything that decides otherwise."""
    for action in view.of_type("GetParticipantInput", "ConnectParticipantWithLexBot"):
        silence = [
            arc.target for arc in view.graph.out[action.identifier] if arc.name == "error InputTimeLimitExceeded"
        ]

        def on(name: str) -> list[str]:
            asked = view.flow.actions[name]
            return [] if asked.type in _DECIDING and not is_asynchronous(asked) else view.targets(name)

        if action.identifier in walk(silence, on):
            yield Hit(ASKING, action, "InputTimeLimitExceeded leads back to this question, as often as nobody answers")


def _round(circle: tuple[str, ...]) -> str:
    named = ", ".join(repr(name) for name in circle[:5]) + (f" and {len(circle) - 5} more" if len(circle) > 5 else "")
    return f"{named} leads to itself" if len(circle) == 1 else f"{named} go round"
