"""The life of an event as a state machine: runs, throttles, restarts and changed settings in any order.

The policy is pure, so the machine keeps what the queue would keep: the event's durable state, its back-off counter,
which a restart forgets, and the settings, which change under it.
"""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
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
from callpark.kernel.limits import LambdaLimits

pytestmark = pytest.mark.unit

LIMITS = LambdaLimits()
ACCEPTED = 1_000_000.0
seconds = st.floats(0.0, 900.0)


class EventLife(RuleBasedStateMachine):
    """`due` is when the event is looked at next, `ended` how it ended; `most_retries` and `longest_age` are the most
    that any of its settings allowed."""

    governed: EventRules

    @initialize(retries=st.integers(0, 2), age=st.integers(60, 21_600), reserved=st.none() | st.integers(0, 2))
    def accept(self, retries: int, age: int, reserved: int | None) -> None:
        self.governed = replace(
            event_rules(None, reserved, LIMITS), maximum_retry_attempts=retries, maximum_event_age_seconds=float(age)
        )
        self.most_retries, self.longest_age = retries, age
        self.now = self.due = ACCEPTED
        self.attempts = self.throttles = 0
        self.ended: Succeed | Discard | None = None

    def _alive(self) -> bool:
        return self.ended is None

    def _come_up(self) -> bool:
        """The event's time has come; False when it is given up instead of tried."""
        self.now = max(self.now, self.due)
        early = before_attempt(self.governed, ACCEPTED, self.now)
        if early is not None:
            self.ended = early
            if early.condition == "EventAgeExceeded":
                assert self.now - ACCEPTED > self.governed.maximum_event_age_seconds
        return early is None

    def _decided(self, decision: Succeed | Discard | Retry | BackOff) -> None:
        if isinstance(decision, Succeed | Discard):
            self.ended = decision
            return
        assert decision.at > self.now
        assert decision.at - ACCEPTED <= self.governed.maximum_event_age_seconds, "it looks ahead"
        self.due = decision.at

    @precondition(_alive)
    @rule(took=seconds)
    def fail(self, took: float) -> None:
        if not self._come_up():
            return
        self.now += took
        self.attempts += 1
        self.throttles = 0
        decision = after_run(self.governed, failed=True, attempts=self.attempts, accepted_at=ACCEPTED, now=self.now)
        if isinstance(decision, Retry):
            assert math.isclose(decision.at - self.now, 60.0 * 2 ** (self.attempts - 1), abs_tol=1e-6)
        elif isinstance(decision, Discard) and decision.condition == "RetriesExhausted":
            assert self.attempts > self.governed.maximum_retry_attempts
        self._decided(decision)

    @precondition(_alive)
    @rule(took=seconds)
    def succeed(self, took: float) -> None:
        if self._come_up():
            self.now += took
            self.attempts += 1
            self._decided(
                after_run(self.governed, failed=False, attempts=self.attempts, accepted_at=ACCEPTED, now=self.now)
            )

    @precondition(_alive)
    @rule()
    def throttle(self) -> None:
        if not self._come_up():
            return
        decision = after_throttle(self.governed, throttles=self.throttles, accepted_at=ACCEPTED, now=self.now)
        if isinstance(decision, BackOff):
            expected = min(LIMITS.throttle_base_seconds * 2**self.throttles, LIMITS.throttle_maximum_seconds)
            assert math.isclose(decision.at - self.now, expected, abs_tol=1e-6)
            self.throttles += 1
        self._decided(decision)

    @precondition(_alive)
    @rule(down=st.floats(0.0, 30_000.0))
    def restart(self, down: float) -> None:
        """The back-off counter lives in memory, the attempts on disk; a run under way is not counted."""
        self.throttles = 0
        self.now += down

    @precondition(lambda self: self.ended is not None)
    @rule()
    def over(self) -> None:
        """Nothing more happens to it."""

    @precondition(_alive)
    @rule(retries=st.integers(0, 2), age=st.integers(60, 21_600), reserved=st.none() | st.integers(0, 2))
    def change_settings(self, retries: int, age: int, reserved: int | None) -> None:
        self.governed = replace(
            self.governed,
            maximum_retry_attempts=retries,
            maximum_event_age_seconds=float(age),
            reserved_concurrency=reserved,
        )
        self.most_retries, self.longest_age = max(self.most_retries, retries), max(self.longest_age, age)

    @invariant()
    def no_more_runs_than_any_setting_allowed(self) -> None:
        if hasattr(self, "attempts"):
            assert self.attempts <= 1 + self.most_retries

    @invariant()
    def what_waits_is_not_too_old(self) -> None:
        if hasattr(self, "due") and self.ended is None:
            assert self.due - ACCEPTED <= self.longest_age

    @invariant()
    def only_zero_concurrency_ends_an_event_for_zero_concurrency(self) -> None:
        ended = getattr(self, "ended", None)
        if isinstance(ended, Discard):
            assert (ended.condition == "ZeroReservedConcurrency") == (self.governed.reserved_concurrency == 0)


TestEventLife = EventLife.TestCase
TestEventLife.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
