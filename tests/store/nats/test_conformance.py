"""NATS keeps the promises of the port, also with a window so small that most items wait on the servers, and with every
item in a message of its own."""

from collections.abc import AsyncIterator
from dataclasses import replace

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


WIDE, NARROW = Bounds(1_000, 8_388_608), Bounds(8, 100_000)
UNKEPT = replace(StoreLimits(), journal_seconds=-1e9)


@pytest.fixture(
    params=[(WIDE, StoreLimits()), (NARROW, StoreLimits()), (NARROW, UNKEPT)], ids=["wide", "narrow", "written down"]
)
async def house(clock: VirtualClock, where: Address, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    window, limits = request.param

    async def opened() -> NatsStore:
        store = await NatsStore.open(where, clock, SystemIds(), limits, node="n", window=window)
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
