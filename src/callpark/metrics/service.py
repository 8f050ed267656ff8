"""Amazon CloudWatch's metrics of AWS Lambda, and of AWS AppSync and Bedrock, where APIs and models stand for functions:
the slice's face. Built by `app.py`, one for each service, fed by its recorder, read by `api/`.

In memory: a restart begins at zero, as a Prometheus counter may. Minutes are the clock's.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from callpark.kernel.clock import Clock
from callpark.kernel.limits import MetricsLimits
from callpark.metrics.model import LAMBDA, Bucket, Catalogue, merged
from callpark.metrics.series import Series

_log = logging.getLogger("callpark")

ALL = ""
"""The series of everything that belongs to no function of its own: what is beyond `metrics.functions`, and the
concurrency of all functions together."""

Resource: TypeAlias = str
"""What an invocation was sent to: a function's name; with `:` and a version or an alias; and for an alias, with another
`:` and the version that it chose. CloudWatch's Resource, and ExecutedVersion behind it."""


@dataclass(frozen=True, slots=True)
class Datapoint:
    """`at` is the beginning of its period, epoch seconds."""

    at: int
    bucket: Bucket


class Metrics:
    def __init__(self, clock: Clock, limits: MetricsLimits, catalogue: Catalogue = LAMBDA) -> None:
        self.catalogue = catalogue
        self.limits = limits
        self._clock = clock
        self._series: dict[tuple[str, str], Series] = {}
        self._functions: dict[str, set[Resource]] = {}
        self._resources = 0
        self._full = False

    def add(self, metric: str, resource: Resource, at: float, value: float = 1.0) -> None:
        """A value of a metric of the catalogue at an instant, epoch seconds."""
        series = self._series.get((metric, resource))
        if series is None:
            series = self._open(metric, resource)
        series.add(at, value)

    def level(self, metric: str, resource: Resource, value: float) -> None:
        """What a gauge shows from now on; no value of its minute."""
        if (series := self._series.get((metric, resource))) is not None:
            series.last = value

    def now(self) -> float:
        return self._clock.now()

    def functions(self) -> list[str]:
        """Those that have values, by name."""
        return sorted(self._functions)

    def resources(self, function: str) -> list[Resource]:
        """What of a function has values, itself included when it was invoked without a qualifier; by name."""
        return sorted(self._functions.get(function, ()))

    def recorded(self, metric: str, function: str | None, resource: Resource | None = None) -> Sequence[Series]:
        """The series that make a metric: of a function with all that belongs to it, or of one resource of it; of all
        functions for None."""
        if function is None:
            if metric == "ConcurrentExecutions":  # how many ran together is no sum of when each was busiest
                return self.recorded(metric, ALL)
            return [series for (name, _), series in self._series.items() if name == metric]
        names = [name for name in self._functions.get(function, (function,)) if _covers(resource, function, name)]
        return [series for name in names if (series := self._series.get((metric, name))) is not None]

    def datapoints(
        self,
        metric: str,
        function: str | None,
        start: float,
        end: float,
        period: int,
        resource: Resource | None = None,
    ) -> list[Datapoint]:
        """The periods from `start` on that have values, oldest first; epoch seconds, `period` in whole minutes."""
        first, last, width = int(start // 60), -int(-end // 60), period // 60
        oldest = int(self._clock.now() // 60) - self.limits.minutes
        groups: dict[int, list[Bucket]] = {}
        for series in self.recorded(metric, function, resource):
            for minute, bucket in series.between(max(first, oldest), last):
                groups.setdefault((minute - first) // width, []).append(bucket)
        return [Datapoint((first + place * width) * 60, merged(groups[place])) for place in sorted(groups)]

    def _open(self, metric: str, resource: Resource) -> Series:
        if metric not in self.catalogue.metrics:
            raise KeyError(metric)
        if resource == ALL:
            return self._keep(metric, ALL)
        divided = self.catalogue is LAMBDA or self.catalogue.inner is not None
        function = resource.partition(":")[0] if divided else resource
        known = self._functions.get(function, set())
        if resource not in known:
            if self._resources >= self.limits.functions:
                return self._beyond(metric, function if function in known else ALL)
            self._resources += 1
            self._functions[function] = {*known, resource}
        return self._keep(metric, resource)

    def _beyond(self, metric: str, resource: Resource) -> Series:
        if not self._full:
            self._full = True
            _log.warning(
                "metrics of more than %d functions, versions and aliases: further ones only count in the sums",
                self.limits.functions,
            )
        return self._series.get((metric, resource)) or self._keep(metric, resource)

    def _keep(self, metric: str, resource: Resource) -> Series:
        series = self._series[metric, resource] = Series(self.limits.minutes)
        return series


def _covers(wanted: Resource | None, function: str, resource: Resource) -> bool:
    """Whether what is recorded for a resource belongs to what is asked for."""
    if wanted is None or wanted == resource:
        return True
    return wanted != function and resource.startswith(wanted + ":")
