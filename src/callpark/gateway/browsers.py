"""Pages of other sites may use the participant service, as on AWS: its callers bring a token of their own.

Called by `app.py` for paths below `PREFIX`. No cookies and no credentials are involved, so any origin may ask.
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from typing import Final

from callpark.kernel.asgi import Message, Scope, Send, header, respond

PREFIX: Final = "/participant/"

_ANYBODY = (b"access-control-allow-origin", b"*")
_READABLE = (b"access-control-expose-headers", b"x-amzn-RequestId,x-amzn-ErrorType,Date")
_HEADERS = b"authorization,content-type,x-amz-bearer,x-amz-content-sha256,x-amz-date,x-amz-user-agent,amz-sdk-request"


def asks(scope: Scope) -> bool:
    """Whether a page sent this request."""
    return bool(scope["path"].startswith(PREFIX)) and header(scope, b"origin") is not None


def is_preflight(scope: Scope) -> bool:
    return bool(scope["method"] == "OPTIONS") and header(scope, b"access-control-request-method") is not None


async def allow(scope: Scope, send: Send) -> None:
    """The answer to a preflight."""
    wanted = header(scope, b"access-control-request-headers") or _HEADERS
    allowed = ((b"access-control-allow-methods", b"GET,POST"), (b"access-control-allow-headers", wanted))
    await respond(send, 204, b"", (_ANYBODY, *allowed, (b"access-control-max-age", b"3600")))


def readable(send: Send) -> Send:
    """`send`, with the headers that let the page read the answer."""

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], _ANYBODY, _READABLE]}
        await send(message)

    return add
