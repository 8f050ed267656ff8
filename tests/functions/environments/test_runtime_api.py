"""The Runtime API on a real socket, by hand-written requests: order, stale answers, sizes, hostile clients."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from callpark.functions.environments.runtime_api import Answer, Delivery, RuntimeSession
from callpark.functions.environments.runtime_http import RuntimeConnection
from callpark.functions.environments.streams import Collected, Sink

pytestmark = pytest.mark.process

PATH = "/2018-06-01/runtime"
LIMIT = 100


class Listener:
    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.handed = 0
        self.answers: list[Answer] = []
        self.init_errors: list[tuple[bytes, str | None]] = []
        self.content_types: list[str] = []
        self.sink: Sink = Collected(LIMIT)
        self.resume: Callable[[], None] | None = None

    def runtime_ready(self) -> None:
        self.ready.set()

    def handed_out(self) -> None:
        self.handed += 1

    def responding(self, content_type: str, resume: Callable[[], None]) -> Sink:
        self.content_types.append(content_type)
        self.resume = resume
        return self.sink

    def answered(self, answer: Answer) -> None:
        self.answers.append(answer)

    def init_failed(self, payload: bytes, error_type: str | None) -> None:
        self.init_errors.append((payload, error_type))


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> str:
        return str(json.loads(self.body)["errorType"])


class Client:
    """One connection of a runtime that does as it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, method: str, path: str, body: bytes | None = None, *headers: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + (body or b""))

    async def reply(self) -> Reply:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)).decode()
        first, *lines = head.strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Reply(int(first.split()[1]), headers, body)

    async def ask(self, method: str, path: str, body: bytes | None = None, *headers: str) -> Reply:
        self.send(method, path, body, *headers)
        return await self.reply()

    async def closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), 5) == b""


class Server:
    def __init__(self) -> None:
        self.listener = Listener()
        self.session = RuntimeSession(self.listener, LIMIT)
        self.clients: list[Client] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: RuntimeConnection(self.session), "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def client(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        return client

    def offer(self, request_id: str = "r", invocation_id: str = "i", payload: bytes = b"{}", **more: str) -> None:
        self.session.offer(
            Delivery(request_id, invocation_id, payload, "arn", 5, more.get("client_context"), more.get("trace_header"))
        )


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    await made.start()
    yield made
    for client in made.clients:
        client.writer.close()
    made.server.close()


async def running(server: Server) -> Client:
    """A client that has been handed an event."""
    client = await server.client()
    server.offer()
    assert (await client.ask("GET", f"{PATH}/invocation/next")).status == 200
    return client


async def test_an_event_waits_for_its_runtime_and_a_runtime_for_its_event(server: Server) -> None:
    client = await server.client()
    client.send("GET", f"{PATH}/invocation/next")
    await server.listener.ready.wait()
    server.offer(trace_header="Root=1\r\nEvil: 1", client_context='{"a":\n"é"}')
    event = await client.reply()
    assert (event.status, event.body) == (200, b"{}")
    assert event.headers["lambda-runtime-aws-request-id"] == "r"
    assert event.headers["lambda-runtime-invocation-id"] == "i"
    assert event.headers["lambda-runtime-deadline-ms"] == "5"
    assert event.headers["lambda-runtime-trace-id"] == "root=1  evil: 1"
    assert event.headers["lambda-runtime-client-context"] == '{"a": "é"}'
    done = await client.ask("POST", f"{PATH}/invocation/r/response", b"7", "Lambda-Runtime-Invocation-Id: i")
    assert (done.status, json.loads(done.body)) == (202, {"status": "OK"})
    assert server.listener.answers == [Answer(b"7")]


async def test_headers_that_are_empty_are_left_out(server: Server) -> None:
    client = await server.client()
    server.offer()
    event = await client.ask("GET", f"{PATH}/invocation/next")
    assert not {"lambda-runtime-trace-id", "lambda-runtime-client-context"} & event.headers.keys()


async def test_asking_again_gets_the_same_event_even_on_another_connection(server: Server) -> None:
    first = await running(server)
    again = await first.ask("GET", f"{PATH}/invocation/next")
    other = await (await server.client()).ask("GET", f"{PATH}/invocation/next")
    assert again.headers["lambda-runtime-invocation-id"] == other.headers["lambda-runtime-invocation-id"] == "i"
    assert server.listener.handed == 1


async def test_a_stale_answer_is_refused_and_a_missing_echo_is_not(server: Server) -> None:
    client = await running(server)
    stale = await client.ask("POST", f"{PATH}/invocation/r/response", b"1", "lambda-runtime-invocation-id: earlier")
    assert (stale.status, stale.error, json.loads(stale.body)["errorMessage"]) == (
        400, "InvalidRequestID", "Invalid request ID",
    )  # fmt: skip
    assert (await client.ask("POST", f"{PATH}/invocation/other/response", b"1")).error == "InvalidRequestID"
    assert (await client.ask("POST", f"{PATH}/invocation/r/response", b"1")).status == 202
    assert (await client.ask("POST", f"{PATH}/invocation/r/response", b"1")).error == "InvalidRequestID"
    assert len(server.listener.answers) == 1


