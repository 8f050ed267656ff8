"""The HTTP of the Runtime API: one connection of a handler's process.

`environment.py` opens a listener per process on a loopback port of its own and makes one of these per connection. The
hot path is `next` and `response`; everything else may be slow. What requests mean is in `runtime_api.py`.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; refusals and limits as in lambda.md §11.
"""

import asyncio
import base64
from typing import cast

import httptools
import orjson

from callpark.functions.environments.extensions.api import ExtensionApi
from callpark.functions.environments.lifecycle import Refusal
from callpark.functions.environments.repeated import Repeated
from callpark.functions.environments.runtime_api import Answer, Delivery, RuntimeSession
from callpark.functions.environments.streams import Sink

_PREFIX = "/2018-06-01/runtime"
_ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
_REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
_REASONS |= {
    405: "Method Not Allowed",
    413: "Payload Too Large",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
}
_NEXT = (_PREFIX + "/invocation/next").encode()
_MODE = b"lambda-runtime-function-response-mode"
_KEPT_HEADERS = frozenset({b"expect", b"content-type"})
_INVALID_MODE = Refusal(400, "InvalidFunctionResponseMode", "Invalid function response mode")
_TRUNCATED = Refusal(400, "TruncatedHTTPRequest", "HTTP request detected as truncated")
#: What a stream that breaks off without an error object gives.
_UNKNOWN = b'{"errorType":"Runtime.Unknown","errorMessage":""}'


