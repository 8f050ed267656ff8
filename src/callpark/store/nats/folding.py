"""Folds the commits that wait into the messages of one batch. Pure; called by the writer.

Every subject is written at most once, with the value it ends up with, and expects the message that this node knows of;
so a batch that is stored has met exactly the state it was folded on. What is not met is read again and folded again.

What this node puts and takes at once goes into its journal: all of that is one message, the record.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from callpark.store.nats import journal
from callpark.store.nats.journal import ItemKey, Noted
from callpark.store.nats.records import (
    NOBODY,
    Head,
    ItemHead,
    OpeningHead,
    PartHead,
    Parts,
    RecordHead,
    RowHead,
    WithdrawalHead,
)
from callpark.store.nats.subjects import Subjects
from callpark.store.nats.view import View
from callpark.store.ports import Change, Defer, DeleteRow, Done, Put, RevisionConflict, SetRow, WorkItem
from callpark.store.revisions import RowKey, revise


class Claim(msgspec.Struct, frozen=True):
    """This node takes a free item, whose message is the one with the sequence `at`."""

    item: WorkItem
    at: int


class Withdraw(msgspec.Struct, frozen=True):
    """This node serves a queue no more: what it holds of it is free, but for what is leased."""

    queue: str


class WriteDown(msgspec.Struct, frozen=True):
    """An item leaves the journal for a message of its own, if it is still there."""

    queue: str
    id: str


class Write(msgspec.Struct, frozen=True):
    """A message to publish. `expected`: the last sequence of its subject, or of all subjects that match `among`; None
    when nobody else writes it."""

    subject: str
    head: Head
    payload: bytes
    expected: int | None
    among: str | None = None


class Step(msgspec.Struct, frozen=True):
    """What becomes of an item once the batch is stored. `write` is the place of its message, None when it is in the
    record; `item` None: gone. `claimed`: nothing but its holder or its place has changed."""

    name: ItemKey
    write: int | None
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
    noted: list[Noted] = msgspec.field(default_factory=list)
    record: int | None = None
    """The changes of the journal's record, and the place of its message."""


class Sizes(msgspec.Struct, frozen=True):
    """In bytes: bodies up to `inline` go with their heads, other values in parts of `part`."""

    inline: int
    part: int


AnyChange = Change | Claim | Withdraw | WriteDown
_NOTE_BYTES = 200
_Own = Claim | Withdraw | WriteDown


def rows_of(changes: Sequence[AnyChange]) -> list[RowKey]:
    return [(change.table, change.key) for change in changes if isinstance(change, SetRow | DeleteRow)]


def wanted(changes: Sequence[AnyChange], view: View) -> list[ItemKey]:
    """Items whose contents have to be read before the changes can be folded."""
    names = [(change.queue, change.id) for change in changes if isinstance(change, Defer)]
    return [
        name for name in names if view.entry(name) is not None and not view.lost(name) and view.content(name) is None
    ]


class _Draft:
    """An item as the commits leave it: `item` None for gone. `keeps`: in the journal."""

    __slots__ = ("changed", "claimed", "holder", "item", "keeps", "parts", "sequence")

    def __init__(self, item: WorkItem | None, holder: str, sequence: int, parts: Parts | None) -> None:
        self.item = item
        self.holder = holder
        self.sequence = sequence
        self.parts = parts
        self.changed = self.claimed = self.keeps = False


