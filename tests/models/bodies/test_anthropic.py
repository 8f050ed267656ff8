"""Anthropic's messages."""

import pytest

from callpark.models.bodies.anthropic import AnthropicMessages
from callpark.models.model import (
    GenerationRequest,
    Inference,
    Message,
    Part,
    Prompt,
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
from tests.models.bodies.spoken import answered, malformed, read, refusal, streamed

pytestmark = pytest.mark.unit

CLAUDE = AnthropicMessages()
BASE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10}
HELLO = {"role": "user", "content": "hello"}
SCHEMA = {"type": "object", "properties": {}}
WEATHER = {"name": "weather", "description": "Of a city", "input_schema": SCHEMA}
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "cold"}
USAGE = Usage(3, 5)


def test_all_that_is_understood() -> None:
    asked = read(
        CLAUDE,
        **BASE,
        messages=[
            HELLO,
            {"role": "assistant", "content": [{"type": "text", "text": "checking"}, USE]},
            {"role": "user", "content": [{**RESULT, "is_error": True}, {"type": "text", "text": "and?"}]},
        ],
        system=[{"type": "text", "text": "Be brief."}],
        temperature=0.5,
        top_p=0.9,
        top_k=7,
        stop_sequences=["X"],
        tools=[WEATHER],
        tool_choice={"type": "tool", "name": "weather"},
    )
    assert asked.ignored == ()
    assert asked.request == GenerationRequest(
        messages=(
            Message("user", (Text("hello"),)),
            Message("assistant", (Text("checking"), ToolUse("toolu_1", "weather", {"city": "Oslo"}))),
            Message("user", (ToolResult("toolu_1", ("cold",), failed=True), Text("and?"))),
        ),
        system=("Be brief.",),
        inference=Inference(10, 0.5, 0.9, 7, ("X",)),
        tools=(Tool("weather", "Of a city", SCHEMA),),
        tool_choice=ToolChoice("tool", "weather"),
    )


def test_messages_of_one_role_in_a_row_are_one_turn() -> None:
    request = read(CLAUDE, **BASE, system="s", messages=[HELLO, HELLO, {"role": "assistant", "content": ""}]).request
    assert request.messages == (Message("user", (Text("hello"), Text("hello"))),)
    assert request.system == ("s",)


def test_what_only_has_no_effect_is_named() -> None:
    asked = read(
        CLAUDE,
        **BASE,
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "y"}]},
            HELLO,
        ],
        system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        metadata={"user_id": "u"},
        anthropic_beta=["b"],
        thinking={"type": "enabled", "budget_tokens": 1024},
        tools=[WEATHER],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
    )
    assert set(asked.ignored) == {
        "anthropic_beta",
        "metadata",
        "thinking",
        "cache_control",
        "thinking blocks",
        "tool_choice.disable_parallel_tool_use",
    }
    assert len(asked.ignored) == 6
    assert read(CLAUDE, **BASE, messages=[HELLO], thinking={"type": "disabled"}).ignored == ()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"messages": [HELLO], "max_tokens": 5}, "#: required key [anthropic_version] not found"),
        (
            {"anthropic_version": "bedrock-2023-05-31", "messages": [HELLO]},
            "#: required key [max_tokens] not found",
        ),
        ({**BASE, "messages": [HELLO], "stream": True}, "#: extraneous key [stream] is not permitted"),
        ({**BASE, "messages": [HELLO], "model": "m"}, "#: extraneous key [model] is not permitted"),
        ({**BASE, "messages": [{"role": "system", "content": "x"}]}, "#/messages/0/role: system is not a valid enum"),
        ({**BASE, "messages": "x"}, "#/messages: expected type: JSONArray, found: String"),
        ({**BASE, "messages": [HELLO], "temperature": 2}, "#/temperature: 2 is not less or equal to 1"),
    ],
)
def test_bodies_that_are_malformed(body: dict[str, object], problem: str) -> None:
    said = refusal(CLAUDE, **body)
    assert said == malformed(problem) or said.startswith(f"Malformed input request: {problem}")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 'messages: first message must use the "user" role'),
        ({"messages": [{"role": "user", "content": ""}]}, "messages.0: all messages must have non-empty content"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages: text content blocks must be non-empty"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]},
            "messages.0.content.0: this model does not take image blocks",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text: Field required"),
        (
            {"messages": [{"role": "user", "content": [RESULT]}]},
            "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each",
        ),
        (
            {"messages": [HELLO, {"role": "assistant", "content": [USE]}, HELLO], "tools": [WEATHER]},
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each",
        ),
        ({"messages": [{"role": "user", "content": [USE]}]}, "messages.0.content.0: `tool_use` blocks can only be in"),
        (
            {"messages": [HELLO, {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b"}]}]},
            "messages.1.content.0.tool_use.input: Field required",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]},
            "messages.0.content.0.tool_result.tool_use_id: Field required",
        ),
        (
            {"messages": [{"role": "user", "content": [{**RESULT, "content": [{"type": "image"}]}]}]},
            "messages.0.content.0.tool_result.content.0: this model does not take image blocks.",
        ),
        ({"messages": [HELLO], "tools": [{"name": "x"}]}, "tools.0.custom.input_schema: Field required"),
        (
            {"messages": [HELLO], "tools": [{"name": "bash", "type": "bash_20250124"}]},
            "tools.0: callpark's models do not have the tool type bash_20250124.",
        ),
        ({"messages": [HELLO], "tools": [WEATHER, WEATHER]}, "tools: Tool names must be unique."),
        ({"messages": [HELLO], "tool_choice": {"type": "any"}}, "tool_choice may only be specified while providing"),
        (
            {"messages": [HELLO], "tools": [WEATHER], "tool_choice": {"type": "tool", "name": "other"}},
            "Tool 'other' not found in provided tools",
        ),
        (
            {"messages": [HELLO, {"role": "assistant", "content": [{**RESULT}]}]},
            "messages.1.content.0: `tool_result` blocks can only be in `user` messages",
        ),
    ],
)
def test_conversations_that_are_none(body: dict[str, object], sentence: str) -> None:
    assert refusal(CLAUDE, **BASE, **body).startswith(sentence)


PARTS: list[Part] = [
    Prompt(3),
    Token("hi"),
    ToolUseStart("toolu_2", "weather"),
    ToolUseInput('{"city"'),
    ToolUseInput(':"Oslo"}'),
    Stop("tool_use", USAGE),
]


def test_a_whole_answer() -> None:
    assert answered(CLAUDE, PARTS) == {
        "id": "msg_bdrk_0123456789abcdef01234567",
        "type": "message",
        "role": "assistant",
        "model": "some.model-v1:0",
        "content": [
            {"type": "text", "text": "hi"},
            {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {"city": "Oslo"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 5},
    }


def test_a_stream() -> None:
    chunks = streamed(CLAUDE, PARTS)
    assert [chunk["type"] for chunk in chunks] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert chunks[0]["message"]["usage"] == {"input_tokens": 3, "output_tokens": 0}
    assert chunks[0]["message"]["content"] == []
    assert chunks[1] == {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    assert chunks[2] == {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}
    assert chunks[4]["content_block"] == {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}}
    assert chunks[5]["delta"] == {"type": "input_json_delta", "partial_json": '{"city"'}
    assert chunks[8] == {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 5},
    }


def test_a_stop_sequence_is_named() -> None:
    (*_, delta, _) = streamed(CLAUDE, [Token("a"), Stop("stop_sequence", USAGE, "X")])
    assert delta["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "X"}
