"""Deliveries to topics, event buses and buckets: durable, tried again when that may help.

Owned by `events/dispatcher.py`. A parcel is put into its queue by the commit that ends its event; here it is leased,
sent, and removed when it has arrived or is given up: the target refuses it, nobody serves the service, or
`lambda.delivery_seconds` have passed. Until then it is tried after 1 s, 2 s, 4 s … up to 5 min, also after a restart.
"""

import logging
from collections.abc import Callable

from callpark.functions.events import happenings, remote
from callpark.functions.events.commits import Commits
from callpark.functions.events.remote import Parcel
from callpark.functions.upstreams import Upstreams
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Trace
from callpark.store.ports import Defer, Done, Store, WorkItem

_log = logging.getLogger("callpark")

_WORDS = {"OnSuccess": "OnSuccess", "OnFailure": "OnFailure", "DeadLetter": "dead-letter"}


class Deliveries:
    def __init__(
        self,
        *,
        clock: Clock,
        trace: Trace,
        limits: LambdaLimits,
        store: Store,
        commits: Commits,
        tasks: Tasks,
        upstreams: Upstreams,
    ) -> None:
        self._clock = clock
        self._trace = trace
        self._limits = limits
        self._store = store
        self._commits = commits
        self._tasks = tasks
        self._upstreams = upstreams
        self._end_watch: Callable[[], None] | None = None
        self._more = False
        self._running = 0

    def open(self) -> None:
        """Send what is in the queue, and what comes; calling it twice is harmless."""
        if self._end_watch is None:
            self._end_watch = self._store.watch(remote.QUEUE, self._ready)

    def close(self) -> None:
        """Nothing new is begun; what is on its way is tried again by the next process."""
        if self._end_watch is not None:
            self._end_watch()
            self._end_watch = None

    def _ready(self) -> None:
        self._more = True
        self._pump()

    def _pump(self) -> None:
        room = self._limits.deliveries - self._running
        if not self._more or room <= 0 or self._end_watch is None:
            return
        items = self._store.lease(remote.QUEUE, room)
        self._more = len(items) == room
        self._running += len(items)
        for item in items:
            self._tasks.spawn(self._deliver(item), f"delivery {item.id}")

    async def _deliver(self, item: WorkItem) -> None:
        try:
            parcel = remote.decode(item.state)
            try:
                receipt = await self._send(parcel, item.body)
            except CallerError as error:
                await self._failed(item, parcel, error)
            else:
                await self._commits.commit((Done(item.queue, item.id),))
                self._tell_arrival(parcel, receipt)
        finally:
            self._running -= 1
        self._pump()

    async def _send(self, parcel: Parcel, body: bytes) -> str:
        call = remote.remote_call(parcel, body)
        remedy = self._upstreams.remedy(call.service)
        if remedy is not None:
            raise CallerError("NotImplemented", 400, f"nobody serves {call.service} here: {remedy}")
        return remote.receipt(call, await self._upstreams.call(call.service, call.operation, call.parameters))

    async def _failed(self, item: WorkItem, parcel: Parcel, error: CallerError) -> None:
        limits, now = self._limits, self._clock.now()
        delay = min(limits.throttle_base_seconds * 2 ** min(parcel.attempts, 30), limits.throttle_maximum_seconds)
        reason = f"{error.code}: {error.message}"
        if remote.may_pass(error) and now + delay <= parcel.made_at + limits.delivery_seconds:
            state = remote.encode(_once_more(parcel))
            await self._commits.commit((Defer(item.queue, item.id, state, now + delay),))
            text = "event %s of %s not sent to %s %s: %s; trying again in %g s"
            _log.warning(text, parcel.request_id, parcel.function, _WORDS[parcel.kind], parcel.target, reason, delay)
            self._trace.emit(
                happenings.DeliveryDelayed(parcel.request_id, parcel.function, parcel.target, reason, now + delay)
            )
            return
        await self._commits.commit((Done(item.queue, item.id),))
        text = "event %s of %s not sent to %s %s: %s"
        _log.warning(text, parcel.request_id, parcel.function, _WORDS[parcel.kind], parcel.target, reason)
        self._tell_loss(parcel, item.body, reason)

    def _tell_arrival(self, parcel: Parcel, receipt: str) -> None:
        subject, function, target = parcel.request_id, parcel.function, parcel.target
        if parcel.kind == "DeadLetter":
            self._trace.emit(happenings.DeadLetterSent(subject, function, target, receipt))
        else:
            self._trace.emit(happenings.DestinationDelivered(subject, function, parcel.kind, target, receipt))

    def _tell_loss(self, parcel: Parcel, body: bytes, reason: str) -> None:
        subject, function, target = parcel.request_id, parcel.function, parcel.target
        if parcel.kind == "DeadLetter":
            self._trace.emit(happenings.DeadLetterFailed(subject, function, target, reason))
        else:
            self._trace.emit(happenings.DestinationFailed(subject, function, parcel.kind, target, reason, body))


def _once_more(parcel: Parcel) -> Parcel:
    return Parcel(
        kind=parcel.kind,
        target=parcel.target,
        request_id=parcel.request_id,
        function=parcel.function,
        function_arn=parcel.function_arn,
        made_at=parcel.made_at,
        attributes=parcel.attributes,
        attempts=parcel.attempts + 1,
    )
