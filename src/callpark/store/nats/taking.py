"""Brings items into this node's memory: those nobody holds, and those that it holds behind the window. Made by the
store.

Which free items are taken is said by `claims.py`; a claim is a commit like any other, refused when somebody was faster.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence

from callpark.kernel.clock import Clock
from callpark.kernel.limits import StoreLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.timers import Timer
from callpark.store.nats.batches import batches
from callpark.store.nats.claims import Choice, choose
from callpark.store.nats.connection import Unanswered, elapsed
from callpark.store.nats.folding import AnyChange, Claim
from callpark.store.nats.index import Entry
from callpark.store.nats.knowledge import Knowledge
from callpark.store.nats.lookups import Lookups
from callpark.store.ports import BEFORE_ALL, Position, StoreFailure, WorkItem
from callpark.store.queues import Queues
from callpark.store.window import Bounds, weight

_log = logging.getLogger("callpark")

_ITEMS = 500

#: What is read, and taken, at once: items, and bytes as far as parts tell them.
_READ_ITEMS = 250
_READ_BYTES = 8_388_608
_PART_BYTES = 524_288
_HEAD_BYTES = 16_384
_AGAIN_SECONDS = 0.05


class Taking:
    def __init__(
        self,
        clock: Clock,
        limits: StoreLimits,
        bounds: Bounds,
        known: Knowledge,
        queues: Queues,
        lookups: Lookups,
        commit: "Callable[[Sequence[AnyChange]], asyncio.Future[None]]",
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._bounds = bounds
        self._known = known
        self._queues = queues
        self._lookups = lookups
        self._commit = commit
        self._tasks = Tasks("store")
        self._taking = False
        self._wanted = False
        self._timer: Timer | None = None
        self._later: asyncio.TimerHandle | None = None
        self._closed = False

    def look(self) -> None:
        """There may be free items that this node wants."""
        self._wanted = True
        if not self._taking and not self._closed and self._wants():
            self._taking = True
            self._spawn(self._take(), "taking of items")

    def refill(self, queue: str, since: Position) -> None:
        if not self._closed:
            self._spawn(self._refill(queue, since), f"refill of {queue}")

    async def close(self) -> None:
        self._closed = True
        self._disarm()
        await self._tasks.aclose()

    def _wants(self) -> bool:
        free = self._known.index.free
        return any(queue in free for queue in self._known.attended)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._later is not None:
            self._later.cancel()
        self._timer = self._later = None

    async def _take(self) -> None:
        try:
            while self._wanted and not self._closed:
                self._wanted = False
                self._disarm()
                choices = [self._choose(queue) for queue in self._known.attended if queue in self._known.index.free]
                taken = [entry for choice in choices for entry in choice.taken]
                again_in = min((choice.again_in for choice in choices if choice.again_in is not None), default=None)
                if taken:
                    if await self._claim(taken):
                        self._wanted = True
                    else:
                        again_in = _AGAIN_SECONDS
                self._arm(again_in, choices)
        finally:
            self._taking = False

    def _choose(self, queue: str) -> Choice:
        known = self._known
        living = known.membership.living()
        return choose(
            known.index.free[queue].after(BEFORE_ALL),
            known.holder,
            living,
            min(_ITEMS, known.room(queue)),
            self._clock.now(),
            elapsed(),
            self._limits,
        )

    def _arm(self, again_in: float | None, choices: Sequence[Choice]) -> None:
        if self._wanted:
            return
        if again_in is not None:
            self._later = asyncio.get_running_loop().call_later(again_in, self.look)
        ready_at = min((choice.ready_at for choice in choices if choice.ready_at is not None), default=None)
        if ready_at is not None:
            self._timer = self._clock.timer(ready_at, self.look, "store claims")

    async def _claim(self, entries: Sequence[Entry]) -> bool:
        """False when it was no use now."""
        claimed = 0
        for page in _pages(entries):
            try:
                contents = await self._lookups.contents(page)
                await self._commit([Claim(item, entry.at) for entry, item in contents.items()])
            except (Unanswered, StoreFailure) as error:
                _log.debug("items cannot be taken: %s", error)
                return False
            claimed += len(contents)
        return claimed > 0

    async def _refill(self, queue: str, since: Position) -> None:
        """Read on behind the horizon `since`, as far as the window's bounds go."""
        found: dict[Entry, WorkItem] = {}
        try:
            horizon = await self._read_on(self._known.held(queue, since), found)
            while True:  # what was written meanwhile before the new horizon has to come with this
                entries = [
                    entry for entry in self._known.held(queue, since) if horizon is None or entry.position <= horizon
                ]
                missing = [entry for entry in entries if entry not in found]
                if not missing:
                    break
                found.update(await self._lookups.contents(_pages(missing)[0]))
        except (Unanswered, StoreFailure) as error:
            _log.debug("queue %s cannot be read: %s", queue, error)
            self._queues.refill_failed(queue)
            if not self._closed:
                asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._queues.rouse)
            return
        self._queues.refilled(queue, [(entry.sequence, found[entry]) for entry in entries], since, horizon)
        self._queues.review()

    async def _read_on(self, entries: Sequence[Entry], found: dict[Entry, WorkItem]) -> Position | None:
        """Where the new horizon is; None when everything has been read."""
        size = 0
        for page in _pages(entries[: self._bounds.items]):
            found.update(await self._lookups.contents(page))
            for entry in page:
                size += weight(found[entry]) if entry in found else 0
                if size >= self._bounds.bytes and entry is not entries[-1]:
                    return entry.position
        return entries[self._bounds.items - 1].position if len(entries) > self._bounds.items else None

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        hold = self._clock.hold(f"store {name}")

        async def held() -> None:
            try:
                await work
            finally:
                hold.release()

        self._tasks.spawn(held(), name)


def _pages(entries: Sequence[Entry]) -> list[Sequence[Entry]]:
    sizes = [entry.parts.count * _PART_BYTES if entry.parts is not None else _HEAD_BYTES for entry in entries]
    return [entries[page] for page in batches(sizes, _READ_ITEMS, _READ_BYTES)]
