"""`callpark cluster up` and `status`, as people use them."""

import asyncio
import contextlib
import json
import signal
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from callpark.cluster.members import PROTOCOL
from callpark.serving import served
from callpark.settings import Settings
from tests.cluster.project import write
from tests.functions.plain_environments import PlainEnvironments
from tests.journeys.commands import command

pytestmark = pytest.mark.process


@pytest.mark.timeout(150)
async def test_a_whole_cluster_starts_and_one_signal_ends_all_of_it(tmp_path: Path) -> None:
    project, data = write(tmp_path / "project"), tmp_path / "data"
    options = ("--nodes", "2", "--servers", "1", "--port", "0", "--data", str(data))
    async with command("cluster", "up", str(project), *options) as running:
        endpoints = (await running.until("cluster ready", 100)).split()[2:]
        assert len(endpoints) == 2
        async with command("cluster", "status", "--endpoint", endpoints[1], "-o", "json") as asked:
            assert await asked.ended() == 0
            found = json.loads("\n".join(asked.lines))
        assert [member["name"] for member in found["members"]] == ["n1", "n2"]
        assert found["settled"] is True
        assert {member["version"] for member in found["members"]} == {version("callpark")}
        async with command("cluster", "status", "--endpoint", endpoints[0]) as asked:
            assert await asked.ended() == 0
            assert f", protocol {PROTOCOL}, as n1 sees it" in asked.lines[0], asked.lines
        assert len(processes_about(data)) >= 4, "the supervisor, a server and two nodes"
        async with command("cluster", "up", str(project), *options) as second:
            assert await second.ended() == 2, "two clusters in one folder would write into each other's files"
            assert f"error: the data directory {data} is in use by process" in second.lines[0]
        assert await running.signal(signal.SIGINT) == 0
        assert processes_about(data) == []
        assert not any("[INF]" in line or line.endswith("Ctrl-C stops") for line in running.lines), running.lines


async def test_a_project_that_does_not_load_ends_the_cluster_instead_of_being_started_for_ever(tmp_path: Path) -> None:
    project, data = tmp_path / "project", tmp_path / "data"
    project.mkdir()
    (project / "template.yaml").write_text("Resource: {}")
    options = ("--nodes", "1", "--servers", "1", "--port", "0", "--data", str(data))
    async with command("cluster", "up", str(project), *options) as running:
        assert await running.ended(50) == 2
        said = "\n".join(running.lines)
    assert (
        "node n1    error: template.yaml:1: a template has no section 'Resource'\nnode n1           correct the name"
        in said
    )
    assert "error: node n1 cannot start" in said
    assert "is started again" not in said
    assert processes_about(data) == []


async def test_a_signal_before_the_cluster_is_ready_ends_it_without_a_word_of_ours(tmp_path: Path) -> None:
    project, data = write(tmp_path / "project"), tmp_path / "data"
    options = ("--nodes", "1", "--servers", "3", "--port", "0", "--data", str(data))
    async with command("cluster", "up", str(project), *options) as running:
        await begun(data)
        assert await running.signal(signal.SIGINT) == 0
    assert not any("Traceback" in line or "never retrieved" in line for line in running.lines), running.lines
    assert processes_about(data) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    project, data = write(tmp_path / "project"), tmp_path / "data"
    options = ("--nodes", "1", "--servers", "1", "--port", "0", "--data", str(data))
    async with command("cluster", "up", str(project), *options) as running:
        await running.until("cluster ready", 50)
        running.process.kill()
        await running.process.wait()
        async with asyncio.timeout(20):
            while processes_about(data):  # noqa: ASYNC110 (the kernel tells nobody)
                await asyncio.sleep(0.05)
        assert processes_about(data) == []


async def begun(data: Path) -> None:
    """The supervisor has started its first node, which cannot be ready yet."""
    async with asyncio.timeout(50):
        while not any("--node-name" in line for line in processes_about(data)):  # noqa: ASYNC110 (the kernel tells nobody)
            await asyncio.sleep(0.02)


def processes_about(data: Path) -> list[str]:
    """The command lines that name this folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_text().replace("\0", " ")
            if str(data) in line:
                found.append(line)
    return found


async def test_a_server_that_is_no_node_is_told(tmp_path: Path) -> None:
    async with (
        served(Settings(data=tmp_path, port=0), environments=lambda app: PlainEnvironments(app.clock, {})) as server,
        command("cluster", "status", "--endpoint", server.base_url) as asked,
    ):
        assert await asked.ended() == 2
        assert any("is no node of a cluster" in line for line in asked.lines)
