"""What a body of Anthropic's messages may have. Used by `anthropic.py`."""

from callpark.models.bodies.schema import (
    anything,
    boolean,
    either,
    integer,
    items,
    members,
    number,
    one_of,
    record,
    text,
)

_CACHE = {"cache_control": record}
_BLOCK = members(
    {
        **_CACHE,
        "type": text(at_least=1),
        "text": text(),
        "citations": anything,
        "id": text(at_least=1),
        "name": text(at_least=1),
        "input": record,
        "tool_use_id": text(at_least=1),
        "content": either(list, items(record), text()),
        "is_error": boolean,
        "source": record,
        "title": anything,
        "context": anything,
        "thinking": text(),
        "signature": text(),
        "data": text(),
    },
    required=("type",),
)
_MESSAGE = members(
    {"role": one_of("user", "assistant"), "content": either(list, items(_BLOCK), text())}, required=("role", "content")
)
_SYSTEM = members({**_CACHE, "type": one_of("text"), "text": text(at_least=1)}, required=("type", "text"))
_TOOL = members(
    {
        **_CACHE,
        "type": text(),
        "name": text(at_least=1),
        "description": text(),
        "input_schema": record,
        "display_width_px": anything,
        "display_height_px": anything,
        "display_number": anything,
    },
    required=("name",),
)
_CHOICE = members(
    {
        "type": one_of("auto", "any", "tool", "none"),
        "name": text(at_least=1),
        "disable_parallel_tool_use": boolean,
    },
    required=("type",),
)
#: Without effect here, and named; `thinking` only when it is switched on.
IGNORED = ("anthropic_beta", "metadata", "context_management", "output_config")

SCHEMA = members(
    {
        "anthropic_version": one_of("bedrock-2023-05-31"),
        "max_tokens": integer(1),
        "messages": items(_MESSAGE),
        "system": either(list, items(_SYSTEM), text()),
        "temperature": number(0, 1),
        "top_p": number(0, 1),
        "top_k": integer(0, 500),
        "stop_sequences": items(text(at_least=1)),
        "tools": items(_TOOL),
        "tool_choice": _CHOICE,
        "thinking": record,
        **dict.fromkeys(IGNORED, anything),
    },
    required=("anthropic_version", "max_tokens", "messages"),
)