async def test_an_answer_before_the_event_was_asked_for_is_refused(server: Server) -> None:
    client = await server.client()
    server.offer()
    assert (await client.ask("POST", f"{PATH}/invocation/r/response", b"1")).error == "InvalidRequestID"


async def test_an_error_object(server: Server) -> None:
    client = await running(server)
    assert (await client.ask("POST", f"{PATH}/invocation/r/error", b"{}")).status == 202
    assert server.listener.answers == [Answer(b"{}", failed=True)]


async def test_init_errors_and_the_state_machine(server: Server) -> None:
    client = await server.client()
    header = "Lambda-Runtime-Function-Error-Type: Runtime.X"
    assert (await client.ask("POST", f"{PATH}/init/error", b"{}", header)).status == 202
    assert server.listener.init_errors == [(b"{}", "Runtime.X")]
    refused = await client.ask("GET", f"{PATH}/invocation/next")
    assert (refused.status, refused.error) == (403, "InvalidStateTransition")
    other = Server()
    await other.start()
    late = await running(other)
    refused = await late.ask("POST", f"{PATH}/init/error", b"{}")
    assert "from Running to InitError failed" in json.loads(refused.body)["errorMessage"]
    late.writer.close()
    other.server.close()


async def test_an_answer_at_the_limit_and_one_beyond(server: Server) -> None:
    client = await running(server)
    big = await client.ask("POST", f"{PATH}/invocation/r/response", b"x" * (LIMIT + 1))
    assert (big.status, big.error) == (413, "RequestEntityTooLarge")
    assert server.listener.answers == [Answer(b"", too_large=True)]
    server.offer("s", "j")
    assert (await client.ask("GET", f"{PATH}/invocation/next")).headers["lambda-runtime-aws-request-id"] == "s"
    assert (await client.ask("POST", f"{PATH}/invocation/s/response", b"x" * LIMIT)).status == 202


async def test_chunked_bodies_and_expectations(server: Server) -> None:
    client = await running(server)
    client.send("POST", f"{PATH}/invocation/r/response", None, "Transfer-Encoding: chunked", "Expect: 100-continue")
    assert (await client.reply()).status == 100
    client.writer.write(b"2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n")
    assert (await client.reply()).status == 202
    assert server.listener.answers == [Answer(b"[1]")]


async def test_a_stream_that_breaks_off_says_so_in_its_trailers(server: Server) -> None:
    client = await running(server)
    mode = "Lambda-Runtime-Function-Response-Mode: streaming"
    client.send("POST", f"{PATH}/invocation/r/response", None, "Transfer-Encoding: chunked", mode)
    error = base64.b64encode(b'{"errorType":"E"}')
    client.writer.write(b"2\r\nab\r\n0\r\nLambda-Runtime-Function-Error-Body: " + error + b"\r\n\r\n")
    assert (await client.reply()).status == 202
    assert server.listener.answers == [Answer(b'{"errorType":"E"}', failed=True, streamed=True)]
    assert server.listener.content_types == ["application/octet-stream"]


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/2018-06-01/nothing", 404, "UnknownPath"),
        ("GET", "/", 404, "UnknownPath"),
        ("POST", f"{PATH}/invocation/next", 405, "MethodNotAllowed"),
        ("GET", f"{PATH}/invocation/r/response", 405, "MethodNotAllowed"),
        ("GET", f"{PATH}/restore/next", 501, "SnapStartNotSupported"),
        ("POST", "/2020-01-01/extension/register", 501, "Extension.NotSupported"),
        ("PUT", "/2022-07-01/telemetry", 202, "Telemetry.NotSupported"),
        ("PUT", "/2020-08-15/logs", 202, "Logs.NotSupported"),
    ],
)
async def test_what_is_not_offered_says_so(server: Server, method: str, path: str, status: int, error: str) -> None:
    client = await server.client()
    reply = await client.ask(method, path, b"{}")
    assert (reply.status, reply.error) == (status, error)
    assert (await client.ask("GET", "/2018-06-01/ping")).body == b"pong"


async def test_an_unknown_response_mode(server: Server) -> None:
    client = await running(server)
    mode = "Lambda-Runtime-Function-Response-Mode: telepathy"
    assert (
        await client.ask("POST", f"{PATH}/invocation/r/response", b"1", mode)
    ).error == "InvalidFunctionResponseMode"