class Folding:
    """One fold, on the node `node`, which holds items as `me`; `token` is that of the batch. `keeping`: what is put may
    go into the journal."""

    def __init__(
        self, view: View, subjects: Subjects, sizes: Sizes, node: str, me: str, token: str, *, keeping: bool = True
    ) -> None:
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
        self._free = sizes.part if keeping else 0  # bytes that the record may still have
        self._fold = Fold()

    def fold(self, commits: Sequence[Sequence[AnyChange]]) -> Fold:
        for place, changes in enumerate(commits):
            try:
                revised = revise([change for change in changes if not isinstance(change, _Own)], self._revision)
            except RevisionConflict as conflict:
                self._fold.refused[place] = conflict
                continue
            for change in changes:
                self._apply(change, revised)
        self._keep_order()
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
        if self._fold.noted:
            self._write_record()
        return self._fold

    def _revision(self, row: RowKey) -> int:
        found = self._rows.get(row)
        return found[1] if found is not None else self._view.row(row).revision

    def _apply(self, change: AnyChange, revised: dict[RowKey, int]) -> None:
        match change:
            case Put(item):
                self._put(item)
            case Claim(item, at):
                entry, serves = self._view.entry((item.queue, item.id)), self._view.serves(item.queue)
                if (item.queue, item.id) not in self._drafts and serves and entry is not None and entry.at == at:
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
            case WriteDown(queue, item_id):
                stays = self._view.serves(queue) or item_id in self._view.leased(queue)
                self._write_down((queue, item_id), self._me if stays else NOBODY)
            case Withdraw(queue):
                if not self._view.serves(queue):
                    self._withdrawn[queue] = None
                    leased = self._view.leased(queue)
                    for name in self._view.kept(queue):
                        if name[1] not in leased:
                            self._write_down(name, NOBODY)

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
        draft.keeps = (
            takes
            and len(item.body) <= self._sizes.inline
            and self._view.keeps(item)
            and not self._is_written(name)
            and self._has_room(len(item.body) + len(item.state))
        )
        self._drafts[name] = draft

    def _keep_order(self) -> None:
        """What is kept stands before what has a message of its own in the batch. What was put into a queue behind
        something that has one has one too."""
        written: set[str] = set()
        for (queue, _), draft in self._drafts.items():
            if draft.item is None or draft.sequence:
                continue
            if queue in written:
                draft.keeps = False
            elif not draft.keeps:
                written.add(queue)

    def _has_room(self, size: int) -> bool:
        """In the record, which is one message."""
        if size + _NOTE_BYTES > self._free:
            return False
        self._free -= size + _NOTE_BYTES
        return True

    def _is_written(self, name: ItemKey) -> bool:
        """Whether the item has a message of its own before this batch."""
        entry = self._view.entry(name)
        return entry is not None and entry.at > 0

    def _was_kept(self, name: ItemKey) -> bool:
        entry = self._view.entry(name)
        return entry is not None and not entry.at

    def _defer(self, name: ItemKey, state: bytes, ready_at: float) -> None:
        if not self._is_there(name) or self._is_lost(name):
            return
        draft = self._draft(name, self._view.content(name))
        assert draft.item is not None
        draft.item = msgspec.structs.replace(draft.item, state=state, ready_at=ready_at)
        draft.claimed = False
        serves = self._view.serves(name[0])
        draft.holder = self._me if serves else NOBODY
        draft.keeps = draft.keeps and serves and self._has_room(len(state))
        draft.changed = True

    def _done(self, name: ItemKey) -> None:
        if not self._is_there(name) or self._is_lost(name):
            return
        draft = self._draft(name, None)
        draft.item, draft.changed = None, True

    def _write_down(self, name: ItemKey, holder: str) -> None:
        draft = self._drafts.get(name)
        if draft is None:
            if not self._was_kept(name):
                return
            draft = self._draft(name, self._view.content(name))
            draft.claimed = holder == self._me
        if draft.item is not None and draft.keeps:
            draft.holder, draft.keeps, draft.changed = holder, False, True

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
            draft.keeps = not entry.at
        return draft

    def _write_item(self, name: ItemKey, draft: _Draft) -> None:
        subject, item = self._subjects.item(*name), draft.item
        before, was_kept = self._view.entry(name), self._was_kept(name)
        if was_kept or (draft.keeps and item is not None):
            self._note(name, draft, was_kept)
        if draft.keeps:
            return
        if item is None:
            if was_kept or not self._present[name]:
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

    def _note(self, name: ItemKey, draft: _Draft, was_kept: bool) -> None:
        item = draft.item
        if item is None or not draft.keeps:
            self._fold.noted.append(Done(*name))
            if item is None:
                self._fold.items.append(Step(name, None, None, None))
            return
        fresh = not was_kept or not draft.sequence
        self._fold.noted.append(Put(item) if fresh else Defer(*name, item.state, item.ready_at))
        head = ItemHead(item.ready_at, draft.sequence, self._me, len(item.state))
        self._fold.items.append(Step(name, None, head, item))

    def _write_record(self) -> None:
        last, number = self._view.journal_end()
        if not last:
            self._add(Write(self._subjects.opening(self._me), OpeningHead(0, self._node), b"", 0))
        subject, among = self._subjects.record(self._me, number), self._subjects.journal(self._me)
        payload = journal.encode(self._fold.noted)
        self._fold.record = len(self._fold.writes)
        self._add(Write(subject, RecordHead(self._fold.record), payload, last, among))

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
