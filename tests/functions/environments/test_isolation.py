"""What a handler cannot do: to the disk, to the server's secrets, to its neighbours; with and without a sandbox."""

import json
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from callpark.functions.environments.processes import PlainLauncher
from callpark.functions.environments.temporary import TemporarySpace
from callpark.kernel.errors import ProjectError
from tests.functions.environments.conftest import Bench, needs_bubblewrap, needs_node

pytestmark = pytest.mark.process

LOOKS = """
import json, os, resource, socket, sys, tempfile
from pathlib import Path

def attempt(work):
    try:
        work()
        return "done"
    except OSError as error:
        return type(error).__name__

def handler(event, context):
    return {
        "file": __file__,
        "cwd": os.getcwd(),
        "root": os.environ["LAMBDA_TASK_ROOT"],
        "secret": os.environ.get("SERVER_SECRET"),
        "outside": attempt(lambda: Path(event["outside"]).read_text()),
        "write": attempt(lambda: Path(event["outside"] + ".new").write_text("x")),
        "code": attempt(lambda: Path(__file__).with_name("new.py").write_text("x")),
        "tmp": attempt(lambda: Path(tempfile.gettempdir(), "note").write_text("x")),
        "tmpdir": tempfile.gettempdir(),
        "notes": sorted(os.listdir("/tmp")) if event.get("list") else None,
        "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
        "cores": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "largest": resource.getrlimit(resource.RLIMIT_FSIZE)[0],
        "group": os.getpgid(0) == os.getpid(),
        "layer": os.path.exists("/opt/layer.txt"),
    }
"""


async def test_every_process_has_its_group_its_limits_and_no_secrets(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVER_SECRET", "hunter2")
    function = bench.deploy(LOOKS)
    outside = bench.directory / "outside"
    outside.write_text("seen")
    seen = json.loads((await bench.run(bench.fleet(), function, _event(outside))).payload)
    assert seen["secret"] is None
    assert (seen["cores"], seen["descriptors"], seen["largest"]) == (0, 1024, 512 * 1024 * 1024)
    assert seen["group"]
    assert seen["cwd"] == str(function.code_root)


@needs_bubblewrap
async def test_a_sandbox_has_its_own_mounts_and_processes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_SECRET", "hunter2")
    function = bench.deploy(LOOKS)
    layers = bench.directory / "layers"
    layers.mkdir()
    (layers / "layer.txt").write_text("layer")
    function = replace(function, layers_root=layers)
    outside = bench.directory / "outside"
    outside.write_text("seen")
    fleet = bench.fleet(isolation="sandbox")
    outcome = await bench.run(fleet, function, _event(outside, list=True))
    seen = json.loads(outcome.payload)
    assert outcome.function_error is None, seen
    assert (seen["file"], seen["cwd"], seen["root"]) == ("/var/task/m.py", "/var/task", "/var/task")
    assert (seen["outside"], seen["write"], seen["code"]) == ("FileNotFoundError", "FileNotFoundError", "OSError")
    assert (seen["tmp"], seen["tmpdir"], seen["notes"]) == ("done", "/tmp", ["note"])
    assert seen["processes"] <= 3
    assert seen["secret"] is None
    assert seen["layer"]
    assert "note" not in os.listdir("/tmp")
    assert "REPORT" in bench.log()


@needs_bubblewrap
async def test_a_sandbox_keeps_tmp_over_a_reset_and_reports_exits(bench: Bench) -> None:
    function = bench.deploy(
        """
        import os
        from pathlib import Path
        def handler(event, context):
            mark = Path("/tmp/mark")
            if mark.exists():
                return "kept"
            mark.touch()
            os._exit(3)
        """
    )
    fleet = bench.fleet(isolation="sandbox")
    first = json.loads((await bench.run(fleet, function)).payload)
    assert first["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert (await bench.run(fleet, function)).payload == b'"kept"'


@needs_bubblewrap
async def test_a_sandbox_is_killed_at_its_deadline_and_its_memory_is_seen(bench: Bench) -> None:
    fleet = bench.fleet(isolation="sandbox")
    slow = bench.deploy("import time\ndef handler(e, c): time.sleep(60)", name="slow", timeout_seconds=1)
    timed_out = json.loads((await bench.run(fleet, slow)).payload)
    assert timed_out["errorType"] == "Sandbox.Timedout"
    source = "import time\ndef handler(e, c):\n    kept = b'x' * 400_000_000\n    time.sleep(20)"
    hungry = json.loads((await bench.run(fleet, bench.deploy(source, name="hungry", timeout_seconds=30))).payload)
    assert hungry["errorType"] == "Runtime.ExitError"


@needs_bubblewrap
@needs_node
async def test_node_and_bootstraps_run_in_a_sandbox(bench: Bench) -> None:
    fleet = bench.fleet(isolation="sandbox")
    source = "exports.handler = async () => [__filename, process.cwd()];"
    node = bench.deploy(source, name="node", file="m.js", runtime="nodejs20.x")
    assert json.loads((await bench.run(fleet, node)).payload) == ["/var/task/m.js", "/var/task"]


async def test_what_cannot_be_had_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(bench.directory))
    with pytest.raises(ProjectError, match="needs bubblewrap"):
        bench.fleet(isolation="sandbox")
    with pytest.raises(ProjectError, match="no isolation"):
        bench.fleet(isolation="jail")


async def test_no_file_becomes_larger_than_the_ephemeral_storage(bench: Bench) -> None:
    source = """
    import errno, os
    def handler(event, context):
        path = os.path.join(os.environ["TMPDIR"], "large")
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
        try:
            os.lseek(descriptor, event, os.SEEK_SET)
            os.write(descriptor, b"x")
        except OSError as error:
            return errno.errorcode[error.errno]
        finally:
            os.close(descriptor)
            os.remove(path)
    """
    function = bench.deploy(source, ephemeral_storage_megabytes=600)
    for launcher in (None, PlainLauncher()):
        fleet = bench.fleet(launcher=launcher)
        assert (await bench.run(fleet, function, b"629145599")).payload == b"null"
        assert (await bench.run(fleet, function, b"629145600")).payload == b'"EFBIG"'


async def test_a_full_tmp_refuses_more_until_there_is_room(bench: Bench) -> None:
    source = """
    import os, time
    def handler(event, context):
        folder = os.environ["TMPDIR"]
        with open(os.path.join(folder, "first"), "wb") as file:
            file.write(os.urandom(1024 * 1024))
        refused = 0
        for _ in range(400):
            try:
                with open(os.path.join(folder, "second"), "wb") as file:
                    file.write(b"x")
            except OSError:
                refused += 1
                os.remove(os.path.join(folder, "first"))
                break
            time.sleep(0.01)
        for _ in range(400):
            try:
                with open(os.path.join(folder, "second"), "wb") as file:
                    file.write(b"x")
                return refused
            except OSError:
                time.sleep(0.01)
    """
    function = bench.deploy(source, ephemeral_storage_megabytes=1, timeout_seconds=20)
    assert (await bench.run(bench.fleet(), function)).payload == b"1"
    assert "[callpark] /tmp is full: it may hold 1 MB" in bench.log()


def test_space_counts_what_is_occupied(tmp_path: Path) -> None:
    space = TemporarySpace(tmp_path, 1)
    assert space.used_bytes() == 0
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "file").write_bytes(os.urandom(100_000))
    assert 100_000 <= space.used_bytes() <= 110_592
    assert TemporarySpace(tmp_path / "nothing", 1).used_bytes() == 0


def _event(outside: Path, **more: object) -> bytes:
    return json.dumps({"outside": str(outside), **more}).encode()
