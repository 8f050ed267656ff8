"""Anthropic's messages, as Bedrock takes and gives them.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
"""

from collections.abc import Callable, Mapping, Sequence

from callpark.models.asked import MOST_TOKENS, Asked, spelled
from callpark.models.bodies.anthropic_rules import check
from callpark.models.bodies.anthropic_schema import IGNORED, SCHEMA
from callpark.models.bodies.family import Chunks, Naming
from callpark.models.bodies.schema import read
from callpark.models.completion import Begun, BlockBegun, BlockEnded, Completion, Ended, InputAdded, Step, TextAdded
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
from callpark.models.refusals import validation

Ignored = list[str]

_REASONS: Mapping[StopReason, str] = {"content_filtered": "refusal", "malformed_tool_use": "end_turn"}


class AnthropicMessages:
    def read(self, body: bytes) -> Asked:
        given = read(body, SCHEMA)
        ignored: Ignored = [name for name in IGNORED if given.get(name)]
        if object_of(given, "thinking").get("type", "disabled") != "disabled":
            ignored.append("thinking")
        request = GenerationRequest(
            messages=merged([_message(at, each, ignored) for at, each in enumerate(objects_of(given, "messages"))]),
            system=_system(given, ignored),
            inference=Inference(
                max_tokens=min(integer_of(given, "max_tokens") or 1, MOST_TOKENS),
                temperature=number_of(given, "temperature"),
                top_p=number_of(given, "top_p"),
                top_k=integer_of(given, "top_k"),
                stop_sequences=texts_of(given, "stop_sequences"),
            ),
            tools=tuple(_tool(at, each, ignored) for at, each in enumerate(objects_of(given, "tools"))),
            tool_choice=_choice(object_of(given, "tool_choice"), ignored),
        )
        check(request.messages, request.tools, request.tool_choice)
        return Asked(request, tuple(dict.fromkeys(ignored)))

    def answer(self, completion: Completion, naming: Naming) -> Document:
        return _head(naming) | {
            "content": [_block(each) for each in completion.content],
            "stop_reason": _reason(completion.reason),
            "stop_sequence": completion.sequence,
            "usage": _usage(completion.usage),
        }

    def chunks(self, naming: Naming) -> Chunks:
        return lambda step: _chunks(step, naming)


