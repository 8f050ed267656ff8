"""Deadlines on the kernel clock."""

import asyncio

import pytest

from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.deadline import Deadline

pytestmark = pytest.mark.unit


async def test_work_that_is_late_is_cancelled_and_times_out(clock: VirtualClock) -> None:
    seen: list[str] = []

    async def work() -> None:
        async with Deadline(clock, 30):
            try:
                await sleep(clock, 31)
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

    began = clock.now()
    with pytest.raises(TimeoutError):
        await clock.run_until(work())
    assert (seen, clock.now() - began) == (["cancelled"], 30)


async def test_work_in_time_leaves_no_timer_behind(clock: VirtualClock) -> None:
    async def work() -> int:
        async with Deadline(clock, 30):
            await sleep(clock, 29)
        return 7

    assert await clock.run_until(work()) == 7
    assert "nothing is due" in clock.explain()


async def test_a_task_that_timed_out_can_wait_again(clock: VirtualClock) -> None:
    async def work() -> float:
        with pytest.raises(TimeoutError):
            async with Deadline(clock, 1):
                await sleep(clock, 5)
        await sleep(clock, 5)
        return clock.now()

    began = clock.now()
    assert await clock.run_until(work()) - began == 6


async def test_a_cancellation_from_outside_stays_one(clock: VirtualClock) -> None:
    async def work() -> None:
        async with Deadline(clock, 30):
            await sleep(clock, 31)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "nothing is due" in clock.explain()


async def test_the_inner_of_two_deadlines_is_the_one_that_times_out(clock: VirtualClock) -> None:
    async def work() -> str:
        async with Deadline(clock, 30):
            try:
                async with Deadline(clock, 10):
                    await sleep(clock, 60)
            except TimeoutError:
                return "inner"
        return "neither"

    assert await clock.run_until(work()) == "inner"


async def test_an_error_of_the_work_is_its_own(clock: VirtualClock) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Deadline(clock, 30):
            raise ZeroDivisionError
