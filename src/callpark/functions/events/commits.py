"""Commits that end a lease: tried until the store takes them, and removals gathered into few of them.

Called by `events/endings.py`. While the store cannot commit, the lease is ours and nothing is lost.
"""

import logging
from collections.abc import Sequence

from callpark.kernel.clock import Clock, sleep
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.tasks import Tasks
from callpark.store.ports import Change, Done, Store, StoreFailure

_log = logging.getLogger("callpark")


class Commits:
    def __init__(self, store: Store, clock: Clock, limits: LambdaLimits, tasks: Tasks) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._tasks = tasks
        self._removals: list[Change] = []
        self._removing = False

    async def commit(self, changes: Sequence[Change]) -> None:
        """Returns when the changes are durable."""
        delay = self._limits.throttle_base_seconds
        while True:
            try:
                await self._store.commit(changes)
            except StoreFailure as failure:
                _log.warning("events cannot be stored: %s; trying again in %g s", failure, delay)
                await sleep(self._clock, delay, "events cannot be stored")
                delay = min(2 * delay, self._limits.throttle_maximum_seconds)
            else:
                return

    def remove(self, done: Done) -> None:
        """Remove an event soon. At worst, after a crash, it runs again."""
        self._removals.append(done)
        if not self._removing:
            self._removing = True
            self._tasks.spawn(self._remove(), "finished events")

    async def flush(self) -> None:
        """Make what was given to `remove` durable before the end; tried once."""
        removals, self._removals = self._removals, []
        if removals:
            try:
                await self._store.commit(removals)
            except StoreFailure as failure:
                _log.warning("%d finished events could not be removed and will run again: %s", len(removals), failure)

    async def _remove(self) -> None:
        try:
            while self._removals:
                removals, self._removals = self._removals, []
                await self.commit(removals)
        finally:
            self._removing = False
