"""Writes down what the journals of dead nodes hold, so that it is anybody's. Made by the store.

The one of the living whom hashing names does it, after a while whoever sees that it is not done. First the journal is
ended by a fence: a node that was taken for dead wrongly cannot write behind it. Then its items become messages, some at
a time; each such batch also counts on in the journal's opening, so of two who do this one is refused, and nothing is
written twice. They stay in the name of the dead, to which a node that was taken for dead still answers: what it has
finished meanwhile is done, unless somebody else has taken it. Last the records are purged.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from itertools import count

from callpark.kernel.clock import Clock
from callpark.kernel.limits import StoreLimits
from callpark.kernel.tasks import Tasks
from callpark.store.nats.claims import chosen
from callpark.store.nats.connection import Connection, Unanswered, WrongSequence, elapsed, pause
from callpark.store.nats.folding import Write
from callpark.store.nats.journal import ItemKey, Journal, Kept, replay
from callpark.store.nats.knowledge import Knowledge
from callpark.store.nats.publishing import publish
from callpark.store.nats.reader import Reader
from callpark.store.nats.records import (
    FenceHead,
    Head,
    ItemHead,
    MemberHead,
    OpeningHead,
)
from callpark.store.ports import StoreFailure

_log = logging.getLogger("callpark")

_AT_ONCE = 200
_AGAIN_SECONDS = 0.1


class Recovery:
    def __init__(
        self, connection: Connection, reader: Reader, known: Knowledge, clock: Clock, limits: StoreLimits
    ) -> None:
        self._connection = connection
        self._subjects = connection.subjects
        self._reader = reader
        self._known = known
        self._clock = clock
        self._limits = limits
        self._tasks = Tasks("store")
        self._seen_at: dict[str, float] = {}
        self._numbers = count(1)
        self._running = False
        self._closed = False
        self._news = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()

    def look(self) -> None:
        """There may be journals of dead nodes, or one less."""
        self._news.set()
        if not self._running and not self._closed and self._known.orphans():
            self._running = True
            self._done.clear()
            self._tasks.spawn(self._run(), "journals of dead nodes")

    async def settled(self) -> None:
        """Until none is left that was seen."""
        await self._done.wait()

    async def close(self) -> None:
        self._closed = True
        await self._tasks.aclose()

    async def _run(self) -> None:
        hold = self._clock.hold("store journals of dead nodes")
        try:
            while (orphans := self._known.orphans()) and not self._closed:
                now = elapsed()
                self._seen_at = {holder: self._seen_at.get(holder, now) for holder in orphans}
                for holder in orphans:
                    mine = chosen(holder, self._known.membership.living()) == self._known.holder
                    if mine or now - self._seen_at[holder] > self._limits.beat_seconds:
                        await self._try(holder)
                await self._wait()
        finally:
            hold.release()
            self._running = False
            self._done.set()

    async def _wait(self) -> None:
        """Until something changes, which the follower brings, or for a moment."""
        self._news.clear()
        if self._known.orphans():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_SECONDS):
                    await self._news.wait()

    async def _try(self, holder: str) -> None:
        try:
            await self._write_down(holder)
        except WrongSequence:
            _log.debug("another node writes the journal %s down", holder)
        except (Unanswered, StoreFailure) as error:
            _log.debug("the journal %s cannot be written down: %s", holder, error)

    async def _write_down(self, holder: str) -> None:
        """Raises WrongSequence, Unanswered and StoreFailure."""
        opening = await self._reader.latest(self._subjects.opening(holder))
        if opening is None or not isinstance(opening.head, OpeningHead):
            self._known.journal_closed(holder, opening.sequence if opening is not None else None)
            return
        member = await self._reader.latest(self._subjects.member(opening.head.node))
        if member is not None and isinstance(member.head, MemberHead) and member.head.holder == holder:
            return  # it lives; this node is a moment behind
        fenced = await self._fence(holder)
        journal = await self._read(holder, fenced) if fenced else Journal(holder)
        items, at = list(journal), opening.sequence
        for start in range(opening.head.written, len(items), _AT_ONCE):
            some = items[start : start + _AT_ONCE]
            head = OpeningHead(start + len(some), opening.head.node)
            at = await self._write(some, Write(self._subjects.opening(holder), head, b"", at))
        await self._connection.ask("STREAM.PURGE", {"filter": self._subjects.journal(holder)})
        await self._publish([Write(self._subjects.opening(holder), None, b"", at)])
        if items:
            _log.info("%d items of a node that is gone are anybody's", len(items))

    async def _fence(self, holder: str) -> int:
        """The sequence of the journal's fence; 0 when it has been purged."""
        while True:
            last = await self._reader.latest(self._subjects.journal(holder))
            if last is None:
                return 0
            if isinstance(last.head, FenceHead):
                return last.sequence
            try:
                among = self._subjects.journal(holder)
                await self._publish([Write(self._subjects.fence(holder), FenceHead(), b"", last.sequence, among)])
            except WrongSequence:
                continue  # its last record came in between, or somebody else's fence

    async def _read(self, holder: str, fenced: int) -> Journal:
        """The whole journal: a server that gives its fence has given all before it."""
        while True:
            found = await self._reader.all(self._subjects.journal(holder))
            if any(message.sequence == fenced for message in found):
                break
            if await self._reader.latest(self._subjects.journal(holder)) is None:
                raise WrongSequence("the journal has been purged")
            await pause(_AGAIN_SECONDS)
        return replay(holder, found)

    async def _write(self, items: Sequence[tuple[ItemKey, Kept]], opening: Write) -> int:
        """The sequence of the opening's new message."""
        holder = self._subjects.opening_of(opening.subject)
        writes = [self._item(name, kept, holder, 0) for name, kept in items]
        try:
            return await self._publish([*writes, opening])
        except WrongSequence:
            now = await self._reader.latest(opening.subject)
            if now is None or now.sequence != opening.expected:
                raise
        writes = []
        for name, kept in items:
            before = await self._reader.latest(self._subjects.item(*name))
            if before is None or before.head is None:
                writes.append(self._item(name, kept, holder, before.sequence if before is not None else 0))
        return await self._publish([*writes, opening])

    def _item(self, name: ItemKey, kept: Kept, holder: str, expected: int) -> Write:
        item = kept.item
        head: Head = ItemHead(item.ready_at, kept.sequence, holder, len(item.state))
        return Write(self._subjects.item(*name), head, item.state + item.body, expected)

    async def _publish(self, writes: Sequence[Write]) -> int:
        """The sequence of the last message. Its token is nobody's who holds items, so that all nodes heed it."""
        token = f"recovery-{self._known.holder}.{next(self._numbers)}"
        return await publish(self._connection, writes, token, token)
