"""Commits as messages: what is written, what it expects, what is refused or lost. Pure."""

from collections.abc import Sequence

import pytest

from callpark.store.nats.folding import (
    AnyChange,
    Claim,
    Fold,
    Folding,
    Sizes,
    Withdraw,
    WriteDown,
    wanted,
)
from callpark.store.nats.index import Entry
from callpark.store.nats.journal import ItemKey, decode, name_of
from callpark.store.nats.records import (
    NOBODY,
    ItemHead,
    OpeningHead,
    PartHead,
    Parts,
    RecordHead,
    RowHead,
    WithdrawalHead,
)
from callpark.store.nats.subjects import Subjects
from callpark.store.nats.view import RowState
from callpark.store.ports import Defer, DeleteRow, Done, Put, RevisionConflict, SetRow, WorkItem
from callpark.store.revisions import RowKey

pytestmark = pytest.mark.unit

SUBJECTS = Subjects("n")
ITEM = SUBJECTS.item("q", "i")


class Known:
    """A view of items of the queue `q` and rows of the table `t`."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.graves: dict[str, int] = {}
        self.rows: dict[str, RowState] = {}
        self.lost_ones: set[str] = set()
        self.room = 100
        self.serving = True
        self.keeping = False
        self.end = (0, 0)
        self.part = 10

    def has(self, item_id: str, at: int, holder: str = "me", parts: Parts | None = None) -> None:
        self.entries[item_id] = Entry("q", item_id, ItemHead(1.0, 3, holder, 0, parts), at)

    def entry(self, name: ItemKey) -> Entry | None:
        return self.entries.get(name[1])

    def sequence_of(self, name: ItemKey) -> int:
        entry = self.entry(name)
        return (entry.at if entry else 0) or self.graves.get(name[1], 0)

    def content(self, name: ItemKey) -> WorkItem | None:
        return WorkItem(*name, b"body", b"old", 1.0) if name[1] in self.entries else None

    def row(self, name: RowKey) -> RowState:
        return self.rows.get(name[1], RowState())

    def lost(self, name: ItemKey) -> bool:
        return name[1] in self.lost_ones

    def serves(self, queue: str) -> bool:
        return self.serving

    def takes(self, queue: str, more: int) -> bool:
        return self.serving and self.room > more

    def withdrawn_at(self, queue: str) -> int:
        return 17

    def leased(self, queue: str) -> frozenset[str]:
        return frozenset({"leased"})

    def keeps(self, item: WorkItem) -> bool:
        return self.keeping

    def kept(self, queue: str) -> list[ItemKey]:
        return [("q", item_id) for item_id, entry in self.entries.items() if not entry.at]

    def journal_end(self) -> tuple[int, int]:
        return self.end

    def fold(self, *commits: Sequence[AnyChange]) -> Fold:
        return Folding(self, SUBJECTS, Sizes(inline=8, part=self.part), "node", "me", "me.1").fold(commits)


def put(item_id: str = "i", body: bytes = b"body") -> Put:
    return Put(WorkItem("q", item_id, body, b"new", 1.0))


def test_a_put_expects_that_there_is_nothing_or_the_tombstone() -> None:
    known = Known()
    known.graves["again"] = 9
    fold = known.fold([put(), put("again")])
    assert [(write.subject, write.expected) for write in fold.writes] == [(ITEM, 0), (SUBJECTS.item("q", "again"), 9)]
    assert fold.writes[0].head == ItemHead(1.0, 0, "me", 3)
    assert fold.writes[0].payload == b"newbody"


def test_a_put_of_what_is_there_writes_nothing() -> None:
    known = Known()
    known.has("i", 5)
    assert known.fold([put()]).writes == []
    assert len(Known().fold([put()], [put(body=b"other")]).writes) == 1


def test_an_item_that_comes_and_goes_in_one_batch_is_not_written() -> None:
    assert Known().fold([put()], [Done("q", "i")]).writes == []


def test_what_is_put_again_after_its_end_is_ordered_behind_the_others() -> None:
    known = Known()
    known.has("i", 5)
    fold = known.fold([Done("q", "i"), put("other"), put("i", b"2")])
    assert [write.subject for write in fold.writes] == [SUBJECTS.item("q", "other"), ITEM]
    assert fold.writes[1].expected == 5
    assert fold.writes[1].head == ItemHead(1.0, 0, "me", 3)


def test_a_defer_keeps_body_and_place() -> None:
    known = Known()
    known.has("i", 5)
    assert wanted([Defer("q", "i", b"s", 2.0)], known) == []
    fold = known.fold([Defer("q", "i", b"s", 2.0)])
    assert fold.writes[0].head == ItemHead(2.0, 3, "me", 1)
    assert (fold.writes[0].payload, fold.writes[0].expected) == (b"sbody", 5)
    known.serving = False
    assert known.fold([Defer("q", "i", b"s", 2.0)]).writes[0].head == ItemHead(2.0, 3, "-", 1), "others may have it"


def test_what_was_lost_is_left_alone_and_told() -> None:
    known = Known()
    known.has("i", 5, holder="other")
    known.lost_ones.add("i")
    fold = known.fold([Done("q", "i"), SetRow("t", "k", b"v")])
    assert [write.subject for write in fold.writes] == [SUBJECTS.row("t", "k")]
    assert fold.lost == [("q", "i")]


def test_a_claim_changes_the_holder_unless_the_item_has_changed() -> None:
    known = Known()
    known.has("i", 5, holder="-")
    item = known.content(("q", "i"))
    assert item is not None
    assert known.fold([Claim(item, 4)]).writes == []
    fold = known.fold([Claim(item, 5)])
    assert fold.writes[0].head == ItemHead(1.0, 3, "me", 3)
    assert fold.items[0].claimed
    assert known.fold([Done("q", "i")], [Claim(item, 5)]).writes[0].head is None


def test_a_node_with_enough_leaves_what_it_puts_to_the_others() -> None:
    known = Known()
    known.room = 2
    fold = known.fold([put(str(n)) for n in range(4)])
    assert [write.head.holder for write in fold.writes if isinstance(write.head, ItemHead)] == ["me", "me", "-", "-"]


def test_a_large_body_goes_in_parts_before_its_head_and_ends_with_it() -> None:
    known = Known()
    fold = known.fold([put(body=b"0123456789abc")])
    assert [(write.payload, write.expected) for write in fold.writes] == [
        (b"0123456789", None),
        (b"abc", None),
        (b"new", 0),
    ]
    assert fold.writes[2].head == ItemHead(1.0, 0, "me", 3, Parts(2, "me.1"))
    assert isinstance(fold.writes[0].head, PartHead)
    known.has("i", 5, parts=Parts(2, "me.0"))
    deferred = known.fold([Defer("q", "i", b"s", 2.0)])
    assert len(deferred.writes) == 1, "the parts stay"
    assert deferred.writes[0].head == ItemHead(2.0, 3, "me", 1, Parts(2, "me.0"))
    assert [write.head for write in known.fold([Done("q", "i")]).writes] == [None] * 3


def test_rows_are_written_once_with_their_last_value_and_revision() -> None:
    known = Known()
    known.rows["k"] = RowState(7, 2, Parts(3, "me.0"))
    fold = known.fold([SetRow("t", "k", b"1", 2)], [SetRow("t", "k", b"2", 3), SetRow("t", "new", b"n", 0)])
    assert [(write.head, write.payload, write.expected) for write in fold.writes if not _is_part(write.subject)] == [
        (RowHead(4), b"2", 7),
        (RowHead(1), b"n", 0),
    ]
    assert sum(_is_part(write.subject) and write.head is None for write in fold.writes) == 3


def _is_part(subject: str) -> bool:
    return ".p." in subject


def test_a_refused_commit_leaves_nothing_and_the_others_go_on() -> None:
    known = Known()
    known.rows["k"] = RowState(7, 2)
    fold = known.fold([SetRow("t", "k", b"1", 1), put()], [put("j")], [DeleteRow("t", "k")])
    assert isinstance(fold.refused[0], RevisionConflict)
    assert [(write.subject, write.head is None) for write in fold.writes] == [
        (SUBJECTS.item("q", "j"), False),
        (SUBJECTS.row("t", "k"), True),
    ]


def test_the_deletion_of_nothing_writes_nothing() -> None:
    assert Known().fold([DeleteRow("t", "k"), Done("q", "i"), Defer("q", "i", b"", 0.0)]).writes == []


def test_a_withdrawal_names_what_is_still_leased_unless_the_queue_is_served_again() -> None:
    known = Known()
    assert known.fold([Withdraw("q")]).writes == []
    known.serving = False
    fold = known.fold([put(), Withdraw("q")])
    assert fold.writes[-1].subject == SUBJECTS.withdrawal("q", "node")
    assert fold.writes[-1].head == WithdrawalHead("me", frozenset({"leased"}))
    assert fold.writes[-1].expected == 17, "one that comes late must not free what is held since"


class TestJournal:
    """What this node puts and takes at once is one message: the journal's record."""

    def known(self) -> Known:
        known = Known()
        known.keeping, known.end, known.part = True, (30, 4), 10_000
        return known

    def keep(self, known: Known, *item_ids: str) -> None:
        for item_id in item_ids:
            known.has(item_id, 0)

    def test_puts_and_the_end_of_what_is_kept_are_one_record_that_expects_the_last_one(self) -> None:
        known = self.known()
        self.keep(known, "old", "later")
        fold = known.fold([put("a"), put("b")], [Done("q", "old")], [Defer("q", "later", b"2", 5.0)])
        (write,) = fold.writes
        assert (write.subject, write.expected) == (SUBJECTS.record("me", 4), 30)
        assert write.among == SUBJECTS.journal("me")
        assert fold.record == 0
        assert fold.noted == [put("a"), put("b"), Done("q", "old"), Defer("q", "later", b"2", 5.0)]
        assert decode(write.payload) == fold.noted

    def test_the_first_record_comes_with_the_opening(self) -> None:
        known = self.known()
        known.end = (0, 0)
        opening, record = known.fold([put()]).writes
        assert (opening.subject, opening.head, opening.expected) == (SUBJECTS.opening("me"), OpeningHead(0, "node"), 0)
        assert (record.subject, record.expected) == (SUBJECTS.record("me", 0), 0)

    def test_what_comes_and_goes_in_one_batch_is_not_noted(self) -> None:
        assert self.known().fold([put()], [Done("q", "i")]).writes == []

    def test_what_is_put_again_after_its_end_replaces_what_was_kept(self) -> None:
        known = self.known()
        self.keep(known, "i")
        assert known.fold([Done("q", "i"), put(body=b"2")]).noted == [put(body=b"2")]

    @pytest.mark.parametrize("why", ["nobody serves", "no room", "large", "has a message"])
    def test_other_items_have_messages_of_their_own(self, why: str) -> None:
        known, body = self.known(), b"body"
        if why == "nobody serves":
            known.serving = False
        elif why == "no room":
            known.room = 0
        elif why == "large":
            body = bytes(9)
        else:
            known.has("i", 5)
        changes: list[AnyChange] = [Done("q", "i"), put(body=body)] if why == "has a message" else [put(body=body)]
        fold = known.fold(changes)
        assert fold.noted == []
        assert ITEM in {write.subject for write in fold.writes}

    def test_what_is_put_behind_something_that_is_not_kept_is_not_kept_either(self) -> None:
        fold = self.known().fold([put("first")], [put("large", b"123456789")], [put("last")])
        assert [name_of(change)[1] for change in fold.noted] == ["first"]
        assert [step.name[1] for step in fold.items if step.write is not None] == ["large", "last"]
        assert fold.record is not None
        assert fold.writes[fold.record].head == RecordHead(behind=fold.record)

    def test_a_record_has_room_for_so_much(self) -> None:
        known = self.known()
        sizes = Sizes(inline=300, part=1_000)
        fold = Folding(known, SUBJECTS, sizes, "node", "me", "me.1").fold([[put(str(n), bytes(200)) for n in range(5)]])
        assert len(fold.noted) == 2
        assert len(fold.writes) == 4
        assert len(fold.writes[-1].payload) < 1_000

    def test_what_is_written_down_leaves_the_journal_in_the_same_batch(self) -> None:
        known = self.known()
        self.keep(known, "i")
        item, record = known.fold([WriteDown("q", "i"), WriteDown("q", "gone")]).writes
        assert (item.subject, item.head, item.expected) == (ITEM, ItemHead(1.0, 3, "me", 3), 0)
        assert item.payload == b"oldbody"
        assert decode(record.payload) == [Done("q", "i")]

    def test_what_nobody_here_serves_is_written_down_as_free_unless_it_is_leased(self) -> None:
        known = self.known()
        self.keep(known, "i", "leased")
        known.serving = False
        fold = known.fold([WriteDown("q", "i"), WriteDown("q", "leased")])
        assert [write.head.holder for write in fold.writes if isinstance(write.head, ItemHead)] == [NOBODY, "me"]

    def test_a_withdrawal_frees_what_is_kept_but_for_leases(self) -> None:
        known = self.known()
        self.keep(known, "i", "leased")
        known.serving = False
        fold = known.fold([Withdraw("q")])
        assert [(write.subject, write.head.holder) for write in fold.writes if isinstance(write.head, ItemHead)] == [
            (ITEM, NOBODY)
        ]
        assert fold.noted == [Done("q", "i")]

    def test_a_given_back_item_of_a_queue_that_is_served_no_more_is_free(self) -> None:
        known = self.known()
        self.keep(known, "i")
        known.serving = False
        item, record = known.fold([Defer("q", "i", b"2", 5.0)]).writes
        assert item.head == ItemHead(5.0, 3, NOBODY, 1)
        assert decode(record.payload) == [Done("q", "i")]

    def test_an_item_written_down_expects_the_tombstone_of_the_one_before(self) -> None:
        known = self.known()
        self.keep(known, "i")
        known.graves["i"] = 9
        assert known.fold([WriteDown("q", "i")]).writes[0].expected == 9
