"""When the writer is woken: not for each commit, but for those that belong together. Used by `store.py`, on the loop.

A commit costs the disk and the writer nearly the same for one as for sixteen, and those who were just answered are
likely to write again at once. So while a batch is being written the next one gathers, and it goes when a turn of the
loop has brought nothing new, or when it is large enough. A lone commit does not wait; removals that nobody waits for
wait a moment for company.
"""

import asyncio
from collections.abc import Callable, Sequence

from callpark.store.ports import Change, Done

#: More commits than this need not wait for others.
ENOUGH = 16

#: Patient removals wait this long for company: nobody stands in line behind them.
LINGER_SECONDS = 0.003


class Gathering:
    """`lined_up` says how much waits for the writer, `wake` makes it take all of that."""

    def __init__(self, lined_up: Callable[[], int], wake: Callable[[], None]) -> None:
        self._lined_up = lined_up
        self._wake = wake
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last = 0
        self._in_flight = False
        self._following = False
        self._urgent = False
        self._looking = False
        self._lingering: asyncio.TimerHandle | None = None

    def add(self, urgent: bool) -> None:
        """One more was lined up."""
        self._urgent = self._urgent or urgent
        if not self._looking and not self._in_flight and (self._urgent or self._lingering is None):
            self._look_soon(0)
        elif self._in_flight and not self._following and self._lined_up() >= ENOUGH:
            self._following = True
            self._go()

    def settled(self) -> None:
        """What the writer had is settled, and those who waited for it are answered."""
        self._in_flight = self._following = False
        if not self._looking and self._lined_up():
            self._look_soon(0)

    def _look_soon(self, known: int) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._looking = True
        self._loop.call_soon(self._look, known)

    def _look(self, known: int) -> None:
        """`known` is what was lined up one turn ago."""
        lined_up = self._lined_up()
        self._looking = False
        if known < lined_up < ENOUGH and self._last > 1:
            self._look_soon(lined_up)
        elif self._urgent or lined_up >= ENOUGH:
            self._go()
        elif lined_up and self._lingering is None:
            assert self._loop is not None
            self._lingering = self._loop.call_later(LINGER_SECONDS, self._go)

    def _go(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        self._last = self._lined_up()
        self._urgent = False
        self._in_flight = self._last > 0
        self._wake()


def urgent(changes: Sequence[Change]) -> bool:
    """Whether somebody waits for a commit."""
    return any(not isinstance(change, Done) or not change.patient for change in changes)
