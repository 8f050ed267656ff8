"""What the trace says, as logs and metrics hear it."""

import json
from pathlib import Path

import pytest

from callpark.flows.happenings import FlowLogged
from callpark.functions.environments.happenings import AttemptEnded, AttemptStarted, FunctionLog
from callpark.functions.events import happenings as events
from callpark.graphql.happenings import (
    Invalidated,
    Published,
    RequestAnswered,
    ResolverLogged,
    Subscribed,
    Unsubscribed,
)
from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import MetricsLimits
from callpark.kernel.trace import Trace
from callpark.metrics.service import ALL, Metrics
from callpark.models.happenings import ModelInvoked
from callpark.recorder import Recorder
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.scene import opened

pytestmark = pytest.mark.unit


class Sink:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, str]] = []
        self.values: list[tuple[str, str, float, float]] = []
        self.levels: dict[tuple[str, str], float] = {}

    def append(self, group: str, stream: str, subject: str, at: float, message: str) -> None:
        self.lines.append((group, stream, subject, message))

    def add(self, metric: str, function: str, at: float, value: float = 1.0) -> None:
        self.values.append((metric, function, at, value))

    def level(self, metric: str, function: str, value: float) -> None:
        self.levels[metric, function] = value


class Heard:
    def __init__(self, clock: VirtualClock, alias: str = "callpark") -> None:
        self.clock = clock
        self.start = clock.now()
        self.trace = Trace(clock)
        self.sink = Sink()
        self.trace.hear(Recorder(self.sink, self.sink, self.sink, self.sink, lambda: alias).readers)

    def values(self, metric: str) -> list[tuple[str, float, float]]:
        """(function, seconds since the start, value)."""
        return [(function, at - self.start, value) for name, function, at, value in self.sink.values if name == metric]


@pytest.fixture
def heard(clock: VirtualClock) -> Heard:
    return Heard(clock)


def test_function_logs_go_to_the_functions_group(heard: Heard) -> None:
    heard.trace.emit(FunctionLog("Echo", "r-1", "2026/01/01/[$LATEST]ab", "hello\n"))
    assert heard.sink.lines == [("/aws/lambda/Echo", "2026/01/01/[$LATEST]ab", "r-1", "hello\n")]


def test_flow_logs_go_to_the_instances_group_with_a_stream_per_contact(clock: VirtualClock) -> None:
    """connect.md §12: log group `/aws/connect/<instance-alias>`, one JSON entry per executed block (documented)."""
    heard = Heard(clock, alias="my shop")
    heard.trace.emit(FlowLogged("contact-1", {"ContactId": "contact-1", "ContactFlowModuleType": "Wait"}))
    ((group, stream, subject, message),) = heard.sink.lines
    assert (group, stream, subject) == ("/aws/connect/my-shop", "contact-1", "contact-1")
    assert json.loads(message) == {"ContactId": "contact-1", "ContactFlowModuleType": "Wait"}


def test_resolver_logs_go_to_the_apis_group(heard: Heard) -> None:
    """appsync.md §19: log lines read `INFO - code.js:13:5: "text"`."""
    heard.trace.emit(ResolverLogged("r-1", "api-1", "Query", "story", ('INFO - code.js:13:5: "a"', "INFO - b")))
    assert heard.sink.lines == [
        ("/aws/appsync/apis/api-1", "api-1", "r-1", 'r-1 INFO - code.js:13:5: "a"'),
        ("/aws/appsync/apis/api-1", "api-1", "r-1", "r-1 INFO - b"),
    ]


async def test_a_run_counts_for_the_minute_in_which_it_began(heard: Heard, clock: VirtualClock) -> None:
    heard.trace.emit(AttemptStarted("f", "r-1", "s", True))
    await clock.advance(90)
    heard.trace.emit(AttemptEnded("f", "r-1", "s", "error", "ValueError", 90.0, 0.1, 20))
    assert heard.values("Invocations") == [("f", 0, 1)]
    assert heard.values("Errors") == [("f", 0, 1)]
    assert heard.values("Duration") == [("f", 0, 90_000)]


async def test_qualified_runs_count_for_what_they_were_sent_to(heard: Heard) -> None:
    heard.trace.emit(AttemptStarted("f", "r-1", "s", True, "f:live:2"))
    heard.trace.emit(AttemptEnded("f", "r-1", "s", "success", None, 0.5, None, 20))
    heard.trace.emit(events.EventAccepted("r-2", "f", 10, "f:live"))
    heard.trace.emit(events.EventDiscarded("r-2", "f", 3, "RetriesExhausted", "f:live"))
    for metric in ("Invocations", "Errors", "Duration"):
        assert [resource for resource, _, _ in heard.values(metric)] == ["f:live:2"]
    for metric in ("AsyncEventsReceived", "AsyncEventsDropped"):
        assert [resource for resource, _, _ in heard.values(metric)] == ["f:live"]
    assert [resource for resource, _, _ in heard.values("ConcurrentExecutions")] == ["f", ALL]


async def test_errors_have_a_nought_for_each_success_so_that_their_average_is_a_rate(heard: Heard) -> None:
    heard.trace.emit(AttemptStarted("f", "r-1", "s", True))
    heard.trace.emit(AttemptEnded("f", "r-1", "s", "success", None, 0.5, None, 20))
    assert heard.values("Errors") == [("f", 0, 0)]


