"""Converse's answers: a whole one, and the events of a stream. Pure.

Called by `api/`. Members are named as the service model names them.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from callpark.models.completion import (
    Begun,
    BlockBegun,
    BlockEnded,
    Completion,
    Ended,
    InputAdded,
    Step,
    TextAdded,
)
from callpark.models.documents import Document, object_of
from callpark.models.model import Text, ToolUse, Usage

Event: TypeAlias = tuple[str, Mapping[str, object]]


def answer(completion: Completion, seconds: float, parameters: Document, fields: Document | None) -> dict[str, object]:
    """The members of ConverseResponse. `fields` are the additional ones that the client asked for."""
    members: dict[str, object] = {
        "output": {"message": {"role": "assistant", "content": [block(each) for each in completion.content]}},
        "stopReason": completion.reason,
        "usage": usage(completion.usage),
        "metrics": {"latencyMs": round(seconds * 1000)},
        "additionalModelResponseFields": fields,
    }
    return members | _served_as(parameters)


def block(found: Text | ToolUse) -> dict[str, object]:
    if isinstance(found, Text):
        return {"text": found.text}
    return {"toolUse": {"toolUseId": found.id, "name": found.name, "input": found.input}}


def usage(tokens: Usage) -> dict[str, object]:
    return {
        "inputTokens": tokens.input_tokens,
        "outputTokens": tokens.output_tokens,
        "totalTokens": tokens.total_tokens,
    }


def events(step: Step, fields: Document | None) -> Sequence[Event]:
    """The events that one step is, but for the metadata, which come last and need to know how long it took."""
    match step:
        case Begun():
            return [("messageStart", {"role": "assistant"})]
        case BlockBegun(index, tool):
            if tool is None:  # Bedrock announces no block of text
                return []
            start = {"toolUse": {"toolUseId": tool.id, "name": tool.name}}
            return [("contentBlockStart", {"start": start, "contentBlockIndex": index})]
        case TextAdded(index, text):
            return [_delta(index, {"text": text})]
        case InputAdded(index, fragment):
            return [_delta(index, {"toolUse": {"input": fragment}})]
        case BlockEnded(index):
            return [("contentBlockStop", {"contentBlockIndex": index})]
        case Ended(reason):
            return [("messageStop", {"stopReason": reason, "additionalModelResponseFields": fields})]


def metadata(tokens: Usage, seconds: float, parameters: Document) -> Event:
    """The last event."""
    members = {"usage": usage(tokens), "metrics": {"latencyMs": round(seconds * 1000)}}
    return "metadata", members | _served_as(parameters)


def _delta(index: int, delta: Mapping[str, object]) -> Event:
    return "contentBlockDelta", {"delta": delta, "contentBlockIndex": index}


def _served_as(parameters: Document) -> dict[str, object]:
    """What the client asked for in words of capacity, said back."""
    found: dict[str, object] = {}
    if object_of(parameters, "performanceConfig").get("latency"):
        found["performanceConfig"] = {"latency": "standard"}
    if object_of(parameters, "serviceTier").get("type"):
        found["serviceTier"] = {"type": "default"}
    return found
