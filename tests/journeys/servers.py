"""A callpark server in a process of its own, as users start it, for tests that kill it or look at what it prints."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO


class ServerProcess:
    """`callpark start` that has said it is ready."""

    def __init__(self, process: asyncio.subprocess.Process, endpoint: str) -> None:
        self.process = process
        self.endpoint = endpoint

    async def kill(self) -> None:
        """kill -9, as the out-of-memory killer does it."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> int:
        """Ctrl-C; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        return await self.process.wait()


@contextlib.asynccontextmanager
async def started(
    project: Path, data: Path, *options: str, errors: IO[bytes] | None = None
) -> AsyncIterator[ServerProcess]:
    """A running server; ended with the context, however the test ends."""
    process = await launch(["start", str(project), "--port", "0", "--data", str(data), *options], errors)
    assert process.stdout is not None
    drain: asyncio.Task[None] | None = None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        assert line.startswith("ready http://"), line
        server = ServerProcess(process, line.split()[1])
        drain = asyncio.create_task(_drain(process.stdout))
        yield server
        await server.stop()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if drain is not None:  # to the end of the pipe, which handlers hold for a moment longer than the server
            await asyncio.wait_for(drain, 20)


async def launch(arguments: Sequence[str], errors: IO[bytes] | None = None) -> asyncio.subprocess.Process:
    """`callpark` with arguments, standard output piped, in a session of its own; standard error to `errors`."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "callpark",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
        start_new_session=True,
    )


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass
