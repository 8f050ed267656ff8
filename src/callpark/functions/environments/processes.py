"""Processes as the environment sees them, and two ways to start one.

`forking.ForkingLauncher` asks a zygote (fast, Linux); `PlainLauncher` starts a new interpreter. Both give a `Process`,
whose exit is a future. Chosen once by `fleet.py`.
"""

import asyncio
import contextlib
import os
import re
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from callpark.functions.environments.ports import EnvironmentUnavailable
from callpark.functions.environments.runtimes import Program, plain_arguments, python_cached

#: The log pipe's descriptors in every process: standard output, standard error, telemetry.
TELEMETRY_DESCRIPTOR = 3
#: Listener, connection, log pipe and three of /proc, and room for a start and an end at the same time.
DESCRIPTORS_PER_ENVIRONMENT = 10
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PEAK = re.compile(rb"VmHWM:\s+(\d+) kB")


class Command(msgspec.Struct, frozen=True):
    """A program, its environment variables and directories. `pycache` keeps compiled Python out of the user's code;
    `file_descriptors` is how many it may have open, `file_bytes` how large a file may become; with `signals` it must be
    able to take them while it is idle."""

    program: Program
    variables: Mapping[str, str]
    directory: Path
    pycache: Path
    file_descriptors: int
    file_bytes: int
    signals: bool = False


class Exit(msgspec.Struct, frozen=True):
    """How a process ended: its exit status, or minus the signal. `orphaned`: it was taken down with its zygote, which
    is no fault of the function's."""

    status: int
    peak_kilobytes: int = 0
    orphaned: bool = False


class Process:
    """A running process, leader of its own group. `exited` completes once it is gone and reaped."""

    def __init__(self, pid: int, exited: "asyncio.Future[Exit]") -> None:
        self.pid = pid
        self.exited = exited
        self._status = _open_or_none(f"/proc/{pid}/status")
        self._schedule = _open_or_none(f"/proc/{pid}/schedstat")
        self._times = _open_or_none(f"/proc/{pid}/stat")
        exited.add_done_callback(self._close)

    def kill(self) -> None:
        """End the whole process group at once."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole process group; to the process alone when it was forked just now and has not yet
        made itself the leader of one."""
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                try:
                    os.killpg(self.pid, number)
                except ProcessLookupError:
                    os.kill(self.pid, number)

    def peak_megabytes(self) -> int:
        """The most memory the process itself has had resident (VmHWM), 0 where the system does not say."""
        if self._status is None:
            return 0
        try:
            found = _PEAK.search(os.pread(self._status, 4096, 0))
        except OSError:
            return 0
        return 0 if found is None else int(found[1]) // 1024

    def look_inside(self, levels: int) -> None:
        """From now on memory and computing are those of the process so many generations below: a sandbox's contents."""
        pid = self.pid
        for _ in range(levels):
            children = _children(pid)
            if not children:
                return
            pid = children[0]
        self._close(self.exited)
        self._status = _open_or_none(f"/proc/{pid}/status")
        self._schedule = _open_or_none(f"/proc/{pid}/schedstat")
        self._times = _open_or_none(f"/proc/{pid}/stat")

    def limit_files(self, most_bytes: int) -> None:
        """How large a file may become that it, or what it has started, writes from now on. Linux only."""
        if hasattr(resource, "prlimit") and not self.exited.done():
            for pid in (self.pid, *_descendants(self.pid)):
                with contextlib.suppress(OSError, ValueError):
                    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, hard))

    def compute_seconds(self) -> float | None:
        """Processor time of all its threads, or what its main thread spent on a processor or queueing for one, if that
        is more; None where the system does not say."""
        if self._schedule is None or self._times is None:
            return None
        try:
            running, queueing, _ = os.pread(self._schedule, 256, 0).split()
            # After the name, which may hold anything but ends with the last bracket: utime and stime are 12th and 13th.
            fields = os.pread(self._times, 1024, 0).rpartition(b")")[2].split()
            ticks = int(fields[11]) + int(fields[12])
        except (OSError, ValueError, IndexError):
            return None
        return max((int(running) + int(queueing)) / 1e9, ticks / _TICKS_PER_SECOND)

    def _close(self, exited: "asyncio.Future[Exit]") -> None:
        for descriptor in (self._status, self._schedule, self._times):
            if descriptor is not None:
                os.close(descriptor)
        self._status = self._schedule = self._times = None


class OwnThread:
    """How much the thread that made this computes: time on a processor or queueing for one, where the system says."""

    def __init__(self) -> None:
        self._schedule = _open_or_none(f"/proc/self/task/{threading.get_native_id()}/schedstat")

    def compute_seconds(self) -> float:
        if self._schedule is None:
            return time.thread_time()
        running, queueing, _ = os.pread(self._schedule, 256, 0).split()
        return (int(running) + int(queueing)) / 1e9

    def close(self) -> None:
        if self._schedule is not None:
            os.close(self._schedule)
            self._schedule = None


class Launcher(Protocol):
    async def launch(self, command: Command, output: int) -> Process:
        """Start a process whose output goes to the descriptor `output` (which stays the caller's).

        Raises EnvironmentUnavailable.
        """
        ...

    async def close(self) -> None:
        """End every process started here and wait until they are gone."""
        ...


class PlainLauncher:
    """Starts a new interpreter each time: for systems without a safe fork. A process outlives us if we are killed."""

    def __init__(self) -> None:
        self._processes: set[Process] = set()

    async def launch(self, command: Command, output: int) -> Process:
        arguments = python_cached(plain_arguments(command.program), command.pycache)
        # A shell-free way to give the child descriptor 3: pass ours under its own number and name that.
        variables = {**command.variables, "_LAMBDA_TELEMETRY_LOG_FD": str(output)}
        try:
            child = subprocess.Popen(  # noqa: ASYNC220 - a few ms, where forking from a zygote is not possible
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(output,),
                cwd=command.directory,
                env=variables,
                start_new_session=True,
            )
        except OSError as error:
            raise EnvironmentUnavailable(f"{arguments[0]} cannot be started: {error.strerror}") from error
        process = Process(child.pid, self._watch(child))
        process.limit_files(command.file_bytes)
        self._processes.add(process)
        process.exited.add_done_callback(lambda _: self._processes.discard(process))
        return process

    async def close(self) -> None:
        processes = tuple(self._processes)
        for process in processes:
            process.kill()
        await asyncio.gather(*(process.exited for process in processes))

    def _watch(self, child: "subprocess.Popen[bytes]") -> "asyncio.Future[Exit]":
        loop = asyncio.get_running_loop()
        exited: asyncio.Future[Exit] = loop.create_future()

        def wait() -> None:
            status = child.wait()
            with contextlib.suppress(RuntimeError):  # the loop is gone, and everybody who waited with it
                loop.call_soon_threadsafe(_complete, exited, Exit(status))

        threading.Thread(target=wait, name=f"exit of {child.pid}", daemon=True).start()
        return exited


def allow_descriptors(more: int) -> None:
    """Let this process open `more` descriptors beyond the ordinary, as far as the system lets it."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1024 + more
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (OSError, ValueError):
        return []


def _descendants(pid: int) -> list[int]:
    found = _children(pid)
    return [*found, *(deeper for child in found for deeper in _descendants(child))]


def _complete(exited: "asyncio.Future[Exit]", how: Exit) -> None:
    if not exited.done():
        exited.set_result(how)


def _open_or_none(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
