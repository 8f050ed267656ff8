"""HTTP as the protocols see it: values in, values out.

`app.py` makes a `Request` from ASGI and sends a `Response`; everything between is pure. These values are made for every
request, so they are msgspec structs: frozen like the rest, and a microsecond cheaper each.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Answer


class Request(msgspec.Struct, frozen=True):
    """`path` and `query` as sent, still percent-encoded; `headers` lower-case; `body` complete."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


class Response(msgspec.Struct, frozen=True):
    """`stream` replaces `body` when the answer is produced piece by piece; each piece is flushed."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    stream: AsyncIterator[bytes] | None = None


Parse: TypeAlias = Callable[[Request, Mapping[str, str]], dict[str, object]]
"""(request, URI labels) → parameters by AWS's member names. Raises CallerError for what cannot be read."""

Serialise: TypeAlias = Callable[[Answer, str], Response]
"""(answer, request id) → response. Raises RuntimeBug for members the model does not know."""

SerialiseError: TypeAlias = Callable[[CallerError, str], Response]
"""(refusal, request id) → response in the protocol's error shape."""


@dataclass(frozen=True, slots=True)
class OperationCodec:
    """One operation's wire, compiled."""

    parse: Parse
    serialise: Serialise


_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f]")

JSON = (b"content-type", b"application/json")
XML = (b"content-type", b"text/xml")


def header_bytes(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    """Headers for the wire; a line break in a value would be somebody else's header: controls become spaces."""
    return tuple(
        (name.encode("latin-1"), _CONTROLS.sub(" ", value).encode("latin-1", "replace"))
        for name, value in headers.items()
    )
