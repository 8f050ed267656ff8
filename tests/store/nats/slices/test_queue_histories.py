"""Amazon SQS: the machine of its histories, with crashes."""

import pytest
from hypothesis import settings

from tests.queues import test_histories
from tests.store.nats.servers import Server
from tests.store.nats.slices.stand_in import StandIn

pytestmark = pytest.mark.process

_SETTINGS = settings(test_histories.HISTORIES, max_examples=6, stateful_step_count=15)


@pytest.fixture(autouse=True)
def on_nats(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the one for coroutines: each history has a loop of its own."""
    monkeypatch.setattr(StandIn, "url", server.url)
    monkeypatch.setattr(test_histories, "MemoryStore", StandIn)
    monkeypatch.setattr("tests.queues.scene.MemoryStore", StandIn)


class _OnNats(test_histories.QueueHistories):
    def teardown(self) -> None:
        self.run(self.scene.queues.close())
        while StandIn.made:
            self.run(StandIn.made.pop().close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class _FifoOnNats(_OnNats):
    fifo = True


TestStandard = _OnNats.TestCase
TestStandard.settings = _SETTINGS
TestFifo = _FifoOnNats.TestCase
TestFifo.settings = _SETTINGS
