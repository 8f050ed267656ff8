"""Starting environments: for a run, ahead of the runs that wait, or because they are provisioned. Used by `fleet.py`.

What becomes of a started environment, and of one that could not start, is the fleet's business (`Starter`).
"""

import asyncio
import logging
import time
from typing import Protocol

from callpark.functions.environments.environment import Environment
from callpark.functions.environments.pool import Pool
from callpark.functions.environments.ports import EnvironmentUnavailable
from callpark.functions.environments.runs import InitTimedOut, Ready, Run
from callpark.functions.environments.runtimes import Program, Unstartable, program
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.tasks import Tasks

_log = logging.getLogger("callpark")


class Starter(Protocol):
    """Who wanted an environment to start."""

    def environment_free(self, environment: Environment, ran_seconds: float | None) -> None:
        """It waits for a run."""
        ...

    def start_failed(self, pool: Pool, environment: Environment) -> None:
        """It is of no use; the runs that wait are to be served by others."""
        ...

    def end(self, environment: Environment) -> None:
        """Nobody needs it."""
        ...


class Starts:
    def __init__(self, starter: Starter, tasks: Tasks, limits: LambdaLimits) -> None:
        self._starter = starter
        self._tasks = tasks
        self._limits = limits

    def for_run(self, pool: Pool, environment: Environment, run: Run) -> None:
        """Start a cold environment on behalf of a run, and go on with it."""
        pool.busy.add(environment)
        environment.prepare()
        self._tasks.spawn(self._run_cold(pool, environment, run), f"start of {environment.stream}")

    def ahead(self, pool: Pool, environment: Environment) -> None:
        """Start an environment for whichever event waits first when it is ready."""
        pool.starting.add(environment)
        environment.prepare()
        self._tasks.spawn(self._start_ahead(pool, environment), f"start of {environment.stream}")

    def provisioned(self, pool: Pool, environment: Environment) -> "asyncio.Task[None]":
        """Start an environment that nothing waits for; one that cannot start is given up."""
        pool.provisioned.add(environment)
        pool.starting.add(environment)
        environment.prepare()
        return self._tasks.spawn(self._start_provisioned(pool, environment), f"start of {environment.stream}")

    async def _run_cold(self, pool: Pool, environment: Environment, run: Run) -> None:
        try:
            chosen = await self._program(pool, environment)
            started = time.perf_counter()
            await environment.start_for(chosen, run)
            pool.note_start(time.perf_counter() - started)
        except asyncio.CancelledError:
            run.fail(EnvironmentUnavailable("callpark is closing"))
            raise
        except Exception as error:
            self._failed(pool, environment, run, error)

    async def _start_ahead(self, pool: Pool, environment: Environment) -> None:
        try:
            chosen = await self._program(pool, environment)
            started = time.perf_counter()
            init = await environment.start(chosen, self._limits.init_seconds, "")
        except Exception as error:
            self._failed(pool, environment, pool.take_waiting(), error)
            return
        if not isinstance(init, InitTimedOut):
            pool.note_start(time.perf_counter() - started)
        if isinstance(init, Ready):
            self._starter.environment_free(environment, None)
            return
        run = pool.take_waiting()
        pool.starting.discard(environment)
        if run is None:
            self._starter.end(environment)
            return
        pool.busy.add(environment)
        try:
            await environment.go_on(chosen, run, init)
        except Exception as error:
            self._failed(pool, environment, run, error)

    async def _start_provisioned(self, pool: Pool, environment: Environment) -> None:
        try:
            chosen = await self._program(pool, environment)
            init = await environment.start(chosen, self._limits.provisioned_init_seconds, "")
        except EnvironmentUnavailable as error:
            _log.warning("%s", error)
            self._starter.end(environment)
            return
        if isinstance(init, Ready):
            self._starter.environment_free(environment, None)
        else:
            self._starter.end(environment)

    def _failed(self, pool: Pool, environment: Environment, run: Run | None, error: Exception) -> None:
        """One run gets to know why; the others that wait are tried in their turn. Whatever else than
        EnvironmentUnavailable comes here is a bug of ours: loud, and the run's caller gets it."""
        if run is not None:
            run.fail(error)
        self._starter.start_failed(pool, environment)
        if not isinstance(error, EnvironmentUnavailable):
            _log.error("the start of %s failed", environment.stream, exc_info=error)

    async def _program(self, pool: Pool, environment: Environment) -> Program | Unstartable:
        if pool.program is None or pool.deployment is not environment.deployment:
            chosen = await asyncio.to_thread(program, environment.deployment)
            if pool.deployment is not environment.deployment:
                return chosen
            pool.program = chosen
        return pool.program
