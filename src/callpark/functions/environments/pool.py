"""One function version's environments and what waits for them, and what is said once about a function.

Kept and changed by `fleet.py`; `demand` is what `scaling.py` decides on.
"""

import asyncio
import logging
import time
from collections import deque

import msgspec

from callpark.functions.environments.environment import Environment
from callpark.functions.environments.ports import Deployment, EnvironmentUnavailable
from callpark.functions.environments.processes import OwnThread
from callpark.functions.environments.runs import Run
from callpark.functions.environments.runtimes import Program, Unstartable, other_python
from callpark.functions.environments.scaling import Demand
from callpark.functions.environments.variables import refused_variables

_log = logging.getLogger("callpark")

#: Before the first start of a function has been measured.
_ASSUMED_START_SECONDS = 0.05


class Pool:
    """One function version: its environments, and the events that wait for one. Means are exponentially weighted."""

    def __init__(self, deployment: Deployment, server: OwnThread) -> None:
        self._server = server
        self.deployment = deployment
        self.program: Program | Unstartable | None = None
        self.idle: list[Environment] = []
        self.busy: set[Environment] = set()
        self.starting: set[Environment] = set()
        self.provisioned: set[Environment] = set()
        self.waiting: deque[Run] = deque()
        self.run_seconds = 0.0
        self.start_seconds = _ASSUMED_START_SECONDS
        self.weighing: asyncio.TimerHandle | None = None
        self._server_seen = (0.0, 0.0)
        self._server_share = 0.0
        self._server_late_seconds = 0.0

    def demand(self, cores: int) -> Demand:
        ages = [environment.running_seconds for environment in self.busy]
        present = sum(ages) / len(ages) if ages else 0.0
        # A share that is not known yet counts as all: to start too few for ten milliseconds costs less than too many.
        shares = [share for e in self.busy if (share := e.compute_share()) is not None]
        share = sum(shares) / len(shares) if shares else 1.0
        run_seconds = max(self.run_seconds, present)
        self._look_at_server()
        return Demand(
            len(self.waiting),
            len(self.busy),
            len(self.starting),
            run_seconds,
            share,
            self.start_seconds,
            cores,
            self._server_share,
            self._server_late_seconds,
        )

    def note_server_late(self, seconds: float) -> None:
        """A timer of the server came so much after its time, of which a millisecond is the timers' own grain."""
        self._server_late_seconds += 0.3 * (max(0.0, seconds - 0.001) - self._server_late_seconds)

    def watch_server(self) -> None:
        """From here on the server's share counts."""
        self._server_seen = (self._server.compute_seconds(), time.perf_counter())

    def _look_at_server(self) -> None:
        computed, at = self._server_seen
        self.watch_server()
        now_computed, now = self._server_seen
        share = (now_computed - computed) / max(now - at, 1e-6)
        self._server_share += 0.5 * (share - self._server_share)

    def note_start(self, seconds: float) -> None:
        """An environment took so long to start."""
        self.start_seconds += 0.3 * (seconds - self.start_seconds)

    def take_waiting(self) -> Run | None:
        """The next event whose sender still waits for it."""
        while self.waiting:
            run = self.waiting.popleft()
            if not run.abandoned:
                return run
            run.fail(EnvironmentUnavailable("nobody waits for this run"))
        return None


class Notices:
    """Warnings about functions, each given once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def give(self, deployment: Deployment) -> None:
        configuration = deployment.configuration
        warnings = [
            f"function {configuration.name}: AWS reserves the variable {name}; it is not set"
            for name in refused_variables(configuration.environment)
        ]
        version = other_python(configuration)
        for warning in (*warnings, *([version] if version else [])):
            if warning not in self._given:
                self._given.add(warning)
                _log.warning("%s", warning)


def placed(deployment: Deployment) -> Deployment:
    """The deployment with an absolute code root: its processes do not share our working directory."""
    return msgspec.structs.replace(deployment, code_root=deployment.code_root.absolute())
