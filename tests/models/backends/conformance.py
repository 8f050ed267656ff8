"""What every backend must do, whatever answers behind it. Each test module of a backend gives a `backend` fixture and
takes these tests over by importing them; what is asked is `LONG`, which backends that can only repeat repeat."""

import asyncio
from typing import Protocol

import pytest

from callpark.kernel.errors import CallerError
from callpark.models.backends.port import Backend
from callpark.models.model import EmbeddingRequest, GenerationRequest, Part, Prompt, Stop, Token
from tests.models.asking import asking, gathered, text_of

LONG = "echo one two three four five six seven eight"


class Given(Protocol):
    """`most`: tokens that a test may ask for at most. `embeds`: it makes vectors."""

    backend: Backend
    most: int
    embeds: bool


def _asking(given: Given, text: str = LONG, **inference: object) -> GenerationRequest:
    return asking(text, **{"max_tokens": given.most, "temperature": 0.0, **inference})


def _stop(parts: list[Part]) -> Stop:
    assert isinstance(parts[-1], Stop)
    return parts[-1]


async def test_a_stream_is_text_between_at_most_one_prompt_and_one_stop(given: Given) -> None:
    parts = await gathered(given.backend.stream(_asking(given)))
    assert sum(isinstance(part, Stop) for part in parts) == 1
    assert all(isinstance(part, Token) and part.text for part in parts[:-1] if not isinstance(part, Prompt))
    assert not any(isinstance(part, Prompt) for part in parts[1:])
    assert len([part for part in parts if isinstance(part, Token)]) > 2, "in pieces, not gathered"
    assert 2 < _stop(parts).usage.output_tokens <= given.most


async def test_the_tokens_of_a_request_are_counted_as_they_are_used(given: Given) -> None:
    parts = await gathered(given.backend.stream(_asking(given)))
    assert await given.backend.count_tokens(_asking(given)) == _stop(parts).usage.input_tokens > 0
    assert all(part.input_tokens == _stop(parts).usage.input_tokens for part in parts if isinstance(part, Prompt))


async def test_no_more_tokens_than_asked_for(given: Given) -> None:
    stop = _stop(await gathered(given.backend.stream(_asking(given, max_tokens=3))))
    assert (stop.reason, stop.usage.output_tokens) == ("max_tokens", 3)


async def test_a_stop_sequence_ends_the_text_wherever_tokens_are_cut(given: Given) -> None:
    whole = text_of(await gathered(given.backend.stream(_asking(given))))
    middle = len(whole) // 2
    sequence = whole[middle : middle + 5]
    parts = await gathered(given.backend.stream(_asking(given, stop_sequences=("never said so", sequence))))
    assert text_of(parts) == whole[: whole.index(sequence)]
    assert (_stop(parts).reason, _stop(parts).sequence) == ("stop_sequence", sequence)


async def test_several_are_answered_at_once(given: Given) -> None:
    alone = text_of(await gathered(given.backend.stream(_asking(given))))
    answers = await asyncio.gather(*(gathered(given.backend.stream(_asking(given))) for _ in range(3)))
    assert [text_of(parts) for parts in answers] == [alone] * 3


async def test_who_leaves_early_disturbs_nobody(given: Given) -> None:
    parts = given.backend.stream(_asking(given))
    await anext(parts)
    await parts.aclose()  # type: ignore[attr-defined]
    assert _stop(await gathered(given.backend.stream(_asking(given)))).usage.output_tokens


async def test_raw_text_is_continued(given: Given) -> None:
    request = GenerationRequest(prompt="Once upon a time there", inference=_asking(given).inference)
    assert text_of(await gathered(given.backend.stream(request)))


async def test_texts_become_vectors_or_a_refusal(given: Given) -> None:
    request = EmbeddingRequest(("one", "two two"))
    if not given.embeds:
        with pytest.raises(CallerError, match="ValidationException"):
            await given.backend.embed(request)
        return
    vectors = await given.backend.embed(request)
    assert len(vectors.vectors) == 2
    assert vectors.vectors[0] != vectors.vectors[1]
    assert vectors.input_tokens > 0


async def test_it_says_what_it_is_and_can_be_closed_twice(given: Given) -> None:
    assert given.backend.description
    assert given.backend.at_once >= 1
    await given.backend.close()
    await given.backend.close()
