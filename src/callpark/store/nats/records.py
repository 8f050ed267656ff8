"""Items and rows as messages, and back. Pure.

What all nodes have to know of a message stands in one header, so that following needs no payloads:

    Callpark: <token> i <ready_at> <sequence> <holder> <bytes of state> <parts>    payload: state, then body
    Callpark: <token> r <revision> <parts>                                         payload: value
    Callpark: <token> p                                                            payload: part of a body or value
    Callpark: <token> m <holder>                                                   a member, alive
    Callpark: <token> w <holder> <ids>                                             its items are free, but for these
    Callpark: <token> j                                                            payload: changes, see `journal.py`
    Callpark: <token> f                                                            the end of a journal
    Callpark: <token> o <written> <node>                                           a journal that is open
    Callpark: <token> k                                                            a mark: see `barrier.py`
    Callpark: <token> b                                                            ballast: see `ballast.py`
    Callpark: <token> -                                                            gone; forgotten by the server later

`token` names the batch that wrote the message: whoever lost the answer of a batch sees whether it was applied.
`sequence` orders items of one instant: by the message that an item came with, as `ordered` says (0: it is this one).
`holder` is the node that may lease it, `-` for none. `parts` is `-`, or `<how many>@<token>`: body or value are that
many messages of that batch. `written` is how many items of a dead node's journal are written down.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from callpark.store.nats import subjects

HEADER = "Callpark"
NOBODY = "-"

#: More than one message holds: of a journal's record each item takes 200 bytes of half a megabyte at least.
_PLACES = 10_000


def ordered(sequence: int, place: int = 0) -> int:
    """Where an item stands among others of one instant: by the message that it came with, then by its place there."""
    return sequence * _PLACES + place


class Parts(msgspec.Struct, frozen=True):
    """Where a large body or value is: in `count` messages that the batch `token` wrote."""

    count: int
    token: str


class ItemHead(msgspec.Struct, frozen=True):
    ready_at: float
    sequence: int
    holder: str
    state_bytes: int
    parts: Parts | None = None


class RowHead(msgspec.Struct, frozen=True):
    revision: int
    parts: Parts | None = None


class PartHead(msgspec.Struct, frozen=True):
    pass


class MemberHead(msgspec.Struct, frozen=True):
    holder: str


class WithdrawalHead(msgspec.Struct, frozen=True):
    """What `holder` held in a queue when it wrote this is free, but for the items that it still has leased."""

    holder: str
    leased: frozenset[str]


class RecordHead(msgspec.Struct, frozen=True):
    """`behind`: messages of its batch before it. What the record puts is ordered before what they put."""

    behind: int = 0


class FenceHead(msgspec.Struct, frozen=True):
    pass


class OpeningHead(msgspec.Struct, frozen=True):
    """A journal of the node `node`."""

    written: int
    node: str


class BallastHead(msgspec.Struct, frozen=True):
    pass


class MarkHead(msgspec.Struct, frozen=True):
    pass


_ItsHead: TypeAlias = ItemHead | RowHead | PartHead | MemberHead | WithdrawalHead
Head: TypeAlias = _ItsHead | RecordHead | FenceHead | OpeningHead | BallastHead | MarkHead | None
"""None: gone."""


class Message(msgspec.Struct, frozen=True):
    """A message of the stream: `sequence` is the stream's."""

    subject: str
    sequence: int
    token: str
    head: Head
    payload: bytes = b""


def spelled(token: str, head: Head) -> str:
    """The header of a message."""
    match head:
        case ItemHead(ready_at, sequence, holder, state_bytes, parts):
            return f"{token} i {ready_at!r} {sequence} {holder} {state_bytes} {_spelled_parts(parts)}"
        case RowHead(revision, parts):
            return f"{token} r {revision} {_spelled_parts(parts)}"
        case PartHead():
            return f"{token} p"
        case MemberHead(holder):
            return f"{token} m {holder}"
        case WithdrawalHead(holder, leased):
            return f"{token} w {holder} {','.join(sorted(map(subjects.token, leased)))}"
        case RecordHead(behind):
            return f"{token} j {behind}"
        case FenceHead():
            return f"{token} f"
        case OpeningHead(written, node):
            return f"{token} o {written} {subjects.token(node)}"
        case BallastHead():
            return f"{token} b"
        case MarkHead():
            return f"{token} k"
        case None:
            return f"{token} -"


def read(subject: str, sequence: int, headers: Mapping[str, str] | None, payload: bytes = b"") -> Message | None:
    """None for a message that no callpark wrote, or one of a newer kind."""
    header = headers.get(HEADER) if headers else None
    head: Head
    match header.split(" ") if header else []:
        case [token, "i", ready_at, first, holder, state_bytes, parts, *_]:
            head = ItemHead(float(ready_at), int(first) or ordered(sequence), holder, int(state_bytes), _parts(parts))
        case [token, "r", revision, parts, *_]:
            head = RowHead(int(revision), _parts(parts))
        case [token, "p", *_]:
            head = PartHead()
        case [token, "m", holder, *_]:
            head = MemberHead(holder)
        case [token, "w", holder, *ids]:
            leased = ids[0].split(",") if ids and ids[0] else []
            head = WithdrawalHead(holder, frozenset(map(subjects.text, leased)))
        case [token, "j", behind, *_]:
            head = RecordHead(int(behind))
        case [token, "f", *_]:
            head = FenceHead()
        case [token, "o", written, node, *_]:
            head = OpeningHead(int(written), subjects.text(node))
        case [token, "b", *_]:
            head = BallastHead()
        case [token, "k", *_]:
            head = MarkHead()
        case [token, "-", *_]:
            head = None
        case _:
            return None
    return Message(subject, sequence, token, head, payload)


def _spelled_parts(parts: Parts | None) -> str:
    return f"{parts.count}@{parts.token}" if parts else "-"


def _parts(spelled: str) -> Parts | None:
    count, _, token = spelled.partition("@")
    return Parts(int(count), token) if token else None
