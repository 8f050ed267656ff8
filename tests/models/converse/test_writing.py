"""Converse's answers and events."""

from collections.abc import Mapping

import pytest

from callpark.models.completion import Completion, Steps
from callpark.models.converse.writing import answer, events, metadata
from callpark.models.model import Part, Prompt, Stop, Text, Token, ToolUse, ToolUseInput, ToolUseStart, Usage

pytestmark = pytest.mark.unit

USAGE = Usage(3, 5)


def test_an_answer() -> None:
    completion = Completion((Text("hi"), ToolUse("t1", "weather", {"city": "Oslo"})), "tool_use", USAGE)
    assert answer(completion, 1.2345, {}, None) == {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"text": "hi"},
                    {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Oslo"}}},
                ],
            }
        },
        "stopReason": "tool_use",
        "usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8},
        "metrics": {"latencyMs": 1234},
        "additionalModelResponseFields": None,
    }


def test_capacity_is_said_back() -> None:
    asked: Mapping[str, object] = {"performanceConfig": {"latency": "optimized"}, "serviceTier": {"type": "flex"}}
    given = answer(Completion((), "end_turn", USAGE), 0, asked, {"stop_sequence": None})
    assert given["performanceConfig"] == {"latency": "standard"}
    assert given["serviceTier"] == {"type": "default"}
    assert given["additionalModelResponseFields"] == {"stop_sequence": None}
    assert metadata(USAGE, 0.002, asked)[1]["serviceTier"] == {"type": "default"}


def test_events() -> None:
    """Text blocks are not announced, tools are; metadata come from elsewhere, because they tell the time."""
    steps = Steps()
    parts: list[Part] = [
        Prompt(3),
        Token("hi"),
        ToolUseStart("t1", "weather"),
        ToolUseInput("{}"),
        Stop("stop_sequence", USAGE, "X"),
    ]
    found = [event for part in parts for step in steps.after(part) for event in events(step, {"stop_sequence": "X"})]
    assert found == [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"delta": {"text": "hi"}, "contentBlockIndex": 0}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        (
            "contentBlockStart",
            {"start": {"toolUse": {"toolUseId": "t1", "name": "weather"}}, "contentBlockIndex": 1},
        ),
        ("contentBlockDelta", {"delta": {"toolUse": {"input": "{}"}}, "contentBlockIndex": 1}),
        ("contentBlockStop", {"contentBlockIndex": 1}),
        (
            "messageStop",
            {"stopReason": "stop_sequence", "additionalModelResponseFields": {"stop_sequence": "X"}},
        ),
    ]
    assert metadata(USAGE, 0.0104, {}) == (
        "metadata",
        {"usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}, "metrics": {"latencyMs": 10}},
    )
