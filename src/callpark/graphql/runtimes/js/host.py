"""The quickjs-ng host: evaluates handlers of one code unit, on a budget, sealed off from everything.

Called by `resolvers/`. All code units share an engine on the event loop's thread, where an evaluation costs tens of
microseconds and a hop to another thread costs more than that; what they could reach in common is frozen. A handler
that spends more than the small inline budget is stopped and evaluated again, from the same inputs, in an engine of its
own on another thread; evaluations have no effects outside their result, so the second start is not observable. With a
time limit set the engine cannot call Python at all: `util` is JavaScript (`source/*.js`), and the clock's now and a
seed are part of the input.
"""

import asyncio
import re
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, cast
from weakref import WeakSet

import orjson
import quickjs

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.module import BrokenCode, Script, to_script
from callpark.graphql.runtimes.js.sources import all_sources
from callpark.graphql.runtimes.js.syntax import CodeError, Source
from callpark.graphql.runtimes.js.zones import zone_json
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import AppSyncLimits

_STACK_BYTES = 1_048_576
"""Our rule: small enough for any thread's stack."""
_OUR_LINES = 40_000
"""`source/` begins at this line, so that positions in stacks tell user code from ours (see 10_guard.js)."""
_THREADS = 2
_UNIT_BYTES = 524_288
"""Our rule: what the compiled code of a unit may take, beside the memory of an evaluation."""
_ZONES = 20
"""Our rule: named time zones that one evaluation may ask for, each of which starts it again."""


class Entry(Protocol):
    """The door of a context: `(handler, context JSON, host JSON) → result JSON`."""

    def __call__(self, handler: str, context: str, host: str) -> object: ...


class MakeEntry(Protocol):
    """From the factory of a script to its door."""

    def __call__(self, factory: object) -> Entry: ...


@dataclass(frozen=True, slots=True)
class _Engine:
    """A context with `source/` in it, sealed: code units in the same engine cannot change anything for each other."""

    context: quickjs.Context
    make_entry: MakeEntry

    def entry(self, script: Script) -> Entry:
        """Raises JSException."""
        return self.make_entry(self.context.eval(script.text))


