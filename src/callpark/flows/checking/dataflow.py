"""Facts that hold when an action is reached, by going over the arcs until nothing changes. Pure.

A fact is any hashable value; at an action holds what holds on some way to it. Facts only join, so the work is bounded
by arcs times facts; a flow that is made to have too many of both is given up.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeVar

from callpark.flows.checking.graph import Arc, Graph

Fact = TypeVar("Fact")

_MOST_WORK = 500_000
"""Our rule. A flow of 250 actions needs some ten thousands."""


class TooMuch(Exception):
    """Too many branches and facts to follow."""


def forward(
    graph: Graph, entry: frozenset[Fact], over: Callable[[Arc, frozenset[Fact]], frozenset[Fact]]
) -> Mapping[str, frozenset[Fact]]:
    """The facts at each reached action. `entry`: at the start; `over`: what is left of them beyond an arc."""
    if graph.start not in graph.out:
        return {}
    facts = {graph.start: entry}
    waiting = deque([graph.start])
    queued = {graph.start}
    work = 0
    while waiting:
        name = waiting.popleft()
        queued.discard(name)
        here = facts[name]
        work += len(graph.out[name]) * (1 + len(here))
        if work > _MOST_WORK:
            raise TooMuch
        for arc in graph.out[name]:
            coming = over(arc, here)
            known = facts.get(arc.target)
            if known is not None and coming <= known:
                continue
            facts[arc.target] = coming if known is None else known | coming
            if arc.target not in queued:
                queued.add(arc.target)
                waiting.append(arc.target)
    return facts
