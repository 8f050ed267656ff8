"""Background work that somebody owns: named, awaited at the end, and loud when it fails."""

import asyncio
import logging
from collections.abc import Coroutine

_log = logging.getLogger("callpark")


class Tasks:
    """The tasks of one owner. A task that raises is logged as a bug; `aclose()` cancels what still runs and waits."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=f"{self._owner}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def aclose(self) -> None:
        current = asyncio.current_task()
        while tasks := [task for task in self._tasks if task is not current]:  # an ending task may spawn another
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a background task failed: %s", task.get_name(), exc_info=error)
