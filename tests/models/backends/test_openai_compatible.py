"""Any server that speaks OpenAI's API as a backend."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from callpark.kernel.clock import SystemClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ModelLimits
from callpark.models.backends.openai_compatible import OpenAiCompatible
from callpark.models.declared import OpenAi
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
)
from tests.models.asking import asking, failing, gathered, text_of
from tests.models.backends.conformance import *  # noqa: F403
from tests.models.backends.openai_server import OpenAiServer, event, openai_server

pytestmark = pytest.mark.process


@dataclass
class _Given:
    backend: OpenAiCompatible
    most: int = 20
    embeds: bool = True


@pytest.fixture
async def server() -> AsyncIterator[OpenAiServer]:
    async with openai_server() as running:
        yield running


@pytest.fixture
async def backend(server: OpenAiServer) -> AsyncIterator[OpenAiCompatible]:
    declared = OpenAi(url=server.url, model="tiny")
    made = OpenAiCompatible(declared, "a-key", SystemClock(), ModelLimits())
    yield made
    await made.close()


@pytest.fixture
def given(backend: OpenAiCompatible) -> _Given:
    return _Given(backend)


def _answering(server: OpenAiServer, *pieces: bytes | BaseException, status: int = 200) -> None:
    async def content() -> AsyncIterator[bytes]:
        for piece in pieces:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    server.answer = lambda _: (status, content())


def _delta(**delta: object) -> bytes:
    return event({"choices": [{"delta": delta, "finish_reason": None}]})


async def test_the_request_as_the_server_sees_it(server: OpenAiServer, backend: OpenAiCompatible) -> None:
    request = GenerationRequest(
        (
            Message("user", (Text("Weather"), Text("in York?"))),
            Message("assistant", (Text("I look."), ToolUse("t1", "weather", {"city": "York"}))),
            Message("user", (ToolResult("t1", ("rain", "cold"), failed=True), Text("And?"))),
        ),
        ("Be kind.", "Be brief."),
        Inference(50, 0.5, 0.9, 40, ("END",)),
        (Tool("weather", "tells it", {"type": "object"}),),
        ToolChoice("tool", "weather"),
    )
    await gathered(backend.stream(request))
    path, headers, body = server.asked[0]
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer a-key"
    assert body == {
        "model": "tiny",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Be kind.\n\nBe brief."},
            {"role": "user", "content": "Weather\nin York?"},
            {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [
                    {"id": "t1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"York"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "t1", "content": "Error: rain\ncold"},
            {"role": "user", "content": "And?"},
        ],
        "max_tokens": 50,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "stop": ["END"],
        "tools": [
            {
                "type": "function",
                "function": {"name": "weather", "description": "tells it", "parameters": {"type": "object"}},
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
    }


async def test_tool_calls_come_in_fragments(server: OpenAiServer, backend: OpenAiCompatible) -> None:
    _answering(
        server,
        _delta(tool_calls=[{"index": 0, "id": "c1", "function": {"name": "weather", "arguments": ""}}]),
        _delta(tool_calls=[{"index": 0, "function": {"arguments": '{"city"'}}]),
        _delta(tool_calls=[{"index": 0, "function": {"arguments": ':"York"}'}}]),
        _delta(tool_calls=[{"index": 1, "id": "c2", "function": {"name": "time", "arguments": "{}"}}]),
        event({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
    )
    parts = await gathered(backend.stream(asking("x")))
    assert parts[:5] == [
        ToolUseStart("c1", "weather"),
        ToolUseInput('{"city"'),
        ToolUseInput(':"York"}'),
        ToolUseStart("c2", "time"),
        ToolUseInput("{}"),
    ]
    assert isinstance(parts[5], Stop)
    assert parts[5].reason == "tool_use"


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        (400, b'{"error":{"message":"no"}}', "ValidationException"),
        (
            400,
            b'{"error":{"type":"exceed_context_size_error","message":"x","code":400}}',
            "ValidationException: Input is too long for requested model",
        ),
        (401, b'{"error":{"message":"key?"}}', "AccessDeniedException: key?"),
        (404, b'{"error":"model \\"x\\" not found"}', 'ResourceNotFoundException: model "x" not found'),
        (429, b"", "ThrottlingException"),
        (500, b"<html>", "ModelErrorException: <html>"),
        (503, b'{"error":{"message":"Loading model"}}', "ModelNotReadyException: Loading model"),
    ],
)
async def test_refusals_are_bedrocks(
    server: OpenAiServer, backend: OpenAiCompatible, status: int, answer: bytes, code: str
) -> None:
    _answering(server, *([answer] if answer else []), status=status)
    with pytest.raises(CallerError, match=code):
        await gathered(backend.stream(asking("x")))


async def test_an_error_in_the_stream_and_a_stream_that_breaks_off(
    server: OpenAiServer, backend: OpenAiCompatible
) -> None:
    said = _delta(content="Hel")
    for pieces in (
        (said, event({"error": {"message": "out of memory", "code": 500}})),
        (said, ConnectionResetError()),
        (said,),
    ):
        _answering(server, *pieces)
        heard, refusal = await failing(backend.stream(asking("x")))
        assert (heard, refusal.code) == ([Token("Hel")], "ModelStreamErrorException")


async def test_nobody_there_and_somebody_who_says_nothing() -> None:
    limits = ModelLimits()
    nobody = OpenAiCompatible(OpenAi(url="http://127.0.0.1:9/v1", model="x"), None, SystemClock(), limits)
    with pytest.raises(CallerError, match=r"ServiceUnavailableException: .* cannot be reached"):
        await gathered(nobody.stream(asking("x")))
    with pytest.raises(CallerError, match="ServiceUnavailableException"):
        await nobody.embed(EmbeddingRequest(("x",)))
    await nobody.close()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await _.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        impatient = replace(limits, silence_seconds=0.05)
        slow = OpenAiCompatible(OpenAi(url=f"http://127.0.0.1:{port}/v1", model="x"), None, SystemClock(), impatient)
        with pytest.raises(CallerError, match="ModelTimeoutException"):
            await gathered(slow.stream(asking("x")))
        await slow.close()


async def test_closing_the_stream_closes_the_connection(server: OpenAiServer, backend: OpenAiCompatible) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield _delta(content="w")

    server.answer = lambda _: (200, endless())
    parts = backend.stream(asking("x"))
    assert await anext(parts) == Token("w")
    await parts.aclose()  # type: ignore[attr-defined]
    await server.left.wait()


async def test_reasoning_is_left_out_and_said_once(
    server: OpenAiServer, backend: OpenAiCompatible, caplog: pytest.LogCaptureFixture
) -> None:
    done = event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    for _ in range(2):
        _answering(server, _delta(reasoning_content="hm"), _delta(content="Hi"), done)
        assert text_of(await gathered(backend.stream(asking("x")))) == "Hi"
    assert caplog.text.count("sends its reasoning") == 1


async def test_vectors_in_the_order_of_their_texts(backend: OpenAiCompatible) -> None:
    vectors = await backend.embed(EmbeddingRequest(("a", "bbb", "cc"), model="embedder"))
    assert vectors.vectors == ((1.0, 1.0), (3.0, 1.0), (2.0, 1.0))


async def test_the_model_of_the_mapping_counts_before_the_backends_own(
    server: OpenAiServer, backend: OpenAiCompatible
) -> None:
    await gathered(backend.stream(replace(asking("x"), model="other")))
    await gathered(backend.stream(replace(asking("x"), prompt="raw")))
    assert [(path, body["model"]) for path, _, body in server.asked] == [
        ("/v1/chat/completions", "other"),
        ("/v1/completions", "tiny"),
    ]
