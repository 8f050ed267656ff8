"""Signals reach a process also in the moment between its fork and its own process group."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from callpark.functions.environments import zygote
from callpark.functions.environments.processes import Exit, Process

pytestmark = pytest.mark.process


@pytest.fixture
def ungrouped() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that belongs to our group, as a fork does at first."""
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield child
    child.kill()
    child.wait()


async def test_a_process_without_a_group_of_its_own_is_killed(ungrouped: "subprocess.Popen[bytes]") -> None:
    exited: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
    Process(ungrouped.pid, exited).kill()
    assert await asyncio.to_thread(ungrouped.wait) == -signal.SIGKILL
    exited.set_result(Exit(-signal.SIGKILL))


def test_the_zygote_kills_it_too(ungrouped: "subprocess.Popen[bytes]") -> None:
    zygote._kill_all({ungrouped.pid})
    ungrouped.returncode = -signal.SIGKILL  # the zygote has reaped it
    with pytest.raises(ProcessLookupError):
        os.kill(ungrouped.pid, 0)
