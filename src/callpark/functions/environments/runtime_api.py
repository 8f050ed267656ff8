"""The Lambda Runtime API of one process: HTTP in, calls out.

`environment.py` opens a listener per process on a loopback port of its own, offers it one event at a time and is told
of readiness and answers through `RuntimeListener`. The hot path is `next` and `response`; everything else may be slow.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; refusals and limits as in lambda.md §11.
"""

import asyncio
import base64
from dataclasses import dataclass
from typing import Protocol, cast

import httptools
import orjson

from callpark.functions.environments.lifecycle import Refusal, RuntimePhase, runtime_move

_PREFIX = "/2018-06-01/runtime"
_ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
_REASONS = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
}
_REASONS |= {413: "Payload Too Large", 431: "Request Header Fields Too Large", 501: "Not Implemented"}

_INVALID_ID = Refusal(400, "InvalidRequestID", "Invalid request ID")
_INVALID_MODE = Refusal(400, "InvalidFunctionResponseMode", "Invalid function response mode")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to a runtime. `invocation_id` is new for every attempt; `deadline_milliseconds` are epoch
    milliseconds of real time, because a real process reads them."""

    request_id: str
    invocation_id: str
    payload: bytes
    invoked_arn: str
    deadline_milliseconds: int
    client_context: str | None
    trace_header: str | None

    def head(self) -> bytes:
        lines = [
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: ",
            self.request_id,
            f"\r\nLambda-Runtime-Deadline-Ms: {self.deadline_milliseconds}"
            f"\r\nLambda-Runtime-Invoked-Function-Arn: {self.invoked_arn}"
            f"\r\nLambda-Runtime-Invocation-Id: {self.invocation_id}",
        ]
        if self.trace_header:
            lines.append(f"\r\nLambda-Runtime-Trace-Id: {_one_line(self.trace_header)}")
        if self.client_context:
            lines.append(f"\r\nLambda-Runtime-Client-Context: {_one_line(self.client_context)}")
        lines.append(f"\r\nContent-Length: {len(self.payload)}\r\n\r\n")
        return "".join(lines).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a runtime made of an event. `failed` for its error object; `too_large` when the answer was refused for its
    size and `payload` is empty."""

    payload: bytes
    failed: bool = False
    too_large: bool = False


class RuntimeListener(Protocol):
    """Who is told what the process does. Called from the event loop, never re-entered by `offer`."""

    def runtime_ready(self) -> None:
        """The process asks for its next event and none has been offered."""
        ...

    def handed_out(self) -> None:
        """The offered event is on its way to the process."""
        ...

    def answered(self, answer: Answer) -> None: ...

    def init_failed(self, payload: bytes, error_type: str | None) -> None: ...


class RuntimeSession:
    """One process's conversation, over however many connections."""

    __slots__ = ("_current", "_handed", "_listener", "_waiting", "maximum_body", "phase")

    def __init__(self, listener: RuntimeListener, maximum_body: int) -> None:
        self.phase = RuntimePhase.STARTED
        self.maximum_body = maximum_body
        self._listener = listener
        self._waiting: RuntimeConnection | None = None
        self._current: Delivery | None = None
        self._handed = False

    @property
    def waits_for_event(self) -> bool:
        return self._waiting is not None

    def offer(self, delivery: Delivery) -> None:
        """Give the process its next event, now or when it asks. One at a time."""
        self._current = delivery
        self._handed = False
        if self._waiting is not None:
            self._hand_out(delivery)

    def next_event(self, connection: "RuntimeConnection") -> Refusal | None:
        moved = runtime_move(self.phase, RuntimePhase.READY)
        if isinstance(moved, Refusal):
            return moved
        self.phase = moved
        if self._waiting is not None and self._waiting is not connection:
            self._waiting.abandon()  # its process asked again: the first connection is dead or forgotten
        self._waiting = connection
        if moved is RuntimePhase.RUNNING and self._current is not None:
            self._waiting = None
            connection.send_event(self._current)
        elif self._current is not None and not self._handed:
            self._hand_out(self._current)
        else:
            self._listener.runtime_ready()
        return None

    def answer(self, request_id: str, invocation_id: str | None, answer: Answer) -> Refusal | None:
        """Take an answer; a refusal for a stale one. The caller of this confirms before the listener is told, by
        calling `settle` with the answer."""
        current = self._current
        if current is None or not self._handed or current.request_id != request_id:
            return _INVALID_ID
        if invocation_id is not None and invocation_id != current.invocation_id:
            return _INVALID_ID
        wanted = RuntimePhase.REPORTING_ERROR if answer.failed else RuntimePhase.RESPONDING
        moved = runtime_move(self.phase, wanted)
        if isinstance(moved, Refusal):
            return moved
        sent = runtime_move(moved, RuntimePhase.ANSWERED)
        assert isinstance(sent, RuntimePhase)
        self.phase = sent
        self._current = None
        return None

    def settle(self, answer: Answer) -> None:
        self._listener.answered(answer)

    def init_error(self, payload: bytes, error_type: str | None) -> Refusal | None:
        moved = runtime_move(self.phase, RuntimePhase.INIT_ERROR)
        if isinstance(moved, Refusal):
            return moved
        self.phase = moved
        self._listener.init_failed(payload, error_type)
        return None

    def disconnected(self, connection: "RuntimeConnection") -> None:
        if self._waiting is connection:
            self._waiting = None

    def _hand_out(self, delivery: Delivery) -> None:
        connection, self._waiting = self._waiting, None
        assert connection is not None
        moved = runtime_move(self.phase, RuntimePhase.RUNNING)
        assert isinstance(moved, RuntimePhase)
        self.phase = moved
        self._handed = True
        self._listener.handed_out()
        connection.send_event(delivery)


