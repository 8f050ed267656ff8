"""The heap of timers: their order, the cancelled ones, what one costs."""

import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.kernel.timers import TimerHeap

pytestmark = pytest.mark.unit

INSTANTS = st.integers(0, 20).map(float)


def _nothing() -> None:
    pass


def _drain(heap: TimerHeap, now: float) -> None:
    while (callback := heap.pop_due(now, heap.last_sequence)) is not None:
        callback()


def _appender(found: list[int], n: int) -> Callable[[], None]:
    return lambda: found.append(n)


@given(st.lists(st.tuples(INSTANTS, st.sampled_from(["", "a", "b"]), st.booleans())), INSTANTS)
def test_timers_come_by_instant_then_key_then_arming(timers: list[tuple[float, str, bool]], now: float) -> None:
    heap, found = TimerHeap(), list[int]()
    armed = [heap.arm(at, _appender(found, n), key) for n, (at, key, _) in enumerate(timers)]
    for timer, (_, _, cancelled) in zip(armed, timers, strict=True):
        if cancelled:
            timer.cancel()
    assert len(heap) == sum(not cancelled for _, _, cancelled in timers)
    _drain(heap, now)
    due = sorted((at, key, n) for n, (at, key, cancelled) in enumerate(timers) if at <= now and not cancelled)
    assert found == [n for _, _, n in due]
    later = [at for at, _, cancelled in timers if at > now and not cancelled]
    assert heap.next_at() == min(later, default=None)
    assert len(heap) == len(later)


def test_cancelling_twice_or_after_firing_does_nothing() -> None:
    heap = TimerHeap()
    fired, cancelled = heap.arm(1.0, _nothing), heap.arm(1.0, _nothing)
    cancelled.cancel()
    cancelled.cancel()
    assert len(heap) == 1
    _drain(heap, 1.0)
    fired.cancel()
    assert len(heap) == 0
    assert heap.next_at() is None


def test_a_timer_that_was_armed_later_is_left_for_the_next_round() -> None:
    heap, found = TimerHeap(), list[int]()
    heap.arm(1.0, _appender(found, 1))
    last = heap.last_sequence
    heap.arm(0.0, _appender(found, 2))
    assert heap.pop_due(1.0, last) is None
    _drain(heap, 1.0)
    assert found == [2, 1]


def test_the_dead_never_outnumber_the_living_for_long() -> None:
    heap = TimerHeap()
    heap.arm(2.0, _nothing)
    for _ in range(10_000):
        heap.arm(1e9, _nothing).cancel()
    assert len(heap) == 1
    assert len(heap._entries) < 200


def test_what_a_waiting_timer_costs() -> None:
    heap, count = TimerHeap(), 20_000
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        timers = [heap.arm(1e9 + n, _nothing) for n in range(count)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / len(timers) < 260, "bytes; about 210 with its handle and its instant"
