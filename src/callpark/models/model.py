"""What is asked of a model and what comes back, whatever wire either was on. Frozen values.

`bodies/` and `converse.py` translate Bedrock's shapes into a `GenerationRequest` and `Part`s into Bedrock's;
`backends/` answer. Bedrock's own words are kept where it has any.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

Role: TypeAlias = Literal["user", "assistant"]

StopReason: TypeAlias = Literal[
    "end_turn",
    "tool_use",
    "max_tokens",
    "stop_sequence",
    "content_filtered",
    "model_context_window_exceeded",
    "malformed_tool_use",
]


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The model wants a tool run. `input` is a JSON value, an object as a rule."""

    id: str
    name: str
    input: object


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered: texts, with JSON spelled as text."""

    id: str
    content: tuple[str, ...]
    failed: bool = False


Block: TypeAlias = Text | ToolUse | ToolResult
"""Images, documents, videos and audio are none: whoever translates a request refuses them by name."""


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """`schema` is the JSON schema of its input."""

    name: str
    description: str
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`mode` auto: the model decides; any: some tool; tool: the one named; none: no tool."""

    mode: Literal["auto", "any", "tool", "none"] = "auto"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Inference:
    """None: the backend's own value."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One conversation to go on with. `prompt`, when not None, is raw text to continue, without a template of roles
    (Titan's inputText, Llama's prompt); `messages` and `system` are empty then. `model` is the backend's own name of
    the model, filled in by the service from models.yaml."""

    messages: tuple[Message, ...] = ()
    system: tuple[str, ...] = ()
    inference: Inference = field(default_factory=Inference)
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = field(default_factory=ToolChoice)
    prompt: str | None = None
    model: str = ""


class Prompt(msgspec.Struct, frozen=True, tag=True):
    """How many tokens the request has. Comes first, from backends that know it before they answer."""

    input_tokens: int


class Token(msgspec.Struct, frozen=True, tag=True):
    """A piece of text, as sampled."""

    text: str


class ToolUseStart(msgspec.Struct, frozen=True, tag=True):
    """From here on a tool use is written; ends what was being written before."""

    id: str
    name: str


class ToolUseInput(msgspec.Struct, frozen=True, tag=True):
    """The next fragment of the JSON text of the tool use's input."""

    fragment: str


class Usage(msgspec.Struct, frozen=True, tag=True):
    """Tokens, as the backend counts them."""

    input_tokens: int
    output_tokens: int

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens


class Stop(msgspec.Struct, frozen=True, tag=True):
    """The last part, exactly once. `sequence` is the stop sequence that was met, which is not part of the text."""

    reason: StopReason
    usage: Usage
    sequence: str | None = None


Part: TypeAlias = Prompt | Token | ToolUseStart | ToolUseInput | Stop
"""At most one Prompt, then any Tokens and tool uses in the order written, then one Stop."""


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """`dimensions`: None for as many as the model has. `model` as in GenerationRequest."""

    texts: tuple[str, ...]
    dimensions: int | None = None
    normalize: bool = True
    model: str = ""


@dataclass(frozen=True, slots=True)
class Vectors:
    """One vector for each text, in their order."""

    vectors: tuple[tuple[float, ...], ...]
    input_tokens: int


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A model that can be asked, as `ListFoundationModels` and `callpark models ls` show it.

    `backend` is its name in models.yaml, `description` what it is for people."""

    model_id: str
    backend: str
    description: str
    embeds: bool = False