class RuntimeConnection(asyncio.Protocol):
    """One HTTP/1.1 connection of the process. Whatever arrives, it is answered or closed, and memory stays bounded."""

    MAXIMUM_HEADERS = 1_310_720  # the X-Ray cause is a header of up to 1 MB

    def __init__(self, session: RuntimeSession) -> None:
        self._session = session
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._busy = False
        self._reset()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do everything an asyncio.Transport does without being registered as one.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._session.disconnected(self)

    def data_received(self, data: bytes) -> None:
        if self._busy:
            self.abandon()  # a request on a connection whose `next` is unanswered: its answers would change places
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(Refusal(400, "InvalidRequest", "not an HTTP/1.1 request"))
            self.abandon()
            return
        if self._in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > self.MAXIMUM_HEADERS:
                self._refuse(Refusal(431, "RequestHeadersTooLarge", "the request's headers are too large"))
                self.abandon()

    def send_event(self, delivery: Delivery) -> None:
        self._busy = False
        if self._transport is not None:
            if len(delivery.payload) < 65_536:
                self._transport.write(delivery.head() + delivery.payload)
            else:
                self._transport.writelines((delivery.head(), delivery.payload))

    def abandon(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    # What httptools calls.

    def on_message_begin(self) -> None:
        self._reset()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lowered = name.lower()
        if lowered.startswith(b"lambda-") or lowered == b"expect":
            self._headers[lowered] = value

    def on_headers_complete(self) -> None:
        self._in_headers = False
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= self._session.maximum_body:
            self._body.append(body)
        else:
            self._body.clear()

    def on_message_complete(self) -> None:
        if self._transport is None:
            return
        if self._busy:
            self.abandon()
            return
        keep_alive = self._parser.should_keep_alive()
        refusal = self._dispatch(self._parser.get_method(), self._url.decode("latin-1"))
        if refusal is not None:
            self._refuse(refusal)
        self._in_headers = True
        self._header_bytes = 0
        if not keep_alive and not self._busy:
            self.abandon()

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._in_headers = True
        self._body: list[bytes] = []
        self._size = 0

    def _dispatch(self, method: bytes, url: str) -> Refusal | None:
        path = url.partition("?")[0]
        if not path.startswith(_PREFIX):
            return self._elsewhere(path)
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

    def _answer(self, request_id: str, failed: bool) -> Refusal | None:
        mode = self._headers.get(b"lambda-runtime-function-response-mode")
        if mode is not None and mode.lower() not in {b"streaming", b"buffered"}:
            return _INVALID_MODE
        invocation_id = self._headers.get(b"lambda-runtime-invocation-id")
        answer = self._read_answer(failed)
        echoed = None if invocation_id is None else invocation_id.decode("latin-1")
        refusal = self._session.answer(request_id, echoed, answer)
        if refusal is not None:
            return refusal
        if answer.too_large:
            self._refuse(self._too_large())
        elif self._transport is not None:
            self._transport.write(_ACCEPTED)
        self._session.settle(answer)
        return None

    def _read_answer(self, failed: bool) -> Answer:
        """The answer in the request; a stream that broke off says so in its trailers."""
        if self._size > self._session.maximum_body:
            return Answer(b"", failed, too_large=True)
        broken = self._headers.get(b"lambda-runtime-function-error-body")
        if broken is not None:
            try:
                return Answer(base64.b64decode(broken, validate=True), failed=True)
            except ValueError:
                return Answer(orjson.dumps({"errorType": "Runtime.Unknown", "errorMessage": ""}), failed=True)
        body = self._body
        return Answer(body[0] if len(body) == 1 else b"".join(body), failed)

    def _init_error(self) -> Refusal | None:
        if self._size > self._session.maximum_body:
            return self._too_large()
        kind = self._headers.get(b"lambda-runtime-function-error-type")
        refusal = self._session.init_error(b"".join(self._body), None if kind is None else kind.decode("latin-1"))
        if refusal is None and self._transport is not None:
            self._transport.write(_ACCEPTED)
        return refusal

    def _elsewhere(self, path: str) -> Refusal | None:
        if path.endswith("/ping"):
            self._reply(200, b"pong", "text/plain")
        elif path == "/2022-07-01/telemetry":
            self._json(202, "Telemetry.NotSupported", "Telemetry API is not supported")
        elif path == "/2020-08-15/logs":
            self._json(202, "Logs.NotSupported", "Logs API is not supported")
        elif path.startswith("/2020-01-01/extension/"):
            return Refusal(501, "Extension.NotSupported", "callpark does not run extensions")
        else:
            return Refusal(404, "UnknownPath", f"the Runtime API has no {path}")
        return None

    def _too_large(self) -> Refusal:
        limit = self._session.maximum_body
        return Refusal(413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({limit} bytes).")

    def _refuse(self, refusal: Refusal) -> None:
        self._json(refusal.status, refusal.error_type, refusal.message)

    def _json(self, status: int, error_type: str, message: str) -> None:
        self._reply(status, orjson.dumps({"errorMessage": message, "errorType": error_type}), "application/json")

    def _reply(self, status: int, body: bytes, content_type: str) -> None:
        if self._transport is not None:
            length = len(body)
            head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {content_type}\r\nContent-Length: {length}"
            self._transport.write(head.encode() + b"\r\n\r\n" + body)


def _not_allowed(method: bytes, path: str) -> Refusal:
    return Refusal(405, "MethodNotAllowed", f"{method.decode('latin-1')} is not allowed on {path}")


def _one_line(value: str) -> str:
    """A header value cannot break out of its line."""
    return value.replace("\r", " ").replace("\n", " ")
