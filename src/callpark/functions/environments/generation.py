"""The processes of one environment between a start and its reset: the runtime, its extensions, and what connects them
to us.

`environment.py` makes a generation per start and is told through `GenerationListener`. Extensions start first and must
have registered before the runtime starts; at the end the runtime is asked to go before the extensions are.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Protocol

from callpark.functions.environments.extensions.api import ExtensionApi, FunctionFacts
from callpark.functions.environments.extensions.registry import (
    Extension,
    Extensions,
    ShutdownReason,
    shutdown_event,
)
from callpark.functions.environments.extensions.states import ExtensionPhase
from callpark.functions.environments.extensions.telemetry import Telemetry
from callpark.functions.environments.isolation import SANDBOX_LEVELS, sandboxed, variables_inside
from callpark.functions.environments.logs import OutputPipe
from callpark.functions.environments.narration import Narration
from callpark.functions.environments.ports import Deployment
from callpark.functions.environments.processes import TELEMETRY_DESCRIPTOR, Command, Exit, Process
from callpark.functions.environments.runs import Platform
from callpark.functions.environments.runtime_api import RuntimeListener, RuntimeSession
from callpark.functions.environments.runtime_http import RuntimeConnection
from callpark.functions.environments.runtimes import (
    Executable,
    Program,
    extension_programs,
    plain_arguments,
    python_cached,
)
from callpark.functions.environments.variables import Surroundings, extension_variables, process_variables
from callpark.kernel.arn import Arn, Place
from callpark.kernel.clock import SystemClock


class GenerationListener(RuntimeListener, Protocol):
    """Who is told, from the event loop."""

    def process_exited(self, how: Exit) -> None: ...

    def extension_ready(self) -> None:
        """An extension asks for its next event."""
        ...

    def extension_broke(self, error_type: str, text: str) -> None: ...


class Generation:
    def __init__(
        self,
        deployment: Deployment,
        stream: str,
        temporary: Path,
        platform: Platform,
        narration: Narration,
        listener: GenerationListener,
    ) -> None:
        self.process: Process | None = None
        self.frozen = False
        self.session = RuntimeSession(listener, platform.limits.response_payload_bytes)
        self.telemetry = narration.telemetry = Telemetry(narration.now_text, platform.tasks)
        self._programs = extension_programs(deployment)
        self.extensions = Extensions([path.name for path in self._programs], platform.ids.uuid, self)
        self._deployment = deployment
        self._stream = stream
        self._temporary = temporary
        self._platform = platform
        self._narration = narration
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._output: OutputPipe | None = None
        self._outputs: list[OutputPipe] = []
        self._external: dict[str, Process] = {}
        self._registered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._ending = False

    # Starting.

    async def open(self) -> None:
        """Listen, start the external extensions and wait until they have registered, or one of them has failed."""
        account = _account(self._deployment.arn)
        configuration = self._deployment.configuration
        facts = FunctionFacts(configuration.name, self._deployment.version, configuration.handler, account)
        api = ExtensionApi(self.extensions, self.telemetry, facts)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: RuntimeConnection(self.session, api), "127.0.0.1", 0)
        self._temporary.mkdir(parents=True, exist_ok=True)
        for program in self._programs:
            await self._start_extension(program)
        if self._programs:
            await self._registered

    async def launch(self, program: Program) -> Process:
        """Start the runtime's process."""
        self._output = OutputPipe(self._platform.limits.log_event_bytes, self._narration.handler_wrote)
        try:
            self.process = await self._platform.launcher.launch(
                self._command(program, extension=False), self._output.writer
            )
        finally:
            self._output.close_writer()
        self.process.exited.add_done_callback(lambda exited: self._listener.process_exited(exited.result()))
        return self.process

    async def _start_extension(self, path: Path) -> None:
        output = OutputPipe(self._platform.limits.log_event_bytes, self._narration.extension_wrote)
        self._outputs.append(output)
        try:
            command = self._command(Executable((str(path),)), extension=True)
            process = await self._platform.launcher.launch(command, output.writer)
        finally:
            output.close_writer()
        self._external[path.name] = process
        process.exited.add_done_callback(lambda exited: self._extension_exited(path.name, exited.result()))

    def _command(self, program: Program, *, extension: bool) -> Command:
        assert self._server is not None
        surroundings = Surroundings(
            f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}",
            self._stream,
            str(self._temporary),
            TELEMETRY_DESCRIPTOR,
            self._platform.endpoint_url,
        )
        variables = process_variables(self._deployment, surroundings, os.environ)
        pycache = self._platform.directory / "pycache"
        if self._platform.sandbox is not None:
            arguments = python_cached(plain_arguments(program), pycache)
            place = self._deployment, self._temporary
            program = Executable(sandboxed(self._platform.sandbox, arguments, *place, pycache))
            variables = variables_inside(variables, *place)
        return Command(
            program,
            extension_variables(variables) if extension else variables,
            self._deployment.code_root,
            pycache,
            self._platform.limits.file_descriptors,
            self._deployment.configuration.ephemeral_storage_megabytes * 1024 * 1024,
            signals=bool(self._programs),
        )

    # What it looks like from outside.

    @property
    def settled(self) -> bool:
        """The runtime and all extensions wait for their next event."""
        return self.session.waits_for_event and self.extensions.settled

    @property
    def has_extensions(self) -> bool:
        return self.extensions.shutdown_kind != "none"

    def init_is_over(self) -> None:
        """Nobody registers or subscribes any more."""
        if self._platform.sandbox is not None and self.process is not None:
            self.process.look_inside(SANDBOX_LEVELS)
        self.extensions.close_registration()
        self.telemetry.close_backlog()

    @property
    def quiet(self) -> bool:
        """Nothing of the last run is under way any more."""
        return self.settled and not self.telemetry.delivering

    def drain(self) -> None:
        """Take what the handler has written, without waiting."""
        if self._output is not None:
            self._output.drain()

    def read_to_the_end(self) -> None:
        """The runtime has gone: take the rest of what it wrote."""
        if self._output is not None:
            self._output.close()

    def kill(self) -> None:
        """End all processes at once."""
        self._registered.cancel()
        for process in self._processes():
            process.kill()

    def freeze(self) -> None:
        """Stop all processes until `thaw`: nothing runs between two invocations."""
        self.telemetry.flush()
        self.frozen = True
        for process in self._processes():
            process.signal(signal.SIGSTOP)

    def limit_files(self, most_bytes: int) -> None:
        """How large files may become from now on."""
        for process in self._processes():
            process.limit_files(most_bytes)

    def thaw(self) -> None:
        if self.frozen:
            self.frozen = False
            for process in self._processes():
                process.signal(signal.SIGCONT)

    # Ending.

    async def shut_down(self, reason: ShutdownReason) -> None:
        """End everything, with the time that AWS gives: none without extensions, so that the processes are killed; else
        SIGTERM for the runtime and SHUTDOWN for the extensions first. Returns when nothing is left."""
        self._ending = True
        self.thaw()
        try:
            if self.has_extensions:
                await self._say_goodbye(reason)
        finally:
            self.kill()
            try:
                for process in self._processes():
                    await asyncio.shield(process.exited)
            finally:
                self.close()

    def close(self) -> None:
        """Let go of sockets and pipes; the processes have ended."""
        self._ending = True
        for output in (self._output, *self._outputs):
            if output is not None:
                output.close()
        if self._server is not None:
            self._server.close()
        self.session.end()
        self._output = self._server = self.process = None
        self._outputs.clear()

    async def _say_goodbye(self, reason: ShutdownReason) -> None:
        limits = self._platform.limits
        external = self.extensions.shutdown_kind == "external"
        grace = limits.external_shutdown_seconds if external else limits.internal_shutdown_seconds
        deadline = time.perf_counter() + grace
        if self.process is not None:
            if reason == "spindown":
                self.process.signal(signal.SIGTERM)
                await _exits([self.process], limits.runtime_shutdown_seconds if external else grace)
            self.process.kill()
        await self.telemetry.delivered(max(0.0, deadline - time.perf_counter()))
        remaining = max(0.0, deadline - time.perf_counter())
        milliseconds = int((SystemClock().now() + remaining) * 1000)
        told = {extension.name for extension in self.extensions.tell("SHUTDOWN", shutdown_event(milliseconds, reason))}
        for name, process in self._external.items():
            if name not in told:
                process.kill()
        await _exits(list(self._external.values()), remaining)

    def _processes(self) -> list[Process]:
        return [*([self.process] if self.process is not None else []), *self._external.values()]

    # What extensions do (registry.ExtensionListener).

    def extension_registered(self, extension: Extension) -> None:
        if self.extensions.all_registered and not self._registered.done():
            self._registered.set_result(True)

    def extension_ready(self, extension: Extension) -> None:
        if self.extensions.registration_open:
            self._narration.extension_is(extension.name, "Ready", extension.events)
        self._listener.extension_ready()

    def extension_failed(self, extension: Extension, error_type: str) -> None:
        phase = "InitError" if extension.phase is ExtensionPhase.INIT_ERROR else "ExitError"
        self._narration.extension_is(extension.name, phase, extension.events, error_type)
        self._break(f"Extension.{phase}", error_type)

    def _extension_exited(self, name: str, how: Exit) -> None:
        if not self._ending:
            self._break("Extension.Crash", f"extension {name}: {_exit_words(how)}")

    def _break(self, error_type: str, text: str) -> None:
        if self._ending:
            return
        self._ending = True
        if not self._registered.done():
            self._registered.set_result(False)
        self._listener.extension_broke(error_type, text)


def _account(arn: str) -> str:
    parsed = Arn.parse(arn)
    return parsed.account if parsed is not None and parsed.account else Place().account


def _exit_words(how: Exit) -> str:
    return f"exit status {how.status}" if how.status >= 0 else f"signal: {-how.status}"


async def _exits(processes: list[Process], seconds: float) -> None:
    """Until all have ended, or that long."""
    if processes:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.wait([process.exited for process in processes])
