"""Slots: reserved, unreserved and provisioned concurrency (lambda.md §4.4, §8)."""

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callpark.functions.concurrency import Shares, Slots

pytestmark = pytest.mark.unit

RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT = "ConcurrentInvocationLimitExceeded"


def test_provisioned_equal_to_reserved_leaves_nothing_for_latest() -> None:
    """(recorded, §4.4)"""
    slots = Slots(1_000)
    slots.share(Shares({"f": 2}, {("f", "1"): 2}))
    assert slots.take("f") == RESERVED
    assert [slots.take("f", "1") for _ in range(3)] == [None, None, RESERVED]
    slots.give_back("f", "1")
    assert slots.take("f", "1") is None
    assert slots.running("f") == 2


def test_more_than_what_is_provisioned_spills_over() -> None:
    slots = Slots(3)
    slots.share(Shares({}, {("f", "1"): 1}))
    assert slots.unreserved() == 2
    assert [slots.take("f", "1") for _ in range(4)] == [None, None, None, ACCOUNT]
    assert slots.take("g") == ACCOUNT
    slots.give_back("f", "1")
    assert slots.take("g") is None


def test_what_runs_counts_where_it_now_belongs() -> None:
    slots = Slots(10)
    for _ in range(3):
        assert slots.take("f", "1") is None
    slots.share(Shares({"f": 4}, {("f", "1"): 2}))
    assert [slots.take("f") for _ in range(2)] == [None, RESERVED]
    slots.share(Shares({}, {}))
    assert slots.running("f") == 4
    for version in ("1", "1", "1", "$LATEST"):
        slots.give_back("f", version)
    assert slots.running("f") == 0
    assert [slots.take("g") for _ in range(11)].count(None) == 10


_COUNTS = st.integers(0, 3)


class SlotHistories(RuleBasedStateMachine):
    """Whatever is taken, given back and divided anew, nothing is counted twice or lost."""

    @initialize()
    def begin(self) -> None:
        self.slots = Slots(6)
        self.running: Counter[tuple[str, str]] = Counter()

    @rule(name=st.sampled_from("fg"), version=st.sampled_from(["$LATEST", "1", "2"]))
    def take(self, name: str, version: str) -> None:
        if self.slots.take(name, version) is None:
            self.running[name, version] += 1

    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        if held := sorted(+self.running):
            key = data.draw(st.sampled_from(held))
            self.slots.give_back(*key)
            self.running[key] -= 1

    @rule(reserved=st.dictionaries(st.sampled_from("fg"), _COUNTS),
          provisioned=st.dictionaries(st.tuples(st.sampled_from("fg"), st.sampled_from("12")), _COUNTS))  # fmt: skip
    def share(self, reserved: dict[str, int], provisioned: dict[tuple[str, str], int]) -> None:
        self.slots.share(Shares(reserved, provisioned))

    @invariant()
    def counted(self) -> None:
        for name in "fg":
            assert self.slots.running(name) == sum(n for (owner, _), n in self.running.items() if owner == name)

    def teardown(self) -> None:
        for (name, version), count in self.running.items():
            for _ in range(count):
                self.slots.give_back(name, version)
        self.slots.share(Shares({}, {}))
        assert [self.slots.take("f") for _ in range(7)].count(None) == 6


SlotHistories.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestSlotHistories = SlotHistories.TestCase
