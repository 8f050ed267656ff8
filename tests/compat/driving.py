"""The JavaScript clients of this folder, run by Node.js against a server of the test's own."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NODE = shutil.which("node")

needs_node = pytest.mark.skipif(
    NODE is None or not (HERE / "node_modules" / ".installed").exists(),
    reason="Node.js or the packages of tests/compat are missing: install Node.js 20 with npm, then `make setup`",
)


class Driver:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")
        await self._process.stdin.drain()

    async def line(self) -> str:
        """The next line of its standard output. Raises AssertionError with what it complained about."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        said = await self._process.stdout.readline()
        assert said, (await self._process.stderr.read()).decode()
        return said.decode()


@contextlib.asynccontextmanager
async def driver(script: str, environment: Mapping[str, str]) -> AsyncIterator[Driver]:
    """A running script of this folder; ended with the context."""
    assert NODE is not None
    process = await asyncio.create_subprocess_exec(
        NODE,
        str(HERE / script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], **environment},
    )
    try:
        yield Driver(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
