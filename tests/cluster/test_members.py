"""Who owns what, and who is a member: the pure part."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.cluster import members
from callpark.cluster.members import Beat, Member, Standing, View
from callpark.kernel.limits import ClusterLimits

pytestmark = pytest.mark.unit

LIMITS = ClusterLimits()
A, B, C = (Member(f"{name}-1", name, f"http://{name}") for name in "abc")


def _view(epoch: int, *who: Member) -> View:
    return View(epoch, who)


def _beat(member: Member, number: int = 1, epoch: int = 0, heard: dict[str, int] | None = None) -> Beat:
    return Beat(member, number, "up", epoch, epoch, heard or {})


def test_nobody_owns_anything_without_members() -> None:
    assert members.owner(View(), ("queue", "orders")) is None


def test_things_are_shared_out_evenly() -> None:
    view = _view(1, A, B, C)
    counts = Counter(owner.name for n in range(3_000) if (owner := members.owner(view, ("queue", f"q{n}"))))
    assert all(900 < count < 1_100 for count in counts.values()), counts


@given(st.integers(0, 10_000), st.integers(2, 9))
def test_a_member_more_moves_only_what_becomes_its_own(number: int, size: int) -> None:
    crowd = [Member(f"n{n}-1", f"n{n}", "") for n in range(size + 1)]
    key = ("queue", f"q{number}")
    before, after = members.owner(View(1, tuple(crowd[:-1])), key), members.owner(View(2, tuple(crowd)), key)
    assert after in (before, crowd[-1])


def test_another_life_of_a_node_owns_what_the_last_one_owned() -> None:
    again = Member("b-2", "b", "http://b")
    for number in range(100):
        before = members.owner(_view(1, A, B, C), ("contact", str(number)))
        after = members.owner(_view(2, A, again, C), ("contact", str(number)))
        assert before is not None
        assert after is not None
        assert before.name == after.name


def test_a_newcomer_holds_nothing_before_all_have_let_go() -> None:
    key = next(key for n in range(100) if members.owner(_view(2, A, B), key := ("queue", f"q{n}")) == B)
    b = members.listened(Standing(B, "up"), _beat(A, 5, epoch=1), 10.0)
    b, _ = members.beaten(b, 10.0)
    b = members.let_go(members.looked(b, _view(2, A, B), 10.0), 2)
    b = members.listened(b, Beat(A, 6, "up", 2, 1, {B.id: 1}), 10.1)
    assert not members.holds(b, key, 10.1, LIMITS)
    b = members.listened(b, Beat(A, 7, "up", 2, 2, {B.id: 1}), 10.2)
    assert members.holds(b, key, 10.2, LIMITS)


def test_what_a_member_owned_before_it_keeps_without_a_pause() -> None:
    key = next(key for n in range(100) if members.owner(_view(2, A, B), key := ("queue", f"q{n}")) == A)
    a = members.let_go(members.looked(Standing(A, "up"), _view(1, A), 0.0), 1)
    assert members.holds(a, key, 0.1, LIMITS)
    a, beat = members.beaten(a, 0.1)
    a = members.listened(a, _beat(B, 1, heard={A.id: beat.number}), 0.1)
    a = members.looked(a, _view(2, A, B), 0.2)
    assert a.settled == 1
    assert members.holds(a, key, 0.2, LIMITS)


def test_a_node_that_most_have_not_heard_acts_no_more_before_they_leave_it_out() -> None:
    assert LIMITS.fence_seconds + LIMITS.beat_seconds <= LIMITS.silence_seconds
    view = _view(1, A, B, C)
    a = members.looked(Standing(A, "up"), view, 0.0)
    a, beat = members.beaten(a, 0.0)
    for other in (B, C):
        a = members.listened(a, _beat(other, 1, 1, {A.id: beat.number}), 0.1)
    assert not members.fenced(a, 2.0, LIMITS)
    assert members.fenced(a, 2.1, LIMITS)
    b = members.looked(members.listened(Standing(B, "up"), beat, 0.0), view, 0.0)
    assert members.alive(b, A.id, 3.0, LIMITS)
    assert not members.alive(b, A.id, 3.1, LIMITS)


def test_what_another_has_heard_counts_as_heard() -> None:
    b = members.looked(Standing(B, "up"), _view(1, A, B, C), 0.0)
    b = members.listened(b, _beat(A, 1, 1), 0.0)
    b = members.listened(b, _beat(C, 1, 1, {A.id: 4}), 2.9)
    assert members.alive(b, A.id, 5.0, LIMITS)


def test_one_that_sleeps_does_not_blame_the_others() -> None:
    b = members.ticked(members.looked(Standing(B, "up"), _view(1, A, B), 0.0), 0.0, LIMITS)
    b = members.ticked(members.listened(b, _beat(A, 1, 1), 0.0), 60.0, LIMITS)
    assert members.alive(b, A.id, 60.0, LIMITS)


def test_one_that_was_left_out_is_not_taken_back_under_its_old_id() -> None:
    b = members.looked(Standing(B, "up"), _view(2, B), 0.0)
    b = members.listened(b, _beat(A, 9, epoch=1), 0.1)
    assert members.proposal(b, 0.2, LIMITS) is None
    b = members.listened(b, _beat(Member("a-2", "a", ""), 1), 0.3)
    assert members.proposal(b, 0.4, LIMITS) is None, "a-2 comes first, so it is a-2's turn to write"
    late = members.listened(b, _beat(Member("c-2", "c", ""), 1), 0.3)
    proposal = members.proposal(late, 5.0, LIMITS)
    assert proposal is None or [each.id for each in proposal.members] == ["b-1"]


def test_who_leaves_stays_until_it_has_let_go() -> None:
    a = members.looked(Standing(A, "up"), _view(1, A, B), 0.0)
    a = members.listened(a, Beat(B, 1, "leaving", 1, 1, {}), 0.1)
    view = members.proposal(a, 0.2, LIMITS)
    assert view == View(2, (A,), (B,))
    a = members.let_go(members.looked(a, view, 0.2), 2)
    assert a.settled != 2
    assert members.proposal(a, 0.3, LIMITS) is None
    a = members.listened(a, Beat(B, 2, "leaving", 2, 2, {}), 0.4)
    assert a.settled == 2
    assert members.proposal(a, 0.5, LIMITS) == View(3, (A,))


class TestProtocols:
    """D speaks what the others do not."""

    D = Member("d-1", "d", "http://d", "9", 2)

    def test_all_speak_what_the_oldest_member_speaks(self) -> None:
        a = members.looked(Standing(A, "up"), _view(1, A), 0.0)
        a = members.listened(a, _beat(self.D), 0.1)
        assert members.proposal(a, 0.2, LIMITS) == View(2, (A, self.D), (), 1)

    def test_when_the_last_old_one_has_left_the_new_protocol_is_spoken(self) -> None:
        d = members.looked(Standing(self.D, "up"), View(4, (A, self.D)), 0.0)
        assert members.proposal(d, LIMITS.silence_seconds + 1, LIMITS) == View(5, (self.D,), (), 2)

    def test_one_that_does_not_speak_it_is_not_taken_in_and_writes_no_view(self) -> None:
        view = View(5, (self.D,), (), 2)
        d = members.listened(members.looked(Standing(self.D, "up"), view, 0.0), _beat(A), 0.1)
        assert members.proposal(d, 0.2, LIMITS) is None
        a = members.looked(Standing(A, "up"), view, 0.0)
        assert members.outdated(a)
        assert members.proposal(a, 10.0, LIMITS) is None

    def test_what_a_view_says_it_says_for_ever(self) -> None:
        d = members.looked(Standing(self.D, "up"), View(5, (self.D,), (), 2), 0.0)
        newest = Member("e-1", "e", "", "", 3)
        proposal = members.proposal(members.listened(d, _beat(newest), 0.1), 0.2, LIMITS)
        assert proposal is not None
        assert proposal.protocol == 2
