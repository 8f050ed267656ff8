"""What a participant can be told: text, SSML or a recording. How long one lasts is the channel's affair."""

from typing import Literal

import msgspec


class Prompt(msgspec.Struct, frozen=True):
    """One prompt with its references resolved. `content`: the text, the SSML document, or a recording's ARN or URI."""

    kind: Literal["text", "ssml", "recording"]
    content: str


class BadPrompt(ValueError):
    """A prompt that cannot be said: broken SSML, too long. The message is for the flow log."""
