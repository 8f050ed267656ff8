"""moto's process: ready when it says so, gone when we are, its errors in our log, its failure to start a refusal."""

import subprocess
import sys
from dataclasses import replace

import pytest

from callpark.kernel.arn import Place
from callpark.kernel.clock import SystemClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import UpstreamLimits
from callpark.upstreams.fallback import Fallback, installed

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not installed(), reason="the extra `aws` is not installed"),
]

PLACE = Place("111122223333", "eu-west-1")


def fallback(limits: UpstreamLimits | None = None) -> Fallback:
    return Fallback(SystemClock(), PLACE, limits or UpstreamLimits(), "http://127.0.0.1:9")


def test_it_ends_when_its_parent_does() -> None:
    """However the parent ends, the pipe to standard input is closed."""
    command = [sys.executable, "-m", "callpark.upstreams.moto_child"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline().startswith(b'{"port":')
        process.stdin.close()
        assert process.wait(10) == 0


async def test_it_is_started_once_however_many_ask() -> None:
    server = fallback()
    first, second = await server.address(), await server.address()
    assert first == second
    assert server.generation == 1
    await server.close()
    await server.close()
    with pytest.raises(CallerError, match="callpark stops"):
        await server.address()


async def test_it_that_does_not_start_in_time() -> None:
    server = fallback(replace(UpstreamLimits(), start_seconds=0.0))
    with pytest.raises(CallerError, match=r"the fallback \(moto\) did not start") as error:
        await server.address()
    assert error.value.status == 503
    assert server.process_id is None
    await server.close()


async def test_it_that_cannot_start_is_refused_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    server = fallback()
    for _ in range(2):
        with pytest.raises(CallerError, match=r"did not start \(status 1\)"):
            await server.address()
    await server.close()
