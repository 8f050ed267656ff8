"""What becomes of an event, as tables of recorded and documented facts (lambda.md §4) and as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callpark.functions.events.policy import (
    BackOff,
    Discard,
    EventRules,
    Retry,
    Succeed,
    after_run,
    after_throttle,
    before_attempt,
    event_rules,
)
from callpark.functions.model import EventInvokeConfig
from callpark.kernel.limits import LambdaLimits

pytestmark = pytest.mark.unit

DEFAULT = event_rules(None, None, LambdaLimits())


def test_defaults_are_awss() -> None:
    assert EventRules(2, 21_600, 60.0, 1.0, 300.0, None) == DEFAULT


def test_a_configuration_replaces_only_what_it_sets() -> None:
    assert event_rules(EventInvokeConfig(maximum_retry_attempts=0), 5, LambdaLimits()) == replace(
        DEFAULT, maximum_retry_attempts=0, reserved_concurrency=5
    )
    assert event_rules(EventInvokeConfig(maximum_event_age_seconds=60), None, LambdaLimits()) == replace(
        DEFAULT, maximum_event_age_seconds=60
    )


@pytest.mark.parametrize(
    ("retries", "age", "attempts", "now", "decision"),
    [
        # §4.2: one minute after the first failure, two after the second
        (2, 21_600, 1, 0.002, Retry(60.002)),
        (2, 21_600, 2, 61.0, Retry(181.0)),
        (2, 21_600, 3, 182.0, Discard("RetriesExhausted")),
        (1, 21_600, 2, 61.0, Discard("RetriesExhausted")),
        (0, 21_600, 1, 1.0, Discard("RetriesExhausted")),
        # §4.3: the age looks ahead; elapsed time is rounded up
        (2, 60, 1, 0.0, Discard("EventAgeExceeded")),
        (2, 60, 1, 0.002, Discard("EventAgeExceeded")),
        (2, 61, 1, 1.0, Retry(61.0)),
        (2, 61, 1, 1.001, Discard("EventAgeExceeded")),
        (2, 90, 1, 0.5, Retry(60.5)),
        (2, 90, 2, 60.5, Discard("EventAgeExceeded")),
        # L4: retries are looked at before age
        (0, 60, 1, 1.0, Discard("RetriesExhausted")),
        (1, 90, 2, 60.5, Discard("RetriesExhausted")),
    ],
)
def test_after_a_failed_run(retries: int, age: int, attempts: int, now: float, decision: Retry | Discard) -> None:
    rules = replace(DEFAULT, maximum_retry_attempts=retries, maximum_event_age_seconds=age)
    assert after_run(rules, failed=True, attempts=attempts, accepted_at=0.0, now=now) == decision


def test_zero_concurrency_comes_first_whatever_else_is_true() -> None:
    rules = replace(DEFAULT, reserved_concurrency=0, maximum_retry_attempts=0, maximum_event_age_seconds=60)
    expected = Discard("ZeroReservedConcurrency")
    assert before_attempt(rules, 0.0, 99_999.0) == expected
    assert after_run(rules, failed=True, attempts=1, accepted_at=0.0, now=1.0) == expected
    assert after_throttle(rules, throttles=0, accepted_at=0.0, now=99_999.0) == expected
    assert after_run(rules, failed=False, attempts=1, accepted_at=0.0, now=1.0) == Succeed()


@pytest.mark.parametrize(
    ("throttles", "delay"),
    [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 32), (6, 64), (7, 128), (8, 256), (9, 300), (10, 300), (5000, 300)],
)
def test_throttles_back_off_from_one_second_doubling_to_five_minutes(throttles: int, delay: float) -> None:
    assert after_throttle(DEFAULT, throttles=throttles, accepted_at=0.0, now=1.0) == BackOff(1.0 + delay)


@pytest.mark.parametrize(
    ("now", "decision"),
    [(58.0, BackOff(59.0)), (59.0, BackOff(60.0)), (59.001, Discard("EventAgeExceeded")), (-5.0, BackOff(-4.0))],
)
def test_throttled_events_look_ahead_too(now: float, decision: BackOff | Discard) -> None:
    rules = replace(DEFAULT, maximum_event_age_seconds=60)
    assert after_throttle(rules, throttles=0, accepted_at=0.0, now=now) == decision


@pytest.mark.parametrize(
    ("now", "decision"), [(60.0, None), (60.9, None), (61.0, Discard("EventAgeExceeded")), (0.0, None)]
)
def test_an_event_found_too_old_is_not_run(now: float, decision: Discard | None) -> None:
    assert before_attempt(replace(DEFAULT, maximum_event_age_seconds=60), 0.0, now) == decision


rules = st.builds(
    EventRules,
    maximum_retry_attempts=st.integers(0, 2),
    maximum_event_age_seconds=st.integers(60, 21_600),
    retry_base_seconds=st.just(60.0),
    throttle_base_seconds=st.just(1.0),
    throttle_maximum_seconds=st.just(300.0),
    reserved_concurrency=st.one_of(st.none(), st.integers(0, 3)),
)
steps = st.lists(st.tuples(st.sampled_from(["fail", "throttle"]), st.floats(0.0, 900.0)), min_size=20, max_size=30)


@given(rules, steps)
def test_every_life_ends_in_time_and_within_its_attempts(rules: EventRules, steps: list[tuple[str, float]]) -> None:
    """Whatever happens to an event, it is discarded, ran at most 1 + retries times, never waits beyond its age, and
    every delay lies in the future."""
    now, attempts, throttles, condition = 0.0, 0, 0, None
    for kind, took in steps:
        if (early := before_attempt(rules, 0.0, now)) is not None:
            condition = early.condition
            break
        decision: Succeed | Retry | BackOff | Discard
        if kind == "fail":
            attempts, throttles, now = attempts + 1, 0, now + took
            decision = after_run(rules, failed=True, attempts=attempts, accepted_at=0.0, now=now)
        else:
            decision = after_throttle(rules, throttles=throttles, accepted_at=0.0, now=now)
            throttles += 1
        if isinstance(decision, Discard):
            condition = decision.condition
            break
        assert isinstance(decision, Retry | BackOff)
        assert now < decision.at <= rules.maximum_event_age_seconds
        now = decision.at
    if attempts <= rules.maximum_retry_attempts and condition is None:
        assert now <= rules.maximum_event_age_seconds
    else:
        assert condition is not None
    assert attempts <= 1 + rules.maximum_retry_attempts
    assert (condition == "ZeroReservedConcurrency") == (rules.reserved_concurrency == 0)


@given(rules, st.floats(0, 1e6), st.floats(0, 1e6))
def test_success_is_never_discarded(rules: EventRules, accepted_at: float, now: float) -> None:
    assert after_run(rules, failed=False, attempts=1, accepted_at=accepted_at, now=now) == Succeed()
