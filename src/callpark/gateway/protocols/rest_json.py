"""The rest-json protocol (Lambda, AppSync, Connect): one operation's wire, compiled from its model.

Called by `codecs.py`. Parameters come from the path, the query, headers and a JSON body or a raw payload; members go
back into the status, headers and body. https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import parse_qs, unquote

import orjson

from callpark.gateway.models import OperationModel, Shape, payload_member, wire_name
from callpark.gateway.protocols.event_responses import compile_event_writer
from callpark.gateway.protocols.json_shapes import (
    compile_members_reader,
    compile_members_writer,
    compile_reader,
    compile_writer,
    read_json,
)
from callpark.gateway.protocols.refusals import unreadable
from callpark.gateway.protocols.texts import READERS, write_text
from callpark.gateway.protocols.wire import JSON, OperationCodec, Parse, Request, Response, Serialise, header_bytes
from callpark.kernel.errors import CallerError, RuntimeBug
from callpark.kernel.operations import Answer

Fill: TypeAlias = Callable[[Request, Mapping[str, str], dict[str, object]], None]
"""Reads one part of a request into the parameters."""

_log = logging.getLogger("callpark")

#: Of a presigned URL; no operation has members of such a name.
_SIGNATURE = "x-amz-"
_NAMED_STRANGERS = 20
_HTTP_LOCATIONS = frozenset({"uri", "querystring", "header", "headers", "statusCode"})


def compile_operation(operation: OperationModel) -> OperationCodec:
    return OperationCodec(_compile_parse(operation), _compile_serialise(operation))


def serialise_error(error: CallerError, request_id: str) -> Response:
    """The code in a header, the body as the refusal gives it."""
    headers = (JSON, (b"x-amzn-ErrorType", error.code.encode("latin-1", "replace")), *header_bytes(error.headers))
    return Response(error.status, headers, orjson.dumps(dict(error.body)))


def _compile_parse(operation: OperationModel) -> Parse:
    shape = operation.input_shape
    parts = () if shape is None else (_labels(shape), _headers(shape), _body(shape))
    fills = [fill for fill in (*parts, _query(operation)) if fill is not None]

    def parse(request: Request, labels: Mapping[str, str]) -> dict[str, object]:
        parameters: dict[str, object] = {}
        for fill in fills:
            fill(request, labels, parameters)
        return parameters

    return parse


def _located(shape: Shape, location: str) -> dict[str, tuple[str, Shape]]:
    """wire name → (member, shape) of the members at one location."""
    return {
        wire_name(member, member_shape): (member, member_shape)
        for member, member_shape in shape.members.items()
        if member_shape.serialization.get("location") == location
    }


def _labels(shape: Shape) -> Fill | None:
    members = [(name, member, _text_reader(part)) for name, (member, part) in _located(shape, "uri").items()]
    if not members:
        return None

    def fill(request: Request, labels: Mapping[str, str], parameters: dict[str, object]) -> None:
        for name, member, read in members:
            parameters[member] = read(unquote(labels[name]))

    return fill


def _query(operation: OperationModel) -> Fill:
    """What the operation does not know is passed over, as AWS does, and named once: most often it is misspelt."""
    shape = operation.input_shape
    located = {} if shape is None else _located(shape, "querystring")
    fixed = parse_qs(str(operation.http["requestUri"]).partition("?")[2], keep_blank_values=True)
    single = {n: (m, _text_reader(s)) for n, (m, s) in located.items() if s.type_name not in ("list", "map")}
    lists = {n: (m, _text_reader(s.member)) for n, (m, s) in located.items() if s.type_name == "list"}
    maps = [(m, s.value.type_name == "list") for m, s in located.values() if s.type_name == "map"]
    strange = _once_each(operation.name)

    def fill(request: Request, labels: Mapping[str, str], parameters: dict[str, object]) -> None:
        if not request.query:
            return
        rest: dict[str, list[str]] = {}
        for name, values in parse_qs(request.query, keep_blank_values=True).items():
            if name in single:
                member, read = single[name]
                parameters[member] = read(values[0])
            elif name in lists:
                member, read = lists[name]
                parameters[member] = [read(value) for value in values]
            elif maps:
                rest[name] = values
            elif name not in fixed and not name.lower().startswith(_SIGNATURE):
                strange(name)
        for member, many in maps:
            if rest:
                parameters[member] = rest if many else {name: values[0] for name, values in rest.items()}

    return fill


def _once_each(operation: str) -> Callable[[str], None]:
    """Warns of each unknown query parameter once, and of so many at most."""
    named: set[str] = set()

    def strange(name: str) -> None:
        if name not in named and len(named) < _NAMED_STRANGERS:
            named.add(name)
            _log.warning("%s has no query parameter %r; it is ignored", operation, name)

    return strange


def _headers(shape: Shape) -> Fill | None:
    single = [(n.lower(), m, _text_reader(s)) for n, (m, s) in _located(shape, "header").items()]
    prefixed = [(n.lower(), m) for n, (m, _) in _located(shape, "headers").items()]
    if not single and not prefixed:
        return None

    def fill(request: Request, labels: Mapping[str, str], parameters: dict[str, object]) -> None:
        headers = request.headers
        for name, member, read in single:
            if name in headers:
                parameters[member] = read(headers[name])
        for prefix, member in prefixed:
            found = {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)}
            if found:
                parameters[member] = found

    return fill


def _body(shape: Shape) -> Fill | None:
    payload = payload_member(shape)
    if payload is not None:
        return _payload(payload, shape.members[payload])
    members = _body_members(shape)
    if not members:
        return None
    read = compile_members_reader(members, shape.name)

    def fill(request: Request, labels: Mapping[str, str], parameters: dict[str, object]) -> None:
        if request.body:
            parameters.update(read(read_json(request.body)))

    return fill


def _payload(member: str, shape: Shape) -> Fill:
    if shape.type_name == "blob":

        def fill_blob(request: Request, labels: Mapping[str, str], parameters: dict[str, object]) -> None:
            if request.body:
                parameters[member] = request.body

        return fill_blob
    if shape.type_name == "string":

        def fill_text(request: Request, labels: Mapping[str, str], parameters: dict[str, object]) -> None:
            if request.body:
                parameters[member] = _utf8(request.body)

        return fill_text
    read = compile_reader(shape)

    def fill_structure(request: Request, labels: Mapping[str, str], parameters: dict[str, object]) -> None:
        if request.body:
            parameters[member] = read(read_json(request.body))

    return fill_structure


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise unreadable(f"The body is not UTF-8: {error.reason}") from None


def _body_members(shape: Shape) -> dict[str, Shape]:
    return {
        member: member_shape
        for member, member_shape in shape.members.items()
        if member_shape.serialization.get("location") not in _HTTP_LOCATIONS
    }


def _text_reader(shape: Shape) -> Callable[[str], object]:
    """Text in a path, query or header → value."""
    kind = shape.type_name
    if kind == "list":
        return lambda text: [part.strip() for part in text.split(",")]
    return _read_json_header if shape.serialization.get("jsonvalue") else READERS[kind]


def _read_json_header(text: str) -> object:
    try:
        return json.loads(b64decode(text, validate=True))
    except ValueError:
        raise unreadable("a header must be base64 of JSON") from None


def _compile_serialise(operation: OperationModel) -> Serialise:
    status_code = operation.http.get("responseCode", 200)
    default_status = status_code if isinstance(status_code, int) else 200
    shape = operation.output_shape
    if shape is None:
        return lambda answer, request_id: _checked_empty(operation.name, answer, default_status)
    members = shape.members
    statuses = {m for m, s in members.items() if s.serialization.get("location") == "statusCode"}
    headers = {m: (n.encode(), s) for n, (m, s) in _located(shape, "header").items()}
    prefixes = {m: n for n, (m, _) in _located(shape, "headers").items()}
    payload = payload_member(shape)
    streams = {m for m, s in members.items() if s.serialization.get("eventstream")}
    write_events = compile_event_writer(members[next(iter(streams))]) if streams else None
    write_payload = _payload_writer(operation, members[payload]) if payload and payload not in streams else None
    body_members = {m: s for m, s in _body_members(shape).items() if m != payload and m not in streams}
    write_body = compile_members_writer(body_members, shape.name)

    def serialise(answer: Answer, request_id: str) -> Response:
        status, head, body = default_status, [], dict[str, object]()
        content: tuple[bytes, bytes] = JSON
        raw: bytes | None = None
        for member, value in answer.members.items():
            if value is None:
                continue
            if member in statuses:
                status = _status(value)
            elif member in headers:
                name, header_shape = headers[member]
                text = _header_text(value, header_shape)
                if name == b"Content-Type":
                    content = (b"content-type", text)
                else:
                    head.append((name, text))
            elif member in prefixes:
                head += header_bytes({prefixes[member] + name: str(text) for name, text in _mapping(value).items()})
            elif member == payload and write_payload is not None:
                kind, raw = write_payload(value)
                content = content if content is not JSON else kind
            else:
                body[member] = value
        if answer.stream is not None:
            if write_events is None:
                raise RuntimeBug(f"{operation.name} has no event stream")
            return Response(status, (_EVENTS, *head), stream=write_events(answer.stream, request_id))
        if status == 204:
            return Response(status, tuple(head))
        if raw is None:
            raw = b"" if write_payload is not None else orjson.dumps(write_body(body))
        elif body:
            write_body(body)
        return Response(status, (content, *head), raw)

    return serialise


_EVENTS = (b"content-type", b"application/vnd.amazon.eventstream")


def _checked_empty(operation: str, answer: Answer, status: int) -> Response:
    if answer.members:
        raise RuntimeBug(f"{operation} answers nothing, yet got {sorted(answer.members)}")
    return Response(status)


def _payload_writer(operation: OperationModel, shape: Shape) -> Callable[[object], tuple[tuple[bytes, bytes], bytes]]:
    if shape.type_name in ("blob", "string"):
        # A function's answer is JSON (API_Invoke); other blobs are what they are.
        lambda_answer = operation.service_model.service_name == "lambda"
        kind = JSON if lambda_answer else (b"content-type", b"application/octet-stream")
        return lambda value: (kind, _raw(value))
    write = compile_writer(shape)
    return lambda value: (JSON, orjson.dumps(write(value)))


def _raw(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise RuntimeBug(f"a payload must be bytes, not {type(value).__name__}")


def _status(value: object) -> int:
    if not isinstance(value, int) or not 200 <= value <= 599:
        raise RuntimeBug(f"no HTTP status: {value!r}")
    return value


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise RuntimeBug(f"header members must be a mapping, not {type(value).__name__}")
    return value


def _header_text(value: object, shape: Shape) -> bytes:
    if shape.serialization.get("jsonvalue"):
        text = b64encode(orjson.dumps(value)).decode("ascii")
    else:
        text = write_text(value, shape, "rfc822")
    return header_bytes({"": text})[0][1]
