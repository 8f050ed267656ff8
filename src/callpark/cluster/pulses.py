"""Whether another node can be reached at all: asked while something is asked of it, so that nobody waits for an answer
that a cut network does not carry. Made and used by `peers.py`.

Nodes can hear each other through the store and still not reach each other. Who has not answered for `seconds` is lost:
what was asked of it ends, and nothing more is asked before it answers again. Seconds are the machine's.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from callpark.cluster.members import Member
from callpark.kernel.tasks import Tasks

#: Of the seconds in which a node has to answer, this part lies between two questions.
_BETWEEN = 0.25


@dataclass(slots=True, eq=False)
class _Pulse:
    lost: bool = False
    waiting: set["asyncio.Future[None]"] = field(default_factory=set)


class Pulses:
    """`probe` asks a node for a sign of life, and says whether one came within so many seconds."""

    def __init__(self, probe: Callable[[Member, float], Awaitable[bool]], seconds: float) -> None:
        self._probe = probe
        self._seconds = seconds
        self._pulses: dict[str, _Pulse] = {}
        self._tasks = Tasks("pulses of other nodes")

    def lost(self, peer: Member) -> bool:
        pulse = self._pulses.get(peer.id)
        return pulse is not None and pulse.lost

    async def until_lost(self, peer: Member) -> None:
        """Return when the node is lost."""
        pulse = self._pulses.get(peer.id)
        if pulse is None:
            pulse = self._pulses[peer.id] = _Pulse()
            self._tasks.spawn(self._feel(peer, pulse), peer.name)
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        pulse.waiting.add(waiting)
        try:
            await waiting
        finally:
            pulse.waiting.discard(waiting)

    async def aclose(self) -> None:
        await self._tasks.aclose()

    async def _feel(self, peer: Member, pulse: _Pulse) -> None:
        """As long as somebody waits for this node; then until it answers, or is given up for good."""
        loop = asyncio.get_running_loop()
        answered_at = lost_at = loop.time()
        try:
            while pulse.waiting or pulse.lost:
                await asyncio.wait((loop.create_future(),), timeout=self._seconds * _BETWEEN)  # just so long
                if not (pulse.waiting or pulse.lost):
                    return
                if await self._probe(peer, self._seconds):
                    answered_at, pulse.lost = loop.time(), False
                elif pulse.lost:
                    if loop.time() - lost_at > 100 * self._seconds:
                        return
                elif loop.time() - answered_at >= self._seconds:
                    lost_at, pulse.lost = loop.time(), True
                    for waiting in pulse.waiting:
                        if not waiting.done():
                            waiting.set_result(None)
        finally:
            self._pulses.pop(peer.id, None)
