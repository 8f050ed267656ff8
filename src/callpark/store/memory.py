"""A store in memory, for simulations and tests; nothing survives the process.

It keeps the same promises as the durable stores in the same asynchronous way, and with `MemoryFaults` it delays commits
on the clock, lets later ones overtake, and refuses some, all from one seed. `crash()` gives the store that the next
process would find, `another_node()` the store of a node beside this one.
"""

import asyncio
import hashlib
import heapq
import sys
from collections.abc import Callable, Iterable, Sequence

import msgspec

from callpark.kernel.clock import Clock
from callpark.kernel.holds import Hold
from callpark.kernel.ids import SeededIds
from callpark.store.ports import (
    Change,
    Defer,
    DeleteRow,
    Done,
    Position,
    Put,
    RevisionConflict,
    Row,
    SetRow,
    StoreFailure,
    WorkItem,
)
from callpark.store.queues import Queues
from callpark.store.revisions import RowKey, revise
from callpark.store.topics import Topics
from callpark.store.window import Bounds

_UNBOUNDED = Bounds(sys.maxsize, sys.maxsize)


class MemoryFaults(msgspec.Struct, frozen=True):
    """How a store misbehaves, within its promises. Shares are between 0 and 1.

    `delay_seconds`: a commit takes up to this long on the clock. `reorder`: a later commit may be done before an
    earlier one. `conflicts`: the share of commits with an expected revision that are refused as if somebody had been
    faster. `failures`: the share of commits that fail as if the disk were full.
    """

    seed: int = 1
    delay_seconds: float = 0.0
    reorder: bool = False
    conflicts: float = 0.0
    failures: float = 0.0


class _Disk(msgspec.Struct):
    """What is committed, and who shares it."""

    items: dict[str, dict[str, tuple[int, WorkItem]]] = msgspec.field(default_factory=dict)
    rows: dict[RowKey, Row] = msgspec.field(default_factory=dict)
    blobs: dict[str, bytes] = msgspec.field(default_factory=dict)
    sequence: int = 0
    nodes: "list[MemoryStore]" = msgspec.field(default_factory=list)
    leases: "dict[tuple[str, str], MemoryStore]" = msgspec.field(default_factory=dict)
    topics: Topics = msgspec.field(default_factory=Topics)


class _Commit(msgspec.Struct, frozen=True, eq=False):
    changes: Sequence[Change]
    done: "asyncio.Future[None]"


