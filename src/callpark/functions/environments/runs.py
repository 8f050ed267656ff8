"""What passes between the fleet and its environments: what they share, a run, and how a start went.

Made by `fleet.py`, used by `environment.py`.
"""

import asyncio
from pathlib import Path
from typing import TypeAlias

import msgspec

from callpark.functions.environments.happenings import AttemptStatus
from callpark.functions.environments.isolation import Sandbox
from callpark.functions.environments.ports import Attempt, Outcome
from callpark.functions.environments.processes import Launcher
from callpark.functions.environments.streams import Feed
from callpark.kernel.clock import Clock
from callpark.kernel.holds import Hold
from callpark.kernel.ids import Ids
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Trace


class Platform(msgspec.Struct, frozen=True):
    """What all environments share. `endpoint_url` is where callpark serves AWS's APIs, once it does; `tasks` is for
    what goes on beside runs and starts."""

    clock: Clock
    ids: Ids
    trace: Trace
    limits: LambdaLimits
    launcher: Launcher
    directory: Path
    endpoint_url: str | None
    tasks: Tasks
    sandbox: Sandbox | None = None


class Run:
    """One attempt on its way through an environment, and whoever waits for it; `feed` when they want the response as it
    is written. Holds virtual time until it is over."""

    __slots__ = ("_future", "_hold", "attempt", "feed", "restarts", "started_at")

    def __init__(
        self, attempt: Attempt, future: "asyncio.Future[Outcome]", hold: Hold, feed: Feed | None = None
    ) -> None:
        self.attempt = attempt
        self.feed = feed
        self.restarts = 0
        self.started_at: float | None = None
        self._future = future
        self._hold = hold

    @property
    def abandoned(self) -> bool:
        return self._future.done()

    def finish(self, outcome: Outcome) -> None:
        if not self._future.done():
            self._future.set_result(outcome)
        self._over()

    def fail(self, error: Exception) -> None:
        if not self._future.done():
            self._future.set_exception(error)
        self._over()

    def _over(self) -> None:
        if self.feed is not None:
            self.feed.finish()
        self._hold.release()


class Ending(msgspec.Struct, frozen=True):
    """How a run ended: what its caller gets, and what REPORT says."""

    payload: bytes
    status: AttemptStatus
    error_type: str | None = None


class Ready(msgspec.Struct, frozen=True):
    """The process asks for its first event."""


class InitFailed(msgspec.Struct, frozen=True):
    """The code could not be loaded, or the process ended. `text` is what the platform adds to the log; `payload` is
    None where the error object names the request."""

    error_type: str
    payload: bytes | None
    text: str


class InitTimedOut(msgspec.Struct, frozen=True):
    """The init phase took longer than it may."""


Init: TypeAlias = Ready | InitFailed | InitTimedOut