async def test_concurrency_is_sampled_when_a_run_begins_and_the_level_follows(heard: Heard) -> None:
    for stream, function in (("a", "f"), ("b", "f"), ("c", "g")):
        heard.trace.emit(AttemptStarted(function, stream, stream, True))
    heard.trace.emit(AttemptEnded("f", "a", "a", "success", None, 0.5, None, 20))
    found = heard.values("ConcurrentExecutions")
    assert [value for function, _, value in found if function == "f"] == [1, 2]
    assert [value for function, _, value in found if function == ALL] == [1, 2, 3]
    assert heard.sink.levels["ConcurrentExecutions", "f"] == 1
    assert heard.sink.levels["ConcurrentExecutions", ALL] == 2
    heard.trace.emit(AttemptEnded("f", "a", "a", "success", None, 0.5, None, 20))
    assert heard.sink.levels["ConcurrentExecutions", "f"] == 1, "an end without a beginning changes nothing"


@pytest.mark.parametrize(
    ("happening", "metric", "value"),
    [
        (events.EventAccepted("r", "f", 10), "AsyncEventsReceived", 1),
        (events.EventAttemptEnded("r", "f", 2, None, 60.5), "AsyncEventAge", 60_500),
        (events.EventThrottled("r", "f", "reason", 1.0), "Throttles", 1),
        (events.InvocationThrottled("r", "f", "reason"), "Throttles", 1),
        (events.EventDiscarded("r", "f", 3, "RetriesExhausted"), "AsyncEventsDropped", 1),
        (events.EventDiscarded("r", "f", 0, "recursion"), "RecursiveInvocationsDropped", 1),
        (events.InvocationInCircles("r", "f"), "RecursiveInvocationsDropped", 1),
        (events.DestinationFailed("r", "f", "OnFailure", "t", "why", b""), "DestinationDeliveryFailures", 1),
        (events.DeadLetterFailed("r", "f", "t", "why"), "DeadLetterErrors", 1),
    ],
)
def test_what_happens_to_events_is_counted(
    heard: Heard, happening: events.EventAccepted, metric: str, value: float
) -> None:
    """lambda.md §10."""
    heard.trace.emit(happening)
    assert heard.values(metric) == [("f", 0, value)]


@pytest.mark.sim
async def test_the_whole_retry_story_in_cloudwatchs_minutes(clock: VirtualClock, tmp_path: Path) -> None:
    """lambda.md §10: AsyncEventAge grows with retries; AsyncEventsDropped counts when the event is given up."""
    scene = await opened(clock, tmp_path)
    metrics = Metrics(clock, MetricsLimits())
    scene.trace.hear(Recorder(Sink(), metrics, Sink(), Sink(), lambda: "").readers)

    def fail(run: Run) -> object:
        raise HandlerError("always")

    await scene.declare("f", fail)
    await scene.send("f")
    await clock.advance(300)

    def minutes(metric: str) -> list[tuple[float, float]]:
        found = metrics.datapoints(metric, "f", scene.start, scene.start + 600, 60)
        return [(point.at - scene.start, point.bucket.maximum) for point in found]

    assert minutes("AsyncEventsReceived") == [(0, 1)]
    assert minutes("AsyncEventAge") == [(0, 0), (60, 60_000), (180, 180_000)]
    assert minutes("AsyncEventsDropped") == [(180, 1)]


@pytest.mark.parametrize(
    ("invoked", "metrics"),
    [
        (
            ModelInvoked("m", "r", "Converse", 1.5, 3, 5),
            {"Invocations": 1, "InvocationLatency": 1500, "InputTokenCount": 3, "OutputTokenCount": 5},
        ),
        (
            ModelInvoked("m", "r", "InvokeModel", 0.5, 3),  # an embedding
            {"Invocations": 1, "InvocationLatency": 500, "InputTokenCount": 3},
        ),
        (
            ModelInvoked("m", "r", "ConverseStream", 1, 1, 1, first_token_seconds=0.25),
            {
                "Invocations": 1,
                "InvocationLatency": 1000,
                "InputTokenCount": 1,
                "OutputTokenCount": 1,
                "TimeToFirstToken": 250,
            },
        ),
        (ModelInvoked("m", "r", "Converse", 0, error="ThrottlingException", status=429), {"InvocationThrottles": 1}),
        (ModelInvoked("m", "r", "Converse", 0, error="ValidationException", status=400), {"InvocationClientErrors": 1}),
        (
            ModelInvoked("m", "r", "Converse", 0, error="ModelTimeoutException", status=408),
            {"InvocationServerErrors": 1},
        ),
        (
            ModelInvoked("m", "r", "Converse", 0, error="InternalServerException", status=500),
            {"InvocationServerErrors": 1},
        ),
    ],
)
def test_what_a_model_does_is_counted_by_its_id(heard: Heard, invoked: ModelInvoked, metrics: dict[str, float]) -> None:
    heard.trace.emit(invoked)
    assert {name: value for name, model, _, value in heard.sink.values} == metrics
    assert {model for _, model, _, _ in heard.sink.values} == {"m"}


def test_what_an_api_does_is_counted_by_its_id(clock: VirtualClock) -> None:
    heard = Heard(clock)
    for happening in (
        RequestAnswered("api", 200, 0.25),
        RequestAnswered("api", 401, 0.0),
        RequestAnswered("api", 502, 0.0),
        Subscribed("api", "onSay"),
        Published("api", "say", 3, 1),
        Invalidated("api", "onSay", 2),
        Unsubscribed("api", "onSay"),
    ):
        heard.trace.emit(happening)
    totals: dict[str, float] = {}
    for name, api, _, value in heard.sink.values:
        assert api == "api"
        totals[name] = totals.get(name, 0) + value
    assert totals == {
        "Requests": 3,
        "TokensConsumed": 3,
        "4XXError": 1,
        "5XXError": 1,
        "Latency": 250,
        "SubscribeSuccess": 1,
        "PublishDataMessageSuccess": 3,
        "PublishDataMessageClientError": 1,
        "InvalidationRequestSuccess": 1,
        "InvalidationSuccess": 2,
        "UnsubscribeSuccess": 1,
    }
