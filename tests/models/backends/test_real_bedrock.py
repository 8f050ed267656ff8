"""Amazon Bedrock as a backend, with botocore's client replaced by one that repeats what it is asked."""

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import botocore.session
import orjson
import pytest
from botocore.exceptions import ClientError, EventStreamError, NoCredentialsError, ReadTimeoutError
from botocore.stub import Stubber

from callpark.kernel.clock import SystemClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ModelLimits
from callpark.models.backends.real_bedrock import RealBedrockModels, parts_of
from callpark.models.backends.scripted import tokens_of
from callpark.models.declared import RealBedrock
from callpark.models.model import (
    EmbeddingRequest,
    GenerationRequest,
    Inference,
    Message,
    Stop,
    Text,
    Token,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    ToolUseInput,
    ToolUseStart,
    Usage,
)
from tests.models.asking import asking, gathered

pytestmark = pytest.mark.process


@dataclass
class _Client:
    """`failure` is raised before, or after the first token when `later`."""

    failure: Exception | None = None
    later: bool = False
    asked: list[dict[str, object]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    events: "Iterator[dict[str, object]] | None" = None

    def converse_stream(self, **parameters: object) -> dict[str, object]:
        self.asked.append(parameters)
        if self.failure is not None and not self.later:
            raise self.failure
        return {"stream": _Stream(self.events or self._echo(parameters), self.closed)}

    def count_tokens(self, **parameters: object) -> dict[str, object]:
        self.asked.append(parameters)
        return {"inputTokens": 7}

    def invoke_model(self, **parameters: object) -> dict[str, object]:
        self.asked.append(parameters)
        return {"body": io.BytesIO(b'{"embedding":[0.5,1],"inputTextTokenCount":2}')}

    def _echo(self, parameters: dict[str, object]) -> Iterator[dict[str, object]]:
        messages = parameters["messages"]
        assert isinstance(messages, list)
        yield {"messageStart": {"role": "assistant"}}
        for number, token in enumerate(tokens_of(messages[-1]["content"][0]["text"])):
            if number and self.failure is not None:
                raise self.failure
            yield {"contentBlockDelta": {"delta": {"text": token}, "contentBlockIndex": 0}}
        yield {"contentBlockStop": {"contentBlockIndex": 0}}
        yield {"messageStop": {"stopReason": "max_tokens"}}
        yield {"metadata": {"usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}, "metrics": {}}}


class _Stream:
    def __init__(self, events: Iterator[dict[str, object]], closed: threading.Event) -> None:
        self._events = events
        self._closed = closed

    def __iter__(self) -> Iterator[dict[str, object]]:
        return self._events

    def close(self) -> None:
        self._closed.set()


def _backend(client: _Client) -> RealBedrockModels:
    return RealBedrockModels(RealBedrock(), SystemClock(), ModelLimits(), lambda: client)


def _error(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "said AWS"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Converse"
    )


async def test_parts_come_as_events_do() -> None:
    client = _Client()
    parts = await gathered(_backend(client).stream(replace(asking("one two"), model="m")))
    assert parts == [Token("one"), Token(" two"), Stop("max_tokens", Usage(3, 2))]
    assert client.closed.is_set()


async def test_the_request_is_one_that_botocore_accepts() -> None:
    request = GenerationRequest(
        (
            Message("user", (Text("Weather?"),)),
            Message("assistant", (ToolUse("t1", "weather", {"city": "York"}),)),
            Message("user", (ToolResult("t1", ("rain",), failed=True),)),
        ),
        ("Be kind.",),
        Inference(50, 0.5, 0.9, 40, ("END",)),
        (Tool("weather", "", {"type": "object"}),),
        ToolChoice("tool", "weather"),
        model="anthropic.claude",
    )
    client = _Client(events=iter([]))
    await gathered(_backend(client).stream(request))
    botocore_client = botocore.session.Session().create_client(
        "bedrock-runtime", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(botocore_client) as stubber:
        stubber.add_response("converse_stream", {}, client.asked[0])
        botocore_client.converse_stream(**client.asked[0])


@pytest.mark.parametrize(
    ("failure", "later", "code"),
    [
        (_error("ThrottlingException", 429), False, "ThrottlingException: said AWS"),
        (_error("ValidationException", 400), False, "ValidationException"),
        (
            EventStreamError({"Error": {"Code": "modelStreamErrorException", "Message": "x"}}, "Converse"),
            True,
            "ModelStreamErrorException: x",
        ),
        (NoCredentialsError(), False, "AccessDeniedException: callpark cannot ask Amazon Bedrock"),
        (ReadTimeoutError(endpoint_url="x"), True, "ModelTimeoutException"),
        (OSError("gone"), False, "ServiceUnavailableException"),
        (OSError("gone"), True, "ModelStreamErrorException"),
    ],
)
async def test_refusals_go_through(failure: Exception, later: bool, code: str) -> None:
    with pytest.raises(CallerError, match=code):
        await gathered(_backend(_Client(failure, later)).stream(asking("one two")))


async def test_tool_uses_and_tokens_of_a_request() -> None:
    events: list[dict[str, object]] = [
        {"contentBlockStart": {"start": {"toolUse": {"toolUseId": "t", "name": "w"}}, "contentBlockIndex": 0}},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": '{"a":1}'}}, "contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "tool_use"}},
    ]
    assert list(parts_of(events)) == [ToolUseStart("t", "w"), ToolUseInput('{"a":1}'), Stop("tool_use", Usage(0, 0))]
    assert await _backend(_Client()).count_tokens(asking("x")) == 7


async def test_closing_a_stream_closes_amazons() -> None:
    def endless() -> Iterator[dict[str, object]]:
        while True:
            yield {"contentBlockDelta": {"delta": {"text": "w"}, "contentBlockIndex": 0}}

    client = _Client(events=endless())
    parts = _backend(client).stream(asking("x"))
    assert await anext(parts) == Token("w")
    await parts.aclose()  # type: ignore[attr-defined]
    client.closed.wait()


async def test_embeddings_of_titan_only() -> None:
    client = _Client()
    backend = _backend(client)
    vectors = await backend.embed(EmbeddingRequest(("a", "b"), 256, model="amazon.titan-embed-text-v2:0"))
    assert vectors.vectors == ((0.5, 1.0), (0.5, 1.0))
    assert vectors.input_tokens == 4
    body = client.asked[0]["body"]
    assert isinstance(body, bytes)
    assert orjson.loads(body) == {"inputText": "a", "normalize": True, "dimensions": 256}
    with pytest.raises(CallerError, match="Titan models only"):
        await backend.embed(EmbeddingRequest(("a",), model="cohere.embed-english-v3"))
