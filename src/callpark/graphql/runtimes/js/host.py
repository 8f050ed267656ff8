"""The quickjs-ng host: evaluates handlers of one code unit, on a budget, sealed off from everything.

Called by `resolvers/`. A context is made per code unit and used on the event loop's thread, where an evaluation costs
tens of microseconds and a hop to another thread costs more than that. A handler that spends more than the small inline
budget is stopped and evaluated again, from the same inputs, in a fresh context on a thread of its own; evaluations have
no effects outside their result, so the second start is not observable. With a time limit set the engine cannot call
Python at all: `util` is JavaScript (`source/*.js`), and the clock's now and a seed are part of the input.
"""

import asyncio
import re
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Protocol, cast

import orjson
import quickjs

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.language import CodeError
from callpark.graphql.runtimes.js.module import BrokenCode, Script, to_script
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import AppSyncLimits

_STACK_BYTES = 262_144
"""Our rule: small enough for any thread's stack."""
_OUR_LINES = 40_000
"""`source/` begins at this line, so that positions in stacks tell user code from ours (see 10_guard.js)."""
_THREADS = 2


class Entry(Protocol):
    """The door of a context: `(handler, context JSON, host JSON) → result JSON`."""

    def __call__(self, handler: str, context: str, host: str) -> object: ...


@dataclass(frozen=True, slots=True)
class _Opened:
    context: quickjs.Context
    entry: Entry


class JavaScriptHost:
    """Makes code units and owns the threads that slow ones run on."""

    def __init__(self, clock: Clock, ids: Ids, limits: AppSyncLimits) -> None:
        self.clock = clock
        self.ids = ids
        self.limits = limits
        self._threads: ThreadPoolExecutor | None = None

    def load(self, source: str) -> "CodeUnit":
        """A code unit, evaluated once to see that it can be. Raises BrokenCode."""
        unit = CodeUnit(self, to_script(source, self.limits.code_characters))
        unit.check()
        return unit

    def threads(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="callpark-javascript")
        return self._threads

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


class CodeUnit:
    """The code of one resolver or pipeline function."""

    def __init__(self, host: JavaScriptHost, script: Script) -> None:
        self._host = host
        self._script = script
        self._inline: Entry | None = None
        self._slow = False

    @property
    def exports(self) -> frozenset[str]:
        return self._script.exports

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._script.warnings

    def check(self) -> None:
        """Compile the code and run what stands outside its functions. Raises BrokenCode."""
        try:
            opened = self._open(self._host.limits.resolver_milliseconds)
            halt = self._read(opened.entry("", "{}", '{"now":0,"seed":""}')).halt
        except quickjs.JSException as error:
            raise BrokenCode([_code_error(str(error))]) from None
        if halt is not None:
            raise BrokenCode([_code_error(str(halt["message"]))])
        opened.context.set_time_limit(self._host.limits.inline_milliseconds / 1000)
        self._inline = opened.entry

    def evaluate(
        self, handler: str, context: Mapping[str, object], auth_type: str
    ) -> Evaluation | Coroutine[object, object, Evaluation]:
        """An Evaluation, or a coroutine of one when the handler turns out to be slow."""
        clock_and_chance = {
            "now": int(self._host.clock.now() * 1000),
            "seed": self._host.ids.hex(32),
            "authType": auth_type,
        }
        try:
            texts = orjson.dumps(context).decode(), orjson.dumps(clock_and_chance).decode()
        except orjson.JSONEncodeError as error:
            return _failed(f"The context cannot be written as JSON: {error}")
        if not self._slow:
            if self._inline is None:
                self._inline = self._open(self._host.limits.inline_milliseconds).entry
            try:
                return self._read(self._inline(handler, *texts))
            except quickjs.JSException as error:
                self._inline = None
                if "interrupted" not in str(error):
                    return _stopped(str(error))
                self._slow = True
        return self._apart(handler, *texts)

    async def _apart(self, handler: str, context: str, host: str) -> Evaluation:
        loop = asyncio.get_running_loop()
        with self._host.clock.hold(f"JavaScript {handler} handler"):
            return await loop.run_in_executor(self._host.threads(), self._evaluate_apart, handler, context, host)

    def _evaluate_apart(self, handler: str, context: str, host: str) -> Evaluation:
        try:
            entry = self._open(self._host.limits.resolver_milliseconds).entry
            started = time.thread_time()
            evaluation = self._read(entry(handler, context, host))
        except quickjs.JSException as error:
            return _stopped(str(error))
        # The engine's limit counts the CPU time of the whole process: a busy neighbour makes a quick handler look slow.
        self._slow = (time.thread_time() - started) * 2000 > self._host.limits.inline_milliseconds
        return evaluation

    def _open(self, milliseconds: int) -> "_Opened":
        """A fresh context with this code in it. Raises JSException."""
        context = quickjs.Context()
        context.set_memory_limit(self._host.limits.resolver_memory_bytes)
        context.set_max_stack_size(_STACK_BYTES)
        make_entry = context.eval(_prelude())
        factory = context.eval(self._script.text)
        context.set_time_limit(milliseconds / 1000)
        return _Opened(context, make_entry(factory))

    def _read(self, result: object) -> Evaluation:
        text = cast(str, result)
        if len(text) > self._host.limits.evaluated_bytes:
            return _failed(f"The evaluated result is larger than {self._host.limits.evaluated_bytes} bytes.")
        try:
            members = cast(dict[str, Any], orjson.loads(text))
        except orjson.JSONDecodeError:  # half a surrogate pair, or nesting past orjson's limit
            return _failed("The evaluated result is not JSON that can be read.")
        return Evaluation(
            members.get("value"),
            members.get("halt"),
            members.get("args") or {},
            members.get("stash") or {},
            tuple(members["errors"]),
            tuple(members["logs"]),
            tuple(members["effects"]),
        )


@cache
def _prelude() -> str:
    folder = resources.files("callpark.graphql.runtimes.js") / "source"
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".js")), key=lambda each: each.name)
    texts = "\n".join(each.read_text(encoding="utf-8") for each in files)
    return "\n" * _OUR_LINES + f'(function () {{ "use strict";\n{texts}\n}})()'


def _stopped(message: str) -> Evaluation:
    """The engine gave up on the handler."""
    if "interrupted" in message:
        return _failed("The handler took too much time.")
    if "out of memory" in message or message.strip() == "null":
        return _failed("The handler used too much memory.")
    return _failed(message.strip().splitlines()[0])


def _failed(message: str) -> Evaluation:
    return Evaluation(halt={"kind": "error", "message": message, "type": "Code", "data": None, "errorInfo": None})


_PLACE = re.compile(r"(<input>|code\.js):(\d+):(\d+)")


def _code_error(message: str) -> CodeError:
    match = _PLACE.search(message)
    if match is None:
        return CodeError("syntax", message.strip().splitlines()[0], 1, 1)
    line = int(match[2]) - (1 if match[1] == "<input>" else 0)
    text = message.removeprefix(f"{match.group()}: ").strip().splitlines()[0]
    return CodeError("syntax", text, max(line, 1), int(match[3]))
