"""Who is next at one backend: pure.

A backend works on some requests at once, more wait, and beyond a bound they are refused. The next to start belongs to
the caller with the fewest running; among equals to whoever has waited longest since a request of theirs began. A full
queue refuses the newest request of whoever has most waiting, so that one busy caller does not shut out the others.

`service.py` keeps a `Line` for each backend and carries out what is decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Line:
    """`running` and `waiting`: ticket → caller, in the order in which they came. `turns`: caller → the number of its
    last start, for those who still have a request here."""

    at_once: int
    longest: int
    running: Mapping[int, str] = field(default_factory=dict)
    waiting: Mapping[int, str] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)
    starts: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """The line afterwards, which tickets start now, and which is refused."""

    line: Line
    started: tuple[int, ...] = ()
    refused: int | None = None


def asked(line: Line, ticket: int, caller: str) -> Decided:
    """A request arrives."""
    line = replace(line, waiting={**line.waiting, ticket: caller})
    decided = _fill(line)
    if len(decided.line.waiting) <= line.longest:
        return decided
    refused = _newest_of_the_busiest(decided.line)
    return replace(decided, line=_without(decided.line, refused), refused=refused)


def ended(line: Line, ticket: int) -> Decided:
    """A running request is over, or a waiting one was given up. Harmless for a ticket that is gone."""
    return _fill(_without(line, ticket))


def _fill(line: Line) -> Decided:
    started = []
    while line.waiting and len(line.running) < line.at_once:
        ticket = _next(line)
        caller = line.waiting[ticket]
        waiting = {other: who for other, who in line.waiting.items() if other != ticket}
        line = replace(
            line,
            running={**line.running, ticket: caller},
            waiting=waiting,
            turns={**line.turns, caller: line.starts},
            starts=line.starts + 1,
        )
        started.append(ticket)
    return Decided(line, tuple(started))


def _next(line: Line) -> int:
    running = list(line.running.values())
    oldest: dict[str, int] = {}
    for ticket, caller in line.waiting.items():
        oldest.setdefault(caller, ticket)
    caller = min(oldest, key=lambda who: (running.count(who), line.turns.get(who, -1)))
    return oldest[caller]


def _newest_of_the_busiest(line: Line) -> int:
    callers = list(line.waiting.values())
    newest = {caller: ticket for ticket, caller in line.waiting.items()}
    # Of equals the one whose request came last: nobody loses a place to an equal.
    busiest = max(newest, key=lambda who: (callers.count(who), list(line.waiting).index(newest[who])))
    return newest[busiest]


def _without(line: Line, ticket: int) -> Line:
    running = {other: who for other, who in line.running.items() if other != ticket}
    waiting = {other: who for other, who in line.waiting.items() if other != ticket}
    here = {*running.values(), *waiting.values()}
    turns = {who: turn for who, turn in line.turns.items() if who in here}
    return replace(line, running=running, waiting=waiting, turns=turns)
