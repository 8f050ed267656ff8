"""The one clock: instants, timers and holds for every slice.

`SystemClock` follows the machine. `VirtualClock` stands still until it is told to move: `advance(60)` for tests that
steer time (manual mode), `run_until(awaitable)` for those that only want the answer (auto mode: whenever nothing can
happen, jump to the next timer). Only the timers are virtual: the event loop, its sockets and its child processes stay
real, and whoever does real work holds time meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sized
from typing import Protocol, TypeVar

from callpark.kernel.errors import Deadlock, RuntimeBug
from callpark.kernel.holds import Hold, HoldLedger
from callpark.kernel.timers import Timer, TimerHeap

T = TypeVar("T")


class Clock(Protocol):
    """What slices see of time. Instants are epoch seconds."""

    def now(self) -> float: ...

    def timer(self, at: float, callback: Callable[[], None], key: str = "") -> Timer:
        """Call back at `at`; soon after returning when it lies in the past. `key` orders equal instants."""
        ...

    def hold(self, owner: str) -> Hold:
        """Keep virtual time from moving until the hold is released. `owner` says who, for people."""
        ...


async def sleep(clock: Clock, seconds: float, key: str = "") -> None:
    """Wait `seconds` on the clock. Cancelling the task disarms the timer."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not done.done():
            done.set_result(None)

    timer = clock.timer(clock.now() + seconds, wake, key)
    try:
        await done
    finally:
        timer.cancel()


