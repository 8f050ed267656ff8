"""The slices' own tests, on NATS."""

from collections.abc import AsyncIterator

import pytest

from tests.store.nats.servers import Server
from tests.store.nats.slices.stand_in import StandIn

_MAKERS = ("tests.functions.scene", "tests.functions.events.test_queue", "tests.queues.scene", "tests.flows.exchange")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time on asyncio's own loop, as where these tests come from."""
    return "asyncio", {"use_uvloop": False}


@pytest.fixture(autouse=True)
async def on_nats(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(StandIn, "url", server.url)
    for maker in _MAKERS:
        monkeypatch.setattr(f"{maker}.MemoryStore", StandIn)
    monkeypatch.setattr(StandIn, "made", [])
    yield
    for store in StandIn.made:
        await store.close()
