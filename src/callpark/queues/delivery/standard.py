"""A standard queue: its messages lie in the store, a window of them and whatever is in flight in memory.

A receive leases from the store and makes the new receive count, receipt and visibility durable with one Defer each; the
answer goes out after that commit. The store itself wakes us when a message becomes visible.
"""

import heapq
import logging
from collections.abc import Callable, Sequence

from callpark.queues import messages, refusals
from callpark.queues.delivery.waiters import Waiters
from callpark.queues.delivery.world import QueueWorld, Taken
from callpark.queues.messages import Fate
from callpark.queues.model import (
    Counts,
    Message,
    MessageState,
    Queue,
    Received,
    Sent,
    Submission,
    decode_message,
    decode_state,
    encode_message,
    encode_state,
)
from callpark.queues.receipts import Receipt, encode
from callpark.store.ports import Change, Defer, Done, Put, StoreFailure, WorkItem

_log = logging.getLogger("callpark")

_NEW = encode_state(MessageState())
_PAGE = 1_000


class StandardDelivery:
    """Implements `world.Delivery`."""

    def __init__(self, world: QueueWorld, queue: Queue) -> None:
        self._world = world
        self._name = queue.name
        self._arn = queue.arn
        self._last = queue
        self._store_queue = queue.store_queue
        self._flights: dict[str, MessageState] = {}
        self._ends: list[tuple[float, str]] = []
        self._end_watch: Callable[[], None] | None = None
        self._leased: dict[str, WorkItem] = {}
        self._warned_of: str | None = None
        self.waiters = Waiters(world.clock)

    async def restore(self) -> None:
        """Remember what is in flight: it lies behind this instant in the store's order."""
        after = (self._world.clock.now(), -1)
        while page := await self._world.store.browse(self._store_queue, after, _PAGE):
            for _, item in page:
                state = decode_state(item.state)
                if state.visible_at > self._world.clock.now():
                    self._fly(item.id, state)
            after = page[-1][0]

    def open(self) -> None:
        if self._end_watch is None:
            self._end_watch = self._world.store.watch(self._store_queue, self.waiters.wake)

    def successor(self, queue: Queue) -> "StandardDelivery":
        following = StandardDelivery(self._world, queue)
        following.waiters.listeners = self.waiters.listeners
        return following

    def close(self) -> None:
        if self._end_watch is not None:
            self._end_watch()
            self._end_watch = None
        self.waiters.wake_all()

    async def release(self) -> None:
        """What is received is in the store; a move task ends its own leases."""

    def reconfigured(self) -> None:
        """Settings are asked for at each receive."""

    async def send(self, submissions: Sequence[Submission], sender: str) -> Sequence[Sent]:
        changes, sent = self.put_changes(submissions, sender)
        await self._world.store.commit(changes)
        return sent

    def put_changes(self, submissions: Sequence[Submission], sender: str) -> tuple[Sequence[Change], Sequence[Sent]]:
        """What a commit has to contain for these messages to be sent with it."""
        now, delay, ids = self._world.clock.now(), self._queue().settings.delay, self._world.ids
        changes, sent = list[Change](), list[Sent]()
        for submission in submissions:
            message_id = ids.uuid()
            message = messages.sent(submission, sender, now)
            ready_at = now + (delay if submission.delay is None else submission.delay)
            changes.append(Put(WorkItem(self._store_queue, message_id, encode_message(message), _NEW, ready_at)))
            sent.append(Sent(message_id))
        return changes, sent

    def adopt(self, message_id: str, message: Message, state: MessageState) -> Change:
        kept = MessageState(receives=state.receives, first_received_at=state.first_received_at)
        now = self._world.clock.now()
        return Put(WorkItem(self._store_queue, message_id, encode_message(message), encode_state(kept), now))

    async def receive(self, limit: int, visibility: int) -> Sequence[Received]:
        while items := self._world.store.lease(self._store_queue, limit):
            received = await self._hand_out(items, visibility)
            if received:
                return received
        return ()

    async def delete(self, receipt: Receipt, handle: str) -> Sequence[Change]:
        """An old handle deletes as long as nobody received the message after it; else it does nothing."""
        state = await self._state(receipt.message_id)
        if state is None or state.receipt != receipt.nonce:
            return ()
        return (Done(self._store_queue, receipt.message_id),)

    def deleted(self, receipt: Receipt) -> None:
        state = self._flights.get(receipt.message_id)
        if state is not None and state.receipt == receipt.nonce:
            del self._flights[receipt.message_id]

    async def change_visibility(self, receipt: Receipt, handle: str, seconds: int) -> None:
        state = await self._state(receipt.message_id)
        if state is None:
            raise refusals.not_available(handle)
        if state.receipt != receipt.nonce:
            return  # somebody received it after this handle's visibility had ended: accepted, as recorded
        now = self._world.clock.now()
        if now + seconds > state.received_at + self._world.limits.visibility_seconds:
            raise beyond_limit(seconds, self._world.limits.visibility_seconds)
        changed = messages.extended(state, now + seconds)
        self._fly(receipt.message_id, changed)
        change = Defer(self._store_queue, receipt.message_id, encode_state(changed), changed.visible_at)
        try:
            await self._world.store.commit((change,))
        except StoreFailure:
            self._fly(receipt.message_id, state)
            raise

    async def counts(self) -> Counts:
        store, now = self._world.store, self._world.clock.now()
        every, ready = await store.count(self._store_queue), await store.count(self._store_queue, now)
        flying = self.in_flight()
        return Counts(visible=ready, in_flight=flying, delayed=max(0, every - ready - flying))

    def in_flight(self) -> int:
        self._land()
        return len(self._flights)

    def take(self, limit: int) -> Sequence[Taken]:
        items = self._world.store.lease(self._store_queue, limit)
        self._leased.update((item.id, item) for item in items)
        return [Taken(item.id, decode_message(item.body), decode_state(item.state)) for item in items]

    def give_back(self, taken: Sequence[Taken]) -> None:
        items = [self._leased.pop(one.message_id) for one in taken]
        if items:
            self._return(items)

    def gone(self, message_ids: Sequence[str]) -> None:
        for message_id in message_ids:
            self._leased.pop(message_id, None)
            self._flights.pop(message_id, None)

    # Inside

    def _queue(self) -> Queue:
        """As it is now; as it last was once it is deleted, for those who are still at it."""
        self._last = self._world.queue(self._name) or self._last
        return self._last

    async def _hand_out(self, items: Sequence[WorkItem], visibility: int) -> Sequence[Received]:
        world, settings, now = self._world, self._queue().settings, self._world.clock.now()
        changes, received = list[Change](), list[Received]()
        before: dict[str, MessageState | None] = {}
        target = world.delivery(settings.redrive.target_arn) if settings.redrive is not None else None
        if settings.redrive is not None and target is None:
            self._warn_of_target(settings.redrive.target_arn)
        for item in items:
            message, state = decode_message(item.body), decode_state(item.state)
            fate = messages.fate(message, state, settings, now)
            if fate is Fate.EXPIRE:
                changes.append(Done(self._store_queue, item.id))
            elif fate is Fate.DEAD_LETTER and target is not None:
                moved = messages.dead_lettered(message, self._arn, False, now)
                changes += (target.adopt(item.id, moved, state), Done(self._store_queue, item.id))
            else:
                receipt = Receipt(item.id, world.ids.hex(32))
                held = messages.received(state, now, visibility, receipt.nonce)
                changes.append(Defer(self._store_queue, item.id, encode_state(held), held.visible_at))
                received.append(Received(item.id, message, held, encode(self._arn, receipt)))
                before[item.id] = self._flights.get(item.id)
                self._fly(item.id, held)
        try:
            await world.store.commit(changes)
        except StoreFailure:
            for message_id in before:
                self._flights.pop(message_id, None)
            self._return(items)
            raise
        return received

    def _return(self, items: Sequence[WorkItem]) -> None:
        """Leases end with a commit only, so try until there is one."""
        changes = [Defer(self._store_queue, item.id, item.state, item.ready_at) for item in items]
        self._world.tasks.spawn(self._world.persist(changes), f"messages back to {self._name}")

    def _fly(self, message_id: str, state: MessageState) -> None:
        self._flights[message_id] = state
        heapq.heappush(self._ends, (state.visible_at, message_id))
        self._land()

    def _land(self) -> None:
        """Forget messages whose visibility has ended; the store knows them."""
        now = self._world.clock.now()
        while self._ends and self._ends[0][0] <= now:
            _, message_id = heapq.heappop(self._ends)
            state = self._flights.get(message_id)
            if state is not None and state.visible_at <= now:
                del self._flights[message_id]
        if len(self._ends) > 64 and len(self._ends) > 2 * len(self._flights):
            self._ends = [(state.visible_at, message_id) for message_id, state in self._flights.items()]
            heapq.heapify(self._ends)

    async def _state(self, message_id: str) -> MessageState | None:
        state = self._flights.get(message_id)
        if state is None:
            item = await self._world.store.find(self._store_queue, message_id)
            state = None if item is None else decode_state(item.state)
            state = self._flights.get(message_id, state)  # somebody received it while the store was asked
        return state

    def _warn_of_target(self, arn: str) -> None:
        if self._warned_of != arn:
            self._warned_of = arn
            _log.warning("queue %s: its dead-letter queue %s does not exist; messages stay", self._name, arn)


def beyond_limit(seconds: int, limit: int) -> Exception:
    """The sum of all extensions is bounded (SQSDeveloperGuide, visibility timeout: 12 hours from the receive on)."""
    return refusals.invalid_value(
        seconds, "VisibilityTimeout", f"Total VisibilityTimeout for the message is beyond the limit [{limit} seconds]"
    )
