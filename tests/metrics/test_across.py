"""What several nodes have recorded is one series: as if one node had recorded all of it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import MetricsLimits
from callpark.kernel.others import Gathered, Members
from callpark.metrics.across import Across, Wants
from callpark.metrics.service import Metrics
from callpark.metrics.statistics import statistic

pytestmark = pytest.mark.unit


class Others:
    """Other nodes, asked through MessagePack as over HTTP."""

    name = "n0"

    def __init__(self, nodes: dict[str, Across], silent: tuple[str, ...] = ()) -> None:
        self.nodes = nodes
        self.silent = silent

    async def ask(self, question: str, members: Members) -> Gathered:
        asked = msgspec.msgpack.decode(msgspec.msgpack.encode(members))
        said = {}
        for name, node in self.nodes.items():
            answer = await node.questions()[question](asked)
            said[name] = msgspec.msgpack.decode(msgspec.msgpack.encode(answer))
        return Gathered(said, self.silent)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 240), st.floats(0.1, 10_000)), min_size=1, max_size=60))
async def test_every_statistic_is_that_of_all_values_together(values: list[tuple[int, int, float]]) -> None:
    clock = VirtualClock()
    start = clock.now()
    nodes = [Metrics(clock, MetricsLimits()) for _ in range(3)]
    alone = Metrics(clock, MetricsLimits())
    for node, second, value in values:
        for metrics in (nodes[node], alone):
            metrics.add("Duration", "f", start + second, value)
    others = Others({f"n{number}": Across([nodes[number]]) for number in (1, 2)})
    asked = [Wants("aws_lambda_", "Duration", "f", start, start + 300, period) for period in (60, 300)]
    found, silent = await Across([nodes[0]], others).datapoints(asked)
    assert silent == ()
    for want, points in zip(asked, found, strict=True):
        expected = alone.datapoints("Duration", "f", want.start, want.end, want.period)
        assert [point.at for point in points] == [point.at for point in expected]
        for name in ("SampleCount", "Sum", "Average", "Minimum", "Maximum", "p50", "p99"):
            value_of = statistic(name)
            assert value_of is not None
            assert [value_of(point.bucket) for point in points] == pytest.approx(
                [value_of(point.bucket) for point in expected]
            )


async def test_what_another_version_does_not_record_is_nothing() -> None:
    clock = VirtualClock()
    found, silent = await Across([Metrics(clock, MetricsLimits())], Others({}, ("n1",))).datapoints(
        [Wants("aws_lambda_", "NoSuchMetric", "f", clock.now(), clock.now() + 60, 60)]
    )
    assert (found, silent) == ([[]], ("n1",))
