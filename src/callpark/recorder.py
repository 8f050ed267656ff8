"""From the trace to logs and metrics. Made by `recording.py`; the only place that knows both the slices' happenings and
what CloudWatch calls them.

The readers run on the hot path: each is an append. Log groups: a function's own or the one that it names,
`/aws/connect/<instance alias>` with a stream per contact, `/aws/appsync/apis/<id>` with a stream per API.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import orjson

from callpark.flows.happenings import FlowLogged
from callpark.flows.logs import log_group
from callpark.functions.environments.happenings import AttemptEnded, AttemptStarted, FunctionLog
from callpark.functions.events import happenings as events
from callpark.graphql.happenings import (
    Invalidated,
    Published,
    RequestAnswered,
    RequestLogged,
    ResolverLogged,
    Subscribed,
    Unsubscribed,
)
from callpark.kernel.trace import Reader
from callpark.metrics.service import ALL
from callpark.models.happenings import ModelInvoked

#: Runs whose end was never told are forgotten beyond this many.
_RUNS = 10_000


class LogSink(Protocol):
    def append(self, group: str, stream: str, subject: str, at: float, message: str) -> None: ...


class MetricSink(Protocol):
    def add(self, metric: str, resource: str, at: float, value: float = 1.0) -> None: ...

    def level(self, metric: str, resource: str, value: float) -> None: ...


class Recorder:
    """`readers` are what the trace is to call. `alias` is the Connect instance's, which a reload may change."""

    def __init__(
        self, logs: LogSink, metrics: MetricSink, apis: MetricSink, models: MetricSink, alias: Callable[[], str]
    ) -> None:
        self._logs = logs
        self._metrics = metrics
        self._apis = apis
        self._models = models
        self._alias = alias
        self._began: dict[tuple[str, str], tuple[float, str]] = {}
        self._concurrency: dict[str, int] = {}
        self.readers: Mapping[type, Reader] = {
            FunctionLog: self._function_log,
            FlowLogged: self._flow_log,
            ResolverLogged: self._resolver_log,
            RequestLogged: self._resolver_log,
            RequestAnswered: self._request_answered,
            Subscribed: self._subscribed,
            Unsubscribed: self._unsubscribed,
            Published: self._published,
            Invalidated: self._invalidated,
            ModelInvoked: self._model_invoked,
            AttemptStarted: self._attempt_started,
            AttemptEnded: self._attempt_ended,
            events.EventAccepted: self._event_accepted,
            events.EventAttemptEnded: self._event_attempt_ended,
            events.EventThrottled: self._throttled,
            events.InvocationThrottled: self._throttled,
            events.InvocationInCircles: self._in_circles,
            events.EventDiscarded: self._event_discarded,
            events.DestinationFailed: self._destination_failed,
            events.DeadLetterFailed: self._dead_letter_failed,
        }

    # Logs

    def _function_log(self, at: float, log: FunctionLog) -> None:
        group = log.group or f"/aws/lambda/{log.function}"
        self._logs.append(group, log.stream, log.request_id, at, log.text)

    def _flow_log(self, at: float, logged: FlowLogged) -> None:
        group = log_group(self._alias())
        self._logs.append(group, logged.subject, logged.subject, at, orjson.dumps(logged.entry).decode())

    def _resolver_log(self, at: float, logged: ResolverLogged | RequestLogged) -> None:
        group = f"/aws/appsync/apis/{logged.api_id}"
        for line in logged.lines:
            self._logs.append(group, logged.api_id, logged.request_id, at, f"{logged.request_id} {line}")

    # Metrics

    def _request_answered(self, at: float, answered: RequestAnswered) -> None:
        for metric in ("Requests", "TokensConsumed"):
            self._apis.add(metric, answered.subject, at)
        self._apis.add("4XXError", answered.subject, at, 1.0 if 400 <= answered.status < 500 else 0.0)
        self._apis.add("5XXError", answered.subject, at, 1.0 if answered.status >= 500 else 0.0)
        self._apis.add("Latency", answered.subject, at, answered.seconds * 1000)

    def _subscribed(self, at: float, subscribed: Subscribed) -> None:
        self._apis.add("SubscribeSuccess", subscribed.subject, at)

    def _unsubscribed(self, at: float, unsubscribed: Unsubscribed) -> None:
        self._apis.add("UnsubscribeSuccess", unsubscribed.subject, at)

    def _published(self, at: float, published: Published) -> None:
        self._apis.add("PublishDataMessageSuccess", published.subject, at, published.subscribers)
        if published.too_large:
            self._apis.add("PublishDataMessageClientError", published.subject, at, published.too_large)

    def _invalidated(self, at: float, invalidated: Invalidated) -> None:
        self._apis.add("InvalidationRequestSuccess", invalidated.subject, at)
        self._apis.add("InvalidationSuccess", invalidated.subject, at, invalidated.subscriptions)

    def _attempt_started(self, at: float, started: AttemptStarted) -> None:
        function = started.function
        resource = started.resource or function
        self._metrics.add("Invocations", resource, at)
        if len(self._began) >= _RUNS:
            self._began.clear()
            self._concurrency.clear()
        self._began[started.stream, started.request_id] = at, resource
        for counted in (function, ALL):
            running = self._concurrency[counted] = self._concurrency.get(counted, 0) + 1
            self._metrics.add("ConcurrentExecutions", counted, at, running)

    def _attempt_ended(self, at: float, ended: AttemptEnded) -> None:
        """Errors and durations count for the minute in which the run began, as CloudWatch counts them."""
        began = self._began.pop((ended.stream, ended.request_id), None)
        if began is not None:
            for counted in (ended.function, ALL):
                running = self._concurrency[counted] = max(0, self._concurrency.get(counted, 0) - 1)
                self._metrics.level("ConcurrentExecutions", counted, running)
        at, resource = began or (at, ended.function)
        self._metrics.add("Errors", resource, at, 0.0 if ended.status == "success" else 1.0)
        self._metrics.add("Duration", resource, at, ended.duration_seconds * 1000)

    def _event_accepted(self, at: float, accepted: events.EventAccepted) -> None:
        self._metrics.add("AsyncEventsReceived", accepted.resource or accepted.function, at)

    def _event_attempt_ended(self, at: float, ended: events.EventAttemptEnded) -> None:
        self._metrics.add("AsyncEventAge", ended.resource or ended.function, at, ended.age_seconds * 1000)

    def _throttled(self, at: float, throttled: events.EventThrottled | events.InvocationThrottled) -> None:
        self._metrics.add("Throttles", throttled.resource or throttled.function, at)

    def _event_discarded(self, at: float, discarded: events.EventDiscarded) -> None:
        self._metrics.add("AsyncEventsDropped", discarded.resource or discarded.function, at)
        if discarded.condition == "recursion":
            self._metrics.add("RecursiveInvocationsDropped", discarded.resource or discarded.function, at)

    def _in_circles(self, at: float, dropped: events.InvocationInCircles) -> None:
        self._metrics.add("RecursiveInvocationsDropped", dropped.resource or dropped.function, at)

    def _destination_failed(self, at: float, failed: events.DestinationFailed) -> None:
        self._metrics.add("DestinationDeliveryFailures", failed.function, at)

    def _dead_letter_failed(self, at: float, failed: events.DeadLetterFailed) -> None:
        self._metrics.add("DeadLetterErrors", failed.function, at)

    def _model_invoked(self, at: float, invoked: ModelInvoked) -> None:
        """What was throttled counts as that alone."""
        if invoked.error is not None:
            self._models.add(_model_failure(invoked), invoked.subject, at)
            return
        self._models.add("Invocations", invoked.subject, at)
        self._models.add("InvocationLatency", invoked.subject, at, invoked.seconds * 1000)
        self._models.add("InputTokenCount", invoked.subject, at, invoked.input_tokens)
        if invoked.output_tokens:
            self._models.add("OutputTokenCount", invoked.subject, at, invoked.output_tokens)
        if invoked.first_token_seconds is not None:
            self._models.add("TimeToFirstToken", invoked.subject, at, invoked.first_token_seconds * 1000)


def _model_failure(invoked: ModelInvoked) -> str:
    if invoked.error == "ThrottlingException":
        return "InvocationThrottles"
    # A model's own failures have statuses of their own below 500.
    own = invoked.status >= 500 or invoked.status in (408, 424)
    return "InvocationServerErrors" if own else "InvocationClientErrors"
