"""Amazon CloudWatch's metrics of AWS Lambda: the slice's face. Built by `app.py`, fed by its recorder, read by `api/`.

In memory: a restart begins at zero, as a Prometheus counter may. Minutes are the clock's.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from callpark.kernel.clock import Clock
from callpark.kernel.limits import MetricsLimits
from callpark.metrics.model import METRICS, Bucket, merged
from callpark.metrics.series import Series

_log = logging.getLogger("callpark")

ALL = ""
"""The series of everything that belongs to no function of its own: what is beyond `metrics.functions`, and the
concurrency of all functions together."""


@dataclass(frozen=True, slots=True)
class Datapoint:
    """`at` is the beginning of its period, epoch seconds."""

    at: int
    bucket: Bucket


class Metrics:
    def __init__(self, clock: Clock, limits: MetricsLimits) -> None:
        self.limits = limits
        self._clock = clock
        self._series: dict[tuple[str, str], Series] = {}
        self._functions: set[str] = set()
        self._full = False

    def add(self, metric: str, function: str, at: float, value: float = 1.0) -> None:
        """A value of a metric of METRICS at an instant, epoch seconds."""
        series = self._series.get((metric, function))
        if series is None:
            series = self._open(metric, function)
        series.add(at, value)

    def level(self, metric: str, function: str, value: float) -> None:
        """What a gauge shows from now on; no value of its minute."""
        if (series := self._series.get((metric, function))) is not None:
            series.last = value

    def now(self) -> float:
        return self._clock.now()

    def functions(self) -> list[str]:
        """Those that have values, by name."""
        return sorted(self._functions)

    def series(self, metric: str, function: str) -> Series | None:
        """One function's, since the start."""
        return self._series.get((metric, function))

    def recorded(self, metric: str, function: str | None) -> Sequence[Series]:
        """The series that make a metric of a function, or of all functions for None."""
        if function is not None:
            found = self._series.get((metric, function))
            return [] if found is None else [found]
        if metric == "ConcurrentExecutions":  # how many ran together is no sum of when each was busiest
            return self.recorded(metric, ALL)
        return [series for (name, _), series in self._series.items() if name == metric]

    def datapoints(self, metric: str, function: str | None, start: float, end: float, period: int) -> list[Datapoint]:
        """The periods from `start` on that have values, oldest first; epoch seconds, `period` in whole minutes."""
        first, last, width = int(start // 60), -int(-end // 60), period // 60
        oldest = int(self._clock.now() // 60) - self.limits.minutes
        groups: dict[int, list[Bucket]] = {}
        for series in self.recorded(metric, function):
            for minute, bucket in series.between(max(first, oldest), last):
                groups.setdefault((minute - first) // width, []).append(bucket)
        return [Datapoint((first + place * width) * 60, merged(groups[place])) for place in sorted(groups)]

    def _open(self, metric: str, function: str) -> Series:
        if metric not in METRICS:
            raise KeyError(metric)
        if function != ALL and function not in self._functions:
            if len(self._functions) >= self.limits.functions:
                if not self._full:
                    self._full = True
                    _log.warning(
                        "metrics of more than %d functions: further ones only count in the sums", self.limits.functions
                    )
                return self._series.get((metric, ALL)) or self._keep(metric, ALL)
            self._functions.add(function)
        return self._keep(metric, function)

    def _keep(self, metric: str, function: str) -> Series:
        series = self._series[metric, function] = Series(self.limits.minutes)
        return series
