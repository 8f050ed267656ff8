"""Pages of a transcript: whatever is asked, all together are the scanned part, in order, without gap or double."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows.chat.model import TEXT, Item
from callpark.flows.chat.transcript import NoSuchItem, Query, Start, page

pytestmark = pytest.mark.unit


def whole(count: int) -> list[Item]:
    return [Item("c", index, f"i{index}", float(index), "MESSAGE", TEXT) for index in range(count)]


def scanned(items: list[Item], size: int, *, forward: bool, ascending: bool, start: Start) -> list[list[str]]:
    pages: list[list[str]] = []
    after = None
    while True:
        found = page(items, Query(size, forward, ascending, start, after))
        pages.append([item.id for item in found.items])
        if found.after is None:
            return pages
        after = found.after


starts = st.one_of(
    st.just(Start()),
    st.builds(lambda at: Start(at=at), st.floats(-2, 32)),
    st.builds(lambda recent: Start(most_recent=recent), st.integers(0, 40)),
)


@given(st.integers(0, 30), st.integers(1, 12), st.booleans(), st.booleans(), starts)
def test_pages_together(count: int, size: int, forward: bool, ascending: bool, start: Start) -> None:
    pages = scanned(whole(count), size, forward=forward, ascending=ascending, start=start)
    in_scan_order = [one if ascending == forward else one[::-1] for one in pages]
    ids = [int(id_[1:]) for one in in_scan_order for id_ in one]
    first = ids[0] if ids else 0
    assert ids == list(range(first, count) if forward else range(first, -1, -1))[: len(ids)]
    assert all(len(one) == size for one in pages[:-1])
    if start == Start():
        assert len(ids) == count
    if start.at is not None:
        expected = [n for n in range(count) if (n >= start.at if forward else n <= start.at)]
        assert sorted(ids) == expected
    if start.most_recent is not None and forward:
        assert len(ids) == min(start.most_recent, count)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (Query(2, forward=False, ascending=True), ["i3", "i4"]),
        (Query(2, forward=False, ascending=False), ["i4", "i3"]),
        (Query(2, forward=True, ascending=True), ["i0", "i1"]),
        (Query(2, forward=True, ascending=True, start=Start(id="i2")), ["i2", "i3"]),
        (Query(2, forward=False, ascending=True, start=Start(id="i2")), ["i1", "i2"]),
        (Query(9, forward=True, ascending=True, start=Start(most_recent=2)), ["i3", "i4"]),
    ],
)
def test_a_page(query: Query, ids: list[str]) -> None:
    assert [item.id for item in page(whole(5), query).items] == ids


def test_an_item_that_is_not_there() -> None:
    with pytest.raises(NoSuchItem):
        page(whole(5), Query(2, forward=True, ascending=True, start=Start(id="x")))
