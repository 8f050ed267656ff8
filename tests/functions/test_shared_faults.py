"""Faults that several nodes take from one plan."""

import asyncio
import contextlib

import pytest

from callpark.functions.faults import Fault
from callpark.functions.shared_faults import SharedPlan
from callpark.kernel.clock import VirtualClock
from callpark.kernel.others import ALONE
from callpark.store.memory import MemoryFaults, MemoryStore
from callpark.store.ports import StoreFailure

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("seed", range(5))
async def test_each_is_taken_once_whoever_is_faster(clock: VirtualClock, seed: int) -> None:
    store = MemoryStore(clock, MemoryFaults(seed=seed, delay_seconds=0.5, reorder=True, conflicts=0.3))
    plans = [SharedPlan(each, ALONE) for each in (store, store.another_node(), store.another_node())]

    async def everything() -> list[Fault | None]:
        await plans[0].change(lambda plan: plan.with_fault(Fault("f", "fail", 7)).with_fault(Fault("g", "crash")))
        for plan in plans:
            await plan.refresh()
        return await asyncio.gather(*(plan.take("f") for plan in plans for _ in range(5)))

    taken = await clock.run_until(everything())
    assert [fault.kind for fault in taken if fault is not None] == ["fail"] * 7
    for plan in plans:
        assert (await clock.run_until(plan.current())).faults == (Fault("g", "crash"),)


async def test_a_store_that_fails_injects_nothing(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore(clock)
    plan = SharedPlan(store, ALONE)
    await clock.run_until(plan.change(lambda plan: plan.with_fault(Fault("f", "fail"))))
    await store.close()
    assert await clock.run_until(plan.take("f")) is None
    assert "whether a fault of f is left cannot be told now" in caplog.text
    with contextlib.suppress(StoreFailure):
        await plan.change(lambda plan: plan)
    caplog.clear()
