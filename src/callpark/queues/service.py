"""Amazon SQS: the slice's face. Built by `app.py`; called by `api/`, and through small protocols by functions.

Order of use: `start`, then `apply` once, also without a project (`apply(())`), then everything else. An acknowledged
send, receive, delete or change is on disk.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import SqsLimits
from callpark.kernel.tasks import Tasks
from callpark.queues import names, receipts, refusals, submissions
from callpark.queues.administration import Administration
from callpark.queues.catalogue import Catalogue
from callpark.queues.custody import InUse
from callpark.queues.delivery.fifo import FifoDelivery
from callpark.queues.delivery.standard import StandardDelivery
from callpark.queues.delivery.waiters import Waiters
from callpark.queues.delivery.world import Delivery, QueueWorld
from callpark.queues.model import (
    Counts,
    Message,
    MessageAttribute,
    MessageState,
    Queue,
    QueueDefinition,
    Received,
    Sent,
    Submission,
    decode_message,
    decode_state,
)
from callpark.queues.moves import Moves
from callpark.queues.receipts import Receipt
from callpark.queues.sweeping import Sweeper
from callpark.store.amendments import NO_AMENDMENTS, SharedAmendments
from callpark.store.ports import BEFORE_ALL, Change, Store, StoreFailure

#: Everybody is the local account: the user id that STS gives.
_SENDER = "AROACALLPARKLOCALROLE:callpark"

_DECLARED = "queues/declared"


class Queues:
    """`base_url` is where the server answers; queue URLs begin with it. One node of several gives out messages of the
    queues that it `holds`, by family; of the others it knows what they are. One of all `tidies`: it removes what
    belongs to no queue. `shared`: there may be other nodes."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        limits: SqsLimits,
        place: Place,
        store: Store,
        base_url: str,
        holds: Callable[[str], bool] = lambda family: True,
        tidies: Callable[[], bool] = lambda: True,
        shared: bool = False,
    ) -> None:
        self.limits = limits
        self.place = place
        self._clock = clock
        self._store = store
        self._base_url = base_url
        self._tasks = Tasks("queues")
        self._catalogue = Catalogue(store, place, limits)
        self._deliveries: dict[str, Delivery] = {}
        self._holds = holds
        self._tidies = tidies
        self._open: set[str] = set()
        self._custody = asyncio.Lock()
        self._in_use = InUse()
        self._expectant: dict[str, list[Callable[[], None]]] = {}
        self._dismissed = False
        self._world = QueueWorld(
            store=store,
            clock=clock,
            ids=ids,
            limits=limits,
            tasks=self._tasks,
            queue=self._catalogue.get,
            delivery=self._delivery_of,
            shared=shared,
        )
        self._sweeper = Sweeper(self._world, lambda: tuple(self._catalogue), self._deliveries.get, self._open)
        self.administration = Administration(
            catalogue=self._catalogue,
            store=store,
            clock=clock,
            ids=ids,
            limits=limits,
            place=place,
            changed=self._changed,
            amendments=SharedAmendments(store, _DECLARED, base_url) if shared else NO_AMENDMENTS,
        )
        self.moves = Moves(self._world, self._catalogue, self.administration.sources)

    async def start(self) -> None:
        """Load what is kept and go on with it."""
        await self._catalogue.load()
        for queue in self._catalogue:
            self._deliveries[queue.name] = self._make(queue)
        await self.take_up()

    async def take_up(self) -> None:
        """Begin to give out the messages of the queues that are held here and were not before."""
        async with self._custody:
            taken = [queue for queue in self._catalogue if queue.name not in self._open and self.is_here(queue.name)]
            for queue in taken:
                delivery = self._deliveries[queue.name]
                await delivery.restore()
                if self._deliveries[queue.name] is delivery:
                    self._open.add(queue.name)
                    delivery.open()
            await self._sweeper.take_up(taken, self._tidies())
            await self.moves.take_up(lambda name: name in self._open)

    async def let_go(self) -> None:
        """Return when nothing is given out any more of queues that are not held here."""
        async with self._custody:
            for name in [name for name in self._open if not self.is_here(name)]:
                self._open.discard(name)
                await self._in_use.ended(name)
                queue, former = self._catalogue.get(name), self._deliveries.get(name)
                if queue is None or former is None:
                    continue
                self._deliveries[name] = self._make(queue)
                self._deliveries[name].waiters.listeners = former.waiters.listeners
                former.close()
                self._sweeper.leave(name)
                await former.release()

    async def refresh(self) -> None:
        """Take note of queues that other nodes have made, changed or deleted."""
        before = {queue.name: queue for queue in self._catalogue}
        await self._catalogue.load()
        for name in {*before, *(queue.name for queue in self._catalogue)}:
            after = self._catalogue.get(name)
            if before.get(name) != after:
                self._changed(before.get(name), after, made_here=False)
        await self.take_up()

    def is_here(self, name: str) -> bool:
        """Whether this node gives out the messages of a queue."""
        return self._holds(self.family(name))

    def family(self, name: str) -> str:
        """The queue that a queue belongs with: a FIFO queue with its dead-letter queue, which one node numbers."""
        seen = {name}
        while (queue := self._catalogue.get(name)) is not None and queue.fifo and queue.settings.redrive is not None:
            target = names.name_in_arn(queue.settings.redrive.target_arn, self.place)
            if target is None or target in seen:
                break
            seen.add(target)
            name = target
        return name

    async def apply(self, definitions: Sequence[QueueDefinition]) -> list[str]:
        """Bring a project's queues; all or nothing. Returns warnings. Raises ProjectError."""
        return await self.administration.declare(definitions)

    def dismiss(self) -> None:
        """The end is near: receivers that wait go away empty-handed, others do not begin to."""
        self._dismissed = True
        for delivery in self._deliveries.values():
            delivery.waiters.wake_all()

    async def close(self) -> None:
        self.dismiss()
        self._sweeper.close()
        for delivery in self._deliveries.values():
            delivery.close()
        await self._tasks.aclose()

    # Queues

    def queues(self) -> Sequence[Queue]:
        """All queues, by name."""
        return tuple(self._catalogue)

    def queue(self, arn: str) -> Queue:
        """The queue with an ARN. Raises CallerError."""
        queue = self._catalogue.by_arn(arn)
        if queue is None:
            raise refusals.no_queue()
        return queue

    def at(self, url: str) -> Queue:
        """The queue a URL means. Raises CallerError."""
        return self.administration.find_url(url)

    def url(self, queue: Queue) -> str:
        return names.url_of(self._base_url, self.place, queue.name)

    async def counts(self, queue: Queue) -> Counts:
        return await self._delivery(queue.name).counts()

    # Messages

    async def send(self, queue: Queue, messages: Sequence[Submission]) -> Sequence[Sent]:
        """In order, as one; returns when they are durable. Raises CallerError."""
        delivery = self._delivery(queue.name)
        with self._in_use.by_one(queue.name):
            try:
                sent = await delivery.send(messages, _SENDER)
            except StoreFailure as failure:
                raise refusals.unavailable(str(failure)) from failure
        self._sweeper.expect(queue)
        return sent

    async def receive(
        self,
        queue: Queue,
        limit: int,
        wait: float | None = None,
        visibility: int | None = None,
        gone: Callable[[], Awaitable[None]] | None = None,
    ) -> Sequence[Received]:
        """Up to `limit` messages, as soon as there are any, at the latest after `wait` seconds; None: as the queue
        says. Nothing is handed to a receiver that has left, which is when `gone` returns. Raises CallerError."""
        wait = queue.settings.wait if wait is None else wait
        until = self._clock.now() + wait
        while True:
            delivery = self._delivery(queue.name)
            if queue.name not in self._open:
                return ()
            if not queue.fifo and delivery.in_flight() >= self.limits.in_flight_messages:
                if wait <= 0:
                    raise refusals.over_limit(self.limits.in_flight_messages)
            else:
                settings = self.administration.find(queue.name).settings
                with self._in_use.by_one(queue.name):
                    try:
                        found = await delivery.receive(limit, settings.visibility if visibility is None else visibility)
                    except StoreFailure as failure:
                        raise refusals.unavailable(str(failure)) from failure
                if found:
                    return found
            if until <= self._clock.now() or self._dismissed:
                return ()
            if not await _wait(delivery.waiters, until, f"receive from {queue.name}", gone):
                return ()

    async def delete(self, queue: Queue, handles: Sequence[str]) -> Sequence[CallerError | None]:
        """Delete messages in one commit; a refusal for each handle that is none. Raises CallerError when the disk
        refuses."""
        with self._in_use.by_one(queue.name):
            return await self._delete(self._delivery(queue.name), queue, handles)

    async def _delete(self, delivery: Delivery, queue: Queue, handles: Sequence[str]) -> Sequence[CallerError | None]:
        outcomes = list[CallerError | None]()
        changes, deleted = list[Change](), list[Receipt]()
        for handle in handles:
            try:
                receipt = receipts.decode(handle, queue.arn)
                changes += await delivery.delete(receipt, handle)
            except CallerError as refusal:
                outcomes.append(refusal)
            else:
                deleted.append(receipt)
                outcomes.append(None)
        if changes:
            try:
                await self._store.commit(changes)
            except StoreFailure as failure:
                raise refusals.unavailable(str(failure)) from failure
        for receipt in deleted:
            delivery.deleted(receipt)
        return outcomes

    async def change_visibility(self, queue: Queue, handle: str, seconds: int) -> None:
        """Raises CallerError."""
        if not 0 <= seconds <= self.limits.visibility_seconds:
            reason = f"Must be between 0 and {self.limits.visibility_seconds}."
            raise refusals.invalid_value(seconds, "VisibilityTimeout", reason)
        receipt = receipts.decode(handle, queue.arn)
        with self._in_use.by_one(queue.name):
            try:
                await self._delivery(queue.name).change_visibility(receipt, handle, seconds)
            except StoreFailure as failure:
                raise refusals.unavailable(str(failure)) from failure

    async def peek(self, queue: Queue, limit: int) -> Sequence[tuple[str, Message, MessageState, float]]:
        """The first messages in the store's order, received by nobody through this: id, message, state, and the instant
        from which a standard queue gives it out."""
        page = await self._store.browse(queue.store_queue, BEFORE_ALL, limit)
        return [(item.id, decode_message(item.body), decode_state(item.state), item.ready_at) for _, item in page]

    # For dead-letter queues, destinations and event source mappings

    def put_changes(
        self,
        queue_arn: str,
        body: str,
        attributes: Mapping[str, MessageAttribute] | None = None,
        trace_header: str | None = None,
    ) -> tuple[str, Sequence[Change]]:
        """The message id, and what a commit of the caller's has to contain for the message to be sent with it.

        Standard queues only. Raises CallerError: no such queue, a FIFO queue, too long.
        """
        queue = self.queue(queue_arn)
        delivery = self._delivery(queue.name)
        if not isinstance(delivery, StandardDelivery):
            raise refusals.invalid_parameter(f"{queue_arn} is a FIFO queue; only standard queues are supported here.")
        submission = Submission(body=body, attributes=attributes or {}, trace_header=trace_header)
        if submissions.size(submission) > queue.settings.maximum_bytes:
            raise refusals.message_too_long(queue.settings.maximum_bytes)
        changes, (sent,) = delivery.put_changes((submission,), _SENDER)
        self._sweeper.expect(queue)
        return sent.message_id, changes

    def watch(self, queue_arn: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when something may be received and nobody waits for it; again only after a `receive`. Returns what
        ends it. A queue that is not there yet, or goes and comes again, is listened to once it is there."""
        name = names.name_in_arn(queue_arn, self.place) or queue_arn
        delivery = self._deliveries.get(name)
        listeners = self._expectant.setdefault(name, []) if delivery is None else delivery.waiters.listeners
        listeners.append(callback)

        def end() -> None:
            if callback in listeners:
                listeners.remove(callback)

        return end

    # Inside

    def _delivery(self, name: str) -> Delivery:
        delivery = self._deliveries.get(name)
        if delivery is None:
            raise refusals.no_queue()
        return delivery

    def _delivery_of(self, arn: str) -> Delivery | None:
        """For messages of other queues, whose retention is looked after from now on."""
        queue = self._catalogue.by_arn(arn)
        if queue is None:
            return None
        self._sweeper.expect(queue)
        return self._deliveries.get(queue.name)

    def _make(self, queue: Queue) -> Delivery:
        return FifoDelivery(self._world, queue) if queue.fifo else StandardDelivery(self._world, queue)

    def _changed(self, before: Queue | None, after: Queue | None, made_here: bool = True) -> None:
        """A queue has come, gone, begun a new generation or got other settings; one that others made may hold messages
        already, and is opened by `take_up`."""
        if before is not None and (after is None or before.store_queue != after.store_queue):
            former = self._deliveries.pop(before.name, None)
            if after is None and former is not None and former.waiters.listeners:
                self._expectant[before.name] = former.waiters.listeners
            if after is not None and former is not None:
                self._deliveries[after.name] = former.successor(after)
                if after.name in self._open:
                    self._deliveries[after.name].open()
            if former is not None:
                former.close()
            self._sweeper.clear(before.store_queue)
        if after is None:
            if before is not None:
                self._open.discard(before.name)
                self._sweeper.forget(before)
        elif after.name not in self._deliveries:
            delivery = self._deliveries[after.name] = self._make(after)
            delivery.waiters.listeners = self._expectant.pop(after.name, [])
            if made_here and self.is_here(after.name):
                self._open.add(after.name)
                delivery.open()
                delivery.waiters.wake()
        elif before is not None and before.settings != after.settings:
            self._deliveries[after.name].reconfigured()
            if before.settings.retention != after.settings.retention:
                self._sweeper.look(after.name)


async def _wait(waiters: Waiters, until: float, key: str, gone: Callable[[], Awaitable[None]] | None) -> bool:
    """Wait for a turn or the end of the wait; False when the receiver has left meanwhile."""
    if gone is None:
        await waiters.wait(until, key)
        return True
    waiting, leaving = asyncio.ensure_future(waiters.wait(until, key)), asyncio.ensure_future(gone())
    try:
        await asyncio.wait((waiting, leaving), return_when=asyncio.FIRST_COMPLETED)
        left = leaving.done()
        if left and waiting.done():
            waiters.wake()  # its turn had come: the next
    finally:
        waiting.cancel()
        leaving.cancel()
    return not left
