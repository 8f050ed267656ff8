"""The store of several nodes: everything is in one stream of NATS JetStream.

Commits that wait together are one message or an atomic batch of them, acknowledged once most servers have it; each
message expects the state that it was folded on, so two nodes never overwrite each other. What a node puts and takes at
once goes into its journal (`journal.py`), which the others read only when they are asked or when the node is dead.
What is still there some seconds later, or is nobody's, is an item with a message of its own, and all nodes follow those
heads. It names the node that holds it; only that node leases it, from memory. Items that nobody living holds are taken
by whoever wants them. `subjects.py` and `records.py` say how it is kept, `membership.py` who lives, `knowledge.py` what
a node knows.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from callpark.kernel.clock import Clock
from callpark.kernel.errors import ProjectError
from callpark.kernel.holds import Hold
from callpark.kernel.ids import Ids
from callpark.kernel.limits import StoreLimits
from callpark.kernel.tasks import Tasks
from callpark.store.nats.arrival import Patience, arrive, prepare
from callpark.store.nats.ballast import Ballast
from callpark.store.nats.barrier import Barrier
from callpark.store.nats.blobs import Blobs
from callpark.store.nats.condition import condition
from callpark.store.nats.connection import Address, Connection, Unanswered, pause, said
from callpark.store.nats.folding import AnyChange, Withdraw
from callpark.store.nats.follower import Follower
from callpark.store.nats.knowledge import Knowledge
from callpark.store.nats.living import Living
from callpark.store.nats.lookups import Lookups
from callpark.store.nats.membership import Membership
from callpark.store.nats.reader import Reader
from callpark.store.nats.records import MemberHead, Message
from callpark.store.nats.recovery import Recovery
from callpark.store.nats.remote_topics import RemoteTopics
from callpark.store.nats.search import Search
from callpark.store.nats.settling import Settling
from callpark.store.nats.taking import Taking
from callpark.store.nats.writer import Commit, Writer
from callpark.store.ports import Change, Position, Row, StoreFailure, WorkItem
from callpark.store.queues import Queues
from callpark.store.window import Bounds

T = TypeVar("T")

WINDOW = Bounds(items=1_000, bytes=8_388_608)

_READ_AGAIN_SECONDS = 0.05


class NatsStore:
    """Implements `store.ports.Store`. To be used from one event loop."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        ids: Ids,
        limits: StoreLimits,
        node: str,
        window: Bounds,
        replicas: int,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._limits = limits
        self._reader = reader = Reader(connection, limits)
        self._queues = Queues(clock, window, lambda queue, since: self._taking.refill(queue, since))
        self._known = Knowledge(
            connection.subjects,
            reader,
            self._queues,
            Membership(node, limits.silence_seconds, limits.beat_seconds),
            ids.hex(12),
            limits.claim_items,
            lambda ready_at: ready_at <= clock.now() + limits.journal_seconds,
            self._look,
            self._row_changed,
        )
        self._barrier = Barrier(connection, node, limits.answer_seconds)
        self._lookups = Lookups(connection, reader, self._known, self._barrier)
        self._taking = Taking(clock, limits, window, self._known, self._queues, self._lookups, self._line_up)
        self._recovery = Recovery(connection, reader, self._known, clock, limits)
        self._settling = Settling(connection, self._known, limits, self._line_up)
        self._ballast = ballast = Ballast(connection)
        self._writer = Writer(
            connection, reader, self._known, ballast, limits, node, lambda: self._known.holder, self._ended
        )
        self._follower = Follower(connection, node, lambda: self._followers, self._begin_again, self._bring)
        self._known.resume = self._follower.break_off
        self._known.strayed = self._withdraw_soon
        self._living = Living(
            connection, reader, self._known, ballast, limits, node, lambda: ids.hex(12), self._queues.rouse
        )
        self._blobs = Blobs(connection, replicas, limits)
        self._topics = RemoteTopics(connection)
        self._tasks = Tasks("store")
        self._followers: dict[str, list[Callable[[str], None]]] = {}
        self._watches: dict[str, int] = {}
        self._straying: set[str] = set()
        self._outstanding = 0
        self._hold: Hold | None = None
        self._idle: asyncio.Future[None] | None = None
        self._synchronised = asyncio.Event()
        self._brought = 0
        self._closed = False

    @classmethod
    async def open(
        cls,
        where: Address,
        clock: Clock,
        ids: Ids,
        limits: StoreLimits,
        *,
        node: str,
        replicas: int | None = None,
        window: Bounds = WINDOW,
    ) -> "NatsStore":
        """Join the store at these servers as `node`; a process that had this name before is put out. `window` bounds
        what one queue keeps in memory.

        Raises ProjectError: no server, one without JetStream, too old, no quorum, no space.
        """
        opened: list[NatsStore] = []

        def found_again() -> None:
            for store in opened:
                store._follower.break_off()

        patience = Patience(where, limits.start_seconds)
        connection = await arrive(where, limits, patience, name=node, found=found_again)
        try:
            has = await prepare(connection, where, patience, replicas)
            store = cls(connection, clock, ids, limits, node, window, has)
            opened.append(store)
            await store._join(patience)
        except BaseException:
            await connection.close()
            raise
        return store

    def commit(self, changes: Sequence[Change]) -> "asyncio.Future[None]":
        return self._line_up(changes)

    def lease(self, queue: str, limit: int) -> Sequence[WorkItem]:
        if limit <= 0 or not self._living.may_lease():
            return ()
        leased = self._queues.lease(queue, limit)
        self._known.leases.update((queue, item.id) for item in leased)
        if leased and queue in self._known.index.free:
            self._taking.look()  # there is room again
        return leased

    def watch(self, queue: str, callback: Callable[[], None]) -> Callable[[], None]:
        end_watch = self._queues.watch(queue, callback)
        self._watches[queue] = self._watches.get(queue, 0) + 1
        self._known.attended.add(queue)
        self._taking.look()
        ended = False

        def end() -> None:
            nonlocal ended
            end_watch()
            if not ended:
                ended = True
                self._watches[queue] -= 1
                if not self._watches[queue]:
                    del self._watches[queue]
                    self._known.attended.discard(queue)
                    if not self._closed:
                        asyncio.get_running_loop().call_soon(self._withdraw, queue)

        return end

    async def count(self, queue: str, ready_by: float | None = None) -> int:
        return await self._read(lambda: self._lookups.count(queue, ready_by))

    async def find(self, queue: str, item_id: str) -> WorkItem | None:
        return await self._read(lambda: self._lookups.item(queue, item_id))

    async def browse(self, queue: str, after: Position, limit: int) -> Sequence[tuple[Position, WorkItem]]:
        return await self._read(lambda: self._lookups.browse(queue, after, limit))

    async def queues(self) -> Sequence[str]:
        return await self._read(self._lookups.queues)

    async def get(self, table: str, key: str) -> Row | None:
        return await self._read(lambda: self._lookups.row(table, key))

    async def scan(self, table: str, prefix: str = "") -> Sequence[Row]:
        return await self._read(lambda: self._lookups.rows(table, prefix))

    async def put_blob(self, data: bytes) -> str:
        with self._clock.hold("store blob"):
            return await self._blobs.put(data)

    async def get_blob(self, digest: str) -> bytes | None:
        with self._clock.hold("store blob"):
            return await self._blobs.get(digest)

    async def delete_blob(self, digest: str) -> None:
        with self._clock.hold("store blob"):
            await self._blobs.delete(digest)

    def follow(self, table: str, callback: Callable[[str], None]) -> Callable[[], None]:
        followers = self._followers.get(table)
        if followers is None:
            followers = self._followers[table] = []
            self._follower.break_off()  # to be begun again with one table more
        followers.append(callback)

        def end() -> None:
            if callback in followers:
                followers.remove(callback)

        return end

    def publish(self, topic: str, message: bytes) -> None:
        self._topics.publish(topic, message)

    def subscribe(self, topic: str, callback: Callable[[bytes], None]) -> Callable[[], None]:
        return self._topics.subscribe(topic, callback)

    async def condition(self) -> Mapping[str, object]:
        """How the servers stand, for people. Raises StoreFailure."""
        return await self._read(lambda: condition(self._connection, self._connection.server))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._taking.close()
        await self._recovery.close()
        self._writer.stop()
        if self._outstanding:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle
        self._queues.close()
        self._living.stop()
        self._follower.stop()
        await self._tasks.aclose()
        await self._living.leave()
        await self._connection.close()

    def _withdraw_soon(self, queue: str) -> None:
        """What was on its way when this node withdrew may have been stored behind that: once more."""
        if queue not in self._straying:
            self._straying.add(queue)
            asyncio.get_running_loop().call_later(self._limits.beat_seconds, self._withdraw, queue)

    def _withdraw(self, queue: str) -> None:
        self._straying.discard(queue)
        if queue not in self._known.attended and not self._closed:
            withdrawn = self._line_up([Withdraw(queue)])
            withdrawn.add_done_callback(lambda done: self._withdraw_again(queue, done))

    def _withdraw_again(self, queue: str, done: "asyncio.Future[None]") -> None:
        if not done.cancelled() and done.exception() is not None and not self._closed:
            asyncio.get_running_loop().call_later(self._limits.beat_seconds, self._withdraw, queue)

    def _line_up(self, changes: Sequence[AnyChange]) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._closed or self._living.replaced:
            why = "closed" if self._closed else "that of another process: the node's name is taken"
            done.set_exception(StoreFailure(f"the store is {why}"))
            return done
        self._outstanding += 1
        if self._hold is None:
            self._hold = self._clock.hold("store commit")
        self._writer.add(Commit(changes, done, time.monotonic() + self._limits.commit_seconds))
        return done

    def _ended(self, commits: int) -> None:
        self._outstanding -= commits
        if not self._outstanding:
            hold, self._hold = self._hold, None
            if hold is not None:
                hold.release()
            if self._idle is not None and not self._idle.done():
                self._idle.set_result(None)

    async def _read(self, read: Callable[[], Awaitable[T]]) -> T:
        until = time.monotonic() + self._limits.commit_seconds
        with self._clock.hold("store read"):
            while True:
                try:
                    return await read()
                except Unanswered as error:
                    if time.monotonic() > until:
                        raise StoreFailure(f"the NATS servers do not answer: {error}") from None
                    await pause(_READ_AGAIN_SECONDS)

    async def _join(self, patience: Patience) -> None:
        """Until this node knows all that there is."""
        try:
            await patience.insist(self._topics.open)
            await patience.insist(self._living.join)
            self._tasks.spawn(self._topics.run(), "topics")
            self._tasks.spawn(self._writer.run(), "writer")
            self._tasks.spawn(self._follower.run(), "follower")
            self._tasks.spawn(self._living.run(), "life")
            self._tasks.spawn(self._settling.run(), "journal")
            self._tasks.spawn(Search(self._connection).run(), "another server")
            await self._synchronise()
            await self._settle()
        except (TimeoutError, StoreFailure) as error:
            await self._tasks.aclose()
            raise ProjectError(
                f"the store cannot be joined: {said(error)}",
                "see whether more than half of the NATS servers run and have space",
            ) from None

    async def _synchronise(self) -> None:
        """Raises TimeoutError when for long nothing comes of what there is."""
        brought = -1
        while not self._synchronised.is_set() and brought != self._brought:
            brought = self._brought
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.start_seconds):
                    await self._synchronised.wait()
        if not self._synchronised.is_set():
            raise TimeoutError

    async def _settle(self) -> None:
        """Until what was in the journals of dead nodes is written down, as far as somebody does it now."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.answer_seconds * 2):
                await self._recovery.settled()

    def _look(self) -> None:
        self._taking.look()
        self._recovery.look()

    def _begin_again(self) -> None:
        if self._known.begin_again():
            for followers in tuple(self._followers.values()):
                for callback in tuple(followers):
                    callback("")

    def _bring(self, message: Message) -> None:
        self._brought += 1
        if self._connection.subjects.is_ballast(message.subject):
            self._ballast.hear(message)
            return
        if self._connection.subjects.is_mark(message.subject):
            self._barrier.hear(message.sequence)
            return
        self._known.bring(message)
        if isinstance(message.head, MemberHead) and message.head.holder == self._known.holder:
            self._living.came_back(message.token, message.sequence)
            if not self._synchronised.is_set():
                self._synchronised.set()

    def _row_changed(self, table: str, key: str) -> None:
        for callback in tuple(self._followers.get(table, ())):
            callback(key)
