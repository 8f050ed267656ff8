"""One metric of one function: its last minutes, and its sum since the start. Pure but for its own state.

Made by `service.py`; `add` is the hot path.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from callpark.metrics.model import Bucket

#: Upper bounds of Prometheus's histogram buckets, in milliseconds.
BOUNDS: Sequence[float] = (
    *(1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000),
    *(30_000, 60_000, 120_000, 300_000, 900_000, 3_600_000, 21_600_000),
)


#: So many values wait to be counted together: most are ones and noughts, which cost next to nothing then.
_WAITING = 1_000


class Series:
    """`total`, `number` and `counts` are since the start; `counts` by BOUNDS with one more for what is beyond; `last`
    is the newest value."""

    __slots__ = ("_counts", "_keep", "_minute", "_minutes", "_number", "_total", "_waiting", "last")

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._minutes: dict[int, Bucket] = {}
        self._minute = -1
        self._waiting: list[float] = []
        self._number = 0
        self._total = 0.0
        self._counts = [0] * (len(BOUNDS) + 1)
        self.last = 0.0

    def add(self, at: float, value: float) -> None:
        """A value at an instant, epoch seconds."""
        minute = int(at // 60)
        waiting = self._waiting
        if minute != self._minute or len(waiting) >= _WAITING:
            self._count()
            self._minute = minute
        waiting.append(value)
        self.last = value

    def between(self, start: int, end: int) -> Iterator[tuple[int, Bucket]]:
        """The minutes that have values, in no order; minutes since the epoch, the end exclusive."""
        self._count()
        return ((minute, bucket) for minute, bucket in self._minutes.items() if start <= minute < end)

    @property
    def number(self) -> int:
        self._count()
        return self._number

    @property
    def total(self) -> float:
        self._count()
        return self._total

    @property
    def counts(self) -> Sequence[int]:
        self._count()
        return self._counts

    @property
    def newest_minute(self) -> int:
        self._count()
        return max(self._minutes, default=-1)

    def _count(self) -> None:
        """Count the values that wait; all are of one minute."""
        if not self._waiting:
            return
        bucket = self._minutes.get(self._minute)
        if bucket is None:
            bucket = self._minutes[self._minute] = Bucket()
            oldest = max(self._minutes) - self._keep
            for old in [known for known in self._minutes if known <= oldest]:
                del self._minutes[old]
        for value, times in Counter(self._waiting).items():
            bucket.add(value, times)
            self._number += times
            self._total += value * times
            self._counts[bisect_left(BOUNDS, value)] += times
        self._waiting.clear()
