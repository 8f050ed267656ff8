"""A FIFO queue: its front is held in memory by group, the rest waits in the store, in order.

A message's place in the store is the instant of its send, never before that of the last one, and never changes; a
receive rewrites its state only. What is held is leased from the store; a Defer gives it back, so it is leased again and
recognised. Order, visibility and delay are decided by `queues/fifo.py`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from callpark.kernel.clock import sleep
from callpark.kernel.timers import Timer
from callpark.queues import deduplication, messages, refusals
from callpark.queues.delivery.standard import beyond_limit
from callpark.queues.delivery.waiters import Waiters
from callpark.queues.delivery.world import QueueWorld, Taken
from callpark.queues.fifo import FifoWindow, Held
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
from callpark.queues.submissions import deduplication_id
from callpark.store.ports import BEFORE_ALL, Change, Defer, DeleteRow, Done, Put, SetRow, StoreFailure, WorkItem

DEDUPLICATION_TABLE = "sqs-deduplication"
_NEW = encode_state(MessageState())
_PAGE = 1_000
_FORGOTTEN_PER_SEND = 20
_FIRST_SEQUENCE, _SEQUENCE_STEP = 10_000_000_000_000_000_000, 256


def deduplication_prefix(queue: Queue) -> str:
    """What the keys of its rows begin with; a purge forgets nothing, a deleted queue's rows are swept."""
    return f"{queue.name}/{queue.incarnation}/"


