"""The scripted model: what it is told to say, when, and what goes wrong."""

import asyncio
import dataclasses
from dataclasses import dataclass

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.models.backends.scripted import Fault, Reply, Script, ScriptedModel, ToolReply, tokens_of
from callpark.models.model import EmbeddingRequest, Stop, Token, ToolUseInput, ToolUseStart, Usage
from tests.models.asking import asking, failing, gathered, text_of
from tests.models.backends.conformance import *  # noqa: F403

pytestmark = pytest.mark.sim


@dataclass
class _Given:
    backend: ScriptedModel
    most: int = 20
    embeds: bool = True


@pytest.fixture
def given(clock: VirtualClock) -> _Given:
    return _Given(_model(clock))


def _model(clock: VirtualClock, *replies: Reply, **script: float) -> ScriptedModel:
    return ScriptedModel(Script(replies or (Reply(),), **script), clock, SeededIds(1))  # type: ignore[arg-type]


async def test_each_token_comes_at_its_time(clock: VirtualClock) -> None:
    model = _model(clock, Reply(tokens=("a", "b", "c")), first_token_seconds=2.0, token_seconds=0.5)
    start, heard = clock.now(), list[tuple[float, str]]()

    async def listen() -> None:
        async for part in model.stream(asking("x")):
            if isinstance(part, Token):
                heard.append((clock.now() - start, part.text))

    await clock.run_until(listen())
    assert heard == [(2.0, "a"), (2.5, "b"), (3.0, "c")]


async def test_a_stream_that_is_closed_sets_no_further_timer(clock: VirtualClock) -> None:
    parts = _model(clock, token_seconds=10.0).stream(asking("one two"))
    await anext(parts)
    await anext(parts)
    waiting = asyncio.ensure_future(anext(parts))
    await clock.settle()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert "0 timers armed" in clock.explain()


async def test_the_reply_depends_on_what_is_asked_and_how_often(clock: VirtualClock) -> None:
    model = _model(
        clock, Reply(when="weather", tokens=("first",), times=1), Reply(when="weather", tokens=("then",)), Reply()
    )
    asked = ["the weather", "the weather", "the weather", "anything"]
    assert [text_of(await gathered(model.stream(asking(text)))) for text in asked] == [
        "first",
        "then",
        "then",
        "anything",
    ]


async def test_a_tool_is_used_after_what_is_said(clock: VirtualClock) -> None:
    model = _model(clock, Reply(tokens=("Wait",), tool=ToolReply("weather", {"city": "York"})))
    parts = await gathered(model.stream(asking("x")))
    assert parts[1] == Token("Wait")
    assert isinstance(parts[2], ToolUseStart)
    assert parts[2].name == "weather"
    fragments = [part.fragment for part in parts if isinstance(part, ToolUseInput)]
    assert len(fragments) > 1
    assert "".join(fragments) == '{"city":"York"}'
    assert isinstance(parts[-1], Stop)
    assert parts[-1].reason == "tool_use"


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (Fault("throttling"), "ThrottlingException", 0),
        (Fault("model-error"), "ModelErrorException", 0),
        (Fault("model-error", at_token=2), "ModelStreamErrorException", 2),
        (Fault("timeout", at_token=1), "ModelTimeoutException", 1),
        (Fault("unavailable", at_token=3), "ServiceUnavailableException", 3),
        (Fault("internal", at_token=99), "InternalServerException", 3),
        (Fault("not-ready", message="Later."), "ModelNotReadyException", 0),
        (Fault("validation"), "ValidationException", 0),
        (Fault("access-denied"), "AccessDeniedException", 0),
    ],
)
async def test_faults_come_when_the_script_says(clock: VirtualClock, fault: Fault, code: str, said: int) -> None:
    model = _model(clock, Reply(tokens=("a", "b", "c"), fault=fault))
    heard, refusal = await failing(model.stream(asking("x")))
    assert refusal.code == code
    assert not fault.message or refusal.message == fault.message
    assert len([part for part in heard if isinstance(part, Token)]) == said


async def test_texts_that_share_words_are_near_each_other(clock: VirtualClock) -> None:
    request = EmbeddingRequest(("Pay the phone bill", "the phone bill is due", "green elephants swim"), dimensions=64)
    vectors = (await _model(clock).embed(request)).vectors
    near = [sum(a * b for a, b in zip(vectors[0], other, strict=True)) for other in vectors]
    assert near[0] == pytest.approx(1.0)
    assert near[1] > near[2]
    assert len(vectors[0]) == 64


def test_tokens_make_the_text_again() -> None:
    text = "  Two  words,\nand a line. "
    assert "".join(tokens_of(text)) == text


async def test_max_tokens_at_the_very_end_is_an_end(clock: VirtualClock) -> None:
    request = dataclasses.replace(asking("one two", max_tokens=2))
    parts = await gathered(_model(clock).stream(request))
    assert parts[-1] == Stop("end_turn", Usage(2, 2))
