"""One execution environment: a place for a function's process, its log stream and temporary directory, and its runs.

`fleet.py` makes them, starts them and gives them runs; they tell it, as `Owner`, when they are free again. Everything
but `start` and `close` happens in callbacks, so a caller who goes away changes nothing: the run goes on to its end.

Each environment has its own TMPDIR, which survives a reset; `/tmp` itself is the machine's and shared. Memory is what
the process has resident: beyond `MemorySize` it is killed, as AWS does, at the next look, 50 ms later at most. (A limit
of address space would stop Node and threads long before; control groups need privileges.) Children are not counted.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import asyncio
import os
import shutil
import sysconfig
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, Protocol

from callpark.functions.environments import failures
from callpark.functions.environments.happenings import AttemptEnded, AttemptStarted, AttemptStatus
from callpark.functions.environments.lifecycle import Life, LifeEvent, live
from callpark.functions.environments.logs import EnvironmentLog, OutputPipe
from callpark.functions.environments.platform_lines import JsonLines, Report, TextLines
from callpark.functions.environments.ports import Deployment, EnvironmentUnavailable, Outcome
from callpark.functions.environments.processes import TELEMETRY_DESCRIPTOR, Command, Exit, Process
from callpark.functions.environments.runs import Init, InitFailed, InitTimedOut, Platform, Ready, Run
from callpark.functions.environments.runtime_api import Answer, Delivery, RuntimeSession
from callpark.functions.environments.runtime_http import RuntimeConnection
from callpark.functions.environments.runtimes import Program, Unstartable
from callpark.functions.environments.streams import Collected, Sink
from callpark.functions.environments.variables import Surroundings, process_variables
from callpark.kernel.clock import SystemClock

#: How often a running process is looked at: its deadline is met exactly, its memory this often.
_LOOK_SECONDS = 0.05
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
        configuration = deployment.configuration
        self.deployment = deployment
        self.life = Life.COLD
        self.idle_since = 0.0
        name = platform.ids.hex(32)
        day = datetime.fromtimestamp(platform.clock.now(), UTC).strftime("%Y/%m/%d")
        self.stream = f"{day}/[{deployment.version}]{name}"
        self._platform = platform
        self._owner = owner
        self._name = name
        self._directory = platform.directory / "environments" / name
        self._lines = JsonLines() if configuration.log_format == "JSON" else TextLines()
        self._log = EnvironmentLog(configuration.name, self.stream, platform.trace, platform.limits)
        self._places = _presented_places(deployment)
        self._wall = SystemClock()
        self._session: RuntimeSession | None = None
        self._server: asyncio.Server | None = None
        self._process: Process | None = None
        self._output: OutputPipe | None = None
        self._begun: asyncio.Future[Init] | None = None
        self._run: Run | None = None
        self._killed: Literal["timeout", "memory"] | None = None
        self._deadline = 0.0
        self._look: asyncio.TimerHandle | None = None
        self._attempts = 0
        self._init_seconds: float | None = None
        self._exit_status = 0
        self._peak_megabytes = 0
        self._busy_seconds = 0.0
        self._share_seen = (0.0, 0.0)
        self._compute_share: float | None = None

    @property
    def running_seconds(self) -> float:
        """How long the present run has taken; 0 when there is none."""
        run = self._run
        return 0.0 if run is None or run.started_at is None else time.perf_counter() - run.started_at

    def compute_share(self) -> float | None:
        """The part of its busy time that the process lately spent computing, 0 to 1; None before that is known."""
        computed = None if self._process is None else self._process.compute_seconds()
        if computed is None:
            return self._compute_share
        busy = self._busy_seconds + self.running_seconds
        seen_computed, seen_busy = self._share_seen
        if busy - seen_busy >= 0.005:
            self._compute_share = min(1.0, max(0.0, (computed - seen_computed) / (busy - seen_busy)))
            self._share_seen = (computed, busy)
        return self._compute_share

    def _watch_computing(self) -> None:
        """Loading the code is not part of what its runs compute."""
        computed = None if self._process is None else self._process.compute_seconds()
        self._busy_seconds = 0.0
        self._share_seen = (computed or 0.0, 0.0)
        self._compute_share = None

    # Starting.

    def prepare(self) -> None:
        """From here on the environment counts as starting; `start` follows."""
        self.life = live(self.life, LifeEvent.START)

    async def start(self, program: Program | Unstartable, limit_seconds: float, request_id: str) -> Init:
        """Start a process and wait until it asks for an event, in real seconds. Raises EnvironmentUnavailable.

        Call `prepare` first. After anything but Ready the environment is cold again.
        """
        configuration = self.deployment.configuration
        self._log.attribute(request_id)
        self._log.say(self._lines.init_start(configuration.runtime, self.deployment.version, self._now_text))
        started = time.perf_counter()
        init = await self._started(program, limit_seconds)
        seconds = time.perf_counter() - started
        if isinstance(init, Ready) and self._process is None:
            init = InitFailed(failures.EXIT, None, failures.exit_text(self._exit_status))
        if isinstance(init, Ready):
            self._init_seconds = seconds
            self._watch_computing()
            self.life = live(self.life, LifeEvent.READY)
            return init
        await self._lose_process()
        self.life = live(self.life, LifeEvent.LOSE)
        status: Literal["error", "timeout"] = "timeout" if isinstance(init, InitTimedOut) else "error"
        kind = None if isinstance(init, InitTimedOut) else init.error_type
        self._log.say(self._lines.init_report(seconds, status, kind, self._now_text))
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
            self._conclude_timeout(run)
            self._free(None)
        else:
            self._conclude_init_failure(run, init)

    async def _started(self, program: Program | Unstartable, limit_seconds: float) -> Init:
        if isinstance(program, Unstartable):
            return InitFailed(program.error_type, None, program.text)
        self._begun = asyncio.get_running_loop().create_future()
        self._killed = None
        self._peak_megabytes = 0
        try:
            self._process = await self._launched(program)
        except OSError as error:
            self._forget_process()
            name = self.deployment.configuration.name
            raise EnvironmentUnavailable(f"no environment for function {name}: {error}") from error
        except BaseException:
            self._forget_process()
            raise
        self._process.exited.add_done_callback(self._exited)
        try:
            async with asyncio.timeout(limit_seconds):
                return await self._begun
        except TimeoutError:
            return InitTimedOut()
        except asyncio.CancelledError:
            self._process.kill()
            raise

    async def _launched(self, program: Program) -> Process:
        """The process, with its Runtime API listening and its output read."""
        session = self._session = RuntimeSession(self, self._platform.limits.response_payload_bytes)
        output = self._output = OutputPipe(self._platform.limits.log_event_bytes, self._log.written)
        try:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(lambda: RuntimeConnection(session), "127.0.0.1", 0)
            command = self._command(program, self._server.sockets[0].getsockname()[1])
            return await self._platform.launcher.launch(command, output.writer)
        finally:
            output.close_writer()

    def _command(self, program: Program, port: int) -> Command:
        temporary = self._directory / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        surroundings = Surroundings(
            f"127.0.0.1:{port}", self.stream, str(temporary), TELEMETRY_DESCRIPTOR, self._platform.endpoint_url
        )
        variables = process_variables(self.deployment, surroundings, os.environ)
        pycache = self._platform.directory / "pycache"
        return Command(program, variables, self.deployment.code_root, pycache, self._platform.limits.file_descriptors)

    # Running.

    def begin(self, run: Run) -> None:
        """Give the process its next event."""
        assert self._session is not None
        self.life = live(self.life, LifeEvent.ASSIGN)
        self._run = run
        self._attempts += 1
        attempt = run.attempt
        spent = 0.0 if run.started_at is None else time.perf_counter() - run.started_at
        remaining = self.deployment.configuration.timeout_seconds - spent
        self._session.offer(
            Delivery(
                attempt.request_id,
                f"{self._name}-{self._attempts}",
                attempt.payload,
                attempt.invoked_arn,
                int((self._wall.now() + remaining) * 1000),
                attempt.client_context,
                attempt.trace_header,
            )
        )
        if self._look is None:
            # Not asked for yet: the process is still at work after its last answer, which must end by that deadline.
            self._deadline = max(self._deadline, time.perf_counter() + _SETTLE_SECONDS)
            self._look_again()

    def handed_out(self) -> None:
        run = self._run
        assert run is not None
        if run.started_at is None:
            self._announce(run)
        assert run.started_at is not None
        self._deadline = run.started_at + self.deployment.configuration.timeout_seconds
        if self._look is None:
            self._look_again()

    def responding(self, content_type: str, resume: Callable[[], None]) -> Sink:
        run = self._run
        if run is None or run.feed is None:
            return Collected(self._platform.limits.response_payload_bytes)
        run.feed.open(content_type, resume)
        return run.feed

    def answered(self, answer: Answer) -> None:
        run = self._run
        if run is None or self._killed is not None:
            return
        if self._output is not None:
            self._output.drain()
        if answer.too_large:
            payload = failures.too_large(self._platform.limits.response_payload_bytes)
            seconds = self._conclude(run, payload, "error", failures.TOO_LARGE)
        elif answer.failed:
            payload = failures.present_paths(answer.payload, self._places)
            seconds = self._conclude(run, payload, "error", failures.error_type_of(payload))
        else:
            if run.feed is not None and not answer.streamed:
                run.feed.open(answer.content_type)
                run.feed.write(answer.payload)
            seconds = self._conclude(run, b"" if run.feed is not None else answer.payload, "success", None)
        self.life = live(self.life, LifeEvent.FINISH)
        self._free(seconds)

    def runtime_ready(self) -> None:
        if self._begun is not None and not self._begun.done():
            self._begun.set_result(Ready())

    def init_failed(self, payload: bytes, error_type: str | None) -> None:
        presented = failures.present_paths(payload, self._places)
        if self._begun is not None and not self._begun.done():
            self._begun.set_result(InitFailed(error_type or failures.error_type_of(presented), presented, ""))

    def _announce(self, run: Run) -> None:
        """START: from here the run's time counts and its log tail grows."""
        run.started_at = time.perf_counter()
        request_id = run.attempt.request_id
        configuration = self.deployment.configuration
        self._log.open(request_id)
        self._platform.trace.emit(
            AttemptStarted(configuration.name, request_id, self.stream, self._init_seconds is not None)
        )
        self._log.say(self._lines.start(request_id, self.deployment.version, self._now_text))

    def _conclude(self, run: Run, payload: bytes, status: AttemptStatus, error_type: str | None) -> float:
        """END and REPORT, and the outcome to whoever waits. Returns the run's seconds."""
        assert run.started_at is not None
        self._run = None
        seconds = time.perf_counter() - run.started_at
        self._busy_seconds += seconds
        request_id = run.attempt.request_id
        configuration = self.deployment.configuration
        if self._process is not None:
            self._peak_megabytes = max(self._peak_megabytes, self._process.peak_megabytes())
        init_seconds, self._init_seconds = self._init_seconds, None
        at = self._now_text
        end = self._lines.end(request_id, at)
        if end is not None:
            self._log.say(end)
        memory, peak = configuration.memory_megabytes, min(configuration.memory_megabytes, self._peak_megabytes)
        report = Report(request_id, status, error_type, seconds, memory, peak, init_seconds)
        self._log.say(self._lines.report(report, at))
        self._platform.trace.emit(
            AttemptEnded(configuration.name, request_id, self.stream, status, error_type, seconds, init_seconds, peak)
        )
        function_error = None if status == "success" else "Unhandled"
        run.finish(Outcome(payload, function_error, self._log.close(), seconds))
        return seconds

    def _conclude_timeout(self, run: Run) -> None:
        text = failures.timeout_text(self.deployment.configuration.timeout_seconds)
        request_id = run.attempt.request_id
        self._log.say(f"{self._now_text()} {request_id} {text}\n\n")
        self._conclude(run, failures.platform_error(failures.TIMEOUT, request_id, text), "timeout", failures.TIMEOUT)

    def _conclude_exit(self, run: Run, status: int) -> None:
        request_id, text = run.attempt.request_id, failures.exit_text(status)
        self._log.say(f"RequestId: {request_id} Error: {text}\n{failures.EXIT}\n")
        self._conclude(run, failures.platform_error(failures.EXIT, request_id, text), "error", failures.EXIT)

    def _conclude_init_failure(self, run: Run, init: InitFailed) -> None:
        request_id = run.attempt.request_id
        payload = init.payload
        if payload is None:
            self._log.say(f"RequestId: {request_id} Error: {init.text}\n{init.error_type}\n")
            payload = failures.platform_error(init.error_type, request_id, init.text)
        self._conclude(run, payload, "error", init.error_type)
        self._free(None)

    def _free(self, ran_seconds: float | None) -> None:
        self._owner.environment_free(self, ran_seconds)

    # Watching.

    def _look_again(self) -> None:
        loop = asyncio.get_running_loop()
        remaining = self._deadline - time.perf_counter()
        self._look = loop.call_later(min(_LOOK_SECONDS, max(0.0, remaining)), self._look_at_process)

    def _look_at_process(self) -> None:
        self._look = None
        process = self._process
        if self._run is None or process is None or self._killed is not None:
            return
        self._peak_megabytes = max(self._peak_megabytes, process.peak_megabytes())
        if time.perf_counter() >= self._deadline:
            self._killed = "timeout"
            process.kill()
        elif self._peak_megabytes > self.deployment.configuration.memory_megabytes:
            self._killed = "memory"
            process.kill()
        else:
            self._look_again()

    def _exited(self, exited: "asyncio.Future[Exit]") -> None:
        """The process is gone: whatever waited for it gets to know."""
        how = exited.result()
        self._peak_megabytes = max(self._peak_megabytes, how.peak_kilobytes // 1024)
        self._exit_status = how.status
        killed, run = self._killed, self._run
        self._forget_process()
        if self._begun is not None and not self._begun.done():
            self._begun.set_result(InitFailed(failures.EXIT, None, failures.exit_text(how.status)))
            return
        if self.life not in {Life.IDLE, Life.BUSY, Life.DRAINING}:
            return
        self.life = live(self.life, LifeEvent.LOSE)
        if run is None:
            return
        if run.started_at is None and run.restarts < _RESTARTS:
            run.restarts += 1
            self._run = None
            self._owner.environment_lost_run(self, run)
            return
        if run.started_at is None:
            self._announce(run)
        if how.orphaned:
            self._run = None
            run.fail(
                EnvironmentUnavailable("the process that handlers are forked from has died, and its handlers with it")
            )
        elif killed == "timeout":
            self._conclude_timeout(run)
        else:
            self._conclude_exit(run, how.status)
        self._free(None)

    async def _lose_process(self) -> None:
        if self._process is not None:
            self._process.kill()
            await asyncio.shield(self._process.exited)
        self._forget_process()

    def _forget_process(self) -> None:
        if self._output is not None:
            self._output.close()
        if self._server is not None:
            self._server.close()
        if self._look is not None:
            self._look.cancel()
        self._output = self._server = self._process = self._session = self._look = None

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
        await self._lose_process()
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    def _now_text(self) -> str:
        now = datetime.fromtimestamp(self._platform.clock.now(), UTC)
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"


def _presented_places(deployment: Deployment) -> tuple[tuple[str, str], ...]:
    """Directories here and what they are called in AWS's error objects."""
    root = str(deployment.code_root)
    real = os.path.realpath(root)
    library = sysconfig.get_path("stdlib")
    shown = f"/var/lang/lib/{deployment.configuration.runtime}"
    roots = ((root, "/var/task"),) if real == root else ((root, "/var/task"), (real, "/var/task"))
    return (*roots, (library, shown)) if deployment.configuration.runtime.startswith("python") else roots
