"""Bedrock's runtime on a real port: an unmodified boto3, and clients that leave."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError, EventStreamError

from callpark.gateway.app import Gateway
from callpark.gateway.certificate import Certificate
from callpark.gateway.protocols.event_stream import Decoder
from callpark.gateway.server import Server, bind
from callpark.kernel.arn import Place
from callpark.kernel.clock import SystemClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import Limits
from callpark.models import refusals
from callpark.models.happenings import GenerationAbandoned
from callpark.models.model import (
    EmbeddingRequest,
    GenerationRequest,
    Part,
    Prompt,
    Stop,
    Token,
    ToolUseInput,
    ToolUseStart,
    Usage,
    Vectors,
)
from tests.models.api.scene import CLAUDE, HELLO, Scene

pytestmark = pytest.mark.process

T = TypeVar("T")
PROFILE = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{CLAUDE}"
END = Stop("end_turn", Usage(3, 2))


class Dictated:
    """Says what the test dictates, when it does; `ended` is set when a generation is over, for whatever reason."""

    at_once = 10
    description = "dictated"

    def __init__(self) -> None:
        self.dictation: asyncio.Queue[Part | CallerError] = asyncio.Queue()
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.requests: list[GenerationRequest] = []

    def say(self, *parts: Part | CallerError) -> None:
        for part in parts:
            self.dictation.put_nowait(part)

    async def stream(self, request: GenerationRequest) -> AsyncIterator[Part]:
        self.requests.append(request)
        self.begun.set()
        try:
            while True:
                said = await self.dictation.get()
                if isinstance(said, CallerError):
                    raise said
                yield said
                if isinstance(said, Stop):
                    return
        finally:
            self.ended.set()

    async def count_tokens(self, request: GenerationRequest) -> int:
        return 7

    async def embed(self, request: EmbeddingRequest) -> Vectors:
        return Vectors(tuple((1.0,) for _ in request.texts), 2)

    async def close(self) -> None:
        pass


class Served:
    def __init__(self, base_url: str, gateway: Gateway, model: Dictated, scene: Scene) -> None:
        self.base_url = base_url
        self.gateway = gateway
        self.model = model
        self.scene = scene
        self.client: Any = boto3.client(
            "bedrock-runtime",
            endpoint_url=base_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=30),
        )


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    model, clock = Dictated(), SystemClock()
    scene = Scene(clock, SystemIds(), {"*": model})
    limits = Limits().gateway
    gateway = Gateway(scene.table, [], SystemIds(), limits, Place(), dict)
    with bind("127.0.0.1", 0) as bound:
        server = Server(gateway, bound, limits)
        await server.start()
        served = Served(server.base_url, gateway, model, scene)
        yield served
        served.client.close()
        await server.stop()


async def apart(work: Callable[[], T]) -> T:
    """A blocking client on a thread of its own."""
    return await asyncio.to_thread(work)


class Reading:
    """A blocking stream, read on a thread; what comes is handed over one by one."""

    def __init__(self, opened: Callable[[], Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._seen: asyncio.Queue[Any] = asyncio.Queue()
        self._task = asyncio.create_task(apart(lambda: self._read(opened)))

    def _read(self, opened: Callable[[], Any]) -> None:
        try:
            with contextlib.closing(opened()) as stream:
                for event in stream:
                    self._loop.call_soon_threadsafe(self._seen.put_nowait, event)
        except Exception as error:
            self._loop.call_soon_threadsafe(self._seen.put_nowait, error)

    async def next(self) -> Any:
        return await self._seen.get()

    @property
    def waiting(self) -> int:
        return self._seen.qsize()

    async def over(self) -> None:
        await self._task


async def test_boto3_has_each_token_before_the_next_is_made(served: Served) -> None:
    reading = Reading(lambda: served.client.converse_stream(modelId=CLAUDE, messages=HELLO)["stream"])
    served.model.say(Prompt(3))
    assert await reading.next() == {"messageStart": {"role": "assistant"}}
    for token in ("Once", " upon", " a", " time"):
        assert reading.waiting == 0
        served.model.say(Token(token))
        assert await reading.next() == {"contentBlockDelta": {"delta": {"text": token}, "contentBlockIndex": 0}}
    served.model.say(END)
    assert [list(await reading.next()) for _ in range(3)] == [["contentBlockStop"], ["messageStop"], ["metadata"]]
    await reading.over()


async def test_boto3_has_each_native_chunk_before_the_next_is_made(served: Served) -> None:
    body = json.dumps({"prompt": "x"})
    reading = Reading(
        lambda: served.client.invoke_model_with_response_stream(modelId="meta.llama3-8b-instruct-v1:0", body=body)[
            "body"
        ]
    )
    served.model.say(Prompt(3))
    for token in ("Once", " upon"):
        assert reading.waiting == 0
        served.model.say(Token(token))
        assert json.loads((await reading.next())["chunk"]["bytes"])["generation"] == token
    served.model.say(END)
    last = json.loads((await reading.next())["chunk"]["bytes"])
    assert last["stop_reason"] == "stop"
    assert last["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 2
    await reading.over()


async def test_boto3_reads_tools(served: Served) -> None:
    tools = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]}
    reading = Reading(
        lambda: served.client.converse_stream(modelId=PROFILE, messages=HELLO, toolConfig=tools)["stream"]
    )
    served.model.say(ToolUseStart("t1", "weather"), ToolUseInput('{"city":'), ToolUseInput('"Oslo"}'))
    served.model.say(Stop("tool_use", Usage(1, 1)))
    found = [await reading.next() for _ in range(7)]
    assert found[1]["contentBlockStart"]["start"] == {"toolUse": {"toolUseId": "t1", "name": "weather"}}
    assert [event["contentBlockDelta"]["delta"]["toolUse"]["input"] for event in found[2:4]] == ['{"city":', '"Oslo"}']
    assert found[5]["messageStop"] == {"stopReason": "tool_use"}
    assert served.model.requests[0].model == PROFILE
    await reading.over()


async def test_boto3_invokes_counts_and_embeds(served: Served) -> None:
    served.model.say(Token("hi"), END)
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
    answer = await apart(lambda: served.client.invoke_model(modelId=CLAUDE, body=json.dumps(body)))
    assert json.loads(answer["body"].read())["content"] == [{"type": "text", "text": "hi"}]
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-input-token-count"] == "3"
    assert headers["x-amzn-bedrock-output-token-count"] == "2"
    assert "x-amzn-bedrock-invocation-latency" in headers
    served.model.say(Token("hi"), END)
    spoken = await apart(lambda: served.client.converse(modelId=CLAUDE, messages=HELLO))
    assert spoken["output"]["message"]["content"] == [{"text": "hi"}]
    counted = await apart(lambda: served.client.count_tokens(modelId=CLAUDE, input={"converse": {"messages": HELLO}}))
    assert counted["inputTokens"] == 7
    texts = json.dumps({"texts": ["a", "b"], "input_type": "clustering"})
    embedded = await apart(lambda: served.client.invoke_model(modelId="cohere.embed-english-v3", body=texts))
    assert len(json.loads(embedded["body"].read())["embeddings"]) == 2


async def test_boto3_raises_bedrocks_exceptions(served: Served) -> None:
    served.model.say(refusals.throttled("slow down"))
    with pytest.raises(ClientError, match="slow down") as throttled:
        await apart(lambda: served.client.converse_stream(modelId=CLAUDE, messages=HELLO))
    assert isinstance(throttled.value, served.client.exceptions.ThrottlingException)
    assert throttled.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    with pytest.raises(served.client.exceptions.ValidationException, match="must start with a user message"):
        await apart(
            lambda: served.client.converse(modelId=CLAUDE, messages=[{"role": "assistant", "content": [{"text": "x"}]}])
        )
    with pytest.raises(ClientError, match="callpark does not implement StartAsyncInvoke"):
        await apart(
            lambda: served.client.start_async_invoke(
                modelId=CLAUDE, modelInput={}, outputDataConfig={"s3OutputDataConfig": {"s3Uri": "s3://bucket/x"}}
            )
        )


async def test_boto3_raises_what_fails_in_a_stream(served: Served) -> None:
    reading = Reading(lambda: served.client.converse_stream(modelId=CLAUDE, messages=HELLO)["stream"])
    served.model.say(Token("a"), refusals.stream_error("the model broke"))
    assert [list(await reading.next()) for _ in range(2)] == [["messageStart"], ["contentBlockDelta"]]
    failed = await reading.next()
    assert isinstance(failed, EventStreamError)
    assert failed.response["Error"] == {"Code": "modelStreamErrorException", "Message": "the model broke"}
    await reading.over()


async def test_a_bearer_token_is_as_good_as_a_signature(
    served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """boto3 sends tokens over TLS only."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-abc")
    certificate = Certificate(tmp_path, SystemClock(), 30)
    limits = Limits().gateway
    with bind("127.0.0.1", 0) as bound:
        server = Server(served.gateway, bound, limits, certificate=certificate)
        await server.start()
        client: Any = boto3.session.Session().client(
            "bedrock-runtime",
            endpoint_url=f"https://localhost:{bound.port}",
            region_name="us-east-1",
            verify=str(certificate.ensure()),
        )
        served.model.say(Token("hi"), END)
        spoken = await apart(lambda: client.converse(modelId=CLAUDE, messages=HELLO))
        client.close()
        await server.stop()
    assert spoken["output"]["message"]["content"] == [{"text": "hi"}]


