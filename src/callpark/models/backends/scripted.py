"""A model that says what it was told to, on the kernel's clock: for tests, and where no other is installed.

Made by `making.py` from a `scripted:` backend of models.yaml. Delays are the clock's, so a test that steers time sees
each token before the next is made.
"""

import hashlib
import itertools
import math
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import orjson

from callpark.kernel.clock import Clock, sleep
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids
from callpark.models import refusals
from callpark.models.model import (
    EmbeddingRequest,
    GenerationRequest,
    Part,
    Prompt,
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
from callpark.models.stopping import StopText, finished, spoken

#: A word with the white space before it, as tokenizers cut.
_TOKENS = re.compile(r"\s*\S+|\s+$")

_TOOL_FRAGMENT = 8

FaultKind: TypeAlias = Literal[
    "throttling", "timeout", "model-error", "internal", "unavailable", "not-ready", "validation", "access-denied"
]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong before token `at_token` (from 0) is said; `message` replaces our text."""

    kind: FaultKind
    at_token: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class ToolReply:
    name: str
    input: object


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `when`: text that the newest message must contain, any for none. `tokens` None: what was asked is
    echoed. `times`: how often it is given before the next reply that fits takes over; None for always."""

    when: str = ""
    tokens: tuple[str, ...] | None = None
    tool: ToolReply | None = None
    fault: Fault | None = None
    times: int | None = None
    first_token_seconds: float | None = None
    token_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """`first_token_seconds` and `token_seconds` count for replies that say none of their own."""

    replies: tuple[Reply, ...] = (Reply(),)
    first_token_seconds: float = 0.0
    token_seconds: float = 0.0
    at_once: int = 1_000
    dimensions: int = 384
    description: str = "scripted: echoes what it is asked"


class ScriptedModel:
    """`port.Backend` from a script."""

    def __init__(self, script: Script, clock: Clock, ids: Ids) -> None:
        self._script = script
        self._clock = clock
        self._ids = ids
        self._given = [0] * len(script.replies)

    @property
    def at_once(self) -> int:
        return self._script.at_once

    @property
    def description(self) -> str:
        return self._script.description

    async def stream(self, request: GenerationRequest) -> AsyncIterator[Part]:
        reply = self._reply(request)
        input_tokens = _count(request)
        if reply.fault is not None and reply.fault.at_token == 0:
            await self._pause(reply.first_token_seconds, self._script.first_token_seconds)
            raise _refusal(reply.fault, begun=False)
        yield Prompt(input_tokens)
        await self._pause(reply.first_token_seconds, self._script.first_token_seconds)
        said = 0
        stop = StopText(request.inference.stop_sequences)
        reason: StopReason = "end_turn" if reply.tool is None else "tool_use"
        tokens = _echo(request) if reply.tokens is None else reply.tokens
        for number, token in enumerate(tokens):
            if reply.fault is not None and reply.fault.at_token == number:
                raise _refusal(reply.fault, begun=True)
            if said == request.inference.max_tokens:
                reason = "max_tokens"
                break
            if number:
                await self._pause(reply.token_seconds, self._script.token_seconds)
            said += 1
            stop, text = spoken(stop, token)
            if text:
                yield Token(text)
            if stop.met is not None:
                reason = "stop_sequence"
                break
        else:
            if reply.fault is not None and reply.fault.at_token >= len(tokens):
                raise _refusal(reply.fault, begun=True)
        stop, rest = finished(stop)
        if rest:
            yield Token(rest)
        if stop.met is not None:
            reason = "stop_sequence"
        if reason == "tool_use" and reply.tool is not None:
            yield ToolUseStart(f"tooluse_{self._ids.hex(22)}", reply.tool.name)
            written = orjson.dumps(reply.tool.input).decode()
            for start in range(0, len(written), _TOOL_FRAGMENT):
                said += 1
                await self._pause(reply.token_seconds, self._script.token_seconds)
                yield ToolUseInput(written[start : start + _TOOL_FRAGMENT])
        yield Stop(reason, Usage(input_tokens, said), stop.met)

    async def count_tokens(self, request: GenerationRequest) -> int:
        return _count(request)

    async def embed(self, request: EmbeddingRequest) -> Vectors:
        """Words fall into dimensions by their hash: texts that share words are near each other."""
        dimensions = request.dimensions or self._script.dimensions
        vectors = tuple(_vector(text, dimensions, request.normalize) for text in request.texts)
        return Vectors(vectors, sum(len(tokens_of(text)) for text in request.texts))

    async def close(self) -> None:
        """Nothing is held."""

    async def _pause(self, own: float | None, common: float) -> None:
        seconds = common if own is None else own
        if seconds > 0:
            await sleep(self._clock, seconds, "a scripted model's token")

    def _reply(self, request: GenerationRequest) -> Reply:
        asked = _newest(request)
        for number, reply in enumerate(self._script.replies):
            if reply.when in asked and (reply.times is None or self._given[number] < reply.times):
                self._given[number] += 1
                return reply
        return Reply()


def tokens_of(text: str) -> tuple[str, ...]:
    """The text in pieces that a script says one by one; together they are the text."""
    return tuple(_TOKENS.findall(text))


def _echo(request: GenerationRequest) -> Sequence[str]:
    return tokens_of(_newest(request))


def _newest(request: GenerationRequest) -> str:
    """What the last message says."""
    if request.prompt is not None:
        return request.prompt
    return " ".join(_texts(request.messages[-1].content)) if request.messages else ""


def _count(request: GenerationRequest) -> int:
    texts = [*request.system, *itertools.chain.from_iterable(_texts(message.content) for message in request.messages)]
    texts += [request.prompt or "", *(f"{tool.name} {tool.description}" for tool in request.tools)]
    return sum(len(tokens_of(text)) for text in texts)


def _texts(content: Sequence[Text | ToolUse | ToolResult]) -> list[str]:
    texts = []
    for block in content:
        match block:
            case Text(text):
                texts.append(text)
            case ToolUse(_, name, input_):
                texts.append(f"{name} {orjson.dumps(input_).decode()}")
            case ToolResult(_, parts, _):
                texts.extend(parts)
    return texts


def _vector(text: str, dimensions: int, normalize: bool) -> tuple[float, ...]:
    values = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
        values[number % dimensions] += 1.0
    length = math.sqrt(sum(value * value for value in values))
    if not normalize or not length:
        return tuple(values)
    return tuple(value / length for value in values)


def _refusal(fault: Fault, *, begun: bool) -> CallerError:
    text = fault.message or f"The scripted model fails as its script says ({fault.kind})."
    match fault.kind:
        case "throttling":
            return refusals.throttled(text)
        case "timeout":
            return refusals.timed_out(text)
        case "internal":
            return refusals.internal(text)
        case "unavailable":
            return refusals.unavailable(text)
        case "not-ready":
            return refusals.not_ready(text)
        case "validation":
            return refusals.validation(text)
        case "access-denied":
            return refusals.access_denied(text)
        case "model-error":
            return refusals.stream_error(text) if begun else refusals.model_error(text)
