"""From the trace to CloudWatch's metrics of Event APIs. Made by `recording.py`, beside `recorder.py`.

https://docs.aws.amazon.com/appsync/latest/eventapi/cw-metrics.html
"""

import math
from collections import Counter
from collections.abc import Mapping

from callpark.graphql.channels import happenings as told
from callpark.kernel.trace import Reader
from callpark.recorder import MetricSink

#: What one metered event or message holds.
_METERED_BYTES = 5_000


class ChannelMetrics:
    """`readers` are what the trace is to call. What belongs to a namespace is recorded as `api:namespace`."""

    def __init__(self, metrics: MetricSink) -> None:
        self._metrics = metrics
        self._open: Counter[tuple[str, str]] = Counter()
        self.readers: Mapping[type, Reader] = {
            told.EventsPublished: self._published,
            told.RequestServed: self._request,
            told.MessageServed: self._message,
            told.ChannelSubscribed: self._subscribed,
            told.SubscriptionDenied: self._denied,
            told.ChannelUnsubscribed: self._unsubscribed,
            told.ConnectionJudged: self._judged,
            told.ConnectionEnded: self._ended,
        }

    def _published(self, at: float, published: told.EventsPublished) -> None:
        place, add = _place(published.subject, published.channel), self._metrics.add
        broadcast = len(published.sizes)
        if published.handled:
            add("PublishedHandlerInvocations", place, at)
            add("DroppedEvents", place, at, max(0, published.accepted - published.failed - broadcast))
        add("FailedEvents", place, at, published.failed)
        add("SuccessfulEvents", place, at, broadcast)
        add("InboundMessages", place, at, published.accepted)
        add("BroadcastEventSuccess", place, at, published.deliveries)
        if published.withheld:
            add("BroadcastEventClientError", place, at, published.withheld)
        for size in published.sizes:
            add("BroadcastEventSize", place, at, size)
        if broadcast:
            pieces = sum(math.ceil(size / _METERED_BYTES) for size in published.sizes)
            add("OutboundMessages", place, at, pieces * published.deliveries / broadcast)

    def _request(self, at: float, request: told.RequestServed) -> None:
        for metric in ("Requests", "TokensConsumed"):
            self._metrics.add(metric, request.subject, at)
        self._metrics.add("4XXError", request.subject, at, 1.0 if 400 <= request.status < 500 else 0.0)
        self._metrics.add("5XXError", request.subject, at, 1.0 if request.status >= 500 else 0.0)
        self._metrics.add("Latency", request.subject, at, request.seconds * 1000)

    def _message(self, at: float, message: told.MessageServed) -> None:
        self._metrics.add(_outcome("Publish", message.status), _place(message.subject, message.channel), at)

    def _subscribed(self, at: float, subscribed: told.ChannelSubscribed) -> None:
        place = _place(subscribed.subject, subscribed.channel)
        self._metrics.add("SubscribeSuccess", place, at)
        if subscribed.handled:
            self._metrics.add("SubscribeHandlerInvocations", place, at)
        self._count("ActiveSubscriptions", place, at, 1)

    def _denied(self, at: float, denied: told.SubscriptionDenied) -> None:
        self._metrics.add(_outcome("Subscribe", denied.status), _place(denied.subject, denied.channel), at)

    def _unsubscribed(self, at: float, unsubscribed: told.ChannelUnsubscribed) -> None:
        place = _place(unsubscribed.subject, unsubscribed.channel)
        self._metrics.add("UnsubscribeSuccess", place, at)
        self._count("ActiveSubscriptions", place, at, -1)

    def _judged(self, at: float, judged: told.ConnectionJudged) -> None:
        self._metrics.add("ConnectRequests", judged.subject, at)
        self._metrics.add(_outcome("Connect", judged.status), judged.subject, at)
        if judged.status == 200:
            self._count("ActiveConnections", judged.subject, at, 1)

    def _ended(self, at: float, ended: told.ConnectionEnded) -> None:
        self._metrics.add("DisconnectSuccess", ended.subject, at)
        self._metrics.add("ConnectionDuration", ended.subject, at, ended.seconds * 1000)
        self._count("ActiveConnections", ended.subject, at, -1)

    def _count(self, metric: str, place: str, at: float, step: int) -> None:
        self._open[metric, place] += step
        self._metrics.add(metric, place, at, self._open[metric, place])


def _outcome(what: str, status: int) -> str:
    kind = "Success" if status < 400 else "ClientError" if status < 500 else "ServerError"
    return what + kind


def _place(api_id: str, channel: str) -> str:
    return f"{api_id}:{channel.strip('/').partition('/')[0]}"
