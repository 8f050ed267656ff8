"""The JSON document of a GraphQL request, as HTTP bodies and `start` messages carry it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True)
class RequestBody:
    query: str
    operation_name: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)


class _Document(msgspec.Struct):
    query: str
    variables: dict[str, object] | None = None
    operationName: str | None = None


_decoder = msgspec.json.Decoder(_Document)


def parse(document: bytes | str) -> RequestBody | None:
    """None for what AppSync cannot parse: no JSON object, no query, members of the wrong type. Other members, such as
    `extensions`, are none of AppSync's."""
    try:
        members = _decoder.decode(document)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if not members.query:
        return None
    return RequestBody(members.query, members.operationName, members.variables or {})
