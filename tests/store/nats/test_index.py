"""What a node knows of all items, who lives, and what it takes: pure."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.kernel.limits import StoreLimits
from callpark.store.nats.claims import choose, preferred
from callpark.store.nats.index import Entry, Index
from callpark.store.nats.membership import Membership
from callpark.store.nats.records import Head, ItemHead, Message
from callpark.store.ports import BEFORE_ALL

pytestmark = pytest.mark.unit


def item(sequence: int, item_id: str = "i", holder: str = "a") -> Message:
    return Message(f"q.{item_id}", sequence, "t", ItemHead(0.0, sequence, holder, 0))


def gone(sequence: int) -> Message:
    return Message("q.i", sequence, "t", None)


def head(message: Message) -> ItemHead:
    assert isinstance(message.head, ItemHead)
    return message.head


def ids(entries: Iterable[Entry]) -> list[str]:
    return [entry.id for entry in entries]


class TestIndex:
    @given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([None, 1.0, 2.0, 3.0])), max_size=400))
    def test_items_stand_in_order_however_they_come_and_go(self, written: list[tuple[str, float | None]]) -> None:
        index, expected = Index(), dict[str, tuple[float, int]]()
        for at, (item_id, ready_at) in enumerate(written, 1):
            if ready_at is None:
                index.remove("q", item_id, at)
                expected.pop(item_id, None)
            else:
                sequence = expected[item_id][1] if item_id in expected else at
                index.set("q", item_id, ItemHead(ready_at, sequence, "-", 0), at)
                expected[item_id] = ready_at, sequence
        order = sorted(expected, key=lambda item_id: expected[item_id])
        assert ids(index.after("q", BEFORE_ALL)) == order
        assert ids(index.after("q", (2.0, 2**60))) == [item_id for item_id in order if expected[item_id][0] > 2.0]
        assert index.count("q") == len(order)
        assert len(index.queues["q"]._order if order else []) <= max(64, 2 * len(order) + 1)

    def test_what_this_node_wrote_is_known_before_the_follower_brings_it(self) -> None:
        index = Index()
        index.set("q", "i", head(item(5)), 5)
        assert not index.hear("q", "i", item(5))
        assert not index.hear("q", "i", item(4)), "late"
        assert index.sequence_of("q", "i") == 5

    def test_what_this_node_removed_does_not_come_back_with_the_follower(self) -> None:
        index = Index()
        index.set("q", "i", head(item(5)), 5)
        index.remove("q", "i", 8)
        assert not index.hear("q", "i", item(5))
        assert index.find("q", "i") is None
        assert index.sequence_of("q", "i") == 8, "a put expects the tombstone"
        assert not index.hear("q", "i", gone(8))
        assert index.sequence_of("q", "i") == 0, "nobody has to remember it any longer"
        assert index.hear("q", "i", item(9))

    def test_everything_again_drops_what_is_not_brought(self) -> None:
        index = Index()
        for sequence, item_id in enumerate(["gone", "stays", "own"], 1):
            index.set("q", item_id, head(item(sequence, item_id)), sequence)
        index.begin_again()
        index.hear("q", "stays", item(2, "stays"))
        assert [entry.id for entry in index.end_again(2)] == ["gone"]
        assert [entry.id for entry in index.after("q", BEFORE_ALL)] == ["stays", "own"], (
            "what was written since is to come"
        )

    @given(st.lists(st.tuples(st.sampled_from("ij"), st.booleans()), max_size=20), st.data())
    def test_in_whatever_order_own_and_brought_meet_the_last_message_counts(
        self, written: list[tuple[str, bool]], data: st.DataObject
    ) -> None:
        """The follower brings all in order; some were applied before by the writer."""
        own = data.draw(st.sets(st.integers(1, 20)))
        index, last = Index(), dict[str, int]()
        ahead = data.draw(st.integers(0, 20))
        for sequence, (item_id, is_there) in enumerate(written, 1):
            if sequence in own and sequence <= ahead:
                if is_there:
                    index.set("q", item_id, head(item(sequence)), sequence)
                else:
                    index.remove("q", item_id, sequence)
        for sequence, (item_id, is_there) in enumerate(written, 1):
            what: Head = head(item(sequence)) if is_there else None
            index.hear("q", item_id, Message("", sequence, "t", what))
            last[item_id] = sequence if is_there else 0
        for item_id, expected in last.items():
            entry = index.find("q", item_id)
            assert (entry.at if entry else 0) == expected

    def test_what_nobody_living_holds_is_free(self) -> None:
        index = Index()
        index.live({"a"})
        for sequence, (item_id, holder) in enumerate([("1", "a"), ("2", "b"), ("3", "-")], 1):
            index.set("q", item_id, head(item(sequence, item_id, holder)), sequence)
        assert ids(index.free["q"]) == ["2", "3"]
        index.live({"b"})
        assert ids(index.free["q"]) == ["1", "3"]
        index.withdraw("q", "b", frozenset(), 2)
        assert "2" not in index.free["q"], "written since"
        index.withdraw("q", "b", frozenset({"2"}), 9)
        assert "2" not in index.free["q"], "still leased"
        index.withdraw("q", "b", frozenset(), 9)
        assert sorted(ids(index.free["q"])) == ["1", "2", "3"]
        for item_id in "123":
            index.remove("q", item_id, 10)
        assert not index.free
        assert not index.queues


class TestMembership:
    def test_silence_is_time_and_own_beats(self) -> None:
        members = Membership("me", silence_seconds=5.0, beat_seconds=1.0)
        members.hear("me", "m", 1, 0.0)
        assert members.hear("other", "o", 2, 0.0)
        assert [members.silent(at) for at in (1.0, 2.0, 3.0, 4.0, 5.0)] == [[]] * 5, "not long enough"
        assert [member.name for member in members.silent(5.1)] == ["other"]

    def test_after_the_servers_were_away_nobody_is_silent_yet(self) -> None:
        members = Membership("me", silence_seconds=5.0, beat_seconds=1.0)
        members.hear("other", "o", 2, 0.0)
        assert members.silent(60.0) == []
        assert not members.hear("other", "o", 9, 60.5), "the same life"
        assert members.silent(61.0) == []

    def test_a_new_life_and_an_end_change_the_living(self) -> None:
        members = Membership("me", 5.0, 1.0)
        members.hear("other", "o1", 2, 0.0)
        assert members.hear("other", "o2", 3, 0.0)
        assert members.living() == {"o2"}
        assert not members.hear("other", None, 3, 0.0), "late"
        assert members.hear("other", None, 4, 0.0)
        assert members.living() == set()


LIMITS = replace(StoreLimits(), claim_ahead_seconds=5.0, preference_seconds=0.1)


def entries(count: int, ready_at: float = 0.0) -> list[Entry]:
    return [Entry("q", str(n), ItemHead(ready_at + n, n, "-", 0), n) for n in range(1, count + 1)]


class TestChoice:
    def test_one_alone_takes_all_that_are_nearly_ready_the_earliest_first(self) -> None:
        choice = choose(entries(20), "a", {"a"}, 3, 10.0, 0.0, LIMITS)
        assert [entry.id for entry in choice.taken] == ["1", "2", "3"]
        assert choice.ready_at is None, "first what is nearly ready"
        later = choose(entries(20), "a", {"a"}, 500, 10.0, 0.0, LIMITS)
        assert (len(later.taken), later.ready_at) == (15, 11.0), "5 seconds before the sixteenth is ready"

    def test_several_take_different_ones_at_first_then_any(self) -> None:
        free, living = entries(100), {"a", "b", "c"}
        taken = {me: {e.id for e in choose(free, me, living, 500, 200.0, 1.0, LIMITS).taken} for me in living}
        assert set.union(*taken.values()) == {entry.id for entry in free}
        assert sum(map(len, taken.values())) == 100
        assert all(15 < len(ids) < 55 for ids in taken.values())
        again = choose(free, "a", living, 500, 200.0, 1.05, LIMITS)
        assert again.again_in == pytest.approx(0.05)
        assert len(choose(free, "a", living, 500, 200.0, 1.11, LIMITS).taken) == 100

    def test_without_room_nothing_is_taken(self) -> None:
        assert choose(entries(5), "a", {"a", "b"}, 0, 200.0, 1.0, LIMITS).taken == []
        assert choose(entries(5), "a", {"a", "b"}, -3, 200.0, 1.0, LIMITS).taken == []

    def test_a_node_that_goes_moves_only_its_own(self) -> None:
        for entry in entries(50):
            before = preferred(entry, {"a", "b", "c"})
            assert before == "c" or preferred(entry, {"a", "b"}) == before
