"""How full an environment's TMPDIR is. Used by `environment.py`, which has it measured in a thread while a run is on.

There is no quota that a server without privileges could set, so the limit works in two steps: no file can become
larger than EphemeralStorage (RLIMIT_FSIZE), and once all together are, the limit of the running processes drops to
nothing until there is room again. A write then fails with EFBIG, "File too large", where AWS says ENOSPC.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from callpark.kernel.tasks import Tasks

#: How often it is measured, in real seconds.
_MEASURE_SECONDS = 0.25


class TemporarySpace:
    """The folder `directory` and the megabytes it may hold."""

    def __init__(self, directory: Path, megabytes: int) -> None:
        self.directory = directory
        self.limit_bytes = megabytes * 1024 * 1024

    def used_bytes(self) -> int:
        """What its files occupy. What vanishes meanwhile is not counted."""
        return _occupied(str(self.directory))


class Measuring:
    """Measures now and then, and says when the folder has become full or has room again."""

    def __init__(self, space: TemporarySpace, tasks: Tasks) -> None:
        self._space = space
        self._tasks = tasks
        self._next = 0.0
        self._full = False

    def soon(self, tell: Callable[[bool], None]) -> None:
        """Called often; measures when it is time to."""
        if time.perf_counter() >= self._next:
            self._next = float("inf")
            self._tasks.spawn(self._measure(tell), "measuring /tmp")

    async def _measure(self, tell: Callable[[bool], None]) -> None:
        try:
            full = await asyncio.to_thread(self._space.used_bytes) >= self._space.limit_bytes
        finally:
            self._next = time.perf_counter() + _MEASURE_SECONDS
        if full is not self._full:
            self._full = full
            tell(full)


def _occupied(directory: str) -> int:
    total = 0
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += _occupied(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
    except OSError:
        return total
    return total