class JavaScriptHost:
    """Makes code units and owns the threads that slow ones run on."""

    def __init__(self, clock: Clock, ids: Ids, limits: AppSyncLimits) -> None:
        self.clock = clock
        self.ids = ids
        self.limits = limits
        self._threads: ThreadPoolExecutor | None = None
        self._inline: _Engine | None = None
        self._inside: WeakSet[CodeUnit] = WeakSet()

    def load(self, source: str) -> "CodeUnit":
        """A code unit, evaluated once to see that it can be. Raises BrokenCode."""
        try:
            unit = CodeUnit(self, to_script(source, self.limits.code_characters))
        except BrokenCode as broken:
            precise = self._syntax_error(source) if broken.errors[0].rule == "syntax" else None
            raise BrokenCode([precise] if precise else broken.errors) from None
        unit.check()
        return unit

    def _syntax_error(self, source: str) -> CodeError | None:
        """What the engine's parser says of code that the syntax tree could not be made of: it knows where better."""
        context = quickjs.Context()
        context.set_memory_limit(self.limits.resolver_memory_bytes)
        context.set_max_stack_size(_STACK_BYTES)
        context.set_time_limit(self.limits.inline_milliseconds / 1000)
        try:
            context.module(source)
        except UnicodeEncodeError:
            return None
        except quickjs.JSException as error:
            message = str(error)
            match = _PLACE.search(message)
            if match is None or not message.startswith("SyntaxError: "):
                return None
            place = Source(source).place_of(int(match[1]), int(match[2]))
            return CodeError("syntax", _in_typescript(message.removeprefix("SyntaxError: ").splitlines()[0]), *place)
        return None

    def inline(self) -> _Engine:
        """The engine of the event loop's thread; another one after it has been discarded."""
        if self._inline is None:
            self._inside = WeakSet()
            self._inline = self.engine(self.limits.inline_milliseconds)
        return self._inline

    def entered(self, engine: _Engine, unit: "CodeUnit") -> None:
        """One more code unit lives in the engine, and may keep its code there as long as it is used."""
        self._inside.add(unit)
        engine.context.set_memory_limit(self.limits.resolver_memory_bytes + len(self._inside) * _UNIT_BYTES)

    def discard(self, engine: _Engine) -> None:
        """An engine in which an evaluation was cut off."""
        if self._inline is engine:
            self._inline = None

    def engine(self, milliseconds: int) -> _Engine:
        context = quickjs.Context()
        context.set_memory_limit(self.limits.resolver_memory_bytes)
        context.set_max_stack_size(_STACK_BYTES)
        make_entry = cast(MakeEntry, context.eval(_prelude()))
        context.set_time_limit(milliseconds / 1000)
        return _Engine(context, make_entry)

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
        self._entered: tuple[_Engine, Entry] | None = None
        self._slow = False
        self.handlers: frozenset[str] = frozenset()
        """What `evaluate` can call: exported functions, and functions of exported objects as `onPublish.request`."""

    @property
    def exports(self) -> frozenset[str]:
        return self._script.exports

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._script.warnings

    def check(self) -> None:
        """Compile the code and run what stands outside its functions. Raises BrokenCode."""
        engine = self._host.inline()
        engine.context.set_time_limit(self._host.limits.resolver_milliseconds / 1000)
        try:
            members = self._members(self._inline(), "", "{}", '{"now":0,"seed":""}')
        except quickjs.JSException as error:
            self._host.discard(engine)
            raise BrokenCode([self._compile_error(str(error))]) from None
        finally:
            engine.context.set_time_limit(self._host.limits.inline_milliseconds / 1000)
        halt = None if members is None else members.get("halt")
        if members is None or halt is not None:
            line, column = self._script.positions.of_code(*halt["at"]) if halt and halt.get("at") else (1, 1)
            why = str(halt["message"]) if halt else "the code leaves what cannot be read"
            raise BrokenCode([CodeError("types", why, line, column)])
        self.handlers = frozenset(str(each) for each in members["value"])

    def _inline(self) -> Entry:
        """The door on the event loop's thread. Raises JSException."""
        engine = self._host.inline()
        if self._entered is None or self._entered[0] is not engine:
            self._host.entered(engine, self)
            self._entered = engine, engine.entry(self._script)
        return self._entered[1]

    def evaluate(
        self, handler: str, context: Mapping[str, object], auth_type: str
    ) -> Evaluation | Coroutine[object, object, Evaluation]:
        """An Evaluation, or a coroutine of one when the handler turns out to be slow."""
        clock_and_chance = {
            "now": int(self._host.clock.now() * 1000),
            "seed": self._host.ids.hex(32),
            "authType": auth_type,
            "turns": self._host.limits.loop_iterations,
        }
        try:
            texts = orjson.dumps(context).decode(), orjson.dumps(clock_and_chance).decode()
        except orjson.JSONEncodeError as error:
            return _failed(f"The context cannot be written as JSON: {error}")
        if not self._slow:
            engine = self._host.inline()
            try:
                return self._evaluation(self._inline(), handler, *texts)
            except quickjs.JSException as error:
                stopped = _stopped(str(error))
                if stopped is not _TOO_SLOW:
                    return stopped
                self._host.discard(engine)
                self._slow = True
        return self._apart(handler, *texts)

    async def _apart(self, handler: str, context: str, host: str) -> Evaluation:
        loop = asyncio.get_running_loop()
        with self._host.clock.hold(f"JavaScript {handler} handler"):
            return await loop.run_in_executor(self._host.threads(), self._evaluate_apart, handler, context, host)

    def _evaluate_apart(self, handler: str, context: str, host: str) -> Evaluation:
        try:
            entry = self._host.engine(self._host.limits.resolver_milliseconds).entry(self._script)
            started = time.thread_time()
            evaluation = self._evaluation(entry, handler, context, host)
        except quickjs.JSException as error:
            return _stopped(str(error))
        # The engine's limit counts the CPU time of the whole process: a busy neighbour makes a quick handler look slow.
        self._slow = (time.thread_time() - started) * 2000 > self._host.limits.inline_milliseconds
        return evaluation

    def _evaluation(self, entry: Entry, handler: str, context: str, host: str) -> Evaluation:
        """Raises JSException."""
        members = self._members(entry, handler, context, host)
        if members is None:
            return _failed(
                f"The evaluated result is not JSON, or larger than {self._host.limits.evaluated_bytes} bytes."
            )
        halt = members.get("halt")
        if halt is not None and halt["kind"] == "error":
            place, called = halt.pop("at", None), halt.pop("called", False)
            if place:
                positions = self._script.positions
                at = positions.original_call(*place) if called else positions.original(*place)
                halt["message"] = f"{_shown(at)}: {halt['message']}"
        return Evaluation(
            members.get("value"),
            halt,
            members.get("args") or {},
            members.get("stash") or {},
            tuple(members["errors"]),
            tuple(self._log_line(*each) for each in members["logs"]),
            tuple(members["effects"]),
        )

    def _members(self, entry: Entry, handler: str, context: str, host: str) -> dict[str, Any] | None:
        """What the door answered, None if that is too large or cannot be read. Raises JSException."""
        for _ in range(_ZONES):
            text = cast(str, entry(handler, context, host))
            if len(text) > self._host.limits.evaluated_bytes:
                return None
            try:
                members = cast(dict[str, Any], orjson.loads(text))
            except orjson.JSONDecodeError:  # half a surrogate pair, or nesting past orjson's limit
                return None
            halt = members.get("halt")
            if halt is None or halt["kind"] != "zone":
                return members
            entry("$zone", halt["zone"], zone_json(halt["zone"]))
        return None

    def _log_line(self, level: str, place: list[int] | None, words: str) -> str:
        if place is None:
            return f"{level} - {words}"
        line, column = place
        return f"{level} - {_shown(self._script.positions.original_call(line, column, 'console.'))}: {words}"

    def _compile_error(self, message: str) -> CodeError:
        match = _PLACE.search(message)
        place = self._script.positions.of_code(int(match[1]), int(match[2])) if match else (1, 1)
        first = message.strip().splitlines()[0]
        return CodeError("syntax", _in_typescript(first.removeprefix("SyntaxError: ")), *place)


