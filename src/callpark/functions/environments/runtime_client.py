"""The Runtime API's other end in forked Python processes: in the place of awslambdaric's extension module.

awslambdaric asks a module `runtime_client` to speak HTTP: an extension around libcurl that needs two round trips and 18
system calls for an event. `zygote.py` puts `as_module` there instead, with the same four functions, and one round
trip: a short answer goes out together with the request for the next event, which follows at once. Everything else of
awslambdaric stays as it is, and so does what it sees: the same values, the same errors.

It runs in handlers' processes and imports nothing of callpark. Processes that are not forked keep AWS's module.
"""

# Not `socket`: handlers set its default timeout and patch its classes, and mean their own connections.
import _socket
import os
import time
from types import ModuleType

_PREFIX = "/2018-06-01/runtime/invocation/"
_DEADLINE = "Lambda-Runtime-Deadline-Ms"
_END = b"\r\n\r\n"
_READ_BYTES = 16_384
#: A longer answer may be refused for its length, and a longer event takes time to be freed before awslambdaric asks for
#: the next one: then the answer is sent, and its reception confirmed, before that.
_SHORT_BYTES = 16_384
_LONGEST_HEAD = 65_536
_NEXT_FAILED = "Failed to get next"
_RESULT_FAILED = "Failed to post invocation response"
_ERROR_FAILED = "Failed to post invocation error"


class RuntimeClient:
    """`address` is the host:port of AWS_LAMBDA_RUNTIME_API. Nothing is opened before the first `next`."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lines = ""
        self._next = b""
        self._connection: _socket.socket | None = None
        self._received = b""
        self._unsent = b""
        self._unconfirmed: str | None = None
        self._short_event = False

    def initialize_client(self, user_agent: str) -> None:
        self._lines = f" HTTP/1.1\r\nHost: {self._address}\r\nUser-Agent: {user_agent}\r\n"
        self._next = f"GET {_PREFIX}next{self._lines}\r\n".encode()

    def next(self) -> tuple[bytes, dict[str, str | int]]:
        """Wait for an event: its body, and its headers by the names that awslambdaric looks for and our server writes.

        Raises RuntimeError when there will be no more, or when the last answer was refused.
        """
        unsent, self._unsent = self._unsent, b""
        self._send(unsent + self._next, self._unconfirmed or _NEXT_FAILED)
        if self._unconfirmed is not None:
            self._confirm()
        status, headers, body = self._reply(_NEXT_FAILED)
        deadline = headers.get(_DEADLINE, "")
        if status != 200 or not deadline.isdecimal():
            raise RuntimeError(_NEXT_FAILED)
        self._short_event = len(body) <= _SHORT_BYTES
        return body, {**headers, _DEADLINE: int(deadline)}

    def post_invocation_result(
        self, request_id: str, body: bytes, content_type: str, invocation_id: str | None = None
    ) -> None:
        """Answer. Raises RuntimeError when it is refused; a short answer is sent and confirmed by `next` only."""
        head = self._head(f"{request_id}/response", invocation_id, f"Content-Type: {content_type}\r\n", len(body))
        self._unconfirmed = _RESULT_FAILED
        if self._short_event and len(body) <= _SHORT_BYTES:
            self._unsent = head + body
        else:
            self._send(head + body, _RESULT_FAILED)
            self._confirm()

    def post_error(self, request_id: str, body: str, xray_cause: str, invocation_id: str | None = None) -> None:
        """Answer with an error object. Raises RuntimeError when it is refused."""
        lines = "Content-Type: application/json\r\n"
        if xray_cause:
            lines += f"Lambda-Runtime-Function-Xray-Error-Cause: {xray_cause}\r\n"
        encoded = body.encode()
        self._unconfirmed = _ERROR_FAILED
        self._send(self._head(f"{request_id}/error", invocation_id, lines, len(encoded)) + encoded, _ERROR_FAILED)
        self._confirm()

    def _head(self, path: str, invocation_id: str | None, lines: str, length: int) -> bytes:
        if invocation_id:
            lines += f"Lambda-Runtime-Invocation-Id: {invocation_id}\r\n"
        return f"POST {_PREFIX}{path}{self._lines}{lines}Content-Length: {length}\r\n\r\n".encode()

    def _confirm(self) -> None:
        failure, self._unconfirmed = self._unconfirmed, None
        assert failure is not None
        status, _, body = self._reply(failure)
        if status != 202:
            _say(f"Failed to post handler success response. Http response code: {status}. {body.decode()}")
            raise RuntimeError(failure)

    def _send(self, data: bytes, failure: str) -> None:
        try:
            if self._connection is None:
                self._connection = _connected(self._address)
            self._connection.sendall(data)
        except (OSError, ValueError) as error:
            raise RuntimeError(failure) from error

    def _reply(self, failure: str) -> tuple[int, dict[str, str], bytes]:
        """The next reply: status, headers, body."""
        try:
            received = self._received
            while (end := received.find(_END)) < 0:
                if len(received) > _LONGEST_HEAD:
                    raise ValueError("endless headers")
                received += self._read(_READ_BYTES)
            status, headers = read_head(received[:end])
            size = int(headers["Content-Length"])
            if size < 0:
                raise ValueError("a negative length")
            start = end + len(_END)
            stop = start + size
            if stop > len(received):
                received += self._read_exactly(stop - len(received))
        except (OSError, ValueError, KeyError) as error:
            raise RuntimeError(failure) from error
        self._received = received[stop:]
        return status, headers, received[start:stop]

    def _read_exactly(self, size: int) -> bytes:
        rest = bytearray(size)
        view, filled = memoryview(rest), 0
        while filled < size:
            assert self._connection is not None
            count = self._connection.recv_into(view[filled:])
            if not count:
                raise ConnectionError("closed within a body")
            filled += count
        return bytes(rest)

    def _read(self, size: int) -> bytes:
        assert self._connection is not None
        data = self._connection.recv(size)
        if not data:
            raise ConnectionError("closed")
        return data


def as_module(address: str) -> ModuleType:
    """A client as the module that awslambdaric imports."""
    client = RuntimeClient(address)
    module = ModuleType("runtime_client", __doc__)
    for function in (client.initialize_client, client.next, client.post_invocation_result, client.post_error):
        setattr(module, function.__name__, function)
    return module


def read_head(head: bytes) -> tuple[int, dict[str, str]]:
    """The status of a reply and its headers. ValueError for what is not one."""
    status_line, *lines = head.decode().split("\r\n")
    version, _, rest = status_line.partition(" ")
    if version != "HTTP/1.1":
        raise ValueError(status_line)
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(line)
        headers[name] = value.strip(" \t")
    return int(rest[:3]), headers


def _say(text: str) -> None:
    """A line in the function's log, as AWS's client writes it there."""
    milliseconds = time.time_ns() // 1_000_000  # noqa: TID251 - a handler's process has real time
    os.write(1, f"[ERROR] [{milliseconds}] LAMBDA_RUNTIME {text}\n".encode())


def _connected(address: str) -> _socket.socket:
    host, _, port = address.rpartition(":")
    connection = _socket.socket()
    connection.settimeout(None)
    connection.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    try:
        connection.connect((host, int(port)))
    except OSError:
        connection.close()
        raise
    return connection
