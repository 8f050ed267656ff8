"""One metric of one function: its last minutes, and its sum since the start. Pure but for its own state.

Made by `service.py`; `add` is the hot path.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from callpark.metrics.model import Bucket

#: Upper bounds of Prometheus's histogram buckets, in milliseconds.
BOUNDS: Sequence[float] = (
    *(1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000),
    *(30_000, 60_000, 120_000, 300_000, 900_000, 3_600_000, 21_600_000),
)


class Series:
    """`total` and `counts` are since the start; `counts` by BOUNDS with one more for what is beyond; `last` is the
    newest value."""

    __slots__ = ("_bucket", "_keep", "_minute", "_minutes", "counts", "last", "number", "total")

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._minutes: dict[int, Bucket] = {}
        self._minute = -1
        self._bucket = Bucket()
        self.number = 0
        self.total = 0.0
        self.last = 0.0
        self.counts = [0] * (len(BOUNDS) + 1)

    def add(self, at: float, value: float) -> None:
        """A value at an instant, epoch seconds."""
        minute = int(at // 60)
        if minute != self._minute:
            self._turn(minute)
        self._bucket.add(value)
        self.number += 1
        self.total += value
        self.last = value
        self.counts[bisect_left(BOUNDS, value)] += 1

    def between(self, start: int, end: int) -> Iterator[tuple[int, Bucket]]:
        """The minutes that have values, in no order; minutes since the epoch, the end exclusive."""
        return ((minute, bucket) for minute, bucket in self._minutes.items() if start <= minute < end)

    @property
    def newest_minute(self) -> int:
        return max(self._minutes, default=-1)

    def _turn(self, minute: int) -> None:
        bucket = self._minutes.get(minute)
        if bucket is None:
            bucket = self._minutes[minute] = Bucket()
            oldest = max(self._minutes) - self._keep
            for old in [known for known in self._minutes if known <= oldest]:
                del self._minutes[old]
        self._minute, self._bucket = minute, bucket
