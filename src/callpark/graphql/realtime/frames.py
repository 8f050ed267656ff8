"""The frames of AppSync's real-time protocol: read from text, written to text. Pure.

Read by `protocol.handle`; written for `protocol` and, for `data`, by the connection that delivers. Texts and types of
errors are recorded from the live service unless a line says "our rule".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import orjson

from callpark.graphql.auth.credentials import Credentials, header_object
from callpark.graphql.messages import ErrorEntry
from callpark.graphql.request_body import RequestBody
from callpark.graphql.request_body import parse as parse_body

KEEP_ALIVE = '{"type":"ka"}'


@dataclass(frozen=True, slots=True)
class Operation:
    """What a `start` asks for. `document` is the exact text of `body`, which IAM signatures cover."""

    body: RequestBody
    document: str
    authorization: Credentials


@dataclass(frozen=True, slots=True)
class ConnectionInit:
    pass


@dataclass(frozen=True, slots=True)
class Start:
    id: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class Stop:
    id: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that asks for nothing the protocol has; the rest is for the `error` frame."""

    id: str | None
    error_type: str
    message: str


Frame: TypeAlias = ConnectionInit | Start | Stop | Unreadable

_UNSUPPORTED = Unreadable(None, "UnsupportedOperation", "unknown not supported through the realtime channel")


def parse(message: str | bytes) -> Frame:
    """The frame in a websocket message; Unreadable for everything that is none."""
    try:
        members = orjson.loads(message)
    except orjson.JSONDecodeError:
        return _UNSUPPORTED
    if not isinstance(members, dict):
        return _UNSUPPORTED
    match members.get("type"):
        case "connection_init":
            return ConnectionInit()
        case "start":
            return _start(members)
        case "stop" if isinstance(members.get("id"), str):
            return Stop(members["id"])
        case _:
            return _UNSUPPORTED


def _start(members: Mapping[str, object]) -> Frame:
    id = members.get("id")
    if not isinstance(id, str) or not id:
        # Our rule: what the service says here is not known.
        return Unreadable(None, "BadRequestException", "A start message needs an id.")
    payload = members.get("payload")
    if isinstance(payload, dict) and isinstance(document := payload.get("data"), str):
        body = parse_body(document)
        if body is not None:
            return Start(id, Operation(body, document, _authorization(payload.get("extensions"))))
    return Unreadable(id, "MalformedHttpRequestException", "Unable to parse GraphQL query.")


def _authorization(extensions: object) -> Credentials:
    return header_object(extensions.get("authorization")) if isinstance(extensions, dict) else {}


def connection_ack(timeout_milliseconds: int) -> str:
    return _text({"type": "connection_ack", "payload": {"connectionTimeoutMs": timeout_milliseconds}})


def connection_error(message: str, code: int, error_type: str | None) -> str:
    error: dict[str, object] = {"errorType": error_type} if error_type else {}
    error |= {"message": message, "errorCode": code}
    return _text({"payload": {"errors": [error]}, "type": "connection_error"})


def start_ack(id: str) -> str:
    return _text({"type": "start_ack", "id": id})


def complete(id: str) -> str:
    return _text({"type": "complete", "id": id})


def error(id: str | None, error_type: str, message: str) -> str:
    return errors(id, ({"errorType": error_type, "message": message},))


def errors(id: str | None, entries: Sequence[ErrorEntry]) -> str:
    frame: dict[str, object] = {} if id is None else {"id": id}
    frame |= {"type": "error", "payload": {"errors": list(entries)}}
    return _text(frame)


def data_opening(id: str) -> bytes:
    """A `data` frame up to its payload, to be followed by `data_ending`. Made once per subscription."""
    return b'{"id":%b,"type":"data","payload":' % orjson.dumps(id)


def data_ending(payload: bytes) -> bytes:
    """The payload's JSON and what closes the frame. Made once per shape of a publication."""
    return payload + b"}"


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
