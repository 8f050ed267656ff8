"""HTTP answers as AppSync writes them: headers, error bodies, CORS. Pure.

Called by `http.py`, here and in `channels/api`, which send them with `asgi.respond`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

_COMMON = (
    (b"content-type", b"application/json;charset=UTF-8"),
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"x-amzn-RequestId,x-amzn-ErrorType,x-amz-user-agent,x-amzn-ErrorMessage,Date,x-amz-schema-version",
    ),
)

#: What browsers may send when they do not say what they want to send.
_ALLOWED_HEADERS = b"authorization,content-type,x-amz-date,x-amz-security-token,x-amz-user-agent,x-api-key"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def answer(status: int, body: bytes, request_id: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> HttpAnswer:
    """A JSON answer, readable by any browser origin, as AppSync's are."""
    return HttpAnswer(status, (*_COMMON, (b"x-amzn-requestid", request_id.encode()), *headers), body)


def refusal(
    status: int, error_type: str, message: str, request_id: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> HttpAnswer:
    """An answer to a request that was not executed."""
    return problem(status, error_type, {"errors": [{"errorType": error_type, "message": message}]}, request_id, headers)


def problem(
    status: int,
    error_type: str,
    body: Mapping[str, object],
    request_id: str,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> HttpAnswer:
    """`refusal` with a body of one's own."""
    return answer(status, orjson.dumps(dict(body)), request_id, ((b"x-amzn-errortype", error_type.encode()), *headers))


def preflight(requested_headers: bytes | None, request_id: str) -> HttpAnswer:
    """The answer to a browser's OPTIONS. `requested_headers` is Access-Control-Request-Headers."""
    return answer(
        200,
        b"",
        request_id,
        (
            (b"access-control-allow-methods", b"POST,OPTIONS"),
            (b"access-control-allow-headers", requested_headers or _ALLOWED_HEADERS),
            (b"access-control-max-age", b"172800"),
        ),
    )
