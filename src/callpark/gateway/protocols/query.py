"""The query protocol (STS, and SQS for older SDKs): a form in, XML out.

Called by `codecs.py`. Lists are `Name.member.1` or flattened `Name.1`, maps `Name.entry.1.key`. SQS's model describes
JSON today, so the names its form and XML used come from `query_names.py`.
https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from callpark.gateway.models import OperationModel, ServiceModel, Shape, wire_name
from callpark.gateway.protocols.json_shapes import compile_writer
from callpark.gateway.protocols.query_codes import fault, query_code, query_text
from callpark.gateway.protocols.query_names import LegacyNames, legacy_names
from callpark.gateway.protocols.refusals import unreadable
from callpark.gateway.protocols.texts import READERS, write_text
from callpark.gateway.protocols.wire import XML, OperationCodec, Request, Response, SerialiseError, header_bytes
from callpark.kernel.errors import CallerError, RuntimeBug
from callpark.kernel.operations import Answer

_log = logging.getLogger("callpark")

_XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

#: What XML 1.0 has no way to say.
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: A list longer than this in a form is an attack, not a request.
_MAXIMUM_FIELDS = 10_000
_MAXIMUM_DEPTH = 32

#: Fields about the request itself: which operation, and older signatures.
_ENVELOPE = frozenset(
    {
        *("Action", "Version", "AWSAccessKeyId", "Expires", "SecurityToken", "Signature", "SignatureMethod"),
        *("SignatureVersion", "Timestamp"),
    }
)


@dataclass(slots=True)
class Field:
    """One node of the tree that dotted form names make: a text, children, or nothing yet."""

    text: str | None
    children: dict[str, "Field"]


def compile_operation(operation: OperationModel) -> OperationCodec:
    service = operation.service_model
    names = legacy_names(service.service_name, operation.name)
    shape, output = operation.input_shape, operation.output_shape
    namespace = _namespace(service)
    check = compile_writer(output) if output is not None else None

    def parse(request: Request, labels: Mapping[str, str]) -> dict[str, object]:
        if shape is None:
            return {}
        found = _read_structure(read_form(request), shape, names)
        if "QueueUrl" in shape.members and "QueueUrl" not in found and request.path.count("/") >= 2:
            # Older SDKs post to the queue itself.
            found["QueueUrl"] = f"http://{request.headers.get('host', '')}{request.path}"
        return found

    def serialise(answer: Answer, request_id: str) -> Response:
        if answer.stream is not None:
            raise RuntimeBug(f"{operation.name} has no event stream")
        if check is not None:
            check(answer.members)
        result = ""
        if output is not None:
            wrapper = str(output.serialization.get("resultWrapper") or f"{operation.name}Result")
            result = f"<{wrapper}>{_write_members(answer.members, output, names)}</{wrapper}>"
        metadata = f"<ResponseMetadata><RequestId>{escape(request_id)}</RequestId></ResponseMetadata>"
        text = f'{_XML_HEAD}<{operation.name}Response xmlns="{namespace}">{result}{metadata}</{operation.name}Response>'
        return Response(200, (XML,), text.encode())

    return OperationCodec(parse, serialise)


def compile_error(service: ServiceModel) -> SerialiseError:
    name, namespace = service.service_name, _namespace(service)
    detail = "<Detail/>" if name == "sqs" else ""  # recorded

    def serialise(error: CallerError, request_id: str) -> Response:
        code, message = _text(query_code(name, error.code)), _text(query_text(name, error))
        text = (
            f'{_XML_HEAD}<ErrorResponse xmlns="{namespace}"><Error><Type>{fault(error)}</Type>'
            f"<Code>{code}</Code><Message>{message}</Message>{detail}</Error>"
            f"<RequestId>{escape(request_id)}</RequestId></ErrorResponse>"
        )
        return Response(error.status, (XML, *header_bytes(error.headers)), text.encode())

    return serialise


def read_form(request: Request) -> Field:
    """The form of body and query string as a tree. Raises CallerError (SerializationException)."""
    try:
        pairs = parse_qsl(request.query, keep_blank_values=True, max_num_fields=_MAXIMUM_FIELDS)
        pairs += parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=_MAXIMUM_FIELDS)
    except ValueError:
        raise unreadable("The form cannot be read") from None
    root = Field(None, {})
    for name, value in pairs:
        node = root
        parts = name.split(".")
        if len(parts) > _MAXIMUM_DEPTH:
            raise unreadable(f"The form name is nested too deeply: {name[:80]}")
        for part in parts:
            node = node.children.setdefault(part, Field(None, {}))
        node.text = value
    return root


def _read_structure(node: Field, shape: Shape, names: LegacyNames) -> dict[str, object]:
    found: dict[str, object] = {}
    known: set[str] = set()
    for member, member_shape in shape.members.items():
        name = names.member(member) or _query_name(member, member_shape)
        known.update((name, member))
        child = node.children.get(name) or node.children.get(member)
        if child is not None:
            found[member] = _read(child, member, member_shape, names)
    for name in node.children.keys() - known - _ENVELOPE:
        if not name.startswith("X-Amz-"):
            _log.warning("%s has no member %s; it is ignored, as AWS ignores it", shape.name, name[:128])
    return found


def _query_name(member: str, shape: Shape) -> str:
    name = shape.serialization.get("queryName")
    return name if isinstance(name, str) else wire_name(member, shape)


def _read(node: Field, member: str, shape: Shape, names: LegacyNames) -> object:
    kind = shape.type_name
    if kind == "structure":
        return _read_structure(node, shape, names)
    if kind == "list":
        flat = shape.serialization.get("flattened")
        holder = node if flat else node.children.get(str(shape.member.serialization.get("name", "member")), node)
        return [_read(item, member, shape.member, names) for item in _numbered(holder)]
    if kind == "map":
        flat = shape.serialization.get("flattened")
        holder = node if flat else node.children.get("entry", node)
        key_name, value_name = names.entry(member) or (wire_name("key", shape.key), wire_name("value", shape.value))
        pairs = [(e.children.get(key_name), e.children.get(value_name)) for e in _numbered(holder)]
        return {k.text or "": _read(v, member, shape.value, names) for k, v in pairs if k is not None and v is not None}
    return READERS[kind](node.text or "")


def _numbered(node: Field) -> Iterable[Field]:
    found = [(int(name), child) for name, child in node.children.items() if name.isascii() and name.isdigit()]
    return [child for _, child in sorted(found, key=lambda pair: pair[0])]


def _write_members(members: Mapping[str, object], shape: Shape, names: LegacyNames) -> str:
    parts: list[str] = []
    for member, value in members.items():
        if value is not None:
            member_shape = shape.members[member]
            name = names.member(member) or wire_name(member, member_shape)
            parts.append(_write(name, member, value, member_shape, names))
    return "".join(parts)


def _write(tag: str, member: str, value: object, shape: Shape, names: LegacyNames) -> str:
    kind = shape.type_name
    if isinstance(value, Mapping) and kind == "structure":
        return f"<{tag}>{_write_members(value, shape, names)}</{tag}>"
    if isinstance(value, list | tuple):
        flat = shape.serialization.get("flattened")
        item_tag = tag if flat else str(shape.member.serialization.get("name", "member"))
        items = "".join(_write(item_tag, member, item, shape.member, names) for item in value)
        return items if flat else f"<{tag}>{items}</{tag}>"
    if isinstance(value, Mapping):
        flat = shape.serialization.get("flattened")
        key_name, value_name = names.entry(member) or (wire_name("key", shape.key), wire_name("value", shape.value))
        entry_tag = tag if flat else "entry"
        entries = "".join(
            f"<{entry_tag}><{key_name}>{_text(key)}</{key_name}>"
            f"{_write(value_name, member, item, shape.value, names)}</{entry_tag}>"
            for key, item in value.items()
        )
        return entries if flat else f"<{tag}>{entries}</{tag}>"
    return f"<{tag}>{_text(write_text(value, shape, 'iso8601'))}</{tag}>"


def _text(text: str) -> str:
    """Text for XML 1.0. Characters it cannot carry become U+FFFD; a bare CR would be read back as LF."""
    return escape(_NOT_XML.sub("\ufffd", text), {"\r": "&#13;"})


def _namespace(service: ServiceModel) -> str:
    declared = service.metadata.get("xmlNamespace")
    if isinstance(declared, str):
        return declared
    return f"http://queue.amazonaws.com/doc/{service.metadata.get('apiVersion', '')}/"
