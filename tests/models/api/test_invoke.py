"""InvokeModel, InvokeModelWithResponseStream and CountTokens on a scripted model."""

from typing import Any

import orjson
import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.models.backends.scripted import Fault, Reply
from callpark.models.happenings import ModelInvoked
from tests.models.api.scene import CLAUDE, HELLO, Scene, scripted

pytestmark = pytest.mark.sim

LLAMA = "meta.llama3-8b-instruct-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
ASKED = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 10,
    "messages": [{"role": "user", "content": "tell"}],
}


@pytest.fixture
def scene(clock: VirtualClock, ids: SeededIds) -> Scene:
    replies = (
        Reply(when="break", tokens=("a", "b"), fault=Fault("timeout", 1, "too slow")),
        Reply(tokens=("one", " two")),
    )
    return Scene(clock, ids, {"*": scripted(clock, ids, *replies, token_seconds=1)})


async def chunks(scene: Scene, model_id: str, **body: object) -> list[Any]:
    answer = await scene.call("InvokeModelWithResponseStream", modelId=model_id, body=orjson.dumps(body))
    assert answer.members["contentType"] == "application/json"
    assert answer.stream is not None
    return [orjson.loads(members["bytes"]) async for _, members in answer.stream]  # type: ignore[arg-type]


async def test_a_native_answer_and_its_counts(scene: Scene, clock: VirtualClock) -> None:
    body = orjson.dumps({"prompt": "tell"})
    answer = await clock.run_until(scene.call("InvokeModel", modelId=LLAMA, body=body))
    assert orjson.loads(answer.members["body"]) == {  # type: ignore[arg-type]
        "generation": "one two",
        "prompt_token_count": 1,
        "generation_token_count": 2,
        "stop_reason": "stop",
    }
    assert answer.members["contentType"] == "application/json"
    assert answer.headers == {
        "x-amzn-bedrock-input-token-count": "1",
        "x-amzn-bedrock-output-token-count": "2",
        "x-amzn-bedrock-invocation-latency": "1000",
    }
    assert scene.happenings() == [ModelInvoked(LLAMA, "r-1", "InvokeModel", 1.0, 1, 2)]


async def test_a_native_stream_ends_with_its_metrics(scene: Scene, clock: VirtualClock) -> None:
    found = await clock.run_until(chunks(scene, CLAUDE, **ASKED))
    assert [chunk["type"] for chunk in found][:2] == ["message_start", "content_block_start"]
    assert "".join(chunk["delta"].get("text", "") for chunk in found if "delta" in chunk) == "one two"
    assert [chunk for chunk in found if "amazon-bedrock-invocationMetrics" in chunk] == [
        {
            "type": "message_stop",
            "amazon-bedrock-invocationMetrics": {
                "inputTokenCount": 1,
                "outputTokenCount": 2,
                "invocationLatency": 1000,
                "firstByteLatency": 0,
            },
        }
    ]


async def test_a_timeout_has_a_name_in_native_streams(scene: Scene, clock: VirtualClock) -> None:
    with pytest.raises(CallerError, match="too slow") as failed:
        await clock.run_until(chunks(scene, LLAMA, prompt="break"))
    assert failed.value.code == "ModelTimeoutException"


async def test_embeddings_are_filled_up_to_what_an_index_was_made_for(
    scene: Scene, clock: VirtualClock, ids: SeededIds
) -> None:
    answer = await scene.invoked(TITAN, inputText="one two", dimensions=256)
    assert len(answer["embedding"]) == 256
    assert answer["inputTextTokenCount"] == 2
    assert scene.happenings() == [ModelInvoked(TITAN, "r-1", "InvokeModel", 0.0, 2, 0)]


async def test_a_model_of_fewer_dimensions_says_so_once(
    clock: VirtualClock, ids: SeededIds, caplog: pytest.LogCaptureFixture
) -> None:
    model = scripted(clock, ids)
    scene = Scene(clock, ids, {"*": model})

    async def short(request: object) -> object:
        from callpark.models.model import Vectors

        return Vectors(((0.6, 0.8),), 1)

    model.embed = short  # type: ignore[assignment, method-assign]
    for _ in range(2):
        answer = await scene.invoked(TITAN, inputText="x")
        assert answer["embedding"] == [0.6, 0.8] + [0.0] * 1022
    (warning,) = [record.getMessage() for record in caplog.records if record.name == "callpark"]
    assert "1024: the model has 2, filled up with zeros" in warning


@pytest.mark.parametrize(
    ("operation", "parameters", "sentence"),
    [
        ("InvokeModel", {"body": b""}, "Malformed input request, please reformat your input and try again."),
        ("InvokeModel", {}, "Malformed input request, please"),
        ("InvokeModel", {"body": b"{}", "contentType": "text/plain"}, "The provided Content-Type is invalid"),
        ("InvokeModel", {"body": b"{}", "accept": "text/html"}, "The provided Accept is invalid"),
        (
            "InvokeModel",
            {"body": b"{}", "guardrailIdentifier": "g", "guardrailVersion": "1"},
            "The guardrail identifier or version provided in the request does not exist.",
        ),
        ("InvokeModelWithResponseStream", {"body": b"{}", "modelId": TITAN}, "The model is unsupported for streaming."),
        (
            "InvokeModel",
            {"body": b"{}", "modelId": "ai21.jamba-v1:0"},
            "callpark does not know the native body of ai21.jamba-v1:0.",
        ),
        (
            "CountTokens",
            {"input": {"invokeModel": {"body": b'{"inputText": "x"}'}}, "modelId": TITAN},
            "The provided model doesn't support counting tokens.",
        ),
        ("CountTokens", {"input": {}}, "The input must have one of the members invokeModel and converse."),
    ],
)
async def test_what_is_refused(scene: Scene, operation: str, parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CallerError) as refused:
        await scene.call(operation, **parameters)
    assert (refused.value.code, refused.value.status) == ("ValidationException", 400)
    assert refused.value.message.startswith(sentence)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/octet-stream", None])
async def test_what_clients_send_without_a_thought_passes(scene: Scene, clock: VirtualClock, kind: str | None) -> None:
    given: dict[str, Any] = {"body": orjson.dumps({"prompt": "tell"}), "accept": "application/json, text/plain, */*"}
    more: dict[str, Any] = {} if kind is None else {"contentType": kind}
    await clock.run_until(scene.call("InvokeModel", modelId=LLAMA, **given, **more))


async def test_capacity_is_said_back(scene: Scene, clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    answer = await clock.run_until(
        scene.call(
            "InvokeModel",
            modelId=LLAMA,
            body=b'{"prompt": "x"}',
            performanceConfigLatency="optimized",
            serviceTier="flex",
            trace="ENABLED",
        )
    )
    assert (answer.members["performanceConfigLatency"], answer.members["serviceTier"]) == ("standard", "default")
    named = [record.getMessage().partition(" has ")[0] for record in caplog.records if record.name == "callpark"]
    assert named == ["InvokeModel: trace", "InvokeModel: performanceConfigLatency", "InvokeModel: serviceTier"]


async def test_tokens_are_counted_as_they_are_asked(scene: Scene) -> None:
    counted = await scene.members(
        "CountTokens", input={"converse": {"messages": HELLO, "system": [{"text": "be very brief"}]}}
    )
    assert counted == {"inputTokens": 4}
    body = orjson.dumps(ASKED)
    assert await scene.members("CountTokens", input={"invokeModel": {"body": body}}) == {"inputTokens": 1}
