"""`models.yaml` as a project writes it: backends, and which model id each of them answers for.

Read by `projects/models_file.py`, made into backends by `making.py`, described in docs/models.md.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec

from callpark.models.backends.scripted import FaultKind

Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]


class ScriptedFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong before token `at_token`, counted from 0."""

    kind: FaultKind
    at_token: Annotated[int, msgspec.Meta(ge=0)] = 0
    message: str = ""


class ScriptedTool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    input: Mapping[str, object] = {}


class ScriptedReply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer, to messages that contain `when`. `text` is cut into words, `tokens` are said as they are; neither:
    what was asked is echoed, or nothing is said before a `tool`. `times`: how often, before the next that fits."""

    when: str = ""
    text: str | None = None
    tokens: tuple[str, ...] | None = None
    tool: ScriptedTool | None = None
    fault: ScriptedFault | None = None
    times: Count | None = None
    first_token_seconds: Seconds | None = None
    token_seconds: Seconds | None = None


class Scripted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Says what it is told to. Without replies it echoes."""

    replies: tuple[ScriptedReply, ...] = ()
    first_token_seconds: Seconds = 0.05
    token_seconds: Seconds = 0.02
    at_once: Count = 1_000
    dimensions: Count = 384


class Local(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model in a process of its own. `model`: smollm2, minilm, or a path to a GGUF file (with `/` or `.gguf`).

    `stand_in`: the script that speaks while the packaged model is not installed; it echoes unless said.
    `context`: tokens of a request and its answer; `at_once`: generations at once; `threads`: 0 for all cores but one;
    `memory_megabytes`: what the process may take beside the weights; 0: no bound."""

    model: Name
    context: Annotated[int, msgspec.Meta(ge=64)] = 2_048
    at_once: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    memory_megabytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    stand_in: Scripted | None = None


class OpenAi(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server that speaks OpenAI's API. `url` ends before `/chat/completions`, often in `/v1`; `key_from` names the
    environment variable that holds the key."""

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://.+")]
    model: str = ""
    key_from: str | None = None
    at_once: Count = 8


class RealBedrock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Amazon Bedrock itself, with the credentials of a profile of the AWS configuration; costs money. `model`: the id
    that is asked, that of the request unless said."""

    profile: str | None = None
    region: str | None = None
    model: str = ""
    at_once: Count = 16


class Backend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exactly one of them."""

    scripted: Scripted | Literal["echo"] | None = None
    local: Local | Name | None = None
    openai: OpenAi | None = None
    bedrock: RealBedrock | None = None


class Mapped(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model id's backend, and which of its models answers."""

    backend: Name
    model: str = ""


class DeclaredModels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`models`: model id, inference profile, ARN or a pattern with `*` → backend."""

    backends: Mapping[str, Backend] = {}
    models: Mapping[str, Mapped | Name] = {}
