"""The window gives the order of the disk whatever it has to leave there."""

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from callpark.store.ports import BEFORE_ALL, Position, WorkItem
from callpark.store.window import Bounds, Window, weight

pytestmark = pytest.mark.unit

INSTANTS = st.integers(0, 20).map(float)


def _item(item_id: str, ready_at: float, size: int = 0) -> WorkItem:
    return WorkItem("q", item_id, bytes(size), b"", ready_at)


@given(st.lists(INSTANTS, max_size=60))
def test_items_come_by_readiness_then_sequence(instants: list[float]) -> None:
    window = Window(Bounds(1_000, 1_000_000))
    for sequence, ready_at in enumerate(instants):
        window.put(_item(str(sequence), ready_at), sequence)
    expected = [str(n) for _, n in sorted((ready_at, n) for n, ready_at in enumerate(instants))]
    assert [item.id for item in window.lease(99.0, 99)] == expected


@given(st.lists(INSTANTS, max_size=60), INSTANTS, st.integers(1, 70), st.integers(0, 20))
def test_ready_items_are_counted_as_a_lease_would_find_them(
    instants: list[float], now: float, limit: int, gone: int
) -> None:
    window = Window(Bounds(1_000, 1_000_000))
    for sequence, ready_at in enumerate(instants):
        window.put(_item(str(sequence), ready_at), sequence)
    for sequence in range(gone):
        window.done(str(sequence))
    assert window.ready(now, limit) == min(limit, sum(ready_at <= now for ready_at in instants[gone:]))
    assert [window.peek(str(n)) is not None for n in range(len(instants))] == [n >= gone for n in range(len(instants))]


def test_the_window_is_bounded_by_items_and_by_bytes() -> None:
    window = Window(Bounds(10, 1_000_000))
    for sequence in range(1_000):
        window.put(_item(str(sequence), float(sequence)), sequence)
    assert 10 <= len(window) <= 20
    assert window.horizon is not None
    window = Window(Bounds(1_000, 10_000))
    for sequence in range(1_000):
        window.put(_item(str(sequence), float(sequence), 1_000), sequence)
    assert 7 <= len(window) <= 15
    window = Window(Bounds(1_000, 10))
    window.put(_item("larger than the bound", 0.0, 1_000), 0)
    assert [item.id for item in window.lease(0.0, 9)] == ["larger than the bound"]


def test_stale_places_do_not_pile_up() -> None:
    window = Window(Bounds(1_000, 1_000_000))
    window.put(_item("i", 0.0), 0)
    for n in range(10_000):
        window.defer("i", b"", float(n))
    assert len(window._heap) < 200
    assert [item.ready_at for item in window.lease(1e9, 9)] == [9_999.0]


class WindowOnDisk(RuleBasedStateMachine):
    """A window over a model disk: after refills it leases what a full sort of the disk would."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Window(Bounds(4, 8 * weight(_item("", 0.0))))
        self.disk: dict[str, tuple[int, WorkItem]] = {}
        self.leased: set[str] = set()
        self.sequence = 0
        self.asked: Position | None = None

    @rule(ready_at=INSTANTS, size=st.sampled_from([0, 0, 3_000]))
    def put(self, ready_at: float, size: int) -> None:
        self.sequence += 1
        item = _item(str(self.sequence), ready_at, size)
        self.disk[item.id] = self.sequence, item
        self.window.put(item, self.sequence)

    @rule(instants=st.lists(INSTANTS, min_size=5, max_size=12))
    def flood(self, instants: list[float]) -> None:
        """More than the window keeps."""
        for ready_at in instants:
            self.put(ready_at, 0)

    @rule(now=INSTANTS, limit=st.integers(1, 6))
    def lease(self, now: float, limit: int) -> None:
        found = self.window.lease(now, limit)
        expected = [item for item in self._unleased() if item.ready_at <= now][:limit]
        assert found == expected[: len(found)]
        if self.window.horizon is None:
            assert found == expected
        self.leased |= {item.id for item in found}

    @precondition(lambda self: self.disk)
    @rule(data=st.data(), ready_at=INSTANTS)
    def defer(self, data: st.DataObject, ready_at: float) -> None:
        item_id = data.draw(st.sampled_from(sorted(self.disk)))
        sequence, item = self.disk[item_id]
        self.disk[item_id] = sequence, msgspec.structs.replace(item, state=b"again", ready_at=ready_at)
        self.leased.discard(item_id)
        self.window.defer(item_id, b"again", ready_at)

    @precondition(lambda self: self.disk)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        item_id = data.draw(st.sampled_from(sorted(self.disk)))
        del self.disk[item_id]
        self.leased.discard(item_id)
        self.window.done(item_id)

    @precondition(lambda self: self.asked is None and self.window.wants_refill())
    @rule()
    def ask(self) -> None:
        """What happens until the disk answers may cut the window back."""
        self.asked = self.window.horizon

    @precondition(lambda self: self.asked is not None)
    @rule(limit=st.integers(1, 4))
    def answer(self, limit: int) -> None:
        since, self.asked = self.asked, None
        assert since is not None
        event("the window was cut back meanwhile" if since != self.window.horizon else "the answer fits")
        behind = sorted((item.ready_at, sequence, item) for sequence, item in self.disk.values())
        rows = [(sequence, item) for ready_at, sequence, item in behind if (ready_at, sequence) > since][:limit]
        horizon = (rows[-1][1].ready_at, rows[-1][0]) if len(rows) == limit else None
        self.window.refill(rows, since, horizon)

    def _unleased(self) -> list[WorkItem]:
        waiting = [(item.ready_at, sequence) for sequence, item in self.disk.values() if item.id not in self.leased]
        by_sequence = {sequence: item for sequence, item in self.disk.values()}
        return [by_sequence[sequence] for _, sequence in sorted(waiting)]

    @invariant()
    def everything_up_to_the_horizon_is_in_memory(self) -> None:
        horizon = self.window.horizon
        expected = [
            item.id for item in self._unleased() if horizon is None or (item.ready_at, self.disk[item.id][0]) <= horizon
        ]
        waiting = sorted(place for place in self.window._heap if place[2].waiting)
        assert [entry.item.id for _, _, entry in waiting] == expected
        assert len(self.window) == len(expected)


TestWindowOnDisk = WindowOnDisk.TestCase
TestWindowOnDisk.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_an_answer_to_a_window_that_was_cut_back_meanwhile_is_dropped() -> None:
    window = Window(Bounds(2, 1_000_000), horizon=(10.0, 0))
    for sequence in range(1, 6):
        window.put(_item(str(sequence), float(sequence)), sequence)
    assert window.horizon == (2.0, 2)
    window.refill([(9, _item("9", 11.0))], (10.0, 0), None)
    assert window.horizon == (2.0, 2)
    assert [item.id for item in window.lease(99.0, 9)] == ["1", "2"]


def test_a_new_window_over_an_old_queue_vouches_for_nothing() -> None:
    window = Window(Bounds(2, 1_000_000), BEFORE_ALL)
    window.put(_item("new", 0.0), 7)
    assert window.lease(99.0, 9) == []
    assert window.wants_refill()
