"""What a caller shows: headers of a request, or the header object of a websocket. Pure.

Three ways lead into a websocket: the query parameter `header` (base64 JSON), a subprotocol `header-<base64url JSON>`,
plain HTTP headers. Used by `api/`, judged by `auth.authentication`.
https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TypeAlias
from urllib.parse import parse_qs

import orjson

Credentials: TypeAlias = Mapping[str, str]
"""Header values by lower-case name."""

SUBPROTOCOL_PREFIX = "header-"
_NAMES = ("x-api-key", "authorization")


def of_headers(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """From ASGI headers; of a repeated name the last value counts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def of_websocket(
    headers: Sequence[tuple[bytes, bytes]], query: bytes, subprotocols: Sequence[str]
) -> dict[str, str] | None:
    """From the first of the three ways that is used; None when what is there cannot be read."""
    if encoded := parse_qs(query.decode("latin-1")).get("header"):
        # A `+` of standard base64 that the client did not escape arrives as a space.
        return _decoded(encoded[0].replace(" ", "+"))
    for subprotocol in subprotocols:
        if subprotocol.startswith(SUBPROTOCOL_PREFIX):
            return _decoded(subprotocol.removeprefix(SUBPROTOCOL_PREFIX))
    return of_headers(headers)


def header_object(value: object) -> dict[str, str]:
    """The text members of a header object, names in lower case; empty for anything that is none."""
    if not isinstance(value, dict):
        return {}
    return {str(name).lower(): text for name, text in value.items() if isinstance(text, str)}


def is_present(credentials: Credentials) -> bool:
    """Whether anything is shown that some mode could accept."""
    return any(name in credentials for name in _NAMES)


def _decoded(encoded: str) -> dict[str, str] | None:
    """Standard or URL alphabet, with or without padding; None when it is no JSON object."""
    text = encoded.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        members = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None
    return header_object(members) if isinstance(members, dict) else None
