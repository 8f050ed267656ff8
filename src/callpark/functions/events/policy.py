"""What becomes of an event: pure decisions, every number handed in.

Called by `events/queue.py` before an attempt, after a run and when no run was possible. Three reasons to try again,
each with its own counter: a function error (60 s, 120 s), a throttle or system error (1 s doubling to 5 minutes), and
none at all for reserved concurrency 0. After a failure the checks come in the order zero concurrency, retries, age.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import math
from typing import Literal, TypeAlias

import msgspec

from callpark.functions.model import EventInvokeConfig
from callpark.kernel.limits import LambdaLimits

Condition: TypeAlias = Literal["RetriesExhausted", "EventAgeExceeded", "ZeroReservedConcurrency", "recursion"]


class EventRules(msgspec.Struct, frozen=True):
    """What a function's events live by. Seconds."""

    maximum_retry_attempts: int
    maximum_event_age_seconds: float
    retry_base_seconds: float
    throttle_base_seconds: float
    throttle_maximum_seconds: float
    reserved_concurrency: int | None
    recursive_invocations: int | None = None
    """How often a function may be invoked in one chain of requests; None for as often as it likes."""


class Succeed(msgspec.Struct, frozen=True):
    """The event is done; OnSuccess, if set."""


class Retry(msgspec.Struct, frozen=True):
    """Run the function again at `at` (epoch seconds)."""

    at: float


class BackOff(msgspec.Struct, frozen=True):
    """Look for room again at `at` (epoch seconds), or earlier when some becomes free."""

    at: float


class Discard(msgspec.Struct, frozen=True):
    """Give the event up; OnFailure and dead-letter queue, if set."""

    condition: Condition


def event_rules(
    config: EventInvokeConfig | None,
    reserved_concurrency: int | None,
    limits: LambdaLimits,
    recursive_invocations: int | None = None,
) -> EventRules:
    """A qualifier's configuration with AWS's defaults filled in."""
    retries = config.maximum_retry_attempts if config is not None else None
    age = config.maximum_event_age_seconds if config is not None else None
    return EventRules(
        maximum_retry_attempts=limits.maximum_retry_attempts if retries is None else retries,
        maximum_event_age_seconds=limits.maximum_event_age_seconds if age is None else age,
        retry_base_seconds=limits.retry_base_seconds,
        throttle_base_seconds=limits.throttle_base_seconds,
        throttle_maximum_seconds=limits.throttle_maximum_seconds,
        reserved_concurrency=reserved_concurrency,
        recursive_invocations=recursive_invocations,
    )


def before_attempt(rules: EventRules, accepted_at: float, now: float, chain: int = 0) -> Discard | None:
    """Whether an event that has come up must be given up instead of run. `chain` is how often the function was invoked
    already in the chain of requests that brought the event.

    The look-ahead has already discarded what would be too old by now, except while the server was down. Only whole
    seconds beyond the age count here, so that a retry which is allowed to the second still runs.
    """
    if rules.reserved_concurrency == 0:
        return Discard("ZeroReservedConcurrency")
    if rules.recursive_invocations is not None and chain >= rules.recursive_invocations:
        return Discard("recursion")
    if math.floor(now - accepted_at) > rules.maximum_event_age_seconds:
        return Discard("EventAgeExceeded")
    return None


def after_run(
    rules: EventRules, *, failed: bool, attempts: int, accepted_at: float, now: float
) -> Succeed | Retry | Discard:
    """What next after the handler ran; `attempts` counts this run. The delay counts from the end of the run."""
    if not failed:
        return Succeed()
    if rules.reserved_concurrency == 0:
        return Discard("ZeroReservedConcurrency")
    if attempts > rules.maximum_retry_attempts:
        return Discard("RetriesExhausted")
    delay = rules.retry_base_seconds * 2 ** (attempts - 1)
    # A run takes time even when the clock is virtual, and elapsed time is rounded up: at least one second has passed.
    if max(1, _elapsed(accepted_at, now)) + delay > rules.maximum_event_age_seconds:
        return Discard("EventAgeExceeded")
    return Retry(now + delay)


def after_throttle(rules: EventRules, *, throttles: int, accepted_at: float, now: float) -> BackOff | Discard:
    """What next when no run was possible; `throttles` counts the times before, since the last run."""
    if rules.reserved_concurrency == 0:
        return Discard("ZeroReservedConcurrency")
    doublings = min(throttles, 64)
    delay = min(rules.throttle_base_seconds * 2**doublings, rules.throttle_maximum_seconds)
    if _elapsed(accepted_at, now) + delay > rules.maximum_event_age_seconds:
        return Discard("EventAgeExceeded")
    return BackOff(now + delay)


def _elapsed(accepted_at: float, now: float) -> int:
    """Whole seconds since acceptance, rounded up; a clock that stepped back counts as none."""
    return max(0, math.ceil(now - accepted_at))
