"""SQLite keeps the promises of the port, with a window so small that most items wait on disk."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.store.ports import Store
from callpark.store.sqlite import SqliteStore
from callpark.store.window import Bounds
from tests.store.conformance import *  # noqa: F403
from tests.store.conformance.house import House

pytestmark = pytest.mark.sim


@pytest.fixture(params=[Bounds(1_000, 8_388_608), Bounds(8, 100_000)], ids=["wide", "narrow"])
async def house(clock: VirtualClock, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async def reopen(store: Store) -> Store:
        await store.close()
        return SqliteStore.open(tmp_path, clock, window=request.param)

    house = House(clock, SqliteStore.open(tmp_path, clock, window=request.param), reopen)
    yield house
    await house.store.close()
