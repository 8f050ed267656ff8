"""Named points around each commit at which a test stops the process or makes the disk fail.

In production there is no hook. With `CALLPARK_FAULT=point:n` in the environment the process kills itself with SIGKILL
when it passes `point` for the n-th time.
"""

import os
import signal
from collections.abc import Callable, Mapping
from typing import TypeAlias

from callpark.kernel.errors import ProjectError

FaultHook: TypeAlias = Callable[[str], None]
"""Called with the name of each point that is passed, from the event loop or from any of the store's threads."""

POINTS = (
    "before_commit",  # a batch is folded, nothing of it is written
    "within_commit",  # half of the batch's record is in the journal
    "after_commit",  # durable, the event loop does not know yet
    "before_done",  # as before_commit, when the batch removes items
    "after_done",  # as after_commit, when the batch removed items
    "after_put_before_ack",  # the event loop knows, no future is resolved yet
    "after_ack",  # every future of the batch is resolved
    "before_carry",  # the database is about to take over what the journal holds
    "within_carry",  # between two statements of that transaction
    "after_carry",  # the database has it, the journal's segment is not free yet
    "before_blob_rename",  # the bytes are on disk under a temporary name
    "after_blob_rename",  # the blob is durable, nobody knows yet
)


def pass_by(hook: FaultHook | None, point: str) -> None:
    if hook is not None:
        hook(point)


def from_environment(environment: Mapping[str, str]) -> FaultHook | None:
    """The hook that `CALLPARK_FAULT` asks for. Raises ProjectError when it names no known point."""
    text = environment.get("CALLPARK_FAULT")
    if not text:
        return None
    wanted, _, times = text.partition(":")
    if wanted not in POINTS or not times.isdigit() or int(times) < 1:
        raise ProjectError(f"CALLPARK_FAULT={text} is not point:n", f"points are {', '.join(POINTS)}; n counts from 1")
    remaining = int(times)

    def hook(point: str) -> None:
        nonlocal remaining
        if point == wanted:
            remaining -= 1
            if remaining == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook
