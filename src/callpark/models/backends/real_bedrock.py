"""Amazon Bedrock itself as a backend, through botocore with the user's own credentials.

Made by `making.py` from a `bedrock:` backend. botocore waits for sockets, so each request has a thread; parts cross
to the loop as they come. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Protocol, TypeAlias

import orjson

from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ModelLimits
from callpark.models import refusals
from callpark.models.declared import RealBedrock
from callpark.models.model import (
    Block,
    EmbeddingRequest,
    GenerationRequest,
    Part,
    Stop,
    StopReason,
    Text,
    Token,
    ToolResult,
    ToolUse,
    ToolUseInput,
    ToolUseStart,
    Usage,
    Vectors,
)

Document: TypeAlias = Mapping[str, object]

_REASONS: Mapping[str, StopReason] = {
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "content_filtered": "content_filtered",
    "guardrail_intervened": "content_filtered",
    "model_context_window_exceeded": "model_context_window_exceeded",
}


class BedrockClient(Protocol):
    """The part of botocore's client that is used; AWS's own names."""

    def converse_stream(self, **parameters: object) -> dict[str, object]: ...
    def count_tokens(self, **parameters: object) -> dict[str, object]: ...
    def invoke_model(self, **parameters: object) -> dict[str, object]: ...


class RealBedrockModels:
    """`port.Backend` for every model of an account. `client` replaces botocore's; it is made at the first request."""

    def __init__(
        self,
        declared: RealBedrock,
        clock: Clock,
        limits: ModelLimits,
        client: Callable[[], BedrockClient] | None = None,
    ) -> None:
        self._declared = declared
        self._clock = clock
        self._limits = limits
        self._make = client or self._botocore
        self._client: BedrockClient | None = None
        self._making = threading.Lock()

    @property
    def at_once(self) -> int:
        return self._declared.at_once

    @property
    def description(self) -> str:
        return f"Amazon Bedrock, {self._declared.profile or 'the default profile'}"

    async def stream(self, request: GenerationRequest) -> AsyncIterator[Part]:
        reading = _Reading(self, request, asyncio.get_running_loop())
        try:
            while True:
                with self._clock.hold("Amazon Bedrock"):
                    part = await reading.parts.get()
                if part is None:
                    return
                if isinstance(part, CallerError):
                    raise part
                yield part
        finally:
            reading.close()

    async def count_tokens(self, request: GenerationRequest) -> int:
        body = {name: value for name, value in _converse(request).items() if name in ("messages", "system")}
        answer = await self._call(lambda client: client.count_tokens(modelId=request.model, input={"converse": body}))
        return _whole(answer.get("inputTokens"))

    async def embed(self, request: EmbeddingRequest) -> Vectors:
        """One request for each text: no family takes many in the same form."""
        vectors, tokens = [], 0
        for text in request.texts:
            answer = await self._call(lambda client, text=text: self._embedded(client, request, text))  # type: ignore[misc]
            vector = answer["embedding"]
            assert isinstance(vector, list)
            vectors.append(tuple(float(value) for value in vector))
            tokens += _whole(answer.get("inputTextTokenCount"))
        return Vectors(tuple(vectors), tokens)

    async def close(self) -> None:
        """Threads end with their requests."""

    def opened(self) -> BedrockClient:
        """Called on threads."""
        with self._making:
            if self._client is None:
                self._client = self._make()
            return self._client

    async def _call(self, ask: Callable[[BedrockClient], dict[str, object]]) -> dict[str, object]:
        def work() -> dict[str, object]:
            try:
                return ask(self.opened())
            except Exception as error:
                raise refusal(error, begun=False) from error

        with self._clock.hold("Amazon Bedrock"):
            return await asyncio.to_thread(work)

    @staticmethod
    def _embedded(client: BedrockClient, request: EmbeddingRequest, text: str) -> dict[str, object]:
        if "titan-embed" not in request.model:
            raise refusals.validation(f"callpark passes embeddings on to Titan models only, not to {request.model}.")
        body: dict[str, object] = {"inputText": text}
        if "embed-text-v2" in request.model:
            body["normalize"] = request.normalize
            if request.dimensions is not None:
                body["dimensions"] = request.dimensions
        answer = client.invoke_model(modelId=request.model, body=orjson.dumps(body))
        stream = answer["body"]
        decoded: dict[str, object] = orjson.loads(stream.read())  # type: ignore[attr-defined]
        return decoded

    def _botocore(self) -> BedrockClient:
        import botocore.session
        from botocore.config import Config

        session = botocore.session.Session(profile=self._declared.profile)
        config = Config(
            # Else AWS_ENDPOINT_URL would lead back here.
            ignore_configured_endpoint_urls=True,
            connect_timeout=self._limits.connect_seconds,
            read_timeout=self._limits.silence_seconds,
            max_pool_connections=self._declared.at_once,
        )
        client: BedrockClient = session.create_client(
            "bedrock-runtime", region_name=self._declared.region, config=config
        )
        return client


class _Reading:
    """One streamed answer, read on a thread: parts on a queue, then None or what went wrong."""

    def __init__(self, models: RealBedrockModels, request: GenerationRequest, loop: asyncio.AbstractEventLoop) -> None:
        self.parts: asyncio.Queue[Part | CallerError | None] = asyncio.Queue()
        self._models = models
        self._request = request
        self._loop = loop
        self._closed = False
        threading.Thread(target=self._run, name="models: bedrock", daemon=True).start()

    def close(self) -> None:
        """Nothing more is read after the part that is coming."""
        self._closed = True

    def _run(self) -> None:
        begun = False
        try:
            answer = self._models.opened().converse_stream(modelId=self._request.model, **_converse(self._request))
            events = answer["stream"]
            try:
                for part in parts_of(events):  # type: ignore[arg-type]
                    begun = True
                    if self._closed:
                        return
                    self._tell(part)
            finally:
                if (close := getattr(events, "close", None)) is not None:
                    close()
            self._tell(None)
        except Exception as error:
            self._tell(refusal(error, begun=begun))

    def _tell(self, part: Part | CallerError | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self.parts.put_nowait, part)
        except RuntimeError:
            self._closed = True  # the loop is gone, and with it whoever read


def parts_of(events: Iterable[Document]) -> Iterable[Part]:
    """ConverseStream's events as parts. The Stop waits for the metadata, which tells the usage."""
    reason: StopReason = "end_turn"
    usage = Usage(0, 0)
    for event in events:
        for name, members in event.items():
            assert isinstance(members, Mapping)
            match name:
                case "contentBlockStart":
                    start = _mapping(members, "start")
                    if tool := _mapping(start, "toolUse"):
                        yield ToolUseStart(str(tool["toolUseId"]), str(tool["name"]))
                case "contentBlockDelta":
                    delta = _mapping(members, "delta")
                    if isinstance(text := delta.get("text"), str):
                        yield Token(text)
                    if tool := _mapping(delta, "toolUse"):
                        yield ToolUseInput(str(tool.get("input", "")))
                case "messageStop":
                    reason = _REASONS.get(str(members.get("stopReason")), "end_turn")
                case "metadata":
                    counted = _mapping(members, "usage")
                    usage = Usage(_whole(counted.get("inputTokens")), _whole(counted.get("outputTokens")))
    yield Stop(reason, usage)


def refusal(error: Exception, *, begun: bool) -> CallerError:
    """What botocore raised, as the same refusal."""
    if isinstance(error, CallerError):
        return error
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        said = _mapping(response, "Error")
        code, text = str(said.get("Code", "")), str(said.get("Message", ""))
        status = _mapping(response, "ResponseMetadata").get("HTTPStatusCode")
        # Within a stream the codes begin with a small letter.
        return CallerError(code[:1].upper() + code[1:], status if isinstance(status, int) else 424, text)
    kind = type(error).__name__
    if "Credential" in kind or "Token" in kind or kind in ("ProfileNotFound", "NoRegionError"):
        return refusals.access_denied(f"callpark cannot ask Amazon Bedrock: {error}")
    if "ReadTimeout" in kind:
        return refusals.timed_out(f"Amazon Bedrock said nothing for too long: {error}")
    if begun:
        return refusals.stream_error(f"The stream from Amazon Bedrock broke off: {error}")
    return refusals.unavailable(f"Amazon Bedrock cannot be reached: {error}")


def _converse(request: GenerationRequest) -> dict[str, object]:
    """The request's parameters of ConverseStream. Raw text is what the user says."""
    if request.prompt is not None:
        found: dict[str, object] = {"messages": [{"role": "user", "content": [{"text": request.prompt}]}]}
    else:
        found = {
            "messages": [
                {"role": message.role, "content": [_block(block) for block in message.content]}
                for message in request.messages
            ]
        }
    if request.system:
        found["system"] = [{"text": text} for text in request.system]
    inference = request.inference
    said = {
        "maxTokens": inference.max_tokens,
        "temperature": inference.temperature,
        "topP": inference.top_p,
        "stopSequences": list(inference.stop_sequences) or None,
    }
    if config := {name: value for name, value in said.items() if value is not None}:
        found["inferenceConfig"] = config
    if inference.top_k is not None:
        found["additionalModelRequestFields"] = {"top_k": inference.top_k}
    if request.tools and request.tool_choice.mode != "none":
        tools = [
            {
                "toolSpec": {
                    "name": tool.name,
                    "description": tool.description or tool.name,
                    "inputSchema": {"json": dict(tool.schema)},
                }
            }
            for tool in request.tools
        ]
        choice = request.tool_choice
        chosen: dict[str, object] = {choice.mode: {"name": choice.name} if choice.mode == "tool" else {}}
        found["toolConfig"] = {"tools": tools, "toolChoice": chosen}
    return found


def _block(block: Block) -> dict[str, object]:
    match block:
        case Text(text):
            return {"text": text}
        case ToolUse(identifier, name, input_):
            return {"toolUse": {"toolUseId": identifier, "name": name, "input": input_}}
        case ToolResult(identifier, content, failed):
            status = "error" if failed else "success"
            texts = [{"text": text} for text in content]
            return {"toolResult": {"toolUseId": identifier, "content": texts, "status": status}}


def _mapping(value: Document, name: str) -> Document:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
