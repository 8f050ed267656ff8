"""Asynchronous events: accepted here, run by the queue of their function.

`service.py` owns one dispatcher. `accept` is the hot path: one commit with one Put, no task.
"""

import asyncio
from collections.abc import Mapping

from callpark.functions.concurrency import Slots
from callpark.functions.events.commits import Commits
from callpark.functions.events.crowd import Crowd
from callpark.functions.events.deliveries import Deliveries
from callpark.functions.events.discarded import DiscardedEvents
from callpark.functions.events.messages import MessageQueues
from callpark.functions.events.queue import EventQueue
from callpark.functions.events.results import EventResults
from callpark.functions.events.state import EventState, encode, queue_name
from callpark.functions.events.world import EventFunctions, EventWorld, LeasedEvent
from callpark.functions.upstreams import Upstreams
from callpark.kernel.clock import Clock
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Trace
from callpark.store.ports import Put, Store, WorkItem


class EventDispatcher:
    def __init__(
        self,
        *,
        clock: Clock,
        trace: Trace,
        limits: LambdaLimits,
        store: Store,
        slots: Slots,
        functions: EventFunctions,
        queues: MessageQueues,
        upstreams: Upstreams,
    ) -> None:
        self._clock = clock
        self._store = store
        self._crowd = Crowd(min(limits.account_concurrency, limits.environments))
        self._tasks = Tasks("functions")
        self._commits = Commits(store, clock, limits, self._tasks)
        self._queues: dict[str, EventQueue] = {}
        self.results = EventResults(clock, limits)
        self.discarded = DiscardedEvents(clock, limits, store)
        self.deliveries = Deliveries(
            clock=clock,
            trace=trace,
            limits=limits,
            store=store,
            commits=self._commits,
            tasks=self._tasks,
            upstreams=upstreams,
        )
        self._world = EventWorld(
            clock=clock,
            trace=trace,
            limits=limits,
            store=store,
            commits=self._commits,
            slots=slots,
            crowd=self._crowd,
            results=self.results,
            discarded=self.discarded,
            tasks=self._tasks,
            functions=functions,
            queues=queues,
        )

    def accept(
        self, function: str, request_id: str, payload: bytes, qualifier: str | None, trace_header: str | None
    ) -> "asyncio.Future[None]":
        """Make an event durable; resolves when it is. Raises what `Store.commit` raises."""
        now = self._clock.now()
        state = encode(EventState(now, qualifier, trace_header))
        return self._store.commit((Put(WorkItem(queue_name(function), request_id, payload, state, now)),))

    def open(self, function: str) -> None:
        """Run the events of a function from now on; those of a deleted one are discarded by the same queue."""
        if function not in self._queues:
            queue = self._queues[function] = EventQueue(function, self._world)
            queue.open()

    def leave(self, function: str) -> None:
        """`shut`, soon."""
        if function in self._queues:
            self._tasks.spawn(self.shut(function), f"giving back events of {function}")

    async def shut(self, function: str) -> None:
        """Begin no more events of a function; another node does. What runs ends as it would."""
        queue = self._queues.pop(function, None)
        if queue is not None:
            queue.close()
            await queue.give_back()

    def functions(self) -> list[str]:
        """Those whose events are run here."""
        return list(self._queues)

    def in_hand(self, function: str) -> tuple[Mapping[str, LeasedEvent], Mapping[str, LeasedEvent]]:
        """A function's events that run, and those that wait for room, by request id."""
        queue = self._queues.get(function)
        return ({}, {}) if queue is None else (queue.running(), queue.throttled())

    def parked(self) -> int:
        """How many events wait here for room."""
        return sum(queue.parked for queue in self._queues.values())

    def unblock(self, function: str) -> None:
        """The function's limits, code or configuration have changed."""
        if (queue := self._queues.get(function)) is not None:
            queue.unblock()

    def unblock_all(self) -> None:
        """A reservation has changed, which changes what is left for all others."""
        for queue in self._queues.values():
            queue.unblock()

    def capacity_freed(self, function: str) -> None:
        """A synchronous invocation of `function` has ended."""
        if (queue := self._queues.get(function)) is not None:
            queue.wake()
        self._crowd.wake_next()

    async def close(self) -> None:
        """Stop. Events in hand are ready again for the next process."""
        for queue in self._queues.values():
            queue.close()
        self.deliveries.close()
        await self._tasks.aclose()
        await self._commits.flush()
        self.results.close()
