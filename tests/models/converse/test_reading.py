"""What Converse takes and what it refuses, in Bedrock's sentences where its users have reported them."""

from collections.abc import Mapping
from typing import Any

import pytest

from callpark.kernel.errors import CallerError
from callpark.models.converse.reading import read, response_fields
from callpark.models.model import (
    GenerationRequest,
    Inference,
    Message,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)

pytestmark = pytest.mark.unit

HELLO = {"role": "user", "content": [{"text": "hello"}]}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"toolSpec": {"name": "weather", "description": "Of a city", "inputSchema": {"json": SCHEMA}}}
USE = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Oslo"}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"json": {"degrees": 3}}, {"text": "cold"}]}}


def said(*blocks: Mapping[str, object], role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def refusal(**parameters: object) -> str:
    with pytest.raises(CallerError) as refused:
        read({"modelId": "m", **parameters})
    assert (refused.value.code, refused.value.status) == ("ValidationException", 400)
    return refused.value.message


def test_all_that_is_understood() -> None:
    asked = read(
        {
            "messages": [HELLO, said({"text": "checking"}, USE, role="assistant"), said(RESULT, {"text": "and?"})],
            "system": [{"text": "Be brief."}, {"guardContent": {"text": {"text": "Be kind."}}}],
            "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 0.9, "stopSequences": ["X"]},
            "toolConfig": {"tools": [WEATHER], "toolChoice": {"tool": {"name": "weather"}}},
            "additionalModelRequestFields": {"top_k": 7},
            "performanceConfig": {"latency": "standard"},
            "serviceTier": {"type": "default"},
        }
    )
    assert asked.ignored == ()
    assert asked.request == GenerationRequest(
        messages=(
            Message("user", (Text("hello"),)),
            Message("assistant", (Text("checking"), ToolUse("t1", "weather", {"city": "Oslo"}))),
            Message("user", (ToolResult("t1", ('{"degrees":3}', "cold")), Text("and?"))),
        ),
        system=("Be brief.", "Be kind."),
        inference=Inference(5, 0.5, 0.9, 7, ("X",)),
        tools=(Tool("weather", "Of a city", SCHEMA),),
        tool_choice=ToolChoice("tool", "weather"),
    )


def test_a_failed_tool_and_any_tool() -> None:
    failed = {"toolResult": {**RESULT["toolResult"], "status": "error"}}
    asked = read(
        {
            "messages": [HELLO, said(USE, role="assistant"), said(failed)],
            "toolConfig": {"tools": [WEATHER], "toolChoice": {"any": {}}},
            "inferenceConfig": {"maxTokens": 2**40},
            "additionalModelRequestFields": {"inferenceConfig": {"topK": 2**40}},
        }
    ).request
    result = asked.messages[2].content[0]
    assert isinstance(result, ToolResult)
    assert result.failed
    assert asked.tool_choice == ToolChoice("any")
    assert (asked.inference.max_tokens, asked.inference.top_k) == (2**31 - 1, 2**31 - 1)


@pytest.mark.parametrize(
    ("messages", "sentence"),
    [
        ([], "A conversation must have at least one message. Try again with a conversation that has at least one"),
        ([said({"text": "x"}, role="assistant")], "A conversation must start with a user message. Try again"),
        ([HELLO, HELLO], "A conversation must alternate between user and assistant roles. Make sure the conversation"),
        ([said()], "The content field in the Message object at messages.0 is empty. Add a ContentBlock object"),
        ([said({"text": " \n"})], "The text field in the ContentBlock object at messages.0.content.0 is blank. Add"),
        ([said({})], "The object at messages.0.content.0 must have exactly one member, and has 0."),
        ([said({"text": "x", "image": {}})], "The object at messages.0.content.0 must have exactly one member, and"),
        (
            [HELLO, said(USE, role="assistant")],
            "The toolConfig field must be defined when using toolUse and toolResult",
        ),
        ([said({"text": "x"}, role="system")], "This model doesn't support the system role at messages.0."),
        ([{"content": [{"text": "x"}]}], "This model doesn't support the None role at messages.0."),
        (
            [said({"toolUse": {"toolUseId": "t", "name": "n", "input": [1]}}, role="assistant")],
            "The format of the value at messages.0.content.0.toolUse.input is invalid. Provide a json object for the",
        ),
    ],
)
def test_conversations_that_are_none(messages: list[object], sentence: str) -> None:
    assert refusal(messages=messages).startswith(sentence)


def test_no_messages_at_all() -> None:
    assert refusal().startswith("A conversation must have at least one message.")


@pytest.mark.parametrize(
    ("messages", "sentence"),
    [
        (
            [HELLO, said(USE, role="assistant"), HELLO],
            "Expected toolResult blocks at messages.2.content for the following Ids: t1",
        ),
        (
            [said(RESULT)],
            "The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks of previous "
            "turn.",
        ),
        ([HELLO, said(USE, USE, role="assistant"), HELLO], "The messages contain duplicate Ids of toolUse blocks: t1"),
        ([said(USE)], "messages.0.content.0: toolUse blocks belong to messages of the assistant."),
        (
            [HELLO, said(USE, role="assistant"), said(RESULT), said(RESULT, role="assistant")],
            "messages.3.content.0: toolResult blocks belong to messages of the user.",
        ),
    ],
)
def test_tool_uses_and_results_that_do_not_match(messages: list[object], sentence: str) -> None:
    assert refusal(messages=messages, toolConfig={"tools": [WEATHER]}) == sentence


@pytest.mark.parametrize(
    ("configuration", "sentence"),
    [
        ({"tools": [WEATHER, WEATHER]}, "The toolConfig field contains the tool name weather more than once."),
        (
            {"tools": [{"toolSpec": {"name": "x", "inputSchema": {"json": {"type": "string"}}}}]},
            "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object.",
        ),
        (
            {"tools": [WEATHER], "toolChoice": {"tool": {"name": "other"}}},
            "toolConfig.toolChoice.tool.name: no tool of toolConfig.tools is called other.",
        ),
        (
            {"tools": [{"systemTool": {"name": "nova_grounding"}}]},
            "This model doesn't support the systemTool tool field for toolConfig.tools. Remove systemTool tool and try "
            "again.",
        ),
    ],
)
def test_tools_that_are_none(configuration: dict[str, object], sentence: str) -> None:
    assert refusal(messages=[HELLO], toolConfig=configuration) == sentence


@pytest.mark.parametrize(
    "name",
    ["image", "document", "video", "audio", "citationsContent", "searchResult", "toolAddition", "toolRemoval"],
)
def test_what_no_model_here_reads_is_refused_by_name(name: str) -> None:
    assert refusal(messages=[said({"text": "x"}, {name: {}})]) == (
        f"This model doesn't support the {name} field for user messages. Remove {name} and try again."
    )


def test_pictures_among_results_and_guarded_pictures_too() -> None:
    result = {"toolResult": {"toolUseId": "t1", "content": [{"image": {}}]}}
    conversation = [HELLO, said(USE, role="assistant"), said(result)]
    assert "toolResult.content.image" in refusal(messages=conversation, toolConfig={"tools": [WEATHER]})
    assert "guardContent.image" in refusal(messages=[said({"guardContent": {"image": {}}})])
    assert "system messages" in refusal(messages=[HELLO], system=[{"image": {}}])


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"system": [{"text": " "}]}, "The text field in the SystemContentBlock object at system.0 is blank. Add text"),
        (
            {"guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"}},
            "The guardrail identifier or version provided in the request does not exist.",
        ),
        ({"promptVariables": {"a": {"text": "b"}}}, "promptVariables can be used with the ARN of a prompt only"),
        ({"outputConfig": {"textFormat": {"type": "json_schema"}}}, "This model doesn't support the outputConfig.text"),
        (
            {"additionalModelResponseFieldPaths": ["stop"]},
            "additionalModelResponseFieldPaths: stop is not a valid JSON",
        ),
    ],
)
def test_what_would_change_the_answer_is_refused(parameters: dict[str, object], sentence: str) -> None:
    assert refusal(messages=[HELLO], **parameters).startswith(sentence)


