"""What the house needs from a store, small enough for a distributed engine to serve.

Four things: durable work items (put, lease, defer, done), tables of rows with revisions, blobs by digest, and ephemeral
publish/subscribe. Every change goes through `commit`. Callers are the services of the slices; implementations are
`store.memory`, `store.sqlite` and `store.nats`; each must pass `tests/store/conformance/`.

Promises of every implementation
- When the future of a `commit` resolves, its changes survive the death of the process and of the machine's power.
- The changes of one commit become durable together or, where the engine cannot do that, in the order given; so put what
  must not be lost before removing what it replaces. Ids are chosen by the caller, and putting an id again that is still
  in the queue changes nothing: a repeated commit is harmless.
- An item is leased to at most one owner at a time. A lease ends with `Done`, `Defer` or the death of the owner; one
  whom several seconds of silence made look dead has lost its leases too, and its Done or Defer of what somebody else
  took over meanwhile does nothing.

Several nodes may share one store; each has a `Store` of its own. A single node's store has no others to follow.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec


class WorkItem(msgspec.Struct, frozen=True, array_like=True):
    """A piece of durable work. `body` never changes, `state` is the small part that a Defer rewrites."""

    queue: str
    id: str
    body: bytes
    state: bytes
    ready_at: float


class Put(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="put"):
    """Add an item that may be leased from `item.ready_at` (epoch seconds) on."""

    item: WorkItem


class Defer(msgspec.Struct, frozen=True, array_like=True, tag="defer"):
    """Give a leased item back, to be leased again from `ready_at` on, with new state."""

    queue: str
    id: str
    state: bytes
    ready_at: float


class Done(msgspec.Struct, frozen=True, array_like=True, tag="done"):
    """Remove an item for good. `patient`: nobody waits for it, so it may be written a few milliseconds later together
    with others."""

    queue: str
    id: str
    patient: bool = False


Position: TypeAlias = tuple[float, int]
"""(ready_at, sequence): where an item stands in its queue; items are leased in this order."""

BEFORE_ALL: Position = (float("-inf"), -1)


class Row(msgspec.Struct, frozen=True):
    """A table's row; `revision` grows by one with each write, from 1."""

    key: str
    value: bytes
    revision: int


class SetRow(msgspec.Struct, frozen=True, array_like=True, tag="set"):
    """Write a row. With `revision` given, only if the row has that revision (0: only if there is none)."""

    table: str
    key: str
    value: bytes
    revision: int | None = None


class DeleteRow(msgspec.Struct, frozen=True, array_like=True, tag="delete"):
    """Remove a row; nothing happens when there is none."""

    table: str
    key: str


Change: TypeAlias = Put | Defer | Done | SetRow | DeleteRow
"""What a commit is made of. Changes can be encoded as they are, and a store keeps them on disk in this form: a new
field goes to the end and has a default."""


class RevisionConflict(Exception):
    """A SetRow met another revision than it expected; nothing of its commit was applied."""

    def __init__(self, table: str, key: str) -> None:
        super().__init__(f"{table}/{key} was changed meanwhile")
        self.table = table
        self.key = key


class StoreFailure(Exception):
    """A commit could not be made durable (disk full, input/output error, store closed); nothing of it was applied, its
    leases are still held, and the same commit may be tried again."""


class Store(Protocol):
    def commit(self, changes: Sequence[Change]) -> "asyncio.Future[None]":
        """Apply changes; resolves when they are durable. Starts at once, whether or not it is awaited; a failure that
        nobody awaits is logged. A Defer or Done of an item that is not there does nothing. Raises RevisionConflict and
        StoreFailure."""
        ...

    def lease(self, queue: str, limit: int) -> Sequence[WorkItem]:
        """Take up to `limit` items that are ready now, by readiness, then in the order in which they were put."""
        ...

    def watch(self, queue: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back whenever items of the queue may have become ready, and soon after watching when some are ready
        already; returns what ends the watch. Not called again until `lease` has been called with a limit above zero,
        and soon after that when it left ready items behind."""
        ...

    async def count(self, queue: str, ready_by: float | None = None) -> int:
        """Items in the queue, leased ones too; with `ready_by` only those that are ready at that instant."""
        ...

    async def find(self, queue: str, item_id: str) -> WorkItem | None:
        """An item as it was committed last, leased or not."""
        ...

    async def browse(self, queue: str, after: Position, limit: int) -> Sequence[tuple[Position, WorkItem]]:
        """The next items behind a position as they were committed last, leased or not; nothing is leased by it."""
        ...

    async def queues(self) -> Sequence[str]:
        """Names of the queues that hold items."""
        ...

    async def get(self, table: str, key: str) -> Row | None: ...

    async def scan(self, table: str, prefix: str = "") -> Sequence[Row]:
        """Rows whose key begins with `prefix`, by key."""
        ...

    async def put_blob(self, data: bytes) -> str:
        """Keep bytes durably; returns their SHA-256 in hexadecimal digits. Keeping them twice keeps them once."""
        ...

    async def get_blob(self, digest: str) -> bytes | None: ...

    async def delete_blob(self, digest: str) -> None:
        """Forget bytes; nothing happens when there are none. Whoever keeps blobs knows which are still needed."""
        ...

    def follow(self, table: str, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call back with the key of each row of the table that another node wrote or removed, soon after, and perhaps
        of others; with `""` when some may have been missed and the table is to be read again. Returns what ends it."""
        ...

    def publish(self, topic: str, message: bytes) -> None:
        """Hand a message to whoever subscribes now, on every node; nothing is kept."""
        ...

    def subscribe(self, topic: str, callback: Callable[[bytes], None]) -> Callable[[], None]:
        """Call back with each message of the topic; returns what ends the subscription."""
        ...

    async def close(self) -> None:
        """Make what was committed durable, then release files and threads."""
        ...
