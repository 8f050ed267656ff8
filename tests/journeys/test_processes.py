"""`callpark start` as a process: signals at every stage, ports and folders in use, a start after kill -9, hosts."""

import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.journeys.commands import command, processes_of

pytestmark = pytest.mark.process

TEMPLATE = """
Resources:
  Slow:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: Slow, Runtime: python3.11, Handler: app.handler, Code: ., Role: r, Timeout: 30}
"""
SLOW = """
import time

def handler(event, context):
    print("begun")
    time.sleep(event["seconds"])
    return "done"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "app.py").write_text(SLOW)
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_stop_waits_for_what_runs_and_leaves_nothing(
    project: Path, tmp_path: Path, number: signal.Signals
) -> None:
    async with (
        command("dev", str(project), "--port", "0", "--data", str(tmp_path / "data")) as server,
        httpx.AsyncClient(trust_env=False, timeout=20) as client,
    ):
        endpoint = await server.ready()
        path = f"{endpoint}/2015-03-31/functions/Slow/invocations"
        running = asyncio.create_task(client.post(path, content='{"seconds": 1}'))
        await server.until("Slow begun")
        assert await server.signal(number) == 0
        assert (await running).json() == "done"
        assert any(line.startswith("stopping") for line in server.lines)
    assert processes_of(server.process.pid) == []


async def test_a_second_ctrl_c_does_not_wait(project: Path, tmp_path: Path) -> None:
    async with (
        command("dev", str(project), "--port", "0", "--data", str(tmp_path / "data")) as server,
        httpx.AsyncClient(trust_env=False, timeout=20) as client,
    ):
        path = f"{await server.ready()}/2015-03-31/functions/Slow/invocations"
        running = asyncio.create_task(client.post(path, content='{"seconds": 25}'))
        await server.until("Slow begun")
        server.process.send_signal(signal.SIGINT)
        await server.until("stopping")
        assert await server.signal() == 130
        await asyncio.wait({running}, timeout=10)
        assert running.done()
        assert running.exception() is not None
    assert "Traceback" not in "\n".join(server.lines)


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.6])
async def test_ctrl_c_while_it_starts(project: Path, tmp_path: Path, seconds: float) -> None:
    """Whatever it is at by then, it ends quietly. Before Python has come to our first line, the signal is Python's,
    which ends with 1 while it still starts itself."""
    async with command("start", str(project), "--port", "0", "--data", str(tmp_path / "data")) as server:
        await asyncio.wait({asyncio.ensure_future(server.process.wait())}, timeout=seconds)
        assert await server.signal() in (0, 1, 130, -signal.SIGINT)
    assert not [line for line in server.lines if "callpark/" in line], server.lines


async def test_in_use_and_kill_9(project: Path, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    async with command("start", str(project), "--port", "0", "--data", data) as first:
        endpoint = await first.ready()
        port = endpoint.rpartition(":")[2]
        async with command("start", str(project), "--port", port, "--data", str(tmp_path / "other")) as second:
            assert await second.ended() == 2
            assert second.lines == [
                f"error: port {port} on 127.0.0.1 is in use",
                "       stop what listens there, or choose another port with --port",
            ]
        async with command("start", str(project), "--port", "0", "--data", data) as second:
            assert await second.ended() == 2
            assert second.lines[0] == f"error: the data directory {data} is in use by process {first.process.pid}"
        await first.signal(signal.SIGKILL)
    async with command("start", str(project), "--port", port, "--data", data) as again:
        assert await again.ready() == endpoint
        assert await again.signal() == 0


async def test_relative_data_and_an_open_address_are_told(project: Path, tmp_path: Path) -> None:
    """A function's working directory is its code; data named relative to ours does not end up there."""
    async with command("start", str(project), "--port", "0", "--host", "0.0.0.0") as server:
        endpoint = await server.ready()
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            await client.post(f"{endpoint}/2015-03-31/functions/Slow/invocations", content='{"seconds": 0}')
        assert await server.signal() == 0
    assert server.lines[0].startswith("warning: listening on 0.0.0.0: whoever reaches this machine can run its")
    assert set(os.listdir(project)) - {"__pycache__"} == {".callpark", "app.py", "template.yaml"}
