"""What Event APIs tell the trace, as CloudWatch counts it."""

from collections import defaultdict

import pytest

from callpark.channel_metrics import ChannelMetrics
from callpark.graphql.channels import happenings as told
from callpark.kernel.clock import VirtualClock
from callpark.kernel.trace import Happening, Trace
from callpark.metrics.model import EVENT_APIS

pytestmark = pytest.mark.unit

NAMESPACE = "api:ns"


class Sink:
    def __init__(self) -> None:
        self.sums: dict[tuple[str, str], float] = defaultdict(float)
        self.last: dict[tuple[str, str], float] = {}

    def add(self, metric: str, resource: str, at: float, value: float = 1.0) -> None:
        assert metric in EVENT_APIS.metrics
        self.sums[metric, resource] += value
        self.last[metric, resource] = value

    def level(self, metric: str, resource: str, value: float) -> None:
        raise AssertionError("no level is set")


def counted(*happenings: Happening) -> Sink:
    sink = Sink()
    trace = Trace(VirtualClock(60.0))
    trace.hear(ChannelMetrics(sink).readers)
    for happening in happenings:
        trace.emit(happening)
    return sink


@pytest.mark.parametrize(
    ("happening", "place", "sums"),
    [
        (
            told.EventsPublished("api", "/ns/a", 5, 1, (4_999, 5_001, 3), 9, 0, handled=True),
            NAMESPACE,
            {
                "PublishedHandlerInvocations": 1,
                "DroppedEvents": 1,
                "FailedEvents": 1,
                "SuccessfulEvents": 3,
                "InboundMessages": 5,
                "BroadcastEventSuccess": 9,
                "BroadcastEventSize": 10_003,
                "OutboundMessages": 12,
            },
        ),
        (
            told.EventsPublished("api", "/ns", 1, 0, (), 0, 2),
            NAMESPACE,
            {
                "FailedEvents": 0,
                "SuccessfulEvents": 0,
                "InboundMessages": 1,
                "BroadcastEventSuccess": 0,
                "BroadcastEventClientError": 2,
            },
        ),
        (
            told.RequestServed("api", 401, 0.25),
            "api",
            {"Requests": 1, "TokensConsumed": 1, "4XXError": 1, "5XXError": 0, "Latency": 250},
        ),
        (
            told.RequestServed("api", 500, 0.0),
            "api",
            {"Requests": 1, "TokensConsumed": 1, "4XXError": 0, "5XXError": 1, "Latency": 0},
        ),
        (told.MessageServed("api", "/ns/a", 200), NAMESPACE, {"PublishSuccess": 1}),
        (told.MessageServed("api", "/ns/a", 403), NAMESPACE, {"PublishClientError": 1}),
        (told.MessageServed("api", "/ns/a", 500), NAMESPACE, {"PublishServerError": 1}),
        (told.ChannelSubscribed("api", "/ns/*"), NAMESPACE, {"SubscribeSuccess": 1, "ActiveSubscriptions": 1}),
        (
            told.ChannelSubscribed("api", "/ns/a", handled=True),
            NAMESPACE,
            {"SubscribeSuccess": 1, "SubscribeHandlerInvocations": 1, "ActiveSubscriptions": 1},
        ),
        (told.SubscriptionDenied("api", "/ns/a", 401), NAMESPACE, {"SubscribeClientError": 1}),
        (told.SubscriptionDenied("api", "/ns/a", 500), NAMESPACE, {"SubscribeServerError": 1}),
        (
            told.ConnectionJudged("api", 200),
            "api",
            {"ConnectRequests": 1, "ConnectSuccess": 1, "ActiveConnections": 1},
        ),
        (told.ConnectionJudged("api", 401), "api", {"ConnectRequests": 1, "ConnectClientError": 1}),
        (told.ConnectionJudged("api", 500), "api", {"ConnectRequests": 1, "ConnectServerError": 1}),
    ],
)
def test_what_a_happening_adds(happening: Happening, place: str, sums: dict[str, float]) -> None:
    assert counted(happening).sums == {(metric, place): value for metric, value in sums.items()}


def test_what_is_open_rises_and_falls() -> None:
    joined, left = told.ChannelSubscribed("api", "/ns/a"), told.ChannelUnsubscribed("api", "/ns/a")
    came, went = told.ConnectionJudged("api", 200), told.ConnectionEnded("api", 1.5)
    sink = counted(came, joined, joined, left, came, went, told.ConnectionJudged("other", 200))
    assert sink.last["ActiveSubscriptions", NAMESPACE] == 1
    assert sink.last["ActiveConnections", "api"] == 1
    assert sink.sums["UnsubscribeSuccess", NAMESPACE] == 1
    assert (sink.sums["DisconnectSuccess", "api"], sink.sums["ConnectionDuration", "api"]) == (1, 1_500)
