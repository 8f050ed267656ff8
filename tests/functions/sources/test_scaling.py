"""How many batches run at once: the recorded numbers, and properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.functions.sources.model import Pollers, SourceSettings
from callpark.functions.sources.scaling import (
    Scale,
    bounds,
    busy,
    drained,
    failed,
    grows_at,
    paused,
    succeeded,
    width,
)
from callpark.kernel.limits import LambdaLimits

pytestmark = pytest.mark.unit

LIMITS = LambdaLimits()
PLAIN = SourceSettings()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, 5), (0.19, 5), (0.2, 6), (1, 10), (60, 305), (120, 605), (249, 1_250), (9_999, 1_250)],
)
def test_five_at_first_and_300_more_a_minute(seconds: float, expected: int) -> None:
    assert width(Scale(), PLAIN, LIMITS, 1_000.0) == 5
    assert width(busy(Scale(), 1_000.0), PLAIN, LIMITS, 1_000.0 + seconds) == expected


def test_a_drained_queue_begins_anew() -> None:
    scale = drained(busy(Scale(), 0.0))
    assert width(scale, PLAIN, LIMITS, 60.0) == 5
    assert busy(busy(Scale(), 5.0), 9.0).busy_since == 5.0


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (PLAIN, (5, 1_250)),
        (SourceSettings(maximum_concurrency=2), (2, 2)),
        (SourceSettings(maximum_concurrency=1_000), (5, 1_000)),
        (SourceSettings(pollers=Pollers(3, 5)), (30, 50)),
        (SourceSettings(pollers=Pollers(None, 5)), (20, 50)),
        (SourceSettings(pollers=Pollers(3, None)), (30, 2_000)),
    ],
)
def test_bounds(settings: SourceSettings, expected: tuple[int, int]) -> None:
    assert bounds(settings, LIMITS) == expected


def test_failures_halve_the_width_and_double_the_pause() -> None:
    scale, far = Scale(), 10_000.0
    seen = []
    for _ in range(5):
        scale = failed(scale, far, LIMITS, 100.0)
        seen.append((width(scale, PLAIN, LIMITS, 100.0), scale.resume_at - 100.0))
    assert seen == [(2, 1.0), (1, 2.0), (1, 4.0), (1, 8.0), (1, 16.0)]
    assert succeeded(scale) == Scale()


def test_the_pause_ends_when_the_messages_come_back() -> None:
    """(recorded) the retry interval is the visibility timeout."""
    scale = Scale(failures=9)
    assert failed(scale, 107.0, LIMITS, 100.0).resume_at == 107.0
    assert failed(Scale(failures=99), 1e9, LIMITS, 100.0).resume_at == 400.0


def test_a_queue_that_cannot_answer() -> None:
    assert paused(Scale(), 7.0).resume_at == 7.0
    assert paused(Scale(resume_at=9.0), 7.0).resume_at == 9.0


@given(st.floats(0, 400), st.integers(2, 1_000))
def test_the_width_grows_when_it_says_so(seconds: float, most: int) -> None:
    settings, scale = SourceSettings(maximum_concurrency=most), busy(Scale(), 0.0)
    now = width(scale, settings, LIMITS, seconds)
    at = grows_at(scale, settings, LIMITS, seconds)
    assert 1 <= now <= most
    if at is None:
        assert now == most
    else:
        assert at > seconds
        assert width(scale, settings, LIMITS, at) > now


@given(st.lists(st.sampled_from(["busy", "drained", "failed", "succeeded"]), max_size=40))
def test_whatever_happens_one_batch_may_run(happenings: list[str]) -> None:
    scale, now = Scale(), 0.0
    for happening in happenings:
        now += 1.0
        if happening == "busy":
            scale = busy(scale, now)
        elif happening == "drained":
            scale = drained(scale)
        elif happening == "failed":
            scale = failed(scale, now + 30.0, LIMITS, now)
        else:
            scale = succeeded(scale)
        assert 1 <= width(scale, PLAIN, LIMITS, now) <= 1_250
        assert scale.resume_at <= now + 30.0
