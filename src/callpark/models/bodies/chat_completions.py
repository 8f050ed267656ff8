"""Chat completions: the native body that Mistral's chat models and several others share. Pure.

Used by `mistral.py` and `families.py`.
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-chat-completion.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html
"""

from collections.abc import Mapping, Sequence

import orjson

from callpark.models.asked import MOST_TOKENS, Asked
from callpark.models.bodies import schema
from callpark.models.bodies.family import Chunks, Naming
from callpark.models.bodies.schema import anything, either, integer, items, malformed, members, number, one_of, text
from callpark.models.completion import BlockBegun, Completion, Ended, InputAdded, Step, TextAdded, tool_input
from callpark.models.documents import Document, integer_of, number_of, object_of, objects_of, string_of, texts_of
from callpark.models.model import (
    Block,
    GenerationRequest,
    Inference,
    Message,
    StopReason,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Usage,
)

_CALL = members(
    {
        "id": text(at_least=1),
        "type": one_of("function"),
        "index": integer(),
        "function": members({"name": text(at_least=1), "arguments": text()}, required=("name", "arguments")),
    },
    required=("id", "function"),
)
_PART = members({"type": one_of("text"), "text": text(at_least=1)}, required=("type", "text"))
_MESSAGE = members(
    {
        "role": one_of("system", "developer", "user", "assistant", "tool"),
        "content": either(list, items(_PART), text()),
        "tool_calls": items(_CALL),
        "tool_call_id": text(at_least=1),
        "name": text(),
    },
    required=("role",),
)
_NAMED = members({"name": text(at_least=1)}, required=("name",))
_FUNCTION = members(
    {"name": text(at_least=1), "description": text(), "parameters": schema.record, "strict": schema.boolean},
    required=("name",),
)
_TOOL = members({"type": one_of("function"), "function": _FUNCTION}, required=("type", "function"))
_CHOICE = members({"type": one_of("function"), "function": _NAMED}, required=("type", "function"))
SCHEMA = members(
    {
        "messages": items(_MESSAGE, least=1),
        "max_tokens": integer(1, MOST_TOKENS),
        "max_completion_tokens": integer(1, MOST_TOKENS),
        "temperature": number(0, 2),
        "top_p": number(0, 1),
        "stop": either(list, items(text(at_least=1)), text(at_least=1)),
        "tools": items(_TOOL),
        "tool_choice": either(dict, _CHOICE, one_of("auto", "any", "required", "none")),
        "model": text(),
        # What has no effect here, and is named.
        "seed": anything,
        "random_seed": anything,
        "safe_prompt": anything,
        "response_format": anything,
        "frequency_penalty": anything,
        "presence_penalty": anything,
        "reasoning_effort": anything,
        "parallel_tool_calls": anything,
    },
    required=("messages",),
)
_IGNORED = (
    "seed",
    "random_seed",
    "safe_prompt",
    "response_format",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
    "parallel_tool_calls",
)

_REASONS: Mapping[StopReason, str] = {
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filtered": "content_filter",
}


def read(body: bytes) -> Asked:
    """Raises CallerError (ValidationException)."""
    given = schema.read(body, SCHEMA)
    messages = objects_of(given, "messages")
    conversation = [_message(at, each) for at, each in enumerate(messages) if not _is_system(each)]
    if not conversation:
        raise malformed("#/messages: expected minimum item count: 1, found: 0")
    inference = Inference(
        max_tokens=integer_of(given, "max_completion_tokens") or integer_of(given, "max_tokens"),
        temperature=number_of(given, "temperature"),
        top_p=number_of(given, "top_p"),
        stop_sequences=(stop,) if (stop := string_of(given, "stop")) is not None else texts_of(given, "stop"),
    )
    tools = tuple(_tool(object_of(each, "function")) for each in objects_of(given, "tools"))
    request = GenerationRequest(
        messages=tuple(conversation),
        system=tuple(said for each in messages if _is_system(each) and (said := _said(each))),
        inference=inference,
        tools=tools,
        tool_choice=_choice(given.get("tool_choice"), tools),
    )
    return Asked(request, tuple(name for name in _IGNORED if given.get(name) is not None))


