"""The journal of one node in memory: what is kept, what is due, what is spent; and its replay. Pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.store.nats.journal import Journal, Noted, decode, encode, replay
from callpark.store.nats.records import Message, RecordHead, ordered
from callpark.store.ports import Defer, Done, Put, WorkItem

pytestmark = pytest.mark.unit

PLENTY = 1_000_000


def put(item_id: str, body: bytes = b"", ready_at: float = 0.0) -> Put:
    return Put(WorkItem("q", item_id, body, b"new", ready_at))


def defer(item_id: str, state: bytes = b"again", ready_at: float = 5.0) -> Defer:
    return Defer("q", item_id, state, ready_at)


def done(item_id: str) -> Done:
    return Done("q", item_id)


def ids(journal: Journal) -> list[str]:
    return [item_id for (_, item_id), _ in journal]


def test_items_stand_in_the_order_of_records_and_of_their_places() -> None:
    journal = Journal("me")
    journal.apply([put("b"), put("a")], 7, 0.0)
    journal.apply([put("c")], 9, 0.0, behind=1)
    assert [kept.sequence for _, kept in journal] == [ordered(6, 1), ordered(6, 2), ordered(7, 1)]
    assert journal.get(("q", "c")).sequence < ordered(8), "the batch's own messages come behind"  # type: ignore[union-attr]
    assert (journal.last, journal.number) == (9, 2)


def test_a_defer_keeps_body_and_order() -> None:
    journal = Journal("me")
    journal.apply([put("a", b"body")], 1, 0.0)
    journal.apply([defer("a")], 2, 0.0)
    kept = journal.get(("q", "a"))
    assert kept is not None
    assert (kept.item, kept.sequence) == (WorkItem("q", "a", b"body", b"again", 5.0), ordered(0, 1))


def test_what_is_put_again_after_its_end_is_new() -> None:
    journal = Journal("me")
    journal.apply([put("a", b"1")], 1, 0.0)
    journal.apply([done("a"), put("a", b"2")], 2, 0.0)
    kept = journal.get(("q", "a"))
    assert kept is not None
    assert (kept.item.body, kept.sequence) == (b"2", ordered(1, 2))
    assert journal.spent() == 1


def test_records_are_spent_from_the_first_on_and_the_last_one_stays() -> None:
    journal = Journal("me")
    for at, item_id in ((1, "a"), (2, "b"), (3, "c")):
        journal.apply([put(item_id)], at, 0.0)
    journal.apply([done("b")], 4, 0.0)
    assert journal.spent() == 0, "of the first there is something left"
    journal.apply([done("a")], 5, 0.0)
    assert journal.spent() == 2
    journal.apply([done("c")], 6, 0.0)
    assert journal.spent() == 5
    assert journal.spent() == 0
    assert journal.last == 6


def test_what_is_old_is_due() -> None:
    journal = Journal("me")
    journal.apply([put("a"), put("b")], 1, 10.0)
    journal.apply([done("a"), put("c")], 2, 20.0)
    assert journal.due(10.0, PLENTY, PLENTY) == []
    assert journal.due(10.1, PLENTY, PLENTY) == [("q", "b")]
    assert journal.due(30.0, PLENTY, PLENTY) == [("q", "b"), ("q", "c")]


def test_the_oldest_are_due_while_there_is_too_much() -> None:
    journal = Journal("me")
    for at in range(1, 11):
        journal.apply([put(str(at), bytes(1_000))], at, 10.0)
    assert journal.due(0.0, journal.size, PLENTY) == []
    assert journal.due(0.0, journal.size - 1, PLENTY) == [("q", "1")]
    assert journal.due(0.0, PLENTY, 7) == [("q", "1"), ("q", "2"), ("q", "3")]


_names = st.sampled_from("abc")
_changes: st.SearchStrategy[Noted] = st.one_of(
    st.builds(put, _names, st.binary(max_size=2)), st.builds(defer, _names), st.builds(done, _names)
)


@given(st.lists(st.lists(_changes, max_size=4), max_size=12), st.data())
def test_what_is_left_of_the_records_tells_the_same_as_all_of_them(
    records: list[list[Noted]], data: st.DataObject
) -> None:
    """However often spent records are purged, whoever reads the rest finds the items that are there, in their order."""
    journal, stored, purged = Journal("me"), list[Message](), 0
    for at, changes in enumerate(records, 1):
        journal.apply(changes, at, 0.0)
        stored.append(Message("j", at, "t", RecordHead(), encode(changes)))
        assert decode(stored[-1].payload) == changes
        if data.draw(st.booleans()):
            purged = max(purged, journal.spent())
    left = [record for record in stored if record.sequence > purged]
    found = replay("me", left)
    assert [(name, kept.item, kept.sequence) for name, kept in found] == [
        (name, kept.item, kept.sequence) for name, kept in journal
    ]
    assert journal.size == found.size
    assert not stored or left, "the last record stays"
