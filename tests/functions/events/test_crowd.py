"""How functions share the machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.functions.events.crowd import Crowd, event_share

pytestmark = pytest.mark.unit


@given(st.integers(1, 1000), st.integers(0, 300))
def test_shares_leave_a_quarter_and_never_starve(capacity: int, members: int) -> None:
    share = event_share(capacity, members)
    assert share >= 1
    assert share == 1 or share * max(1, members) <= capacity * 3 / 4


class Waiter:
    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


def test_capacity_goes_to_who_waits_longest() -> None:
    crowd, first, second = Crowd(16), Waiter(), Waiter()
    assert crowd.share == 12
    for member in (first, second):
        crowd.join(member)
        crowd.wait(member)
    assert crowd.share == 6
    assert [crowd.wake_next(), crowd.wake_next(), crowd.wake_next()] == [first, second, None]
    assert (first.woken, second.woken) == (1, 1)
    crowd.wait(first)
    crowd.leave(first)
    assert crowd.wake_next() is None
    assert crowd.share == 12