class Raw:
    """A connection of one's own, to be cut."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = Decoder()

    async def event(self) -> str:
        """The next event's name. Chunked framing is passed over by its lines."""
        while True:
            size = int(await self._reader.readline(), 16)
            frames = self._decoder.feed(await self._reader.readexactly(size))
            await self._reader.readline()
            if frames:
                return str(frames[0].headers[":event-type"])

    async def leave(self) -> None:
        self._writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


async def connected(served: Served, operation: str) -> Raw:
    host, _, port = served.base_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"messages": HELLO}).encode()
    head = f"POST /model/{CLAUDE}/{operation} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    return Raw(reader, writer) if operation == "converse" else await _answered(Raw(reader, writer), reader, served)


async def _answered(raw: Raw, reader: asyncio.StreamReader, served: Served) -> Raw:
    served.model.say(Prompt(3))
    while await reader.readline() != b"\r\n":
        pass
    return raw


async def abandoned(served: Served) -> None:
    await served.model.ended.wait()
    await asyncio.sleep(0)
    (told,) = served.scene.happenings()
    assert isinstance(told, GenerationAbandoned)


async def test_a_client_that_leaves_while_it_waits_ends_the_generation(served: Served) -> None:
    """Before the first token: none is ever made."""
    raw = await connected(served, "converse-stream")
    assert await raw.event() == "messageStart"
    await raw.leave()
    await abandoned(served)


async def test_a_client_that_leaves_in_the_middle_ends_the_generation_within_a_token(served: Served) -> None:
    raw = await connected(served, "converse-stream")
    served.model.say(Token("a"), Token("b"))
    assert [await raw.event() for _ in range(3)] == ["messageStart", "contentBlockDelta", "contentBlockDelta"]
    await raw.leave()
    await abandoned(served)
    assert served.model.dictation.empty()


async def test_a_client_that_leaves_a_whole_answer_ends_the_generation(served: Served) -> None:
    raw = await connected(served, "converse")
    await served.model.begun.wait()
    served.model.say(Prompt(3), Token("a"))
    await raw.leave()
    await abandoned(served)


async def test_other_requests_go_on_when_one_client_leaves(served: Served) -> None:
    raw = await connected(served, "converse-stream")
    assert await raw.event() == "messageStart"
    await raw.leave()
    await served.model.ended.wait()
    served.model.say(Token("hi"), END)
    spoken = await apart(lambda: served.client.converse(modelId=CLAUDE, messages=HELLO))
    assert spoken["output"]["message"]["content"] == [{"text": "hi"}]
