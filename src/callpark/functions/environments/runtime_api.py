"""The Lambda Runtime API of one process: its conversation, without the HTTP.

`environment.py` makes a session per process, offers it one event at a time and is told of readiness and answers through
`RuntimeListener`; `runtime_http.py` speaks for the process.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; refusals and limits as in lambda.md §11.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from callpark.functions.environments.lifecycle import Refusal, RuntimePhase, runtime_move
from callpark.functions.environments.streams import Sink

_INVALID_ID = Refusal(400, "InvalidRequestID", "Invalid request ID")
#: What the caller gets when a runtime gives up its connection in the middle of a stream and goes on.
_TRUNCATED = b'{"errorType":"Runtime.TruncatedResponse","errorMessage":"Response truncated"}'


class Delivery(msgspec.Struct, frozen=True):
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


class Answer(msgspec.Struct, frozen=True):
    """What a runtime made of an event. `failed` for its error object; `too_large` when the answer was refused for its
    size and `payload` is empty; `streamed` when a sink has taken it already, `payload` being what the sink gives in the
    end."""

    payload: bytes
    failed: bool = False
    too_large: bool = False
    streamed: bool = False
    content_type: str = "application/json"


class Caller(Protocol):
    """One connection of the process, as the session needs it."""

    def send_event(self, delivery: Delivery) -> None: ...

    def resume(self) -> None:
        """Go on reading a streamed response."""
        ...

    def abandon(self) -> None:
        """Close it once everything is sent."""
        ...

    def cut(self) -> None:
        """Close it at once."""
        ...


class RuntimeListener(Protocol):
    """Who is told what the process does. Called from the event loop, never re-entered by `offer`."""

    def runtime_ready(self) -> None:
        """The process asks for its next event and none has been offered."""
        ...

    def handed_out(self) -> None:
        """The offered event is on its way to the process."""
        ...

    def responding(self, content_type: str, resume: Callable[[], None]) -> Sink:
        """A streamed response begins; `answered` follows."""
        ...

    def answered(self, answer: Answer) -> None: ...

    def init_failed(self, payload: bytes, error_type: str | None) -> None: ...


class RuntimeSession:
    """One process's conversation, over however many connections."""

    __slots__ = (
        "_current",
        "_handed",
        "_listener",
        "_sink",
        "_torn",
        "_waiting",
        "connections",
        "maximum_body",
        "phase",
    )

    def __init__(self, listener: RuntimeListener, maximum_body: int) -> None:
        self.phase = RuntimePhase.STARTED
        self.maximum_body = maximum_body
        self._listener = listener
        self._waiting: Caller | None = None
        self._current: Delivery | None = None
        self._handed = False
        self._sink: Sink | None = None
        self._torn = False
        self.connections: set[Caller] = set()

    @property
    def waits_for_event(self) -> bool:
        return self._waiting is not None

    @property
    def handed(self) -> Delivery | None:
        """The event that the process has and has not answered yet."""
        return self._current if self._handed else None

    def offer(self, delivery: Delivery) -> None:
        """Give the process its next event, now or when it asks. One at a time."""
        self._current = delivery
        self._handed = False
        if self._waiting is not None:
            self._hand_out(delivery)

    def next_event(self, connection: Caller) -> Refusal | None:
        if self._torn:
            self._settle_torn()
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
        refusal = self._begin_answer(
            request_id, invocation_id, RuntimePhase.REPORTING_ERROR if answer.failed else RuntimePhase.RESPONDING
        )
        if refusal is None:
            self._end_answer()
        return refusal

    def open_stream(
        self, request_id: str, invocation_id: str | None, content_type: str, connection: Caller
    ) -> Sink | Refusal:
        """A streamed answer begins: where its pieces go, or a refusal for a stale one."""
        refusal = self._begin_answer(request_id, invocation_id, RuntimePhase.RESPONDING)
        if refusal is not None:
            return refusal
        self._sink = self._listener.responding(content_type, connection.resume)
        return self._sink

    def close_stream(self, failure: bytes | None) -> Answer:
        """A streamed answer is complete, or broke off with the error object `failure`. The answer to `settle`."""
        sink, self._sink = self._sink, None
        assert sink is not None
        self._end_answer()
        if failure is not None:
            return Answer(failure, failed=True, streamed=True)
        return Answer(sink.payload, too_large=sink.too_large, streamed=True)

    def tear_stream(self) -> None:
        """The connection broke within a streamed answer. Most likely the process is dying, and its exit says more;
        if it asks for its next event instead, the answer was truncated."""
        self._torn = True

    def settle(self, answer: Answer) -> None:
        self._listener.answered(answer)

    def init_error(self, payload: bytes, error_type: str | None) -> Refusal | None:
        moved = runtime_move(self.phase, RuntimePhase.INIT_ERROR)
        if isinstance(moved, Refusal):
            return moved
        self.phase = moved
        self._listener.init_failed(payload, error_type)
        return None

    def disconnected(self, connection: Caller) -> None:
        if self._waiting is connection:
            self._waiting = None

    def end(self) -> None:
        """The process is gone. A connection that is not being read at the moment would not notice."""
        for connection in tuple(self.connections):
            connection.cut()

    def _begin_answer(self, request_id: str, invocation_id: str | None, wanted: RuntimePhase) -> Refusal | None:
        current = self._current
        if current is None or not self._handed or current.request_id != request_id:
            return _INVALID_ID
        if invocation_id is not None and invocation_id != current.invocation_id:
            return _INVALID_ID
        moved = runtime_move(self.phase, wanted)
        if isinstance(moved, Refusal):
            return moved
        self.phase = moved
        return None

    def _end_answer(self) -> None:
        sent = runtime_move(self.phase, RuntimePhase.ANSWERED)
        assert isinstance(sent, RuntimePhase)
        self.phase = sent
        self._current = None

    def _settle_torn(self) -> None:
        self._torn = False
        self.settle(self.close_stream(_TRUNCATED))

    def _hand_out(self, delivery: Delivery) -> None:
        connection, self._waiting = self._waiting, None
        assert connection is not None
        moved = runtime_move(self.phase, RuntimePhase.RUNNING)
        assert isinstance(moved, RuntimePhase)
        self.phase = moved
        self._handed = True
        self._listener.handed_out()
        connection.send_event(delivery)


def _one_line(value: str) -> str:
    """A header value cannot break out of its line."""
    return value.replace("\r", " ").replace("\n", " ")
