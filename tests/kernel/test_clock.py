"""Both clocks: virtual time moves only when told and never over held work; the system clock is the machine's."""

import asyncio
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.kernel.clock import SystemClock, VirtualClock, sleep
from callpark.kernel.errors import Deadlock, RuntimeBug

pytestmark = pytest.mark.sim


async def _instant_at_the_end_of_a_chain(clock: VirtualClock, depth: int) -> float:
    """Start a chain of tasks in a second, with a timer a second later that must not come first."""

    async def nested(level: int) -> float:
        return clock.now() if level == 0 else await asyncio.create_task(nested(level - 1))

    async def after_a_second() -> float:
        await sleep(clock, 1)
        return await nested(depth)

    clock.timer(clock.now() + 2, lambda: None)
    work = asyncio.create_task(after_a_second())
    await clock.advance(5)
    return work.result()


def _fail() -> None:
    raise ValueError("broken")


def _appender(found: list[str], name: str) -> Callable[[], None]:
    return lambda: found.append(name)


class TestAdvance:
    async def test_time_stands_still_until_it_is_told_to_move(self, clock: VirtualClock) -> None:
        start, found = clock.now(), list[str]()
        clock.timer(start + 1, _appender(found, "due"))
        await clock.settle()
        assert (clock.now(), found) == (start, [])
        await clock.advance(0.5)
        assert (clock.now(), found) == (start + 0.5, [])
        await clock.advance(0.5)
        assert (clock.now(), found) == (start + 1, ["due"])

    async def test_everything_that_becomes_due_on_the_way_runs_at_its_instant(self, clock: VirtualClock) -> None:
        start, instants = clock.now(), list[float]()

        async def tick() -> None:
            for _ in range(3):
                await sleep(clock, 20)
                instants.append(clock.now() - start)

        ticking = asyncio.create_task(tick())
        await clock.advance(100)
        assert instants == [20, 40, 60]
        assert clock.now() == start + 100
        await ticking

    async def test_equal_instants_come_in_canonical_order(self, clock: VirtualClock) -> None:
        at, found = clock.now() + 1, list[str]()
        for key in ["b", "", "a", "b"]:
            clock.timer(at, _appender(found, f"{key}{len(clock._timers)}"), key)
        await clock.advance(1)
        assert found == ["1", "a2", "b0", "b3"]

    async def test_a_timer_in_the_past_fires_soon_and_time_does_not_go_back(self, clock: VirtualClock) -> None:
        start, found = clock.now(), list[str]()
        clock.timer(start - 100, _appender(found, "past"))
        assert found == []
        await clock.settle()
        assert (clock.now(), found) == (start, ["past"])

    async def test_a_cancelled_timer_is_silent(self, clock: VirtualClock) -> None:
        found: list[str] = []
        first = clock.timer(clock.now() + 1, lambda: second.cancel())
        second = clock.timer(clock.now() + 1, _appender(found, "cancelled by the first"))
        await clock.advance(2)
        first.cancel()
        assert found == []
        assert len(clock._timers) == 0

    async def test_cancelling_a_sleeper_disarms_its_timer(self, clock: VirtualClock) -> None:
        sleeper = asyncio.create_task(sleep(clock, 60))
        await clock.settle()
        assert len(clock._timers) == 1
        sleeper.cancel()
        await clock.settle()
        assert len(clock._timers) == 0

    async def test_an_instant_that_arms_itself_for_ever_is_a_bug_and_said_so(self) -> None:
        clock = VirtualClock(watchdog_seconds=0.05)

        def again() -> None:
            clock.timer(clock.now(), again)

        again()
        with pytest.raises(RuntimeBug, match="never comes to rest"):
            await clock.settle()