class MemoryStore:
    """Implements `store.ports.Store`."""

    def __init__(self, clock: Clock, faults: MemoryFaults | None = None) -> None:
        self._clock = clock
        self._faults = faults
        self._chance = SeededIds(faults.seed if faults else 0)
        self._disk = _Disk(nodes=[self])
        self._queues = Queues(clock, _UNBOUNDED, _nothing_to_refill)
        self._followers: dict[str, list[Callable[[str], None]]] = {}
        self._waiting: dict[_Commit, None] = {}
        self._hold: Hold | None = None
        self._last_due = 0.0
        self._closed = False

    def another_node(self, faults: MemoryFaults | None = None) -> "MemoryStore":
        """The store of a further node on the same disk: leases, followed rows and topics are shared out with it."""
        node = MemoryStore(self._clock, faults or self._faults)
        disk = node._disk = self._disk
        disk.nodes.append(node)
        for queue, items in disk.items.items():
            free = [placed for item_id, placed in items.items() if (queue, item_id) not in disk.leases]
            node._queues.load(queue, free, None)
        return node

    def crash(self, leases_last: float = 0.0) -> "MemoryStore":
        """The process dies: commits under way are lost, leases end `leases_last` seconds later, and the returned store
        has what was committed."""
        self._closed = True
        self._queues.close()
        self._release()
        for commit in self._waiting:
            commit.done.cancel()
        self._waiting.clear()
        self._leave(leases_last)
        return self.another_node()

    def commit(self, changes: Sequence[Change]) -> "asyncio.Future[None]":
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        if self._closed:
            done.set_exception(StoreFailure("the store is closed"))
            return done
        commit = _Commit(tuple(changes), done)
        if self._faults is not None and self._faults.delay_seconds:
            self._waiting[commit] = None
            self._clock.timer(self._due(self._faults), lambda: self._finish(commit), "store commit")
            return done
        if not self._waiting:
            self._hold = self._clock.hold("store commit")
            loop.call_soon(self._finish_all)
        self._waiting[commit] = None
        return done

    def lease(self, queue: str, limit: int) -> Sequence[WorkItem]:
        leased = self._queues.lease(queue, limit)
        for item in leased:
            self._disk.leases[queue, item.id] = self
            for node in self._disk.nodes:
                if node is not self:
                    node._queues.done(queue, item.id)
        return leased

    def watch(self, queue: str, callback: Callable[[], None]) -> Callable[[], None]:
        return self._queues.watch(queue, callback)

    async def count(self, queue: str, ready_by: float | None = None) -> int:
        items = self._disk.items.get(queue, {})
        return sum(ready_by is None or item.ready_at <= ready_by for _, item in items.values())

    async def find(self, queue: str, item_id: str) -> WorkItem | None:
        found = self._disk.items.get(queue, {}).get(item_id)
        return found[1] if found else None

    async def browse(self, queue: str, after: Position, limit: int) -> Sequence[tuple[Position, WorkItem]]:
        placed = (((item.ready_at, sequence), item) for sequence, item in self._disk.items.get(queue, {}).values())
        return heapq.nsmallest(limit, (found for found in placed if found[0] > after), key=lambda found: found[0])

    async def queues(self) -> Sequence[str]:
        return sorted(queue for queue, items in self._disk.items.items() if items)

    async def get(self, table: str, key: str) -> Row | None:
        return self._disk.rows.get((table, key))

    async def scan(self, table: str, prefix: str = "") -> Sequence[Row]:
        found = [row for row_key, row in self._disk.rows.items() if row_key[0] == table and row.key.startswith(prefix)]
        return sorted(found, key=lambda row: row.key)

    async def delete_blob(self, digest: str) -> None:
        self._disk.blobs.pop(digest, None)

    async def put_blob(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self._disk.blobs[digest] = bytes(data)
        return digest

    async def get_blob(self, digest: str) -> bytes | None:
        return self._disk.blobs.get(digest)

    def follow(self, table: str, callback: Callable[[str], None]) -> Callable[[], None]:
        followers = self._followers.setdefault(table, [])
        followers.append(callback)

        def end() -> None:
            if callback in followers:
                followers.remove(callback)

        return end

    def publish(self, topic: str, message: bytes) -> None:
        self._disk.topics.publish(topic, message)

    def subscribe(self, topic: str, callback: Callable[[bytes], None]) -> Callable[[], None]:
        return self._disk.topics.subscribe(topic, callback)

    async def close(self) -> None:
        self._closed = True
        self._finish_all()
        self._queues.close()
        self._leave(0.0)

    def _leave(self, leases_last: float) -> None:
        """The other nodes go on alone, and get this one's leases."""
        if self not in self._disk.nodes:
            return
        self._disk.nodes.remove(self)
        if leases_last > 0.0:
            self._clock.timer(self._clock.now() + leases_last, self._give_back, "store leases")
        else:
            self._give_back()

    def _give_back(self) -> None:
        disk = self._disk
        for name in [name for name, owner in disk.leases.items() if owner is self]:
            del disk.leases[name]
            sequence, item = disk.items[name[0]][name[1]]
            for node in disk.nodes:
                node._queues.put(item, sequence)
        for node in disk.nodes:
            node._queues.review()

    def _due(self, faults: MemoryFaults) -> float:
        due = self._clock.now() + faults.delay_seconds * self._chance.fraction()
        if not faults.reorder:
            due = max(due, self._last_due)
        self._last_due = due
        return due

    def _finish_all(self) -> None:
        try:
            for commit in tuple(self._waiting):
                self._finish(commit)
        finally:
            self._release()

    def _release(self) -> None:
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.release()

    def _finish(self, commit: _Commit) -> None:
        if commit not in self._waiting:
            return
        del self._waiting[commit]
        try:
            self._refuse_perhaps(commit.changes)
            revised = revise(commit.changes, self._revision)
        except (RevisionConflict, StoreFailure) as refusal:
            if not commit.done.done():
                commit.done.set_exception(refusal)
            return
        for change in commit.changes:
            self._apply(change)
        for table, key in revised:
            self._apply_revision(table, key, revised[table, key])
        for node in self._disk.nodes:
            node._queues.review()
            if node is not self:
                node._tell_followers(revised)
        if not commit.done.done():
            commit.done.set_result(None)

    def _refuse_perhaps(self, changes: Sequence[Change]) -> None:
        if self._faults is None:
            return
        if self._chance.fraction() < self._faults.failures:
            raise StoreFailure("the disk is full (a fault that was asked for)")
        for change in changes:
            if isinstance(change, SetRow) and change.revision is not None:
                if self._chance.fraction() < self._faults.conflicts:
                    raise RevisionConflict(change.table, change.key)
                return

    def _revision(self, row_key: RowKey) -> int:
        row = self._disk.rows.get(row_key)
        return row.revision if row is not None else 0

    def _apply(self, change: Change) -> None:
        disk = self._disk
        match change:
            case Put(item):
                items = disk.items.setdefault(item.queue, {})
                if item.id not in items:
                    disk.sequence += 1
                    items[item.id] = disk.sequence, item
                    for node in disk.nodes:
                        node._queues.put(item, disk.sequence)
            case Defer(queue, item_id, state, ready_at):
                items = disk.items.get(queue, {})
                if item_id in items:
                    sequence, item = items[item_id]
                    item = msgspec.structs.replace(item, state=state, ready_at=ready_at)
                    items[item_id] = sequence, item
                    disk.leases.pop((queue, item_id), None)
                    for node in disk.nodes:
                        node._queues.done(queue, item_id)
                        node._queues.put(item, sequence)
            case Done(queue, item_id):
                if disk.items.get(queue, {}).pop(item_id, None) is not None:
                    disk.leases.pop((queue, item_id), None)
                    for node in disk.nodes:
                        node._queues.done(queue, item_id)
            case SetRow(table, key, value):
                disk.rows[table, key] = Row(key, value, 0)
            case DeleteRow(table, key):
                disk.rows.pop((table, key), None)

    def _apply_revision(self, table: str, key: str, revision: int) -> None:
        if revision:
            self._disk.rows[table, key] = msgspec.structs.replace(self._disk.rows[table, key], revision=revision)

    def _tell_followers(self, written: Iterable[RowKey]) -> None:
        for table, key in written:
            for callback in self._followers.get(table, ()):
                asyncio.get_running_loop().call_soon(callback, key)


def _nothing_to_refill(queue: str, horizon: Position) -> None:
    raise AssertionError(f"the window of {queue} is unbounded, yet wants what lies behind {horizon}")
