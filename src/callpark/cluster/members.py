"""Who belongs to the cluster, and who owns what: pure.

Nodes tell each other that they live (`Beat`, on a topic) and agree on the members in a row of the store (`View`, by
compare-and-set; each change is a new epoch). A thing's owner is a function of the view: the member with the highest
hash for its key. So that at most one node acts for a thing at any instant

- a node that gains a thing waits until every member has said that it has let go of what is not its own in this epoch
  (the view is *settled*); what it owned before and owns now it keeps without a pause;
- a node that most of the view has not heard for `fence_seconds` acts no more; only after `silence_seconds`, which are
  longer, the others leave it out. It comes back under a new id, as a new life of the node.

Nodes of two versions may stand side by side while a cluster is rolled. Their *protocol* says what they tell each other
and keep in the store; the view has the one that all members speak, it only grows, and who does not speak it stays out.

Called by `node.py`, which beats, reads, writes and tells.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

import msgspec

from callpark.kernel.limits import ClusterLimits

Key: TypeAlias = tuple[str, str]
"""A kind of thing and its name, e.g. ("queue", "orders")."""

PROTOCOL: Final = 1
"""Of this version. Fields added at the end, with defaults, do not change it; everything else does that a node of the
version before could not go on with, and may be written only once the view has the new number."""

Phase: TypeAlias = Literal["starting", "up", "leaving", "gone"]

#: Own beats whose instant is remembered: more than any echo takes.
_REMEMBERED = 64


class Member(msgspec.Struct, frozen=True, array_like=True):
    """One life of a node. `id` is its own, `name` the node's, which keeps what it owns across lives; `url` is where the
    other nodes reach it."""

    id: str
    name: str
    url: str
    version: str = ""
    protocol: int = 1


class View(msgspec.Struct, frozen=True, array_like=True):
    """Who the members are. `leaving` own nothing any more, but have to say that they have let go. `protocol`: what all
    of them speak."""

    epoch: int = 0
    members: tuple[Member, ...] = ()
    leaving: tuple[Member, ...] = ()
    protocol: int = 1


NOBODY = View()


class Beat(msgspec.Struct, frozen=True, array_like=True):
    """A node lives. `epoch` is that of its view, 0 before it was a member; `released` that for which it has let go of
    what is not its own; `heard` the number of the last beat it knows of each other node."""

    member: Member
    number: int
    phase: Phase
    epoch: int
    released: int
    heard: dict[str, int]


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of another node: its last beat, and when one was last heard of, here or by others."""

    number: int
    at: float
    beat: Beat | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a node knows. `since` are the views back to the last settled one: what it owned in all of them and owns
    now it has never let go of. `confirmed`: for each other node the instant of the last own beat it has heard."""

    me: Member
    phase: Phase = "starting"
    number: int = 0
    view: View = NOBODY
    since: tuple[View, ...] = ()
    settled: int = 0
    released: int = 0
    heard: Mapping[str, Heard] = field(default_factory=dict)
    sent: Mapping[int, float] = field(default_factory=dict)
    confirmed: Mapping[str, float] = field(default_factory=dict)
    confirmed_at: float = float("-inf")
    """An own beat sent then has been heard by so many others that they are most, with this node; perhaps also a later
    one."""
    looked_at: float = 0.0
    """When the view was last read from the store."""
    ticked_at: float = 0.0

    @property
    def member(self) -> bool:
        return any(each.id == self.me.id for each in self.view.members)


def owner(view: View, key: Key) -> Member | None:
    """The member that a thing belongs to, None when there are no members. A change of the members moves as few things
    as possible (rendezvous hashing)."""
    text = "\0".join(key).encode()
    return max(view.members, key=lambda member: (_weight(member.name, text), member.id), default=None)


def _weight(name: str, text: bytes) -> bytes:
    return blake2b(text, digest_size=8, key=name.encode()[:64]).digest()


def holds(standing: Standing, key: Key, now: float, limits: ClusterLimits) -> bool:
    """Whether this node may act for a thing now."""
    me = standing.me.id
    if not _is(owner(standing.view, key), me) or fenced(standing, now, limits):
        return False
    if standing.settled == standing.view.epoch:
        return True
    return all(_is(owner(view, key), me) for view in standing.since)


def _is(member: Member | None, id_: str) -> bool:
    return member is not None and member.id == id_


def fenced(standing: Standing, now: float, limits: ClusterLimits) -> bool:
    """Whether others may have left this node out without its knowing. Alone, it asks the store."""
    if not standing.member:
        return True
    if len(standing.view.members) < 2:
        return now - standing.looked_at > limits.fence_seconds
    if now - standing.confirmed_at <= limits.fence_seconds:
        return False
    return now - _by_most(standing.view, standing) > limits.fence_seconds


def _by_most(view: View, standing: Standing) -> float:
    """The instant of the last own beat that most members have heard, this node with them."""
    confirmed, nothing = standing.confirmed, float("-inf")
    instants = [confirmed.get(each.id, nothing) for each in view.members if each.id != standing.me.id]
    needed = len(view.members) // 2
    return sorted(instants, reverse=True)[needed - 1] if needed else nothing


def left_out(standing: Standing) -> bool:
    """Whether this node was a member and is none any more, without having asked for it."""
    known = (*standing.view.members, *standing.view.leaving)
    return bool(standing.since) and standing.phase == "up" and all(each.id != standing.me.id for each in known)


def alive(standing: Standing, id_: str, now: float, limits: ClusterLimits) -> bool:
    if id_ == standing.me.id:
        return True
    heard = standing.heard.get(id_)
    if heard is None or (heard.beat is not None and heard.beat.phase == "gone"):
        return False
    return now - heard.at <= limits.silence_seconds


def outdated(standing: Standing) -> bool:
    """Whether the cluster has begun to speak what this node does not."""
    return standing.me.protocol < standing.view.protocol


def gone(standing: Standing, id_: str, now: float, limits: ClusterLimits) -> bool:
    """Whether a life of a node is over for sure: neither in the view nor heard of."""
    known = (*standing.view.members, *standing.view.leaving)
    return all(each.id != id_ for each in known) and not alive(standing, id_, now, limits)


# What happens


def ticked(standing: Standing, now: float, limits: ClusterLimits) -> Standing:
    """Before each look around. A node that has slept has heard nobody: that says nothing about the others."""
    slept = now - standing.ticked_at > limits.silence_seconds / 2
    heard = _afresh(standing, now) if slept else standing.heard
    return replace(standing, ticked_at=now, heard=heard, confirmed_at=_by_most(standing.view, standing))


def reborn(standing: Standing, again: Member, now: float) -> Standing:
    """Another life of this node, which the others have left out. It was cut off: that it has not heard them says
    nothing about them."""
    return Standing(again, "up", view=standing.view, ticked_at=now, heard=_afresh(standing, now))


def _afresh(standing: Standing, now: float) -> Mapping[str, Heard]:
    """Nobody's silence has lasted yet."""
    return {id_: replace(each, at=now) for id_, each in standing.heard.items()}


