"""How nodes divide an amount that all of them use, by need: pure.

The node with the control planes grants shares; the others say what they need and what they hold. A share that shrinks
is taken note of by its node first, what that frees is granted afterwards: at any instant all that nodes hold is within
the total, while words are late or lost and while views change too. A node's share outlives the view in which it was
granted; whoever grants in the next one begins with what each says it holds.

Called by `clustered/shares.py`, which speaks and listens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec


class Word(msgspec.Struct, frozen=True, array_like=True):
    """What a node says of itself. `held`: what it may be using now, at most; `obeyed`: the number of the word whose
    grants it goes by; `grants`: shares by node, said by the one that grants."""

    id: str
    epoch: int
    number: int
    need: int
    held: int
    obeyed: int
    grants: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Sharing:
    """What one life of a node knows. `promised`: of each other node the grants that it has not said it goes by."""

    me: str
    epoch: int = 0
    share: int = 0
    obeyed: int = 0
    number: int = 0
    words: Mapping[str, Word] = field(default_factory=dict)
    promised: Mapping[str, Mapping[int, int]] = field(default_factory=dict)


def divide(total: int, needs: Mapping[str, int]) -> dict[str, int]:
    """At least one each, as far as that goes; what all need, if there is so much, and of the rest equal parts;
    otherwise nobody gets more than an equal part as long as another one lacks something."""
    wanted = sorted(((max(1, need), name) for name, need in needs.items()), key=lambda pair: (pair[0], pair[1]))
    left, found = max(0, total), dict[str, int]()
    for place, (want, name) in enumerate(wanted):
        found[name] = min(want, left // (len(wanted) - place))
        left -= found[name]
    for place, (_, name) in enumerate(reversed(wanted)):
        found[name] += left // len(wanted) + (place < left % len(wanted))
    return found


def viewed(sharing: Sharing, me: str, epoch: int) -> Sharing:
    """The members have changed. A new life of a node holds nothing: others have what it held."""
    if me != sharing.me:
        return Sharing(me, epoch)
    if epoch == sharing.epoch:
        return sharing
    return replace(sharing, epoch=epoch, obeyed=0, promised={})


def heard(sharing: Sharing, word: Word, granter: str | None) -> Sharing:
    """Another node's word has come; `granter` is the node whose grants hold in this view."""
    known = sharing.words.get(word.id)
    if word.id == sharing.me or (known is not None and known.number >= word.number):
        return sharing
    sharing = replace(sharing, words={**sharing.words, word.id: word})
    if word.id != granter or word.epoch != sharing.epoch or sharing.me not in word.grants:
        return sharing
    return replace(sharing, share=word.grants[sharing.me], obeyed=word.number)


def spoken(
    sharing: Sharing,
    *,
    need: int,
    using: int,
    total: int,
    members: Sequence[str],
    grants: bool,
    leaving: Sequence[str] = (),
) -> tuple[Sharing, Word]:
    """The next word. `using` is what is in use now, `members` are all nodes of the view, this one among them; those
    that are `leaving` get nothing more. `grants` is whether this node grants."""
    me, number = sharing.me, sharing.number + 1
    words = {name: word for name in (*members, *leaving) if (word := sharing.words.get(name)) is not None}
    others = [name for name in members if name != me]
    given: dict[str, int] = {}
    share, promised = sharing.share, sharing.promised
    if grants and all(name in words and words[name].epoch == sharing.epoch for name in others):
        aims = divide(total, {name: words[name].need for name in others} | {me: need})
        holds = {name: _bound(word, promised.get(name, {})) for name, word in words.items()}
        holds[me] = max(min(share, aims[me]), using)
        given = _granted(total, aims, holds)
        share = given[me]
        promised = {name: {**_open(words[name], promised.get(name, {})), number: given[name]} for name in others}
    word = Word(me, sharing.epoch, number, need, max(share, using), sharing.obeyed, given)
    return replace(sharing, share=share, number=number, words=words, promised=promised), word


def _open(word: Word, promised: Mapping[int, int]) -> dict[int, int]:
    """What a node was promised since its last word."""
    return {number: share for number, share in promised.items() if number > word.obeyed}


def _bound(word: Word, promised: Mapping[int, int]) -> int:
    """What a node may hold at most."""
    return max([word.held, *_open(word, promised).values()])


def _granted(total: int, aims: Mapping[str, int], holds: Mapping[str, int]) -> dict[str, int]:
    """What comes next: less at once, more only of what nobody holds."""
    room = total - sum(holds.values())
    given = {}
    for name in sorted(aims, key=lambda name: holds[name] - aims[name]):
        more = max(0, min(aims[name] - holds[name], room))
        room -= more
        given[name] = min(aims[name], holds[name]) + more
    return given