def _shown(place: tuple[str, int, int]) -> str:
    file, line, column = place
    return f"{file}:{line}:{column}"


@cache
def _prelude() -> str:
    return "\n" * _OUR_LINES + f'(function () {{ "use strict";\n{all_sources()}\n}})()'


def _failed(message: str) -> Evaluation:
    return Evaluation(halt={"kind": "error", "message": message, "type": "Code", "data": None, "errorInfo": None})


_TOO_SLOW = _failed("The handler took too much time.")


def _stopped(message: str) -> Evaluation:
    """The engine gave up on the handler."""
    if "interrupted" in message:
        return _TOO_SLOW
    if "out of memory" in message or message.strip() == "null":
        return _failed("The handler used too much memory.")
    return _failed(message.strip().splitlines()[0])


_PLACE = re.compile(r"<input>:(\d+):(\d+)")
_TYPESCRIPT = (
    (re.compile(r"expecting '(.+)'"), "TS1005: '{}' expected."),
    (re.compile(r"unexpected end of string"), "TS1002: Unterminated string literal."),
    (re.compile(r"unexpected end of comment"), "TS1010: '*/' expected."),
    (re.compile(r"unexpected token in expression: '(.*)'"), "TS1109: Expression expected. Found: {}"),
    (re.compile(r"Unexpected (?:identifier|token|number|string)(.*)"), "TS1005: ',' expected. Found:{}"),
    (re.compile(r"variable name expected"), "TS1134: Variable declaration expected."),
    (re.compile(r"(?:function name|identifier or string) expected"), "TS1003: Identifier expected."),
    (re.compile(r"invalid property name"), "TS1136: Property assignment expected."),
    (re.compile(r"Unexpected end of input"), "TS1109: Expression expected. Found the end of the code."),
    (re.compile(r"invalid redefinition of .*|redeclaration of .*"), "TS2451: Cannot redeclare block-scoped variable."),
)


def _in_typescript(message: str) -> str:
    """The engine's sentence in the service's words, where they are the common ones."""
    for pattern, sentence in _TYPESCRIPT:
        match = pattern.match(message)
        if match is not None:
            return sentence.format(*match.groups())
    return message
