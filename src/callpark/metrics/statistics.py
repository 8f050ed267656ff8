"""CloudWatch's statistics of a bucket: SampleCount, Sum, Average, Minimum, Maximum and percentiles. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from callpark.metrics.model import Bucket

Statistic: TypeAlias = Callable[[Bucket], float]

SIMPLE: Mapping[str, Statistic] = {
    "SampleCount": lambda bucket: float(bucket.count),
    "Sum": lambda bucket: bucket.total,
    "Average": lambda bucket: bucket.total / bucket.count,
    "Minimum": lambda bucket: bucket.minimum,
    "Maximum": lambda bucket: bucket.maximum,
}

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
_OTHERS = re.compile(r"(?:tm|wm|tc|ts|pr|TM|WM|TC|TS|PR)[\d(].*|iqm|IQM")


def statistic(name: str) -> Statistic | None:
    """None for a name that is no statistic here."""
    if name in SIMPLE:
        return SIMPLE[name]
    found = _PERCENTILE.fullmatch(name)
    if found is None:
        return None
    share = float(found[1]) / 100
    return lambda bucket: bucket.percentile(share)


def is_cloudwatchs(name: str) -> bool:
    """Whether CloudWatch knows a statistic that callpark does not compute."""
    return _OTHERS.fullmatch(name) is not None
