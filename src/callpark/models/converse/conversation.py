"""The rules that a conversation has to keep, in Converse's own sentences.

Used by `reading.py` and, because its native body is Converse's, by `bodies/nova.py`.
"""

from collections.abc import Iterable, Sequence

from callpark.models.model import Message, Text, Tool, ToolChoice, ToolResult, ToolUse
from callpark.models.refusals import validation


def check(messages: Sequence[Message], tools: Sequence[Tool], choice: ToolChoice) -> None:
    """Raises CallerError (ValidationException) for the first rule that is broken."""
    if not messages:
        raise validation(
            "A conversation must have at least one message. Try again with a conversation that has at least one "
            "message."
        )
    if messages[0].role != "user":
        raise validation(
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    for number, message in enumerate(messages):
        _check_message(number, message)
        if number and message.role == messages[number - 1].role:
            raise validation(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
                "between user and assistant roles and try again."
            )
    blocks = [block for message in messages for block in message.content]
    if not tools and any(isinstance(block, ToolUse | ToolResult) for block in blocks):
        raise validation("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    for number in range(len(messages)):
        _check_results(number, messages)
    _check_tools(tools, choice)


def _check_message(number: int, message: Message) -> None:
    if not message.content:
        raise validation(
            f"The content field in the Message object at messages.{number} is empty. Add a ContentBlock object to the "
            "content field and try again."
        )
    for place, block in enumerate(message.content):
        if isinstance(block, Text) and not block.text.strip():
            raise validation(
                f"The text field in the ContentBlock object at messages.{number}.content.{place} is blank. Add text to "
                "the text field, and try again."
            )
        if isinstance(block, ToolUse) and message.role != "assistant":
            raise validation(f"messages.{number}.content.{place}: toolUse blocks belong to messages of the assistant.")
        if isinstance(block, ToolResult) and message.role != "user":
            raise validation(f"messages.{number}.content.{place}: toolResult blocks belong to messages of the user.")


def _check_results(number: int, messages: Sequence[Message]) -> None:
    """Results answer the tool uses of the turn before, all of them and no others."""
    before = messages[number - 1].content if number else ()
    asked = _once("toolUse", [block.id for block in before if isinstance(block, ToolUse)])
    given = _once("toolResult", [block.id for block in messages[number].content if isinstance(block, ToolResult)])
    if len(given) > len(asked):
        raise validation(
            f"The number of toolResult blocks at messages.{number}.content exceeds the number of toolUse blocks of "
            "previous turn."
        )
    if missing := [name for name in asked if name not in given]:
        raise validation(
            f"Expected toolResult blocks at messages.{number}.content for the following Ids: {', '.join(missing)}"
        )


def _once(kind: str, names: Iterable[str]) -> dict[str, None]:
    found: dict[str, None] = {}
    for name in names:
        if name in found:
            raise validation(f"The messages contain duplicate Ids of {kind} blocks: {name}")
        found[name] = None
    return found


def _check_tools(tools: Sequence[Tool], choice: ToolChoice) -> None:
    names = [tool.name for tool in tools]
    for number, tool in enumerate(tools):
        if tool.name in names[:number]:
            raise validation(f"The toolConfig field contains the tool name {tool.name} more than once.")
        if tool.schema.get("type") != "object":
            raise validation(
                f"The value at toolConfig.tools.{number}.toolSpec.inputSchema.json.type must be one of the following: "
                "object."
            )
    if choice.mode == "tool" and choice.name not in names:
        raise validation(f"toolConfig.toolChoice.tool.name: no tool of toolConfig.tools is called {choice.name}.")
