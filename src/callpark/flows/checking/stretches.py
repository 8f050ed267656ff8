"""The longest and the shortest way through a flow, in seconds, circles included. Pure.

Called by the checks of silence, of rows of functions, and of how soon a branch hangs up.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from math import inf

from callpark.flows.checking.graph import Arc, Graph, components
from callpark.flows.checking.pace import Pace, seconds_of
from callpark.flows.language import Flow


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some actions in a row and what they take together at most; `inf` when they can go round for ever."""

    seconds: float
    path: tuple[str, ...]


def longest(
    flow: Flow, nodes: Collection[str], following: Callable[[str], Iterable[str]], seconds: Callable[[str], float]
) -> list[Stretch]:
    """The longest row of actions among `nodes`, one for each group of them that hangs together, longest first.

    Going round counts as often as a Loop on the way lets it, without one for ever.
    """
    inside = set(nodes)
    ahead: dict[str, Stretch] = {}
    for component in components(list(nodes), following):
        inner = _around(flow, component, following, seconds)
        best = Stretch(0.0, ())
        members = set(component)
        for name in component:
            for target in following(name):
                if target in inside and target not in members and ahead[target].seconds > best.seconds:
                    best = ahead[target]
        heaviest = tuple(name for name in component if seconds(name) > 0)
        stretch = Stretch(inner + best.seconds, (heaviest + best.path)[:_NAMED])
        ahead.update(dict.fromkeys(component, stretch))
    return _one_each(inside, following, ahead)


_NAMED = 20
"""So many actions of a stretch are named."""


def _around(
    flow: Flow, component: tuple[str, ...], following: Callable[[str], Iterable[str]], seconds: Callable[[str], float]
) -> float:
    once = sum(seconds(name) for name in component)
    if once == 0 or (len(component) == 1 and component[0] not in following(component[0])):
        return once
    rounds = [seconds_of(flow.actions[name], "LoopCount") for name in component if flow.actions[name].type == "Loop"]
    known = [count for count in rounds if count is not None]
    return once * max(known) if known else inf


def _one_each(
    inside: set[str], following: Callable[[str], Iterable[str]], ahead: Mapping[str, Stretch]
) -> list[Stretch]:
    group: dict[str, str] = {name: name for name in inside}

    def root(name: str) -> str:
        while group[name] != name:
            group[name] = name = group[group[name]]
        return name

    for name in inside:
        for target in following(name):
            if target in inside:
                group[root(name)] = root(target)
    best: dict[str, Stretch] = {}
    for name in sorted(inside):
        there = best.get(root(name))
        if there is None or ahead[name].seconds > there.seconds:
            best[root(name)] = ahead[name]
    return sorted(best.values(), key=lambda stretch: (-stretch.seconds, stretch.path))


class Distances:
    """The least seconds between actions: nobody presses a key, nothing fails. Worked out when asked for, once.

    A Loop is left only after its rounds.
    """

    def __init__(self, flow: Flow, graph: Graph, pace: Mapping[str, Pace]) -> None:
        self._flow = flow
        self._graph = graph
        self._pace = pace
        self._known: dict[str, Mapping[str, float]] = {}
        self._rounds: Mapping[str, float] | None = None

    def since(self, start: str) -> Mapping[str, float]:
        """The least seconds after which each action is reached from `start`, which is 0 seconds away from itself."""
        if start not in self._known:
            self._known[start] = _dijkstra(self._flow, self._graph, self._pace, [start], self._loops())
        return self._known[start]

    def _loops(self) -> Mapping[str, float]:
        if self._rounds is None:
            self._rounds = _loop_rounds(self._flow, self._graph, self._pace)
        return self._rounds


def _loop_rounds(flow: Flow, graph: Graph, pace: Mapping[str, Pace]) -> Mapping[str, float]:
    """What the rounds of each Loop take before it is left."""
    rounds: dict[str, float] = {}
    loops = [name for name, action in flow.actions.items() if action.type == "Loop"]
    for _ in range(min(len(loops), _LOOP_PASSES)):
        before = dict(rounds)
        for name in loops:
            rounds[name] = _loop_seconds(flow, graph, pace, name, rounds)
        if rounds == before:
            break
    return rounds


_EXPECTED = frozenset(("error InputTimeLimitExceeded", "error NoMatchingCondition", "error InProgress"))
"""Error branches that are taken although nothing is wrong."""

_LOOP_PASSES = 5
"""Loops within loops are looked into so deep."""


def _loop_seconds(flow: Flow, graph: Graph, pace: Mapping[str, Pace], name: str, rounds: Mapping[str, float]) -> float:
    count = seconds_of(flow.actions[name], "LoopCount") or 0.0
    inner = [arc.target for arc in graph.out[name] if _operand(flow, arc) == "ContinueLooping"]
    one = _dijkstra(flow, graph, pace, inner, rounds).get(name)
    return 0.0 if one is None else count * one


def _operand(flow: Flow, arc: Arc) -> str | None:
    """What a condition's arc is taken on."""
    if not arc.name.startswith("condition "):
        return None
    operands = flow.actions[arc.source].conditions[int(arc.name.removeprefix("condition "))].operands
    return operands[0] if operands else None


def _dijkstra(
    flow: Flow, graph: Graph, pace: Mapping[str, Pace], starts: Iterable[str], rounds: Mapping[str, float]
) -> Mapping[str, float]:
    seconds: dict[str, float] = {}
    waiting = [(0.0, start) for start in starts]
    heapq.heapify(waiting)
    while waiting:
        at, name = heapq.heappop(waiting)
        if name in seconds:
            continue
        seconds[name] = at
        for arc in graph.out[name]:
            if not arc.name.startswith("error ") or arc.name in _EXPECTED:
                extra = rounds.get(name, 0.0) if _operand(flow, arc) == "DoneLooping" else 0.0
                heapq.heappush(waiting, (at + pace[name].least + extra, arc.target))
    return seconds


def targets_of(flow: Flow, graph: Graph, name: str, operand: str) -> list[str]:
    """Where an action goes on a result."""
    return [arc.target for arc in graph.out.get(name, ()) if _operand(flow, arc) == operand]
