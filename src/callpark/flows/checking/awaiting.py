"""Which asynchronous functions a Wait waits for and a Load loads. Pure.

Follows invocation ids: `$.LambdaInvocation.InvocationId` is the latest one; UpdateFlowAttributes and
UpdateContactAttributes keep copies under names of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from callpark.flows.actions.wait import COMPLETION_EVENT
from callpark.flows.checking.dataflow import forward
from callpark.flows.checking.graph import Arc, Graph
from callpark.flows.checking.pace import is_asynchronous
from callpark.flows.language import Action, Flow
from callpark.flows.references import Path, template

LATEST: Path = ("LambdaInvocation", "InvocationId")
KEPT_IN: Mapping[str, tuple[str, str]] = {
    "UpdateFlowAttributes": ("FlowAttributes", "FlowAttributes"),
    "UpdateContactAttributes": ("Attributes", "Attributes"),
}
"""By type: the parameter with the attributes, and their namespace."""


class Held(NamedTuple):
    """The id of an invocation, by the action that made it, and where it is held."""

    place: Path
    invocation: str


@dataclass(frozen=True, slots=True)
class Awaiting:
    """By action: the invocations a Wait's events name, or whose result a Load takes. `held`: every id known there."""

    invocations: Mapping[str, frozenset[str]]
    held: Mapping[str, frozenset[Held]]

    def by(self, action: Action) -> frozenset[str]:
        return self.invocations.get(action.identifier, frozenset())


def awaiting(flow: Flow, graph: Graph) -> Awaiting:
    written = {name: dict(stored(action)) for name, action in flow.actions.items() if action.type in KEPT_IN}

    def over(arc: Arc, held: frozenset[Held]) -> frozenset[Held]:
        action = flow.actions[arc.source]
        if arc.name.startswith("error "):
            return held
        if is_asynchronous(action):
            return frozenset([item for item in held if item.place != LATEST]) | {Held(LATEST, action.identifier)}
        return _kept(held, written[arc.source]) if action.type in KEPT_IN else held

    held = forward(graph, frozenset[Held](), over)
    found = {
        name: frozenset(item.invocation for item in held.get(name, ()) if item.place in named(action))
        for name, action in flow.actions.items()
        if action.type in ("Wait", "LoadLambdaFunctionResult")
    }
    return Awaiting(found, held)


def _kept(held: frozenset[Held], written: Mapping[Path, Path | None]) -> frozenset[Held]:
    """What is held after attributes were written: what stood there is gone, copies of ids stand there now."""
    stays = [item for item in held if item.place not in written]
    copies = [
        Held(place, item.invocation) for place, source in written.items() for item in held if item.place == source
    ]
    return frozenset([*stays, *copies])


def stored(action: Action) -> Iterator[tuple[Path, Path | None]]:
    """The attributes an action writes, each with the one reference it is copied from (None: from something else)."""
    parameter, namespace = KEPT_IN[action.type]
    attributes = action.parameters.get(parameter)
    for key, value in attributes.items() if isinstance(attributes, dict) else ():
        written = value.get("Value") if isinstance(value, dict) else value
        yield (namespace, str(key)), template(written).whole if isinstance(written, str) else None


def named(action: Action) -> frozenset[Path]:
    """The places whose invocation ids a Wait or a Load names."""
    texts = [action.parameters.get("LambdaInvocationId")]
    events = action.parameters.get("InterruptibleEvents")
    for event in events.values() if isinstance(events, dict) else ():
        completion = event.get(COMPLETION_EVENT) if isinstance(event, dict) else None
        texts.append(completion.get("Identifier") if isinstance(completion, dict) else None)
    wholes = [template(text).whole for text in texts if isinstance(text, str)]
    return frozenset(whole for whole in wholes if whole is not None)
