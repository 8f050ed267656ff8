"""Handlers that hang, crash, exit or flood, and callers that go away."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from callpark.functions.environments import failures
from callpark.functions.environments.forking import ForkingLauncher
from callpark.functions.environments.happenings import AttemptEnded, AttemptStarted
from callpark.functions.environments.ports import EnvironmentUnavailable, Outcome
from tests.functions.environments.conftest import Bench, gone, parent_of

pytestmark = pytest.mark.process

COUNTER = """
    import os, time
    from pathlib import Path
    COUNT = 0
    def handler(event, context):
        global COUNT
        COUNT += 1
        seen = Path(os.environ["TMPDIR"], "seen")
        before = seen.exists()
        seen.touch()
        if event.get("sleep"): time.sleep(event["sleep"])
        if event.get("exit") is not None: os._exit(event["exit"])
        if event.get("kill"): os.kill(os.getpid(), event["kill"])
        return {"pid": os.getpid(), "count": COUNT, "seen": before, "stream": context.log_stream_name}
"""


def error(outcome: Outcome) -> dict[str, object]:
    assert outcome.function_error == "Unhandled"
    found = json.loads(outcome.payload)
    assert isinstance(found, dict)
    return found


async def test_a_timeout_kills_and_resets(bench: Bench, alive: Callable[[int], bool]) -> None:
    function = bench.deploy(COUNTER, timeout_seconds=1)
    fleet = bench.fleet()
    first = json.loads((await bench.run(fleet, function)).payload)
    outcome = await fleet.run(function, bench.attempt(function, b'{"sleep": 30}', "late"))
    assert outcome.payload == (
        b'{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: late Error: Task timed out after 1.00 seconds"}'
    )
    assert 1.0 <= outcome.duration_seconds < 2.0
    assert b" late Task timed out after 1.00 seconds\n" in outcome.log_tail
    assert outcome.log_tail.endswith(b"\tStatus: timeout\n")
    assert not alive(first["pid"])
    after = json.loads((await bench.run(fleet, function)).payload)
    assert (after["count"], after["seen"], after["stream"]) == (1, True, first["stream"])


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"exit": 0}, "Runtime exited without providing a reason"),
        ({"exit": 3}, "Runtime exited with error: exit status 3"),
        ({"kill": 9}, "Runtime exited with error: signal: killed"),
        ({"kill": 11}, "Runtime exited with error: signal: segmentation fault"),
    ],
)
async def test_a_process_that_ends(bench: Bench, event: dict[str, int], text: str) -> None:
    function = bench.deploy(COUNTER)
    fleet = bench.fleet()
    outcome = await fleet.run(function, bench.attempt(function, json.dumps(event).encode(), "id"))
    assert error(outcome) == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: id Error: {text}"}
    assert outcome.log_tail.endswith(b"\tStatus: error\tError Type: Runtime.ExitError\n")
    assert json.loads((await bench.run(fleet, function)).payload)["count"] == 1


async def test_an_exit_during_init(bench: Bench) -> None:
    function = bench.deploy("import os\nprint('last words', flush=True)\nos._exit(0)")
    outcome = await bench.fleet().run(function, bench.attempt(function, b"{}", "id"))
    assert error(outcome)["errorMessage"] == "RequestId: id Error: Runtime exited without providing a reason"
    assert "last words" in bench.log()


async def test_an_init_that_hangs_is_tried_again_inside_the_invocation(bench: Bench) -> None:
    function = bench.deploy("import time\ntime.sleep(60)", timeout_seconds=1)
    outcome = await bench.fleet("init_seconds=0.3").run(function, bench.attempt(function, b"{}", "id"))
    assert error(outcome)["errorMessage"] == "RequestId: id Error: Task timed out after 1.00 seconds"
    assert bench.log().count("INIT_REPORT") == 2
    assert bench.log().index("Status: timeout") < bench.log().index("START RequestId: id")


async def test_an_init_that_is_slow_only_once_still_serves(bench: Bench) -> None:
    function = bench.deploy(
        """
        import os, time
        from pathlib import Path
        mark = Path(os.environ["TMPDIR"], "mark")
        if not mark.exists():
            mark.touch()
            time.sleep(60)
        def handler(event, context):
            return "served"
        """
    )
    fleet = bench.fleet("init_seconds=1")
    await bench.run(
        fleet, bench.deploy("def handler(e, c): pass", "warm")
    )  # what forks takes its time on a busy machine
    outcome = await bench.run(fleet, function)
    assert (outcome.payload, outcome.function_error) == (b'"served"', None)


async def test_a_log_flood_is_cut_and_says_so(bench: Bench) -> None:
    function = bench.deploy("def handler(e, c):\n    for _ in range(200): print('x' * 999)\n    return 'done'")
    outcome = await bench.run(bench.fleet("log_bytes_per_invocation=50000"), function)
    assert outcome.payload == b'"done"'
    assert bench.log().count("x" * 999) == 50
    assert "[callpark] the rest of this log is dropped: more than 50000 bytes in one invocation\n" in bench.log()
    assert b"END RequestId" in outcome.log_tail


async def test_too_much_memory_ends_the_process(bench: Bench) -> None:
    function = bench.deploy("import time\ndef handler(e, c):\n    b = bytearray(120_000_000)\n    time.sleep(5)")
    outcome = await bench.fleet().run(function, bench.attempt(function, b"{}", "id"))
    assert error(outcome)["errorMessage"] == "RequestId: id Error: Runtime exited with error: signal: killed"
    assert b"Max Memory Used: 128 MB" in outcome.log_tail


async def test_the_whole_process_group_goes(bench: Bench) -> None:
    function = bench.deploy(
        """
        import subprocess, time
        from pathlib import Path
        def handler(event, context):
            child = subprocess.Popen(["sleep", "60"])
            Path(event).write_text(str(child.pid))
            time.sleep(60)
        """,
        timeout_seconds=1,
    )
    note = bench.directory / "pid"
    await bench.run(bench.fleet(), function, json.dumps(str(note)).encode())
    await gone(int(note.read_text()))


async def test_a_caller_who_goes_away_leaves_the_environment_usable(bench: Bench) -> None:
    function = bench.deploy(COUNTER)
    fleet = bench.fleet()
    pid = json.loads((await bench.run(fleet, function)).payload)["pid"]
    started, ended = bench.following(AttemptStarted), bench.following(AttemptEnded)
    caller = asyncio.ensure_future(bench.run(fleet, function, b'{"sleep": 0.1}'))
    await started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await ended.wait()
    after = json.loads((await bench.run(fleet, function)).payload)
    assert (after["pid"], after["count"]) == (pid, 3)


async def test_a_dead_zygote_is_nobodys_fault_and_is_replaced(bench: Bench) -> None:
    function = bench.deploy(COUNTER)
    launcher = ForkingLauncher()
    fleet = bench.fleet(launcher=launcher)
    pid = json.loads((await bench.run(fleet, function)).payload)["pid"]
    zygote = parent_of(pid)
    started = bench.following(AttemptStarted)
    running = asyncio.ensure_future(bench.run(fleet, function, b'{"sleep": 30}'))
    await started.wait()
    os.kill(zygote, signal.SIGKILL)
    with pytest.raises(EnvironmentUnavailable):
        await running
    assert json.loads((await bench.run(fleet, function)).payload)["count"] == 1


async def test_closing_ends_busy_processes(bench: Bench, alive: Callable[[int], bool]) -> None:
    function = bench.deploy(COUNTER)
    fleet = bench.fleet()
    pid = json.loads((await bench.run(fleet, function)).payload)["pid"]
    started = bench.following(AttemptStarted)
    running = asyncio.ensure_future(bench.run(fleet, function, b'{"sleep": 30}'))
    await started.wait()
    await fleet.close()
    with pytest.raises(EnvironmentUnavailable):
        await running
    assert not alive(pid)
    assert not list((bench.directory / "data" / "environments").iterdir())


async def test_our_own_crash_leaves_no_process_behind(bench: Bench) -> None:
    bench.deploy(COUNTER)
    script = f"""
