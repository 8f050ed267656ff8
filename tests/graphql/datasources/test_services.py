"""EventBridge, Bedrock and OpenSearch: what is asked of whoever serves them, and what resolvers see. Reference §8."""

import base64
import datetime
from collections.abc import Mapping
from typing import Any

import pytest

from callpark.graphql.datasources.bedrock import BedrockSource
from callpark.graphql.datasources.event_bridge import EventBridgeSource
from callpark.graphql.datasources.open_search import OpenSearchSource
from callpark.graphql.datasources.port import HttpFailure, HttpReply, HttpRequest, Outcome, SourceError
from callpark.graphql.datasources.timed import TimedSource
from callpark.graphql.failures import FieldFailure
from callpark.graphql.model import SearchConfig
from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.errors import CallerError
from tests.graphql.datasources.moto_upstreams import moto_upstreams

pytestmark = pytest.mark.unit


class Scripted:
    """One answer for every call; `sent` is what was asked."""

    def __init__(self, answer: Any, where: str | None = None) -> None:
        self.answer = answer
        self.where = where
        self.sent: list[Any] = []

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        self.sent.append((service, operation, parameters))
        return self._answered()  # type: ignore[no-any-return]

    async def send(self, request: HttpRequest, most_bytes: int) -> HttpReply:
        self.sent.append(request)
        return self._answered()  # type: ignore[no-any-return]

    def address(self, service: str) -> str | None:
        return self.where

    def _answered(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


EVENT = {"source": "app", "detailType": "made", "detail": {"a": 1}}


async def test_events_are_put_as_eventbridge_wants_them() -> None:
    upstreams = Scripted({"Entries": [{"EventId": "e"}], "FailedEntryCount": 0})
    event = {**EVENT, "resources": ["arn:x"], "time": "2026-01-02T03:04:05Z"}
    outcome = await EventBridgeSource("arn:bus", upstreams).call({"operation": "PutEvents", "events": [event]}, 0)
    assert outcome == Outcome({"Entries": [{"EventId": "e"}], "FailedEntryCount": 0})
    entry = {
        "Source": "app",
        "DetailType": "made",
        "Detail": '{"a":1}',
        "EventBusName": "arn:bus",
        "Resources": ["arn:x"],
        "Time": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
    }
    assert upstreams.sent == [("events", "PutEvents", {"Entries": [entry]})]


async def test_events_on_motos_bus() -> None:
    with moto_upstreams() as upstreams:
        bus = upstreams.client("events").create_event_bus(Name="mine")["EventBusArn"]
        outcome = await EventBridgeSource(bus, upstreams).call({"operation": "PutEvents", "events": [EVENT] * 2}, 0)
    assert isinstance(outcome.result, dict)
    assert outcome.result["FailedEntryCount"] == 0
    assert len(outcome.result["Entries"]) == 2


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"operation": "Put"}, "Unsupported operation 'Put'"),
        ({"operation": "PutEvents"}, r"\$\[events\]"),
        ({"operation": "PutEvents", "events": []}, "between 1 and 10"),
        ({"operation": "PutEvents", "events": [EVENT] * 11}, "the request has 11"),
        ({"operation": "PutEvents", "events": [{**EVENT, "detail": None}]}, r"\$\[events\]\[0\]\[detail\]"),
        ({"operation": "PutEvents", "events": [{**EVENT, "source": ""}]}, r"\$\[events\]\[0\]\[source\]"),
        ({"operation": "PutEvents", "events": [{**EVENT, "time": "noon"}]}, "RFC 3339"),
        ({"operation": "PutEvents", "events": ["x"]}, "Expected JSON object"),
    ],
)
async def test_events_that_are_not_understood(request_: dict[str, Any], words: str) -> None:
    upstreams = Scripted({})
    with pytest.raises(FieldFailure, match=words):
        await EventBridgeSource("arn:bus", upstreams).call(request_, 0)
    assert upstreams.sent == []


async def test_a_model_is_invoked_with_json_and_answers_with_it() -> None:
    upstreams = Scripted({"body": b'{"completion":"hi"}', "contentType": "application/json"})
    request = {
        "operation": "InvokeModel",
        "modelId": "m",
        "body": {"prompt": "p"},
        "guardrailIdentifier": "g",
        "guardrailVersion": "1",
        "guardrailTrace": "ENABLED",
    }
    assert await BedrockSource(upstreams).call(request, 0) == Outcome({"completion": "hi"})
    parameters = {
        "modelId": "m",
        "body": b'{"prompt":"p"}',
        "contentType": "application/json",
        "accept": "application/json",
        "guardrailIdentifier": "g",
        "guardrailVersion": "1",
        "trace": "ENABLED",
    }
    assert upstreams.sent == [("bedrock-runtime", "InvokeModel", parameters)]


