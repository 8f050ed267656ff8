"""A short soak of a cluster with real servers and nodes, and what a node says when there is no store to join."""

from pathlib import Path

import pytest

from tests.journeys.commands import command
from tests.soak.cluster import Asked, soak
from tests.store.nats.servers import free_port, running

pytestmark = pytest.mark.process


@pytest.mark.timeout(240)
async def test_what_is_acknowledged_survives_a_kill_a_pause_and_a_cut(tmp_path: Path) -> None:
    kinds = ("kill a node", "pause a server", "cut a server from the others")
    asked = Asked(seed=3, events=60, messages=40, faults=3, folder=tmp_path, kinds=kinds)
    found = await soak(asked, print)
    print(found.summary())
    assert found.problems() == []
    assert len(found.faults) == 3


async def test_a_wrong_address_is_told_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    where = f"nats://127.0.0.1:{free_port()}"
    limit = ("--limit", "store.start_seconds=1")
    async with command("start", str(tmp_path), "--port", "0", "--store", where, *limit) as started:
        assert await started.ended(40) == 2
        assert any(where.removeprefix("nats://") in line for line in started.lines), started.lines


async def test_a_server_without_jetstream_is_told_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    with running(tmp_path / "server", jetstream="# none") as server:
        async with command("start", str(tmp_path), "--port", "0", "--store", server.url) as started:
            assert await started.ended(40) == 2
            assert any("JetStream" in line for line in started.lines), started.lines
