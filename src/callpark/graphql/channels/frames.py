"""The frames of AppSync Events' websocket protocol: read from text, written to text. Pure.

Read by `protocol.handle`; written for `protocol` and, for `data`, by the connection that delivers.
https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeGuard

import orjson

from callpark.graphql.auth.credentials import Credentials, header_object
from callpark.graphql.channels.asking import bad_request, publication, shown
from callpark.graphql.channels.channel import Channel, subscribed
from callpark.graphql.channels.messages import ChannelRefused, PublishAsked
from callpark.graphql.messages import ErrorEntry
from callpark.kernel.limits import AppSyncLimits

KEEP_ALIVE = '{"type":"ka"}'

_LONGEST_ECHO = 256
_ID = re.compile(r"[a-zA-Z0-9_+-]{1,128}")


@dataclass(frozen=True, slots=True)
class ConnectionInit:
    pass


@dataclass(frozen=True, slots=True)
class Subscribe:
    """`signed` is what an IAM signature of the frame covers."""

    id: str
    channel: Channel
    authorization: Credentials
    signed: bytes


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    id: str


@dataclass(frozen=True, slots=True)
class Publish:
    id: str
    asked: PublishAsked
    authorization: Credentials
    signed: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that asks for nothing the protocol has; `answer` is the frame that says so."""

    answer: str


Frame: TypeAlias = ConnectionInit | Subscribe | Unsubscribe | Publish | Unreadable
Kind: TypeAlias = Literal["subscribe_error", "unsubscribe_error", "publish_error", "broadcast_error"]


def parse(message: str | bytes, limits: AppSyncLimits) -> Frame:
    """The frame in a websocket message; Unreadable for everything that is none."""
    try:
        members = orjson.loads(message)
    except orjson.JSONDecodeError:
        return _unsupported(None)
    if not isinstance(members, dict):
        return _unsupported(None)
    match members.get("type"):
        case "connection_init":
            return ConnectionInit()
        case "subscribe":
            return _subscribe(members, limits)
        case "unsubscribe":
            id = members.get("id")
            return Unsubscribe(id) if _is_id(id) else _unknown(id)
        case "publish":
            return _publish(members, limits)
        case _:
            return _unsupported(members.get("id"))


def _subscribe(members: Mapping[str, object], limits: AppSyncLimits) -> Frame:
    id = members.get("id")
    if not _is_id(id):
        return Unreadable(_bad_id("subscribe_error", id))
    channel = subscribed(members.get("channel"), limits)
    if channel is None:
        refused = bad_request(f"The channel {shown(members.get('channel'))} is not valid.")
        return Unreadable(errors("subscribe_error", id, refused.entries))
    signed = orjson.dumps({"channel": members["channel"]})
    return Subscribe(id, channel, header_object(members.get("authorization")), signed)


def _publish(members: Mapping[str, object], limits: AppSyncLimits) -> Frame:
    id = members.get("id")
    if not _is_id(id):
        return Unreadable(_bad_id("publish_error", id))
    try:
        asked = publication(members, limits)
    except ChannelRefused as refused:
        return Unreadable(errors("publish_error", id, refused.entries))
    signed = orjson.dumps({"channel": members["channel"], "events": members["events"]})
    return Publish(id, asked, header_object(members.get("authorization")), signed)


def _is_id(id: object) -> TypeGuard[str]:
    return isinstance(id, str) and _ID.fullmatch(id) is not None


def _bad_id(kind: Kind, id: object) -> str:
    return errors(kind, _echoed(id), bad_request(f"The id must match ^{_ID.pattern}$.").entries)


def _unknown(id: object) -> Unreadable:
    return Unreadable(unknown_operation(_echoed(id) or shown(id)))


def _echoed(id: object) -> str | None:
    """What a client said as its id, when it is short enough to be said again."""
    return id if isinstance(id, str) and len(id) <= _LONGEST_ECHO else None


def _unsupported(id: object) -> Unreadable:
    entry: ErrorEntry = {
        "errorType": "UnsupportedOperation",
        "message": "Operation not supported through the realtime channel",
    }
    frame: dict[str, object] = {"type": "error"}
    frame |= {} if _echoed(id) is None else {"id": id}
    return Unreadable(_text({**frame, "errors": [entry]}))


def connection_ack(timeout_milliseconds: int) -> str:
    return _text({"type": "connection_ack", "connectionTimeoutMs": timeout_milliseconds})


def connection_error(message: str, code: int, error_type: str | None) -> str:
    error: dict[str, object] = {"errorType": error_type} if error_type else {}
    error |= {"message": message, "errorCode": code}
    return _text({"type": "connection_error", "errors": [error]})


def subscribe_success(id: str) -> str:
    return _text({"type": "subscribe_success", "id": id})


def unsubscribe_success(id: str) -> str:
    return _text({"type": "unsubscribe_success", "id": id})


def publish_success(id: str, members: Mapping[str, object]) -> str:
    return _text({"type": "publish_success", "id": id, **members})


def errors(kind: Kind, id: str | None, entries: Sequence[ErrorEntry]) -> str:
    frame: dict[str, object] = {"type": kind}
    frame |= {} if id is None else {"id": id}
    return _text({**frame, "errors": list(entries)})


def error(kind: Kind, id: str, error_type: str, message: str) -> str:
    return errors(kind, id, ({"errorType": error_type, "message": message},))


def unknown_operation(id: str) -> str:
    return error("unsubscribe_error", id, "UnknownOperationError", f"Unknown operation id {id}")


def broadcast_error(id: str, message: str) -> str:
    return error("broadcast_error", id, "MessageProcessingError", message)


def data_opening(id: str) -> bytes:
    """A `data` frame up to its event, to be followed by `data_ending`. Made once per subscription."""
    return b'{"type":"data","id":%b,"event":' % orjson.dumps(id)


def data_ending(event: str) -> bytes:
    """An event, itself a JSON text, as the string that a `data` frame holds, and what closes the frame. Made once per
    broadcast."""
    return orjson.dumps(event) + b"}"


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
