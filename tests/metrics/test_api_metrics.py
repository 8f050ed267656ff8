"""AppSync's metrics beside Lambda's: by API, asked for by their own namespace."""

import pytest

from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import MetricsLimits
from callpark.kernel.operations import Answer, Call
from callpark.metrics.api.operations import MetricOperations
from callpark.metrics.exposition import exposition
from callpark.metrics.model import APPSYNC, BEDROCK, EVENT_APIS
from callpark.metrics.service import Metrics

pytestmark = pytest.mark.unit


class Scene:
    def __init__(self, clock: VirtualClock) -> None:
        self.start = clock.now()
        self.functions = Metrics(clock, MetricsLimits())
        self.apis = Metrics(clock, MetricsLimits(), APPSYNC)
        self.functions.add("Invocations", "f", self.start)
        for value in (5.0, 15.0):
            self.apis.add("Latency", "api", self.start, value)
            self.apis.add("Requests", "api", self.start)
        self.apis.add("4XXError", "other", self.start)
        self.channels = Metrics(clock, MetricsLimits(), EVENT_APIS)

    async def call(self, operation: str, **parameters: object) -> dict[str, object]:
        call = Call("cloudwatch", operation, parameters, "r", Place())
        answer = await MetricOperations(self.functions, self.apis, self.channels).table()["cloudwatch", operation](call)
        return dict(answer.members if isinstance(answer, Answer) else answer)

    async def sum(self, namespace: str, metric: str, **dimensions: str) -> list[float]:
        answer = await self.call(
            "GetMetricStatistics",
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=self.start,
            EndTime=self.start + 60,
            Period=60,
            Statistics=["Sum"],
        )
        points = answer["Datapoints"]
        assert isinstance(points, list)
        return [point["Sum"] for point in points]


async def test_each_namespace_has_its_own(clock: VirtualClock) -> None:
    scene = Scene(clock)
    assert await scene.sum("AWS/AppSync", "Latency", GraphQLAPIId="api") == [20.0]
    assert await scene.sum("AWS/AppSync", "4XXError", GraphQLAPIId="other") == [1.0]
    assert await scene.sum("AWS/Lambda", "Invocations", FunctionName="f") == [1.0]
    for namespace, metric, dimensions in (
        ("AWS/AppSync", "Latency", {}),
        ("AWS/AppSync", "Latency", {"GraphQLAPIId": "nobody"}),
        ("AWS/AppSync", "Latency", {"GraphQLAPIId": "api", "Resolver": "r"}),
        ("AWS/AppSync", "Latency", {"FunctionName": "api"}),
        ("AWS/AppSync", "Invocations", {"GraphQLAPIId": "api"}),
        ("AWS/Lambda", "Requests", {"FunctionName": "api"}),
        ("AWS/SQS", "Requests", {"GraphQLAPIId": "api"}),
    ):
        assert await scene.sum(namespace, metric, **dimensions) == []


async def test_what_there_is_is_listed(clock: VirtualClock) -> None:
    listed = (await Scene(clock).call("ListMetrics", Namespace="AWS/AppSync"))["Metrics"]
    assert isinstance(listed, list)
    assert [(each["MetricName"], each["Dimensions"]) for each in listed] == [
        ("Requests", [{"Name": "GraphQLAPIId", "Value": "api"}]),
        ("4XXError", [{"Name": "GraphQLAPIId", "Value": "other"}]),
        ("Latency", [{"Name": "GraphQLAPIId", "Value": "api"}]),
    ]
    everything = (await Scene(clock).call("ListMetrics"))["Metrics"]
    assert isinstance(everything, list)
    assert {each["Namespace"] for each in everything} == {"AWS/Lambda", "AWS/AppSync"}


def test_prometheus_sees_both(clock: VirtualClock) -> None:
    scene = Scene(clock)
    text = exposition(scene.functions, scene.apis)
    assert 'aws_appsync_Requests_total{GraphQLAPIId="api"} 2' in text
    assert 'aws_appsync_Latency_milliseconds_sum{GraphQLAPIId="api"} 20' in text
    assert 'aws_lambda_Invocations_total{FunctionName="f"} 1' in text


def test_an_id_of_a_model_is_one_name(clock: VirtualClock) -> None:
    """What follows a colon is a function's version, and part of a model's id."""
    models = Metrics(clock, MetricsLimits(), BEDROCK)
    models.add("Invocations", "amazon.nova-lite-v1:0", clock.now())
    assert models.functions() == ["amazon.nova-lite-v1:0"]
    assert 'aws_bedrock_Invocations_total{ModelId="amazon.nova-lite-v1:0"} 1' in exposition(models)


async def test_event_apis_share_the_namespace_and_have_dimensions_of_their_own(clock: VirtualClock) -> None:
    scene = Scene(clock)
    scene.channels.add("Requests", "api", scene.start)
    for name, value in (("chat", 2.0), ("jobs", 3.0)):
        scene.channels.add("SuccessfulEvents", f"api:{name}", scene.start, value)
    assert await scene.sum("AWS/AppSync", "Requests", EventAPIId="api") == [1.0]
    assert await scene.sum("AWS/AppSync", "Requests", GraphQLAPIId="api") == [2.0]
    assert await scene.sum("AWS/AppSync", "SuccessfulEvents", EventAPIId="api", ChannelNamespaceName="jobs") == [3.0]
    for dimensions in (
        {"EventAPIId": "api"},
        {"EventAPIId": "api", "ChannelNamespaceName": "nobody"},
        {"ChannelNamespaceName": "jobs"},
        {"EventAPIId": "api", "ChannelNamespaceName": "jobs", "More": "x"},
    ):
        assert await scene.sum("AWS/AppSync", "SuccessfulEvents", **dimensions) == []
    listed = (await scene.call("ListMetrics", MetricName="SuccessfulEvents"))["Metrics"]
    assert isinstance(listed, list)
    assert [{each["Name"]: each["Value"] for each in one["Dimensions"]} for one in listed] == [
        {"EventAPIId": "api", "ChannelNamespaceName": "chat"},
        {"EventAPIId": "api", "ChannelNamespaceName": "jobs"},
    ]
    assert 'aws_appsync_events_SuccessfulEvents_total{EventAPIId="api"} 5' in exposition(scene.channels)
