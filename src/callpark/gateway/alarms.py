"""Alarms that all ring after the same time, for thousands of connections with one timer of the event loop.

Used by `http_protocol.py`, which sets and cancels one with every request. Equal delays ring in the order in which they
were set, so a dictionary is the queue.
"""

import asyncio
from collections.abc import Callable

#: An event loop may be this much early.
_GRANULARITY_SECONDS = 0.001


class Alarm:
    __slots__ = ("_alarms", "at", "ring")

    def __init__(self, alarms: "dict[Alarm, None]", at: float, ring: Callable[[], None]) -> None:
        self._alarms = alarms
        self.at = at
        self.ring = ring

    def cancel(self) -> None:
        self._alarms.pop(self, None)


class Alarms:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._alarms: dict[Alarm, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def set(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> Alarm:
        """Call `ring` when the time is over, unless the alarm is cancelled."""
        alarm = Alarm(self._alarms, loop.time() + self._seconds, ring)
        self._alarms[alarm] = None
        if self._timer is None:
            self._timer = loop.call_at(alarm.at, self._due, loop)
        return alarm

    def _due(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        due = loop.time() + _GRANULARITY_SECONDS
        while self._alarms:
            alarm = next(iter(self._alarms))
            if alarm.at > due:
                self._timer = loop.call_at(alarm.at, self._due, loop)
                return
            del self._alarms[alarm]
            alarm.ring()
