"""Our side of one local model's process: started once, asked, watched, and gone when it dies or hangs.

Made by `model.py`, which starts another when this one is gone. Everything here is the machine's time: a process that
computes knows no other.
"""

import asyncio
import os
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import msgspec

from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ModelLimits
from callpark.models.backends.local.messages import (
    Answered,
    Asked,
    Cancel,
    Failed,
    Frames,
    Ping,
    Pong,
    Ready,
    Said,
    Unloadable,
    Working,
    answered_decoder,
    framed,
)
from callpark.models.backends.local.worker import Options
from callpark.models.model import Part, Stop

_WORKER = "callpark.models.backends.local.worker"
_LAST_WORDS = 20


class ProcessLost(Exception):
    """The process is gone, with `request`s unanswered. `hung`: we ended it, since nothing came any more."""

    def __init__(self, text: str, *, hung: bool) -> None:
        super().__init__(text)
        self.text = text
        self.hung = hung


@dataclass(slots=True)
class _Pending:
    """One request and what has come for it. `heard`: when something came last, in the loop's time."""

    answers: "asyncio.Queue[Answered | ProcessLost]"
    heard: float


class ModelProcess(asyncio.Protocol):
    """One process. `gone` is called once, when it can answer nothing more."""

    def __init__(self, limits: ModelLimits, clock: Clock, gone: Callable[[], None]) -> None:
        self.note = ""
        self._limits = limits
        self._clock = clock
        self._gone = gone
        self._frames = Frames()
        self._pending: dict[int, _Pending] = {}
        self._last_id = 0
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._lost: ProcessLost | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._transport: asyncio.Transport | None = None
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._ending: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._heard = 0.0

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    async def start(self, runner: str, options: Options) -> None:
        """Returns once the model is loaded. Raises ProcessLost."""
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", _WORKER),  # -P: nothing of the folder it is started in
                *(str(theirs.fileno()), runner, msgspec.json.encode(options).decode()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._ending = self._loop.create_task(self._wait(self._process), name=f"models: process {self._process.pid}")
        ours.setblocking(False)
        self._transport, _ = await self._loop.create_connection(lambda: self, sock=ours)
        try:
            async with asyncio.timeout(self._limits.load_seconds):
                await asyncio.shield(self._ready)
        except TimeoutError:
            self._lose(f"was not ready after {self._limits.load_seconds:g} s", hung=True)
            raise self._lost or ProcessLost("gone", hung=True) from None

    async def stream(self, message: Callable[[int], Asked]) -> AsyncIterator[Part]:
        """The parts of a generation. Raises ProcessLost, CallerError."""
        identifier, pending = self._ask(message)
        ended = False
        try:
            while not ended:
                match await self._answer(pending):
                    case Said(_, part):
                        ended = isinstance(part, Stop)
                        yield part
                    case Failed(_, code, status, text):
                        ended = True
                        raise CallerError(code, status, text)
        except ProcessLost:
            ended = True
            raise
        finally:
            del self._pending[identifier]
            if not ended:
                self._send(Cancel(identifier))

    async def answer(self, message: Callable[[int], Asked]) -> Answered:
        """The one answer to a request. Raises ProcessLost, CallerError."""
        identifier, pending = self._ask(message)
        try:
            answer = await self._answer(pending)
        finally:
            del self._pending[identifier]
        if isinstance(answer, Failed):
            raise CallerError(answer.code, answer.status, answer.text)
        return answer

    def when_ended(self, callback: Callable[[], None]) -> None:
        """Call back once the process has ended and was waited for."""
        if self._ending is not None:
            self._ending.add_done_callback(lambda _: callback())

    async def close(self) -> None:
        """Returns once the process is gone; harmless when it is."""
        self._lose("is closed", hung=False)
        if self._ending is not None:
            await self._ending

    def data_received(self, data: bytes) -> None:
        now = self._heard = self._loop.time()
        for payload in self._frames.feed(data):
            match answered_decoder.decode(payload):
                case Pong():
                    pass
                case Ready(note):
                    self.note = note
                    if not self._ready.done():
                        self._ready.set_result(None)
                case Unloadable(text):
                    self._lose(text, hung=False)
                case Working(identifier):
                    if (pending := self._pending.get(identifier)) is not None:
                        pending.heard = now
                case answer:
                    if (pending := self._pending.get(answer.id)) is not None:
                        pending.heard = now
                        pending.answers.put_nowait(answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self._lost is None and self._ending is not None:
            # How it ended is known once it has ended.
            self._ending.add_done_callback(lambda _: self._lose(self._how_it_ended(), hung=False))

    def _ask(self, message: Callable[[int], Asked]) -> tuple[int, _Pending]:
        if self._lost is not None:
            raise self._lost
        self._last_id += 1
        now = self._loop.time()
        pending = self._pending[self._last_id] = _Pending(asyncio.Queue(), now)
        self._send(message(self._last_id))
        if self._watch is None:
            self._heard = now
            self._watch = self._loop.call_later(self._limits.heartbeat_seconds, self._look)
        return self._last_id, pending

    async def _answer(self, pending: _Pending) -> Answered:
        """What comes next, holding virtual time meanwhile."""
        with self._clock.hold("a local model"):
            answer = await pending.answers.get()
        if isinstance(answer, ProcessLost):
            raise answer
        return answer

    def _look(self) -> None:
        """Once every heartbeat while anything is asked: does the process live, does each generation go on?"""
        self._watch = None
        if self._lost is not None or not self._pending:
            return
        now = self._loop.time()
        quiet = max(now - pending.heard for pending in self._pending.values())
        if now - self._heard > self._limits.hung_seconds:
            self._lose(f"did not answer for {self._limits.hung_seconds:g} s", hung=True)
        elif quiet > self._limits.silence_seconds:
            self._lose(f"said nothing for {self._limits.silence_seconds:g} s", hung=True)
        else:
            self._send(Ping())
            self._watch = self._loop.call_later(self._limits.heartbeat_seconds, self._look)

    def _send(self, message: Asked) -> None:
        if self._transport is not None and self._lost is None:
            self._transport.write(framed(message))

    def _lose(self, text: str, *, hung: bool) -> None:
        """Nothing more comes: whoever waits hears it, and what may be left of the process is ended."""
        if self._lost is not None:
            return
        self._lost = ProcessLost(text, hung=hung)
        for pending in self._pending.values():
            pending.answers.put_nowait(self._lost)
        if not self._ready.done():
            self._ready.set_exception(self._lost)
            self._ready.exception()  # whoever waited for it may have given up
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.abort()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        self._gone()

    async def _wait(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self._last_words.append(line.decode(errors="replace").rstrip())
        await process.wait()

    def _how_it_ended(self) -> str:
        code = self._process.returncode if self._process is not None else None
        words = next((line for line in reversed(self._last_words) if line.strip()), "")
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with status {code}"
        return f"{how}{' (out of memory?)' if code == -9 else ''}{f': {words}' if words else ''}"
