"""The gateway on a real port: an unmodified boto3 client, and clients that misbehave."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

import boto3
import botocore.config
import pytest
import websockets.asyncio.client

from bench import load
from callpark.gateway.app import Gateway
from callpark.gateway.server import Server, bind
from callpark.kernel.arn import Place
from callpark.kernel.asgi import Receive, Scope, Send
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import Limits
from callpark.kernel.operations import Answer, Call, OperationTable

pytestmark = pytest.mark.process

T = TypeVar("T")
LIMITS = Limits().override(["gateway.connections=20", "gateway.shutdown_seconds=1", "gateway.header_bytes=8000"])
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


class Toys:
    """Real operation names, answered in the test."""

    def __init__(self) -> None:
        self.slow_started = asyncio.Event()
        self.slow_may_end = asyncio.Event()
        self.slow_ended = False
        self.seen: list[Call] = []

    def table(self) -> OperationTable:
        return {
            ("lambda", "Invoke"): self.invoke,
            ("lambda", "InvokeWithResponseStream"): self.stream,
            ("lambda", "CreateFunction"): self.create,
            ("lambda", "GetFunction"): self.get,
            ("sqs", "SendMessage"): self.send,
            ("sts", "GetCallerIdentity"): self.identity,
        }

    async def invoke(self, call: Call) -> Answer:
        self.seen.append(call)
        name = call.parameters["FunctionName"]
        if name == "slow":
            self.slow_started.set()
            await self.slow_may_end.wait()
            self.slow_ended = True
        if name == "busy":
            body = {"Reason": "CallerRateLimitExceeded", "Type": "User", "message": "Rate Exceeded."}
            raise CallerError(
                "TooManyRequestsException", 429, "Rate Exceeded.", body=body, headers={"Retry-After": "1"}
            )
        if call.parameters.get("InvocationType") == "Event":
            return Answer({"StatusCode": 202})
        return Answer({"StatusCode": 200, "Payload": call.parameters.get("Payload", b"{}"), "ExecutedVersion": "1"})

    async def stream(self, call: Call) -> Answer:
        async def tokens() -> AsyncIterator[tuple[str, Mapping[str, object]]]:
            for token in (b"to", b"kens"):
                yield "PayloadChunk", {"Payload": token}
            yield "InvokeComplete", {"LogResult": "bG9n"}

        return Answer({"ExecutedVersion": "1"}, stream=tokens())

    async def create(self, call: Call) -> Mapping[str, object]:
        code = call.parameters["Code"]
        assert isinstance(code, dict)
        return {"FunctionName": call.parameters["FunctionName"], "CodeSize": len(code["ZipFile"]), "FunctionArn": ARN}

    async def get(self, call: Call) -> Mapping[str, object]:
        text = f"Function not found: {ARN}"
        raise CallerError("ResourceNotFoundException", 404, text, body={"Type": "User", "Message": text})

    async def send(self, call: Call) -> Mapping[str, object]:
        raise CallerError("QueueDoesNotExist", 400, "The specified queue does not exist.")

    async def identity(self, call: Call) -> Mapping[str, object]:
        return {"UserId": "u", "Account": call.place.account, "Arn": f"arn:aws:iam::{call.place.account}:root"}


class Shouting:
    """A mounted websocket."""

    def matches(self, scope: Scope) -> bool:
        return bool(scope["path"] == "/shout")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "graphql-ws"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"].upper()})


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def server(toys: Toys) -> AsyncIterator[Server]:
    gateway = Gateway(toys.table(), [Shouting()], SystemIds(), LIMITS.gateway, Place(), lambda: {"status": "ready"})
    with bind("127.0.0.1", 0) as bound:
        made = Server(gateway, bound, LIMITS.gateway)
        await made.start()
        yield made
        await made.stop()


def client(service: str, server: Server) -> Any:
    """An unmodified boto3 client. boto3 has no types here."""
    config = botocore.config.Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5)
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1").client(
        service, endpoint_url=server.base_url, config=config
    )


async def using(made: Any, work: Callable[[Any], T]) -> T:
    """Work of a blocking client, beside the loop that answers it; its connections are closed after."""
    try:
        return await asyncio.to_thread(work, made)
    finally:
        made.close()


async def test_boto3_invokes(server: Server, toys: Toys) -> None:
    def work(lambda_: Any) -> tuple[Any, bytes, Any]:
        answer = lambda_.invoke(FunctionName=ARN, Payload=b'{"a": 1}', Qualifier="1")
        event = lambda_.invoke(FunctionName="f", InvocationType="Event")
        return answer, answer["Payload"].read(), event

    answer, payload, event = await using(client("lambda", server), work)
    assert (answer["StatusCode"], answer["ExecutedVersion"], payload) == (200, "1", b'{"a": 1}')
    assert (event["StatusCode"], event["Payload"].read()) == (202, b"")
    assert "ExecutedVersion" not in event
    assert toys.seen[0].parameters["FunctionName"] == ARN
    assert event["ResponseMetadata"]["RequestId"] == toys.seen[1].request_id


async def test_boto3_raises_typed_exceptions(server: Server) -> None:
    def work(lambda_: Any) -> None:
        with pytest.raises(lambda_.exceptions.ResourceNotFoundException) as missing:
            lambda_.get_function(FunctionName="f")
        assert missing.value.response["Message"] == f"Function not found: {ARN}"
        assert missing.value.response["Type"] == "User"
        with pytest.raises(lambda_.exceptions.TooManyRequestsException) as busy:
            lambda_.invoke(FunctionName="busy")
        assert busy.value.response["Reason"] == "CallerRateLimitExceeded"
        assert busy.value.response["retryAfterSeconds"] == "1"
        with pytest.raises(lambda_.exceptions.ClientError) as absent:
            lambda_.list_functions()
        assert absent.value.response["Error"]["Code"] == "NotImplemented"
        with pytest.raises(lambda_.exceptions.ClientError) as invalid:
            lambda_.invoke(FunctionName="f", InvocationType="Later")
        assert invalid.value.response["Error"]["Code"] == "ValidationException"

    await using(client("lambda", server), work)


async def test_boto3_uploads_and_streams(server: Server) -> None:
    def work(lambda_: Any) -> tuple[Any, list[Any]]:
        created = lambda_.create_function(
            FunctionName="f", Role="arn:aws:iam::123456789012:role/r", Code={"ZipFile": b"x" * 200_000}
        )
        stream = lambda_.invoke_with_response_stream(FunctionName="f", Payload=b"{}")
        return created, list(stream["EventStream"])

    created, events = await using(client("lambda", server), work)
    assert (created["ResponseMetadata"]["HTTPStatusCode"], created["CodeSize"]) == (201, 200_000)
    assert events == [
        {"PayloadChunk": {"Payload": b"to"}},
        {"PayloadChunk": {"Payload": b"kens"}},
        {"InvokeComplete": {"LogResult": base64.b64encode(b"log").decode()}},
    ]


async def test_boto3_reads_sqs_and_sts(server: Server) -> None:
    def send(sqs: Any) -> None:
        with pytest.raises(sqs.exceptions.QueueDoesNotExist) as error:
            sqs.send_message(QueueUrl="http://127.0.0.1/1/q", MessageBody="b")
        assert error.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
        assert error.value.response["Error"]["QueryErrorCode"] == "QueueDoesNotExist"

    await using(client("sqs", server), send)
    identity = await using(client("sts", server), lambda sts: sts.get_caller_identity())
    assert identity["Account"] == "123456789012"


async def raw(server: Server, data: bytes) -> bytes:
    """What comes back for bytes, until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.base_url.rsplit(":", 1)[1]))
    try:
        writer.write(data)
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"this is not HTTP\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost x\r\n\r\n", 400),
        (b"GET http://[::1 HTTP/1.1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Much: " + b"y" * 9000 + b"\r\n\r\n", 431),
        (b"GET /" + b"y" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413),
    ],
)
async def test_what_is_not_http_is_refused_in_json(server: Server, data: bytes, status: int) -> None:
    answer = await raw(server, data)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert b'{"message":"' in answer
    assert b"Traceback" not in answer


