"""Facts that hold when an action is reached, by going over the arcs until nothing changes. Pure.

A fact is any hashable value; at an action holds what holds on some way to it. Facts only join, so the work is bounded
by arcs times facts; a flow that is made to have too many of both is given up.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from callpark.flows.checking.graph import Arc, Graph

Fact = TypeVar("Fact")

_MOST_WORK = 1_000_000
"""Our rule. A flow of 250 actions needs some thousands."""


class TooMuch(Exception):
    """Too many branches and facts to follow."""


def forward(
    graph: Graph, entry: frozenset[Fact], over: Callable[[Arc, frozenset[Fact]], frozenset[Fact]]
) -> Mapping[str, frozenset[Fact]]:
    """The facts at each reached action. `entry`: at the start; `over`: what is left of them beyond an arc."""
    facts: dict[str, frozenset[Fact]] = {}
    waiting: list[tuple[str, frozenset[Fact]]] = [(graph.start, entry)] if graph.start in graph.out else []
    work = 0
    while waiting:
        name, coming = waiting.pop()
        work += 1 + len(coming)
        if work > _MOST_WORK:
            raise TooMuch
        known = facts.get(name)
        if known is not None and coming <= known:
            continue
        facts[name] = joined = coming if known is None else known | coming
        waiting += [(arc.target, over(arc, joined)) for arc in graph.out[name]]
    return facts
