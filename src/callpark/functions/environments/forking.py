"""Processes forked from warmed parents: the side of `zygote.py` that lives in the server.

One zygote without and, once a function needs it, one with boto3. Each is started on first use and again after it died.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import orjson

from callpark.functions.environments.ports import EnvironmentUnavailable
from callpark.functions.environments.processes import Command, Exit, Process
from callpark.functions.environments.runtimes import PythonProgram

_SCRIPT = Path(__file__).with_name("zygote.py")
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


def can_fork() -> bool:
    """Forking an interpreter is safe where the system's libraries do not start threads behind its back."""
    return sys.platform == "linux"


class ForkingLauncher:
    """A `Launcher` over zygotes."""

    def __init__(self) -> None:
        self._zygotes: dict[tuple[str, ...], Zygote] = {}
        self._starting = asyncio.Lock()
        self._closed = False

    async def launch(self, command: Command, output: int) -> Process:
        zygote = await self._zygote(())
        if isinstance(command.program, PythonProgram) and command.program.sdk:
            warm = await self._zygote(("boto3",))
            if warm.warmed.done():  # the first function to need it does not wait until it is warm
                zygote = warm
        return await zygote.fork(command, output)

    async def warm(self, *modules: str) -> None:
        """Start the zygote that has these modules before a function needs it; returns when it is warm."""
        await asyncio.shield((await self._zygote(modules)).warmed)

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*(zygote.close() for zygote in self._zygotes.values()))

    async def _zygote(self, warm: tuple[str, ...]) -> "Zygote":
        async with self._starting:
            if self._closed:
                raise EnvironmentUnavailable("callpark is closing")
            zygote = self._zygotes.get(warm)
            if zygote is None or zygote.gone:
                if zygote is not None:
                    await zygote.close()
                zygote = self._zygotes[warm] = Zygote(warm)
        return zygote


class Zygote:
    """One warmed parent: its process, its socket, and the processes forked from it."""

    def __init__(self, warm: tuple[str, ...]) -> None:
        self.gone = False
        self.warmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()
        self._socket, theirs = socket.socketpair()
        self._sending = asyncio.Lock()
        self._received = bytearray()
        self._requests: dict[int, asyncio.Future[Process]] = {}
        self._exits: dict[int, asyncio.Future[Exit]] = {}
        self._request = 0
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        with theirs:
            try:
                self._process = subprocess.Popen(
                    (sys.executable, "-P", str(_SCRIPT), str(theirs.fileno()), *warm),
                    stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env={**environment, "LC_CTYPE": "C.UTF-8", "HOME": "/nonexistent"},
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                self._socket.close()
                raise EnvironmentUnavailable(f"{sys.executable} cannot be started: {error.strerror}") from error
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._readable)

    async def fork(self, command: Command, output: int) -> Process:
        """A new process. Raises EnvironmentUnavailable when the zygote dies meanwhile."""
        self._request += 1
        number = self._request
        started: asyncio.Future[Process] = self._loop.create_future()
        self._requests[number] = started
        program = command.program
        body = orjson.dumps(
            {
                "id": number,
                "arguments": None if isinstance(program, PythonProgram) else program.arguments,
                "handler": program.handler if isinstance(program, PythonProgram) else None,
                "variables": command.variables,
                "directory": str(command.directory),
                "pycache": str(command.pycache),
                "file_descriptors": command.file_descriptors,
                "file_bytes": command.file_bytes,
                "signals": command.signals,
            }
        )
        try:
            await self._send(body, output)
            return await started
        except OSError as error:
            raise EnvironmentUnavailable("the process that handlers are forked from has died") from error
        except asyncio.CancelledError:
            if started.done() and not started.cancelled() and started.exception() is None:
                started.result().kill()
            raise
        finally:
            self._requests.pop(number, None)

    async def close(self) -> None:
        """End the zygote and what it started; returns when they are gone."""
        if not self.gone:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
        try:
            await asyncio.to_thread(self._process.wait, 5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        self._lost()

    async def _send(self, body: bytes, output: int) -> None:
        async with self._sending:
            head = len(body).to_bytes(4, "big")
            while True:
                if self.gone:
                    raise ConnectionError
                try:
                    socket.send_fds(self._socket, [head], [output])
                    break
                except BlockingIOError:
                    await self._writable()
            await self._loop.sock_sendall(self._socket, body)

    async def _writable(self) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()

        def writable() -> None:
            if not ready.done():
                ready.set_result(None)

        self._loop.add_writer(self._socket, writable)
        try:
            await ready
        finally:
            self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        self._received += data
        while len(self._received) >= 4:
            end = 4 + int.from_bytes(self._received[:4], "big")
            if len(self._received) < end:
                return
            report = orjson.loads(self._received[4:end])
            del self._received[:end]
            self._take(report)

    def _take(self, report: dict[str, int]) -> None:
        if "ready" in report:
            self.warmed.set_result(None)
            return
        if "started" in report:
            exited: asyncio.Future[Exit] = self._loop.create_future()
            process = Process(report["pid"], exited)
            self._exits[process.pid] = exited
            waiting = self._requests.get(report["started"])
            if waiting is None or waiting.done():
                process.kill()  # whoever asked was cancelled meanwhile
            else:
                waiting.set_result(process)
            return
        found = self._exits.pop(report["exited"], None)
        if found is not None:
            found.set_result(Exit(report["status"], report["peak_kilobytes"]))

    def _lost(self) -> None:
        """The zygote is gone and every process forked from it with it."""
        if self.gone:
            return
        self.gone = True
        if not self.warmed.done():
            self.warmed.set_result(None)
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for waiting in self._requests.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError())
        for pid, exited in self._exits.items():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            exited.set_result(Exit(-signal.SIGKILL, orphaned=True))
        self._exits.clear()
