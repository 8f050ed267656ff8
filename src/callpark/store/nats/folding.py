"""Folds the commits that wait into the messages of one batch. Pure; called by the writer.

Every subject is written at most once, with the value it ends up with, and expects the message that this node knows of;
so a batch that is stored has met exactly the state it was folded on. What is not met is read again and folded again.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import msgspec

from callpark.store.nats.index import Entry
from callpark.store.nats.records import NOBODY, Head, ItemHead, PartHead, Parts, RowHead, WithdrawalHead
from callpark.store.nats.subjects import Subjects
from callpark.store.ports import Change, Defer, DeleteRow, Done, Put, RevisionConflict, SetRow, WorkItem
from callpark.store.revisions import RowKey, revise

ItemKey = tuple[str, str]
"""(queue, id)"""


class Claim(msgspec.Struct, frozen=True):
    """This node takes a free item, whose message is the one with the sequence `at`."""

    item: WorkItem
    at: int


class Withdraw(msgspec.Struct, frozen=True):
    """This node serves a queue no more: what it holds of it is free, but for what is leased."""

    queue: str


class RowState(msgspec.Struct, frozen=True):
    """What is known of a row: the sequence of its last message (0: none), its revision (0: there is none), its
    parts."""

    at: int = 0
    revision: int = 0
    parts: Parts | None = None


class View(Protocol):
    """What the node knows. `item` is asked for items of known queues; `content` must know those that `wanted` names."""

    def entry(self, name: ItemKey) -> Entry | None: ...

    def sequence_of(self, name: ItemKey) -> int: ...

    def content(self, name: ItemKey) -> WorkItem | None: ...

    def row(self, name: RowKey) -> RowState: ...

    def lost(self, name: ItemKey) -> bool:
        """Whether an item that this node leased is somebody else's by now."""
        ...

    def serves(self, queue: str) -> bool:
        """Whether somebody here leases from the queue."""
        ...

    def takes(self, queue: str, more: int) -> bool:
        """Whether this node holds what it puts into the queue, beside `more` of the same batch."""
        ...

    def withdrawn_at(self, queue: str) -> int:
        """The sequence of this node's last withdrawal from the queue, 0 for none."""
        ...

    def leased(self, queue: str) -> frozenset[str]:
        """Ids of the items of the queue that this node has leased."""
        ...


class Write(msgspec.Struct, frozen=True):
    """A message to publish. `expected`: the last sequence of its subject; None when nobody else writes it."""

    subject: str
    head: Head
    payload: bytes
    expected: int | None


class Step(msgspec.Struct, frozen=True):
    """What becomes of an item once the batch is stored. `write` is the place of its message; `item` None: gone.
    `claimed`: nothing but its holder has changed."""

    name: ItemKey
    write: int
    head: ItemHead | None
    item: WorkItem | None
    claimed: bool = False


class RowStep(msgspec.Struct, frozen=True):
    name: RowKey
    write: int
    head: RowHead | None


class Fold(msgspec.Struct):
    writes: list[Write] = msgspec.field(default_factory=list)
    withdrawals: list[tuple[str, int]] = msgspec.field(default_factory=list)
    """Queues, and the places of their messages."""
    items: list[Step] = msgspec.field(default_factory=list)
    rows: list[RowStep] = msgspec.field(default_factory=list)
    refused: dict[int, RevisionConflict] = msgspec.field(default_factory=dict)
    """By the place of the commit."""
    lost: list[ItemKey] = msgspec.field(default_factory=list)


class Sizes(msgspec.Struct, frozen=True):
    """In bytes: bodies up to `inline` go with their heads, other values in parts of `part`."""

    inline: int
    part: int


AnyChange = Change | Claim | Withdraw


def rows_of(changes: Sequence[AnyChange]) -> list[RowKey]:
    return [(change.table, change.key) for change in changes if isinstance(change, SetRow | DeleteRow)]


def wanted(changes: Sequence[AnyChange], view: View) -> list[ItemKey]:
    """Items whose contents have to be read before the changes can be folded."""
    names = [(change.queue, change.id) for change in changes if isinstance(change, Defer)]
    return [
        name for name in names if view.entry(name) is not None and not view.lost(name) and view.content(name) is None
    ]


class _Draft:
    """An item as the commits leave it: `item` None for gone."""

    __slots__ = ("changed", "claimed", "holder", "item", "parts", "sequence")

    def __init__(self, item: WorkItem | None, holder: str, sequence: int, parts: Parts | None) -> None:
        self.item = item
        self.holder = holder
        self.sequence = sequence
        self.parts = parts
        self.changed = self.claimed = False


