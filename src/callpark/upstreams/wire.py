"""One operation of a foreign service on the wire: parameters to an HTTP request, an HTTP response to members.

Called by `calls.py`. botocore serialises and parses, so any of its services can be called; what its clients add by
event handlers is added here where services insist on it: idempotency tokens and the MD5 of certain S3 bodies.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol, cast
from urllib.parse import urlencode

import botocore.awsrequest
import botocore.exceptions
import botocore.parsers
import botocore.serialize
import botocore.utils
import msgspec

from callpark.kernel.errors import CallerError
from callpark.upstreams.models import Member, Operation, Service, service_model


class HttpRequest(msgspec.Struct, frozen=True):
    """`target` is path and query, percent-encoded; `headers` in the spelling they are sent with."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class HttpAnswer(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Serializer(Protocol):
    def serialize_to_request(
        self, parameters: Mapping[str, object], operation_model: Operation
    ) -> dict[str, object]: ...


class _Parser(Protocol):
    def parse(self, response: Mapping[str, object], shape: object) -> dict[str, object]: ...


_OUTER = frozenset(("Error", "ResponseMetadata", "message", "Message"))
"""Members of a parsed error that are said otherwise."""


class OperationWire:
    """One operation's two directions. Made once by `operation_wire`."""

    def __init__(self, service: Service, operation: Operation) -> None:
        self._operation = operation
        self._serializer: _Serializer = botocore.serialize.create_serializer(service.resolved_protocol)
        self._parser: _Parser = botocore.parsers.create_parser(service.resolved_protocol)
        self._digest = bool(operation.http_checksum.get("requestChecksumRequired"))
        self._error_shape = service.shape_for_error_code
        self._blob = _blob_payload(operation.output_shape)
        self.signing_name = service.signing_name

    def request(self, parameters: Mapping[str, object], token: Callable[[], str]) -> HttpRequest:
        """`token` gives idempotency tokens that the caller left out. Raises CallerError for parameters that the model
        does not know."""
        missing = [name for name in self._operation.idempotent_members if name not in parameters]
        if missing:
            parameters = {**parameters, **{name: token() for name in missing}}
        try:
            found = self._serializer.serialize_to_request(parameters, self._operation)
        except botocore.exceptions.ParamValidationError as error:
            raise CallerError("ValidationException", 400, str(error)) from None
        headers = dict(cast(Mapping[str, str], found["headers"]))
        body = _body(found["body"])
        if self._digest:
            headers["Content-MD5"] = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        target = str(found["url_path"]) or "/"
        if found["query_string"]:
            query = botocore.utils.percent_encode_sequence(found["query_string"])
            target += ("&" if "?" in target else "?") + query
        return HttpRequest(str(found["method"]), target, headers, body)

    def members(self, answer: HttpAnswer) -> Mapping[str, object]:
        """What the service answered, blobs as bytes, without botocore's ResponseMetadata. Raises CallerError with the
        service's own code and message."""
        whole = self._blob if answer.status < 300 else None  # botocore would read it as text
        response = {
            "status_code": answer.status,
            "headers": botocore.awsrequest.HeadersDict(answer.headers),
            "body": answer.body if whole is None else b"",
        }
        try:
            parsed = self._parser.parse(response, self._operation.output_shape)
        except (botocore.parsers.ResponseParserError, ValueError) as error:
            raise CallerError("BadGateway", 502, f"the answer of {self.signing_name} cannot be read: {error}") from None
        parsed.pop("ResponseMetadata", None)
        if answer.status < 300:
            return parsed if whole is None else {**parsed, whole: answer.body}
        told = cast(Mapping[str, object], parsed.pop("Error", {}))
        code, message = str(told.get("Code") or answer.status), str(told.get("Message") or "")
        shape = self._error_shape(code)
        if shape is not None:
            parsed |= {name: value for name, value in self._parser.parse(response, shape).items() if name not in _OUTER}
        raise CallerError(code, answer.status, message, body={"message": message, **parsed})


@lru_cache(maxsize=1024)
def operation_wire(service: str, operation: str) -> OperationWire:
    """By botocore's names. Raises CallerError for what there is not, and for what is answered with a stream."""
    model = service_model(service)
    if model is None or operation not in model.operation_names:
        name = operation if model is not None else f"the service {service}"
        raise CallerError("UnknownOperationException", 404, f"no AWS operation of {service} is named {name}")
    found = model.operation_model(operation)
    if found.has_event_stream_output or found.has_event_stream_input:
        raise CallerError("NotImplemented", 501, f"callpark does not call {operation} of {service}: an event stream")
    return OperationWire(model, found)


def _blob_payload(output: Member | None) -> str | None:
    """The member that is the whole body as it is."""
    name = None if output is None else output.serialization.get("payload")
    if output is None or not isinstance(name, str) or output.members[name].type_name != "blob":
        return None
    return name


def _body(body: object) -> bytes:
    if isinstance(body, Mapping):
        return urlencode(dict(body), doseq=True).encode()
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    read = getattr(body, "read", None)
    if callable(read):
        return _body(read())
    return b""