@pytest.mark.parametrize(
    "noise", [b"\x00\xff\xfe" * 50, b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
async def test_noise_is_closed_and_harms_nobody(server: Server, noise: bytes) -> None:
    client = await server.client()
    client.writer.write(noise)
    assert b"400" in (await asyncio.wait_for(client.reader.read(), 5)).split(b"\r\n")[0]
    assert (await (await running(server)).ask("POST", f"{PATH}/invocation/r/response", b"1")).status == 202


async def test_endless_headers_are_cut_off(server: Server) -> None:
    client = await server.client()
    client.writer.write(b"GET / HTTP/1.1\r\nX: " + b"y" * (RuntimeConnection.MAXIMUM_HEADERS + 10))
    assert b"431" in (await asyncio.wait_for(client.reader.read(), 5)).split(b"\r\n")[0]


async def test_a_second_request_behind_an_unanswered_next_closes_the_connection(server: Server) -> None:
    client = await server.client()
    client.send("GET", f"{PATH}/invocation/next")
    client.send("GET", f"{PATH}/invocation/next")
    assert await client.closed()
    assert (await running(server)).writer is not client.writer


async def test_the_newest_of_two_waiting_connections_gets_the_event(server: Server) -> None:
    old, new = await server.client(), await server.client()
    old.send("GET", f"{PATH}/invocation/next")
    await server.listener.ready.wait()
    server.listener.ready.clear()
    new.send("GET", f"{PATH}/invocation/next")
    await server.listener.ready.wait()
    server.offer()
    assert (await new.reply()).status == 200
    assert await old.closed()


async def test_a_connection_that_breaks_inside_a_body_changes_nothing(server: Server) -> None:
    client = await running(server)
    client.writer.write(f"POST {PATH}/invocation/r/response HTTP/1.1\r\nContent-Length: 50\r\n\r\nhalf".encode())
    client.writer.close()
    await client.writer.wait_closed()
    assert (await (await server.client()).ask("POST", f"{PATH}/invocation/r/response", b"1")).status == 202
    assert server.listener.answers == [Answer(b"1")]


async def test_recorded_a_body_that_was_cut_short_is_refused_while_somebody_listens(server: Server) -> None:
    client = await running(server)
    client.writer.write(f"POST {PATH}/invocation/r/response HTTP/1.1\r\nContent-Length: 50\r\n\r\nhalf".encode())
    client.writer.write_eof()
    refused = await client.reply()
    assert refused.status == 400
    assert json.loads(refused.body) == {
        "errorMessage": "HTTP request detected as truncated",
        "errorType": "TruncatedHTTPRequest",
    }
    assert await client.closed()
    assert server.listener.answers == []


STREAMING = "Lambda-Runtime-Function-Response-Mode: streaming"


async def test_a_stream_reaches_its_sink_piece_by_piece(server: Server) -> None:
    client = await running(server)
    headers = ("Transfer-Encoding: chunked", STREAMING, "Content-Type: text/event-stream")
    client.send("POST", f"{PATH}/invocation/r/response", None, *headers)
    client.writer.write(b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    assert (await client.reply()).status == 202
    assert server.listener.answers == [Answer(b"abc", streamed=True)]
    assert server.listener.content_types == ["text/event-stream"]


async def test_recorded_refusals_of_streams(server: Server) -> None:
    client = await running(server)
    stale = await client.ask("POST", f"{PATH}/invocation/other/response", b"x", STREAMING)
    assert (stale.status, stale.error) == (400, "InvalidRequestID")
    odd = await client.ask("POST", f"{PATH}/invocation/r/response", b"x", "Lambda-Runtime-Function-Response-Mode: odd")
    assert (odd.status, odd.error) == (400, "InvalidFunctionResponseMode")
    late = await client.ask(
        "POST", f"{PATH}/invocation/r/response", b"x", STREAMING, "Lambda-Runtime-Invocation-Id: former"
    )
    assert (late.status, late.error) == (400, "InvalidRequestID")
    large = await client.ask("POST", f"{PATH}/invocation/r/response", b"x" * (LIMIT + 1), STREAMING)
    assert (large.status, large.error) == (413, "RequestEntityTooLarge")
    assert server.listener.answers == [Answer(b"", too_large=True, streamed=True)]


async def test_a_stream_whose_connection_breaks_is_truncated_once_the_runtime_goes_on(server: Server) -> None:
    client = await running(server)
    client.send("POST", f"{PATH}/invocation/r/response", None, "Transfer-Encoding: chunked", STREAMING)
    client.writer.write(b"2\r\nab\r\n")
    await client.writer.drain()
    client.writer.close()
    await client.writer.wait_closed()
    other = await server.client()
    other.send("GET", f"{PATH}/invocation/next")
    async with asyncio.timeout(5):
        while not server.listener.answers:
            server.listener.ready.clear()
            await server.listener.ready.wait()
    (answer,) = server.listener.answers
    assert (answer.failed, json.loads(answer.payload)["errorType"]) == (True, "Runtime.TruncatedResponse")
