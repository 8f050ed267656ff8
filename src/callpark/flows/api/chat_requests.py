"""What requests for new chats have in common: content types, a first message, attributes, how long. Pure.

Used by `chat_operations.py` and `messaging_operations.py`.
"""

from collections.abc import Mapping

from callpark.flows.api.contact_operations import check_attributes
from callpark.flows.api.reading import number, text, text_map, texts
from callpark.flows.chat import refusals
from callpark.flows.chat.model import MESSAGES, TEXT
from callpark.flows.chat.service import Chats
from callpark.kernel.limits import ConnectLimits


def attributes_of(parameters: Mapping[str, object], limits: ConnectLimits) -> Mapping[str, str]:
    """Raises CallerError."""
    attributes = text_map(parameters, "Attributes")
    check_attributes(attributes, limits)
    return attributes


def content_types(parameters: Mapping[str, object]) -> tuple[str, ...]:
    """SupportedMessagingContentTypes. Raises CallerError."""
    types = tuple(texts(parameters, "SupportedMessagingContentTypes")) or (TEXT,)
    unknown = [name for name in types if name not in MESSAGES]
    if unknown or TEXT not in types:
        raise refusals.invalid_request(f"SupportedMessagingContentTypes are {TEXT} and others of {', '.join(MESSAGES)}")
    return types


def first_message(
    chats: Chats, member: str, message: Mapping[str, object], types: tuple[str, ...]
) -> tuple[str, str] | None:
    """Content type and content of a message that begins a chat. Raises CallerError."""
    if not message:
        return None
    content_type, content = text(message, "ContentType"), text(message, "Content")
    if content_type not in types:
        raise refusals.invalid_request(f"{member}.ContentType {content_type[:100]} is not supported by the chat")
    problem = chats.problem_of(content_type, content)
    if problem:
        raise refusals.invalid_request(f"{member}: {problem}")
    return content_type, content


def seconds(parameters: Mapping[str, object]) -> float | None:
    minutes = number(parameters, "ChatDurationInMinutes")
    return None if minutes is None else minutes * 60.0