class TestSettle:
    @pytest.mark.parametrize("depth", [1, 20])
    async def test_work_that_passes_through_many_tasks_is_waited_for(self, clock: VirtualClock, depth: int) -> None:
        assert await _instant_at_the_end_of_a_chain(clock, depth) == clock.now() - 4

    def test_on_a_loop_that_shows_what_is_ready_the_chain_may_be_long(self) -> None:
        assert asyncio.run(_instant_at_the_end_of_a_chain(VirtualClock(0.0), 300)) == 1.0

    async def test_a_chain_of_futures_is_waited_for(self, clock: VirtualClock) -> None:
        start, seen = clock.now(), list[float]()
        queues: list[asyncio.Queue[int]] = [asyncio.Queue() for _ in range(40)]

        async def relay(n: int) -> None:
            value = await queues[n].get()
            if n + 1 < len(queues):
                queues[n + 1].put_nowait(value)
            else:
                seen.append(clock.now())

        relays = [asyncio.create_task(relay(n)) for n in range(len(queues))]
        clock.timer(start + 1, lambda: queues[0].put_nowait(1))
        clock.timer(start + 2, lambda: None)
        await clock.advance(3)
        await asyncio.gather(*relays)
        assert seen == [start + 1]

    async def test_somebody_who_polls_does_not_stop_time(self, clock: VirtualClock) -> None:
        loop, stopped, start = asyncio.get_running_loop(), False, clock.now()

        def poll() -> None:
            if not stopped:
                loop.call_soon(poll)

        poll()
        await clock.run_until(sleep(clock, 60))
        stopped = True
        assert clock.now() == start + 60

    async def test_two_may_wait_at_once(self, clock: VirtualClock) -> None:
        start = clock.now()
        await asyncio.gather(clock.run_until(sleep(clock, 5)), clock.run_until(sleep(clock, 3)))
        assert clock.now() == start + 5


class TestRunUntil:
    async def test_it_jumps_to_the_next_timer(self, clock: VirtualClock) -> None:
        start = clock.now()
        await clock.run_until(sleep(clock, 3600))
        assert clock.now() == start + 3600

    async def test_it_moves_no_further_than_needed(self, clock: VirtualClock) -> None:
        start = clock.now()
        clock.timer(start + 1, lambda: None)

        async def answer() -> int:
            return 42

        assert await clock.run_until(answer()) == 42
        assert clock.now() == start

    async def test_what_the_awaited_raises_comes_through(self, clock: VirtualClock) -> None:
        async def fail() -> None:
            await sleep(clock, 1)
            raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            await clock.run_until(fail())

    async def test_a_wait_that_can_never_end_is_a_deadlock_at_once_that_lists_who_waits(
        self, clock: VirtualClock
    ) -> None:
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def lane_of_contact() -> None:
            await never

        other = asyncio.create_task(lane_of_contact(), name="contact 7")
        with pytest.raises(Deadlock) as raised:
            await clock.run_until(asyncio.get_running_loop().create_future())
        assert "nothing is due and nothing is held" in str(raised.value)
        assert "<Future pending" in str(raised.value)
        assert "contact 7 (" in str(raised.value)
        assert "lane_of_contact)" in str(raised.value)
        other.cancel()

    @given(st.lists(st.integers(0, 50), min_size=1, max_size=8))
    def test_history_is_in_order_of_time_and_the_same_every_time(self, delays: list[int]) -> None:
        async def history() -> list[tuple[float, int]]:
            clock, found = VirtualClock(start=0.0), list[tuple[float, int]]()

            async def wait(n: int, seconds: int) -> None:
                await sleep(clock, seconds, key=f"{n:02}")
                found.append((clock.now(), n))

            await clock.run_until(asyncio.gather(*(wait(n, seconds) for n, seconds in enumerate(delays))))
            return found

        assert asyncio.run(history()) == sorted((float(seconds), n) for n, seconds in enumerate(delays))


