"""This node's place among the living: its beats, who has been silent, when it may lease. Made by the store.

The rules are in `membership.py`. Seconds are the machine's, counted while it sleeps as well.
"""

import logging
from collections.abc import Callable

from callpark.kernel.limits import StoreLimits
from callpark.store.nats.ballast import Ballast
from callpark.store.nats.connection import Connection, Full, Unanswered, WrongSequence, elapsed, pause
from callpark.store.nats.knowledge import Knowledge
from callpark.store.nats.membership import Member
from callpark.store.nats.publishing import EXPECTED, TOMBSTONE, TTL
from callpark.store.nats.reader import Reader
from callpark.store.nats.records import HEADER, Head, MemberHead, spelled
from callpark.store.ports import StoreFailure

_log = logging.getLogger("callpark")


class Living:
    def __init__(
        self,
        connection: Connection,
        reader: Reader,
        known: Knowledge,
        ballast: Ballast,
        limits: StoreLimits,
        name: str,
        new_holder: Callable[[], str],
        returned: Callable[[], None],
    ) -> None:
        """`returned` is told when leasing is possible again after a lapse."""
        self._connection = connection
        self._reader = reader
        self._known = known
        self._ballast = ballast
        self._limits = limits
        self._name = name
        self._subject = connection.subjects.member(name)
        self._new_holder = new_holder
        self._returned = returned
        self._sequence = 0
        self._sent_at: dict[str, float] = {}
        self._beats = 0
        self._confirmed_at = float("-inf")
        self._lapsed = self._left = False
        self._silent: list[Member] = []
        self.replaced = False
        """Another process has this node's name."""

    def may_lease(self) -> bool:
        if not self.replaced and elapsed() - self._confirmed_at <= self._limits.lapse_seconds:
            return True
        self._lapsed = True
        return False

    async def join(self) -> None:
        """Take the node's place, from whoever had it. Raises Unanswered and StoreFailure."""
        while True:
            found = await self._reader.latest(self._subject)
            self._sequence = found.sequence if found is not None else 0
            try:
                await self._beat()
                return
            except WrongSequence:
                continue

    async def run(self) -> None:
        """Beat, and put out who is silent, until cancelled."""
        while not self.replaced and not self._left:
            await pause(self._limits.beat_seconds)
            if self._known.outlived:
                self._go_on_as_another()
            try:
                await self._beat()
                while self._silent:
                    await self._put_out(self._silent.pop())
                if self._known.holder == min(self._known.membership.living(), default=""):
                    await self._ballast.restore()
            except WrongSequence:
                await self._look_who_was_faster()
            except (Unanswered, StoreFailure) as error:
                _log.debug("a beat was not stored: %s", error)

    def came_back(self, token: str, sequence: int) -> None:
        """The follower brought an own beat, perhaps before its answer."""
        self._known.end_again(sequence)
        sent_at = self._sent_at.pop(token, None)
        if sent_at is not None:
            self._sent_at = {each: at for each, at in self._sent_at.items() if at > sent_at}
            self._silent = self._known.membership.silent(sent_at)

    def stop(self) -> None:
        """Beat no more."""
        self._left = True

    async def leave(self) -> None:
        """What this node held is anybody's at once; after some silence when the servers do not answer."""
        for _ in range(3):
            try:
                if not self.replaced:
                    await self._write(self._subject, self._known.holder, None, self._sequence)
                return
            except WrongSequence:  # a last beat was cut off, or another process has the name
                await self._look_who_was_faster()
            except (Unanswered, StoreFailure):
                return

    async def _beat(self) -> None:
        sent_at, holder = elapsed(), self._known.holder
        self._beats += 1
        token = f"{holder}.life{self._beats}"
        self._sent_at[token] = sent_at
        self._sequence = await self._write(self._subject, token, MemberHead(holder), self._sequence)
        self._confirmed_at = sent_at
        self._known.confirmed(holder)
        if self._lapsed:
            self._lapsed = False
            self._returned()

    async def _look_who_was_faster(self) -> None:
        try:
            found = await self._reader.latest(self._subject)
        except (Unanswered, StoreFailure):
            return
        head = found.head if found is not None else None
        self._sequence = found.sequence if found is not None else 0
        if isinstance(head, MemberHead):
            if head.holder != self._known.holder:  # else an own beat, whose answer was lost
                self.replaced = True
                _log.warning("another process has joined the store as node %s; this one does nothing more", self._name)
            return
        self._go_on_as_another()

    def _go_on_as_another(self) -> None:
        _log.warning("node %s was silent for too long: others may have taken over its work", self._name)
        self._known.put_out(self._new_holder())

    async def _put_out(self, member: Member) -> None:
        try:
            await self._write(self._connection.subjects.member(member.name), self._known.holder, None, member.sequence)
        except WrongSequence:
            return
        _log.warning("node %s is silent; its work is taken over", member.name)

    async def _write(self, subject: str, token: str, head: Head, expected: int) -> int:
        headers = {
            HEADER: spelled(token, head),
            EXPECTED: str(expected),
            TTL: TOMBSTONE,
        }
        try:
            return (await self._connection.request(subject, b"", headers)).seq
        except Full:
            await self._ballast.give_up()
            return (await self._connection.request(subject, b"", headers)).seq
