"""GetMetricData, GetMetricStatistics, ListMetrics as the gateway calls them."""

import pytest

from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import MetricsLimits
from callpark.kernel.operations import Answer, Call
from callpark.metrics.api.operations import MetricOperations
from callpark.metrics.service import Metrics

pytestmark = pytest.mark.unit


class Scene:
    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.start = clock.now()
        self.metrics = Metrics(clock, MetricsLimits())
        for minute in range(10):
            for value in (1.0, 2.0, 9.0):
                self.metrics.add("Duration", "f", self.start + 60 * minute, value * (minute + 1))
            self.metrics.add("Invocations", "f", self.start + 60 * minute)
        self.metrics.add("Invocations", "g", self.start)

    async def call(self, operation: str, **parameters: object) -> dict[str, object]:
        call = Call("cloudwatch", operation, parameters, "r", Place())
        answer = await MetricOperations(self.metrics).table()["cloudwatch", operation](call)
        return dict(answer.members if isinstance(answer, Answer) else answer)

    async def statistics(self, **more: object) -> list[dict[str, object]]:
        asked: dict[str, object] = {
            "Namespace": "AWS/Lambda",
            "MetricName": "Duration",
            "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
            "StartTime": self.start,
            "EndTime": self.start + 600,
            "Period": 60,
            "Statistics": ["Sum"],
        }
        points = (await self.call("GetMetricStatistics", **{**asked, **more}))["Datapoints"]
        assert isinstance(points, list)
        return points

    async def data(self, *queries: dict[str, object], **more: object) -> tuple[list[dict[str, object]], object]:
        asked: dict[str, object] = {"StartTime": self.start, "EndTime": self.start + 600, "MetricDataQueries": queries}
        answer = await self.call("GetMetricData", **{**asked, **more, "MetricDataQueries": list(queries)})
        results = answer["MetricDataResults"]
        assert isinstance(results, list)
        return results, answer.get("NextToken")


def query(
    metric: str = "Invocations", function: str | None = "f", stat: str = "Sum", **more: object
) -> dict[str, object]:
    dimensions = [] if function is None else [{"Name": "FunctionName", "Value": function}]
    named = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": "q", "MetricStat": {"Metric": named, "Period": 60, "Stat": stat}, **more}


@pytest.fixture
def scene(clock: VirtualClock) -> Scene:
    return Scene(clock)


async def test_every_statistic_of_a_minute(scene: Scene) -> None:
    (first, *_) = await scene.statistics(
        Statistics=["SampleCount", "Sum", "Average", "Minimum", "Maximum"], ExtendedStatistics=["p50", "p99.9", "p100"]
    )
    extended = first.pop("ExtendedStatistics")
    assert first == {
        "Timestamp": scene.start,
        "Unit": "Milliseconds",
        "SampleCount": 3.0,
        "Sum": 12.0,
        "Average": 4.0,
        "Minimum": 1.0,
        "Maximum": 9.0,
    }
    assert extended == {"p50": pytest.approx(2, rel=0.02), "p99.9": pytest.approx(9, rel=0.02), "p100": 9.0}


async def test_periods_join_minutes(scene: Scene) -> None:
    found = await scene.statistics(Period=300)
    assert [(point["Timestamp"], point["Sum"]) for point in found] == [
        (scene.start, 12.0 * 15),
        (scene.start + 300, 12.0 * 40),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"Namespace": "AWS/SQS"},
        {"MetricName": "IteratorAge"},
        {"Unit": "Seconds"},
        {"Dimensions": [{"Name": "FunctionName", "Value": "nobody"}]},
        {"Dimensions": [{"Name": "ExecutedVersion", "Value": "1"}]},
        {"Dimensions": [{"Name": "FunctionName", "Value": "f"}, {"Name": "Resource", "Value": "f:1"}]},
    ],
)
async def test_what_is_not_there_has_no_data(scene: Scene, more: dict[str, object]) -> None:
    assert await scene.statistics(**more) == []


async def test_the_unqualified_resource_is_the_function(scene: Scene) -> None:
    both = [{"Name": "FunctionName", "Value": "f"}, {"Name": "Resource", "Value": "f"}]
    assert await scene.statistics(Dimensions=both) == await scene.statistics()


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        ({"Period": 90}, "InvalidParameterValueException", "must be a multiple of 60"),
        ({"Period": 10}, "InvalidParameterValueException", "must be a multiple of 60"),
        ({"EndTime": 0.0}, "InvalidParameterCombinationException", "StartTime must be less than"),
        ({"Statistics": []}, "InvalidParameterCombinationException", "Statistics and ExtendedStatistics"),
        ({"ExtendedStatistics": ["tm90"]}, "InvalidParameterValueException", "does not compute the statistic tm90"),
        ({"ExtendedStatistics": ["IQM"]}, "InvalidParameterValueException", "does not compute the statistic IQM"),
        ({"ExtendedStatistics": ["median"]}, "InvalidParameterValueException", "is not supported"),
        ({"StartTime": 0.0}, "InvalidParameterCombinationException", "exceeds the limit of 1,440"),
    ],
)
async def test_statistics_that_are_refused(scene: Scene, more: dict[str, object], code: str, told: str) -> None:
    with pytest.raises(CallerError) as refused:
        await scene.statistics(**more)
    assert (refused.value.code, told in refused.value.message) == (code, True), refused.value.message


