"""What the delivery of one queue shares with all others. Made by the service."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from callpark.kernel.clock import Clock, sleep
from callpark.kernel.ids import Ids
from callpark.kernel.limits import SqsLimits
from callpark.kernel.tasks import Tasks
from callpark.queues.delivery.waiters import Waiters
from callpark.queues.model import Counts, Message, MessageState, Queue, Received, Sent, Submission
from callpark.queues.receipts import Receipt
from callpark.store.ports import Change, Store, StoreFailure

_log = logging.getLogger("callpark")

_RETRY_SECONDS = (1.0, 30.0)


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that a move task has leased."""

    message_id: str
    message: Message
    state: MessageState


class Delivery(Protocol):
    """One generation of one queue: its messages from the send to the delete. See `standard.py` and `fifo.py`."""

    @property
    def waiters(self) -> Waiters: ...

    async def restore(self) -> None:
        """After a start, before `open`: take up what the store holds."""
        ...

    def open(self) -> None: ...

    def successor(self, queue: Queue) -> "Delivery":
        """The delivery of the queue's next generation; it knows the sends that this one has seen."""
        ...

    def close(self) -> None: ...

    async def release(self) -> None:
        """After `close`, before another node goes on: give back what is leased."""
        ...

    def reconfigured(self) -> None:
        """The queue's settings have changed."""
        ...

    async def send(self, submissions: Sequence[Submission], sender: str) -> Sequence[Sent]:
        """In order; returns when they are durable. Raises StoreFailure."""
        ...

    def adopt(self, message_id: str, message: Message, state: MessageState) -> Change:
        """The change that puts a message of another queue here; it can be received once that is durable."""
        ...

    async def receive(self, limit: int, visibility: int) -> Sequence[Received]:
        """Messages that can be received now, durable in the receiver's hands. Does not wait, and does not give way to
        other tasks before it has found that there is none. Raises StoreFailure."""
        ...

    async def delete(self, receipt: Receipt, handle: str) -> Sequence[Change]:
        """The changes that delete a message. Raises CallerError."""
        ...

    def deleted(self, receipt: Receipt) -> None:
        """Those changes are durable."""
        ...

    async def change_visibility(self, receipt: Receipt, handle: str, seconds: int) -> None:
        """Raises CallerError and StoreFailure."""
        ...

    async def counts(self) -> Counts: ...

    def in_flight(self) -> int: ...

    def take(self, limit: int) -> Sequence[Taken]:
        """Lease messages for a move, as a receive would."""
        ...

    def give_back(self, taken: Sequence[Taken]) -> None:
        """Messages that are not moved after all."""
        ...

    def gone(self, message_ids: Sequence[str]) -> None:
        """Messages whose removal is durable."""
        ...


@dataclass(frozen=True, slots=True)
class QueueWorld:
    store: Store
    clock: Clock
    ids: Ids
    limits: SqsLimits
    tasks: Tasks
    queue: Callable[[str], Queue | None]
    """The queue of a name as it is now."""
    delivery: Callable[[str], "Delivery | None"]
    """The delivery of the queue with an ARN."""
    shared: bool = False
    """Whether other nodes may have leased messages of a queue that comes here."""

    async def persist(self, changes: Sequence[Change]) -> None:
        """Commit until the store takes it: for what must not stay half done."""
        delay, longest = _RETRY_SECONDS
        while True:
            try:
                await self.store.commit(changes)
            except StoreFailure as failure:
                _log.warning("messages cannot be stored: %s; trying again in %g s", failure, delay)
                await sleep(self.clock, delay, "messages cannot be stored")
                delay = min(2 * delay, longest)
            else:
                return
