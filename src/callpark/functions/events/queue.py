"""The durable queue of one function's events, and the workers that run them.

Made by `events/dispatcher.py`. The store calls back when events are ready; the queue leases a few more than may run at
once, workers run them one after another, and each outcome ends in one commit: retry state, or the records for the
destinations together with the event's removal. What policy decides is in `events/policy.py`.

An event for which there is no room stays leased and is parked in memory with its back-off timer, so a throttle costs
no commit; while one is parked the queue tries nothing else, until the timer fires or capacity becomes free. A lease
dies with the process: after a restart the event is simply ready again.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence

from callpark.functions.environments.ports import EnvironmentUnavailable, Outcome, Saturated
from callpark.functions.events import endings, happenings, policy
from callpark.functions.events.state import EventState, encode, queue_name
from callpark.functions.events.world import EventSubject, EventWorld, LeasedEvent
from callpark.kernel.errors import ProjectError
from callpark.kernel.timers import Timer
from callpark.store.ports import Defer

_log = logging.getLogger("callpark")


class EventQueue:
    """One function's events. `open()` starts it, `close()` stops it; what it holds is ready again afterwards."""

    def __init__(self, function: str, world: EventWorld) -> None:
        self._function = function
        self._queue = queue_name(function)
        self._world = world
        self._end_watch: Callable[[], None] | None = None
        self._more = False
        self._pending: deque[LeasedEvent] = deque()
        self._parked: OrderedDict[str, tuple[LeasedEvent, Timer]] = OrderedDict()
        self._held = 0
        self._held_bytes = 0
        self._running = 0
        self._in_run: dict[str, LeasedEvent] = {}
        self._starting = 0
        self._blocked = False
        self._probes = 0

    def open(self) -> None:
        if self._end_watch is None:
            self._end_watch = self._world.store.watch(self._queue, self._ready)

    def close(self) -> None:
        if self._end_watch is not None:
            self._end_watch()
            self._end_watch = None
        for _, timer in self._parked.values():
            timer.cancel()
        self._world.crowd.leave(self)

    async def give_back(self) -> None:
        """After `close`: another node goes on with what has not begun here."""
        waiting = [*self._pending, *(event for event, _ in self._parked.values())]
        self._pending.clear()
        self._parked.clear()
        await self._return(waiting)

    async def _return(self, events: Sequence[LeasedEvent]) -> None:
        now = self._world.clock.now()
        if events:
            await self._world.commits.commit([Defer(each.queue, each.id, encode(each.state), now) for each in events])

    def wake(self) -> None:
        """Capacity for one event has become free."""
        if self._blocked:
            self._unpark_oldest()
            self._probes += 1
            self._start_worker()
        else:
            self._pump()

    def unblock(self) -> None:
        """The function's limits or code have changed: whatever was refused may be tried again."""
        while self._parked:
            self._unpark_oldest()
        self._blocked = False
        self._pump()

    def running(self) -> Mapping[str, LeasedEvent]:
        """Events whose handler runs, by request id."""
        return self._in_run

    @property
    def parked(self) -> int:
        """How many events wait for room."""
        return len(self._parked)

    def throttled(self) -> Mapping[str, LeasedEvent]:
        """Events that wait for room, by request id; `next_at` says how long at most."""
        return {request_id: event for request_id, (event, _) in self._parked.items()}

    # Which event next

    def _ready(self) -> None:
        self._more = True
        self._pump()

    def _width(self) -> int:
        """How many events may be tried at once. With a reservation one more than can run: it is parked, and its
        back-off sees to it that events behind a full function expire in time."""
        share = self._world.crowd.share
        reserved = self._world.slots.reserved(self._function)
        return min(share, reserved) + 1 if reserved else share

    def _pump(self) -> None:
        """Start a worker for each event that may be tried now."""
        if self._blocked or self._end_watch is None:
            return
        self._fill()
        wanted = min(len(self._pending), self._width() - self._running) - self._starting
        for _ in range(wanted):
            self._start_worker()

    def _fill(self) -> None:
        """Lease the next batch, a little more than may run at once, when the last one does not fill the room."""
        if not self._more or self._held_bytes >= self._world.limits.held_event_bytes:
            return
        width = self._width()
        if len(self._pending) >= max(1, width - self._running - self._starting):
            return
        room = width + max(1, width // 2) - self._held
        if room <= 0:
            return
        if not self._held:
            self._world.crowd.join(self)
        items = self._world.store.lease(self._queue, room)
        self._more = len(items) == room
        self._held += len(items)
        for item in items:
            self._held_bytes += len(item.body)
            self._pending.append(LeasedEvent(self._function, item))
        if not self._held:
            self._world.crowd.leave(self)

    def _start_worker(self) -> None:
        self._starting += 1
        self._world.tasks.spawn(self._work(), f"events of {self._function}")

    async def _work(self) -> None:
        self._starting -= 1
        while (event := self._take()) is not None:
            ran = await self._attempt(event)
            if ran and self._hand_over():
                return

    def _take(self) -> LeasedEvent | None:
        if self._end_watch is None or self._running >= self._width():
            return None
        if not self._blocked:
            self._probes = 0
        elif self._probes:
            self._probes -= 1
        else:
            return None
        self._fill()
        if not self._pending:
            self._blocked = self._blocked and bool(self._parked)
            return None
        event = self._pending.popleft()
        if (self._pending or self._more) and self._running + self._starting + 1 < self._width():
            asyncio.get_running_loop().call_soon(self._pump)
        return event

    def _hand_over(self) -> bool:
        """A run has ended. If another queue waits for capacity it goes first, and this worker ends."""
        self._blocked = False
        woken = self._world.crowd.wake_next()
        self._unpark_oldest()
        if woken is None or woken is self:
            return False
        asyncio.get_running_loop().call_soon(self._pump)
        return True

    # One attempt

    async def _attempt(self, event: LeasedEvent) -> bool:
        """Try to run an event; True when the handler ran."""
        world, state = self._world, event.state
        version = world.functions.version_for(self._function, state.qualifier)
        subject = None if version is None else world.functions.subject(self._function, state.qualifier, version)
        if subject is None or version is None:
            await endings.abandon(world, event)
            self._let_go(event)
            self._pass_probe_on()
            return False
        chain = world.functions.invocations_in_chain(self._function, state.trace_header)
        event.tried_at = world.clock.now()
        discard = policy.before_attempt(subject.rules, state.accepted_at, event.tried_at, chain)
        if discard is not None:
            await self._give_up(event, subject, discard)
            return False
        refusal = world.slots.take(self._function, version)
        if refusal is not None:
            await self._throttled(event, subject, refusal)
            return False
        outcome = await self._run(event, version)
        if isinstance(outcome, str):
            await self._throttled(event, subject, outcome)
            return False
        await self._after_run(event, version, outcome)
        return True

    async def _run(self, event: LeasedEvent, version: str) -> Outcome | str:
        """The outcome, or why there was no run."""
        self._running += 1
        self._in_run[event.id] = event
        try:
            return await self._world.functions.run_event(self._function, version, event.id, event.body, event.state)
        except Saturated:
            return "ConcurrentInvocationLimitExceeded"
        except (EnvironmentUnavailable, ProjectError) as error:
            _log.warning("event %s of %s cannot run now: %s", event.id, self._function, error)
            return str(error)
        except Exception:
            _log.exception("running event %s of %s failed in callpark itself", event.id, self._function)
            return "ServiceException"
        finally:
            del self._in_run[event.id]
            self._running -= 1
            self._world.slots.give_back(self._function, version)

    async def _after_run(self, event: LeasedEvent, version: str, outcome: Outcome) -> None:
        world, state = self._world, event.state
        attempts = state.attempts + 1
        event.throttles = 0
        event.state = EventState(
            accepted_at=state.accepted_at,
            qualifier=state.qualifier,
            trace_header=state.trace_header,
            attempts=attempts,
            last_response=outcome.payload,
            last_error=outcome.function_error,
            last_version=version,
        )
        age = event.tried_at - state.accepted_at
        world.trace.emit(
            happenings.EventAttemptEnded(
                event.id, self._function, attempts, outcome.function_error, age, event.resource
            )
        )
        subject = world.functions.subject(self._function, state.qualifier, version)
        if subject is None:
            await endings.abandon(world, event)
            self._let_go(event)
            return
        decision = policy.after_run(
            subject.rules,
            failed=outcome.function_error is not None,
            attempts=attempts,
            accepted_at=state.accepted_at,
            now=world.clock.now(),
        )
        match decision:
            case policy.Succeed():
                await endings.succeed(world, event, subject)
            case policy.Retry(at):
                await endings.retry(world, event, at)
            case policy.Discard(condition):
                await endings.discard(world, event, subject, condition)
        self._let_go(event)

    async def _throttled(self, event: LeasedEvent, subject: EventSubject, reason: str) -> None:
        world = self._world
        decision = policy.after_throttle(
            subject.rules, throttles=event.throttles, accepted_at=event.state.accepted_at, now=world.clock.now()
        )
        if isinstance(decision, policy.Discard):
            await self._give_up(event, subject, decision)
            return
        if self._end_watch is None:
            await self._return((event,))
            return
        event.throttles += 1
        event.next_at = decision.at
        timer = world.clock.timer(decision.at, lambda: self._probe(event.id), f"event {event.id}")
        self._parked[event.id] = event, timer
        self._blocked = True
        world.crowd.wait(self)
        world.trace.emit(happenings.EventThrottled(event.id, self._function, reason, decision.at, event.resource))

    def _probe(self, event_id: str) -> None:
        """A back-off has ended: try this event, and only this one."""
        event, _ = self._parked.pop(event_id)
        self._pending.appendleft(event)
        self._probes += 1
        self._start_worker()

    async def _give_up(self, event: LeasedEvent, subject: EventSubject, discard: policy.Discard) -> None:
        """Discard an event instead of running it."""
        await endings.discard(self._world, event, subject, discard.condition)
        self._let_go(event)
        self._pass_probe_on()

    def _pass_probe_on(self) -> None:
        """An event was not tried after all; if no other is left to probe for room, the next one does."""
        if self._blocked and not self._parked:
            self._probes += 1

    def _unpark_oldest(self) -> None:
        if self._parked:
            _, (event, timer) = self._parked.popitem(last=False)
            timer.cancel()
            self._pending.appendleft(event)

    def _let_go(self, event: LeasedEvent) -> None:
        self._held -= 1
        self._held_bytes -= len(event.body)
        if not self._held:
            self._world.crowd.leave(self)
