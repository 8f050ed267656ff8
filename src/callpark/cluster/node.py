"""A node of the cluster at work: it beats, reads and writes the view, and lets its tenants go and come.

Made by `serving.py`; asked by `forwarding.py` who owns what. What is decided is in `members.py`. A tenant is a part of
the application that acts for things of its own, e.g. the queues: it is told to stop what this node does not hold, then,
when all others have done so, to begin what it holds now.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Final, Protocol

import msgspec

from callpark.cluster import members
from callpark.cluster.members import PROTOCOL, Beat, Key, Member, Standing, View
from callpark.kernel.clock import Clock, sleep
from callpark.kernel.deadline import Deadline
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import ClusterLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.timers import Timer
from callpark.store.ports import RevisionConflict, SetRow, Store, StoreFailure

_log = logging.getLogger("callpark")

TABLE: Final = "cluster"
_VIEW, _SECRET, _START = "view", "secret", "starting"
_BEATS: Final = "cluster-beats"

_encode = msgspec.msgpack.Encoder().encode
_decode_view = msgspec.msgpack.Decoder(View).decode
_decode_beat = msgspec.msgpack.Decoder(Beat).decode


class Tenant(Protocol):
    async def let_go(self) -> None:
        """Return when nothing is done any more for what this node does not hold."""
        ...

    async def take_up(self) -> None:
        """Begin what this node holds; what has begun goes on."""
        ...


class Node:
    """Order of life: `start`, `turn` around what only one node may do at its start, `join`, `leave`, `close`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        limits: ClusterLimits,
        *,
        name: str,
        url: str,
        version: str = "",
        protocol: int = PROTOCOL,
    ) -> None:
        self.limits = limits
        self.clock = clock
        self._store = store
        self._ids = ids
        self._standing = Standing(Member(self._id(name), name, url, version, protocol), ticked_at=clock.now())
        self._revision = 0
        self._secret = ""
        self._tenants: list[Tenant] = []
        self._tasks = Tasks("cluster")
        self._end: Callable[[], None] | None = None
        self._timer: Timer | None = None
        self._looking = False
        self._attended: tuple[str, int, bool, bool] | None = None
        self._attending: asyncio.Task[None] | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._owners: tuple[int, dict[Key, Member | None]] = (0, {})
        self._warned: set[str] = set()

    # Asked

    @property
    def me(self) -> Member:
        return self._standing.me

    @property
    def standing(self) -> Standing:
        return self._standing

    @property
    def view(self) -> View:
        return self._standing.view

    @property
    def secret(self) -> str:
        """What nodes show each other; it is in the store."""
        return self._secret

    def owner(self, key: Key) -> Member | None:
        epoch, owners = self._owners
        if epoch != self.view.epoch or len(owners) > 100_000:
            self._owners = epoch, owners = self.view.epoch, {}
        if key not in owners:
            owners[key] = members.owner(self.view, key)
        return owners[key]

    def holds(self, key: Key) -> bool:
        """Whether this node may act for a thing at this instant."""
        owner = self.owner(key)
        if owner is None or owner.id != self._standing.me.id:
            return False
        return members.holds(self._standing, key, self.clock.now(), self.limits)

    def fenced(self) -> bool:
        return members.fenced(self._standing, self.clock.now(), self.limits)

    def gone(self, id_: str) -> bool:
        """Whether a life of a node is over for sure."""
        return members.gone(self._standing, id_, self.clock.now(), self.limits)

    def member(self, id_: str) -> Member | None:
        """Somebody who can be reached, member or on the way out; None for a stranger."""
        return next((each for each in (*self.view.members, *self.view.leaving) if each.id == id_), None)

    def new_request_id(self) -> str:
        return self._ids.uuid()

    async def changed(self) -> None:
        """Until something about the members has changed, or may have."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)

    def attend(self, tenant: Tenant) -> None:
        """Tell a tenant from now on; before `join`."""
        self._tenants.append(tenant)

    # Life

    async def start(self) -> None:
        """Listen and be heard; not yet a member. Raises StoreFailure, and ProjectError when the cluster speaks what
        this version does not."""
        await self._read_view()
        if members.outdated(self._standing):
            raise ProjectError(
                self._outdated(), "start this node with that version, or give it a namespace of its own in --store"
            )
        self._secret = await self._shared_secret()
        self._end = self._store.subscribe(_BEATS, self._hear)
        self._tick()

    def turn(self) -> "Turn":
        """The right to be the one node that starts now."""
        return Turn(self, self._store)

    async def join(self) -> None:
        """Become a member; returns when this node holds what is its own. Raises ProjectError when that takes longer
        than `cluster.start_seconds`."""
        self._standing = replace(self._standing, phase="up")
        self._tick()
        try:
            async with Deadline(self.clock, self.limits.start_seconds, "joining the cluster"):
                while self._attended is None or self._attended[2] or not self._attended[3]:
                    await self.changed()
        except TimeoutError:
            raise ProjectError(
                f"this node could not join the cluster within {self.limits.start_seconds:g} s",
                "see what `callpark cluster status` and the NATS servers say",
            ) from None

    async def leave(self) -> None:
        """Let go of everything; returns when the others own it, or after the time in which they would be sure of it."""
        if self._standing.phase != "up":
            return
        self._standing = replace(self._standing, phase="leaving")
        self._tick()
        try:
            async with Deadline(self.clock, self.limits.silence_seconds, "leaving the cluster"):
                while self._standing.member or self._standing.released < self._standing.view.epoch:
                    await self.changed()
        except TimeoutError:
            _log.warning("the cluster did not take note that this node leaves; it will find out")

    async def close(self) -> None:
        """The others take up its contacts from now on."""
        if self._end is None:
            return
        self._standing = replace(self._standing, phase="gone")
        self._say()
        if self._timer is not None:
            self._timer.cancel()
        self._end()
        self._end = None
        await self._tasks.aclose()

    # Inside

    def _id(self, name: str) -> str:
        return f"{name}-{self._ids.hex(8)}"

    def _tick(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = self.clock.now()
        self._standing = members.forgot(members.ticked(self._standing, now, self.limits), now, self.limits)
        self._say()
        self._timer = self.clock.timer(now + self.limits.beat_seconds, self._tick, f"node {self.me.name}")
        self._look_soon()
        self._notice()

    def _say(self) -> None:
        self._standing, beat = members.beaten(self._standing, self.clock.now())
        self._store.publish(_BEATS, _encode(beat))

    def _hear(self, message: bytes) -> None:
        before = self._standing
        try:
            beat = _decode_beat(message)
        except msgspec.MsgspecError as error:
            self._say_once(f"a node of another version is not understood, so it is not heard: {error}")
            return
        if beat.member.id == before.me.id:
            return
        self._standing = members.listened(before, beat, self.clock.now())
        known = before.heard.get(beat.member.id)
        said = None if known is None or known.beat is None else _said(known.beat)
        if beat.phase == "gone":
            self._attended = None  # what it had is anybody's now
        if said != _said(beat):
            if said is None:
                self._say()  # a newcomer is heard, and hears, at once
            self._look_soon()
        self._notice()

    def _look_soon(self) -> None:
        if not self._looking and self._end is not None:
            self._looking = True
            self._tasks.spawn(self._look(), "looking around")

    async def _look(self) -> None:
        """Read the view when it may be a new one, write the next when it is this node's turn to."""
        try:
            standing = self._standing
            alone = len(standing.view.members) < 2
            if alone or members.behind(standing) or not standing.member or self.fenced():
                await self._read_view()
            if members.left_out(self._standing):
                self._be_reborn()
            if members.outdated(self._standing):
                self._say_once(f"{self._outdated()}; it does nothing any more")
            following = members.proposal(self._standing, self.clock.now(), self.limits)
            if following is not None:
                await self._write_view(following)
        except StoreFailure as failure:
            _log.warning("node %s cannot reach the store: %s", self.me.name, failure)
        finally:
            self._looking = False
            self._notice()

    async def _read_view(self) -> None:
        began = self.clock.now()
        row = await self._store.get(TABLE, _VIEW)
        if row is not None:
            self._revision = max(self._revision, row.revision)
            self._look_at(_decode_view(row.value), began)

    async def _write_view(self, view: View) -> None:
        began = self.clock.now()
        try:
            await self._store.commit((SetRow(TABLE, _VIEW, _encode(view), revision=self._revision),))
        except RevisionConflict:
            await self._read_view()
            return
        self._revision += 1
        names = ", ".join(member.name for member in view.members)
        _log.info("cluster: epoch %d, members %s", view.epoch, names)
        self._look_at(view, began)

    def _look_at(self, view: View, began: float) -> None:
        before = self._standing.view.epoch
        self._standing = members.looked(self._standing, view, began)
        if self._standing.view.epoch != before:
            self._say()

    def _be_reborn(self) -> None:
        me = self._standing.me
        _log.warning("node %s was left out of the cluster, because it was not heard; it joins again", me.name)
        again = msgspec.structs.replace(me, id=self._id(me.name))
        self._standing = members.reborn(self._standing, again, self.clock.now())
        self._say()

    def _outdated(self) -> str:
        me, view = self.me, self.view
        others = sorted({each.version for each in view.members if each.version and each.protocol >= view.protocol})
        them = f"of version {', '.join(others)}" if others else "written by a newer version"
        return (
            f"node {me.name} (callpark {me.version or 'of this version'}) speaks protocol {me.protocol}, the cluster, "
            f"{them}, protocol {view.protocol}"
        )

    def _say_once(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            _log.warning("%s", warning)

    def _notice(self) -> None:
        """Whoever waits looks again; tenants are told what has changed for them."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        idle = self._attending is None or self._attending.done()
        if idle and self._end is not None and self._situation() != self._attended:
            self._attending = self._tasks.spawn(self._attend(), "handing over")

    def _situation(self) -> tuple[str, int, bool, bool]:
        standing = self._standing
        epoch = standing.view.epoch
        return standing.me.id, epoch, self.fenced(), standing.settled == epoch and bool(standing.since)

    async def _attend(self) -> None:
        try:
            await self._hand_over()
        except StoreFailure as failure:
            _log.warning("node %s cannot take over or hand over now, it goes on trying: %s", self.me.name, failure)

    async def _hand_over(self) -> None:
        while (situation := self._situation()) != self._attended:
            id_, epoch, fenced, _ = situation
            for tenant in self._tenants:
                await tenant.let_go()
            if self._standing.me.id == id_ and self._standing.view.epoch == epoch:
                if self._standing.since and self._standing.released != epoch:
                    self._standing = members.let_go(self._standing, epoch)
                    self._say()
                    self._look_soon()
                    situation = self._situation()
                if not fenced and situation[3] and situation == self._situation():
                    for tenant in self._tenants:
                        await tenant.take_up()
            self._attended = situation
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_result(None)

    async def _shared_secret(self) -> str:
        while True:
            row = await self._store.get(TABLE, _SECRET)
            if row is not None:
                return row.value.decode()
            try:
                await self._store.commit((SetRow(TABLE, _SECRET, self._ids.hex(64).encode(), revision=0),))
            except RevisionConflict:
                continue


def _said(beat: Beat) -> tuple[str, int, int]:
    return beat.phase, beat.epoch, beat.released


class Turn:
    """`async with`: a row of the store names the node whose turn it is. The turn of a node that died ends."""

    def __init__(self, node: Node, store: Store) -> None:
        self._node = node
        self._store = store
        self._revision = 0

    async def __aenter__(self) -> None:
        mine = self._node.me.id.encode()
        seen, seen_at = b"", 0.0
        while True:
            row = await self._store.get(TABLE, _START)
            now, limits = self._node.clock.now(), self._node.limits
            holder, revision = (b"", 0) if row is None else (row.value, row.revision)
            if holder != seen:
                seen, seen_at = holder, now
            late = now - seen_at > limits.silence_seconds
            if not holder or holder == mine or (late and self._node.gone(holder.decode())):
                try:
                    await self._store.commit((SetRow(TABLE, _START, mine, revision=revision),))
                except RevisionConflict:
                    continue
                self._revision = revision + 1
                return
            await sleep(self._node.clock, limits.beat_seconds, "another node starts")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(RevisionConflict):
            await self._store.commit((SetRow(TABLE, _START, b"", revision=self._revision),))