async def test_connections_are_limited(server: Server) -> None:
    port = int(server.base_url.rsplit(":", 1)[1])
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    assert (await raw(server, b"")).startswith(b"HTTP/1.1 503 ")
    for _, writer in held:
        writer.close()
        await writer.wait_closed()


async def test_who_stops_in_the_middle_of_a_request_is_let_go(toys: Toys) -> None:
    limits = LIMITS.override(["gateway.keep_alive_seconds=1"])
    gateway = Gateway(toys.table(), [], SystemIds(), limits.gateway, Place(), dict)
    body = b"HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
    halves = [
        b"",
        b"GET / HTT",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / " + body,
        b"POST /2015-03-31/functions/f/invocations " + body,
    ]
    with bind("127.0.0.1", 0) as bound:
        server = Server(gateway, bound, limits.gateway, direct=gateway)
        await server.start()
        assert await asyncio.gather(*[raw(server, half) for half in halves]) == [b""] * len(halves)
        await server.stop()


async def test_keep_alive_under_load(server: Server) -> None:
    url = f"{server.base_url}/2015-03-31/functions/f/invocations"
    report = await load.run(load.Request("POST", url, (("X-Amz-Invocation-Type", "Event"),), b"{}"), 4, 100)
    assert report.statuses == {202: 100}
    assert 0 < report.percentile(0.5) <= report.percentile(0.99)