def beaten(standing: Standing, now: float) -> tuple[Standing, Beat]:
    """The next beat, to be sent now."""
    number = standing.number + 1
    sent = {key: at for key, at in standing.sent.items() if key > number - _REMEMBERED}
    beat = Beat(
        standing.me,
        number,
        standing.phase,
        standing.view.epoch if standing.since else 0,
        standing.released,
        {id_: each.number for id_, each in standing.heard.items()},
    )
    return replace(standing, number=number, sent={**sent, number: now}), beat


def listened(standing: Standing, beat: Beat, now: float) -> Standing:
    """Another node's beat has come; what it has heard of others counts as heard."""
    if beat.member.id == standing.me.id:
        return standing
    heard = dict(standing.heard)
    known = heard.get(beat.member.id)
    if known is None or known.beat is None or beat.number > known.beat.number:
        number, at = (beat.number, now) if known is None or beat.number > known.number else (known.number, known.at)
        heard[beat.member.id] = Heard(number, at, beat)
    for id_, number in beat.heard.items():
        other = heard.get(id_)
        if other is not None and number > other.number and id_ != standing.me.id:
            heard[id_] = replace(other, number=number, at=now)
    confirmed = standing.confirmed
    echoed = standing.sent.get(beat.heard.get(standing.me.id, 0))
    if echoed is not None and echoed > confirmed.get(beat.member.id, float("-inf")):
        confirmed = {**confirmed, beat.member.id: echoed}
    return _settle(replace(standing, heard=heard, confirmed=confirmed))


