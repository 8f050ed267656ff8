"""What is special to the small real models, when their packages are installed."""

from dataclasses import replace

import orjson
import pytest

from callpark.kernel.clock import SystemClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ModelLimits
from callpark.models.backends.local.model import MINILM, LocalModel
from callpark.models.backends.local.worker import Options
from callpark.models.installed import MINILM as SENTENCES
from callpark.models.installed import runnable
from callpark.models.model import (
    EmbeddingRequest,
    GenerationRequest,
    Inference,
    Message,
    Stop,
    Text,
    Tool,
    ToolChoice,
    ToolUseInput,
    ToolUseStart,
)
from tests.models.asking import asking, gathered
from tests.models.backends.local.weights import CONTEXT, INSTALLED, anyio_backend, smollm2

__all__ = ["anyio_backend", "smollm2"]

pytestmark = INSTALLED

WEATHER = Tool(
    "get_weather",
    "The weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string", "enum": ["York", "Hull"]}}, "required": ["city"]},
)


async def test_a_tool_that_must_be_used_is_written_under_its_schema(smollm2: LocalModel) -> None:
    request = replace(
        asking("What is the weather in York?", max_tokens=40, temperature=0.0),
        tools=(WEATHER,),
        tool_choice=ToolChoice("tool", "get_weather"),
    )
    parts = await gathered(smollm2.stream(request))
    assert [part.name for part in parts if isinstance(part, ToolUseStart)] == ["get_weather"]
    written = "".join(part.fragment for part in parts if isinstance(part, ToolUseInput))
    assert orjson.loads(written)["city"] in ("York", "Hull")
    assert isinstance(parts[-1], Stop)
    assert parts[-1].reason == "tool_use"


async def test_more_than_the_context_is_refused_as_bedrock_does(smollm2: LocalModel) -> None:
    with pytest.raises(CallerError, match="ValidationException: Input is too long for requested model"):
        await gathered(smollm2.stream(asking("word " * CONTEXT)))


async def test_an_answer_ends_with_the_context(smollm2: LocalModel) -> None:
    counting = " ".join(f"{number}," for number in range(1, 50))
    parts = await gathered(smollm2.stream(GenerationRequest(prompt=counting, inference=Inference(temperature=0.0))))
    assert isinstance(parts[-1], Stop)
    assert parts[-1].reason == "model_context_window_exceeded"
    assert parts[-1].usage.total_tokens == CONTEXT


async def test_the_system_prompt_and_the_conversation_are_read(smollm2: LocalModel) -> None:
    """Counted: what they say is in the prompt; what a small model makes of it is its own affair."""
    plain = asking("Hello there")
    bare = await smollm2.count_tokens(replace(plain, system=("Hi.",)))
    assert await smollm2.count_tokens(replace(plain, system=("Hi. You are a very helpful parrot.",))) == bare + 7
    longer = replace(
        plain,
        system=("Hi.",),
        messages=(*plain.messages, Message("assistant", (Text("Yes?"),)), Message("user", (Text("Go on."),))),
        inference=Inference(),
    )
    assert await smollm2.count_tokens(longer) > bare + 8


@pytest.mark.skipif(runnable(SENTENCES) is None, reason=f"`{SENTENCES.pulled_by}` installs the model")
async def test_sentences_are_as_near_as_their_makers_say() -> None:
    """The example of the sentence-transformers documentation, with its figures for this model."""
    model = LocalModel(MINILM, Options(str(runnable(SENTENCES))), "MiniLM", ModelLimits(), SystemClock())
    try:
        request = EmbeddingRequest(
            (
                "The cat sits outside",
                "A man is playing guitar",
                "The new movie is awesome",
                "The dog plays in the garden",
            )
        )
        vectors = await model.embed(request)
        near = [sum(a * b for a, b in zip(vectors.vectors[0], other, strict=True)) for other in vectors.vectors]
        assert near == pytest.approx([1.0, 0.0363, -0.0247, 0.2838], abs=2e-3)
        shorter = await model.embed(replace(request, dimensions=128))
        assert {len(vector) for vector in shorter.vectors} == {128}
        assert sum(value * value for value in shorter.vectors[0]) == pytest.approx(1.0)
        with pytest.raises(CallerError, match="makes embeddings only"):
            await gathered(model.stream(asking("x")))
    finally:
        await model.close()
