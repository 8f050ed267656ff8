"""Our client of the Runtime API says what AWS's says, and gives awslambdaric the same values."""

import os
import re
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.functions.environments import runtime_client
from callpark.functions.environments.runtime_client import RuntimeClient, read_head

pytestmark = pytest.mark.unit

EVENT_HEADERS = {
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": "id-1",
    "Lambda-Runtime-Deadline-Ms": "1790000000000",
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:F",
    "Lambda-Runtime-Invocation-Id": "attempt-1",
}
ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'


def reply(headers: dict[str, str], body: bytes, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


@contextmanager
def connected() -> Iterator[tuple[RuntimeClient, socket.socket]]:
    """A client and the other end of its connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = RuntimeClient(f"127.0.0.1:{server.getsockname()[1]}")
        client.initialize_client("aws-lambda-python/3")
        client._connection = runtime_client._connected(client._address)
        other, _ = server.accept()
        with closing(client._connection), other:
            yield client, other


class Requests:
    """Requests one at a time, from a connection on which several may come together."""

    def __init__(self, other: socket.socket) -> None:
        self._other = other
        self._data = b""

    def one(self) -> tuple[str, dict[str, str], bytes]:
        while b"\r\n\r\n" not in self._data:
            self._more()
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        line, *rest = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (text.partition(": ") for text in rest)}
        size = int(headers.get("content-length", "0"))
        while len(self._data) < size:
            self._more()
        body, self._data = self._data[:size], self._data[size:]
        return line, headers, body

    def _more(self) -> None:
        data = self._other.recv(65_536)
        assert data, "closed"
        self._data += data


def test_an_answer_and_the_next_question_go_in_one_breath() -> None:
    with connected() as (client, other):
        other.sendall(reply(EVENT_HEADERS, b"{}"))
        client.next()
        assert Requests(other).one()[0] == "GET /2018-06-01/runtime/invocation/next HTTP/1.1"
        client.post_invocation_result("id-1", b"null", "application/json", "attempt-1")
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.recv(1)
        other.setblocking(True)
        other.sendall(ACCEPTED + reply(EVENT_HEADERS, b"[]"))
        assert client.next()[0] == b"[]"
        assert other.recv(65_536).count(b"HTTP/1.1") == 2


def test_a_long_answer_is_confirmed_first() -> None:
    with connected() as (client, other):
        body = b"x" * 6_291_556
        said: list[tuple[str, dict[str, str], bytes]] = []

        def server() -> None:
            said.append(Requests(other).one())
            other.sendall(ACCEPTED)

        thread = threading.Thread(target=server)
        thread.start()
        client.post_invocation_result("id-1", body, "application/json", None)
        thread.join()
        [(line, headers, got)] = said
        assert line == "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1"
        assert "lambda-runtime-invocation-id" not in headers
        assert got == body


def test_a_large_event_arrives_whole_and_its_answer_does_not_wait_until_it_is_freed() -> None:
    with connected() as (client, other):
        body = os.urandom(6_000_000)
        thread = threading.Thread(target=other.sendall, args=(reply(EVENT_HEADERS, body) + ACCEPTED,))
        thread.start()
        assert client.next()[0] == body
        client.post_invocation_result("id-1", b"null", "application/json", "attempt-1")
        requests = Requests(other)
        assert [requests.one()[2] for _ in range(2)] == [b"", b"null"]
        thread.join()


def test_an_error_object_is_sent_and_confirmed_at_once() -> None:
    with connected() as (client, other):
        other.sendall(reply(EVENT_HEADERS, b"{}") + ACCEPTED)
        client.next()
        client.post_error("id-1", "{}", "{}", "attempt-1")
        requests = Requests(other)
        assert [requests.one()[0].split()[0] for _ in range(2)] == ["GET", "POST"]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        reply(EVENT_HEADERS, b"{}")[:-1],
        reply({}, b"{}"),
        reply({**EVENT_HEADERS, "Lambda-Runtime-Deadline-Ms": "soon"}, b"{}"),
        reply({}, b"{}", "403 Forbidden"),
        reply({}, b"")[:-4] + b"\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\nLambda-Runtime-Trace-Id: \xff\r\n\r\n",
    ],
)
def test_what_is_no_event_ends_the_runtime(sent: bytes) -> None:
    with connected() as (client, other):
        other.sendall(sent)
        other.shutdown(socket.SHUT_WR)
        with pytest.raises(RuntimeError, match=r"^Failed to get next$"):
            client.next()


@pytest.mark.parametrize("size", [4, 100_000])
@pytest.mark.parametrize(
    "refused", [reply({}, b"{}", "400 Bad Request"), reply({}, b"{}", "413 Payload Too Large"), b""]
)
@pytest.mark.parametrize("kind", ["response", "error"])
def test_a_refused_answer_ends_the_runtime(
    kind: str, size: int, refused: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with connected() as (client, other):
        other.sendall(reply(EVENT_HEADERS, b"{}") + refused)
        other.shutdown(socket.SHUT_WR)
        client.next()

        def answer_and_ask() -> None:
            if kind == "error":
                client.post_error("id-1", "x" * size, "{}", "attempt-1")
            else:
                client.post_invocation_result("id-1", b"x" * size, "application/json", "attempt-1")
            client.next()

        with pytest.raises(RuntimeError, match=f"^Failed to post invocation {kind}$"):
            answer_and_ask()
    logged, _ = capfd.readouterr()
    assert logged.count("LAMBDA_RUNTIME Failed to post handler success response. Http response code: 4") == bool(
        refused
    )


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = RuntimeClient(f"127.0.0.1:{port}")
    client.initialize_client("x")
    with pytest.raises(RuntimeError, match="Failed to get next"):
        client.next()


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip)
events = st.lists(st.tuples(words, words, st.binary(max_size=300)), min_size=1, max_size=4)


@given(events, st.lists(st.integers(1, 200), max_size=8))
def test_in_whatever_pieces_they_come_the_events_are_those_that_were_sent(
    sent: list[tuple[str, str, bytes]], cuts: list[int]
) -> None:
    stream = b""
    for number, (trace, context, body) in enumerate(sent):
        headers = {
            **EVENT_HEADERS,
            "Lambda-Runtime-Aws-Request-Id": str(number),
            "Lambda-Runtime-Trace-Id": trace,
            "Lambda-Runtime-Client-Context": context,
        }
        stream += (ACCEPTED if number else b"") + reply(headers, body)
    client = RuntimeClient("127.0.0.1:1")
    client.initialize_client("x")
    client._connection = Pieces(stream, cuts)  # type: ignore[assignment]
    for number, (trace, context, body) in enumerate(sent):
        got, headers_got = client.next()
        assert got == body
        assert headers_got["Lambda-Runtime-Aws-Request-Id"] == str(number)
        assert headers_got["Lambda-Runtime-Trace-Id"] == trace.strip(" \t")
        assert headers_got["Lambda-Runtime-Client-Context"] == context.strip(" \t")
        client.post_invocation_result(str(number), b"null", "application/json", None)
    with pytest.raises(RuntimeError):
        client.next()


@given(st.binary(max_size=200), st.lists(st.integers(1, 50), max_size=8))
def test_noise_is_an_error_and_nothing_else(noise: bytes, cuts: list[int]) -> None:
    client = RuntimeClient("127.0.0.1:1")
    client.initialize_client("x")
    for stream in (noise, b"HTTP/1.1 200 OK\r\n" + noise, reply(EVENT_HEADERS, b"{}")[:60] + noise):
        client._received = b""
        client._connection = Pieces(stream, cuts)  # type: ignore[assignment]
        with pytest.raises(RuntimeError):
            client.next()


class Pieces:
    """A connection that gives a stream in pieces of these sizes, then the rest."""

    def __init__(self, stream: bytes, sizes: list[int]) -> None:
        self._stream = stream
        self._sizes = list(sizes)

    def sendall(self, data: bytes) -> None:
        assert data

    def recv(self, size: int) -> bytes:
        if self._sizes:
            size = min(size, self._sizes.pop())
        piece, self._stream = self._stream[:size], self._stream[size:]
        return piece

    def recv_into(self, view: memoryview) -> int:
        piece = self.recv(len(view))
        view[: len(piece)] = piece
        return len(piece)


def test_a_head_is_read_without_regard_to_blanks() -> None:
    head = b"HTTP/1.1 202 Accepted\r\nX-one:1\r\nX-Two: \t 2: zwei \r\nX-Three:"
    assert read_head(head) == (202, {"X-one": "1", "X-Two": "2: zwei", "X-Three": ""})


CONVERSATION = """
    import sys
    if sys.argv[1] == "ours":
        sys.path.insert(0, sys.argv[2])
        from runtime_client import as_module
        sys.modules["runtime_client"] = as_module(sys.argv[3])
    import runtime_client
    runtime_client.initialize_client("aws-lambda-python/3.11-test")
    names = ["Aws-Request-Id", "Trace-Id", "Invoked-Function-Arn", "Deadline-Ms", "Client-Context", "Cognito-Identity"]
    names = ["Content-Type"] + ["Lambda-Runtime-" + name for name in [*names, "Aws-Tenant-Id", "Invocation-Id"]]
    def take():
        body, headers = runtime_client.next()
        seen.append((body, [headers.get(name) for name in names]))
    seen = []
    take()
    runtime_client.post_invocation_result("id-1", "né".encode(), "text/plain", "attempt-1")
    take()
    runtime_client.post_error("id-2", '{"errorMessage": "né"}', '{"cause": "né"}', None)
    take()
    runtime_client.post_invocation_result("id-3", b"x" * 20_000, "application/json", None)
    take()
    try:
        runtime_client.post_invocation_result("id-1", b"x", "text/plain", "attempt-1")
        runtime_client.next()
    except RuntimeError as error:
        seen.append(str(error))
    print(seen)
"""


def _conversation(which: str, script: Path) -> tuple[str, list[object]]:
    """What a client of the Runtime API wrote and saw, and what it said, in a process of its own."""
    replies = [
        reply(EVENT_HEADERS, b'{"a": 1}'),
        ACCEPTED,
        reply(
            {
                "Lambda-Runtime-Aws-Request-Id": "id-2",
                "Lambda-Runtime-Deadline-Ms": "1",
                "Lambda-Runtime-Invoked-Function-Arn": "arn",
                "Lambda-Runtime-Trace-Id": "Root=1-é;Sampled=0",
                "Lambda-Runtime-Client-Context": '{"custom": {"k": "ü"}}',
                "Lambda-Runtime-Cognito-Identity": "{}",
                "Lambda-Runtime-Aws-Tenant-Id": "blue",
                "Content-Type": "text/plain",
            },
            b"\x00\xff",
        ),
        ACCEPTED,
        reply({**EVENT_HEADERS, "Lambda-Runtime-Aws-Request-Id": "id-3"}, b""),
        ACCEPTED,
        reply(EVENT_HEADERS, b"[]"),
    ]
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        folder = str(Path(runtime_client.__file__).parent)
        child = subprocess.Popen(
            [sys.executable, "-P", str(script), which, folder, address],
            env={**os.environ, "AWS_LAMBDA_RUNTIME_API": address},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        other, _ = server.accept()
    said: list[tuple[str, dict[str, str], bytes]] = []
    with other:
        requests = Requests(other)
        for answer in replies:
            said.append(requests.one())
            other.sendall(answer)
        said.append(requests.one())
        other.sendall(reply({}, '{"errorMessage": "é"}'.encode(), "413 Payload Too Large"))
        written, _ = child.communicate(timeout=30)
    kept = [(line, {n: v for n, v in headers.items() if n not in _TRANSPORT}, body) for line, headers, body in said]
    return re.sub(r"\[\d+\]", "[now]", written.decode()), list(kept)


#: The HTTP library's own; it means nothing to the Runtime API.
_TRANSPORT = {"host", "user-agent", "accept", "content-length"}


@pytest.mark.process
def test_recorded_it_says_and_sees_what_awss_client_does(tmp_path: Path) -> None:
    script = tmp_path / "conversation.py"
    script.write_text(textwrap.dedent(CONVERSATION))
    ours, awss = _conversation("ours", script), _conversation("aws", script)
    assert ours == awss
    assert "LAMBDA_RUNTIME Failed to post handler success response. Http response code: 413. " in ours[0]
