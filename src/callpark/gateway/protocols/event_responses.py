"""Event-stream answers: (event name, members) pairs to frames, compiled from the union shape of the model.

Called by the rest-json protocol. What goes wrong after the 200 is on the wire travels as an exception frame, or as an
error frame when the model has no name for it.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import TypeAlias

import orjson

from callpark.gateway.models import Shape
from callpark.gateway.protocols.event_stream import HeaderValue, encode
from callpark.gateway.protocols.json_shapes import compile_members_writer, compile_writer
from callpark.gateway.protocols.refusals import internal
from callpark.kernel.errors import CallerError, RuntimeBug

_log = logging.getLogger("callpark")

Events: TypeAlias = AsyncIterator[tuple[str, Mapping[str, object]]]
WriteEvent: TypeAlias = Callable[[Mapping[str, object]], bytes]


def compile_event_writer(union: Shape) -> Callable[[Events, str], AsyncIterator[bytes]]:
    """(events, request id) → one frame each, to be flushed one by one."""
    writers = {name: _compile_event(name, shape) for name, shape in union.members.items()}
    exceptions = {
        code: name
        for name, shape in union.members.items()
        if shape.metadata.get("exception")
        for code in (shape.name, name)
    }

    async def write(events: Events, request_id: str) -> AsyncIterator[bytes]:
        try:
            async for name, members in events:
                writer = writers.get(name)
                if writer is None:
                    raise RuntimeBug(f"{union.name} has no event {name}")
                yield writer(members)
        except CallerError as error:
            yield _failure(error, exceptions)
        except Exception:
            _log.exception("request %s failed in its event stream: a bug in callpark", request_id)
            yield _failure(internal(None), exceptions)
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    return write


def _compile_event(name: str, shape: Shape) -> WriteEvent:
    payload = next((m for m, s in shape.members.items() if s.serialization.get("eventpayload")), None)
    header_members = {m for m, s in shape.members.items() if s.serialization.get("eventheader")}
    fixed = _fixed_headers(name, shape, payload)
    body = {m: s for m, s in shape.members.items() if m != payload and m not in header_members}
    write_body = compile_members_writer(body, shape.name)
    write_payload = compile_writer(shape.members[payload]) if payload else None

    def write(members: Mapping[str, object]) -> bytes:
        headers: dict[str, HeaderValue] = dict(fixed)
        rest: dict[str, object] = {}
        data = b""
        for member, value in members.items():
            if member in header_members:
                headers[member] = _header(member, value)
            elif member == payload and write_payload is not None:
                data = value if isinstance(value, bytes) else _text_or_json(value, write_payload)
            else:
                rest[member] = value
        if payload is None or rest:
            data = orjson.dumps(write_body(rest))
        return encode(headers, data)

    return write


def _fixed_headers(name: str, shape: Shape, payload: str | None) -> dict[str, HeaderValue]:
    kind = shape.members[payload].type_name if payload else "structure"
    content = {"blob": "application/octet-stream", "string": "text/plain"}.get(kind, "application/json")
    if shape.metadata.get("exception"):
        return {":exception-type": name, ":content-type": content, ":message-type": "exception"}
    return {":event-type": name, ":content-type": content, ":message-type": "event"}


def _text_or_json(value: object, write: Callable[[object], object]) -> bytes:
    return value.encode() if isinstance(value, str) else orjson.dumps(write(value))


def _header(member: str, value: object) -> HeaderValue:
    if not isinstance(value, str | bytes | bool | int):
        raise RuntimeBug(f"the event header {member} got {type(value).__name__}")
    return value


def _failure(error: CallerError, exceptions: Mapping[str, str]) -> bytes:
    name = exceptions.get(error.code)
    if name is None:
        return encode({":message-type": "error", ":error-code": error.code, ":error-message": error.message})
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return encode({**headers}, orjson.dumps(dict(error.body)))