async def test_an_operation_goes_on_when_its_client_leaves(server: Server, toys: Toys) -> None:
    port = int(server.base_url.rsplit(":", 1)[1])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /2015-03-31/functions/slow/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
    await toys.slow_started.wait()
    writer.close()
    await writer.wait_closed()
    toys.slow_may_end.set()
    answer = await raw(server, b"GET /_callpark/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b'{"status":"ready"}')
    assert toys.slow_ended


async def test_websockets_reach_their_mount(server: Server) -> None:
    url = server.base_url.replace("http:", "ws:")
    async with websockets.asyncio.client.connect(
        f"{url}/shout", subprotocols=[websockets.Subprotocol("graphql-ws")]
    ) as socket:
        await socket.send("hello")
        assert await socket.recv() == "HELLO"
    with pytest.raises(websockets.InvalidStatus):
        await websockets.asyncio.client.connect(f"{url}/nowhere")


async def test_a_stop_cuts_what_does_not_end(toys: Toys) -> None:
    gateway = Gateway(toys.table(), [], SystemIds(), LIMITS.gateway, Place(), dict)
    with bind("127.0.0.1", 0) as bound:
        server = Server(gateway, bound, LIMITS.gateway)
        await server.start()
        hanging = asyncio.create_task(
            raw(server, b"POST /2015-03-31/functions/slow/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        )
        await toys.slow_started.wait()
        async with asyncio.timeout(5):
            await server.stop()
            await server.stop()
            await asyncio.gather(hanging, return_exceptions=True)
    assert not toys.slow_ended


def test_a_taken_port_names_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ProjectError, match="is in use") as error:
            bind("127.0.0.1", taken.getsockname()[1])
    assert "--port" in error.value.remedy


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 0), ("127.0.0.1", 70_000), ("203.0.113.1", 0)])
def test_an_address_that_cannot_be_had_is_the_projects_error(host: str, port: int) -> None:
    with pytest.raises(ProjectError):
        bind(host, port)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")])
def test_the_base_url_is_one_a_client_can_use(host: str, shown: str) -> None:
    if ":" in host and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with bind(host, 0) as bound:
        assert bound.base_url == f"http://{shown}:{bound.port}"