class Folding:
    """One fold, on the node `node`, which holds items as `me`; `token` is that of the batch."""

    def __init__(self, view: View, subjects: Subjects, sizes: Sizes, node: str, me: str, token: str) -> None:
        self._view = view
        self._subjects = subjects
        self._sizes = sizes
        self._node = node
        self._me = me
        self._token = token
        self._drafts: dict[ItemKey, _Draft] = {}
        self._present: dict[ItemKey, bool] = {}
        self._rows: dict[RowKey, tuple[bytes | None, int]] = {}
        self._withdrawn: dict[str, None] = {}
        self._taken: Counter[str] = Counter()
        self._fold = Fold()

    def fold(self, commits: Sequence[Sequence[AnyChange]]) -> Fold:
        for place, changes in enumerate(commits):
            try:
                revised = revise(
                    [change for change in changes if not isinstance(change, Claim | Withdraw)], self._revision
                )
            except RevisionConflict as conflict:
                self._fold.refused[place] = conflict
                continue
            for change in changes:
                self._apply(change, revised)
        for name, draft in self._drafts.items():
            if draft.changed:
                self._write_item(name, draft)
        for queue in self._withdrawn:
            subject = self._subjects.withdrawal(queue, self._node)
            head = WithdrawalHead(self._me, self._view.leased(queue))
            write = Write(subject, head, b"", self._view.withdrawn_at(queue))
            self._fold.withdrawals.append((queue, self._add(write)))
        for row, (value, revision) in self._rows.items():
            self._write_row(row, value, revision)
        return self._fold

    def _revision(self, row: RowKey) -> int:
        found = self._rows.get(row)
        return found[1] if found is not None else self._view.row(row).revision

    def _apply(self, change: AnyChange, revised: dict[RowKey, int]) -> None:
        match change:
            case Put(item):
                self._put(item)
            case Claim(item, at):
                entry = self._view.entry((item.queue, item.id))
                if (item.queue, item.id) not in self._drafts and entry is not None and entry.at == at:
                    draft = self._draft((item.queue, item.id), item)
                    draft.holder, draft.changed, draft.claimed = self._me, True, True
            case Defer(queue, item_id, state, ready_at):
                self._defer((queue, item_id), state, ready_at)
            case Done(queue, item_id):
                self._done((queue, item_id))
            case SetRow(table, key, value):
                self._rows[table, key] = value, revised[table, key]
            case DeleteRow(table, key):
                self._rows[table, key] = None, 0
            case Withdraw(queue):
                if not self._view.serves(queue):
                    self._withdrawn[queue] = None

    def _put(self, item: WorkItem) -> None:
        name = (item.queue, item.id)
        if self._is_there(name):
            return
        self._present.setdefault(name, False)
        self._drafts.pop(name, None)  # so that it is written behind everything that was put before
        takes = self._view.takes(item.queue, self._taken[item.queue])
        self._taken[item.queue] += takes
        draft = _Draft(item, self._me if takes else NOBODY, 0, None)
        draft.changed = True
        self._drafts[name] = draft

    def _defer(self, name: ItemKey, state: bytes, ready_at: float) -> None:
        if not self._is_there(name) or self._is_lost(name):
            return
        draft = self._draft(name, self._view.content(name))
        assert draft.item is not None
        draft.item = msgspec.structs.replace(draft.item, state=state, ready_at=ready_at)
        draft.claimed = False
        draft.holder = self._me if self._view.serves(name[0]) else NOBODY
        draft.changed = True

    def _done(self, name: ItemKey) -> None:
        if not self._is_there(name) or self._is_lost(name):
            return
        draft = self._draft(name, None)
        draft.item, draft.changed = None, True

    def _is_there(self, name: ItemKey) -> bool:
        draft = self._drafts.get(name)
        if draft is not None:
            return draft.item is not None
        return self._view.entry(name) is not None

    def _is_lost(self, name: ItemKey) -> bool:
        if name in self._drafts or not self._view.lost(name):
            return False
        self._fold.lost.append(name)
        return True

    def _draft(self, name: ItemKey, item: WorkItem | None) -> _Draft:
        draft = self._drafts.get(name)
        if draft is None:
            entry = self._view.entry(name)
            assert entry is not None
            self._present[name] = True
            draft = self._drafts[name] = _Draft(item, entry.holder, entry.sequence, entry.parts)
        return draft

    def _write_item(self, name: ItemKey, draft: _Draft) -> None:
        subject, item = self._subjects.item(*name), draft.item
        before = self._view.entry(name)
        if item is None:
            if not self._present[name]:
                return
            place = self._add(Write(subject, None, b"", self._view.sequence_of(name)))
            self._fold.items.append(Step(name, place, None, None))
            self._bury(subject, before.parts if before else None, 0)
            return
        parts, payload = draft.parts, item.state
        if parts is None:
            if len(item.body) <= self._sizes.inline:
                payload += item.body
            else:
                parts = self._write_parts(subject, item.body)
        head = ItemHead(item.ready_at, draft.sequence, draft.holder, len(item.state), parts)
        place = self._add(Write(subject, head, payload, self._view.sequence_of(name)))
        self._fold.items.append(Step(name, place, head, item, draft.claimed))
        if before is not None and before.parts != parts:
            self._bury(subject, before.parts, parts.count if parts else 0)

    def _write_row(self, name: RowKey, value: bytes | None, revision: int) -> None:
        subject, before = self._subjects.row(*name), self._view.row(name)
        if value is None:
            if before.revision:
                place = self._add(Write(subject, None, b"", before.at))
                self._fold.rows.append(RowStep(name, place, None))
                self._bury(subject, before.parts, 0)
            return
        parts = self._write_parts(subject, value) if len(value) > self._sizes.part else None
        head = RowHead(revision, parts)
        place = self._add(Write(subject, head, b"" if parts else value, before.at))
        self._fold.rows.append(RowStep(name, place, head))
        self._bury(subject, before.parts, parts.count if parts else 0)

    def _write_parts(self, subject: str, value: bytes) -> Parts:
        size, count = self._sizes.part, 0
        for start in range(0, len(value), size):
            self._add(Write(self._subjects.part(subject, count), PartHead(), value[start : start + size], None))
            count += 1
        return Parts(count, self._token)

    def _bury(self, subject: str, parts: Parts | None, kept: int) -> None:
        for number in range(kept, parts.count if parts else 0):
            self._add(Write(self._subjects.part(subject, number), None, b"", None))

    def _add(self, write: Write) -> int:
        self._fold.writes.append(write)
        return len(self._fold.writes) - 1


def weight(change: AnyChange) -> int:
    """What a change adds to a batch, roughly, in bytes."""
    match change:
        case Put(item) | Claim(item):
            return len(item.body) + len(item.state) + 200
        case Defer():
            return 2_000
        case SetRow():
            return len(change.value) + 200
        case _:
            return 200
