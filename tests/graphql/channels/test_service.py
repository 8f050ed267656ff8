"""Event APIs without the wire: handlers, what is broadcast, in which order, and what is refused."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from callpark.graphql.channels.channel import Channel
from callpark.graphql.channels.happenings import ChannelSubscribed, EventsPublished
from callpark.graphql.channels.messages import ChannelRefused, PublishAsked, Published
from callpark.graphql.channels.model import EventApiDefinition, Integration
from callpark.graphql.channels.service import EventApis
from callpark.graphql.happenings import ResolverLogged
from callpark.graphql.model import CodeDefinition
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits, Limits
from callpark.kernel.trace import Trace
from tests.graphql.channels.toy import ASKER, Functions, direct, event_api, namespace

pytestmark = pytest.mark.sim

A = Channel(("ns", "a"))


@pytest.fixture
def functions() -> Functions:
    return Functions()


@pytest.fixture
def trace(clock: VirtualClock) -> Trace:
    return Trace(clock)


@pytest.fixture
def apis(clock: VirtualClock, ids: SeededIds, trace: Trace, functions: Functions) -> EventApis:
    return EventApis(clock, ids, trace, Limits(), functions)


def listen(apis: EventApis, channel: Channel = A) -> list[str]:
    heard: list[str] = []

    def hear(ending: bytes | None) -> None:
        heard.append("too large" if ending is None else orjson.loads(ending.removesuffix(b"}")))

    apis.hub.attach("events", channel, hear)
    return heard


async def publish(apis: EventApis, *events: object, channel: Channel = A) -> Published:
    asked = PublishAsked(channel, tuple(orjson.dumps(event).decode() for event in events))
    return await apis.publish(apis.take_place("events", asked), ASKER)


async def test_without_a_handler_events_are_broadcast_as_they_came(apis: EventApis, trace: Trace) -> None:
    apis.apply([event_api()])
    heard = listen(apis)
    asked = PublishAsked(A, ('{ "a" : 1.0 }', "null", '"text"'))
    done = await apis.publish(apis.take_place("events", asked), ASKER)
    assert heard == ['{ "a" : 1.0 }', "null", '"text"']
    assert [each["index"] for each in done.successful] == [0, 1, 2]
    assert len({each["identifier"] for each in done.successful}) == 3
    assert done.failed == []
    assert [each.happening for each in trace.entries()] == [EventsPublished("events", "/ns/a", 3, 0, (13, 4, 6), 3)]


async def test_handlers_see_the_documented_context(apis: EventApis) -> None:
    code = "export function onPublish(ctx) { return [{ id: ctx.events[0].id, payload: ctx }] }"
    apis.apply([event_api(namespace(code=code))])
    heard = listen(apis)
    done = await publish(apis, {"x": 1})
    seen = orjson.loads(heard[0])
    event = {"id": done.successful[0]["identifier"], "payload": {"x": 1}}
    assert {name: seen[name] for name in seen if name not in ("arguments", "args")} == {
        "identity": None,
        "result": None,
        "request": {"headers": {"host": "localhost"}, "domainName": None},
        "info": {
            "channel": {"path": "/ns/a", "segments": ["ns", "a"]},
            "channelNamespace": {"name": "ns"},
            "operation": "PUBLISH",
        },
        "error": None,
        "prev": None,
        "stash": {},
        "outErrors": [],
        "events": [event],
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return ctx.events", ["1", "2", "3"]),
        ("return ctx.events.filter((each) => each.payload > 1)", ["2", "3"]),
        ("return ctx.events.map(({ id, payload }) => ({ id, payload: [payload] }))", ["[1]", "[2]", "[3]"]),
        ("return [ctx.events[2], ctx.events[0]]", ["3", "1"]),
        ("return []", []),
        ("return null", []),
        ("", []),
        ("return [{ id: ctx.events[0].id }]", ["null"]),
        ("runtime.earlyReturn([ctx.events[1]]); return ctx.events", ["2"]),
    ],
)  # fmt: skip
async def test_what_on_publish_returns_is_broadcast(apis: EventApis, body: str, expected: list[str]) -> None:
    apis.apply([event_api(namespace(code=f"export const onPublish = (ctx) => {{ {body} }}"))])
    heard = listen(apis)
    done = await publish(apis, 1, 2, 3)
    assert heard == expected
    assert len(done.successful) == 3


async def test_an_event_with_an_error_has_failed(apis: EventApis) -> None:
    code = """export function onPublish(ctx) {
      return ctx.events.map((each) => each.payload > 1 ? { id: each.id, error: `${each.payload} is too much` } : each)
    }"""
    apis.apply([event_api(namespace(code=code))])
    heard = listen(apis)
    done = await publish(apis, 1, 2)
    assert heard == ["1"]
    assert [each["index"] for each in done.successful] == [0]
    (failed,) = done.failed
    assert (failed["index"], failed["message"], failed["code"]) == (1, "2 is too much", 400)


@pytest.mark.parametrize(
    "items", ["[{ id: 'nobody', payload: 1 }]", "[1]", "[{ payload: 1 }]", "[ctx.events[0], ctx.events[0]]"]
)
async def test_items_that_are_no_published_event_are_ignored_and_named(
    apis: EventApis, caplog: pytest.LogCaptureFixture, items: str
) -> None:
    apis.apply([event_api(namespace(code=f"export function onPublish(ctx) {{ return {items} }}"))])
    heard = listen(apis)
    await publish(apis, "e")
    assert heard in ([], ['"e"'])
    assert "onPublish of ns returned an item that has no id of a published event" in caplog.text


@pytest.mark.parametrize(
    ("body", "error_type", "message", "status"),
    [
        ("util.error('not you')", "Error", "not you", 403),
        ("util.error('not you', 'Custom')", "Custom", "not you", 403),
        ("util.unauthorized()", "Unauthorized", "Unauthorized", 401),
        ("return 1", "Code", "The onPublish handler must return a list of events.", 403),
        ("return ctx.nobody.x", "Code", None, 403),
    ],
)
async def test_a_handler_refuses(apis: EventApis, body: str, error_type: str, message: str | None, status: int) -> None:
    apis.apply([event_api(namespace(code=f"export function onPublish(ctx) {{ {body} }}"))])
    heard = listen(apis)
    with pytest.raises(ChannelRefused) as refused:
        await publish(apis, 1)
    assert (refused.value.error_type, refused.value.status) == (error_type, status)
    assert message is None or refused.value.message == message
    assert heard == []
    assert not len(apis._turns)


async def test_a_data_source_is_asked_between_request_and_response(apis: EventApis) -> None:
    code = """export const onPublish = {
      request(ctx) {
        ctx.stash.seen = ctx.events.length;
        return { payload: ctx.events.map((each) => each.payload * 2) };
      },
      response(ctx) {
        return ctx.events.map((each, index) => ({ id: each.id, payload: [ctx.result[index], ctx.stash.seen] }))
      },
    }"""
    apis.apply([event_api(namespace(code=code, on_publish=Integration("CODE", "none")))])
    heard = listen(apis)
    await publish(apis, 1, 2)
    assert heard == ["[2,2]", "[4,2]"]


async def test_early_return_in_request_skips_the_data_source_and_the_response(
    apis: EventApis, functions: Functions
) -> None:
    code = """export const onPublish = {
      request: (ctx) => runtime.earlyReturn([ctx.events[0]]), response: (ctx) => [] }"""
    apis.apply([event_api(namespace(code=code, on_publish=Integration("CODE", "fn")))])
    heard = listen(apis)
    await publish(apis, 1, 2)
    assert (heard, functions.asked) == (["1"], [])


async def test_requests_to_a_function(apis: EventApis, functions: Functions) -> None:
    code = """export const onPublish = {
      request: ({ events: [{ payload }] }) => ({ operation: 'Invoke', payload, invocationType: payload.how }),
      response: ({ error, result, events: [{ id }] }) =>
        error ? util.error(error.message, error.type) : [{ id, payload: result }],
    }"""
    apis.apply([event_api(namespace(code=code, on_publish=Integration("CODE", "fn")))])
    heard = listen(apis)
    functions.answer = lambda event: {"got": event}
    await publish(apis, {"how": "RequestResponse"})
    await publish(apis, {"how": "Event"})
    assert heard == ['{"got":{"how":"RequestResponse"}}', "null"]
    assert functions.told == [{"how": "Event"}]

    def fail(event: object) -> object:
        raise ValueError("I fail")

    functions.answer = fail
    with pytest.raises(ChannelRefused, match="I fail") as refused:
        await publish(apis, {})
    assert refused.value.error_type == "Lambda:Unhandled"


async def test_without_a_response_function_errors_refuse_and_events_pass(apis: EventApis, functions: Functions) -> None:
    code = "export const onPublish = { request: (ctx) => ({ operation: 'Invoke', payload: 1 }) }"
    apis.apply([event_api(namespace(code=code, on_publish=Integration("CODE", "fn")))])
    heard = listen(apis)
    await publish(apis, 1)
    assert heard == ["1"]
    functions.refusal = CallerError("TooManyRequestsException", 429, "Rate exceeded")
    with pytest.raises(ChannelRefused, match="Rate exceeded") as refused:
        await publish(apis, 1)
    assert refused.value.error_type == "Lambda:TooManyRequestsException"


async def test_a_direct_function_gets_the_context_and_its_events_are_broadcast(
    apis: EventApis, functions: Functions
) -> None:
    apis.apply([event_api(namespace(on_publish=direct()))])
    heard = listen(apis)

    def answer(event: Any) -> object:
        first, second = event["events"]
        return {
            "events": [{"id": first["id"], "payload": {"was": first["payload"]}}, {"id": second["id"], "error": "no"}]
        }

    functions.answer = answer
    done = await publish(apis, 1, 2)
    assert heard == ['{"was":1}']
    assert [each["message"] for each in done.failed] == ["no"]
    (asked,) = functions.asked
    assert asked["info"] == {
        "channel": {"path": "/ns/a", "segments": ["ns", "a"]},
        "channelNamespace": {"name": "ns"},
        "operation": "PUBLISH",
    }
    assert sorted(asked) == [
        *("error", "events", "identity", "info", "outErrors", "prev", "request", "result", "stash"),
    ]


@pytest.mark.parametrize("answer", [None, {}, {"events": None}, {"events": []}, {"error": "out of order"}])
async def test_a_direct_function_without_events_broadcasts_nothing_and_its_error_is_logged(
    apis: EventApis, functions: Functions, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    apis.apply([event_api(namespace(on_publish=direct()))])
    heard = listen(apis)
    functions.answer = lambda event: answer
    assert len((await publish(apis, 1)).successful) == 1
    assert heard == []
    assert ("out of order" in caplog.text) is bool(answer and "error" in answer)


async def test_a_direct_function_that_fails_refuses_and_unauthorized_says_no_more(
    apis: EventApis, functions: Functions
) -> None:
    class UnauthorizedException(Exception):
        pass

    apis.apply([event_api(namespace(on_publish=direct(), on_subscribe=direct()))])

    def fail(error: Exception) -> Callable[[Any], object]:
        def raising(event: Any) -> object:
            raise error

        return raising

    functions.answer = fail(ValueError("I fail"))
    with pytest.raises(ChannelRefused, match="I fail") as refused:
        await publish(apis, 1)
    assert (refused.value.error_type, refused.value.status) == ("Lambda:Unhandled", 403)
    functions.answer = fail(UnauthorizedException("secret"))
    for work in (publish(apis, 1), apis.subscribe("events", A, ASKER)):
        with pytest.raises(ChannelRefused, match=r"You are not authorized to make this call\.") as refused:
            await work
        assert refused.value.status == 401


async def test_an_event_mode_function_is_told_and_not_waited_for(
    apis: EventApis, functions: Functions, caplog: pytest.LogCaptureFixture
) -> None:
    apis.apply([event_api(namespace(on_publish=direct("EVENT"), on_subscribe=direct("EVENT")))])
    heard = listen(apis)
    await publish(apis, 1)
    await apis.subscribe("events", A, ASKER)
    assert heard == ["1"]
    assert functions.asked == []
    assert [event["info"]["operation"] for event in functions.told] == ["PUBLISH", "SUBSCRIBE"]
    assert functions.told[1]["events"] is None
    functions.refusal = CallerError("TooManyRequestsException", 429, "Rate exceeded")
    await publish(apis, 2)
    assert heard == ["1", "2"]
    assert "the function of /ns/a was not told (request request-1): Rate exceeded" in caplog.text


async def test_on_subscribe_lets_in_or_refuses(apis: EventApis, functions: Functions, trace: Trace) -> None:
    code = """export function onSubscribe(ctx) {
      if (ctx.info.channel.segments.includes('*')) util.error('no wildcards', 'Wild');
      if (ctx.events !== null || ctx.info.operation !== 'SUBSCRIBE') util.error('wrong context');
      if (ctx.info.channel.path === '/ns/secret') util.unauthorized();
    }"""
    apis.apply([event_api(namespace(code=code), namespace("fn", on_subscribe=direct()))])
    await apis.subscribe("events", A, ASKER)
    for channel, message in (
        (Channel(("ns",), wildcard=True), "no wildcards"),
        (Channel(("ns", "secret")), "Unauthor"),
    ):
        with pytest.raises(ChannelRefused, match=message):
            await apis.subscribe("events", channel, ASKER)
    await apis.subscribe("events", Channel(("fn", "a")), ASKER)
    functions.answer = lambda event: {"error": "not today"}
    with pytest.raises(ChannelRefused, match="not today"):
        await apis.subscribe("events", Channel(("fn", "a")), ASKER)
    let_in = [each.happening for each in trace.entries()]
    assert let_in == [ChannelSubscribed("events", channel, handled=True) for channel in ("/ns/a", "/fn/a")]


async def test_a_namespace_that_is_not_there(apis: EventApis) -> None:
    apis.apply([event_api()])
    for work in (
        publish(apis, 1, channel=Channel(("other", "a"))),
        apis.subscribe("events", Channel(("other",)), ASKER),
    ):
        with pytest.raises(ChannelRefused, match=r"The API has no channel namespace other\.") as refused:
            await work
        assert refused.value.status == 400
    with pytest.raises(ChannelRefused, match=r"Event API nobody not found\."):
        await apis.subscribe("nobody", A, ASKER)


async def test_broadcasts_of_a_channel_keep_the_order_in_which_publications_came(
    apis: EventApis, functions: Functions, clock: VirtualClock
) -> None:
    """The first waits for its function; those behind it ran, and wait for their turn. Other channels do not."""
    code = """export const onPublish = {
      request: (ctx) => ctx.events[0].payload === 'slow' ? { operation: 'Invoke' } : runtime.earlyReturn(ctx.events),
      response: (ctx) => ctx.events }"""
    apis.apply([event_api(namespace(code=code, on_publish=Integration("CODE", "fn")))])
    heard, elsewhere = listen(apis), listen(apis, Channel(("ns", "b")))
    functions.gate = asyncio.Event()
    first = asyncio.create_task(publish(apis, "slow"))
    others = [asyncio.create_task(publish(apis, index)) for index in range(3)]
    cancelled = asyncio.create_task(publish(apis, "cancelled"))
    await publish(apis, "now", channel=Channel(("ns", "b")))
    assert elsewhere == ['"now"']
    assert heard == []
    cancelled.cancel()
    functions.gate.set()
    await asyncio.gather(first, *others, publish(apis, "last"))
    assert heard == ['"slow"', "0", "1", "2", '"last"']
    assert not len(apis._turns)


async def test_a_handler_that_takes_too_long_is_given_up_and_the_next_has_its_turn(
    apis: EventApis, functions: Functions, clock: VirtualClock
) -> None:
    apis.apply([event_api(namespace(on_publish=direct()))])
    functions.gate = asyncio.Event()
    started = clock.now()
    with pytest.raises(ChannelRefused, match=r"Execution timed out\."):
        await clock.run_until(asyncio.create_task(publish(apis, 1)))
    assert clock.now() - started == pytest.approx(30, abs=0.01)
    functions.gate.set()
    await publish(apis, 2)


async def test_what_grew_past_240_kb_is_dropped_and_told(
    clock: VirtualClock, ids: SeededIds, trace: Trace, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(appsync=AppSyncLimits(subscription_message_bytes=10))
    apis = EventApis(clock, ids, trace, limits, Functions())
    code = "export const onPublish = (ctx) => ctx.events.map(({ id, payload }) => ({ id, payload: payload + payload }))"
    apis.apply([event_api(namespace(code=code))])
    heard = listen(apis)
    done = await publish(apis, "aaaa", "aaaaa", "b")
    assert heard == ['"aaaaaaaa"', "too large", '"bb"']
    assert len(done.successful) == 3
    assert "an event of /ns/a is not broadcast: 12 bytes, AppSync's most are 10" in caplog.text


async def test_what_handlers_log_and_what_has_no_effect(
    apis: EventApis, trace: Trace, caplog: pytest.LogCaptureFixture
) -> None:
    code = """export function onPublish(ctx) {
      console.log('seen', ctx.events.length); util.appendError('doubtful'); extensions.evictFromApiCache('A', 'b');
      return ctx.events;
    }"""
    apis.apply([event_api(namespace(code=code))])
    await publish(apis, 1)
    (logged,) = [each.happening for each in trace.entries() if isinstance(each.happening, ResolverLogged)]
    assert (logged.api_id, logged.type_name, logged.field_name) == ("events", "ns", "onPublish")
    assert logged.lines == ('INFO - code.js:2:7: "seen" 1',)
    assert "onPublish of /ns/a appended an error (request request-1): doubtful" in caplog.text
    assert "extensions.evictFromApiCache has no effect" in caplog.text


OBJECT = "export const onPublish = { request: (ctx) => ({}), response: (ctx) => ctx.events }"


@pytest.mark.parametrize(
    ("api", "cause"),
    [
        (event_api(namespace(code="export function onPublish(ctx) { while (true) {} }")), "code.js:1:34"),
        (event_api(namespace(code=OBJECT)), "onPublish of namespace ns makes requests, and has no data source"),
        (event_api(namespace(code=OBJECT, on_publish=Integration("CODE", "x"))), "'x', which does not exist"),
        (event_api(namespace(on_publish=Integration("DIRECT", "x"))), "'x', which does not exist"),
        (event_api(namespace(on_publish=Integration("DIRECT", "none"))), "data source none is no function"),
        (event_api(namespace(code="export const onPublish = { response: (ctx) => 1 }")), "no request function"),
        (event_api(namespace(), namespace()), "namespace ns is declared twice"),
        (event_api(namespace("a_b")), "the name of namespace 'a_b' cannot be"),
        (event_api(connection_modes=("AWS_IAM",)), "ConnectionAuthModes name AWS_IAM, for which there is no provider"),
        (event_api(namespace(publish_modes=("AWS_IAM",))), "PublishAuthModes of namespace ns name AWS_IAM"),
        (event_api(namespace(subscribe_modes=("AWS_IAM",))), "SubscribeAuthModes of namespace ns name AWS_IAM"),
    ],
)
def test_what_cannot_be_served_is_named_and_changes_nothing(
    apis: EventApis, api: EventApiDefinition, cause: str
) -> None:
    apis.apply([event_api()])
    with pytest.raises(ProjectError) as error:
        apis.apply([api])
    assert error.value.cause.startswith("Event API Events: ")
    assert cause in error.value.cause
    assert apis.apis() == (event_api(),)


@pytest.mark.parametrize(
    ("given", "warning"),
    [
        (namespace(code="export const other = 1"), "exports neither onPublish nor onSubscribe"),
        (namespace(code=OBJECT, on_publish=direct()), "onPublish of namespace ns is DIRECT"),
        (
            namespace(code="export const onPublish = (ctx) => ctx.events", on_publish=Integration("CODE", "none")),
            "data source none is not used",
        ),
    ],
)
def test_what_has_no_effect_is_warned_of(apis: EventApis, given: Any, warning: str) -> None:
    (found,) = apis.apply([event_api(given)])
    assert warning in found


def test_a_file_is_named_in_its_errors(apis: EventApis) -> None:
    given = namespace()
    broken = type(given)("ns", CodeDefinition("export function onPublish( {", Path("handlers.js")))
    with pytest.raises(ProjectError, match=r"handlers\.js:1:"):
        apis.apply([event_api(broken)])


def test_apis_come_go_and_stay(apis: EventApis) -> None:
    gone: list[str] = []
    apis.on_removed(gone.append)
    apis.apply([event_api(), event_api(api_id="second")])
    apis.put(event_api(api_id="made"))
    apis.apply([event_api(api_id="second")])
    assert gone == ["events"]
    assert [api.api_id for api in apis.apis()] == ["made", "second"]
    apis.remove("made")
    assert gone == ["events", "made"]
    with pytest.raises(ProjectError, match="two Event APIs have the id"):
        apis.apply([event_api(), event_api()])