import asyncio, os, sys
from pathlib import Path
from tests.functions.environments.conftest import Bench, gone, parent_of
async def main():
    bench = Bench(Path({str(bench.directory)!r}))
    fleet = bench.fleet()
    outcome = await bench.run(fleet, bench.deploy(Path({str(bench.directory)!r}, "F", "m.py").read_text()))
    print(outcome.payload.decode(), flush=True)
    sys.stdin.read()
asyncio.run(main())
"""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=Path.cwd(),
        env={**os.environ, "PYTHONPATH": f"{Path.cwd()}:{Path.cwd() / 'src'}"},
    )  # fmt: skip
    assert server.stdout is not None
    pid = json.loads(await server.stdout.readline())["pid"]
    zygote = parent_of(pid)
    server.kill()
    await server.wait()
    await gone(pid)
    await gone(zygote)


def test_signals_have_gos_names() -> None:
    assert failures.exit_text(-6) == "Runtime exited with error: signal: aborted"
    assert failures.exit_text(127) == "Runtime exited with error: exit status 127"


def test_only_frames_are_presented_as_awss_paths() -> None:
    payload = b'{"errorMessage": "/code/x e", "stackTrace": ["File \\"/code/x.py\\""]}'
    shown = json.loads(failures.present_paths(payload, [("/code", "/var/task")]))
    assert shown == {"errorMessage": "/code/x e", "stackTrace": ['File "/var/task/x.py"']}
    assert failures.present_paths(b'"/code/ is just text', [("/code", "/var/task")]) == b'"/code/ is just text'
