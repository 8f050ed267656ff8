"""All execution environments: which one takes a run, when another is started, when one ends.

Implements `ports.Environments` for `functions/service.py` and `functions/events/`. One pool per function version.
Nothing here waits for anything but a start that is under way or, for events, a run of the same function, and nested
invocations have room beyond the bound, so functions that call each other cannot lock each other out.
"""

import asyncio
import logging
import os
import shutil
from pathlib import Path

import msgspec

from callpark.functions.environments.environment import Environment
from callpark.functions.environments.forking import ForkingLauncher, can_fork
from callpark.functions.environments.isolation import sandbox
from callpark.functions.environments.lifecycle import Life
from callpark.functions.environments.pool import Notices, Pool, placed
from callpark.functions.environments.ports import (
    Attempt,
    Deployment,
    EnvironmentUnavailable,
    Outcome,
    ResponseStream,
    Saturated,
)
from callpark.functions.environments.processes import (
    DESCRIPTORS_PER_ENVIRONMENT,
    Launcher,
    OwnThread,
    PlainLauncher,
    allow_descriptors,
)
from callpark.functions.environments.runs import Platform, Run
from callpark.functions.environments.scaling import environments_to_start
from callpark.functions.environments.starting import Starts
from callpark.functions.environments.streams import Feed
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import Limits
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Trace

_log = logging.getLogger("callpark")

#: How often, in real seconds, waiting events are weighed against their function's environments.
_WEIGH_SECONDS = 0.01


