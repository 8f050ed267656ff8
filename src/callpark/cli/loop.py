"""The event loop of every command: uvloop where there is one."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import TypeVar

from callpark.cli import exits, interrupts

T = TypeVar("T")


def run(work: Coroutine[object, object, T]) -> T:
    """Run a command's coroutine to its end. SIGTERM cancels it as Ctrl-C does, so that nothing is left behind."""
    interrupts.orderly()
    with asyncio.Runner(loop_factory=_factory()) as runner:
        return runner.run(_until_terminated(work))


async def _until_terminated(work: Coroutine[object, object, T]) -> T:
    task = asyncio.current_task()
    assert task is not None, "run() makes one"
    terminated = False

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await work
    except asyncio.CancelledError:
        if terminated:
            raise SystemExit(exits.TERMINATED) from None
        raise


def _factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
