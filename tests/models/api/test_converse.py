"""Converse and ConverseStream on a scripted model, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import pytest

from callpark.kernel.asgi import ClientGone
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.operations import Answer
from callpark.models.backends.scripted import Fault, FaultKind, Reply, ToolReply
from callpark.models.happenings import GenerationAbandoned, ModelInvoked
from tests.models.api.scene import CLAUDE, HELLO, Scene, scripted

pytestmark = pytest.mark.sim

Event = tuple[str, Mapping[str, object]]
STORY = Reply(tokens=("Once", " upon", " a", " time"))
WEATHER = {"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}


def opened(clock: VirtualClock, ids: SeededIds, *replies: Reply, token_seconds: float = 1.0) -> Scene:
    return Scene(clock, ids, {CLAUDE: scripted(clock, ids, *replies, token_seconds=token_seconds)})


def stream_of(answer: Answer) -> AsyncIterator[Event]:
    assert answer.stream is not None
    return answer.stream


async def test_an_answer_in_one_piece(clock: VirtualClock, ids: SeededIds) -> None:
    scene = opened(clock, ids, STORY)
    answer = await clock.run_until(scene.members("Converse", messages=HELLO))
    assert answer == {
        "output": {"message": {"role": "assistant", "content": [{"text": "Once upon a time"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 4, "totalTokens": 5},
        "metrics": {"latencyMs": 3000},
    }
    assert scene.happenings() == [ModelInvoked(CLAUDE, "r-1", "Converse", 3.0, 1, 4)]


async def test_each_token_is_told_before_the_next_is_made(clock: VirtualClock, ids: SeededIds) -> None:
    scene = opened(clock, ids, STORY)
    events = stream_of(await scene.call("ConverseStream", messages=HELLO))
    assert await anext(events) == ("messageStart", {"role": "assistant"})
    began = clock.now()
    for seconds, token in enumerate(("Once", " upon", " a", " time")):
        asked = asyncio.ensure_future(anext(events))
        await clock.settle()
        if seconds:
            assert not asked.done(), "nothing is known of a token that is not made yet"
            await clock.advance(1)
        assert await asked == ("contentBlockDelta", {"delta": {"text": token}, "contentBlockIndex": 0})
        assert clock.now() - began == seconds
    usage = {"inputTokens": 1, "outputTokens": 4, "totalTokens": 5}
    assert [event async for event in events] == [
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn", "additionalModelResponseFields": None}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 3000}}),
    ]
    assert scene.happenings() == [ModelInvoked(CLAUDE, "r-1", "ConverseStream", 3.0, 1, 4, 0.0)]


async def test_a_tool_is_streamed_piece_by_piece(clock: VirtualClock, ids: SeededIds) -> None:
    reply = Reply(tokens=("Let me see.",), tool=ToolReply("weather", {"city": "Oslo", "days": 3}))
    scene = opened(clock, ids, reply, token_seconds=0)
    tools = {"tools": [WEATHER]}
    events = [event async for event in stream_of(await scene.call("ConverseStream", messages=HELLO, toolConfig=tools))]
    names = [name for name, _ in events]
    assert names[:4] == ["messageStart", "contentBlockDelta", "contentBlockStop", "contentBlockStart"]
    fragments = [delta["toolUse"]["input"] for delta in deltas(events) if "toolUse" in delta]
    assert len(fragments) > 1
    assert "".join(fragments) == '{"city":"Oslo","days":3}'
    assert ("messageStop", {"stopReason": "tool_use", "additionalModelResponseFields": None}) in events
    whole = await scene.members("Converse", messages=HELLO, toolConfig=tools)
    text, use = whole["output"]["message"]["content"]
    assert (text["text"], use["toolUse"]["name"], use["toolUse"]["input"]) == (
        "Let me see.",
        "weather",
        {"city": "Oslo", "days": 3},
    )


def deltas(events: list[Event]) -> list[Any]:
    return [members["delta"] for name, members in events if name == "contentBlockDelta"]


async def test_a_stop_sequence_ends_the_text_and_is_named(clock: VirtualClock, ids: SeededIds) -> None:
    scene = opened(clock, ids, STORY, token_seconds=0)
    asked: dict[str, Any] = {
        "messages": HELLO,
        "inferenceConfig": {"stopSequences": [" a t"]},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    }
    whole = await scene.members("Converse", **asked)
    assert whole["output"]["message"]["content"] == [{"text": "Once upon"}]
    assert whole["stopReason"] == "stop_sequence"
    assert whole["additionalModelResponseFields"] == {"stop_sequence": " a t"}
    events = [event async for event in stream_of(await scene.call("ConverseStream", **asked))]
    assert "".join(delta["text"] for delta in deltas(events)) == "Once upon"
    fields = {"additionalModelResponseFields": {"stop_sequence": " a t"}}
    assert ("messageStop", {"stopReason": "stop_sequence", **fields}) in events


async def test_no_more_tokens_than_asked_for(clock: VirtualClock, ids: SeededIds) -> None:
    whole = await opened(clock, ids, STORY, token_seconds=0).members(
        "Converse", messages=HELLO, inferenceConfig={"maxTokens": 2}
    )
    assert (whole["stopReason"], whole["usage"]["outputTokens"]) == ("max_tokens", 2)


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("throttling", "ThrottlingException", 429),
        ("timeout", "ModelTimeoutException", 408),
        ("model-error", "ModelErrorException", 424),
        ("internal", "InternalServerException", 500),
        ("unavailable", "ServiceUnavailableException", 503),
        ("not-ready", "ModelNotReadyException", 429),
        ("access-denied", "AccessDeniedException", 403),
    ],
)
@pytest.mark.parametrize("operation", ["Converse", "ConverseStream"])
async def test_what_fails_before_the_first_token_has_a_status(
    clock: VirtualClock, ids: SeededIds, operation: str, kind: FaultKind, code: str, status: int
) -> None:
    scene = opened(clock, ids, Reply(fault=Fault(kind, message="no")), token_seconds=0)
    with pytest.raises(CallerError, match="no") as refused:
        await scene.call(operation, messages=HELLO)
    assert (refused.value.code, refused.value.status) == (code, status)
    assert scene.happenings() == [ModelInvoked(CLAUDE, "r-1", operation, 0.0, error=code, status=status)]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttling", "ThrottlingException"),
        ("model-error", "ModelStreamErrorException"),
        ("internal", "InternalServerException"),
        ("unavailable", "ServiceUnavailableException"),
        ("timeout", "ModelStreamErrorException"),  # Converse's streams have no name for it
        ("access-denied", "ModelStreamErrorException"),
    ],
)
async def test_what_fails_later_is_told_in_the_stream(
    clock: VirtualClock, ids: SeededIds, kind: FaultKind, code: str
) -> None:
    scene = opened(clock, ids, Reply(tokens=("a", "b"), fault=Fault(kind, 1, "broken")), token_seconds=0)
    events = stream_of(await scene.call("ConverseStream", messages=HELLO))
    assert [(await anext(events))[0] for _ in range(2)] == ["messageStart", "contentBlockDelta"]
    with pytest.raises(CallerError, match="broken") as failed:
        await anext(events)
    assert failed.value.code == code
    (told,) = scene.happenings()
    assert isinstance(told, ModelInvoked)
    assert told.error is not None


async def test_a_model_that_nobody_has_is_not_counted(clock: VirtualClock, ids: SeededIds) -> None:
    scene = opened(clock, ids)
    for operation in ("Converse", "ConverseStream"):
        with pytest.raises(CallerError, match="The provided model identifier is invalid"):
            await scene.call(operation, modelId="meta.other-v1:0", messages=HELLO)
    assert scene.happenings() == []


async def test_a_client_that_leaves_ends_the_generation(clock: VirtualClock, ids: SeededIds) -> None:
    """Whether it waits for the first token, for the next one, or for the whole."""
    scene = opened(clock, ids, Reply(tokens=STORY.tokens, first_token_seconds=5))
    gone = asyncio.Event()

    async def leaves() -> None:
        await gone.wait()

    events = stream_of(await scene.call("ConverseStream", leaves, messages=HELLO))
    assert (await anext(events))[0] == "messageStart"
    following = asyncio.ensure_future(anext(events))
    whole = asyncio.ensure_future(scene.call("Converse", leaves, messages=HELLO))
    await clock.advance(2)
    gone.set()
    with pytest.raises(StopAsyncIteration):
        await following
    with pytest.raises(ClientGone):
        await whole
    assert scene.happenings() == [
        GenerationAbandoned(CLAUDE, "r-1", "ConverseStream", 2.0),
        GenerationAbandoned(CLAUDE, "r-1", "Converse", 2.0),
    ]
    assert clock.explain().endswith(" 0 timers armed"), "nothing goes on for nobody"


async def test_a_stream_that_is_no_longer_read_ends_the_generation(clock: VirtualClock, ids: SeededIds) -> None:
    """As when the server stops: the gateway closes what it reads."""
    scene = opened(clock, ids, STORY)
    events = stream_of(await scene.call("ConverseStream", messages=HELLO))
    for _ in range(2):
        await anext(events)
    assert isinstance(events, AsyncGenerator)
    await events.aclose()
    assert scene.happenings() == [GenerationAbandoned(CLAUDE, "r-1", "ConverseStream", 0.0)]
    assert clock.explain().endswith(" 0 timers armed")


async def test_what_has_no_effect_is_named_once(
    clock: VirtualClock, ids: SeededIds, caplog: pytest.LogCaptureFixture
) -> None:
    scene = opened(clock, ids, token_seconds=0)
    for _ in range(2):
        await scene.members("Converse", messages=HELLO, requestMetadata={"a": "b"}, serviceTier={"type": "flex"})
    assert [record.getMessage() for record in caplog.records if record.name == "callpark"] == [
        "Converse: requestMetadata has no effect here; it is ignored",
        "Converse: serviceTier has no effect here; it is ignored",
    ]
