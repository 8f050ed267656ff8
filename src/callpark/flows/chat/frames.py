"""Frames of the chat web socket: JSON text with a `topic`. Pure.

Understood by `protocol.py`. AWS does not publish them; this is what amazon-connect-chatjs sends and expects.
https://github.com/amazon-connect/amazon-connect-chatjs
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

CHAT = "aws/chat"
HEARTBEAT = '{"topic":"aws/heartbeat"}'
PONG = '{"topic":"aws/ping","statusCode":200,"statusContent":"OK"}'


@dataclass(frozen=True, slots=True)
class Subscribe:
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    pass


@dataclass(frozen=True, slots=True)
class Ping:
    pass


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What is no frame; `reason` for the client."""

    reason: str


Frame: TypeAlias = Subscribe | Heartbeat | Ping | Unreadable

_encode = msgspec.json.Encoder().encode


def parse(message: str | bytes) -> Frame:
    """Never raises."""
    try:
        frame = msgspec.json.decode(message)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return Unreadable("a frame is JSON text")
    if not isinstance(frame, dict):
        return Unreadable("a frame is a JSON object")
    match frame.get("topic"):
        case "aws/heartbeat":
            return Heartbeat()
        case "aws/ping":
            return Ping()
        case "aws/subscribe":
            content = frame.get("content")
            topics = content.get("topics") if isinstance(content, dict) else None
            if isinstance(topics, list) and topics and all(isinstance(topic, str) for topic in topics):
                return Subscribe(tuple(topics))
            return Unreadable("aws/subscribe needs content.topics")
        case str(topic):
            return Unreadable(f"unknown topic {topic[:64]}")
    return Unreadable("a frame has a topic")


def subscribed(topics: tuple[str, ...]) -> str:
    """The answer to Subscribe: there is one topic."""
    status = "success" if topics == (CHAT,) else "failure"
    content = {"status": status, "topics": list(topics)}
    return _encode({"topic": "aws/subscribe", "content": content}).decode()


def item(members: Mapping[str, object]) -> str:
    content = _encode(members).decode()
    return _encode({"topic": CHAT, "contentType": "application/json", "content": content}).decode()


def problem(reason: str, connection_id: str) -> str:
    """What API Gateway, which serves these sockets, sends for a message without a route."""
    return _encode({"message": reason, "connectionId": connection_id}).decode()
