"""How many batches of a mapping run at once, and when it asks its queue again after failures. Pure.

Called by `poller.py`. Five at first; while the queue holds more than they take, 300 more a minute; a queue that is
drained begins with five again. Each failure in a row halves the width down to one, and the pause before the next
receive doubles, but never lasts beyond the instant at which the failed messages come back: the retry interval is the
queue's visibility timeout.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

from dataclasses import dataclass, replace

from callpark.functions.sources.model import SourceSettings
from callpark.kernel.limits import LambdaLimits


@dataclass(frozen=True, slots=True)
class Scale:
    """`busy_since`: there has been a backlog since then (epoch seconds). `failures` in a row; nothing is received
    before `resume_at`."""

    busy_since: float | None = None
    failures: int = 0
    resume_at: float = 0.0


def width(scale: Scale, settings: SourceSettings, limits: LambdaLimits, now: float) -> int:
    """How many batches may run at once."""
    least, most = bounds(settings, limits)
    grown = 0
    if scale.busy_since is not None:
        grown = int(max(0.0, now - scale.busy_since) * _per_second(limits) + 1e-6)
    return max(1, min(most, least + grown) >> min(scale.failures, 16))


def bounds(settings: SourceSettings, limits: LambdaLimits) -> tuple[int, int]:
    """The width that a mapping starts with, and its largest."""
    if settings.pollers is not None:
        per_poller = limits.source_batches_per_poller
        least = (settings.pollers.minimum or limits.source_minimum_pollers) * per_poller
        most = (settings.pollers.maximum or limits.source_maximum_pollers) * per_poller
        return min(least, most), most
    most = settings.maximum_concurrency or limits.source_concurrency
    return min(limits.source_initial_concurrency, most), most


def busy(scale: Scale, now: float) -> Scale:
    """The queue holds more than may be taken."""
    return scale if scale.busy_since is not None else replace(scale, busy_since=now)


def drained(scale: Scale) -> Scale:
    return scale if scale.busy_since is None else replace(scale, busy_since=None)


def grows_at(scale: Scale, settings: SourceSettings, limits: LambdaLimits, now: float) -> float | None:
    """When the width grows by itself; None when it does not."""
    _, most = bounds(settings, limits)
    if scale.busy_since is None or scale.failures or width(scale, settings, limits, now) >= most:
        return None
    steps = int((now - scale.busy_since) * _per_second(limits) + 1e-6) + 1
    return scale.busy_since + steps / _per_second(limits)


def succeeded(scale: Scale) -> Scale:
    return replace(scale, failures=0, resume_at=0.0) if scale.failures else scale


def failed(scale: Scale, comes_back_at: float, limits: LambdaLimits, now: float) -> Scale:
    """A batch has failed; its messages are visible again at `comes_back_at`."""
    pause = min(limits.throttle_base_seconds * 2.0 ** min(scale.failures, 16), limits.throttle_maximum_seconds)
    resume_at = max(scale.resume_at, min(now + pause, comes_back_at))
    return replace(scale, failures=scale.failures + 1, busy_since=None, resume_at=resume_at)


def paused(scale: Scale, until: float) -> Scale:
    """The queue could not answer; it is asked again then."""
    return replace(scale, resume_at=max(scale.resume_at, until))


def _per_second(limits: LambdaLimits) -> float:
    return limits.source_growth_per_minute / 60.0
