"""Asynchronous functions: ids that are lost, waits that are too short, branches that hang up too soon."""

from collections.abc import Iterator

from callpark.flows.checking.awaiting import LATEST
from callpark.flows.checking.dataflow import forward
from callpark.flows.checking.graph import Arc, walk
from callpark.flows.checking.pace import ENDS, MOVES, is_asynchronous, is_continuing
from callpark.flows.checking.rules import Hit, Rule
from callpark.flows.checking.stretches import targets_of
from callpark.flows.checking.view import View
from callpark.flows.language import Action
from callpark.flows.validate import nested_waits

OVERWRITTEN = Rule(
    "CP211",
    "warning",
    "an invocation id is overwritten before anything stored it",
    "$.LambdaInvocation.InvocationId names only the latest invocation: the flow can never wait for the earlier "
    "function or load its result.",
    "Copy the id with Set contact attributes (a flow attribute) right after each asynchronous block.",
)
SHORT_WAIT = Rule(
    "CP212",
    "warning",
    "a Wait is shorter than the function it waits for",
    "The time-out branch is taken although the function is still within its limit: the caller is told that it took too "
    "long, and the result is lost.",
    "Raise TimeLimitSeconds of the Wait, or lower InvocationTimeLimitSeconds of the function's block.",
)
HANGS_UP = Rule(
    "CP213",
    "warning",
    "the Continue branch leaves before the function can return",
    "The branch runs to its end while the function still works: the call is over, and nobody hears the result.",
    "Play something as long as the function may take: a Loop around a prompt, or longer music.",
)
NEVER_LOADED = Rule(
    "CP214",
    "note",
    "the result of an asynchronous function is never loaded",
    "Whatever the function answers is lost; a failure of it goes unnoticed.",
    "Wait for it and load its result, or silence this note if that is what you want.",
)
NESTED_WAIT = Rule(
    "CP215",
    "error",
    "a Wait within another Wait's Continue branch",
    "Connect does not support it: the inner Wait takes its error branch for every caller.",
    "Wait once for several events, or use a Loop around a prompt in the Continue branch.",
)


def overwritten_ids(view: View) -> Iterator[Hit]:
    """Facts: the blocks whose id only `$.LambdaInvocation.InvocationId` holds."""

    def over(arc: Arc, unsaved: frozenset[str]) -> frozenset[str]:
        action = view.flow.actions[arc.source]
        if LATEST in view.paths[action.identifier]:
            return frozenset()
        started = is_asynchronous(action) and not arc.name.startswith("error ")
        return frozenset((action.identifier,)) if started else unsaved

    unsaved = forward(view.graph, frozenset[str](), over)
    for action in view.of_type("InvokeLambdaFunction"):
        lost = unsaved.get(action.identifier, frozenset()) if is_asynchronous(action) else frozenset()
        if lost and LATEST not in view.paths[action.identifier]:
            yield Hit(OVERWRITTEN, action, f"the id of {_named(lost)} is overwritten here, and nothing has stored it")


def short_waits(view: View) -> Iterator[Hit]:
    """What was played between the invocation and the Wait counts for it."""
    for action in view.of_type("Wait"):
        limit = view.pace[action.identifier].limit
        for name in sorted(view.awaiting.by(action)) if limit else ():
            left = _left(view, view.flow.actions[name], action)
            if limit < left:
                yield Hit(SHORT_WAIT, action, f"waits {limit:g} s for {name!r}, which may take {left:g} s from here on")


def early_ends(view: View) -> Iterator[Hit]:
    """The soonest end of the Continue branch against what the slowest function may still take."""
    for action in view.of_type("Wait"):
        awaited = view.awaiting.by(action)
        if not awaited or not is_continuing(action):
            continue
        left = max(_left(view, view.flow.actions[name], action) for name in awaited)
        needed = min(left, view.pace[action.identifier].limit or left)
        for start in targets_of(view.flow, view.graph, action.identifier, "Continue"):
            ends = {
                name: seconds
                for name, seconds in view.distances.since(start).items()
                if view.flow.actions[name].type in ENDS | MOVES
            }
            if ends and min(ends.values()) < needed:
                soonest = min(ends, key=lambda name: (ends[name], name))
                yield Hit(
                    HANGS_UP,
                    action,
                    f"the Continue branch reaches {soonest!r} after about {ends[soonest]:.0f} s, {_named(awaited)} may "
                    f"take {needed:.0f} s from here on",
                )


def never_loaded(view: View) -> Iterator[Hit]:
    """Another flow or a module may load it: then nothing is said."""
    uses = {"LoadLambdaFunctionResult", "TransferToFlow", "InvokeFlowModule"}
    for action in view.of_type("InvokeLambdaFunction"):
        if is_asynchronous(action) and view.flow.type == "CONTACT_FLOW":
            later = walk([action.identifier], view.targets)
            if not any(view.flow.actions[name].type in uses for name in later):
                yield Hit(NEVER_LOADED, action, "no path from here loads a result")


def nested(view: View) -> Iterator[Hit]:
    for outer, inner in nested_waits(view.flow).items():
        for name in inner if outer in view.graph.reached else ():
            yield Hit(NESTED_WAIT, view.flow.actions[name], f"the Continue branch of {outer!r} leads to this Wait")


def _left(view: View, invoke: Action, wait: Action) -> float:
    """What a function may still take when its Wait is reached the quickest way."""
    ahead = view.distances.since(invoke.identifier).get(wait.identifier, 0.0)
    return max(0.0, view.function_seconds(invoke) - ahead)


def _named(names: frozenset[str]) -> str:
    return " and ".join(repr(name) for name in sorted(names))
