"""The process of one local model: reads what it is asked from a socket, answers token by token, ends with its parent.

Started by `process.py` as `python -m callpark.models.backends.local.worker FD MODULE:FUNCTION OPTIONS`. Requests run on
threads, since what computes lets go of the interpreter; this one only reads, so that it answers pings whatever goes on.
"""

import contextlib
import importlib
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import msgspec

from callpark.kernel.errors import CallerError
from callpark.models import refusals
from callpark.models.backends.local.messages import (
    Answered,
    Asked,
    Cancel,
    Count,
    Counted,
    Embed,
    Embedded,
    Failed,
    Frames,
    Generate,
    Ping,
    Pong,
    Ready,
    Said,
    Unloadable,
    Working,
    asked_decoder,
    framed,
)
from callpark.models.model import Part

Say = Callable[[Part | None], bool]
"""Sends a part, or with None a sign of life; True when nobody listens any more and the work shall end."""

_RECEIVED = 65_536


class Runner(Protocol):
    """What computes. Methods are called on threads, several at once, and raise CallerError for what the caller did."""

    note: str

    def generate(self, asked: Generate, say: Say) -> None:
        """Says every part, the Stop too, unless told to end."""
        ...

    def count(self, asked: Count) -> int: ...

    def embed(self, asked: Embed) -> Embedded: ...


class Options(msgspec.Struct, frozen=True):
    """How a process is to be. `memory_bytes`: what it may take beside the weights; 0 for no bound."""

    path: str
    at_once: int = 1
    context: int = 2_048
    threads: int = 0
    memory_bytes: int = 0


class Worker:
    def __init__(self, connection: socket.socket, runner: Runner, at_once: int) -> None:
        self._connection = connection
        self._runner = runner
        self._sending = threading.Lock()
        self._generations: dict[int, _Generation] = {}
        self._threads = ThreadPoolExecutor(at_once + 1, "model")

    def serve(self) -> None:
        """Until the parent is gone."""
        frames = Frames()
        while received := self._connection.recv(_RECEIVED):
            for payload in frames.feed(received):
                self._take(asked_decoder.decode(payload))

    def send(self, message: Answered) -> None:
        with self._sending:
            self._connection.sendall(framed(message))

    def _take(self, asked: Asked) -> None:
        match asked:
            case Ping():
                self.send(Pong())
            case Cancel(identifier):
                if (generation := self._generations.get(identifier)) is not None:
                    generation.cancelled = True
            case Generate(identifier):
                generation = self._generations[identifier] = _Generation()
                self._threads.submit(self._guarded, identifier, lambda: self._generate(asked, generation), generation)
            case Count(identifier):
                self._threads.submit(
                    self._guarded, identifier, lambda: self.send(Counted(identifier, self._runner.count(asked)))
                )
            case Embed(identifier):
                self._threads.submit(self._guarded, identifier, lambda: self.send(self._runner.embed(asked)))

    def _generate(self, asked: Generate, generation: "_Generation") -> None:
        def say(part: Part | None) -> bool:
            self.send(Working(asked.id) if part is None else Said(asked.id, part))
            generation.begun |= part is not None
            return generation.cancelled

        try:
            if not generation.cancelled:
                self._runner.generate(asked, say)
        finally:
            del self._generations[asked.id]

    def _guarded(self, identifier: int, work: Callable[[], None], generation: "_Generation | None" = None) -> None:
        try:
            work()
        except CallerError as refusal:
            self._fail(identifier, refusal)
        except MemoryError:
            self._fail(identifier, _failure("The model ran out of memory.", generation))
        except OSError:
            os._exit(0)  # the parent is gone
        except Exception as failure:
            self._fail(identifier, _failure(f"The model failed: {failure}", generation))

    def _fail(self, identifier: int, refusal: CallerError) -> None:
        self.send(Failed(identifier, refusal.code, refusal.status, refusal.message))


class _Generation:
    """One that goes on: whether any part of it was sent, and whether nobody listens any more."""

    begun = False
    cancelled = False


def _failure(text: str, generation: _Generation | None) -> CallerError:
    begun = generation is not None and generation.begun
    return refusals.stream_error(text, 500) if begun else refusals.model_error(text, 500)


def _bounded(options: Options) -> None:
    """When memory runs out, this process goes first: it can be started again. It is not nice: its threads wait for each
    other at every step, so that whoever takes one core away from it takes both."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")
    if options.memory_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (options.memory_bytes, options.memory_bytes))


def main(descriptor: str, factory: str, options: str) -> None:
    connection = socket.socket(fileno=int(descriptor))
    decoded = msgspec.json.decode(options, type=Options)
    try:
        _bounded(decoded)
        module, _, function = factory.partition(":")
        runner: Runner = getattr(importlib.import_module(module), function)(decoded)
    except Exception as error:
        connection.sendall(framed(Unloadable(f"{type(error).__name__}: {error}")))
        raise
    worker = Worker(connection, runner, decoded.at_once)
    worker.send(Ready(runner.note))
    with contextlib.suppress(ConnectionError):
        worker.serve()
    os._exit(0)  # without waiting for threads that compute


if __name__ == "__main__":
    main(*sys.argv[1:])
