"""Amazon CloudWatch's values as far as metrics of Lambda, AppSync and Bedrock need them: names, units, and one minute
of one series.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/appsync/latest/devguide/monitoring.html
https://docs.aws.amazon.com/appsync/latest/eventapi/cw-metrics.html
https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring.html
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

NAMESPACE = "AWS/Lambda"

Unit: TypeAlias = Literal["Count", "Milliseconds", "Bytes"]
Kind: TypeAlias = Literal["counter", "histogram", "gauge"]


@dataclass(frozen=True, slots=True)
class Metric:
    """`kind` says how Prometheus sees it; CloudWatch keeps all alike. `help` is one sentence."""

    name: str
    unit: Unit
    kind: Kind
    help: str


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("Invocations", "Count", "counter", "Runs of the function's code, failed ones included."),
        Metric("Errors", "Count", "counter", "Runs that ended in a function error."),
        Metric("Throttles", "Count", "counter", "Invocations that found no room."),
        Metric("Duration", "Milliseconds", "histogram", "How long the code ran."),
        Metric("ConcurrentExecutions", "Count", "gauge", "Runs at the same time."),
        Metric("AsyncEventsReceived", "Count", "counter", "Events that were accepted and stored."),
        Metric("AsyncEventAge", "Milliseconds", "histogram", "From the acceptance of an event to a run of it."),
        Metric("AsyncEventsDropped", "Count", "counter", "Events that were given up."),
        Metric("DeadLetterErrors", "Count", "counter", "Events that could not be sent to a dead-letter queue."),
        Metric("DestinationDeliveryFailures", "Count", "counter", "Records that could not be sent to a destination."),
        Metric("RecursiveInvocationsDropped", "Count", "counter", "Invocations stopped because they went in circles."),
    )
}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What one service publishes: under which namespace, by which dimension. `prefix` opens Prometheus's names. `inner`
    is a second dimension, whose value stands behind the first one's and a colon; metrics have either one or both."""

    namespace: str
    dimension: str
    prefix: str
    metrics: Mapping[str, Metric]
    inner: str | None = None


LAMBDA = Catalogue(NAMESPACE, "FunctionName", "aws_lambda_", METRICS)
APPSYNC = Catalogue(
    "AWS/AppSync",
    "GraphQLAPIId",
    "aws_appsync_",
    {
        metric.name: metric
        for metric in (
            Metric("Requests", "Count", "counter", "Queries and mutations over HTTP, refused ones included."),
            Metric("4XXError", "Count", "counter", "Requests that were refused for what the client sent."),
            Metric("5XXError", "Count", "counter", "Requests that could not be served."),
            Metric("Latency", "Milliseconds", "histogram", "From the request to its answer."),
            Metric("TokensConsumed", "Count", "counter", "One for each request."),
            Metric("SubscribeSuccess", "Count", "counter", "Subscriptions that were made."),
            Metric("UnsubscribeSuccess", "Count", "counter", "Subscriptions that ended."),
            Metric("PublishDataMessageSuccess", "Count", "counter", "Messages that went to subscribers."),
            Metric("PublishDataMessageClientError", "Count", "counter", "Messages dropped for their size."),
            Metric("InvalidationRequestSuccess", "Count", "counter", "Mutations that invalidated subscriptions."),
            Metric("InvalidationSuccess", "Count", "counter", "Subscriptions that an invalidation ended."),
        )
    },
)

