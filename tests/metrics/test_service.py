"""Minutes, bounds, percentiles, and Prometheus's page."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import MetricsLimits
from callpark.metrics.exposition import exposition
from callpark.metrics.model import METRICS, Bucket, merged
from callpark.metrics.service import ALL, Metrics

pytestmark = pytest.mark.unit

#: lambda.md §10, in its order.
RECORDED = (
    "AsyncEventsReceived",
    "AsyncEventAge",
    "AsyncEventsDropped",
    "DeadLetterErrors",
    "DestinationDeliveryFailures",
    "Invocations",
    "Errors",
    "Throttles",
    "Duration",
    "ConcurrentExecutions",
    "RecursiveInvocationsDropped",
)


def counted(clock: VirtualClock, **limits: int) -> Metrics:
    return Metrics(clock, replace(MetricsLimits(), **limits))


def test_the_names_are_lambdas() -> None:
    assert set(METRICS) == set(RECORDED)


def test_values_fall_into_the_clocks_minutes(clock: VirtualClock) -> None:
    metrics = counted(clock)
    start = clock.now()
    for offset in (0, 1, 59.9, 60, 125):
        metrics.add("Invocations", "f", start + offset)
    found = metrics.datapoints("Invocations", "f", start, start + 180, 60)
    assert [(point.at - start, point.bucket.total) for point in found] == [(0, 3), (60, 1), (120, 1)]
    assert [point.bucket.count for point in metrics.datapoints("Invocations", "f", start + 60, start + 120, 60)] == [1]
    (wide,) = metrics.datapoints("Invocations", "f", start, start + 300, 300)
    assert (wide.at, wide.bucket.total) == (start, 5)


def test_all_functions_together(clock: VirtualClock) -> None:
    metrics = counted(clock)
    now = clock.now()
    for function in "fgg":
        metrics.add("Errors", function, now, 1)
        metrics.add("ConcurrentExecutions", function, now, 1)
    metrics.add("ConcurrentExecutions", ALL, now, 3)
    (errors,) = metrics.datapoints("Errors", None, now, now + 60, 60)
    (concurrent,) = metrics.datapoints("ConcurrentExecutions", None, now, now + 60, 60)
    assert errors.bucket.total == 3
    assert (concurrent.bucket.count, concurrent.bucket.maximum) == (1, 3)
    assert metrics.functions() == ["f", "g"]


@pytest.mark.parametrize(
    ("resource", "total"),
    [
        (None, 31),
        ("f", 1),
        ("f:live", 14),
        ("f:live:1", 4),
        ("f:live:2", 8),
        ("f:2", 16),
        ("f:liv", 0),
        ("f:live:3", 0),
    ],
)
def test_resources_of_a_function(clock: VirtualClock, resource: str | None, total: float) -> None:
    """By version and alias, and behind an alias by the version that it chose."""
    metrics = counted(clock)
    now = clock.now()
    for name, value in (("f", 1), ("f:live", 2), ("f:live:1", 4), ("f:live:2", 8), ("f:2", 16), ("other", 32)):
        metrics.add("Invocations", name, now, value)
    found = metrics.datapoints("Invocations", "f", now, now + 60, 60, resource)
    assert sum(point.bucket.total for point in found) == total
    assert metrics.functions() == ["f", "other"]
    assert 'aws_lambda_Invocations_total{FunctionName="f"} 31' in exposition(metrics)


def test_beyond_the_bound_a_version_counts_for_its_function(clock: VirtualClock) -> None:
    metrics = counted(clock, functions=2)
    for name in ("f", "f:1", "f:2", "g:1"):
        metrics.add("Invocations", name, clock.now())
    totals = [
        sum(point.bucket.total for point in metrics.datapoints("Invocations", function, 0, clock.now() + 60, 60))
        for function in ("f", "g", None)
    ]
    assert totals == [3, 0, 4]


def test_minutes_are_bounded(clock: VirtualClock) -> None:
    metrics = counted(clock, minutes=10)
    start = clock.now()
    for minute in range(100):
        metrics.add("Duration", "f", start + 60 * minute, 1)
    (series,) = metrics.recorded("Duration", "f")
    assert len(list(series.between(0, 10**9))) == 10
    assert series.total == 100


def test_a_value_of_an_older_minute_is_counted_there(clock: VirtualClock) -> None:
    metrics = counted(clock)
    start = clock.now()
    for offset in (120, 0, 120, 60, 0):
        metrics.add("Errors", "f", start + offset)
    found = metrics.datapoints("Errors", "f", start, start + 180, 60)
    assert [point.bucket.count for point in found] == [2, 1, 2]


def test_functions_are_bounded_and_the_sums_stay_right(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    metrics = counted(clock, functions=3)
    for number in range(10):
        metrics.add("Invocations", f"f{number}", clock.now())
    assert metrics.functions() == ["f0", "f1", "f2"]
    (all_,) = metrics.datapoints("Invocations", None, clock.now(), clock.now() + 60, 60)
    assert all_.bucket.total == 10
    assert caplog.text.count("metrics of more than 3 functions, versions and aliases") == 1


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.floats(0, 1))
def test_percentiles_are_right_to_two_per_cent(values: list[float], share: float) -> None:
    bucket = Bucket()
    for value in values:
        bucket.add(value)
    place = max(1, -int(-(share * len(values)) // 1))
    exact = sorted(values)[min(place, len(values)) - 1]
    assert bucket.percentile(share) == pytest.approx(exact, rel=0.02, abs=1e-9)
    assert merged([bucket, bucket]).percentile(share) == pytest.approx(exact, rel=0.02, abs=1e-9) or len(values) > 1


def test_the_page_as_prometheus_reads_it(clock: VirtualClock) -> None:
    metrics = counted(clock)
    for value in (0.5, 3, 3, 2_000_000_000):
        metrics.add("Duration", "f", clock.now(), value)
    metrics.add("Invocations", "f", clock.now())
    metrics.add("Invocations", 'odd"\\\n', clock.now())
    metrics.add("ConcurrentExecutions", "f", clock.now(), 4)
    text = exposition(metrics)
    lines = text.splitlines()
    sample = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]+="([^"\\\n]|\\.)*",?)*\})? [0-9.e+-]+')
    for line in lines:
        assert line.startswith("# ") or sample.fullmatch(line), line
    assert "# TYPE aws_lambda_Duration_milliseconds histogram" in lines
    assert 'aws_lambda_Duration_milliseconds_bucket{FunctionName="f",le="1"} 1' in lines
    assert 'aws_lambda_Duration_milliseconds_bucket{FunctionName="f",le="5"} 3' in lines
    assert 'aws_lambda_Duration_milliseconds_bucket{FunctionName="f",le="+Inf"} 4' in lines
    assert 'aws_lambda_Duration_milliseconds_sum{FunctionName="f"} 2000000006.5' in lines
    assert 'aws_lambda_Invocations_total{FunctionName="f"} 1' in lines
    assert 'aws_lambda_Invocations_total{FunctionName="odd\\"\\\\\\n"} 1' in lines
    assert 'aws_lambda_ConcurrentExecutions{FunctionName="f"} 4' in lines
    for name in RECORDED:
        assert f"aws_lambda_{name}" in text
