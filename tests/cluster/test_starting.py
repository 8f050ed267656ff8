"""`callpark start --store nats://…` beside servers that are not there yet."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.journeys.commands import command
from tests.store.nats.servers import Server

pytestmark = pytest.mark.process


async def test_it_waits_for_its_servers_and_serves_then(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    try:
        async with command("start", str(tmp_path), "--empty", "--port", "0", "--store", server.url) as started:
            line = await started.until("waiting for the NATS servers", 50)
            assert f"127.0.0.1:{server.port}" in line
            await asyncio.to_thread(server.start)
            await started.until("ready http://", 50)
            assert await started.signal(signal.SIGTERM) == 0
    finally:
        server.remove()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_one_that_waits_can_be_stopped(tmp_path: Path, number: signal.Signals) -> None:
    store = ("--store", Server(tmp_path / "never").url, "--limit", "store.start_seconds=600")
    async with command("start", str(tmp_path), "--empty", "--port", "0", *store) as started:
        await started.until("waiting for the NATS servers", 50)
        assert await started.signal(number) == 0
        assert not any("Traceback" in line or "error" in line for line in started.lines), started.lines