EVENT_APIS = Catalogue(
    "AWS/AppSync",
    "EventAPIId",
    "aws_appsync_events_",
    {
        metric.name: metric
        for metric in (
            Metric("Requests", "Count", "counter", "Publications over HTTP, refused ones included."),
            Metric("4XXError", "Count", "counter", "Requests that were refused for what the client sent."),
            Metric("5XXError", "Count", "counter", "Requests that could not be served."),
            Metric("Latency", "Milliseconds", "histogram", "From the request to its answer."),
            Metric("TokensConsumed", "Count", "counter", "One for each request."),
            Metric("ConnectRequests", "Count", "counter", "Web sockets that were asked for."),
            Metric("ConnectSuccess", "Count", "counter", "Web sockets that were let in."),
            Metric("ConnectClientError", "Count", "counter", "Web sockets refused for what the client sent."),
            Metric("ConnectServerError", "Count", "counter", "Web sockets that could not be judged."),
            Metric("DisconnectSuccess", "Count", "counter", "Web sockets that have ended."),
            Metric("ActiveConnections", "Count", "gauge", "Web sockets that are open."),
            Metric("ConnectionDuration", "Milliseconds", "histogram", "How long a web socket was open."),
            Metric("DroppedEvents", "Count", "counter", "Events that onPublish filtered out."),
            Metric("FailedEvents", "Count", "counter", "Events that onPublish marked as failed."),
            Metric("SuccessfulEvents", "Count", "counter", "Events that were handed on to be broadcast."),
            Metric("PublishedHandlerInvocations", "Count", "counter", "Runs of onPublish."),
            Metric("SubscribeHandlerInvocations", "Count", "counter", "Runs of onSubscribe."),
            Metric("SubscribeSuccess", "Count", "counter", "Subscriptions that were made."),
            Metric("SubscribeClientError", "Count", "counter", "Subscriptions refused for what the client sent."),
            Metric("SubscribeServerError", "Count", "counter", "Subscriptions that could not be judged."),
            Metric("UnsubscribeSuccess", "Count", "counter", "Subscriptions that have ended."),
            Metric("ActiveSubscriptions", "Count", "gauge", "Subscriptions that are there."),
            Metric("PublishSuccess", "Count", "counter", "Publications over web sockets that were carried out."),
            Metric("PublishClientError", "Count", "counter", "Those refused for what the client sent."),
            Metric("PublishServerError", "Count", "counter", "Those that could not be carried out."),
            Metric("BroadcastEventSuccess", "Count", "counter", "Frames that went to subscribers."),
            Metric("BroadcastEventClientError", "Count", "counter", "Frames withheld for an event's size."),
            Metric("BroadcastEventSize", "Bytes", "counter", "The events that were broadcast."),
            Metric("InboundMessages", "Count", "counter", "Published events, in pieces of 5 kB."),
            Metric("OutboundMessages", "Count", "counter", "Frames that went to subscribers, in pieces of 5 kB."),
        )
    },
    "ChannelNamespaceName",
)

BEDROCK = Catalogue(
    "AWS/Bedrock",
    "ModelId",
    "aws_bedrock_",
    {
        metric.name: metric
        for metric in (
            Metric("Invocations", "Count", "counter", "Requests that a model answered."),
            Metric("InvocationLatency", "Milliseconds", "histogram", "From the request to the last token."),
            Metric("TimeToFirstToken", "Milliseconds", "histogram", "From the request to a stream's first token."),
            Metric("InvocationClientErrors", "Count", "counter", "Requests refused for what the client sent."),
            Metric("InvocationServerErrors", "Count", "counter", "Requests that the model or its server failed."),
            Metric("InvocationThrottles", "Count", "counter", "Requests that found no room."),
            Metric("InputTokenCount", "Count", "counter", "Tokens that models were asked with."),
            Metric("OutputTokenCount", "Count", "counter", "Tokens that models answered with."),
        )
    },
)

#: Relative width of a percentile's buckets: a percentile is right to one per cent.
_GROWTH = math.log(1.02)
_ZERO = -(10**9)


class Bucket:
    """The values of one minute, as CloudWatch's statistic set, with a sketch for percentiles."""

    __slots__ = ("count", "maximum", "minimum", "sketch", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.minimum = math.inf
        self.maximum = -math.inf
        self.sketch: dict[int, int] = {}

    def add(self, value: float, times: int = 1) -> None:
        self.count += times
        self.total += value * times
        if value < self.minimum:
            self.minimum = value
        if value > self.maximum:
            self.maximum = value
        place = math.ceil(math.log(value) / _GROWTH) if value > 0 else _ZERO
        self.sketch[place] = self.sketch.get(place, 0) + times

    def percentile(self, share: float) -> float:
        """`share` between 0 and 1."""
        wanted = max(1, math.ceil(share * self.count))
        if wanted == self.count:
            return self.maximum
        seen = 0
        for place in sorted(self.sketch):
            seen += self.sketch[place]
            if seen >= wanted:
                value = 0.0 if place == _ZERO else math.exp((place - 0.5) * _GROWTH)
                return min(max(value, self.minimum), self.maximum)
        return self.maximum


def merged(buckets: Iterable[Bucket]) -> Bucket:
    """Several as one."""
    found = Bucket()
    for bucket in buckets:
        found.count += bucket.count
        found.total += bucket.total
        found.minimum = min(found.minimum, bucket.minimum)
        found.maximum = max(found.maximum, bucket.maximum)
        for place, count in bucket.sketch.items():
            found.sketch[place] = found.sketch.get(place, 0) + count
    return found
