"""The rules that Anthropic's messages have to keep, in the sentences of its models.

Used by `anthropic.py`, after messages of one role in a row have become one turn.
"""

from collections.abc import Sequence

from callpark.models.model import Message, Text, Tool, ToolChoice, ToolResult, ToolUse
from callpark.models.refusals import validation


def check(messages: Sequence[Message], tools: Sequence[Tool], choice: ToolChoice) -> None:
    """Raises CallerError (ValidationException) for the first rule that is broken."""
    if not messages:
        raise validation("messages: at least one message is required")
    if messages[0].role != "user":
        raise validation('messages: first message must use the "user" role')
    for number, message in enumerate(messages):
        if not message.content:
            raise validation(
                f"messages.{number}: all messages must have non-empty content except for the optional final assistant "
                "message"
            )
        if any(isinstance(block, Text) and not block.text.strip() for block in message.content):
            raise validation("messages: text content blocks must be non-empty")
        _check_roles(number, message)
        _check_results(number, messages)
    for number, tool in enumerate(tools):
        if tool.name in [other.name for other in tools[:number]]:
            raise validation("tools: Tool names must be unique.")
    if choice.mode != "auto" and choice.mode != "none" and not tools:
        raise validation("tool_choice may only be specified while providing tools.")
    if choice.mode == "tool" and choice.name not in [tool.name for tool in tools]:
        raise validation(f"Tool '{choice.name}' not found in provided tools")


def _check_roles(number: int, message: Message) -> None:
    for place, block in enumerate(message.content):
        at = f"messages.{number}.content.{place}"
        if isinstance(block, ToolUse) and message.role != "assistant":
            raise validation(f"{at}: `tool_use` blocks can only be in `assistant` messages")
        if isinstance(block, ToolResult) and message.role != "user":
            raise validation(f"{at}: `tool_result` blocks can only be in `user` messages")


def _check_results(number: int, messages: Sequence[Message]) -> None:
    """Results answer the tool uses of the turn before, all of them and no others."""
    asked = [block.id for block in messages[number - 1].content if isinstance(block, ToolUse)] if number else []
    given = [block.id for block in messages[number].content if isinstance(block, ToolResult)]
    for place, block in enumerate(messages[number].content):
        if isinstance(block, ToolResult) and block.id not in asked:
            raise validation(
                f"messages.{number}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: {block.id}"
                ". Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
    if missing := [name for name in asked if name not in given]:
        raise validation(
            f"messages.{number - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
            "message."
        )
