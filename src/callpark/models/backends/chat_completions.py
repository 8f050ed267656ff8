"""A request as OpenAI's chat completions spell it, and the chunks of a streamed answer as parts. Pure.

Spoken by every server of the kind (`openai_compatible.py`) and by llama.cpp within our own process (`local/llama.py`).
https://platform.openai.com/docs/api-reference/chat/create, .../chat/streaming
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from callpark.kernel.errors import CallerError
from callpark.models import refusals
from callpark.models.model import (
    GenerationRequest,
    Message,
    Part,
    Stop,
    StopReason,
    Text,
    Token,
    ToolChoice,
    ToolResult,
    ToolUse,
    ToolUseInput,
    ToolUseStart,
    Usage,
)

TOO_LONG = "Input is too long for requested model."
"""Bedrock's text when a request does not fit into the model's context."""

_REASONS: Mapping[str, StopReason] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "content_filtered",
}


def body(request: GenerationRequest) -> dict[str, object]:
    """The request's JSON body, streamed, with usage at its end. Its model is the server's business."""
    inference = request.inference
    found: dict[str, object] = {"stream": True, "stream_options": {"include_usage": True}}
    if request.prompt is not None:
        found["prompt"] = request.prompt
    else:
        found["messages"] = _messages(request)
    said = {
        "max_tokens": inference.max_tokens,
        "temperature": inference.temperature,
        "top_p": inference.top_p,
        "top_k": inference.top_k,
    }
    found |= {name: value for name, value in said.items() if value is not None}
    if inference.stop_sequences:
        found["stop"] = list(inference.stop_sequences)
    if request.tools and request.tool_choice.mode != "none":
        found["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.schema)},
            }
            for tool in request.tools
        ]
        found["tool_choice"] = _choice(request.tool_choice)
    return found


@dataclass(slots=True)
class Reading:
    """One streamed answer being read: what has been said of it so far. Fed chunk by chunk."""

    input_tokens: int = 0
    output_tokens: int = 0
    reason: StopReason | None = None
    sequence: str | None = None
    _tool: int | None = None
    _tools: int = 0
    _counted: bool = field(default=False)

    def read(self, chunk: Mapping[str, object]) -> list[Part]:
        """The parts that a chunk brings. Raises CallerError for an error in the stream."""
        if (error := chunk.get("error")) is not None:
            raise refusal_of(error, None, begun=True)
        self._count(chunk)
        parts: list[Part] = []
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict):
                continue
            delta = choice.get("delta")
            text = choice.get("text")
            if isinstance(delta, dict):
                text = delta.get("content")
                parts += self._tool_parts(delta.get("tool_calls"))
            if isinstance(text, str) and text:
                parts.insert(0, Token(text))
            if isinstance(reason := choice.get("finish_reason"), str):
                self.reason = _REASONS.get(reason, "end_turn")
                # vLLM says which stop sequence it met; others do not tell one from the end.
                if isinstance(sequence := choice.get("stop_reason"), str) and self.reason == "end_turn":
                    self.reason, self.sequence = "stop_sequence", sequence
        if parts and not self._counted:
            self.output_tokens += 1
        return parts

    def stop(self) -> Stop:
        """The last part, once the stream has ended well."""
        reason = self.reason or "end_turn"
        if self._tools and reason == "end_turn":
            reason = "tool_use"
        return Stop(reason, Usage(self.input_tokens, self.output_tokens), self.sequence)

    def _count(self, chunk: Mapping[str, object]) -> None:
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            self._counted = True
            self.input_tokens = _whole(usage.get("prompt_tokens"))
            self.output_tokens = _whole(usage.get("completion_tokens"))

    def _tool_parts(self, calls: object) -> list[Part]:
        parts: list[Part] = []
        for call in calls if isinstance(calls, list) else ():
            if not isinstance(call, dict):
                continue
            function = call.get("function")
            function = function if isinstance(function, dict) else {}
            index = call.get("index", self._tools)
            if isinstance(name := function.get("name"), str) and name and index != self._tool:
                self._tool = index
                self._tools += 1
                identifier = call.get("id")
                parts.append(ToolUseStart(identifier if isinstance(identifier, str) else f"call_{self._tools}", name))
            if isinstance(arguments := function.get("arguments"), str) and arguments and self._tool is not None:
                parts.append(ToolUseInput(arguments))
        return parts


def refusal_of(error: object, status: int | None, *, begun: bool) -> CallerError:
    """A server's error object as Bedrock would say it. `status`: that of the answer, when there was one."""
    text, kind = "The model's server reported an error.", ""
    if isinstance(error, str) and error:
        text = error
    if isinstance(error, Mapping):
        text, kind = str(error.get("message") or text), str(error.get("type") or error.get("code") or "")
        if status is None and isinstance(code := error.get("code"), int):
            status = code
    if "context" in kind and ("exceed" in kind or "length" in kind):
        return refusals.validation(TOO_LONG)
    match status:
        case 400 | 413 | 422:
            return refusals.validation(text)
        case 401 | 403:
            return refusals.access_denied(text)
        case 404:
            return refusals.not_found(text)
        case 408 | 504:
            return refusals.timed_out(text)
        case 429:
            return refusals.throttled(text)
        case 503:
            return refusals.unavailable(text) if begun else refusals.not_ready(text)
        case _:
            return refusals.stream_error(text, status) if begun else refusals.model_error(text, status)


def _messages(request: GenerationRequest) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    if request.system:
        found.append({"role": "system", "content": "\n\n".join(request.system)})
    for message in request.messages:
        found += _spelled(message)
    return found


def _spelled(message: Message) -> list[dict[str, object]]:
    """Results of tools are messages of their own, before what the user says with them."""
    found: list[dict[str, object]] = [
        {"role": "tool", "tool_call_id": block.id, "content": _result(block)}
        for block in message.content
        if isinstance(block, ToolResult)
    ]
    texts = [block.text for block in message.content if isinstance(block, Text)]
    calls = [
        {
            "id": block.id,
            "type": "function",
            "function": {"name": block.name, "arguments": orjson.dumps(block.input).decode()},
        }
        for block in message.content
        if isinstance(block, ToolUse)
    ]
    if texts or calls or not found:
        spelled: dict[str, object] = {"role": message.role, "content": "\n".join(texts)}
        found.append({**spelled, "tool_calls": calls} if calls else spelled)
    return found


def _result(block: ToolResult) -> str:
    text = "\n".join(block.content)
    return f"Error: {text}" if block.failed else text


def _choice(choice: ToolChoice) -> object:
    match choice.mode:
        case "any":
            return "required"
        case "tool":
            return {"type": "function", "function": {"name": choice.name}}
        case _:
            return choice.mode


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
