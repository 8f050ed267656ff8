"""One execution environment: its log stream and temporary directory, its runs, and when its processes begin and end.

`fleet.py` makes them, starts them and gives them runs; they tell it, as `Owner`, when they are free again. Everything
but `start` and `close` happens in callbacks, so a caller who goes away changes nothing: the run goes on to its end.

Each environment has its own TMPDIR, which survives a reset; `/tmp` itself is the machine's and shared. `oversight.py`
keeps runs within their limits, `verdicts.py` says what an end means.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import asyncio
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from callpark.functions.environments import failures
from callpark.functions.environments.extensions.registry import ShutdownReason, invoke_event
from callpark.functions.environments.generation import Generation
from callpark.functions.environments.lifecycle import Life, LifeEvent, live
from callpark.functions.environments.narration import Narration, log_stream
from callpark.functions.environments.oversight import Oversight
from callpark.functions.environments.platform_lines import Report
from callpark.functions.environments.ports import Deployment, EnvironmentUnavailable
from callpark.functions.environments.processes import Exit
from callpark.functions.environments.runs import Ending, Init, InitFailed, InitTimedOut, Platform, Ready, Run
from callpark.functions.environments.runtime_api import Answer, Delivery
from callpark.functions.environments.runtimes import Program, Unstartable
from callpark.functions.environments.streams import Collected, Sink
from callpark.functions.environments.temporary import TemporarySpace
from callpark.functions.environments.verdicts import Verdicts, outcome
from callpark.functions.environments.watching import ComputeShare, Freezer
from callpark.kernel.clock import SystemClock

#: How long a process that has been given a run may at least take to ask for it.
_SETTLE_SECONDS = 1.0
#: How often a run is given to a new process because the former one went away without asking for it.
_RESTARTS = 2


class Owner(Protocol):
    def environment_free(self, environment: "Environment", ran_seconds: float | None) -> None:
        """It can take a run again, or is gone (see its `life`). `ran_seconds` of the run that ended."""
        ...

    def environment_lost_run(self, environment: "Environment", run: Run) -> None:
        """Its process went away before it took `run`; the environment is cold."""
        ...


class Environment:
    """See the module. Its `life` follows `lifecycle.LIFE_TRANSITIONS`."""

    def __init__(self, deployment: Deployment, platform: Platform, owner: Owner) -> None:
        self.deployment = deployment
        self.life = Life.COLD
        self.idle_since = 0.0
        name = platform.ids.hex(32)
        day = datetime.fromtimestamp(platform.clock.now(), UTC).strftime("%Y/%m/%d")
        self.stream = log_stream(day, deployment, name)
        self._platform = platform
        self._owner = owner
        self._name = name
        self._directory = platform.directory / "environments" / name
        self._narration = Narration(deployment, self.stream, platform)
        self._verdicts = Verdicts(deployment, self._narration, platform.limits)
        self._wall = SystemClock()
        self._generation: Generation | None = None
        self._ending: asyncio.Task[None] | None = None
        self._begun: asyncio.Future[Init] | None = None
        self._run: Run | None = None
        self._answered: Ending | None = None
        self._broken: InitFailed | None = None
        self._space = TemporarySpace(self._directory / "tmp", deployment.configuration.ephemeral_storage_megabytes)
        self._oversight = Oversight(
            deployment,
            self._space,
            self._narration,
            platform.tasks,
            processes=lambda: self._generation,
            running=lambda: self._run is not None,
        )
        self._watch = self._oversight.watch
        self._attempts = 0
        self._init_seconds: float | None = None
        self._exit_status = 0
        self._share = ComputeShare()
        self._freezer = Freezer(platform.limits.freeze_seconds, self._idle_generation)

    @property
    def running_seconds(self) -> float:
        """How long the present run has taken; 0 when there is none."""
        run = self._run
        return 0.0 if run is None or run.started_at is None else time.perf_counter() - run.started_at

    def compute_share(self) -> float | None:
        """The part of its busy time that the process lately spent computing, 0 to 1; None before that is known."""
        process = None if self._generation is None else self._generation.process
        return self._share.latest(lambda: None if process is None else process.compute_seconds(), self.running_seconds)

    # Starting.

    def prepare(self) -> None:
        """From here on the environment counts as starting; `start` follows."""
        self.life = live(self.life, LifeEvent.START)

    async def start(self, program: Program | Unstartable, limit_seconds: float, request_id: str) -> Init:
        """Start a process and wait until it asks for an event, in real seconds. Raises EnvironmentUnavailable.

        Call `prepare` first. After anything but Ready the environment is cold again.
        """
        if self._ending is not None:
            await asyncio.wait({self._ending})
        generation = self._generation = Generation(
            self.deployment, self.stream, self._space.directory, self._platform, self._narration, self
        )
        self._narration.init_started(request_id)
        started = time.perf_counter()
        init = await self._started(generation, program, limit_seconds)
        seconds = time.perf_counter() - started
        if isinstance(init, Ready) and self._generation is None:
            init = InitFailed(failures.EXIT, None, failures.exit_text(self._exit_status))
        self._narration.init_ended(init, seconds)
        if isinstance(init, Ready):
            generation.init_is_over()
            self._init_seconds = seconds
            self._share.begin(None if generation.process is None else generation.process.compute_seconds())
            self.life = live(self.life, LifeEvent.READY)
            self._freezer.arm()
            return init
        await self._lose_generation("timeout" if isinstance(init, InitTimedOut) else "failure")
        self.life = live(self.life, LifeEvent.LOSE)
        return init

    async def start_for(self, program: Program | Unstartable, run: Run) -> None:
        """Start on behalf of a run and go on with it; how it ends comes back through `Owner`, as always."""
        init = await self.start(program, self._platform.limits.init_seconds, run.attempt.request_id)
        await self.go_on(program, run, init)

    async def go_on(self, program: Program | Unstartable, run: Run, init: Init) -> None:
        """What becomes of `run` after a start. A failed one is its answer. One that took too long is tried again inside
        the invocation, under the function's own timeout."""
        if isinstance(init, InitTimedOut):
            self._announce(run)
            timeout = float(self.deployment.configuration.timeout_seconds)
            self.prepare()
            init = await self.start(program, timeout, run.attempt.request_id)
        elif isinstance(init, InitFailed):
            self._announce(run)
        if isinstance(init, Ready):
            self.begin(run)
        elif isinstance(init, InitTimedOut):
            self._conclude(run, self._verdicts.of_timeout(run))
            self._free(None)
        else:
            self._conclude(run, self._verdicts.of_failed_init(run, init))
            self._free(None)

    async def _started(self, generation: Generation, program: Program | Unstartable, limit_seconds: float) -> Init:
        if isinstance(program, Unstartable):
            return InitFailed(program.error_type, None, program.text)
        begun: asyncio.Future[Init] = asyncio.get_running_loop().create_future()
        self._begun, self._broken = begun, None
        self._oversight.renew()
        until = time.perf_counter() + limit_seconds
        try:
            async with asyncio.timeout(limit_seconds):
                await generation.open()
            if begun.done():
                return begun.result()
            await generation.launch(program)
            async with asyncio.timeout(until - time.perf_counter()):
                return await begun
        except TimeoutError:
            return InitTimedOut()
        except OSError as error:
            await self._lose_generation("failure")
            name = self.deployment.configuration.name
            raise EnvironmentUnavailable(f"no environment for function {name}: {error}") from error
        except asyncio.CancelledError:
            generation.kill()
            raise
        except BaseException:
            await self._lose_generation("failure")
            raise

    # Running.

    def begin(self, run: Run) -> None:
        """Give the process its next event."""
        generation = self._generation
        assert generation is not None
        self.life = live(self.life, LifeEvent.ASSIGN)
        if generation.frozen:
            generation.thaw()
        self._run = run
        self._attempts += 1
        attempt = run.attempt
        spent = 0.0 if run.started_at is None else time.perf_counter() - run.started_at
        remaining = self.deployment.configuration.timeout_seconds - spent
        deadline_milliseconds = int((self._wall.now() + remaining) * 1000)
        if generation.has_extensions:
            event = invoke_event(deadline_milliseconds, attempt.request_id, attempt.invoked_arn, attempt.trace_header)
            generation.extensions.tell("INVOKE", event)
        generation.session.offer(
            Delivery(
                attempt.request_id,
                f"{self._name}-{self._attempts}",
                attempt.payload,
                attempt.invoked_arn,
                deadline_milliseconds,
                attempt.client_context,
                attempt.trace_header,
            )
        )
        if not self._watch.on:
            # Not asked for yet: the process is still at work after its last answer, which must end by that deadline.
            self._watch.begin(max(self._watch.deadline, time.perf_counter() + _SETTLE_SECONDS))

    def handed_out(self) -> None:
        run = self._run
        assert run is not None
        if run.started_at is None:
            self._announce(run)
        assert run.started_at is not None
        self._watch.begin(run.started_at + self.deployment.configuration.timeout_seconds)

    def responding(self, content_type: str, resume: Callable[[], None]) -> Sink:
        run = self._run
        if run is None or run.feed is None:
            return Collected(self._platform.limits.response_payload_bytes)
        run.feed.open(content_type, resume)
        return run.feed

    def answered(self, answer: Answer) -> None:
        run, generation = self._run, self._generation
        if run is None or generation is None or self._oversight.killed is not None:
            return
        generation.drain()
        ending = self._verdicts.of_answer(answer, run)
        self._narration.runtime_done(
            run.attempt.request_id, ending.status, ending.error_type, self.running_seconds, len(ending.payload)
        )
        if generation.extensions.settled:
            self._finish(run, ending)
        else:
            # The caller has waited for the handler; extensions may take the rest of the timeout.
            self._answered = ending
            run.finish(outcome(ending, self._narration.log.tail(), self.running_seconds))

    def runtime_ready(self) -> None:
        self._look_whether_settled()

    def extension_ready(self) -> None:
        self._look_whether_settled()

    def _look_whether_settled(self) -> None:
        if self._generation is None or not self._generation.settled:
            return
        if self._begun is not None and not self._begun.done():
            self._begun.set_result(Ready())
        elif self._run is not None and self._answered is not None:
            self._finish(self._run, self._answered)

    def init_failed(self, payload: bytes, error_type: str | None) -> None:
        presented = self._verdicts.presented(payload)
        if self._begun is not None and not self._begun.done():
            self._begun.set_result(InitFailed(error_type or failures.error_type_of(presented), presented, ""))

    def _announce(self, run: Run) -> None:
        """START: from here the run's time counts and its log tail grows."""
        run.started_at = time.perf_counter()
        self._narration.started(run.attempt, cold=self._init_seconds is not None)

    def _finish(self, run: Run, ending: Ending) -> None:
        seconds = self._conclude(run, ending)
        self.life = live(self.life, LifeEvent.FINISH)
        self._freezer.arm()
        self._free(seconds)

    def _conclude(self, run: Run, ending: Ending) -> float:
        """END and REPORT, and the outcome to whoever still waits. Returns the run's seconds."""
        assert run.started_at is not None
        self._run = self._answered = None
        seconds = time.perf_counter() - run.started_at
        self._share.ran(seconds)
        memory = self.deployment.configuration.memory_megabytes
        peak = self._oversight.peak_after(None if self._generation is None else self._generation.process, seconds)
        init_seconds, self._init_seconds = self._init_seconds, None
        status, kind = ending.status, ending.error_type
        self._narration.ended(Report(run.attempt.request_id, status, kind, seconds, memory, peak, init_seconds))
        run.finish(outcome(ending, self._narration.log.close(), seconds))
        return seconds

    def _free(self, ran_seconds: float | None) -> None:
        self._owner.environment_free(self, ran_seconds)

    # What its processes do.

    def process_exited(self, how: Exit) -> None:
        """The process is gone: whatever waited for it gets to know."""
        self._oversight.exited(how.peak_kilobytes)
        self._exit_status = how.status
        killed, run = self._oversight.killed, self._run
        if self._generation is not None:
            self._generation.read_to_the_end()
        if self._begun is not None and not self._begun.done():
            self._begun.set_result(InitFailed(failures.EXIT, None, failures.exit_text(how.status)))
            return
        self._end_generation("timeout" if killed == "timeout" else "failure")
        if self.life not in {Life.IDLE, Life.BUSY, Life.DRAINING}:
            return
        self.life = live(self.life, LifeEvent.LOSE)
        if run is not None:
            self._lost(run, how)

    def extension_broke(self, error_type: str, text: str) -> None:
        """An extension has failed, and the environment with it."""
        self._broken = InitFailed(error_type, None, text)
        if self._begun is not None and not self._begun.done():
            self._begun.set_result(self._broken)
        elif self._generation is not None and self._generation.process is not None:
            self._generation.process.kill()

    def _lost(self, run: Run, how: Exit) -> None:
        if run.started_at is None and run.restarts < _RESTARTS and self._broken is None:
            run.restarts += 1
            self._run = None
            self._owner.environment_lost_run(self, run)
            return
        if run.started_at is None:
            self._announce(run)
        if how.orphaned:
            self._run = self._answered = None
            run.fail(
                EnvironmentUnavailable("the process that handlers are forked from has died, and its handlers with it")
            )
        elif self._oversight.killed == "timeout":
            self._conclude(run, self._verdicts.of_timeout(run))
        elif self._broken is not None:
            self._conclude(run, self._verdicts.of_failure(run, self._broken.error_type, self._broken.text))
        else:
            self._conclude(run, self._verdicts.of_failure(run, failures.EXIT, failures.exit_text(how.status)))
        self._free(None)

    def _idle_generation(self) -> Generation | None:
        """What may be frozen now."""
        return self._generation if self.life is Life.IDLE else None

    # Ending.

    def retire(self) -> None:
        """End after the present run, or now when there is none."""
        self.life = live(self.life, LifeEvent.RETIRE)

    async def close(self, error: Exception | None = None) -> None:
        """End now; a run that is on fails with `error`. Returns when nothing is left of it."""
        self.life = live(self.life, LifeEvent.END)
        run, self._run = self._run, None
        if run is not None:
            run.fail(error or EnvironmentUnavailable("the environment was closed"))
        self._freezer.cancel()
        await self._lose_generation("spindown")
        if self._ending is not None:
            await asyncio.wait({self._ending})
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    def _end_generation(self, reason: ShutdownReason) -> None:
        """The runtime's process has gone; its extensions, if any, get their time."""
        generation = self._take_generation()
        if generation is not None and generation.has_extensions:
            self._ending = self._platform.tasks.spawn(generation.shut_down(reason), f"extensions of {self.stream}")
        elif generation is not None:
            generation.close()

    async def _lose_generation(self, reason: ShutdownReason) -> None:
        generation = self._take_generation()
        if generation is not None:
            await generation.shut_down(reason)

    def _take_generation(self) -> Generation | None:
        generation, self._generation = self._generation, None
        self._watch.end()
        return generation
