"""What looks at an environment's processes from time to time. Used by `environment.py`; all seconds are real.

`Watch` while a run is on, `Freezer` while none is, `PeakMemory` for the limit and the REPORT line, `ComputeShare` for
`scaling.py`.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

#: How often a running process is looked at: its deadline is met exactly, its memory this often.
_LOOK_SECONDS = 0.05
#: In a flood most of a no-op run's time is waiting for a processor, so short is not a millisecond.
_SHORT_RUN_SECONDS = 0.01

Overstep: TypeAlias = Literal["timeout", "memory"]
"""Why a process was killed."""


class Watch:
    """Calls `look` every 50 ms and at the deadline, until it says no. It survives from run to run: arming a timer for
    each would cost more than the look that finds nothing."""

    def __init__(self, look: Callable[[bool], bool]) -> None:
        self.deadline = 0.0
        self._look = look
        self._timer: asyncio.TimerHandle | None = None

    @property
    def on(self) -> bool:
        return self._timer is not None

    def begin(self, deadline: float) -> None:
        """Watch until `deadline` (of `time.perf_counter`)."""
        self.deadline = deadline
        if self._timer is None:
            self._arm()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        remaining = self.deadline - time.perf_counter()
        self._timer = asyncio.get_running_loop().call_later(min(_LOOK_SECONDS, max(0.0, remaining)), self._due)

    def _due(self) -> None:
        self._timer = None
        if self._look(time.perf_counter() >= self.deadline):
            self._arm()


class Freezable(Protocol):
    """A generation of processes, as the freezer sees it."""

    frozen: bool

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way that is part of the last run."""
        ...

    def freeze(self) -> None: ...


class Freezer:
    """Stops processes that have been idle for a moment. AWS does it at once; waiting a moment saves a busy function two
    signals per run."""

    def __init__(self, seconds: float, idle: Callable[[], Freezable | None]) -> None:
        self._seconds = seconds
        self._idle = idle
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Idle from now on."""
        self._since = time.perf_counter()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._due)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        found = self._idle()
        if found is None or found.frozen:
            return
        remaining = self._since + self._seconds - time.perf_counter()
        if remaining > 0.0 or not found.quiet:
            delay = remaining if remaining > 0.0 else _LOOK_SECONDS
            self._timer = asyncio.get_running_loop().call_later(delay, self._due)
        else:
            found.freeze()


class PeakMemory:
    """The most memory that an environment's processes have had, in megabytes."""

    def __init__(self) -> None:
        self.megabytes = 0
        self._looked_at = float("-inf")

    def look(self, read: Callable[[], int]) -> int:
        """Ask the system now."""
        self._looked_at = time.perf_counter()
        self.megabytes = max(self.megabytes, read())
        return self.megabytes

    def after_run(self, read: Callable[[], int], seconds: float) -> int:
        """Ask again, but not after each of many short runs: asking costs more than a no-op run, and in milliseconds a
        handler hardly gets hold of new memory. What it did get shows within 50 ms."""
        if seconds < _SHORT_RUN_SECONDS and time.perf_counter() - self._looked_at < _LOOK_SECONDS:
            return self.megabytes
        return self.look(read)


class ComputeShare:
    """The part of its busy time that a process lately spent computing, 0 to 1. Loading the code is not counted."""

    def __init__(self) -> None:
        self._busy_seconds = 0.0
        self._seen = (0.0, 0.0)
        self._share: float | None = None

    def begin(self, computed: float | None) -> None:
        """A new process; `computed` is what it has computed so far, in seconds, where the system says."""
        self._busy_seconds = 0.0
        self._seen = (computed or 0.0, 0.0)
        self._share = None

    def ran(self, seconds: float) -> None:
        """A run of that length is over."""
        self._busy_seconds += seconds

    def latest(self, read: Callable[[], float | None], running_seconds: float) -> float | None:
        """None before it is known. `read` asks the system, which costs 70 µs: after 5 busy ms, then once in 50."""
        busy = self._busy_seconds + running_seconds
        seen_computed, seen_busy = self._seen
        since = busy - seen_busy
        if since >= (0.005 if self._share is None else _LOOK_SECONDS) and (computed := read()) is not None:
            self._share = min(1.0, max(0.0, (computed - seen_computed) / since))
            self._seen = (computed, busy)
        return self._share
