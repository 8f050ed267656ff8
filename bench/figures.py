"""What a benchmark returns, and the table they all end in."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement beside its target and a peer's. `more_is_better` says which way a ratio is good."""

    name: str
    value: float
    unit: str
    target: str = ""
    reached: bool | None = None
    peer: str = ""
    peer_value: float | None = None
    more_is_better: bool = True

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer; below 1 is worse."""
        if not self.peer_value or not self.value:
            return None
        return self.value / self.peer_value if self.more_is_better else self.peer_value / self.value


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(figures: Sequence[Figure]) -> None:
    table = Table(title="callpark beside its peers, one run, one machine")
    for heading in ("figure", "callpark", "reach", "", "peer", "peer's", "times better"):
        table.add_column(heading, justify="left" if heading in ("figure", "reach", "peer") else "right")
    for figure in figures:
        table.add_row(
            figure.name,
            _number(figure.value, figure.unit),
            figure.target,
            {None: "", True: "yes", False: "no"}[figure.reached],
            figure.peer,
            "" if figure.peer_value is None else _number(figure.peer_value, figure.unit),
            "" if figure.ratio is None else f"{figure.ratio:.1f} x",
        )
    Console(width=150).print(table)


def _number(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
    return f"{text} {unit}"
