"""NATS against the simple model of the port, step by step, through restarts."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import StoreLimits
from callpark.store.nats import NatsStore
from callpark.store.nats.connection import Address
from callpark.store.ports import Store
from callpark.store.window import Bounds
from tests.store.nats.servers import Server
from tests.store.test_model import StoreMachine

pytestmark = pytest.mark.process

_NUMBERS = itertools.count()
_URL = ""


@pytest.fixture(autouse=True, scope="module")
def url(server: Server) -> Iterator[None]:
    global _URL
    _URL = server.url
    yield
    _URL = ""


class NatsMachine(StoreMachine):
    def open(self) -> Store:
        self.where = Address((_URL,), f"model{next(_NUMBERS)}")
        return self.run(self._joined())

    async def _joined(self) -> Store:
        store = await NatsStore.open(
            self.where, self.clock, SystemIds(), StoreLimits(), node="n", window=Bounds(2, 100_000)
        )
        for queue in ("one", "two"):
            store.watch(queue, lambda: None)
        await self.clock.settle()
        return store

    async def reopen(self) -> Store:
        await self.store.close()
        return await self._joined()


TestNatsStore = NatsMachine.TestCase
TestNatsStore.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
