"""Changes folded in memory and then carried over mean the same as the changes one after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.store.ports import Change, Defer, DeleteRow, Done, Put, SetRow, WorkItem
from callpark.store.sqlite.batch import Commit, fold
from callpark.store.sqlite.pending import Fresh, Gone, Pending

pytestmark = pytest.mark.unit

Items = dict[str, tuple[int, WorkItem]]
IDS = st.sampled_from("abc")


def _put(item_id: str, mark: bytes = b"") -> Put:
    return Put(WorkItem("q", item_id, mark, mark, 0.0))


def _folded(pending: Pending, number: int, changes: list[Change], items: Items, sequence: int) -> int:
    """Take changes in as the writer does, which knows whether an item is there; returns the next sequence."""
    batch = fold([Commit(changes)], {}, {("q", item_id): item_id in items for item_id in "abc"}, sequence)
    pending.take(number, batch)
    for change, given_sequence in batch.steps:
        _apply(items, change, given_sequence)
    return batch.next_sequence


def _apply(items: Items, change: Change, sequence: int) -> None:
    if isinstance(change, Put):
        assert change.item.id not in items, "fold leaves out what is there already"
        items[change.item.id] = sequence, change.item
    elif isinstance(change, Defer) and change.id in items:
        sequence, item = items[change.id]
        items[change.id] = sequence, WorkItem("q", item.id, item.body, change.state, change.ready_at)
    elif isinstance(change, Done):
        items.pop(change.id, None)


def _carry_over(pending: Pending, database: Items) -> None:
    """As the statements do, in their order."""
    for _, item_id in pending.gone():
        database.pop(item_id, None)
    for sequence, queue, item_id, ready_at, state, body in pending.fresh():
        assert item_id not in database
        database[item_id] = sequence, WorkItem(queue, item_id, body, state, ready_at)
    for queue, item_id, ready_at, state in pending.moved():
        if item_id in database:
            sequence, item = database[item_id]
            database[item_id] = sequence, WorkItem(queue, item_id, item.body, state, ready_at)


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.lists(
                st.one_of(
                    st.builds(_put, IDS, st.binary(max_size=2)),
                    st.builds(Defer, st.just("q"), IDS, st.binary(max_size=2), st.floats(0, 9)),
                    st.builds(Done, st.just("q"), IDS),
                ),
                max_size=6,
            ),
        ),
        max_size=12,
    )
)
def test_what_is_carried_over_is_what_was_changed(history: list[list[Change] | None]) -> None:
    """None carries over what is pending."""
    items: Items = {}
    database: Items = {}
    pending, sequence = Pending(), 1
    for number, changes in enumerate([*history, None], 1):
        if changes is None:
            _carry_over(pending, database)
            pending = Pending()
            assert database == items
        else:
            sequence = _folded(pending, number, list(changes), items, sequence)


def test_an_item_that_is_put_and_done_meanwhile_leaves_nothing_to_write() -> None:
    pending = Pending()
    pending.take(1, fold([Commit([_put("a"), Defer("q", "a", b"", 5.0), Done("q", "a")])], {}, {}, 1))
    assert not [*pending.gone(), *pending.fresh(), *pending.moved()]
    assert pending.number == 1


def test_an_item_of_the_database_that_is_replaced() -> None:
    pending = Pending()
    pending.take(1, fold([Commit([Done("q", "a"), _put("a", b"new")])], {}, {("q", "a"): True}, 7))
    assert list(pending.gone()) == [("q", "a")]
    assert [row[0] for row in pending.fresh()] == [7]
    fate = pending.item("q", "a")
    assert isinstance(fate, Fresh)
    pending.take(2, fold([Commit([Done("q", "a")])], {}, {}, 8))
    assert isinstance(pending.item("q", "a"), Gone)


def test_rows_keep_what_they_were_given_last() -> None:
    pending = Pending()
    changes: list[Change] = [
        SetRow("t", "a", b"1"),
        SetRow("t", "a", b"2"),
        SetRow("t", "b", b"1"),
        DeleteRow("t", "b"),
    ]
    pending.take(1, fold([Commit(changes)], {}, {}, 1))
    assert list(pending.written_rows()) == [("t", "a", 2, b"2")]
    assert list(pending.deleted_rows()) == [("t", "b")]


@pytest.mark.parametrize(
    "change",
    [
        Put(WorkItem("q", "i", "text", b"", 0.0)),  # type: ignore[arg-type]
        Put(WorkItem("q", "i", b"", None, 0.0)),  # type: ignore[arg-type]
        Defer("q", "i", "text", 0.0),  # type: ignore[arg-type]
        SetRow("t", "k", None),  # type: ignore[arg-type]
    ],
)
def test_what_the_database_would_refuse_never_reaches_the_journal(change: Change) -> None:
    with pytest.raises(TypeError, match="are bytes"):
        fold([Commit([change])], {}, {}, 1)