def answer(completion: Completion, naming: Naming, reason_name: str) -> Document:
    message: dict[str, object] = {"role": "assistant", "content": completion.text or None}
    if completion.tool_uses:
        message["tool_calls"] = [
            _call(use.id, use.name, orjson.dumps(use.input).decode()) for use in completion.tool_uses
        ]
    return {
        "id": naming.identity,
        "object": "chat.completion",
        "created": naming.created,
        "model": naming.model_id,
        "choices": [{"index": 0, "message": message, reason_name: _reason(completion.reason)}],
        "usage": _usage(completion.usage),
    }


def chunks(naming: Naming, reason_name: str, message_name: str) -> Chunks:
    """`message_name` is what a chunk calls the piece of the message that it brings."""
    calls: dict[int, int] = {}

    def chunk(piece: Document, reason: str | None = None, usage: Usage | None = None) -> Document:
        return {
            "id": naming.identity,
            "object": "chat.completion.chunk",
            "created": naming.created,
            "model": naming.model_id,
            "choices": [{"index": 0, message_name: piece, reason_name: reason}],
            "usage": None if usage is None else _usage(usage),
        }

    def write(step: Step) -> Sequence[Document]:
        match step:
            case TextAdded(_, said):
                return [chunk({"role": "assistant", "content": said})]
            case BlockBegun(index, tool) if tool is not None:
                calls[index] = len(calls)
                call = _call(tool.id, tool.name, "") | {"index": calls[index]}
                return [chunk({"role": "assistant", "content": None, "tool_calls": [call]})]
            case InputAdded(index, fragment):
                part = {"index": calls[index], "function": {"arguments": fragment}}
                return [chunk({"role": "assistant", "content": None, "tool_calls": [part]})]
            case Ended(reason, usage):
                return [chunk({"role": "assistant", "content": ""}, _reason(reason), usage)]
        return ()

    return write


def _is_system(message: Document) -> bool:
    return message.get("role") in ("system", "developer")


def _said(message: Document) -> str:
    return string_of(message, "content") or "".join(str(part["text"]) for part in objects_of(message, "content"))


def _message(number_: int, message: Document) -> Message:
    said = _said(message)
    content: list[Block] = [Text(said)] if said.strip() else []
    role = message.get("role")
    if role == "tool":
        identity = string_of(message, "tool_call_id")
        if identity is None:
            raise malformed(f"#/messages/{number_}: required key [tool_call_id] not found")
        return Message("user", (ToolResult(identity, (said,)),))
    for place, call in enumerate(objects_of(message, "tool_calls")):
        function = object_of(call, "function")
        given = tool_input(string_of(function, "arguments") or "")
        if given is None:
            at = f"#/messages/{number_}/tool_calls/{place}/function/arguments"
            raise malformed(f"{at}: expected a JSON object")
        content.append(ToolUse(str(call["id"]), str(function["name"]), given))
    if not content:
        raise malformed(f"#/messages/{number_}: required key [content] not found")
    return Message("user" if role == "user" else "assistant", tuple(content))


def _tool(function: Document) -> Tool:
    parameters = object_of(function, "parameters") or {"type": "object", "properties": {}}
    return Tool(str(function["name"]), string_of(function, "description") or "", parameters)


def _choice(given: object, tools: Sequence[Tool]) -> ToolChoice:
    if isinstance(given, dict):
        name = str(object_of(given, "function")["name"])
        if name not in [tool.name for tool in tools]:
            raise malformed(f"#/tool_choice/function/name: {name[:64]} is not among the tools")
        return ToolChoice("tool", name)
    if given == "none":
        return ToolChoice("none")
    return ToolChoice("any") if given in ("any", "required") else ToolChoice()


def _call(identity: str, name: str, arguments: str) -> dict[str, object]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def _reason(reason: StopReason) -> str:
    return _REASONS.get(reason, "stop")


def _usage(usage: Usage) -> Document:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
