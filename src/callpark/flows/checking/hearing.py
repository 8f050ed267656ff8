"""What the caller hears: silence, hang-ups without a word, prompts that cannot be played."""

from collections.abc import Iterator, Mapping
from math import inf, isinf

from callpark.flows.actions.prompt import read_prompt
from callpark.flows.channels.voice import hear
from callpark.flows.checking.graph import walk
from callpark.flows.checking.rules import Hit, Rule
from callpark.flows.checking.stretches import longest
from callpark.flows.checking.view import INBOUND, View
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem
from callpark.flows.prompts import BadPrompt

SILENCE = Rule(
    "CP301",
    "warning",
    "a path is silent for too long",
    "Callers take silence for a broken line and hang up.",
    "Start the function asynchronously and play something in the Wait's Continue branch; or put a prompt between.",
)
WORDLESS = Rule(
    "CP302",
    "warning",
    "an error branch hangs up without a word",
    "The call just ends: the caller does not learn that something went wrong, and calls again.",
    "Play a prompt before Disconnect, or transfer the caller to somebody.",
)
UNPLAYABLE = Rule(
    "CP303",
    "error",
    "a prompt cannot be played",
    "The caller hears nothing of it; the error branch is taken, every time.",
    "Correct the markup, or shorten the text.",
)

_MATTERS = frozenset(
    (
        *("InvokeLambdaFunction", "LoadLambdaFunctionResult", "Wait", "GetParticipantInput"),
        *(
            "ConnectParticipantWithLexBot",
            "TransferContactToQueue",
            "TransferToFlow",
            "TransferParticipantToThirdParty",
        ),
    )
)
_TALKING = (INBOUND, "AGENT_TRANSFER", "QUEUE_TRANSFER")


def silence(view: View) -> Iterator[Hit]:
    """The longest stretch of each silent part of the flow, functions at their limits."""
    if view.flow.type not in (*_TALKING, "CUSTOMER_QUEUE"):
        return
    actions, most = view.flow.actions, view.known.silence_seconds

    def seconds(name: str) -> float:
        action = actions[name]
        return view.function_seconds(action) if _is_synchronous(view, name) else _waiting(view, action)

    quiet = [action.identifier for action in view.actions() if not view.pace[action.identifier].heard]
    preempted = view.continuing()
    for stretch in longest(view.flow, quiet, view.targets, seconds):
        longest_ = min(stretch.seconds, preempted.get(stretch.path[0], inf)) if stretch.path else 0.0
        if longest_ > most:
            how_long = "silence without end" if isinf(longest_) else f"up to {longest_:g} s of silence"
            named = ", ".join(repr(name) for name in stretch.path)
            yield Hit(SILENCE, actions[stretch.path[0]], f"{how_long}: {named}")


def _waiting(view: View, action: Action) -> float:
    """A Wait for a function ends with the function at the latest."""
    silent = view.pace[action.identifier].silent
    awaited = view.awaiting.by(action)
    if action.type != "Wait" or not awaited:
        return silent
    return min(silent, max(view.function_seconds(view.flow.actions[name]) for name in awaited))


def _is_synchronous(view: View, name: str) -> bool:
    return view.flow.actions[name].type == "InvokeLambdaFunction" and view.pace[name].pauses


def wordless_ends(view: View) -> Iterator[Hit]:
    if view.flow.type not in _TALKING:
        return
    actions, pace = view.flow.actions, view.pace
    for action in view.actions():
        if action.type not in _MATTERS:
            continue
        for arc in view.graph.out[action.identifier]:
            if not arc.name.startswith("error "):
                continue
            quiet = walk([arc.target], lambda name: [] if pace[name].heard else view.targets(name))
            ended = sorted(name for name in quiet if actions[name].type == "DisconnectParticipant")
            if ended:
                yield Hit(WORDLESS, action, f"{arc.name.removeprefix('error ')} leads to {ended[0]!r} without a prompt")
                break


def unplayable(view: View) -> Iterator[Hit]:
    """Fixed prompts only: what references hold is known when the flow runs."""
    for action in view.of_type("MessageParticipant", "GetParticipantInput", "ConnectParticipantWithLexBot"):
        yield from _unplayable(view, action.identifier, action.parameters)
    for action in view.of_type("MessageParticipantIteratively"):
        messages = action.parameters.get("Messages")
        for message in messages if isinstance(messages, list) else ():
            if isinstance(message, dict):
                yield from _unplayable(view, action.identifier, message)


def _unplayable(view: View, name: str, parameters: Mapping[str, object]) -> Iterator[Hit]:
    try:
        prompt = read_prompt(parameters)
        if prompt is not None and prompt.template.fixed is not None:
            hear(prompt.resolve(lambda _: None), view.known.limits)
    except ParameterProblem:
        return  # AWS's own problem, told as such
    except BadPrompt as problem:
        yield Hit(UNPLAYABLE, view.flow.actions[name], str(problem))