class RuntimeConnection(asyncio.Protocol):
    """One HTTP/1.1 connection of the process. Whatever arrives, it is answered or closed, and memory stays bounded."""

    MAXIMUM_HEADERS = 1_310_720  # the X-Ray cause is a header of up to 1 MB

    def __init__(self, session: RuntimeSession, extensions: ExtensionApi | None = None) -> None:
        self._session = session
        self._extensions = extensions
        self._sink: Sink | None = None
        self._stream_refusal: Refusal | None = None
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._busy = False
        self._repeated = Repeated()
        self._begun = self._completed = 0
        self._keep_alive = True
        #: Within one read: what stands behind a request that was refused was said without knowing, and is not heard.
        self._refused = False
        #: Said together with what follows, which costs the process and us one waking less.
        self._owed = b""
        self._reset()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do everything an asyncio.Transport does without being registered as one.
        self._transport = cast(asyncio.Transport, transport)
        self._session.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._session.connections.discard(self)
        self._session.disconnected(self)
        if self._extensions is not None:
            self._extensions.extensions.disconnected(self)
        if self._sink is not None:
            self._sink = None
            self._session.tear_stream()

    def eof_received(self) -> None:
        """The process says nothing more. Whoever still listens hears that the body of a request was cut short."""
        if self._begun > self._completed and not self._in_headers and self._sink is None:
            self._refuse(_TRUNCATED)

    def data_received(self, data: bytes) -> None:
        if self._busy:
            self.abandon()  # a request on a connection whose `next` is unanswered: its answers would change places
            return
        self._refused = False
        between = self._begun == self._completed
        if between and self._take_repeated(data):
            return
        answer = b"" if self._repeated.knows_answer else self._repeated.before_next(data)
        if between and answer:  # worth learning without the `next` behind it, which is known
            self._parse(answer, between)
            self._parse(data[len(answer) :], self._begun == self._completed)
        else:
            self._parse(data, between)

    def _parse(self, data: bytes, between: bool) -> None:
        """Feed the parser; `between`: it is not within a request."""
        if self._transport is None:
            return
        following = self._completed + 1
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(Refusal(400, "InvalidRequest", "not an HTTP/1.1 request"))
            self.abandon()
            return
        if between and self._begun == self._completed == following:
            self._learn(data)
        elif self._in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > self.MAXIMUM_HEADERS:
                self._refuse(Refusal(431, "RequestHeadersTooLarge", "the request's headers are too large"))
                self.abandon()

    def send_event(self, delivery: Delivery) -> None:
        self._busy = False
        if len(delivery.payload) < 65_536:
            self._write(delivery.head() + delivery.payload)
        else:
            self._write(delivery.head())
            self._write(delivery.payload)

    def send_extension_event(self, identifier: str, body: bytes) -> None:
        self._busy = False
        self._reply(200, body, "application/json", (("Lambda-Extension-Event-Identifier", identifier),))

    def resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def abandon(self) -> None:
        if self._transport is not None:
            self._write(b"")
            self._transport.close()
            self._transport = None

    # What httptools calls.

    def on_message_begin(self) -> None:
        if self._refused:
            self.abandon()
        self._begun += 1
        self._reset()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lowered = name.lower()
        if lowered.startswith(b"lambda-") or lowered in _KEPT_HEADERS:
            self._headers[lowered] = value

    def on_headers_complete(self) -> None:
        self._in_headers = False
        if _MODE in self._headers:
            self._stream_begins()
        if self._headers.get(b"expect", b"").lower() == b"100-continue":
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self._sink is not None:
            if not self._sink.write(body) and self._transport is not None:
                self._transport.pause_reading()
            return
        self._size += len(body)
        if self._size <= self._session.maximum_body:
            self._body.append(body)
        else:
            self._body.clear()

    def on_message_complete(self) -> None:
        self._completed += 1
        if self._transport is None:
            return
        if self._busy:
            self.abandon()
            return
        self._keep_alive = self._parser.should_keep_alive()
        if self._sink is not None:
            self._stream_ends()
            refusal = None
        else:
            refusal = self._stream_refusal or self._dispatch(self._parser.get_method(), self._url.decode("latin-1"))
        if refusal is not None:
            self._refuse(refusal)
        self._in_headers = True
        self._header_bytes = 0
        if not self._keep_alive and not self._busy:
            self.abandon()

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._in_headers = True
        self._body: list[bytes] = []
        self._size = 0
        self._stream_refusal = None

    def _take_repeated(self, data: bytes) -> bool:
        """Answer a request that reads like an earlier one; False when it has to be parsed."""
        if self._repeated.is_next(data):
            refusal = self._next()
            if refusal is not None:
                self._refuse(refusal)
            return True
        current = self._session.handed
        if current is None:
            return False
        found = self._repeated.answer(data, current.request_id, current.invocation_id)
        if found is None or len(found[0]) > self._session.maximum_body:
            return False
        body, next_follows = found
        answer = Answer(body, failed=False, content_type=self._repeated.content_type)
        refusal = self._session.answer(current.request_id, current.invocation_id, answer)
        if refusal is None:
            self._owed = _ACCEPTED
            if not next_follows:
                self._write(b"")
            self._session.settle(answer)
            if next_follows and self._transport is not None:
                refusal = self._next()
        if refusal is not None:
            self._refuse(refusal)
        return True

    def _learn(self, request: bytes) -> None:
        """Exactly this one request has been parsed; if the connection goes on, recognise its like."""
        if not self._keep_alive or self._transport is None:
            return
        method, path = self._parser.get_method(), self._url
        if method == b"GET" and path == _NEXT and not self._repeated.knows_next:
            self._repeated.learn_next(request)
        elif (
            method == b"POST" and not self._repeated.knows_answer and self._sink is None and _MODE not in self._headers
        ):
            invocation_id = self._invocation_id()
            parts = path.decode("latin-1").split("/")
            if invocation_id is not None and len(parts) == 6 and parts[3] == "invocation" and parts[5] == "response":
                self._repeated.learn_answer(request, parts[4], invocation_id, self._content_type())

    def _dispatch(self, method: bytes, url: str) -> Refusal | None:
        path = url.partition("?")[0]
        if not path.startswith(_PREFIX):
            return self._elsewhere(method.decode("latin-1"), path)
        if path == _PREFIX + "/invocation/next":
            return self._next() if method == b"GET" else _not_allowed(method, path)
        parts = path[len(_PREFIX) :].split("/")
        if len(parts) == 4 and parts[1] == "invocation" and parts[3] in {"response", "error"}:
            return (
                self._answer(parts[2], failed=parts[3] == "error") if method == b"POST" else _not_allowed(method, path)
            )
        if path == _PREFIX + "/init/error":
            return self._init_error() if method == b"POST" else _not_allowed(method, path)
        if path.startswith(_PREFIX + "/restore/"):
            return Refusal(501, "SnapStartNotSupported", "callpark does not offer SnapStart")
        return Refusal(404, "UnknownPath", f"the Runtime API has no {path}")

    def _next(self) -> Refusal | None:
        self._busy = True
        refusal = self._session.next_event(self)
        if refusal is not None:
            self._busy = False
        return refusal

    def _stream_begins(self) -> None:
        """A response that says `streaming` goes to its sink as it comes, instead of into the body."""
        parts = self._url.partition(b"?")[0].decode("latin-1").split("/")
        if self._parser.get_method() != b"POST" or len(parts) != 6 or parts[3] != "invocation":
            return
        mode = self._headers[_MODE].lower()
        if mode == b"buffered" or parts[5] != "response":
            return
        if mode != b"streaming":
            self._stream_refusal = _INVALID_MODE
            return
        content_type = self._headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
        opened = self._session.open_stream(parts[4], self._invocation_id(), content_type, self)
        if isinstance(opened, Refusal):
            self._stream_refusal = opened
        else:
            self._sink = opened

    def _stream_ends(self) -> None:
        self._sink = None
        self.resume()  # its last piece may have filled the sink; what follows on this connection is another request
        answer = self._session.close_stream(self._failure_in_trailers())
        if answer.too_large:
            self._refuse(self._too_large())
        else:
            self._write(_ACCEPTED)
        self._session.settle(answer)

    def _invocation_id(self) -> str | None:
        found = self._headers.get(b"lambda-runtime-invocation-id")
        return None if found is None else found.decode("latin-1")

    def _failure_in_trailers(self) -> bytes | None:
        """The error object of a response that broke off."""
        broken = self._headers.get(b"lambda-runtime-function-error-body")
        if broken is None and b"lambda-runtime-function-error-type" not in self._headers:
            return None
        try:
            return base64.b64decode(broken or b"", validate=True) or _UNKNOWN
        except ValueError:
            return _UNKNOWN

    def _answer(self, request_id: str, failed: bool) -> Refusal | None:
        return self._settle(request_id, self._invocation_id(), self._read_answer(failed))

    def _settle(self, request_id: str, invocation_id: str | None, answer: Answer) -> Refusal | None:
        refusal = self._session.answer(request_id, invocation_id, answer)
        if refusal is not None:
            return refusal
        if answer.too_large:
            self._refuse(self._too_large())
        else:
            self._write(_ACCEPTED)
        self._session.settle(answer)
        return None

    def _read_answer(self, failed: bool) -> Answer:
        if self._size > self._session.maximum_body:
            return Answer(b"", failed, too_large=True)
        body = self._body
        return Answer(body[0] if len(body) == 1 else b"".join(body), failed, content_type=self._content_type())

    def _content_type(self) -> str:
        found = self._headers.get(b"content-type")
        return "application/json" if found is None else found.decode("latin-1")

    def _init_error(self) -> Refusal | None:
        if self._size > self._session.maximum_body:
            return self._too_large()
        kind = self._headers.get(b"lambda-runtime-function-error-type")
        refusal = self._session.init_error(b"".join(self._body), None if kind is None else kind.decode("latin-1"))
        if refusal is None:
            self._write(_ACCEPTED)
        return refusal

    def _elsewhere(self, method: str, path: str) -> Refusal | None:
        if path.endswith("/ping"):
            self._reply(200, b"pong", "text/plain")
        elif self._extensions is not None and self._extensions.serves(path):
            return self._of_extensions(self._extensions, method, path)
        elif path == "/2022-07-01/telemetry":
            self._json(202, "Telemetry.NotSupported", "Telemetry API is not supported")
        elif path == "/2020-08-15/logs":
            self._json(202, "Logs.NotSupported", "Logs API is not supported")
        elif path.startswith("/2020-01-01/extension/"):
            return Refusal(501, "Extension.NotSupported", "extensions are not offered here")
        else:
            return Refusal(404, "UnknownPath", f"the Runtime API has no {path}")
        return None

    def _of_extensions(self, api: ExtensionApi, method: str, path: str) -> Refusal | None:
        if self._size > self._session.maximum_body:
            return self._too_large()
        self._busy = True
        answer = api.handle(self, method, path, self._headers, b"".join(self._body))
        if answer is None:
            return None
        self._busy = False
        if isinstance(answer, Refusal):
            return answer
        self._reply(answer.status, answer.body, answer.content_type, answer.headers)
        return None

    def _too_large(self) -> Refusal:
        limit = self._session.maximum_body
        return Refusal(413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({limit} bytes).")

    def _refuse(self, refusal: Refusal) -> None:
        self._refused = True
        self._json(refusal.status, refusal.error_type, refusal.message)

    def _json(self, status: int, error_type: str, message: str) -> None:
        self._reply(status, orjson.dumps({"errorMessage": message, "errorType": error_type}), "application/json")

    def _reply(self, status: int, body: bytes, content_type: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        lines = [f"HTTP/1.1 {status} {_REASONS[status]}", f"Content-Type: {content_type}"]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers)]
        self._write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def _write(self, data: bytes) -> None:
        """Say this, after what is owed."""
        said, self._owed = self._owed + data, b""
        if said and self._transport is not None:
            self._transport.write(said)


def _not_allowed(method: bytes, path: str) -> Refusal:
    return Refusal(405, "MethodNotAllowed", f"{method.decode('latin-1')} is not allowed on {path}")