class FifoDelivery:
    """Implements `world.Delivery`."""

    def __init__(self, world: QueueWorld, queue: Queue) -> None:
        self._world = world
        self._name = queue.name
        self._arn = queue.arn
        self._last = queue
        self._store_queue = queue.store_queue
        self._prefix = deduplication_prefix(queue)
        self._window = FifoWindow()
        self._window.delay = queue.settings.delay
        self._seen = deduplication.Memory(world.limits.deduplication_seconds)
        self._sending: dict[str, asyncio.Future[None]] = {}
        self._sequence = 0
        self._position = 0.0
        self._end_watch: Callable[[], None] | None = None
        self._expected: set[str] = set()
        self._timer: Timer | None = None
        self.waiters = Waiters(world.clock)

    async def restore(self) -> None:
        rows = [
            (row.key, deduplication.decode(row.value))
            for row in await self._world.store.scan(DEDUPLICATION_TABLE, self._prefix)
        ]
        for key, seen in sorted(rows, key=lambda pair: pair[1].at):
            self._seen.keep(key.removeprefix(self._prefix), seen)
            self._sequence = max(self._sequence, seen.sequence)
        if self._world.shared:
            await self._expect_what_is_leased()

    async def _expect_what_is_leased(self) -> None:
        """Another node may be dead, and its leases not yet over: what it has leased is in the window all the same, as
        taken, so that nothing overtakes it."""
        after, most = BEFORE_ALL, self._world.limits.fifo_window_messages
        while len(self._window) < most and (
            page := await self._world.store.browse(self._store_queue, after, min(_PAGE, most))
        ):
            for _, item in page:
                if self._window.get(item.id) is None:
                    self._hold(item)
                    self._expected.add(item.id)
                    held = self._window.get(item.id)
                    assert held is not None
                    held.taken = True
                    self._window.changed(held)
            after = page[-1][0]

    def open(self) -> None:
        if self._end_watch is None:
            self._end_watch = self._world.store.watch(self._store_queue, self._filled)
            self._filled()
            if self._expected:
                self._world.tasks.spawn(self._look_for_expected(), f"messages that {self._name} expects")

    def successor(self, queue: Queue) -> "FifoDelivery":
        following = FifoDelivery(self._world, queue)
        following._seen, following._sending = self._seen, self._sending
        following._sequence, following._position = self._sequence, self._position
        following.waiters.listeners = self.waiters.listeners
        return following

    def close(self) -> None:
        if self._end_watch is not None:
            self._end_watch()
            self._end_watch = None
        self._disarm()
        self.waiters.wake_all()

    async def release(self) -> None:
        held = [one for one in self._window if one.item.id not in self._expected]
        changes = [Defer(self._store_queue, one.item.id, encode_state(one.state), one.item.ready_at) for one in held]
        if changes:
            await self._world.persist(changes)

    def reconfigured(self) -> None:
        self._window.set_delay(self._queue().settings.delay)
        self._review()

    # Sending

    async def send(self, submissions: Sequence[Submission], sender: str) -> Sequence[Sent]:
        """Duplicates get the answer of their original, once that is durable."""
        changes, answers, keys = list[Change](), list[Sent](), list[tuple[str, deduplication.Seen]]()
        waited = list[asyncio.Future[None]]()
        now = self._world.clock.now()
        for submission in submissions:
            key = self._key(submission)
            seen = self._seen.find(key, now)
            if seen is None:
                seen = self._put(submission, key, sender, now, changes)
                keys.append((key, seen))
            elif key in self._sending:
                waited.append(self._sending[key])
            answers.append(Sent(seen.message_id, seen.sequence))
        if keys:
            await self._commit_send(changes, keys)
        for original in waited:
            try:
                await asyncio.shield(original)
            except StoreFailure as failure:
                raise StoreFailure("the message that this one repeats could not be stored") from failure
        return answers

    def _key(self, submission: Submission) -> str:
        scope = self._queue().settings.deduplication_scope
        return deduplication.key(scope, submission.group or "", deduplication_id(submission))

    def _put(
        self, submission: Submission, key: str, sender: str, now: float, changes: list[Change]
    ) -> deduplication.Seen:
        seen = deduplication.Seen(now, self._world.ids.uuid(), self._next_sequence(now))
        message = Message(
            body=submission.body,
            sent_at=now,
            sender=sender,
            attributes=dict(submission.attributes),
            trace_header=submission.trace_header,
            group=submission.group,
            deduplication=deduplication_id(submission),
            sequence=seen.sequence,
        )
        item = WorkItem(self._store_queue, seen.message_id, encode_message(message), _NEW, self._next_position(now))
        changes += (Put(item), SetRow(DEDUPLICATION_TABLE, self._prefix + key, deduplication.encode(seen)))
        self._seen.keep(key, seen)
        return seen

    async def _commit_send(self, changes: list[Change], keys: Sequence[tuple[str, deduplication.Seen]]) -> None:
        now = self._world.clock.now()
        old = self._seen.expire(now, _FORGOTTEN_PER_SEND)
        changes += [DeleteRow(DEDUPLICATION_TABLE, self._prefix + key) for key in old]
        committed = asyncio.ensure_future(self._world.store.commit(changes))
        self._sending.update((key, committed) for key, _ in keys)
        try:
            await asyncio.shield(committed)
        except StoreFailure:
            for key, seen in keys:
                self._seen.forget(key, seen)
            raise
        finally:
            for key, _ in keys:
                self._sending.pop(key, None)

    def _next_sequence(self, now: float) -> int:
        by_time = _FIRST_SEQUENCE + int(now * 1_000_000) * _SEQUENCE_STEP
        self._sequence = max(self._sequence + _SEQUENCE_STEP, by_time)
        return self._sequence

    def _next_position(self, now: float) -> float:
        """The store orders equal positions as they were put. After a clock was set back they stay where it was."""
        self._position = max(self._position, now)
        return self._position

    def adopt(self, message_id: str, message: Message, state: MessageState) -> Change:
        now = self._world.clock.now()
        kept = MessageState(receives=state.receives, first_received_at=state.first_received_at)
        numbered = Message(
            body=message.body,
            sent_at=message.sent_at,
            sender=message.sender,
            attributes=message.attributes,
            trace_header=message.trace_header,
            group=message.group,
            deduplication=message.deduplication,
            sequence=self._next_sequence(now),
            source_arn=message.source_arn,
        )
        body, position = encode_message(numbered), self._next_position(now)
        return Put(WorkItem(self._store_queue, message_id, body, encode_state(kept), position))

    # Receiving

    async def receive(self, limit: int, visibility: int) -> Sequence[Received]:
        while chosen := self._choose(limit, self._world.clock.now()):
            received = await self._hand_out(chosen, visibility)
            if received:
                return received
        return ()

    def _choose(self, limit: int, now: float) -> list[Held]:
        """The next messages, group by group, each marked as taken."""
        chosen = list[Held]()
        while len(chosen) < limit and (held := self._window.front(now)) is not None:
            group = list[Held]()
            following: Held | None = held
            while following is not None and len(chosen) + len(group) < limit:
                group.append(following)
                following = self._window.behind(following, now)
            for held in group:
                held.taken = True
            chosen += group
        return chosen

    async def _hand_out(self, chosen: Sequence[Held], visibility: int) -> Sequence[Received]:
        world, settings, now = self._world, self._queue().settings, self._world.clock.now()
        changes, received, removed = list[Change](), list[Received](), list[Held]()
        states = list[tuple[Held, MessageState]]()
        target = world.delivery(settings.redrive.target_arn) if settings.redrive is not None else None
        for held in chosen:
            item, fate = held.item, messages.fate(held.message, held.state, settings, now)
            if fate is Fate.EXPIRE:
                changes.append(Done(self._store_queue, item.id))
                removed.append(held)
            elif fate is Fate.DEAD_LETTER and target is not None:
                moved = messages.dead_lettered(held.message, self._arn, True, now)
                changes += (target.adopt(item.id, moved, held.state), Done(self._store_queue, item.id))
                removed.append(held)
            else:
                receipt = Receipt(item.id, world.ids.hex(32))
                state = messages.received(held.state, now, visibility, receipt.nonce)
                changes.append(Defer(self._store_queue, item.id, encode_state(state), item.ready_at))
                received.append(Received(item.id, held.message, state, encode(self._arn, receipt)))
                states.append((held, state))
        try:
            await world.store.commit(changes)
        finally:
            for held in chosen:
                held.taken = False
                self._window.changed(held)
        for held, state in states:
            held.state = state
            self._window.changed(held)
        for held in removed:
            self._window.remove(held.item.id)
        self._fill()
        self._review()
        return received

    async def delete(self, receipt: Receipt, handle: str) -> Sequence[Change]:
        """An old handle is refused, as recorded; a message that is gone is not."""
        state = await self._state(receipt.message_id)
        if state is None:
            return ()
        if state.receipt != receipt.nonce or state.visible_at <= self._world.clock.now():
            raise refusals.expired_handle(handle)
        return (Done(self._store_queue, receipt.message_id),)

    def deleted(self, receipt: Receipt) -> None:
        self._window.remove(receipt.message_id)
        self._fill()
        self._review()

    async def change_visibility(self, receipt: Receipt, handle: str, seconds: int) -> None:
        held, now = self._window.get(receipt.message_id), self._world.clock.now()
        if held is None or held.state.receipt != receipt.nonce or held.state.visible_at <= now:
            raise refusals.not_available(handle)
        if now + seconds > held.state.received_at + self._world.limits.visibility_seconds:
            raise beyond_limit(seconds, self._world.limits.visibility_seconds)
        before, held.state = held.state, messages.extended(held.state, now + seconds)
        item = held.item
        try:
            await self._world.store.commit(
                (Defer(self._store_queue, item.id, encode_state(held.state), item.ready_at),)
            )
        except StoreFailure:
            held.state = before
            raise
        finally:
            self._window.changed(held)
            self._review()

    # Counting and moving

    async def counts(self) -> Counts:
        now = self._world.clock.now()
        every = await self._world.store.count(self._store_queue)
        flying, delayed = self._window.in_flight(now), self._window.delayed(now)
        return Counts(visible=max(0, every - flying - delayed), in_flight=flying, delayed=delayed)

    def in_flight(self) -> int:
        return self._window.in_flight(self._world.clock.now())

    def take(self, limit: int) -> Sequence[Taken]:
        chosen = self._choose(limit, self._world.clock.now())
        return [Taken(held.item.id, held.message, held.state) for held in chosen]

    def give_back(self, taken: Sequence[Taken]) -> None:
        for one in taken:
            held = self._window.get(one.message_id)
            if held is not None:
                held.taken = False
                self._window.changed(held)
        self._review()

    def gone(self, message_ids: Sequence[str]) -> None:
        for message_id in message_ids:
            self._window.remove(message_id)
        self._fill()
        self._review()

    # Inside

    def _queue(self) -> Queue:
        self._last = self._world.queue(self._name) or self._last
        return self._last

    def _filled(self) -> None:
        self._fill()
        self._review()

    def _fill(self) -> None:
        """Lease what the window has room for; what it holds already comes by again after each Defer."""
        window, limits = self._window, self._world.limits
        while self._end_watch is not None and (window.bytes < limits.fifo_window_bytes or self._expected):
            room = limits.fifo_window_messages - len(window) + len(self._expected)
            asked = min(room, _PAGE)
            items = self._world.store.lease(self._store_queue, asked)
            for item in items:
                if item.id in self._expected:
                    self._come(item)
                elif window.get(item.id) is None:
                    self._hold(item)
            if len(items) < asked or not asked:
                return

    def _come(self, item: WorkItem) -> None:
        """What another node had leased is here."""
        self._expected.discard(item.id)
        held = self._window.get(item.id)
        if held is not None:
            held.taken, held.state = False, decode_state(item.state)
            self._window.changed(held)

    async def _look_for_expected(self) -> None:
        """What was removed meanwhile does not come."""
        while self._expected and self._end_watch is not None:
            await sleep(self._world.clock, 1.0, f"messages that {self._name} expects")
            with contextlib.suppress(StoreFailure):  # it is asked again
                for message_id in tuple(self._expected):
                    if await self._world.store.find(self._store_queue, message_id) is None:
                        self._expected.discard(message_id)
                        self._window.remove(message_id)
            self._review()

    def _hold(self, item: WorkItem) -> None:
        held = Held(item, decode_message(item.body), decode_state(item.state))
        self._sequence = max(self._sequence, held.message.sequence or 0)
        self._position = max(self._position, item.ready_at)
        self._window.add(held)

    def _review(self) -> None:
        """Wake a receiver when a group is open, else be there when one opens."""
        self._disarm()
        now = self._world.clock.now()
        at = self._window.next_at(now)
        if at is None or self._end_watch is None:
            return
        if at <= now:
            self.waiters.wake()
        else:
            self._timer = self._world.clock.timer(at, self._due, f"queue {self._name}")

    def _due(self) -> None:
        self._timer = None
        self._review()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _state(self, message_id: str) -> MessageState | None:
        held = self._window.get(message_id)
        if held is not None:
            return held.state
        item = await self._world.store.find(self._store_queue, message_id)
        return None if item is None else decode_state(item.state)
