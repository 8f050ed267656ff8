"""The model behind the figures of 10 and 100 nodes: where its answer can be told beforehand, it is that."""

from dataclasses import replace

import pytest
from bench.cluster_simulation import Costs, Part, Shape, reached, simulated

pytestmark = pytest.mark.unit

#: An event costs its node 1 ms, the stream 100 µs, and waits 2 ms for the servers.
COSTS = Costs(1e-3, Part(0.0, 20e-6), 1e-6, Part(0.0, 100e-6), Part(0.0, 2e-6), (0.002,))
EVENTS = 500


def test_the_same_seed_gives_the_same_answer() -> None:
    shape = Shape(3, 1.0, rate=500.0)
    assert simulated(COSTS, shape, seed=4, events=EVENTS) == simulated(COSTS, shape, seed=4, events=EVENTS)
    assert simulated(COSTS, shape, seed=4, events=EVENTS) != simulated(COSTS, shape, seed=5, events=EVENTS)


def test_an_idle_cluster_answers_after_what_the_way_takes() -> None:
    found = simulated(COSTS, Shape(10, 1.0, rate=20.0), events=EVENTS)
    accepting, keeping = 0.4 * COSTS.own, COSTS.leader.of(1, 0.5) + COSTS.replica.of(1, 0.5)
    assert found.p50 == pytest.approx(accepting + keeping + 0.002, rel=0.02)


def test_few_nodes_are_limited_by_their_loops_and_many_by_the_stream() -> None:
    few, many = reached(COSTS, Shape(2, 0.5)), reached(COSTS, Shape(40, 1 / 40))
    assert (few.limit, many.limit) == ("loops", "stream")
    assert 1_500 < few.rate < 2_050
    assert 8_000 < many.rate < 10_500


def test_what_a_node_follows_it_has_no_time_for_otherwise() -> None:
    dear = replace(COSTS, followed=Part(0.0, 400e-6))
    assert reached(dear, Shape(4, 1.0)).rate < 0.7 * reached(dear, Shape(4, 0.25)).rate


def test_a_hundred_nodes_that_are_hardly_busy_answer_as_soon_as_ten() -> None:
    few, many = (simulated(COSTS, Shape(nodes, 1.0, rate=2_000.0), events=2_000) for nodes in (10, 100))
    assert many.node_busy < 0.1
    assert many.p99 <= few.p99


def test_messages_that_hold_more_events_cost_less_for_each() -> None:
    packed = replace(COSTS, leader=Part(1e-3, 10e-6), waits=(0.01,))
    assert reached(packed, Shape(4, 0.25)).rate > 2 * reached(packed, Shape(100, 0.01)).rate


def test_on_one_machine_everything_shares_its_cores() -> None:
    found = simulated(COSTS, Shape(2, 0.0, one_machine=True), events=EVENTS)
    each = COSTS.own + COSTS.handler + COSTS.leader.of(0, 1) + 2 * COSTS.replica.of(0, 1) + 40e-6
    assert found.rate == pytest.approx(2 / each, rel=0.1)
