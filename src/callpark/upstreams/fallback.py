"""moto as a child process: started at first need, watched, ended with us.

Owned by `calls.py`, which asks for its address before each request. What moto holds is in its memory: when its process
dies, tables and buckets are gone, which is said, and a new one is started at the next need.
"""

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import sys
from collections.abc import Mapping
from typing import Protocol

import msgspec

from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import UpstreamLimits
from callpark.kernel.tasks import Tasks

_log = logging.getLogger("callpark")

#: What the child inherits; credentials and proxies are none of its business.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")
_LINE_BYTES = 65_536


class FallbackServer(Protocol):
    """A server of ours for what nobody else serves. `generation` grows with each start: what it held is gone then."""

    @property
    def generation(self) -> int: ...

    async def address(self) -> str:
        """Its URL; started when it does not run. Raises CallerError."""
        ...

    async def close(self) -> None: ...


class _Ready(msgspec.Struct):
    port: int


def installed() -> bool:
    """Whether the extra `aws` is there; nothing is imported."""
    return all(importlib.util.find_spec(name) is not None for name in ("moto", "flask", "flask_cors"))


class Fallback:
    """moto's process. `base_url` is our own address, for what moto has to tell functions and queues."""

    def __init__(self, clock: Clock, place: Place, limits: UpstreamLimits, base_url: str) -> None:
        self._clock = clock
        self._place = place
        self._limits = limits
        self._base_url = base_url
        self._tasks = Tasks("fallback")
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[str] | None = None
        self._closing = False
        self.generation = 0

    async def address(self) -> str:
        if self._starting is None:
            if self._closing:
                raise CallerError("ServiceUnavailable", 503, "callpark stops")
            self._starting = asyncio.create_task(self._start(), name="fallback: start")
        return await asyncio.shield(self._starting)

    @property
    def process_id(self) -> int | None:
        """Of the running process."""
        return None if self._process is None else self._process.pid

    async def close(self) -> None:
        self._closing = True
        starting, self._starting = self._starting, None
        if starting is not None and not starting.done():
            starting.cancel()
            await asyncio.wait((starting,))
        process, self._process = self._process, None
        if process is not None:
            _kill(process)
            await process.wait()
        await self._tasks.aclose()

    async def _start(self) -> str:
        with self._clock.hold("the fallback (moto) starts"):
            try:
                return await self._spawn()
            except BaseException:
                self._starting = None
                raise

    async def _spawn(self) -> str:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "callpark.upstreams.moto_child"),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=self._variables(),
            limit=_LINE_BYTES,
            start_new_session=True,
        )
        self._process = process
        assert process.stdout is not None, "a pipe was asked for"
        self._tasks.spawn(self._pass_errors_on(process), "errors")
        try:
            async with asyncio.timeout(self._limits.start_seconds):
                line = await process.stdout.readline()
            port = msgspec.json.decode(line, type=_Ready).port
        except (TimeoutError, msgspec.MsgspecError):
            self._process = None
            _kill(process)
            status = await process.wait()
            text = f"the fallback (moto) did not start (status {status}); its errors are in the log"
            raise CallerError("ServiceUnavailable", 503, text) from None
        except BaseException:
            _kill(process)
            raise
        self.generation += 1
        self._tasks.spawn(self._watch(process), "process")
        return f"http://127.0.0.1:{port}"

    def _variables(self) -> Mapping[str, str]:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return {
            **inherited,
            "MOTO_ACCOUNT_ID": self._place.account,
            "AWS_DEFAULT_REGION": self._place.region,
            "AWS_ACCESS_KEY_ID": "callpark",
            "AWS_SECRET_ACCESS_KEY": "callpark",
            "AWS_ENDPOINT_URL": self._base_url,
        }

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        status = await process.wait()
        if self._process is not process:
            return
        self._process = self._starting = None
        _log.warning(
            "the fallback (moto) has ended with status %d; its tables, buckets and topics are gone, "
            "it is started again at the next request",
            status,
        )

    async def _pass_errors_on(self, process: asyncio.subprocess.Process) -> None:
        """Its standard error, line by line; what is longer than a line may be is left out."""
        assert process.stderr is not None, "a pipe was asked for"
        while True:
            try:
                line = await process.stderr.readline()
            except ValueError:
                continue
            if not line:
                return
            _log.warning("moto: %s", line.decode(errors="replace").rstrip())


def _kill(process: asyncio.subprocess.Process) -> None:
    """End the process and what it may have started; it has nothing to finish."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
