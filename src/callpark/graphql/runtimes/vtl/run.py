"""The state of one evaluation, and its budget of time and memory. Made by `host.py` for each evaluation.

Everything a template can repeat takes a step, everything it can make is counted, so a hostile template ends soon.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callpark.graphql.runtimes.vtl.failures import Overrun, TemplateFailure

_STEPS_BETWEEN_LOOKS = 128
_UNITS_BETWEEN_LOOKS = 100_000
_LARGE = 16_384


@dataclass(frozen=True, slots=True)
class Bounds:
    """`seconds` of CPU time; `made` is the characters and cells an evaluation may make in all."""

    seconds: float
    made: int
    written: int
    loop_iterations: int
    macro_depth: int


class Run:
    """`variables` are the template's references by name; `out` is what it printed. Without `shares`
    every value is part of the context, so none holds itself."""

    __slots__ = (
        "_ends",
        "_steps",
        "_units",
        "auth_type",
        "bounds",
        "chance",
        "depth",
        "effects",
        "errors",
        "logs",
        "made",
        "now",
        "out",
        "shares",
        "variables",
        "written",
    )

    def __init__(self, bounds: Bounds, variables: dict[str, object], now: float, seed: str, auth_type: str) -> None:
        self.bounds = bounds
        self.variables = variables
        self.now = now
        self.chance = Chance(seed)
        self.auth_type = auth_type
        self.out: list[str] = []
        self.errors: list[Mapping[str, object]] = []
        self.logs: list[str] = []
        self.effects: list[dict[str, object]] = []
        self.depth = 0
        self.shares = True
        self.made = 0
        self.written = 0
        self._steps = 0
        self._units = 0
        self._ends = time.thread_time() + bounds.seconds

    def step(self) -> None:
        """Something that can be repeated happened. Raises Overrun."""
        self._steps += 1
        if self._steps % _STEPS_BETWEEN_LOOKS == 0:
            self._look()

    def work(self, units: int) -> None:
        """So many items or characters are gone through. Raises Overrun."""
        self._units += units
        if self._units > _UNITS_BETWEEN_LOOKS:
            self._units = 0
            self._look()

    def make(self, size: int) -> None:
        """So many characters or cells are made. Raises TemplateFailure, Overrun."""
        self.made += size
        if self.made > self.bounds.made:
            raise TemplateFailure("The template used too much memory.")
        if size > _LARGE:
            self._look()

    def write(self, text: str) -> None:
        """Print. Raises TemplateFailure when the output is too large."""
        self.written += len(text)
        if self.written > self.bounds.written:
            raise TemplateFailure(f"The evaluated result is larger than {self.bounds.written} bytes.")
        self.out.append(text)

    def capture(self, render: Callable[["Run"], None]) -> str:
        """What `render` prints."""
        outer, written = self.out, self.written
        self.out = []
        try:
            render(self)
            text = "".join(self.out)
        finally:
            self.out, self.written = outer, written
        self.make(len(text))
        return text

    def remaining(self) -> float:
        """Seconds of CPU time. Raises Overrun."""
        self._look()
        return self._ends - time.thread_time()

    def _look(self) -> None:
        if time.thread_time() > self._ends:
            raise Overrun


class Chance:
    """Randomness out of a seed, so that evaluating again gives the same."""

    __slots__ = ("_count", "_seed")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def bytes(self, count: int) -> bytes:
        """At most 32."""
        self._count += 1
        return hashlib.sha256(f"{self._seed}:{self._count}".encode()).digest()[:count]

    def fraction(self) -> float:
        """A number in [0, 1)."""
        return (int.from_bytes(self.bytes(7)) >> 3) / (1 << 53)