class SystemClock:
    """The machine's time. One loop callback serves the whole heap."""

    #: The loop counts in monotonic time, timers are due in wall-clock time. Looking at the wall clock this often, in
    #: seconds, bounds how late a timer comes when the machine was suspended or its clock was set forward.
    LONGEST_SLEEP = 5.0

    def __init__(self) -> None:
        self._timers = TimerHeap()
        self._ledger = HoldLedger(lambda: None)
        self._armed_at: float | None = None
        self._handle: asyncio.TimerHandle | None = None

    def now(self) -> float:
        return time.time()

    def timer(self, at: float, callback: Callable[[], None], key: str = "") -> Timer:
        timer = self._timers.arm(at, callback, key)
        if self._armed_at is None or at < self._armed_at:
            self._arm(at)
        return timer

    def hold(self, owner: str) -> Hold:
        return self._ledger.take(owner)

    def _arm(self, at: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        loop = asyncio.get_running_loop()
        self._armed_at = at
        delay = min(max(0.0, at - time.time()), self.LONGEST_SLEEP)
        self._handle = loop.call_at(loop.time() + delay, self._run)

    def _run(self) -> None:
        self._armed_at = self._handle = None
        now, last = time.time(), self._timers.last_sequence
        try:
            # What callbacks arm meanwhile waits for the next turn, so that a timer in the past never starves the loop.
            while (callback := self._timers.pop_due(now, last)) is not None:
                callback()
        finally:
            following = self._timers.next_at()
            if following is not None and (self._armed_at is None or following < self._armed_at):
                self._arm(following)


class VirtualClock:
    """Time that moves only when told to, and never over held work.

    `watchdog_seconds` bounds, in real seconds, how long one piece of held work may last before the clock gives up and
    says who holds it.
    """

    #: Loop turns without any change after which nothing more is going to happen by itself. A wake-up crosses a future,
    #: a task and a lane, three turns; the margin is for sockets and costs microseconds.
    SETTLED_TURNS = 12

    #: The same on a loop that does not show whether callbacks are ready to run (uvloop): longer than any chain of
    #: futures and tasks that the house has.
    SETTLED_BLIND_TURNS = 100

    #: Turns without any change after which callbacks that still run count as somebody polling, not as work.
    POLLING_TURNS = 2_000

    def __init__(self, start: float = 1_767_225_600.0, watchdog_seconds: float = 60.0) -> None:
        self._now = start
        self._timers = TimerHeap()
        self._changes = 0
        self._changed = asyncio.Event()
        self._ledger = HoldLedger(self._note_change)
        self._watchdog_seconds = watchdog_seconds

    def now(self) -> float:
        return self._now

    def timer(self, at: float, callback: Callable[[], None], key: str = "") -> Timer:
        self._changes += 1
        if at <= self._now:
            self._changed.set()
        return self._timers.arm(at, callback, key)

    def hold(self, owner: str) -> Hold:
        return self._ledger.take(owner)

    async def advance(self, seconds: float) -> None:
        """Move time by `seconds`, running everything that becomes due on the way, and return when all is quiet."""
        until = self._now + seconds
        await self._settle()
        while (at := self._timers.next_at()) is not None and at <= until:
            self._jump(at)
            await self._settle()
        self._now = max(self._now, until)

    async def run_until(self, awaited: Awaitable[T]) -> T:
        """Await something, jumping to the next timer whenever nothing else can happen.

        Raises Deadlock at once when it can never complete: idle, nothing held, nothing due.
        """
        task = asyncio.ensure_future(awaited)
        try:
            while not await self._settle(task):
                at = self._timers.next_at()
                if at is None:
                    raise Deadlock(f"nothing is due and nothing is held, yet these wait: {_waiting(task)}")
                self._jump(at)
            return await task
        finally:
            if not task.done():
                task.cancel()

    async def settle(self) -> None:
        """Let everything happen that can happen at this instant."""
        await self._settle()

    def explain(self) -> str:
        """Who holds time and what is due next, for people."""
        owners = ", ".join(sorted(self._ledger.owners())) or "nobody"
        at = self._timers.next_at()
        due = "nothing is due" if at is None else f"next timer in {at - self._now:.3f} s"
        return f"held by: {owners}; {due}; {len(self._timers)} timers armed"

    def _jump(self, at: float) -> None:
        self._now = max(self._now, at)
        last = self._timers.last_sequence
        while (callback := self._timers.pop_due(self._now, last)) is not None:
            self._changes += 1
            callback()

    async def _settle(self, task: "asyncio.Future[T] | None" = None) -> bool:
        """Wait until nothing is held and no loop turn changes anything; True as soon as `task` is done."""
        ready: Sized | None = getattr(asyncio.get_running_loop(), "_ready", None)
        settled_turns = self.SETTLED_BLIND_TURNS if ready is None else self.SETTLED_TURNS
        quiet_turns = idle_turns = 0
        give_up_at = time.monotonic() + self._watchdog_seconds
        while idle_turns < settled_turns and quiet_turns < self.POLLING_TURNS:
            if task is not None and task.done():
                return True
            before = self._changes
            await asyncio.sleep(0)
            at = self._timers.next_at()
            if at is not None and at <= self._now:
                self._jump(self._now)
            elif self._ledger:
                await self._wait_for_release(task)
                give_up_at = time.monotonic() + self._watchdog_seconds
            if self._changes != before:
                quiet_turns = idle_turns = 0
                if time.monotonic() > give_up_at:
                    raise RuntimeBug(f"this instant never comes to rest; {self.explain()}")
            else:
                quiet_turns += 1
                idle_turns = 0 if ready else idle_turns + 1
        return task is not None and task.done()

    async def _wait_for_release(self, task: "asyncio.Future[T] | None") -> None:
        """Wait until a hold is taken or released, a timer is due at this instant, or `task` is done."""
        self._changed.clear()
        waiters: list[asyncio.Future[object]] = [asyncio.ensure_future(self._changed.wait())]
        if task is not None:
            waiters.append(task)  # type: ignore[arg-type]
        try:
            done, _ = await asyncio.wait(waiters, timeout=self._watchdog_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiters[0].cancel()
        self._changes += 1
        if not done:
            raise RuntimeBug(f"virtual time stood still for {self._watchdog_seconds} real seconds; {self.explain()}")

    def _note_change(self) -> None:
        self._changes += 1
        self._changed.set()


def _waiting(awaited: "asyncio.Future[T]") -> str:
    """What is awaited, then the other tasks that have not ended, for people."""
    others = asyncio.all_tasks() - {awaited, asyncio.current_task()}
    names = sorted(f"{task.get_name()} ({getattr(task.get_coro(), '__qualname__', '?')})" for task in others)
    shown = names[:10] + ([f"and {len(names) - 10} more"] if len(names) > 10 else [])
    return "; ".join([repr(awaited), *shown])
