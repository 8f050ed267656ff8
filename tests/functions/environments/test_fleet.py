"""Which environment takes a run: reuse, growth, limits, retirement."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from callpark.functions.environments.fleet import Fleet
from callpark.functions.environments.ports import Attempt, Outcome, Saturated
from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace
from tests.functions.environments.conftest import Bench, gone

pytestmark = pytest.mark.process

PID = """
    import os, time
    def handler(event, context):
        time.sleep(event.get("sleep", 0))
        return os.getpid()
"""


async def pids(runs: "Sequence[asyncio.Future[Outcome]]") -> list[int]:
    return [int(outcome.payload) for outcome in await asyncio.gather(*runs)]


async def test_one_environment_is_enough_for_one_after_the_other(bench: Bench) -> None:
    function, fleet = bench.deploy(PID), bench.fleet()
    assert len({(await bench.run(fleet, function)).payload for _ in range(20)}) == 1


async def test_the_one_used_last_is_used_next(bench: Bench) -> None:
    function, fleet = bench.deploy(PID), bench.fleet()
    quick, slow = (asyncio.ensure_future(bench.run(fleet, function, e)) for e in (b"{}", b'{"sleep": 0.2}'))
    await pids([quick, slow])
    assert (await bench.run(fleet, function)).payload == slow.result().payload


async def test_synchronous_callers_get_an_environment_each(bench: Bench) -> None:
    function, fleet = bench.deploy(PID), bench.fleet()
    runs = [asyncio.ensure_future(bench.run(fleet, function, b'{"sleep": 0.2}')) for _ in range(4)]
    assert len(set(await pids(runs))) == 4


async def test_many_slow_events_scale_out(bench: Bench) -> None:
    function, fleet = bench.deploy(PID), bench.fleet()
    runs = [asyncio.ensure_future(bench.run(fleet, function, b'{"sleep": 0.5}', patient=True)) for _ in range(24)]
    assert len(set(await pids(runs))) >= 12


async def test_a_flood_of_quick_events_does_not(bench: Bench) -> None:
    function, fleet = bench.deploy(PID), bench.fleet()
    runs = [asyncio.ensure_future(bench.run(fleet, function, patient=True)) for _ in range(2000)]
    # Two to four on a quiet machine; where others take the cores, a run seems to wait and a few more are tried. A fleet
    # that took the flood for slow handlers would start hundreds. The rule itself is tested exactly in test_scaling.py.
    assert len(set(await pids(runs))) <= 32


async def test_the_limit_evicts_the_idle_and_refuses_the_rest(bench: Bench, alive: Callable[[int], bool]) -> None:
    one, two = bench.deploy(PID, name="one"), bench.deploy(PID, name="two")
    fleet = bench.fleet("environments=2")
    idle = int((await bench.run(fleet, one)).payload)
    busy = [asyncio.ensure_future(bench.run(fleet, two, b'{"sleep": 0.4}')) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Saturated):
        await bench.run(fleet, two)
    with pytest.raises(Saturated):
        await bench.run(fleet, one, patient=True)
    waiting = asyncio.ensure_future(bench.run(fleet, two, patient=True))
    assert len(set(await pids(busy))) == 2
    assert int((await waiting).payload) in {int(run.result().payload) for run in busy}
    assert not alive(idle)


async def test_idle_environments_end(bench: Bench) -> None:
    function, fleet = bench.deploy(PID), bench.fleet("idle_environment_seconds=0.05")
    pid = int((await bench.run(fleet, function)).payload)
    await gone(pid)
    assert int((await bench.run(fleet, function)).payload) != pid


async def test_new_code_is_run_by_a_new_environment(bench: Bench, alive: Callable[[int], bool]) -> None:
    fleet = bench.fleet()
    before = bench.deploy("def handler(e, c):\n    import time; time.sleep(0.1); return 'old'")
    running = asyncio.ensure_future(bench.run(fleet, before))
    assert (await bench.run(fleet, before)).payload == b'"old"'
    await running
    running = asyncio.ensure_future(bench.run(fleet, before))
    await asyncio.sleep(0)
    after = replace(bench.deploy("def handler(e, c):\n    return 'new code'"), revision="2")
    assert (await bench.run(fleet, after)).payload == b'"new code"'
    assert (await running).payload == b'"old"'
    assert (await bench.run(fleet, after)).payload == b'"new code"'


async def test_retiring_ends_the_idle_now(bench: Bench) -> None:
    function, fleet = bench.deploy(PID), bench.fleet()
    first = (await bench.run(fleet, function)).payload
    fleet.retire(function.arn)
    assert (await bench.run(fleet, function)).payload != first


async def test_a_function_that_calls_itself_through_us_does_not_lock_up(bench: Bench) -> None:
    fleet = bench.fleet()
    function = bench.deploy(
        """
        import os, urllib.request
        def handler(event, context):
            if event == 0: return 1
            body = str(event - 1).encode()
            with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"], data=body) as answer:
                return 1 + int(answer.read())
        """
    )

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        outcome = await bench.run(fleet, function, await reader.readexactly(length), patient=False)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + outcome.payload)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fleet = bench.fleet(endpoint_url=f"http://127.0.0.1:{port}/")
    async with server:
        assert (await bench.run(fleet, function, b"5", patient=True)).payload == b"6"


async def test_virtual_time_stands_still_while_a_handler_runs(bench: Bench) -> None:
    clock = VirtualClock()
    fleet = Fleet(clock, SeededIds(1), Trace(clock), Limits(), None, bench.directory / "virtual")
    function = bench.deploy(PID)
    began = clock.now()

    async def both() -> Outcome:
        alarm = asyncio.ensure_future(sleep(clock, 60))
        outcome = await fleet.run(function, Attempt("id", b'{"sleep": 0.1}', function.arn))
        assert clock.now() == began
        await alarm
        return outcome

    assert json.loads((await clock.run_until(both())).payload)
    assert clock.now() == began + 60
    await fleet.close()


async def test_relative_paths_and_what_a_killed_server_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.directory)
    left = bench.directory / "data" / "environments" / "old" / "tmp"
    left.mkdir(parents=True)
    function = replace(
        bench.deploy("import os\ndef handler(e, c):\n    return os.environ['TMPDIR']"), code_root=Path("F")
    )
    bench.directory = Path()
    fleet = bench.fleet()
    await fleet.start()
    assert not left.exists()
    assert json.loads((await bench.run(fleet, function)).payload).startswith(str(left.parents[1]))


async def test_a_bootstrap_of_ones_own(bench: Bench) -> None:
    script = """\
    #!/bin/bash
    API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
    echo "provided ${AWS_EXECUTION_ENV-without}"
    python3 - "$API" <<'PYTHON'
    import sys, urllib.request
    while True:
        with urllib.request.urlopen(sys.argv[1] + "/next") as event:
            body, request_id = event.read(), event.headers["Lambda-Runtime-Aws-Request-Id"]
        urllib.request.urlopen(f"{sys.argv[1]}/{request_id}/response", data=b"got " + body).close()
    PYTHON
    """
    fleet = bench.fleet()
    function = bench.deploy(script, file="bootstrap", runtime="provided.al2023")
    refused = json.loads((await bench.run(fleet, function)).payload)
    assert refused["errorType"] == "Runtime.InvalidEntrypoint"
    (function.code_root / "bootstrap").chmod(0o755)
    fleet = bench.fleet()
    assert [(await bench.run(fleet, function, b"1")).payload for _ in range(2)] == [b"got 1"] * 2
    assert "provided without\n" in bench.log()


async def test_a_wrapper_that_is_not_there_exits_127(bench: Bench) -> None:
    function = bench.deploy(PID, environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"})
    outcome = await bench.fleet().run(function, bench.attempt(function, b"{}", "id"))
    assert (
        json.loads(outcome.payload)["errorMessage"] == "RequestId: id Error: Runtime exited with error: exit status 127"
    )