class Fleet:
    """Real processes for handlers. `directory` holds what they leave on disk; `endpoint_url` is passed on to them as
    AWS_ENDPOINT_URL. Timeouts, starts and idleness are measured in real seconds: the processes are real."""

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        trace: Trace,
        limits: Limits,
        endpoint_url: str | None,
        directory: Path,
        launcher: Launcher | None = None,
        isolation: str | None = None,
    ) -> None:
        self._clock = clock
        self._limits = limits.lambda_
        chosen = launcher or (ForkingLauncher() if can_fork() else PlainLauncher())
        place = directory.absolute()
        self._tasks = Tasks("environments")
        self._background = Tasks("environments")
        self._starts = Starts(self, self._tasks, limits.lambda_)
        self._platform = Platform(
            clock,
            ids,
            trace,
            limits.lambda_,
            chosen,
            place,
            endpoint_url,
            self._background,
            sandbox(isolation or os.environ.get("CALLPARK_ISOLATION", "process")),
        )
        self._pools: dict[tuple[str, str], Pool] = {}
        self._environments: dict[Environment, Pool] = {}
        self._server = OwnThread()
        self._ends: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._notices = Notices()
        self._cores = os.cpu_count() or 1
        self._closed = False

    async def start(self) -> None:
        """Clear away what a killed server left in `directory`, and begin to warm up what Python handlers are forked
        from, so that the first one does not wait for it. Optional; before the first run."""
        await asyncio.to_thread(shutil.rmtree, self._platform.directory / "environments", ignore_errors=True)
        most = self._limits.environments + self._limits.nested_environments
        allow_descriptors(most * DESCRIPTORS_PER_ENVIRONMENT)
        if isinstance(self._platform.launcher, ForkingLauncher):
            self._tasks.spawn(self._platform.launcher.warm(), "warming")

    def run(self, deployment: Deployment, attempt: Attempt, *, patient: bool = False) -> "asyncio.Future[Outcome]":
        if self._closed:
            raise EnvironmentUnavailable("callpark is closing")
        return self._placed_run(deployment, attempt, None, patient=patient)

    async def run_stream(self, deployment: Deployment, attempt: Attempt) -> ResponseStream:
        if self._closed:
            raise EnvironmentUnavailable("callpark is closing")
        feed = Feed(self._limits)
        ended = self._placed_run(deployment, attempt, feed, patient=False)
        try:
            content_type = await feed.opened
        except asyncio.CancelledError:
            feed.abandon()
            raise
        if ended.done():
            ended.result()
        return ResponseStream(content_type, feed.chunks(), ended)

    async def provision(self, deployment: Deployment, count: int) -> int:
        if self._closed:
            raise EnvironmentUnavailable("callpark is closing")
        pool = self._pool(deployment)
        for environment in tuple(pool.provisioned)[count:]:
            pool.provisioned.discard(environment)
        starts = []
        with self._clock.hold(f"provisioned environments of {deployment.configuration.name}"):
            provisioned = msgspec.structs.replace(pool.deployment, initialization="provisioned-concurrency")
            while len(pool.provisioned) < count and self._make_room(pool, self._limits.environments):
                starts.append(self._starts.provisioned(pool, self._added(pool, provisioned)))
            await asyncio.gather(*starts)
        if pool.idle and self._sweep is None:
            self._sweep_in(self._limits.idle_environment_seconds)
        return len(pool.provisioned)

    def retire(self, arn: str, version: str | None = None) -> None:
        for pool in self._pools.values():
            if pool.deployment.arn == arn and version in (None, pool.deployment.version):
                self._retire(pool)

    async def close(self) -> None:
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        closing = EnvironmentUnavailable("callpark is closing")
        for pool in self._pools.values():
            if pool.weighing is not None:
                pool.weighing.cancel()
            while (run := pool.take_waiting()) is not None:
                run.fail(closing)
        environments = tuple(self._environments)
        if self._ends:
            await asyncio.wait(self._ends)
        await self._tasks.aclose()
        await asyncio.gather(*(environment.close(closing) for environment in environments))
        await self._background.aclose()
        self._environments.clear()
        await self._platform.launcher.close()
        self._server.close()

    # Placing runs.

    def _placed_run(
        self, deployment: Deployment, attempt: Attempt, feed: Feed | None, *, patient: bool
    ) -> "asyncio.Future[Outcome]":
        """A run on its way; completes with its outcome, Saturated or EnvironmentUnavailable."""
        pool = self._pool(deployment)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        run = Run(attempt, future, self._clock.hold(f"function {deployment.configuration.name}"), feed)
        try:
            self._place(pool, run, patient)
        except Saturated as error:
            run.fail(error)
        return future

    def _pool(self, deployment: Deployment) -> Pool:
        key = (deployment.arn, deployment.version)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = Pool(placed(deployment), self._server)
            self._notices.give(deployment)
        elif pool.deployment.revision != deployment.revision:
            self._retire(pool)
            pool.deployment = placed(deployment)
            pool.program = None
            self._notices.give(deployment)
        return pool

    def _place(self, pool: Pool, run: Run, patient: bool) -> None:
        """Give the run to an idle environment, to a new one, or let it wait. Raises Saturated."""
        environment = self._take_idle(pool)
        if environment is not None:
            self._begin(pool, environment, run)
        elif patient and (pool.busy or pool.starting):
            pool.waiting.append(run)
            self._weigh_soon(pool)
        else:
            self._starts.for_run(pool, self._new_environment(pool, nested=run.attempt.nested), run)

    def _take_idle(self, pool: Pool) -> Environment | None:
        """The environment used last, warm ones first: the others get old and end."""
        idle = pool.idle
        for index in range(len(idle) - 1, -1, -1):
            if idle[index].life is Life.IDLE:
                return idle.pop(index)
        return idle.pop() if idle else None

    def _begin(self, pool: Pool, environment: Environment, run: Run) -> None:
        if environment.life is Life.IDLE:
            pool.busy.add(environment)
            environment.begin(run)
        else:
            self._starts.for_run(pool, environment, run)

    def _new_environment(self, pool: Pool, *, nested: bool = False) -> Environment:
        most = self._limits.environments + (self._limits.nested_environments if nested else 0)
        if not self._make_room(pool, most):
            raise Saturated(f"{most} environments are busy")
        return self._added(pool, pool.deployment)

    def _added(self, pool: Pool, deployment: Deployment) -> Environment:
        environment = Environment(deployment, self._platform, self)
        self._environments[environment] = pool
        return environment

    def _make_room(self, wanting: Pool, most: int) -> bool:
        """Whether one more environment may be added: there are fewer than `most`, if need be after those of other
        functions that have been idle longest are ended."""
        surplus = len(self._environments) - most + 1
        if surplus <= 0:
            return True
        candidates = [
            environment
            for pool in self._pools.values()
            if pool is not wanting
            for environment in pool.idle
            if environment not in pool.provisioned
        ]
        if len(candidates) < surplus:
            return False
        for environment in sorted(candidates, key=lambda environment: environment.idle_since)[:surplus]:
            self._environments[environment].idle.remove(environment)
            self.end(environment)
        return True

    # What environments say.

    def environment_free(self, environment: Environment, ran_seconds: float | None) -> None:
        pool = self._environments.get(environment)
        if pool is None:
            return
        pool.busy.discard(environment)
        pool.starting.discard(environment)
        if ran_seconds is not None:
            pool.run_seconds += 0.2 * (ran_seconds - pool.run_seconds)
        if environment.life is Life.GONE or environment.life is Life.DRAINING:
            self.end(environment)
            self._serve(pool)
            return
        environment.idle_since = asyncio.get_running_loop().time()
        pool.idle.append(environment)
        if pool.waiting:
            self._serve(pool)
        if pool.idle and self._sweep is None:
            self._sweep_in(self._limits.idle_environment_seconds)

    def environment_lost_run(self, environment: Environment, run: Run) -> None:
        pool = self._environments[environment]
        self._starts.for_run(pool, environment, run)

    def start_failed(self, pool: Pool, environment: Environment) -> None:
        self.end(environment)
        self._serve(pool)

    def _serve(self, pool: Pool) -> None:
        """Give waiting events to idle environments; see to it that somebody serves the rest."""
        while pool.waiting and pool.idle:
            run = pool.take_waiting()
            environment = self._take_idle(pool)
            if run is None or environment is None:
                if environment is not None:
                    pool.idle.append(environment)
                break
            self._begin(pool, environment, run)
        if pool.waiting and not pool.busy and not pool.starting:
            self._grow(pool, 1)

    # Growing and shrinking.

    def _weigh_soon(self, pool: Pool) -> None:
        if pool.weighing is None:
            pool.watch_server()
            self._weigh_in(pool, _WEIGH_SECONDS)

    def _weigh_in(self, pool: Pool, seconds: float) -> None:
        pool.weighing = asyncio.get_running_loop().call_later(seconds, self._weigh, pool)

    def _weigh(self, pool: Pool) -> None:
        if pool.weighing is not None:
            pool.note_server_late(asyncio.get_running_loop().time() - pool.weighing.when())
        pool.weighing = None
        if pool.waiting and not self._closed:
            self._grow(pool, environments_to_start(pool.demand(self._cores)))
            self._weigh_in(pool, _WEIGH_SECONDS)

    def _grow(self, pool: Pool, count: int) -> None:
        for _ in range(count):
            try:
                environment = self._new_environment(pool)
            except Saturated as error:
                if not pool.busy and not pool.starting:
                    while (run := pool.take_waiting()) is not None:
                        run.fail(error)
                return
            self._starts.ahead(pool, environment)

    def _retire(self, pool: Pool) -> None:
        pool.provisioned.clear()
        for environment in (*pool.starting, *pool.busy):
            environment.retire()
            if environment.life is Life.GONE:
                self.end(environment)
        idle, pool.idle = pool.idle, []
        for environment in idle:
            self.end(environment)

    def _sweep_in(self, seconds: float) -> None:
        self._sweep = asyncio.get_running_loop().call_later(seconds, self._end_idle)

    def _end_idle(self) -> None:
        """End what has been idle for too long."""
        self._sweep = None
        now = asyncio.get_running_loop().time()
        earliest: float | None = None
        for pool in self._pools.values():
            kept = []
            for environment in pool.idle:
                due = environment.idle_since + self._limits.idle_environment_seconds
                if environment in pool.provisioned:
                    kept.append(environment)
                elif due <= now:
                    self.end(environment)
                else:
                    kept.append(environment)
                    earliest = due if earliest is None else min(earliest, due)
            pool.idle = kept
        if earliest is not None:
            self._sweep_in(earliest - now)

    def end(self, environment: Environment) -> None:
        pool = self._environments.pop(environment, None)
        if pool is not None:
            pool.busy.discard(environment)
            pool.starting.discard(environment)
            pool.provisioned.discard(environment)
            end = self._tasks.spawn(environment.close(), f"end of {environment.stream}")
            self._ends.add(end)
            end.add_done_callback(self._ends.discard)
