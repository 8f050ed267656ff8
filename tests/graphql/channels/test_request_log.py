"""What an Event API with a LogConfig writes, level by level."""

import json
from typing import Any

import pytest

from callpark.graphql.channels.channel import Channel
from callpark.graphql.channels.messages import Asker, ChannelRefused, PublishAsked
from callpark.graphql.channels.model import Integration
from callpark.graphql.channels.service import EventApis
from callpark.graphql.happenings import RequestLogged
from callpark.graphql.model import LogDefinition, LogLevel
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits, Limits
from callpark.kernel.trace import Trace
from tests.graphql.channels.toy import Functions, event_api, namespace

pytestmark = pytest.mark.unit

A = Channel(("ns", "a"))
ASKER = Asker("request-1", "API_KEY", None, {"x-api-key": "secret", "host": "here"})
HANDLERS = """
export function onPublish(ctx) {
  return ctx.events.map((each) => (each.payload === 'bad' ? { id: each.id, error: 'no' } : each));
}
export function onSubscribe(ctx) { if (ctx.info.channel.path.endsWith('shut')) util.unauthorized(); }
"""


class Scene:
    def __init__(self, clock: VirtualClock, level: LogLevel | None, code: str = HANDLERS, **limits: Any) -> None:
        self.trace = Trace(clock)
        self.functions = Functions()
        given = Limits(appsync=AppSyncLimits(**limits))
        self.apis = EventApis(clock, SeededIds(1), self.trace, given, self.functions)
        direct = namespace("fn", on_publish=Integration("DIRECT", "fn"))
        logs = None if level is None else LogDefinition(level)
        self.apis.apply([event_api(namespace(code=code), direct, logs=logs)])

    async def publish(self, *events: object, channel: Channel = A) -> list[Any]:
        texts = tuple(json.dumps(event) for event in events)
        await self.apis.publish(self.apis.take_place("events", PublishAsked(channel, texts)), ASKER)
        return self.lines()

    def lines(self) -> list[Any]:
        """Of the one request; JSON read."""
        (logged,) = [each.happening for each in self.trace.entries() if isinstance(each.happening, RequestLogged)]
        assert (logged.api_id, logged.request_id) == ("events", "request-1")
        return [json.loads(line) if line.startswith("{") else line for line in logged.lines]


async def test_a_publication_at_level_all(clock: VirtualClock) -> None:
    begin, headers, handler, summary, request, tokens, end = await Scene(clock, "ALL").publish("good")
    assert (begin, tokens, end) == ("Begin Request", "Tokens Consumed: 1", "End Request")
    assert headers == 'Request Headers: {"headers":{"x-api-key":"***","host":"here"}}'
    (event,) = handler["context"].pop("events")
    assert handler == {
        "logType": "HandlerEvaluation",
        "handler": "onPublish",
        "requestId": "request-1",
        "channel": "/ns/a",
        "context": {"stash": {}, "outErrors": []},
        "inError": False,
        "evaluationResult": [event],
        "eventAPIId": "events",
    }
    assert event["payload"] == "good"
    assert (summary["logType"], summary["operation"], summary["channel"]) == ("ExecutionSummary", "PUBLISH", "/ns/a")
    assert (request["logType"], request["statusCode"], request["eventAPIId"]) == ("RequestSummary", 200, "events")


@pytest.mark.parametrize(
    ("level", "event", "handlers"),
    [
        ("ALL", "good", 1),
        ("ALL", "bad", 1),
        ("ERROR", "good", 0),
        ("ERROR", "bad", 1),
        ("INFO", "good", 0),
        ("DEBUG", "bad", 1),
        ("NONE", "bad", 0),
    ],
)
async def test_handlers_are_logged_as_the_level_asks(
    clock: VirtualClock, level: LogLevel, event: str, handlers: int
) -> None:
    lines = await Scene(clock, level).publish(event)
    kinds = [line["logType"] for line in lines if isinstance(line, dict)]
    assert kinds == ["HandlerEvaluation"] * handlers + ["ExecutionSummary", "RequestSummary"]


async def test_a_refused_subscription_says_why(clock: VirtualClock) -> None:
    scene = Scene(clock, "ERROR")
    with pytest.raises(ChannelRefused):
        await scene.apis.subscribe("events", Channel(("ns", "shut")), ASKER)
    handler, summary, request = [line for line in scene.lines() if isinstance(line, dict)]
    assert (handler["inError"], summary["operation"], request["statusCode"]) == (True, "SUBSCRIBE", 401)
    assert "evaluationResult" not in handler


async def test_a_functions_answer_is_logged(clock: VirtualClock) -> None:
    scene = Scene(clock, "ALL")
    scene.functions.answer = lambda event: {"events": []}
    lines = await scene.publish("x", channel=Channel(("fn", "a")))
    (handler,) = [line for line in lines if isinstance(line, dict) and line["logType"] == "HandlerEvaluation"]
    assert (handler["handler"], handler["evaluationResult"]) == ("onPublish", {"events": []})


async def test_without_a_configuration_nothing_is_logged(clock: VirtualClock) -> None:
    scene = Scene(clock, None)
    with pytest.raises(ValueError, match="not enough values"):
        await scene.publish("bad")


async def test_a_request_writes_so_much_and_no_more(clock: VirtualClock) -> None:
    lines = await Scene(clock, "ALL", request_log_bytes=200).publish("x" * 1_000)
    assert lines[-1] == "… the rest of this request's log is left out"


async def test_an_api_that_goes_meanwhile_is_no_trouble(clock: VirtualClock) -> None:
    scene = Scene(clock, "ALL")
    place = scene.apis.take_place("events", PublishAsked(A, ('"good"',)))
    scene.apis.remove("events")
    done = await scene.apis.publish(place, ASKER)
    assert len(done.successful) == 1
    assert not [each for each in scene.trace.entries() if isinstance(each.happening, RequestLogged)]
