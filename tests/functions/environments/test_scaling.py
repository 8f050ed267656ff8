"""How many environments to start for what waits: cases, and bounds that always hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callpark.functions.environments.scaling import Demand, environments_to_start, useful_environments

pytestmark = pytest.mark.unit

NO_OP = Demand(1000, 2, 0, 0.000_4, 0.5, 0.012, 2)
SLOW = Demand(99, 1, 0, 0.05, 0.01, 0.012, 2)
COMPUTING = Demand(1000, 2, 0, 0.05, 1.0, 0.012, 2)


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        (replace(NO_OP, waiting=0), 0),
        (replace(NO_OP, busy=0), 1),
        (replace(NO_OP, waiting=10), 0),
        (NO_OP, 4),  # three for each processor, so that the server can take several answers in one turn
        (replace(NO_OP, busy=1), 5),
        (replace(NO_OP, busy=6), 0),
        (replace(NO_OP, server_share=0.9), 4),
        (SLOW, 8),
        (replace(SLOW, starting=8), 0),
        (replace(SLOW, waiting=3), 3),
        (replace(SLOW, server_share=0.95), 0),
        (replace(SLOW, busy=0, server_share=1.0), 1),
        (replace(SLOW, server_late_seconds=0.03), 1),  # a handler for each core: what they wait for is the server
        (replace(SLOW, busy=3, server_share=0.6), 8),
        (replace(SLOW, busy=6, server_share=0.6, run_seconds=0.005, waiting=900), 0),  # most of it may be the server's
        (replace(SLOW, busy=2, server_share=0.6, run_seconds=0.005, waiting=900), 4),
        (COMPUTING, 0),
        (replace(COMPUTING, busy=1), 1),
    ],
)
def test_cases(demand: Demand, expected: int) -> None:
    assert environments_to_start(demand) == expected


def test_sleeping_handlers_are_worth_an_environment_each() -> None:
    assert useful_environments(replace(SLOW, compute_share=0.0)) == SLOW.busy + SLOW.waiting


demands = st.builds(
    Demand,
    st.integers(0, 10_000),
    st.integers(0, 300),
    st.integers(0, 50),
    st.floats(0, 900),
    st.floats(0, 1),
    st.floats(0.001, 10),
    st.integers(1, 128),
    st.floats(0, 1),
)


@given(demands)
def test_never_more_than_what_waits_and_never_nobody_for_it(demand: Demand) -> None:
    started = environments_to_start(demand)
    assert 0 <= started <= max(0, demand.waiting - demand.starting) or (
        demand.busy + demand.starting == 0 and started == 1
    )
    if demand.waiting:
        assert demand.busy + demand.starting + started > 0
