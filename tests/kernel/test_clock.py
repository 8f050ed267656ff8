import asyncio

import pytest

from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.errors import Deadlock

pytestmark = pytest.mark.sim


async def test_run_until_jumps_to_the_next_timer(clock: VirtualClock) -> None:
    start = clock.now()
    await clock.run_until(sleep(clock, 3600))
    assert clock.now() == start + 3600


async def test_a_wait_that_can_never_end_is_a_deadlock_at_once(clock: VirtualClock) -> None:
    with pytest.raises(Deadlock):
        await clock.run_until(asyncio.get_running_loop().create_future())
