"""Converse's requests: what the client sent → what a model is asked. Pure.

Called by `api/` with parameters that the gateway has checked against the service model, and by `bodies/nova.py` with a
body that its schema has.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from collections.abc import Callable, Mapping, Sequence

from callpark.models.asked import MOST_TOKENS, Asked, named, spelled
from callpark.models.converse.conversation import check
from callpark.models.documents import (
    Document,
    integer_of,
    number_of,
    object_of,
    objects_of,
    string_of,
    texts_of,
)
from callpark.models.model import (
    Block,
    GenerationRequest,
    Inference,
    Message,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from callpark.models.refusals import validation

Ignored = list[str]

#: Of the member's own name: `topK` of Mistral, `top_k` of Anthropic, `inferenceConfig.topK` of Nova.
_TOP_K = ("top_k", "topK", "k")


def read(parameters: Document) -> Asked:
    """Raises CallerError (ValidationException) for what is wrong and for what no model here understands."""
    _refuse_unsupported(parameters)
    ignored: Ignored = []
    configuration = object_of(parameters, "inferenceConfig")
    request = GenerationRequest(
        messages=tuple(message(at, each, ignored) for at, each in enumerate(objects_of(parameters, "messages"))),
        system=system(objects_of(parameters, "system"), ignored),
        inference=_inference(configuration, object_of(parameters, "additionalModelRequestFields"), ignored),
        tools=tools(object_of(parameters, "toolConfig"), ignored),
        tool_choice=tool_choice(object_of(object_of(parameters, "toolConfig"), "toolChoice")),
    )
    check(request.messages, request.tools, request.tool_choice)
    _pass_over(parameters, ignored)
    return Asked(request, tuple(ignored))


def response_fields(parameters: Document, sequence: str | None) -> Document | None:
    """The native fields that `additionalModelResponseFieldPaths` points to. Only the stop sequence exists here; what
    does not exist is left out, as Bedrock does. Raises CallerError for what is no JSON pointer."""
    found: dict[str, object] = {}
    for path in texts_of(parameters, "additionalModelResponseFieldPaths"):
        if not path.startswith("/"):
            raise validation(f"additionalModelResponseFieldPaths: {path} is not a valid JSON pointer.")
        if path == "/stop_sequence":
            found["stop_sequence"] = sequence
    return found or None


def message(number: int, given: Document, ignored: Ignored) -> Message:
    """Raises CallerError."""
    content: list[Block] = []
    for place, block in enumerate(objects_of(given, "content")):
        at = f"messages.{number}.content.{place}"
        found = _one_member(block, at)
        read_block = _BLOCKS.get(found)
        if read_block is None:
            raise _unsupported(found, f"{given.get('role')} messages")
        content += read_block(block, at, ignored)
    role = string_of(given, "role")
    if role == "user":
        return Message("user", tuple(content))
    if role == "assistant":
        return Message("assistant", tuple(content))
    raise validation(f"This model doesn't support the {role} role at messages.{number}. Use the system field instead.")


def system(blocks: Sequence[Document], ignored: Ignored) -> tuple[str, ...]:
    """Raises CallerError."""
    texts: list[str] = []
    for place, block in enumerate(blocks):
        at = f"system.{place}"
        found = _one_member(block, at)
        if found == "cachePoint":
            ignored.append("cachePoint")
            continue
        if found not in ("text", "guardContent"):
            raise _unsupported(found, "system messages")
        text = _guarded(block, at) if found == "guardContent" else str(block["text"])
        if not text.strip():
            raise validation(
                f"The text field in the SystemContentBlock object at {at} is blank. Add text to the text field, and "
                "try again."
            )
        texts.append(text)
    return tuple(texts)


def tools(configuration: Document, ignored: Ignored) -> tuple[Tool, ...]:
    """Raises CallerError."""
    found: list[Tool] = []
    for number, each in enumerate(objects_of(configuration, "tools")):
        at = f"toolConfig.tools.{number}"
        kind = _one_member(each, at)
        if kind == "cachePoint":
            ignored.append("cachePoint")
            continue
        if kind != "toolSpec":
            raise _unsupported(f"{kind} tool", "toolConfig.tools")
        specification = object_of(each, "toolSpec")
        if specification.get("strict"):
            ignored.append("toolSpec.strict")
        schema = object_of(object_of(specification, "inputSchema"), "json")
        spelled(schema, f"{at}.toolSpec.inputSchema.json")
        found.append(Tool(str(specification.get("name")), string_of(specification, "description") or "", schema))
    return tuple(found)


def tool_choice(given: Document) -> ToolChoice:
    if "any" in given:
        return ToolChoice("any")
    if "tool" in given:
        return ToolChoice("tool", string_of(object_of(given, "tool"), "name") or "")
    return ToolChoice()


def _inference(configuration: Document, additional: Document, ignored: Ignored) -> Inference:
    nested = object_of(additional, "inferenceConfig")
    top_k = next((value for each in (additional, nested) for name in _TOP_K if (value := integer_of(each, name))), None)
    ignored += named(additional, (*_TOP_K, "inferenceConfig"), "additionalModelRequestFields")
    ignored += named(nested, _TOP_K, "additionalModelRequestFields.inferenceConfig")
    tokens = integer_of(configuration, "maxTokens")
    return Inference(
        max_tokens=None if tokens is None else min(tokens, MOST_TOKENS),
        temperature=number_of(configuration, "temperature"),
        top_p=number_of(configuration, "topP"),
        top_k=None if top_k is None else max(0, min(top_k, MOST_TOKENS)),
        stop_sequences=texts_of(configuration, "stopSequences"),
    )


def _refuse_unsupported(parameters: Document) -> None:
    guardrail = object_of(parameters, "guardrailConfig")
    if guardrail.get("guardrailIdentifier") or guardrail.get("guardrailVersion"):
        raise validation("The guardrail identifier or version provided in the request does not exist.")
    if parameters.get("promptVariables"):
        raise validation("promptVariables can be used with the ARN of a prompt only, and callpark has no prompts.")
    if object_of(parameters, "outputConfig").get("textFormat"):
        raise _unsupported("outputConfig.textFormat", "requests")
    response_fields(parameters, None)


def _pass_over(parameters: Document, ignored: Ignored) -> None:
    if parameters.get("requestMetadata"):
        ignored.append("requestMetadata")
    if object_of(parameters, "outputConfig").get("effort"):
        ignored.append("outputConfig.effort")
    if object_of(parameters, "performanceConfig").get("latency") == "optimized":
        ignored.append("performanceConfig.latency")
    if object_of(parameters, "serviceTier").get("type", "default") != "default":
        ignored.append("serviceTier")


def _one_member(union: Document, at: str) -> str:
    given = [name for name, value in union.items() if value is not None]
    if len(given) != 1:
        raise validation(f"The object at {at} must have exactly one member, and has {len(given)}.")
    return given[0]


def _unsupported(what: str, where: str) -> Exception:
    return validation(f"This model doesn't support the {what} field for {where}. Remove {what} and try again.")


def _text(block: Document, at: str, ignored: Ignored) -> list[Block]:
    return [Text(str(block["text"]))]


def _tool_use(block: Document, at: str, ignored: Ignored) -> list[Block]:
    given = object_of(block, "toolUse")
    if given.get("type"):
        raise _unsupported(f"toolUse.type {given['type']}", "assistant messages")
    found = given.get("input")
    if not isinstance(found, dict):
        raise validation(
            f"The format of the value at {at}.toolUse.input is invalid. Provide a json object for the field and try "
            "again."
        )
    spelled(found, f"{at}.toolUse.input")
    return [ToolUse(str(given.get("toolUseId")), str(given.get("name")), found)]


def _tool_result(block: Document, at: str, ignored: Ignored) -> list[Block]:
    given = object_of(block, "toolResult")
    content: list[str] = []
    for place, part in enumerate(objects_of(given, "content")):
        found = _one_member(part, f"{at}.toolResult.content.{place}")
        if found == "json":
            content.append(spelled(part["json"], f"{at}.toolResult.content.{place}.json"))
        elif found == "text":
            content.append(str(part["text"]))
        else:
            raise _unsupported(f"toolResult.content.{found}", "user messages")
    return [ToolResult(str(given.get("toolUseId")), tuple(content), given.get("status") == "error")]


def _guard_content(block: Document, at: str, ignored: Ignored) -> list[Block]:
    return [Text(_guarded(block, at))]


def _guarded(block: Document, at: str) -> str:
    """Without a guardrail what is to be guarded is text like any other."""
    guarded = object_of(block, "guardContent")
    if _one_member(guarded, f"{at}.guardContent") != "text":
        raise _unsupported("guardContent.image", "messages")
    return string_of(object_of(guarded, "text"), "text") or ""


def _cache_point(block: Document, at: str, ignored: Ignored) -> list[Block]:
    ignored.append("cachePoint")
    return []


def _reasoning(block: Document, at: str, ignored: Ignored) -> list[Block]:
    """What some model thought earlier; those that answer here are not told."""
    ignored.append("reasoningContent")
    return []


_BLOCKS: Mapping[str, Callable[[Document, str, Ignored], list[Block]]] = {
    "text": _text,
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "guardContent": _guard_content,
    "cachePoint": _cache_point,
    "reasoningContent": _reasoning,
}