def merged(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Messages of one role in a row are one turn; a last one of the assistant that says nothing is none."""
    found: list[Message] = []
    for message in messages:
        if found and found[-1].role == message.role:
            found[-1] = Message(message.role, (*found[-1].content, *message.content))
        else:
            found.append(message)
    if found and found[-1] == Message("assistant", ()):
        found.pop()
    return tuple(found)


def _chunks(step: Step, naming: Naming) -> Sequence[Document]:
    match step:
        case Begun(input_tokens):
            usage = _usage(Usage(input_tokens, 0))
            message = _head(naming) | {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
            return [{"type": "message_start", "message": message}]
        case BlockBegun(index, tool):
            block: Document = {"type": "text", "text": ""}
            if tool is not None:
                block = {"type": "tool_use", "id": tool.id, "name": tool.name, "input": {}}
            return [{"type": "content_block_start", "index": index, "content_block": block}]
        case TextAdded(index, text):
            return [_delta(index, {"type": "text_delta", "text": text})]
        case InputAdded(index, fragment):
            return [_delta(index, {"type": "input_json_delta", "partial_json": fragment})]
        case BlockEnded(index):
            return [{"type": "content_block_stop", "index": index}]
        case Ended(reason, usage_, sequence):
            delta = {"stop_reason": _reason(reason), "stop_sequence": sequence}
            tokens = {"output_tokens": usage_.output_tokens}
            return [{"type": "message_delta", "delta": delta, "usage": tokens}, {"type": "message_stop"}]


def _delta(index: int, delta: Document) -> Document:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def _head(naming: Naming) -> dict[str, object]:
    return {
        "id": f"msg_bdrk_{naming.identity}",
        "type": "message",
        "role": "assistant",
        "model": naming.model_id,
    }


def _block(block: Text | ToolUse) -> Document:
    if isinstance(block, Text):
        return {"type": "text", "text": block.text}
    return {"type": "tool_use", "id": block.id, "name": block.name, "input": block.input}


def _reason(reason: StopReason) -> str:
    return _REASONS.get(reason, reason)


def _usage(usage: Usage) -> Document:
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}


def _system(given: Document, ignored: Ignored) -> tuple[str, ...]:
    said = string_of(given, "system")
    if said is not None:
        return (said,) if said.strip() else ()
    blocks = objects_of(given, "system")
    _cached(blocks, ignored)
    return tuple(str(block["text"]) for block in blocks)


def _message(number: int, given: Document, ignored: Ignored) -> Message:
    said = string_of(given, "content")
    content: list[Block] = [] if not said else [Text(said)]
    blocks = objects_of(given, "content")
    _cached(blocks, ignored)
    for place, block in enumerate(blocks):
        at = f"messages.{number}.content.{place}"
        kind = str(block["type"])
        read_block = _BLOCKS.get(kind)
        if read_block is None:
            raise validation(f"{at}: this model does not take {kind} blocks: callpark's models read text.")
        content += read_block(block, at, ignored)
    return Message("user" if given.get("role") == "user" else "assistant", tuple(content))


def _cached(blocks: Sequence[Document], ignored: Ignored) -> None:
    if any(block.get("cache_control") for block in blocks):
        ignored.append("cache_control")


def _text(block: Document, at: str, ignored: Ignored) -> list[Block]:
    if (said := string_of(block, "text")) is None:
        raise validation(f"{at}.text: Field required")
    return [Text(said)]


def _tool_use(block: Document, at: str, ignored: Ignored) -> list[Block]:
    for name in ("id", "name", "input"):
        if block.get(name) is None:
            raise validation(f"{at}.tool_use.{name}: Field required")
    spelled(block["input"], f"{at}.tool_use.input")
    return [ToolUse(str(block["id"]), str(block["name"]), block["input"])]


def _tool_result(block: Document, at: str, ignored: Ignored) -> list[Block]:
    if (identity := string_of(block, "tool_use_id")) is None:
        raise validation(f"{at}.tool_result.tool_use_id: Field required")
    said = string_of(block, "content")
    texts = [] if said is None else [said]
    for place, part in enumerate(objects_of(block, "content")):
        if part.get("type") != "text":
            raise validation(f"{at}.tool_result.content.{place}: this model does not take {part.get('type')} blocks.")
        texts.append(string_of(part, "text") or "")
    return [ToolResult(identity, tuple(texts), block.get("is_error") is True)]


def _thinking(block: Document, at: str, ignored: Ignored) -> list[Block]:
    """What some model thought earlier; those that answer here are not told."""
    ignored.append(f"{block['type']} blocks")
    return []


_BLOCKS: Mapping[str, Callable[[Document, str, Ignored], list[Block]]] = {
    "text": _text,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _thinking,
}


def _tool(number: int, given: Document, ignored: Ignored) -> Tool:
    kind = given.get("type")
    if kind not in (None, "custom"):
        raise validation(f"tools.{number}: callpark's models do not have the tool type {kind}.")
    if not isinstance(given.get("input_schema"), dict):
        raise validation(f"tools.{number}.custom.input_schema: Field required")
    _cached([given], ignored)
    schema = object_of(given, "input_schema")
    spelled(schema, f"tools.{number}.custom.input_schema")
    return Tool(str(given["name"]), string_of(given, "description") or "", schema)


def _choice(given: Document, ignored: Ignored) -> ToolChoice:
    if given.get("disable_parallel_tool_use"):
        ignored.append("tool_choice.disable_parallel_tool_use")
    match given.get("type"):
        case "any":
            return ToolChoice("any")
        case "none":
            return ToolChoice("none")
        case "tool":
            return ToolChoice("tool", string_of(given, "name") or "")
    return ToolChoice()