def test_what_only_has_no_effect_is_named() -> None:
    asked = read(
        {
            "messages": [
                said({"text": "hello"}, {"cachePoint": {"type": "default"}}),
                said({"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": "hi"}, role="assistant"),
                HELLO,
            ],
            "toolConfig": {
                "tools": [
                    {"toolSpec": {**WEATHER["toolSpec"], "strict": True}},
                    {"cachePoint": {"type": "default"}},
                ]
            },
            "additionalModelRequestFields": {"thinking": {}, "inferenceConfig": {"reasoningConfig": {}}},
            "requestMetadata": {"a": "b"},
            "outputConfig": {"effort": "high"},
            "performanceConfig": {"latency": "optimized"},
            "serviceTier": {"type": "flex"},
        }
    )
    assert asked.ignored == (
        "cachePoint",
        "reasoningContent",
        "additionalModelRequestFields.thinking",
        "additionalModelRequestFields.inferenceConfig.reasoningConfig",
        "toolSpec.strict",
        "cachePoint",
        "requestMetadata",
        "outputConfig.effort",
        "performanceConfig.latency",
        "serviceTier",
    )
    assert asked.request.messages[1].content == (Text("hi"),)


def test_a_value_that_no_backend_could_pass_on() -> None:
    deep: object = {}
    for _ in range(400):
        deep = {"a": deep}
    use = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": deep}}
    assert "nested too deeply" in refusal(messages=[HELLO, said(use, role="assistant")])


def test_native_fields_of_the_answer() -> None:
    asked = {"additionalModelResponseFieldPaths": ["/stop_sequence", "/other"]}
    assert response_fields(asked, "X") == {"stop_sequence": "X"}
    assert response_fields(asked, None) == {"stop_sequence": None}
    assert response_fields({"additionalModelResponseFieldPaths": ["/other"]}, "X") is None
    assert response_fields({}, "X") is None
