"""How messages come into a FIFO queue: each once within the deduplication interval, each with the next sequence number.

Used by `fifo.py`. A message's place in the store is the instant of its send, never before that of the last one. What
was sent is remembered in rows beside the messages, in the same commit.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec

from callpark.queues import deduplication, messages
from callpark.queues.delivery.world import QueueWorld
from callpark.queues.model import Message, MessageState, Queue, Sent, Submission, encode_message, encode_state
from callpark.queues.submissions import deduplication_id
from callpark.store.ports import Change, DeleteRow, Put, SetRow, StoreFailure, WorkItem

DEDUPLICATION_TABLE = "sqs-deduplication"
_NEW = encode_state(MessageState())
_FORGOTTEN_PER_SEND = 20
_FIRST_SEQUENCE, _SEQUENCE_STEP = 10_000_000_000_000_000_000, 256


def deduplication_prefix(queue: Queue) -> str:
    """What the keys of its rows begin with; a purge forgets nothing, a deleted queue's rows are swept."""
    return f"{queue.name}/{queue.incarnation}/"


class FifoSending:
    """One generation of one queue."""

    def __init__(self, world: QueueWorld, queue: Queue) -> None:
        self._world = world
        self._store_queue = queue.store_queue
        self._prefix = deduplication_prefix(queue)
        self._seen = deduplication.Memory(world.limits.deduplication_seconds)
        self._under_way: dict[str, asyncio.Future[None]] = {}
        self._sequence = 0
        self._position = 0.0

    async def restore(self) -> None:
        """Remember what the store says was sent."""
        rows = [
            (row.key, deduplication.decode(row.value))
            for row in await self._world.store.scan(DEDUPLICATION_TABLE, self._prefix)
        ]
        for key, seen in sorted(rows, key=lambda pair: pair[1].at):
            self._seen.keep(key.removeprefix(self._prefix), seen)
            self._sequence = max(self._sequence, seen.sequence)

    def follow(self, message: Message, position: float) -> None:
        """A message that lies in the store: the next one comes behind it."""
        self._sequence = max(self._sequence, message.sequence or 0)
        self._position = max(self._position, position)

    def successor(self, queue: Queue) -> "FifoSending":
        """The next generation's: it knows the sends that this one has seen."""
        following = FifoSending(self._world, queue)
        following._seen, following._under_way = self._seen, self._under_way
        following._sequence, following._position = self._sequence, self._position
        return following

    async def send(self, queue: Queue, submissions: Sequence[Submission], sender: str) -> Sequence[Sent]:
        """In order; returns when they are durable. `queue` as it is now. Raises StoreFailure."""
        changes, answers, keys = list[Change](), list[Sent](), list[tuple[str, deduplication.Seen]]()
        waited = list[asyncio.Future[None]]()
        now, scope = self._world.clock.now(), queue.settings.deduplication_scope
        for submission in submissions:
            key = deduplication.key(scope, submission.group or "", deduplication_id(submission))
            seen = self._seen.find(key, now)
            if seen is None:
                seen = self._put_new(submission, key, sender, now, changes)
                keys.append((key, seen))
            elif key in self._under_way:
                waited.append(self._under_way[key])
            answers.append(Sent(seen.message_id, seen.sequence))
        if keys:
            await self._commit(changes, keys)
        for original in waited:
            try:
                await asyncio.shield(original)
            except StoreFailure as failure:
                raise StoreFailure("the message that this one repeats could not be stored") from failure
        return answers

    def put(self, message_id: str, message: Message, state: MessageState) -> Change:
        """The change that puts a message of another queue behind all that are here."""
        now = self._world.clock.now()
        numbered = msgspec.structs.replace(message, sequence=self._next_sequence(now))
        return self._put(message_id, numbered, encode_state(state), now)

    def _put_new(
        self, submission: Submission, key: str, sender: str, now: float, changes: list[Change]
    ) -> deduplication.Seen:
        seen = deduplication.Seen(now, self._world.ids.uuid(), self._next_sequence(now))
        message = messages.sent(
            submission, sender, now, deduplication=deduplication_id(submission), sequence=seen.sequence
        )
        changes += (
            self._put(seen.message_id, message, _NEW, now),
            SetRow(DEDUPLICATION_TABLE, self._prefix + key, deduplication.encode(seen)),
        )
        self._seen.keep(key, seen)
        return seen

    def _put(self, message_id: str, message: Message, state: bytes, now: float) -> Put:
        return Put(WorkItem(self._store_queue, message_id, encode_message(message), state, self._next_position(now)))

    async def _commit(self, changes: list[Change], keys: Sequence[tuple[str, deduplication.Seen]]) -> None:
        old = self._seen.expire(self._world.clock.now(), _FORGOTTEN_PER_SEND)
        changes += [DeleteRow(DEDUPLICATION_TABLE, self._prefix + key) for key in old]
        committed = asyncio.ensure_future(self._world.store.commit(changes))
        self._under_way.update((key, committed) for key, _ in keys)
        committed.add_done_callback(partial(self._committed, keys))
        await asyncio.shield(committed)

    def _committed(self, keys: Sequence[tuple[str, deduplication.Seen]], done: "asyncio.Future[None]") -> None:
        """Whoever sent it may be gone by now, and may send it again before: that one waits for this too."""
        failed = done.cancelled() or done.exception() is not None
        for key, seen in keys:
            self._under_way.pop(key, None)
            if failed:
                self._seen.forget(key, seen)

    def _next_sequence(self, now: float) -> int:
        by_time = _FIRST_SEQUENCE + int(now * 1_000_000) * _SEQUENCE_STEP
        self._sequence = max(self._sequence + _SEQUENCE_STEP, by_time)
        return self._sequence

    def _next_position(self, now: float) -> float:
        """The store orders equal positions as they were put. After a clock was set back they stay where it was."""
        self._position = max(self._position, now)
        return self._position
