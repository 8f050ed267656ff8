"""What became of a cluster's soak, held against what was promised. Pure; filled by `cluster.py`."""

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.soak.faults import Fault

#: An event that was running at a fault runs again at another node within this time.
_AGAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Suffered:
    """A fault, at an instant of the machine's clock. `during`: seconds from its beginning until those that had to serve
    did so, None when nobody had to; `afterwards`: seconds from its end until all nodes served."""

    fault: Fault
    at: float
    during: float | None
    afterwards: float

    def told(self) -> str:
        during = "" if self.during is None else f"served again after {self.during:.1f} s, "
        return f"{self.fault.kind} ({self.fault.target}): {during}all of it {self.afterwards:.1f} s after its end"


@dataclass(slots=True)
class Found:
    """`runs`: event → when its runs began; `ordered`: FIFO group → numbers as they were received."""

    events: set[int] = field(default_factory=set)
    runs: dict[int, list[float]] = field(default_factory=dict)
    sent: set[int] = field(default_factory=set)
    received: Counter[int] = field(default_factory=Counter)
    ordered: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    fifo_sent: Counter[int] = field(default_factory=Counter)
    faults: list[Suffered] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    said: dict[str, str] = field(default_factory=dict)

    def read_runs(self, lines: Iterable[str]) -> dict[int, list[float]]:
        self.runs = {}
        for line in lines:
            _, event, _, _, at = json.loads(line)
            self.runs.setdefault(event["n"], []).append(at)
        return self.runs

    def problems(self) -> list[str]:
        """Whatever was acknowledged is done; runs come again only for faults; each group is in order; no node has met a
        bug of its own."""
        lost = [f"event {n} was acknowledged and never ran" for n in sorted(self.events - set(self.runs))]
        lost += [f"message {n} was acknowledged and never received" for n in sorted(self.sent - set(self.received))]
        often = [
            f"event {n} ran {len(runs)} times, {self._allowed(runs)} are allowed"
            for n, runs in self.runs.items()
            if len(runs) > self._allowed(runs)
        ]
        order = []
        for group, count in self.fifo_sent.items():
            firsts = list(dict.fromkeys(self.ordered[group]))
            missing = sorted(set(range(count)) - set(firsts))
            if missing:
                lost.append(f"group {group}: {len(missing)} of {count} were never received, the first is {missing[0]}")
            after = next((n for n, each in enumerate(firsts[1:]) if each < firsts[n]), None)
            if after is not None:
                order.append(f"group {group}: received in the order … {firsts[max(0, after - 5) : after + 5]} …")
        bugs = [
            f"{name} met a bug of its own: {said[said.index('Traceback') :][:2_000]}"
            for name, said in self.said.items()
            if "Traceback" in said
        ]
        return [*lost, *often, *order, *bugs]

    def _allowed(self, runs: list[float]) -> int:
        """Its policy allows one run, and another for each fault that may have found it in flight."""
        first, last = min(runs), max(runs)
        return 1 + sum(first - _AGAIN_SECONDS <= each.at <= last for each in self.faults)

    def summary(self) -> str:
        again = sum(len(runs) - 1 for runs in self.runs.values())
        lines = [
            f"{len(self.events):10,}  events acknowledged, {again} run again",
            f"{len(self.sent):10,}  messages, {sum(self.received.values()) - len(self.received)} received again",
            f"{sum(self.fifo_sent.values()):10,}  FIFO messages",
            f"{len(self.faults):10,}  faults",
            *(f"{'':12}{line}" for line in self._recoveries()),
            f"{sum(self.refusals.values()):10,}  requests refused or unanswered meanwhile: {dict(self.refusals)}",
        ]
        return "\n".join(lines)

    def _recoveries(self) -> list[str]:
        kinds = sorted({each.fault.kind for each in self.faults})
        lines = [_recovery(kind, [each for each in self.faults if each.fault.kind == kind]) for kind in kinds]
        return [*lines, _recovery("all", self.faults)]


def _recovery(kind: str, met: Sequence[Suffered]) -> str:
    during = [each.during for each in met if each.during is not None]
    afterwards = [each.afterwards for each in met]
    return f"{len(met):4} {kind:38}{_times('served again after', during)}{_times('all of it', afterwards)}"


def _times(what: str, seconds: list[float]) -> str:
    return f"{what} {statistics.median(seconds):.1f} s, at most {max(seconds):.1f} s  " if seconds else ""
