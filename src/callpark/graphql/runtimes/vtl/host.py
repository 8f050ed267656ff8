"""The host of Velocity templates: compiles and evaluates them on a budget of time and memory.

Called by `resolvers/`; the face is that of `runtimes/js/host.py`. An evaluation runs on the event loop's thread. One
that spends more than the small inline budget is stopped and evaluated again, from the same inputs, on a thread of its
own; evaluations have no effects outside their result, so the second start is not observable.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.vtl.failures import BrokenTemplate, Overrun
from callpark.graphql.runtimes.vtl.run import Bounds
from callpark.graphql.runtimes.vtl.template import Compiled, mapping_failure
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import AppSyncLimits

_THREADS = 2


class VtlHost:
    """Makes templates and owns the threads that slow ones run on."""

    def __init__(self, clock: Clock, ids: Ids, limits: AppSyncLimits) -> None:
        self.clock = clock
        self.ids = ids
        self.inline = _bounds(limits, limits.inline_milliseconds)
        self.whole = _bounds(limits, limits.resolver_milliseconds)
        self._longest = limits.template_characters
        self._threads: ThreadPoolExecutor | None = None

    def load(self, source: str) -> "Template":
        """Raises BrokenTemplate."""
        if len(source) > self._longest:
            raise BrokenTemplate(f"the template is longer than {self._longest} characters", 1, 1)
        return Template(self, Compiled(source))

    def threads(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="callpark-velocity")
        return self._threads

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


class Template:
    """One mapping template."""

    def __init__(self, host: VtlHost, compiled: Compiled) -> None:
        self._host = host
        self._compiled = compiled
        self._slow = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the template names and callpark lacks."""
        return self._compiled.lacking

    def evaluate(
        self, context: Mapping[str, object], auth_type: str
    ) -> Evaluation | Coroutine[object, object, Evaluation]:
        """An Evaluation, or a coroutine of one when the template turns out to be slow."""
        host = self._host
        now, seed = host.clock.now(), host.ids.hex(32)
        if not self._slow:
            try:
                return self._compiled.evaluate(context, host.inline, now, seed, auth_type)
            except Overrun:
                self._slow = True
        return self._apart(partial(self._compiled.evaluate, context, host.whole, now, seed, auth_type))

    async def evaluate_text(self, context: Mapping[str, object], auth_type: str) -> Evaluation:
        """The value is the text that the template prints, JSON or not."""
        host = self._host
        now, seed = host.clock.now(), host.ids.hex(32)
        return await self._apart(partial(self._compiled.evaluate_text, context, host.whole, now, seed, auth_type))

    async def _apart(self, evaluate: Callable[[], Evaluation]) -> Evaluation:
        loop = asyncio.get_running_loop()
        with self._host.clock.hold("mapping template"):
            return await loop.run_in_executor(self._host.threads(), self._evaluate_apart, evaluate)

    def _evaluate_apart(self, evaluate: Callable[[], Evaluation]) -> Evaluation:
        started = time.thread_time()
        try:
            evaluation = evaluate()
        except Overrun:
            return Evaluation(halt=mapping_failure("The template took too much time."))
        self._slow = time.thread_time() - started > self._host.inline.seconds / 2
        return evaluation


def _bounds(limits: AppSyncLimits, milliseconds: int) -> Bounds:
    return Bounds(
        milliseconds / 1000,
        limits.resolver_memory_bytes,
        limits.evaluated_bytes,
        limits.loop_iterations,
        limits.macro_depth,
    )