def looked(standing: Standing, view: View, began: float) -> Standing:
    """The view was read from the store, or written: begun at `began`. An older one than is known changes nothing."""
    known = (*view.members, *view.leaving)
    heard = {**{each.id: Heard(0, began) for each in known if each.id != standing.me.id}, **standing.heard}
    standing = replace(standing, heard=heard)
    if view.epoch == standing.view.epoch:
        return replace(standing, looked_at=max(standing.looked_at, began))
    if view.epoch < standing.view.epoch:
        return standing
    in_it = any(each.id == standing.me.id for each in known)
    if not standing.since and not in_it:
        return replace(standing, view=view, looked_at=began)
    before = standing.view if standing.since else NOBODY
    settled = standing.settled == before.epoch
    since = (before,) if settled or not standing.since else (*standing.since, before)
    at = _by_most(view, standing)
    return _settle(replace(standing, view=view, since=since, looked_at=began, confirmed_at=at))


def let_go(standing: Standing, epoch: int) -> Standing:
    """This node acts for nothing any more that is not its own in the view of `epoch`."""
    return _settle(replace(standing, released=max(standing.released, epoch)))


def forgot(standing: Standing, now: float, limits: ClusterLimits) -> Standing:
    """Without the nodes that are gone for long."""
    heard = {
        id_: each
        for id_, each in standing.heard.items()
        if not (gone(standing, id_, now, limits) and now - each.at > 10 * limits.silence_seconds)
    }
    return standing if len(heard) == len(standing.heard) else replace(standing, heard=heard)


def _settle(standing: Standing) -> Standing:
    view = standing.view
    if standing.settled == view.epoch or not standing.since or standing.released != view.epoch:
        return standing
    for each in (*view.members, *view.leaving):
        if each.id == standing.me.id:
            continue
        heard = standing.heard.get(each.id)
        if heard is None or heard.beat is None or not heard.beat.epoch == heard.beat.released == view.epoch:
            return standing
    return replace(standing, settled=view.epoch)


# What next


def behind(standing: Standing) -> bool:
    """Whether somebody knows a newer view."""
    epochs = (heard.beat.epoch for heard in standing.heard.values() if heard.beat is not None)
    return max(epochs, default=0) > standing.view.epoch


def proposal(standing: Standing, now: float, limits: ClusterLimits) -> View | None:
    """The next view, if there has to be one and this node is the one to write it: the first, by id, of those that
    live."""
    if standing.phase in ("starting", "gone") or outdated(standing):
        return None
    beats = {id_: heard.beat for id_, heard in standing.heard.items() if heard.beat is not None}
    phases: dict[str, Phase] = {id_: beat.phase for id_, beat in beats.items()} | {standing.me.id: standing.phase}
    view = standing.view
    deaf = {id_ for id_, beat in beats.items() if beat.member.protocol < view.protocol}
    living = {id_ for id_ in phases if phases[id_] in ("up", "leaving") and alive(standing, id_, now, limits)} - deaf
    if min(living) != standing.me.id:
        return None

    def lives(member: Member) -> bool:
        """Members of whom nothing was heard yet count as living until their silence has lasted."""
        return alive(standing, member.id, now, limits)

    stay = [each for each in view.members if lives(each) and phases.get(each.id, "up") == "up"]
    fresh = [
        beat.member
        for id_, beat in beats.items()
        if beat.phase == "up" and beat.epoch == 0 and lives(beat.member) and id_ not in deaf
    ]
    if standing.phase == "up" and not standing.since:
        fresh.append(standing.me)
    known = {each.id for each in (*view.members, *view.leaving)}
    members = _sorted([*stay, *(each for each in fresh if each.id not in known)])
    leaving = _sorted(
        each
        for each in (*view.members, *view.leaving)
        if phases.get(each.id) == "leaving" and lives(each) and not _has_left(standing, each)
    )
    spoken = max(view.protocol, min((each.protocol for each in (*members, *leaving)), default=0))
    if (members, leaving, spoken) == (view.members, view.leaving, view.protocol):
        return None
    return View(view.epoch + 1, members, leaving, spoken)


def _has_left(standing: Standing, member: Member) -> bool:
    """Whether one that was leaving in this view has let go of everything."""
    if all(each.id != member.id for each in standing.view.leaving):
        return False
    if member.id == standing.me.id:
        return standing.released == standing.view.epoch
    beat = standing.heard[member.id].beat
    return beat is not None and beat.released == standing.view.epoch


def _sorted(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda member: (member.name, member.id)))
