"""Which free items this node takes now. Pure; called by the store.

Hashing names one node for each item, so that several do not grasp at the same ones; when that node does not take it (it
does not serve the queue, or has enough), whoever wants it may.
"""

from collections.abc import Collection, Iterable
from hashlib import blake2b

import msgspec

from callpark.kernel.limits import StoreLimits
from callpark.store.nats.index import Entry


class Choice(msgspec.Struct):
    """`again_in`: real seconds after which to look again; `ready_at`: the instant when the next one is to be taken."""

    taken: list[Entry] = msgspec.field(default_factory=list)
    again_in: float | None = None
    ready_at: float | None = None


def choose(
    free: Iterable[Entry],
    me: str,
    living: Collection[str],
    room: int,
    now: float,
    monotonic: float,
    limits: StoreLimits,
) -> Choice:
    """At most `room` of the `free` items, which come in order."""
    choice = Choice()
    for entry in free:
        take_at = entry.ready_at - limits.claim_ahead_seconds
        if len(choice.taken) >= room:
            break
        if take_at > now:
            choice.ready_at = take_at
            break
        if not entry.free_since:
            entry.free_since = monotonic
        left = entry.free_since + limits.preference_seconds - monotonic
        if left <= 0 or len(living) < 2 or preferred(entry, living) == me:
            choice.taken.append(entry)
        else:
            choice.again_in = left if choice.again_in is None else min(choice.again_in, left)
    return choice


def preferred(entry: Entry, living: Collection[str]) -> str:
    return chosen(entry.id, living)


def chosen(key: str, living: Collection[str]) -> str:
    """The one of the living that hashing names for a key."""
    name = key.encode("utf-8", "surrogatepass")
    return max(living, key=lambda holder: blake2b(name, digest_size=8, key=holder.encode()[:64]).digest())
