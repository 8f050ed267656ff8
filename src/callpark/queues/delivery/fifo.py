"""A FIFO queue: its front is held in memory by group, the rest waits in the store, in order.

A message's place in the store is given to it by `fifo_sending.py` and never changes; a receive rewrites its state
only. What is held is leased from the store; a Defer gives it back, so it is leased again and recognised. Order,
visibility and delay are decided by `queues/fifo.py`.
"""

import contextlib
from collections.abc import Callable, Sequence

from callpark.kernel.clock import sleep
from callpark.kernel.timers import Timer
from callpark.queues import messages, refusals
from callpark.queues.delivery.fifo_sending import FifoSending
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
    encode_state,
)
from callpark.queues.receipts import Receipt, encode
from callpark.store.ports import BEFORE_ALL, Change, Defer, Done, StoreFailure, WorkItem

_PAGE = 1_000


class FifoDelivery:
    """Implements `world.Delivery`."""

    def __init__(self, world: QueueWorld, queue: Queue) -> None:
        self._world = world
        self._name = queue.name
        self._arn = queue.arn
        self._last = queue
        self._store_queue = queue.store_queue
        self._window = FifoWindow()
        self._window.delay = queue.settings.delay
        self._sending = FifoSending(world, queue)
        self._end_watch: Callable[[], None] | None = None
        self._expected: set[str] = set()
        self._timer: Timer | None = None
        self.waiters = Waiters(world.clock)

    async def restore(self) -> None:
        await self._sending.restore()
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
        following._sending = self._sending.successor(queue)
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

    async def send(self, submissions: Sequence[Submission], sender: str) -> Sequence[Sent]:
        """Duplicates get the answer of their original, once that is durable."""
        return await self._sending.send(self._queue(), submissions, sender)

    def adopt(self, message_id: str, message: Message, state: MessageState) -> Change:
        kept = MessageState(receives=state.receives, first_received_at=state.first_received_at)
        return self._sending.put(message_id, message, kept)

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
        self._sending.follow(held.message, item.ready_at)
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
