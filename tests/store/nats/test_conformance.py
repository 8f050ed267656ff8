"""NATS keeps the promises of the port, with a window so small that most items wait on the servers."""

from collections.abc import AsyncIterator

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import StoreLimits
from callpark.store.nats import NatsStore
from callpark.store.nats.connection import Address
from callpark.store.ports import Store
from callpark.store.window import Bounds
from tests.store.conformance import *  # noqa: F403
from tests.store.conformance.house import House

pytestmark = pytest.mark.process


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time on asyncio's own loop, as for the other stores."""
    return "asyncio", {"use_uvloop": False}


@pytest.fixture(params=[Bounds(1_000, 8_388_608), Bounds(8, 100_000)], ids=["wide", "narrow"])
async def house(clock: VirtualClock, where: Address, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async def opened() -> NatsStore:
        store = await NatsStore.open(where, clock, SystemIds(), StoreLimits(), node="n", window=request.param)
        for queue in ("q", "one", "two", "other"):
            store.watch(queue, lambda: None)
        await clock.settle()
        return store

    async def reopen(store: Store) -> Store:
        await store.close()
        return await opened()

    house = House(clock, await opened(), reopen)
    yield house
    await house.store.close()
