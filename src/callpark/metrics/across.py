"""What all nodes have recorded, as one. Asked by `api/operations.py`; a single node is asked alone.

Each node keeps the minutes of what happened at it. Their buckets add up: counts and sums, the least and the greatest,
and the sketches of percentiles. How many ran together is recorded at each node for itself.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from callpark.kernel.others import ALONE, Members, Others, Questions
from callpark.metrics.model import Bucket, merged
from callpark.metrics.service import Datapoint, Metrics

_DATAPOINTS: Final = "Datapoints"


class Wants(msgspec.Struct, frozen=True, array_like=True):
    """Of which series datapoints are wanted, as `Metrics.datapoints` is asked. `catalogue` by its prefix."""

    catalogue: str
    metric: str
    function: str | None
    start: float
    end: float
    period: int
    resource: str | None = None


class _Point(msgspec.Struct, frozen=True, array_like=True):
    at: int
    count: int
    total: float
    minimum: float
    maximum: float
    sketch: dict[int, int]


class _Said(msgspec.Struct, frozen=True):
    points: list[list[_Point]]


class Across:
    def __init__(self, services: Sequence[Metrics], others: Others = ALONE) -> None:
        self._services: Mapping[str, Metrics] = {each.catalogue.prefix: each for each in services}
        self._others = others

    def questions(self) -> Questions:
        return {_DATAPOINTS: self._answer}

    async def datapoints(self, wants: Sequence[Wants]) -> tuple[list[list[Datapoint]], Sequence[str]]:
        """For each the periods that have values, oldest first; and the names of the nodes whose part is missing."""
        gathered = await self._others.ask(_DATAPOINTS, {"wants": list(map(msgspec.to_builtins, wants))})
        theirs = [msgspec.convert(said, _Said).points for said in gathered.said.values()]
        found = []
        for place, want in enumerate(wants):
            parts = [self._here(want), *([_datapoint(point) for point in points[place]] for points in theirs)]
            found.append(together(parts))
        return found, gathered.silent

    async def _answer(self, members: Members) -> Members:
        wants = msgspec.convert(members["wants"], list[Wants])
        return {"points": [[msgspec.to_builtins(_point(point)) for point in self._here(want)] for want in wants]}

    def _here(self, want: Wants) -> list[Datapoint]:
        service = self._services.get(want.catalogue)
        if service is None or want.metric not in service.catalogue.metrics:
            return []  # of another version's catalogue
        return service.datapoints(want.metric, want.function, want.start, want.end, want.period, want.resource)


def together(parts: Sequence[Sequence[Datapoint]]) -> list[Datapoint]:
    """Datapoints of the same series at several nodes. Pure."""
    periods: dict[int, list[Bucket]] = {}
    for points in parts:
        for point in points:
            periods.setdefault(point.at, []).append(point.bucket)
    return [
        Datapoint(at, buckets[0] if len(buckets) == 1 else merged(buckets)) for at, buckets in sorted(periods.items())
    ]


def _point(point: Datapoint) -> _Point:
    bucket = point.bucket
    return _Point(point.at, bucket.count, bucket.total, bucket.minimum, bucket.maximum, bucket.sketch)


def _datapoint(point: _Point) -> Datapoint:
    bucket = Bucket()
    bucket.count, bucket.total, bucket.minimum = point.count, point.total, point.minimum
    bucket.maximum, bucket.sketch = point.maximum, point.sketch
    return Datapoint(point.at, bucket)