class TestHolds:
    async def test_time_never_moves_over_held_work(self, clock: VirtualClock) -> None:
        start, loop = clock.now(), asyncio.get_running_loop()
        hold = clock.hold("function echo")
        clock.timer(start + 60, lambda: None)
        seen: list[float] = []

        def work_ends() -> None:
            seen.append(clock.now())
            hold.release()

        loop.call_later(0.02, work_ends)
        await clock.advance(100)
        assert seen == [start]
        hold.release()

    async def test_work_that_begins_when_other_work_ends_holds_too(self, clock: VirtualClock) -> None:
        start, loop = clock.now(), asyncio.get_running_loop()

        async def work() -> float:
            for n in range(3):
                with clock.hold(f"step {n}"):
                    real: asyncio.Future[None] = loop.create_future()
                    loop.call_later(0.005, real.set_result, None)
                    await real
            return clock.now()

        clock.timer(start + 1, lambda: None)
        working = asyncio.create_task(work())
        await clock.advance(10)
        assert working.result() == start

    async def test_what_is_due_now_runs_while_others_hold(self, clock: VirtualClock) -> None:
        hold, loop, released = clock.hold("handler"), asyncio.get_running_loop(), list[float]()

        def release() -> None:
            released.append(clock.now())
            hold.release()

        start = clock.now()
        loop.call_later(0.01, lambda: clock.timer(clock.now(), release))
        await clock.run_until(sleep(clock, 5))
        assert (released, clock.now()) == ([start], start + 5)

    async def test_held_work_that_never_ends_is_named(self) -> None:
        clock = VirtualClock(watchdog_seconds=0.05)
        with clock.hold("function stuck"), pytest.raises(RuntimeBug, match="held by: function stuck") as raised:
            await clock.advance(1)
        assert not isinstance(raised.value, Deadlock)

    async def test_explain_says_who_holds_and_what_is_due(self, clock: VirtualClock) -> None:
        assert clock.explain() == "held by: nobody; nothing is due; 0 timers armed"
        clock.timer(clock.now() + 2.5, lambda: None)
        with clock.hold("b"), clock.hold("a"):
            assert clock.explain() == "held by: a, b; next timer in 2.500 s; 1 timers armed"
        assert clock.explain().startswith("held by: nobody")


class TestSystemClock:
    async def test_timers_fire_in_order_and_not_early(self) -> None:
        clock, loop = SystemClock(), asyncio.get_running_loop()
        start, found, done = clock.now(), list[str](), loop.create_future()

        def third() -> None:
            found.append("third")
            done.set_result(clock.now())

        clock.timer(start + 0.03, third)
        clock.timer(start + 0.01, _appender(found, "first"))
        clock.timer(start + 0.02, _appender(found, "cancelled")).cancel()
        clock.timer(start + 0.02, _appender(found, "second"))
        assert await done >= start + 0.03
        assert found == ["first", "second", "third"]

    async def test_a_timer_armed_by_a_timer_does_not_delay_those_before_it(self) -> None:
        clock, done = SystemClock(), asyncio.Event()

        def arm_another() -> None:
            clock.timer(clock.now() + 600, lambda: None)

        clock.timer(clock.now() + 0.01, arm_another)
        clock.timer(clock.now() + 0.02, done.set)
        await asyncio.wait_for(done.wait(), 2)

    async def test_a_timer_in_the_past_fires_after_returning_and_never_starves_the_loop(self) -> None:
        clock, loop = SystemClock(), asyncio.get_running_loop()
        rounds, served, done = 0, 0, loop.create_future()

        def again() -> None:
            nonlocal rounds
            rounds += 1
            if rounds == 50:
                done.set_result(None)
            else:
                clock.timer(0.0, again)

        def others() -> None:
            nonlocal served
            served += 1
            if not done.done():
                loop.call_soon(others)

        clock.timer(0.0, again)
        assert rounds == 0
        others()
        await done
        assert served >= 49

    async def test_a_wall_clock_that_is_set_forward_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(SystemClock, "LONGEST_SLEEP", 0.02)
        clock, done, shift = SystemClock(), asyncio.Event(), 0.0
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + shift)
        clock.timer(clock.now() + 3600, done.set)
        shift = 3600.0
        await asyncio.wait_for(done.wait(), 2)

    async def test_a_wall_clock_that_is_set_back_makes_nothing_early(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(SystemClock, "LONGEST_SLEEP", 0.02)
        clock, shift, found = SystemClock(), 0.0, list[str]()
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + shift)
        timer = clock.timer(clock.now() + 0.03, _appender(found, "early"))
        shift = -3600.0
        done = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, done.set)
        await done.wait()
        assert found == []
        timer.cancel()

    async def test_a_callback_that_fails_does_not_stop_the_others(self) -> None:
        clock, loop, done = SystemClock(), asyncio.get_running_loop(), asyncio.Event()
        reported: list[object] = []
        loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
        clock.timer(0.0, _fail)
        clock.timer(0.0, done.set)
        await asyncio.wait_for(done.wait(), 2)
        loop.set_exception_handler(None)
        assert [type(error) for error in reported] == [ValueError]

    async def test_sleep_and_holds_work_on_it_as_on_a_virtual_one(self) -> None:
        clock = SystemClock()
        with clock.hold("somebody"):
            start = clock.now()
            await sleep(clock, 0.01)
            assert clock.now() >= start + 0.01
