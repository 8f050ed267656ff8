"""This node's part of the account's concurrency: `cluster/sharing.py` at work, on a topic of its own.

A node speaks when what it says has changed, at most once a beat, and now and then in any case, because words get lost.
Asked by the functions slice through `Clustered`; tells it when the part has changed.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from callpark.cluster import sharing
from callpark.cluster.node import Node
from callpark.cluster.placement import CONTROL
from callpark.cluster.sharing import Sharing, Word
from callpark.kernel.deadline import Deadline
from callpark.kernel.timers import Timer
from callpark.store.ports import Store

_log = logging.getLogger("callpark")

_WORDS: Final = "cluster-shares"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Word).decode


class Consumer(Protocol):
    """Who uses what is shared."""

    def needed(self) -> int:
        """What it would use now if it could."""
        ...

    def used(self) -> int:
        """What it uses now."""
        ...

    def shared(self) -> None:
        """Its part has changed."""
        ...


class Shares:
    def __init__(self, node: Node, store: Store) -> None:
        self._node = node
        self._store = store
        self._sharing = Sharing(node.me.id)
        self._total = 0
        self._consumer: Consumer | None = None
        self._granted = asyncio.Event()
        self._said: Word | None = None
        self._said_at = 0.0
        self._timer: Timer | None = None
        self._due = 0.0
        self._end: Callable[[], None] | None = None

    def part(self, total: int) -> int:
        """What of `total` may be used here. When there is less than before, this holds at once."""
        self._total = total
        return min(self._sharing.share, total)

    async def start(self, consumer: Consumer) -> None:
        """Once the node is a member; returns when it has a part, or has waited long enough for one."""
        self._consumer = consumer
        self._end = self._store.subscribe(_WORDS, self._hear)
        self._tick()
        try:
            async with Deadline(self._node.clock, self._node.limits.silence_seconds, "a part of the concurrency"):
                await self._granted.wait()
        except TimeoutError:
            _log.warning("node %s has no part of the account's concurrency yet", self._node.me.name)

    def close(self) -> None:
        if self._end is not None:
            self._end()
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self._timer = None
        self._speak()
        self._again(self._node.limits.beat_seconds)

    def _again(self, seconds: float) -> None:
        """Speak then, or sooner if that was the plan."""
        clock = self._node.clock
        at = clock.now() + seconds
        if self._timer is not None:
            self._timer.cancel()
            at = min(at, self._due)
        self._due, self._timer = at, clock.timer(at, self._tick, "shares")

    def _speak(self) -> None:
        node, consumer = self._node, self._consumer
        assert consumer is not None
        view, now = node.view, node.clock.now()
        current = sharing.viewed(self._sharing, node.me.id, view.epoch)
        if not node.standing.member:
            self._take(current)
            return
        current, word = sharing.spoken(
            current,
            need=consumer.needed(),
            using=consumer.used(),
            total=self._total,
            members=[each.id for each in view.members],
            leaving=[each.id for each in view.leaving],
            grants=node.holds(CONTROL),
        )
        if self._says_more(word) or now - self._said_at >= node.limits.silence_seconds / 2:
            self._said, self._said_at = word, now
            self._store.publish(_WORDS, _encode(word))
        self._take(current)

    def _says_more(self, word: Word) -> bool:
        return self._said is None or msgspec.structs.replace(word, number=self._said.number) != self._said

    def _hear(self, message: bytes) -> None:
        try:
            word = _decode(message)
        except msgspec.MsgspecError:
            return  # of another version
        node = self._node
        if word.id == node.me.id:
            return
        granter = node.owner(CONTROL)
        current = sharing.viewed(self._sharing, node.me.id, node.view.epoch)
        self._take(sharing.heard(current, word, None if granter is None else granter.id))
        if node.holds(CONTROL):
            self._again(node.limits.beat_seconds / 10)

    def _take(self, current: Sharing) -> None:
        before, self._sharing = self._sharing, current
        if current.share:
            self._granted.set()
        if current.share != before.share and self._consumer is not None:
            self._consumer.shared()
