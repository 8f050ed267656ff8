"""Nova, Mistral's chat models and chat completions."""

from typing import Any

import pytest

from callpark.models.bodies.families import ChatCompletions
from callpark.models.bodies.mistral import MistralChat
from callpark.models.bodies.nova import Nova
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

NOVA, MISTRAL, CHAT = Nova(), MistralChat(), ChatCompletions()
HELLO = {"role": "user", "content": [{"text": "hello"}]}
SCHEMA = {"type": "object", "properties": {}}
PARTS: list[Part] = [
    Prompt(3),
    Token("hi"),
    ToolUseStart("t1", "weather"),
    ToolUseInput('{"city"'),
    ToolUseInput(':"Oslo"}'),
    Stop("tool_use", Usage(3, 5)),
]


def test_nova_takes_what_converse_takes_under_either_name() -> None:
    for tokens, top_p, top_k in (("maxTokens", "topP", "topK"), ("max_new_tokens", "top_p", "top_k")):
        asked = read(
            NOVA,
            schemaVersion="messages-v1",
            messages=[HELLO],
            system=[{"text": "Be brief."}],
            inferenceConfig={tokens: 5, "temperature": 0.5, top_p: 0.9, top_k: 7, "stopSequences": ["X"]},
            toolConfig={"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": SCHEMA}}}]},
        )
        assert asked.ignored == ()
        assert asked.request == GenerationRequest(
            (Message("user", (Text("hello"),)),),
            ("Be brief.",),
            Inference(5, 0.5, 0.9, 7, ("X",)),
            (Tool("weather", "", SCHEMA),),
        )


def test_nova_refuses_as_converse_does() -> None:
    assert refusal(NOVA, messages=[HELLO], max_tokens=5) == malformed("#: extraneous key [max_tokens] is not permitted")
    assert refusal(NOVA, messages=[{**HELLO, "content": "hello"}]) == malformed(
        "#/messages/0/content: expected type: JSONArray, found: String"
    )
    typed = {"role": "user", "content": [{"type": "text", "text": "hello"}]}
    assert refusal(NOVA, messages=[typed]) == malformed(
        "#/messages/0/content/0: extraneous key [type] is not permitted"
    )
    assert refusal(NOVA, messages=[HELLO, HELLO]).startswith("A conversation must alternate")
    assert refusal(NOVA, messages=[{"role": "user", "content": [{"image": {}}]}]).startswith("This model doesn't")


def test_novas_answer() -> None:
    usage = {
        "inputTokens": 3,
        "outputTokens": 5,
        "totalTokens": 8,
        "cacheReadInputTokenCount": 0,
        "cacheWriteInputTokenCount": 0,
    }
    use = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Oslo"}}}
    assert answered(NOVA, PARTS) == {
        "output": {"message": {"role": "assistant", "content": [{"text": "hi"}, use]}},
        "stopReason": "tool_use",
        "usage": usage,
    }
    start = {"start": {"toolUse": {"toolUseId": "t1", "name": "weather"}}, "contentBlockIndex": 1}
    assert streamed(NOVA, PARTS) == [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "hi"}, "contentBlockIndex": 0}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"contentBlockStart": start},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": '{"city"'}}, "contentBlockIndex": 1}},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": ':"Oslo"}'}}, "contentBlockIndex": 1}},
        {"contentBlockStop": {"contentBlockIndex": 1}},
        {"messageStop": {"stopReason": "tool_use"}},
        {"metadata": {"usage": usage, "metrics": {}, "trace": {}}},
    ]


CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
FUNCTION = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}}


def test_messages_of_chat_completions() -> None:
    asked = read(
        CHAT,
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "hello"}]},
            {"role": "assistant", "content": "checking", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "cold", "name": "weather"},
        ],
        max_tokens=5,
        temperature=0.5,
        top_p=0.9,
        stop="X",
        tools=[FUNCTION],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        seed=1,
    )
    assert asked.ignored == ("seed",)
    assert asked.request == GenerationRequest(
        messages=(
            Message("user", (Text("hello"),)),
            Message("assistant", (Text("checking"), ToolUse("c1", "weather", {"city": "Oslo"}))),
            Message("user", (ToolResult("c1", ("cold",)),)),
        ),
        system=("Be brief.",),
        inference=Inference(5, 0.5, 0.9, None, ("X",)),
        tools=(Tool("weather", "d", SCHEMA),),
        tool_choice=ToolChoice("tool", "weather"),
    )


@pytest.mark.parametrize(("choice", "mode"), [("auto", "auto"), ("any", "any"), ("required", "any"), ("none", "none")])
def test_choices(choice: str, mode: str) -> None:
    asked = read(MISTRAL, messages=[{"role": "user", "content": "x"}], tools=[FUNCTION], tool_choice=choice, stop=["a"])
    assert asked.request.tool_choice.mode == mode
    assert asked.request.inference.stop_sequences == ("a",)


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([{"role": "system", "content": "x"}], "#/messages: expected minimum item count: 1, found: 0"),
        ([{"role": "user"}], "#/messages/0: required key [content] not found"),
        ([{"role": "tool", "content": "x"}], "#/messages/0: required key [tool_call_id] not found"),
        (
            [{"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "w", "arguments": "["}}]}],
            "#/messages/0/tool_calls/0/function/arguments: expected a JSON object",
        ),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}],
            "#/messages/0/content/0: required key [text] not found, #/messages/0/content/0/type: image_url is not a "
            "valid enum value, #/messages/0/content/0: extraneous key [image_url] is not permitted",
        ),
    ],
)
def test_messages_that_are_malformed(messages: list[object], problem: str) -> None:
    assert refusal(CHAT, messages=messages) == malformed(problem)


def test_a_choice_of_no_tool() -> None:
    choice = {"type": "function", "function": {"name": "other"}}
    said = refusal(CHAT, messages=[{"role": "user", "content": "x"}], tools=[FUNCTION], tool_choice=choice)
    assert said == malformed("#/tool_choice/function/name: other is not among the tools")


@pytest.mark.parametrize(("family", "reason"), [(MISTRAL, "stop_reason"), (CHAT, "finish_reason")])
def test_a_whole_answer(family: Any, reason: str) -> None:
    call = {"id": "t1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
    message = {"role": "assistant", "content": "hi", "tool_calls": [call]}
    assert answered(family, PARTS) == {
        "id": "0123456789abcdef01234567",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "some.model-v1:0",
        "choices": [{"index": 0, "message": message, reason: "tool_calls"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }


@pytest.mark.parametrize(
    ("family", "reason", "name"), [(MISTRAL, "stop_reason", "message"), (CHAT, "finish_reason", "delta")]
)
def test_a_stream(family: Any, reason: str, name: str) -> None:
    chunks = streamed(family, PARTS)
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    pieces = [chunk["choices"][0][name] for chunk in chunks]
    assert [piece["content"] for piece in pieces] == ["hi", None, None, None, ""]
    calls = [piece["tool_calls"][0] for piece in pieces if "tool_calls" in piece]
    assert calls[0] == {
        "index": 0,
        "id": "t1",
        "type": "function",
        "function": {"name": "weather", "arguments": ""},
    }
    assert "".join(call["function"]["arguments"] for call in calls) == '{"city":"Oslo"}'
    assert [chunk["choices"][0][reason] for chunk in chunks] == [None, None, None, None, "tool_calls"]
    assert [chunk["usage"] is None for chunk in chunks] == [True, True, True, True, False]
