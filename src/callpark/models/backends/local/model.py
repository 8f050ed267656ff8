"""A model in a process of its own as a backend: starts the process when it is first asked, and another when it is gone.

Made by `making.py`. A request that had said nothing when its process was lost is asked once more of the next process;
one that was being read fails as Bedrock's stream does.
"""

import array
import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable

from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ModelLimits
from callpark.models import refusals
from callpark.models.backends import chat_completions
from callpark.models.backends.local.messages import Answered, Asked, Count, Counted, Embed, Embedded, Generate
from callpark.models.backends.local.process import ModelProcess, ProcessLost
from callpark.models.backends.local.worker import Options
from callpark.models.model import EmbeddingRequest, GenerationRequest, Part, Prompt, Vectors

LLAMA = "callpark.models.backends.local.llama:load"
MINILM = "callpark.models.backends.local.minilm:load"

_log = logging.getLogger("callpark")


class LocalModel:
    """`port.Backend` on a process. `runner`: MODULE:FUNCTION of what computes there."""

    def __init__(self, runner: str, options: Options, description: str, limits: ModelLimits, clock: Clock) -> None:
        self._runner = runner
        self._options = options
        self._description = description
        self._limits = limits
        self._clock = clock
        self._process: ModelProcess | None = None
        self._leaving: set[ModelProcess] = set()
        self._starting: asyncio.Task[ModelProcess] | None = None
        self._unloadable: tuple[float, CallerError] | None = None
        self._warned: set[str] = set()
        self._closed = False

    @property
    def at_once(self) -> int:
        return self._options.at_once

    @property
    def description(self) -> str:
        return self._description

    @property
    def pid(self) -> int | None:
        """The process in use, None without one."""
        return None if self._process is None else self._process.pid

    async def stream(self, request: GenerationRequest) -> AsyncIterator[Part]:
        body, stop, forced = _asked(request)
        counted = False
        for last in (False, True):
            process = await self._ready()
            if request.tools and process.note:
                self._warn(process.note)
            begun = False
            parts = process.stream(lambda identifier: Generate(identifier, body, stop, forced))
            try:
                async for part in parts:
                    if not isinstance(part, Prompt):
                        begun = True
                    elif counted:
                        continue
                    else:
                        counted = True
                    yield part
                return
            except ProcessLost as lost:
                if begun or lost.hung or last or self._closed:
                    raise self._refusal(lost, begun=begun or counted) from None
            finally:
                await parts.aclose()  # type: ignore[attr-defined]

    async def count_tokens(self, request: GenerationRequest) -> int:
        body, _, _ = _asked(request)
        answer = await self._answer(lambda identifier: Count(identifier, body))
        assert isinstance(answer, Counted)
        return answer.tokens

    async def embed(self, request: EmbeddingRequest) -> Vectors:
        answer = await self._answer(lambda identifier: Embed(identifier, request.texts, request.normalize))
        assert isinstance(answer, Embedded)
        values = array.array("f", answer.vectors)
        wanted = request.dimensions or answer.dimensions
        if wanted > answer.dimensions:
            self._warn(
                f"has {answer.dimensions} dimensions, not the {wanted} that are asked for; it answers with its own"
            )
        vectors = tuple(
            _shortened(tuple(values[start : start + answer.dimensions]), wanted, normalize=request.normalize)
            for start in range(0, len(values), answer.dimensions)
        )
        return Vectors(vectors, answer.input_tokens)

    async def close(self) -> None:
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._process is not None:
            await self._process.close()
        for process in list(self._leaving):
            await process.close()

    async def _answer(self, message: Callable[[int], Asked]) -> Answered:
        for last in (False, True):
            process = await self._ready()
            try:
                return await process.answer(message)
            except ProcessLost as lost:
                if lost.hung or last or self._closed:
                    raise self._refusal(lost, begun=False) from None
        raise AssertionError("unreachable")

    async def _ready(self) -> ModelProcess:
        """The process, started when there is none; those who ask meanwhile wait for the same start."""
        if self._process is not None:
            return self._process
        if self._closed:
            raise refusals.unavailable("The model is being closed.")
        if self._unloadable is not None and asyncio.get_running_loop().time() < self._unloadable[0]:
            raise self._unloadable[1]
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start(), name="models: start")
            self._starting.add_done_callback(self._started)
        with self._clock.hold(f"loading {self._description}"):
            return await asyncio.shield(self._starting)

    async def _start(self) -> ModelProcess:
        process = ModelProcess(self._limits, self._clock, lambda: self._forget(process))
        try:
            await process.start(self._runner, self._options)
        except ProcessLost as lost:
            await process.close()
            text = f"{self._description} cannot be loaded: {lost.text}"
            _log.warning("%s", text)
            refused = refusals.not_ready(text)
            self._unloadable = asyncio.get_running_loop().time() + self._limits.reload_seconds, refused
            raise refused from None
        except BaseException:
            await process.close()
            raise
        self._process = process
        return process

    def _started(self, starting: "asyncio.Task[ModelProcess]") -> None:
        self._starting = None
        if not starting.cancelled():
            starting.exception()  # heard by those who asked, who may be gone

    def _forget(self, process: ModelProcess) -> None:
        """Lost, but its end is awaited: nobody else would hear of it."""
        if self._process is process:
            self._process = None
            self._leaving.add(process)
            process.when_ended(lambda: self._leaving.discard(process))

    def _refusal(self, lost: ProcessLost, *, begun: bool) -> CallerError:
        text = f"The model's process {lost.text}."
        if not self._closed:
            _log.warning("%s: the process %s; the next request starts another", self._description, lost.text)
        if lost.hung:
            return refusals.timed_out(text)
        return refusals.stream_error(text, 500) if begun else refusals.model_error(text, 500)

    def _warn(self, text: str) -> None:
        """Once."""
        if text not in self._warned:
            self._warned.add(text)
            _log.warning("%s: %s", self._description, text)


def _asked(request: GenerationRequest) -> tuple[dict[str, object], tuple[str, ...], str | None]:
    """The body without what the process does itself: stop sequences, and tools that must be used."""
    body = chat_completions.body(request)
    body.pop("stop", None)
    choice = request.tool_choice
    forced = None
    if request.tools and choice.mode in ("any", "tool"):
        forced = choice.name if choice.mode == "tool" else request.tools[0].name if len(request.tools) == 1 else None
    return body, request.inference.stop_sequences, forced


def _shortened(vector: tuple[float, ...], dimensions: int, *, normalize: bool) -> tuple[float, ...]:
    if len(vector) <= dimensions:
        return vector
    vector = vector[:dimensions]
    length = math.sqrt(sum(value * value for value in vector))
    return tuple(value / length for value in vector) if normalize and length else vector
