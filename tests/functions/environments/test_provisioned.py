"""Provisioned environments: initialised before anything runs, kept while nothing does; and layers on the paths."""

import asyncio
import json
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from callpark.functions.environments.happenings import AttemptStarted
from tests.functions.environments.conftest import Bench, gone

pytestmark = pytest.mark.process

PID = """
import os
TYPE = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
def handler(event, context):
    return [os.getpid(), TYPE]
"""
SLOW = """
import os, time
TYPE = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
def handler(event, context):
    time.sleep(0.2)
    return TYPE
"""


async def test_they_are_warm_and_stay(bench: Bench, alive: Callable[[int], bool]) -> None:
    fleet = bench.fleet("idle_environment_seconds=0.05")
    function = replace(bench.deploy(PID), version="1")
    assert await fleet.provision(function, 2) == 2
    first = json.loads((await bench.run(fleet, function)).payload)
    assert first[1] == "provisioned-concurrency"
    (started,) = bench.happenings(AttemptStarted)
    assert isinstance(started.happening, AttemptStarted)
    assert started.happening.cold  # its init is reported with its first run, as AWS does
    on_demand = bench.deploy(PID, name="G")
    pid, kind = json.loads((await bench.run(fleet, on_demand)).payload)
    assert kind == "on-demand"
    await gone(pid)
    assert alive(first[0])
    assert json.loads((await bench.run(fleet, function)).payload)[0] == first[0]
    assert await fleet.provision(function, 0) == 0
    await gone(first[0])


async def test_more_at_once_than_provisioned_are_on_demand(bench: Bench) -> None:
    fleet = bench.fleet()
    function = replace(bench.deploy(SLOW), version="1")
    await fleet.provision(function, 1)
    outcomes = await asyncio.gather(*(bench.run(fleet, function) for _ in range(2)))
    assert sorted(outcome.payload for outcome in outcomes) == [b'"on-demand"', b'"provisioned-concurrency"']


async def test_an_init_that_fails_gives_none(bench: Bench) -> None:
    fleet = bench.fleet()
    function = replace(bench.deploy("raise RuntimeError('no')"), version="1")
    assert await fleet.provision(function, 2) == 0


async def test_no_room_gives_fewer(bench: Bench) -> None:
    fleet = bench.fleet("environments=2")
    idle = bench.deploy(PID, name="Idle")
    await bench.run(fleet, idle)
    assert await fleet.provision(replace(bench.deploy(PID), version="1"), 3) == 2
    assert await fleet.provision(replace(bench.deploy(PID), version="1"), 3) == 2


async def test_a_new_revision_starts_anew(bench: Bench) -> None:
    fleet = bench.fleet()
    function = replace(bench.deploy(PID), version="1")
    await fleet.provision(function, 1)
    old = json.loads((await bench.run(fleet, function)).payload)[0]
    after = replace(function, revision="2")
    assert await fleet.provision(after, 1) == 1
    await gone(old)
    assert json.loads((await bench.run(fleet, after)).payload)[1] == "provisioned-concurrency"
    fleet.retire(function.arn, "2")
    assert await fleet.provision(after, 1) == 1
    fleet.retire(function.arn, "1")
    assert json.loads((await bench.run(fleet, after)).payload)[1] == "on-demand"


async def test_python_imports_from_layers(bench: Bench) -> None:
    layers = bench.directory / "layers"
    for folder in ("python", "python/lib/python3.11/site-packages", "bin"):
        (layers / folder).mkdir(parents=True)
    (layers / "python" / "one.py").write_text("X = 1")
    (layers / "python/lib/python3.11/site-packages" / "two.py").write_text("X = 2")
    (layers / "python" / "m.py").write_text("raise RuntimeError('the function comes before its layers')")
    tool = layers / "bin" / "tool"
    tool.write_text("#!/bin/sh\necho tooled")
    tool.chmod(0o755)
    function = bench.deploy(
        """
        import subprocess
        import one, two
        def handler(event, context):
            return [one.X, two.X, subprocess.check_output(["tool"], text=True).strip()]
        """
    )
    outcome = await bench.run(bench.fleet(), replace(function, layers_root=layers))
    assert json.loads(outcome.payload) == [1, 2, "tooled"]


async def test_a_bootstrap_may_lie_in_a_layer(bench: Bench) -> None:
    layers = bench.directory / "layers"
    layers.mkdir()
    bootstrap = layers / "bootstrap"
    bootstrap.write_text("#!/bin/sh\nexit 3\n")
    bootstrap.chmod(0o755)
    function = bench.deploy("", name="Own", file="nothing", runtime="provided.al2023", handler="h")
    outcome = await bench.run(bench.fleet(), replace(function, layers_root=layers))
    assert b"exit status 3" in outcome.payload
