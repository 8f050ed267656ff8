"""Requests as tests write them, and what comes back gathered."""

from collections.abc import AsyncIterator

from callpark.kernel.errors import CallerError
from callpark.models.model import GenerationRequest, Inference, Message, Part, Text, Token


def asking(text: str, **inference: object) -> GenerationRequest:
    return GenerationRequest((Message("user", (Text(text),)),), inference=Inference(**inference))  # type: ignore[arg-type]


async def gathered(parts: AsyncIterator[Part]) -> list[Part]:
    return [part async for part in parts]


async def failing(parts: AsyncIterator[Part]) -> tuple[list[Part], CallerError]:
    """What was said, and the refusal that ended it."""
    heard: list[Part] = []
    while True:
        try:
            heard.append(await anext(parts))
        except CallerError as error:
            return heard, error


def text_of(parts: list[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Token))
