"""Alarms of equal length on one timer."""

import asyncio

import pytest

from callpark.gateway.alarms import Alarms

pytestmark = pytest.mark.unit


class Loop:
    """What alarms use of an event loop, at a time that the test says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, object, object]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: object, loop: object) -> object:
        self.timers.append((when, callback, loop))
        return callback

    def pass_to(self, now: float) -> None:
        self.now = now
        while self.timers and self.timers[0][0] <= now:
            _, callback, loop = self.timers.pop(0)
            callback(loop)  # type: ignore[operator]


@pytest.fixture
def loop() -> Loop:
    return Loop()


def test_each_rings_when_its_time_is_over(loop: Loop) -> None:
    alarms, rung = Alarms(5.0), list[str]()
    events: asyncio.AbstractEventLoop = loop  # type: ignore[assignment]
    alarms.set(events, lambda: rung.append("a"))
    loop.pass_to(102.0)
    alarms.set(events, lambda: rung.append("b"))
    loop.pass_to(104.9)
    assert rung == []
    loop.pass_to(105.0)
    assert rung == ["a"]
    loop.pass_to(107.0)
    assert rung == ["a", "b"]
    assert not loop.timers


def test_a_cancelled_one_is_silent_and_there_is_never_more_than_one_timer(loop: Loop) -> None:
    alarms, rung = Alarms(5.0), list[int]()
    events: asyncio.AbstractEventLoop = loop  # type: ignore[assignment]
    for number in range(50):
        alarm = alarms.set(events, lambda number=number: rung.append(number))  # type: ignore[misc]
        assert len(loop.timers) == 1
        loop.pass_to(loop.now + 1.0)
        if number != 40:
            alarm.cancel()
            alarm.cancel()
    loop.pass_to(200.0)
    assert rung == [40]
    assert not loop.timers


def test_one_that_is_set_while_another_rings(loop: Loop) -> None:
    alarms, rung = Alarms(5.0), list[str]()
    events: asyncio.AbstractEventLoop = loop  # type: ignore[assignment]

    def first() -> None:
        alarms.set(events, lambda: rung.append("second"))

    alarms.set(events, first)
    loop.pass_to(105.0)
    loop.pass_to(110.0)
    assert rung == ["second"]
    assert not loop.timers
