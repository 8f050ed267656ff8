"""The voice channel: how long a prompt is heard, and what a telephone is to the service.

There is no telephony: a prompt is text and a duration. `hear` is pure and tells the engine what a prompt amounts to;
`Phone` is what a terminal, a scripted caller or a test implements.

https://docs.aws.amazon.com/connect/latest/adminguide/supported-ssml-tags.html
"""

import re
from typing import Protocol
from xml.etree import ElementTree

from callpark.flows.prompts import BadPrompt, Prompt
from callpark.flows.world import Heard
from callpark.kernel.limits import ConnectLimits

KEYS = frozenset("0123456789*#")

#: Pauses of `<break strength>` and of the sentence and paragraph ends around them, in seconds (our rule).
_STRENGTHS = {"none": 0.0, "x-weak": 0.0, "weak": 0.2, "medium": 0.4, "strong": 0.6, "x-strong": 1.2}
_TIME = re.compile(r"\+?([0-9.]{1,9})(ms|s)")


class Line(Protocol):
    """The network's end of a call, as the phone sees it."""

    def press(self, key: str) -> None:
        """One of 0-9 * #."""
        ...

    def hang_up(self) -> None: ...


class Phone(Protocol):
    """The caller's end. Instants are epoch seconds; calls come on the event loop and must not block."""

    def answered(self, line: Line) -> None:
        """The call is connected (again, after a restart of callpark)."""
        ...

    def heard(self, text: str, at: float, seconds: float) -> None:
        """A prompt begins and will last `seconds`. Recordings come as `[name]`."""
        ...

    def interrupted(self, at: float) -> None:
        """The prompt is cut off."""
        ...

    def keys_wanted(self, maximum: int, terminator: str, at: float, seconds_of_prompt: float) -> None:
        """Keys count from now on; the question itself lasts `seconds_of_prompt`."""
        ...

    def keys_ended(self, at: float) -> None:
        """Keys do not count any more."""
        ...

    def ended(self, reason: str, at: float) -> None:
        """The call is over."""
        ...


class DeadPhone:
    """Nobody at the other end: for a contact whose phone is gone."""

    def answered(self, line: Line) -> None:
        pass

    def heard(self, text: str, at: float, seconds: float) -> None:
        pass

    def interrupted(self, at: float) -> None:
        pass

    def keys_wanted(self, maximum: int, terminator: str, at: float, seconds_of_prompt: float) -> None:
        pass

    def keys_ended(self, at: float) -> None:
        pass

    def ended(self, reason: str, at: float) -> None:
        pass


def hear(prompt: Prompt, limits: ConnectLimits) -> Heard:
    """What the ear gets: text, words, seconds. Raises BadPrompt for broken SSML and for more than 6,000 characters."""
    if len(prompt.content) > limits.prompt_characters:
        raise BadPrompt(f"the prompt has {len(prompt.content)} characters, more than {limits.prompt_characters}")
    if prompt.kind == "recording":
        return Heard(f"[{_recording_name(prompt.content)}]", 1, limits.recorded_prompt_seconds)
    text, pauses = _read_ssml(prompt.content, limits) if prompt.kind == "ssml" else (prompt.content, 0.0)
    text = " ".join(text.split())
    words = len(text.split(" ")) if text else 0
    return Heard(text, words, round(words * 60.0 / limits.words_per_minute + pauses, 3))


def _recording_name(reference: str) -> str:
    """The end of an ARN or URI says most."""
    return "recording " + reference.rstrip("/").rsplit("/", 1)[-1]


def _read_ssml(content: str, limits: ConnectLimits) -> tuple[str, float]:
    """The words and the sum of the pauses. Unknown tags are ignored, what they enclose is spoken."""
    if "<!DOCTYPE" in content:
        raise BadPrompt("SSML has no document type")
    try:
        root = ElementTree.fromstring(content.replace("<amazon:", "<amazon-").replace("</amazon:", "</amazon-"))
    except ElementTree.ParseError as error:
        raise BadPrompt(f"broken SSML: {error}") from None
    if root.tag.rsplit("}", 1)[-1] != "speak":
        raise BadPrompt(f"SSML begins with <speak>, not <{root.tag}>")
    pauses = 0.0
    for element in list(root.iter()):
        tag = element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""
        if tag == "break":
            pauses += _pause(element, limits)
        elif tag == "sub" and (alias := element.get("alias")) is not None:
            element.text = alias
            del element[:]
    return " ".join(root.itertext()), pauses


def _pause(element: ElementTree.Element, limits: ConnectLimits) -> float:
    time = element.get("time")
    if time is None:
        return _STRENGTHS.get(element.get("strength", "medium"), _STRENGTHS["medium"])
    match = _TIME.fullmatch(time.strip())
    if match is None or match.group(1).count(".") > 1 or match.group(1) == ".":
        raise BadPrompt(f"broken SSML: break time {time!r}")
    seconds = float(match.group(1)) / (1000.0 if match.group(2) == "ms" else 1.0)
    return min(seconds, limits.prompt_break_seconds)
