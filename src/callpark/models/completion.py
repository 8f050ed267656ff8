"""A model's answer as a whole, from its parts; and the shape that every stream of it has. Pure.

Used by `converse/` and `bodies/`, which write both down in the words of one wire.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson

from callpark.models.model import (
    Part,
    Prompt,
    Stop,
    StopReason,
    Text,
    Token,
    ToolUse,
    ToolUseInput,
    ToolUseStart,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model said. `sequence` is the stop sequence that was met."""

    content: tuple[Text | ToolUse, ...]
    reason: StopReason
    usage: Usage
    sequence: str | None = None

    @property
    def text(self) -> str:
        return "".join(block.text for block in self.content if isinstance(block, Text))

    @property
    def tool_uses(self) -> tuple[ToolUse, ...]:
        return tuple(block for block in self.content if isinstance(block, ToolUse))


def completed(parts: Iterable[Part]) -> Completion:
    """All parts of one answer, its Stop included, put together. A tool use whose input is no JSON object is left out,
    and said as the reason."""
    blocks: list[Text | ToolUse] = []
    pieces: list[str] = []
    started: ToolUseStart | None = None
    malformed = False
    stop: Stop | None = None

    def close() -> None:
        nonlocal started, malformed
        text = "".join(pieces)
        pieces.clear()
        if started is None:
            if text:
                blocks.append(Text(text))
            return
        found = tool_input(text)
        malformed = malformed or found is None
        if found is not None:
            blocks.append(ToolUse(started.id, started.name, found))
        started = None

    for part in parts:
        match part:
            case Token(text):
                if started is not None:
                    close()
                pieces.append(text)
            case ToolUseStart():
                close()
                started = part
            case ToolUseInput(fragment):
                pieces.append(fragment)
            case Stop():
                close()
                stop = part
            case Prompt():
                pass
    if stop is None:
        raise ValueError("an answer without its Stop")
    return Completion(tuple(blocks), "malformed_tool_use" if malformed else stop.reason, stop.usage, stop.sequence)


def tool_input(text: str) -> dict[str, object] | None:
    """The input of a tool use from its JSON text, which may be empty; None when it is no object."""
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True)
class Begun:
    """The answer begins. `input_tokens` as far as they are known by then."""

    input_tokens: int


@dataclass(frozen=True, slots=True)
class BlockBegun:
    """`tool` is None for text."""

    index: int
    tool: ToolUseStart | None


@dataclass(frozen=True, slots=True)
class TextAdded:
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class InputAdded:
    index: int
    fragment: str


@dataclass(frozen=True, slots=True)
class BlockEnded:
    index: int


@dataclass(frozen=True, slots=True)
class Ended:
    reason: StopReason
    usage: Usage
    sequence: str | None


Step: TypeAlias = Begun | BlockBegun | TextAdded | InputAdded | BlockEnded | Ended


@dataclass(slots=True)
class Steps:
    """Parts of one answer to numbered blocks that begin and end: what all of Bedrock's streams consist of. One for
    each answer, fed part by part; keeps nothing but where it is, and the tool use's input that is being written."""

    _index: int = -1
    _open: bool = False
    _tool: bool = False
    _begun: bool = False
    _malformed: bool = False
    _input: list[str] = field(default_factory=list)

    def after(self, part: Part) -> Sequence[Step]:
        if self._begun:
            return self._steps(part)
        self._begun = True
        tokens = part.input_tokens if isinstance(part, Prompt) else 0
        return [Begun(part.usage.input_tokens if isinstance(part, Stop) else tokens), *self._steps(part)]

    def _steps(self, part: Part) -> Sequence[Step]:
        match part:
            case Token(text):
                opening = [] if self._open and not self._tool else [*self._end(), *self._begin(None)]
                return [*opening, TextAdded(self._index, text)]
            case ToolUseStart():
                return [*self._end(), *self._begin(part)]
            case ToolUseInput(fragment):
                self._input.append(fragment)
                return [InputAdded(self._index, fragment)]
            case Stop(reason, usage, sequence):
                ending = self._end()
                return [*ending, Ended("malformed_tool_use" if self._malformed else reason, usage, sequence)]
            case Prompt():
                return []

    def _begin(self, tool: ToolUseStart | None) -> list[Step]:
        self._index += 1
        self._open, self._tool = True, tool is not None
        return [BlockBegun(self._index, tool)]

    def _end(self) -> list[Step]:
        if not self._open:
            return []
        if self._tool and tool_input("".join(self._input)) is None:
            self._malformed = True
        self._input.clear()
        self._open = False
        return [BlockEnded(self._index)]
