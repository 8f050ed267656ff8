"""What this node tells the one that has the floor: all that stands in queues and with agents here, then each change, in
order. When an answer does not come, or another node has the floor, everything is told again.

Used by `floor.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Final

import msgspec

from callpark.cluster.members import Member
from callpark.cluster.node import Node
from callpark.cluster.peers import Unreached, unavailable
from callpark.cluster.placement import FLOOR
from callpark.flows.agents.standing import Followed, Noted, Report, Standing
from callpark.kernel.clock import sleep
from callpark.kernel.deadline import Deadline
from callpark.kernel.errors import CallerError
from callpark.kernel.tasks import Tasks

_PAUSE: Final = 0.1
_MOST: Final = 1_000
"""Reports in one call."""


class Told(msgspec.Struct, frozen=True, array_like=True):
    """`token` names the telling that begins with everything (`whole`); `number` counts what follows."""

    life: str
    token: str
    number: int
    whole: bool
    reports: Sequence[Report]


Tell = Callable[[Member, Told], Coroutine[object, object, bool]]
"""To a node; False when that wants everything again. Raises Unreached and CallerError."""


class Reporting:
    def __init__(self, node: Node, tell: Tell) -> None:
        self._node = node
        self._tell = tell
        self._standings: Callable[[], Awaitable[list[Standing]]] | None = None
        self._tasks = Tasks("what the floor is told")
        self._reports: list[Report] = []
        self._flushing: list[asyncio.Future[None]] = []
        self._work = asyncio.Event()
        self._teller = ""
        self._number = 0
        self._count = 0
        self.token = ""
        """Offers are taken of the node that was told everything under this."""

    def start(self, standings: Callable[[], Awaitable[list[Standing]]]) -> None:
        self._standings = standings
        self._tasks.spawn(self._run(), "telling")

    async def close(self) -> None:
        await self._tasks.aclose()

    def add(self, report: Report) -> None:
        if self._owner() is not None:
            self._reports.append(report)
            self._work.set()

    async def flush(self) -> None:
        """Returns when all that was added is known where the floor is. Raises CallerError."""
        node = self._node
        flushed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flushing.append(flushed)
        self._work.set()
        try:
            async with Deadline(node.clock, node.limits.owner_seconds, "telling the floor"):
                await flushed
        except TimeoutError:
            raise unavailable("the node that routes contacts does not answer", node.limits) from None

    def _owner(self) -> Member | None:
        """The other node to which the floor belongs; None while this one is no member."""
        node = self._node
        found = node.owner(FLOOR)
        return None if found is None or found.id == node.me.id or node.member(node.me.id) is None else found

    async def _run(self) -> None:
        while True:
            owner = self._owner()
            if owner is None:
                self._teller = ""
                self._reports.clear()
                self._answer(self._take_flushing())
            elif self._teller != f"{owner.id} {self._node.me.id}":
                await self._tell_all(owner)
                continue
            elif self._reports or self._flushing:
                await self._tell_news(owner)
                continue
            self._work.clear()
            await self._something()

    async def _tell_all(self, owner: Member) -> None:
        assert self._standings is not None
        flushing = self._take_flushing()
        self._count += 1
        self.token, self._number = f"{self._node.me.id} {self._count}", 0
        standings = await self._standings()
        notes = [report for report in self._reports if isinstance(report, Noted)]
        self._reports.clear()
        everything: list[Report] = [*(Followed(standing) for standing in standings), *notes]
        if await self._said(owner, everything, whole=True):
            self._teller = f"{owner.id} {self._node.me.id}"
            self._answer(flushing)
        else:
            self._flushing += flushing
            await self._something(sleep(self._node.clock, _PAUSE, "the floor"))

    async def _tell_news(self, owner: Member) -> None:
        flushing = self._take_flushing()
        reports, self._reports = self._reports[:_MOST], self._reports[_MOST:]
        if reports and not await self._said(owner, reports, whole=False):
            self._teller = ""
            self._reports[:0] = reports  # of which the notes will be told again
            self._flushing += flushing
        elif self._reports:
            self._flushing += flushing
        else:
            self._answer(flushing)

    async def _said(self, owner: Member, reports: Sequence[Report], *, whole: bool) -> bool:
        """A node that is stopped never answers: whoever has the floor after it is told instead."""
        self._number += 1
        told = Told(self._node.me.id, self.token, self._number, whole, reports)
        telling = asyncio.ensure_future(self._tell(owner, told))
        try:
            while not telling.done():
                changed = asyncio.ensure_future(self._node.changed())
                await asyncio.wait((telling, changed), return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                now = self._owner()
                if now is None or now.id != owner.id:
                    return False
            return telling.result()
        except (Unreached, CallerError):
            return False
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    def _take_flushing(self) -> list["asyncio.Future[None]"]:
        flushing, self._flushing = self._flushing, []
        return flushing

    def _answer(self, flushing: Sequence["asyncio.Future[None]"]) -> None:
        for flushed in flushing:
            if not flushed.done():
                flushed.set_result(None)

    async def _something(self, also: Awaitable[None] | None = None) -> None:
        """Until there is something to tell, or somebody else to tell it (or until `also`)."""
        waits = [asyncio.ensure_future(self._node.changed())]
        waits.append(asyncio.ensure_future(self._work.wait() if also is None else also))  # type: ignore[arg-type]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
