"""The payload rules of Invoke: JSON in every mode, sizes per mode, an absent body is `{}`. Pure.

Called by `service.py` once per invocation. The bytes are passed on unchanged, so the fast path only walks them.
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import json
import string

import msgspec

from callpark.functions import refusals
from callpark.kernel.limits import LambdaLimits

EMPTY = b"{}"

_walk = msgspec.json.Decoder(msgspec.Raw).decode
_VALUE_STARTS = frozenset(b'{["-0123456789' + string.ascii_letters.encode())
_PREFIX = "Could not parse request body into json: Could not parse payload into json: "
_SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {}, column: {}]"
_EXPECTED = "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


def request_payload(payload: bytes, limits: LambdaLimits) -> bytes:
    """The payload of a synchronous invocation. Raises CallerError."""
    if len(payload) > limits.request_payload_bytes:
        raise refusals.too_large(
            f"Request must be smaller than {limits.request_payload_bytes} bytes for the InvokeFunction operation"
        )
    return checked(payload)


def event_payload(payload: bytes, limits: LambdaLimits) -> bytes:
    """The payload of an asynchronous invocation. Raises CallerError."""
    if len(payload) > limits.event_payload_bytes:
        raise refusals.too_large(
            f"{len(payload)} byte payload is too large for the Event invocation type "
            f"(limit {limits.event_payload_bytes} bytes)"
        )
    return checked(payload)


def checked(payload: bytes) -> bytes:
    """The payload itself when it is JSON, `{}` when there is none."""
    if not payload:
        return EMPTY
    try:
        _walk(payload)
        if not payload.isascii():
            payload.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        _check_slowly(payload)
    return payload


def _check_slowly(payload: bytes) -> None:
    """The standard library decides what the fast walk doubts: it takes the lone surrogates that `json.dumps` writes."""
    try:
        json.loads(payload.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise refusals.invalid_request_content(_PREFIX + _parser_text(payload, error)) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"Non-standard token '{name}'")


def _parser_text(payload: bytes, error: Exception) -> str:
    start = len(payload) - len(payload.lstrip(b" \t\r\n"))
    if start < len(payload) and payload[start] not in _VALUE_STARTS:
        line, column = _position(payload, start)
        return f"Unexpected character ({_described(payload[start])}): {_EXPECTED}\n at {_SOURCE.format(line, column)}"
    if isinstance(error, UnicodeDecodeError):
        line, column = _position(payload, error.start)
        byte = payload[error.start]
        kind = "middle" if error.reason == "invalid continuation byte" else "start"
        return f"Invalid UTF-8 {kind} byte 0x{byte:02x}\n at {_SOURCE.format(line, column + 1)}"
    return "Document nests too deeply" if isinstance(error, RecursionError) else str(error)


def _described(code: int) -> str:
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"(CTRL-CHAR, code {code})"
    return f"'{chr(code)}' (code {code})"


def _position(payload: bytes, index: int) -> tuple[int, int]:
    """Line and column, both from 1."""
    line_start = payload.rfind(b"\n", 0, index) + 1
    return payload.count(b"\n", 0, index) + 1, index - line_start + 1
