"""Functions against the blocks that invoke them: timeouts, the project, the row of seconds, the shape of answers."""

from collections.abc import Iterator, Mapping
from math import inf

from callpark.flows.checking.dataflow import forward
from callpark.flows.checking.graph import Arc
from callpark.flows.checking.pace import is_asynchronous
from callpark.flows.checking.rules import Hit, Rule
from callpark.flows.checking.stretches import longest
from callpark.flows.checking.view import View, called
from callpark.flows.language import Action

TIMEOUT = Rule(
    "CP201",
    "warning",
    "a function may run longer than its block waits",
    "The flow takes the error branch while the function runs on: the caller is told that it failed, and it may yet "
    "succeed.",
    "Lower the function's Timeout, raise InvocationTimeLimitSeconds (8 s at most, asynchronous 60 s), or make it "
    "asynchronous.",
)
NOT_HERE = Rule(
    "CP202",
    "warning",
    "a function that the project does not have",
    "Unless it exists in the account already, every call takes the error branch here.",
    "Correct the ARN, or add the function to the template.",
)
NOT_ASSOCIATED = Rule(
    "CP203",
    "error",
    "a function that the instance may not call",
    "Connect answers 403 AccessDeniedException, and every call takes the error branch here.",
    "Associate the function with the instance: AWS::Connect::IntegrationAssociation, or a Permission for "
    "connect.amazonaws.com.",
)
ROW = Rule(
    "CP204",
    "warning",
    "functions in a row may take longer than Connect allows",
    "Synchronous functions without a prompt between them have 20 seconds together; what is left then fails.",
    "Play a prompt between them, or start them asynchronously at once and wait for all.",
)
NESTED = Rule(
    "CP205",
    "error",
    "a nested result under STRING_MAP",
    "STRING_MAP allows a flat map of texts: a function that answers what is read here fails validation, and one that "
    "passes leaves the reference empty.",
    'Set ResponseValidation to {"ResponseType": "JSON"}, or flatten the answer.',
)


def timeouts(view: View) -> Iterator[Hit]:
    for action in view.of_type("InvokeLambdaFunction"):
        timeout, limit = view.timeout(action), view.pace[action.identifier].limit
        if timeout is not None and timeout > limit:
            yield Hit(TIMEOUT, action, f"{called(action)} may run {timeout:g} s, the block gives up after {limit:g} s")


def missing(view: View) -> Iterator[Hit]:
    known, associated = view.known.functions, view.known.associated
    for action in view.of_type("InvokeLambdaFunction"):
        name = called(action)
        if name is None or known is None:
            continue
        if name not in known:
            yield Hit(NOT_HERE, action, f"there is no function {name} in the project")
        elif associated is not None and name not in associated:
            yield Hit(NOT_ASSOCIATED, action, f"{name} is not associated with the instance")


def rows(view: View) -> Iterator[Hit]:
    """Anything that plays something resets the count, as in AWS."""
    most = view.known.limits.function_sequence_seconds
    actions = view.flow.actions

    def seconds(name: str) -> float:
        action = actions[name]
        waits = action.type == "InvokeLambdaFunction" and not is_asynchronous(action)
        return view.function_seconds(action) if waits else 0.0

    quiet = [a.identifier for a in view.actions() if not view.pace[a.identifier].heard and a.type not in _PLAYING]
    for stretch in longest(view.flow, quiet, view.targets, seconds):
        if most < stretch.seconds < inf:
            named = ", ".join(repr(name) for name in stretch.path)
            yield Hit(ROW, actions[stretch.path[0]], f"{named}: up to {stretch.seconds:g} s, {most:g} s are allowed")


def nested_results(view: View) -> Iterator[Hit]:
    """`$.External.a.b` where every invocation whose result may be there is checked as STRING_MAP."""

    def over(arc: Arc, facts: frozenset[str]) -> frozenset[str]:
        action = view.flow.actions[arc.source]
        if arc.name.startswith("error "):
            return facts
        if action.type == "InvokeLambdaFunction" and not is_asynchronous(action):
            return frozenset((action.identifier,))
        if action.type == "LoadLambdaFunctionResult":
            return view.awaiting.by(action) or frozenset(("",))
        return frozenset(("",)) if action.type == "InvokeFlowModule" else facts

    if view.flow.type != "CONTACT_FLOW":
        return
    results: Mapping[str, frozenset[str]] = forward(view.graph, frozenset[str](), over)
    for action in view.actions():
        sources = results.get(action.identifier, frozenset())
        if not sources or not all(name and _flat(view.flow.actions[name]) for name in sources):
            continue
        for path in view.paths[action.identifier]:
            inner = path[1:] if path[0] == "External" else path[2:] if path[:2] == _RESULT else ()
            if len(inner) > 1:
                blocks = ", ".join(repr(name) for name in sorted(sources))
                yield Hit(NESTED, action, f"$.{'.'.join(path)} lies within a value, and {blocks} checks for STRING_MAP")
                break


_PLAYING = frozenset(("MessageParticipant", "MessageParticipantIteratively", "GetParticipantInput"))
"""Also when what is played is a pause."""

_RESULT = ("LambdaInvocation", "ResultData")


def _flat(action: Action) -> bool:
    """Without ResponseValidation nested values are refused as well (our rule)."""
    validation = action.parameters.get("ResponseValidation")
    return not (isinstance(validation, dict) and validation.get("ResponseType") == "JSON")
