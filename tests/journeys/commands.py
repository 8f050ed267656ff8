"""A `callpark` command in a process of its own, with what it prints, for tests that wait for lines and send signals."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path


class Command:
    """A running command. `lines` holds what it printed on both streams, in order of arrival."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._seen = 0
        self._grown = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def until(self, text: str, seconds: float = 20) -> str:
        """The next line that contains `text`, after those that earlier calls went past."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    while self._seen < len(self.lines):
                        self._seen += 1
                        if text in self.lines[self._seen - 1]:
                            return self.lines[self._seen - 1]
                    assert not self._reading.done(), f"ended without {text!r}: {self.lines}"
                    self._grown.clear()
                    await self._grown.wait()
        except TimeoutError:
            raise AssertionError(f"{text!r} did not come: {self.lines}") from None

    async def ready(self) -> str:
        """The endpoint, once the server has said all about itself."""
        endpoint = (await self.until("ready http://")).split()[1]
        await self.until("Ctrl-C stops")
        return endpoint

    async def signal(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self, seconds: float = 20) -> int:
        code = await asyncio.wait_for(self.process.wait(), seconds)
        await self._reading
        return code

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip("\n"))
            self._grown.set()
        self._grown.set()


@contextlib.asynccontextmanager
async def command(
    *arguments: str, stdin: int = asyncio.subprocess.DEVNULL, module: str = "callpark"
) -> AsyncIterator[Command]:
    """`callpark` with arguments; ended with the context, however the test ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    running = Command(process)
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await running.ended()


def processes_of(session: int) -> list[str]:
    """The command lines of a session's processes that are still there."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append((folder / "cmdline").read_text().replace("\0", " "))
    return found