async def test_a_conversation_passes_with_its_pictures_as_bytes() -> None:
    reply = {"output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}}, "stopReason": "end_turn"}
    upstreams = Scripted(reply)
    picture = {"image": {"format": "png", "source": {"bytes": base64.b64encode(b"\x89").decode()}}}
    request = {
        "operation": "Converse",
        "modelId": "m",
        "messages": [{"role": "user", "content": [{"text": "x"}, picture]}],
        "system": [{"text": "s"}],
        "inferenceConfig": {"maxTokens": 5},
        "toolConfig": None,
    }
    assert await BedrockSource(upstreams).call(request, 0) == Outcome(reply)
    ((_, operation, parameters),) = upstreams.sent
    assert operation == "Converse"
    assert parameters["messages"][0]["content"][1]["image"]["source"] == {"bytes": b"\x89"}
    assert sorted(parameters) == ["inferenceConfig", "messages", "modelId", "system"]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"operation": "ConverseStream", "modelId": "m"}, "Unsupported operation 'ConverseStream'"),
        ({"operation": "InvokeModel", "body": {}}, r"\$\[modelId\]"),
        ({"operation": "InvokeModel", "modelId": "m"}, r"\$\[body\]"),
        ({"operation": "Converse", "modelId": "m"}, r"\$\[messages\]"),
    ],
)
async def test_model_requests_that_are_not_understood(request_: dict[str, Any], words: str) -> None:
    with pytest.raises(FieldFailure, match=words):
        await BedrockSource(Scripted({})).call(request_, 0)


@pytest.mark.parametrize(
    ("source", "request_", "kind"),
    [
        (lambda u: EventBridgeSource("arn", u), {"operation": "PutEvents", "events": [EVENT]}, "EventBridge"),
        (BedrockSource, {"operation": "Converse", "modelId": "m", "messages": []}, "BedrockRuntime"),
    ],
)
async def test_what_a_service_refuses_is_ctx_error(source: Any, request_: dict[str, Any], kind: str) -> None:
    upstreams = Scripted(CallerError("AccessDeniedException", 403, "no"))
    assert await source(upstreams).call(request_, 0) == Outcome(
        error=SourceError("no", f"{kind}:AccessDeniedException")
    )


async def test_a_model_that_takes_longer_than_ten_seconds_times_out(clock: VirtualClock) -> None:
    class Slow:
        async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
            await sleep(clock, 10.5)
            return Outcome("late")

    source = TimedSource(Slow(), clock, "BedrockRuntime", 10)
    outcome = await clock.run_until(source.call({}, clock.now() + 30))
    assert outcome.error == SourceError("Execution timed out.", "BedrockRuntime:ExecutionTimeoutException")
    assert await clock.run_until(TimedSource(Slow(), clock, "X", 11).call({}, clock.now() + 30)) == Outcome("late")
    early = await clock.run_until(TimedSource(Slow(), clock, "X", 11).call({}, clock.now() + 5))
    assert early.error is not None


DOMAIN = SearchConfig("https://search-x.us-east-1.es.amazonaws.com", "us-east-1")
LOCAL = SearchConfig("http://127.0.0.1:9200/", "us-east-1")
FOUND = HttpReply(200, "OK", {}, b'{"hits":{"total":1}}')


async def search(config: SearchConfig, http: Scripted, **request: Any) -> Outcome:
    source = OpenSearchSource(config, http, http, 1000)
    return await source.call({"operation": "GET", "path": "/posts/_search", **request}, 0)


async def test_a_search_goes_signed_to_its_endpoint_and_comes_back_parsed() -> None:
    http = Scripted(FOUND)
    params = {"headers": {"X-A": "1"}, "queryString": {"size": 3}, "body": {"query": {"match_all": {}}}}
    assert await search(LOCAL, http, params=params) == Outcome({"hits": {"total": 1}})
    (request,) = http.sent
    assert (request.method, request.url) == ("GET", "http://127.0.0.1:9200/posts/_search?size=3")
    assert request.body == b'{"query":{"match_all":{}}}'
    assert request.headers["X-A"] == "1"
    assert "/us-east-1/es/aws4_request" in request.headers["Authorization"]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (HttpReply(404, "Gone", {}, b'{"e":1}'), Outcome({"e": 1}, SourceError('OpenSearchHttp:{"e":1}', "404 Gone"))),
        (HttpReply(200, "OK", {}, b"green\n"), Outcome("green\n")),
        (HttpReply(200, "OK", {}, b""), Outcome(None)),
        (HttpFailure("ConnectException", "no"), Outcome(error=SourceError("no", "OpenSearch:ConnectException"))),
    ],
)  # fmt: skip
async def test_what_a_search_may_answer(reply: object, outcome: Outcome) -> None:
    assert await search(LOCAL, Scripted(reply)) == outcome


async def test_a_domain_of_awss_is_where_the_user_says() -> None:
    http = Scripted(FOUND, "http://127.0.0.1:9201")
    await search(DOMAIN, http)
    assert http.sent[0].url == "http://127.0.0.1:9201/posts/_search"
    nowhere = Scripted(FOUND)
    outcome = await search(DOMAIN, nowhere)
    assert outcome.error is not None
    assert outcome.error.type == "OpenSearch:ServiceUnavailable"
    assert "--upstream opensearch=URL" in outcome.error.message
    assert nowhere.sent == []
    declared = SearchConfig("https://MyDomain", "us-east-1")
    assert (await search(declared, nowhere)).error == SourceError(
        outcome.error.message.replace(DOMAIN.endpoint, declared.endpoint), outcome.error.type
    )


async def test_a_search_of_an_unknown_kind() -> None:
    with pytest.raises(FieldFailure, match="Unsupported operation 'PATCH'"):
        await search(LOCAL, Scripted(FOUND), operation="PATCH")