async def test_metric_data_newest_first_unless_asked(scene: Scene) -> None:
    (newest,), token = await scene.data(query())
    assert token is None
    assert newest["StatusCode"] == "Complete"
    assert newest["Label"] == "Invocations"
    assert newest["Timestamps"] == [scene.start + 60 * minute for minute in reversed(range(10))]
    assert newest["Values"] == [1.0] * 10
    (oldest,), _ = await scene.data(query(Label="mine"), ScanBy="TimestampAscending")
    assert oldest["Timestamps"] == [scene.start + 60 * minute for minute in range(10)]
    assert oldest["Label"] == "mine"


async def test_metric_data_of_all_functions(scene: Scene) -> None:
    (result,), _ = await scene.data(query(function=None), ScanBy="TimestampAscending")
    assert result["Values"] == [2.0] + [1.0] * 9


async def test_metric_data_in_pages(scene: Scene) -> None:
    queries = [{**query(), "Id": "a"}, {**query(stat="SampleCount"), "Id": "b", "ReturnData": False}, query("Duration")]
    found: dict[object, list[object]] = {"a": [], "q": []}
    more: dict[str, object] = {}
    pages = 0
    while True:
        results, token = await scene.data(*queries, MaxDatapoints=6, **more)
        pages += 1
        before = sum(map(len, found.values()))
        for result in results:
            values = result["Timestamps"]
            assert isinstance(values, list)
            found[result["Id"]] += values
        assert sum(map(len, found.values())) - before <= 6
        if token is None:
            break
        more = {"NextToken": token}
    assert pages == 4
    wanted = [scene.start + 60 * minute for minute in reversed(range(10))]
    assert found == {"a": wanted, "q": wanted}


@pytest.mark.parametrize(
    ("asked", "more", "told"),
    [
        ({"Id": "e", "Expression": "SUM(METRICS())"}, {}, "metric math"),
        (query(AccountId="1"), {}, "AccountId"),
        ({"Id": "e"}, {}, "must have either MetricStat or Expression"),
        (query(Label="${PROP('MetricName')}"), {}, "dynamic labels"),
        (query(), {"LabelOptions": {"Timezone": "+0100"}}, "LabelOptions"),
        (query(), {"EndTime": 0.0}, "StartTime must be less than"),
        (query(), {"NextToken": "x"}, "token"),
        (query(stat="p101"), {}, "is not supported"),
    ],
)
async def test_metric_data_that_is_refused(
    scene: Scene, asked: dict[str, object], more: dict[str, object], told: str
) -> None:
    with pytest.raises(CallerError, match=told.replace("(", r"\(")):
        await scene.data(asked, **more)


async def test_ids_must_be_unique(scene: Scene) -> None:
    with pytest.raises(CallerError, match="must be unique"):
        await scene.data(query(), query())


async def test_metrics_are_listed_under_the_dimensions_lambda_uses(scene: Scene) -> None:
    listed = (await scene.call("ListMetrics", Namespace="AWS/Lambda", MetricName="Duration"))["Metrics"]
    assert listed == [
        {"Namespace": "AWS/Lambda", "MetricName": "Duration", "Dimensions": dimensions}
        for dimensions in (
            [],
            [{"Name": "FunctionName", "Value": "f"}],
            [{"Name": "FunctionName", "Value": "f"}, {"Name": "Resource", "Value": "f"}],
        )
    ]
    of_g = (await scene.call("ListMetrics", Dimensions=[{"Name": "FunctionName", "Value": "g"}]))["Metrics"]
    assert isinstance(of_g, list)
    assert {metric["MetricName"] for metric in of_g} == {"Invocations"}
    assert (await scene.call("ListMetrics", Namespace="AWS/SQS"))["Metrics"] == []
    assert (await scene.call("ListMetrics", OwningAccount="999999999999"))["Metrics"] == []
    assert len((await scene.call("ListMetrics", RecentlyActive="PT3H"))["Metrics"]) == 8  # type: ignore[arg-type]
    await scene.clock.advance(4 * 3600)
    assert (await scene.call("ListMetrics", RecentlyActive="PT3H"))["Metrics"] == []
