"""A flow as a graph: the arcs that can be taken, what is reached, what lies in a circle together. Pure.

Every walk here is linear in arcs, without recursion: flows are the author's, and may be hostile.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from callpark.flows.coverage import edges
from callpark.flows.language import Flow


class Arc(NamedTuple):
    """`name` as in `transitions.Edge`: `NextAction`, `condition 0`, `error NoMatchingError`."""

    source: str
    name: str
    target: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Arcs by the action they leave, and by the action they reach. `reached`: from the start, in any way."""

    start: str
    out: Mapping[str, tuple[Arc, ...]]
    into: Mapping[str, tuple[Arc, ...]]
    reached: frozenset[str]


def graph_of(flow: Flow) -> Graph:
    """The arcs that wired edges make between actions there are."""
    out: dict[str, list[Arc]] = {identifier: [] for identifier in flow.actions}
    into: dict[str, list[Arc]] = {identifier: [] for identifier in flow.actions}
    for edge in sorted(edges(flow), key=lambda edge: (flow.actions[edge.action].index, edge.name)):
        if edge.target in flow.actions:
            arc = Arc(edge.action, edge.name, edge.target)
            out[edge.action].append(arc)
            into[edge.target].append(arc)
    outgoing = {identifier: tuple(arcs) for identifier, arcs in out.items()}
    return Graph(
        flow.start,
        outgoing,
        {identifier: tuple(arcs) for identifier, arcs in into.items()},
        walk([flow.start], lambda name: (arc.target for arc in outgoing.get(name, ()))) & flow.actions.keys(),
    )


def walk(starts: Iterable[str], following: Callable[[str], Iterable[str]]) -> frozenset[str]:
    """Everything reached from the starts, themselves included."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += following(name)
    return frozenset(found)


def components(nodes: Collection[str], following: Callable[[str], Iterable[str]]) -> list[tuple[str, ...]]:
    """Strongly connected components (Tarjan), each after those it leads to."""
    inside = set(nodes)
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    stacked: set[str] = set()
    found: list[tuple[str, ...]] = []

    def enter(name: str) -> tuple[str, Iterator[str]]:
        numbers[name] = lowest[name] = len(numbers)
        stack.append(name)
        stacked.add(name)
        return name, iter([target for target in following(name) if target in inside])

    for root in nodes:
        if root in numbers:
            continue
        path = [enter(root)]
        while path:
            name, targets = path[-1]
            target = next(targets, None)
            if target is None:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[name])
                if lowest[name] == numbers[name]:
                    found.append(_cut(stack, stacked, name))
            elif target not in numbers:
                path.append(enter(target))
            elif target in stacked:
                lowest[name] = min(lowest[name], numbers[target])
    return found


def _cut(stack: list[str], stacked: set[str], name: str) -> tuple[str, ...]:
    """The component whose first member is `name`, taken from the stack."""
    members = []
    while True:
        member = stack.pop()
        stacked.discard(member)
        members.append(member)
        if member == name:
            return tuple(reversed(members))


def circles(nodes: Collection[str], following: Callable[[str], Iterable[str]]) -> list[tuple[str, ...]]:
    """The components in which one can go round: several members, or one that leads to itself."""
    return [
        component
        for component in components(nodes, following)
        if len(component) > 1 or component[0] in following(component[0])
    ]
