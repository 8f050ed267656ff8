"""The gateway in process: httpx.ASGITransport against operations of the test."""

import logging
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.gateway.app import Gateway
from callpark.kernel.arn import Place
from callpark.kernel.asgi import Message, Receive, Scope, Send
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import Limits
from callpark.kernel.operations import Answer, Call, OperationTable

pytestmark = pytest.mark.unit

INVOKE = "/2015-03-31/functions/{}/invocations"
LIMITS = Limits().override(["gateway.body_bytes=1000", "gateway.header_bytes=2000"])


class Operations:
    """Real operation names, answered by the test; every call is kept."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def invoke(self, call: Call) -> Answer:
        self.calls.append(call)
        if call.parameters.get("InvocationType") == "Event":
            return Answer({"StatusCode": 202}, request_id="event-id")
        if call.parameters.get("InvocationType") == "DryRun":
            return Answer({"StatusCode": 204})
        payload = call.parameters.get("Payload", b"{}")
        return Answer({"StatusCode": 200, "Payload": payload, "ExecutedVersion": "$LATEST"})

    async def get_function(self, call: Call) -> Mapping[str, object]:
        self.calls.append(call)
        name = call.parameters["FunctionName"]
        if name == "bug":
            raise KeyError("a secret")
        if name == "wrong":
            return {"NoSuchMember": 1}
        text = f"Function not found: {name}"
        raise CallerError("ResourceNotFoundException", 404, text, body={"Type": "User", "Message": text})

    async def create_function(self, call: Call) -> Mapping[str, object]:
        self.calls.append(call)
        return {"FunctionName": call.parameters["FunctionName"], "Timeout": 3}

    async def delete_function(self, call: Call) -> Mapping[str, object]:
        return {}

    async def send_message(self, call: Call) -> Mapping[str, object]:
        self.calls.append(call)
        raise CallerError("QueueDoesNotExist", 400, "The specified queue does not exist.")

    async def stream(self, call: Call) -> Answer:
        async def tokens() -> AsyncIterator[tuple[str, Mapping[str, object]]]:
            yield "PayloadChunk", {"Payload": b"one"}
            yield "InvokeComplete", {}

        return Answer({"ExecutedVersion": "1"}, stream=tokens())


class Echo:
    """A mount."""

    def matches(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return path.startswith("/apis/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"mounted"})


@pytest.fixture
def operations() -> Operations:
    return Operations()


def gateway(operations: Operations) -> Gateway:
    table: OperationTable = {
        ("lambda", "Invoke"): operations.invoke,
        ("lambda", "GetFunction"): operations.get_function,
        ("lambda", "CreateFunction"): operations.create_function,
        ("lambda", "DeleteFunctionConcurrency"): operations.delete_function,
        ("lambda", "InvokeWithResponseStream"): operations.stream,
        ("sqs", "SendMessage"): operations.send_message,
    }
    return Gateway(table, [Echo()], SeededIds(1), LIMITS.gateway, Place(), lambda: {"status": "ready", "functions": []})


@pytest.fixture
async def client(operations: Operations) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(gateway(operations), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4566") as made:
        yield made


async def test_health(client: httpx.AsyncClient) -> None:
    answer = await client.get("/_callpark/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "functions": []})
    assert (await client.head("/_callpark/health")).content == b""
    assert (await client.post("/_callpark/health")).status_code == 405
    assert (await client.get("/_callpark/nothing")).status_code == 404


async def test_a_mount_takes_its_paths(client: httpx.AsyncClient) -> None:
    assert (await client.post("/apis/x/graphql")).content == b"mounted"


async def test_invoke_passes_bytes_and_headers(client: httpx.AsyncClient, operations: Operations) -> None:
    body = b' {"a" : 1} '
    answer = await client.post(
        INVOKE.format("arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af"),
        params={"Qualifier": "live"},
        content=body,
        headers={"X-Amz-Log-Type": "Tail", "X-Amzn-Trace-Id": "Root=1"},
    )
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["x-amz-executed-version"] == "$LATEST"
    [call] = operations.calls
    assert dict(call.parameters) == {
        "FunctionName": "arn:aws:lambda:us-east-1:1:function:f",
        "Qualifier": "live",
        "LogType": "Tail",
        "Payload": body,
    }
    assert call.headers["x-amzn-trace-id"] == "Root=1"
    assert answer.headers["x-amzn-requestid"] == call.request_id


async def test_an_event_is_acknowledged_bare(client: httpx.AsyncClient) -> None:
    answer = await client.post(INVOKE.format("f"), headers={"X-Amz-Invocation-Type": "Event"})
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["x-amzn-requestid"] == "event-id"
    assert not {"x-amz-executed-version", "x-amz-function-error", "x-amz-log-result"} & set(answer.headers)


async def test_a_dry_run_has_no_body(client: httpx.AsyncClient) -> None:
    answer = await client.post(INVOKE.format("f"), headers={"X-Amz-Invocation-Type": "DryRun"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers


async def test_a_refusal_has_awss_shape(client: httpx.AsyncClient) -> None:
    answer = await client.get("/2015-03-31/functions/f")
    assert (answer.status_code, answer.json()) == (404, {"Type": "User", "Message": "Function not found: f"})
    assert answer.headers["x-amzn-errortype"] == "ResourceNotFoundException"
    assert answer.headers["x-amzn-requestid"]


async def test_an_operation_that_is_not_built_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/2015-03-31/functions")
    assert answer.status_code == 501
    assert answer.json() == {"message": "callpark does not implement ListFunctions of the service lambda"}
    assert answer.headers["x-amzn-errortype"] == "NotImplemented"


@pytest.mark.parametrize("name", ["bug", "wrong"])
async def test_a_bug_is_logged_and_not_told(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    answer = await client.get(f"/2015-03-31/functions/{name}")
    assert answer.status_code == 500
    assert answer.headers["x-amzn-errortype"] == "ServiceException"
    assert answer.json()["Type"] == "Service"
    assert "secret" not in answer.text
    assert "NoSuchMember" not in answer.text
    assert answer.headers["x-amzn-requestid"] in caplog.text
    caplog.clear()


async def test_created_is_201_and_nothing_is_204(client: httpx.AsyncClient) -> None:
    role = "arn:aws:iam::123456789012:role/r"
    created = await client.post("/2015-03-31/functions", json={"FunctionName": "f", "Role": role, "Code": {}})
    assert (created.status_code, created.json()) == (201, {"FunctionName": "f", "Timeout": 3})
    deleted = await client.delete("/2017-10-31/functions/f/concurrency")
    assert (deleted.status_code, deleted.content) == (204, b"")


async def test_members_aws_does_not_know_are_warned_about(
    client: httpx.AsyncClient, operations: Operations, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Code": {}, "Timeoutt": 3, "Layers": None}
    with caplog.at_level(logging.WARNING, "callpark"):
        assert (await client.post("/2015-03-31/functions", json=body)).status_code == 201
    assert "Timeoutt" in caplog.text
    assert set(operations.calls[0].parameters) == {"FunctionName", "Role", "Code"}


async def test_a_body_that_is_too_large_is_413(client: httpx.AsyncClient, operations: Operations) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100

    for content in (b"x" * 1001, pieces()):
        answer = await client.post(INVOKE.format("f"), content=content)
        assert answer.status_code == 413
        assert answer.json() == {"message": "Request must be smaller than 1000 bytes"}
        assert answer.headers["connection"] == "close"
    assert operations.calls == []


async def test_headers_that_are_too_large_are_431(client: httpx.AsyncClient) -> None:
    answer = await client.get("/2015-03-31/functions/f", headers={"x-much": "y" * 3000})
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (431, "RequestHeaderFieldsTooLarge")


async def test_methods(client: httpx.AsyncClient) -> None:
    options = await client.options("/2015-03-31/functions/f")
    assert (options.status_code, options.headers["allow"]) == (204, "DELETE, GET, OPTIONS")
    patched = await client.patch("/2015-03-31/functions/f")
    assert (patched.status_code, patched.headers["allow"]) == (405, "DELETE, GET")


async def test_sqs_refuses_in_json_and_in_xml(client: httpx.AsyncClient) -> None:
    target = {"X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0"}
    answer = await client.post("/", headers=target, json={"QueueUrl": "u", "MessageBody": "b"})
    assert answer.json()["__type"] == "com.amazonaws.sqs#QueueDoesNotExist"
    form = {"Action": "SendMessage", "QueueUrl": "u", "MessageBody": "b"}
    answer = await client.post("/", data=form)
    assert "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in answer.text


async def test_a_stream_flushes_frame_by_frame(operations: Operations) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    path = "/2021-11-15/functions/f/response-streaming-invocations"
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    await gateway(operations)(scope, receive, send)
    assert [bool(message.get("body")) for message in sent] == [False, True, True, False]
    assert (b"X-Amz-Executed-Version", b"1") in sent[0]["headers"]


async def test_a_client_that_leaves_early_reaches_no_operation(operations: Operations) -> None:
    arrivals: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return arrivals.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError("nobody is there")

    path = INVOKE.format("f")
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    await gateway(operations)(scope, receive, send)
    assert operations.calls == []


async def test_lifespan_and_unknown_websockets(operations: Operations) -> None:
    sent: list[str] = []
    arrivals = ["lifespan.startup", "lifespan.shutdown", "websocket.connect"]

    async def receive() -> Message:
        return {"type": arrivals.pop(0)}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await gateway(operations)({"type": "lifespan"}, receive, send)
    await gateway(operations)({"type": "websocket", "path": "/nowhere"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


HEADER_VALUES = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30),
    st.sampled_from(
        ["application/json", "application/x-www-form-urlencoded", "AmazonSQS.SendMessage", "Event", "99999999999999"]
    ),
)
FUZZ = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]),
    path=st.one_of(
        st.sampled_from(
            [b"/", b"/2015-03-31/functions", b"/2015-03-31/functions/f/invocations", b"/2015-03-31/functions/%ff%00"]
        ),
        st.binary(max_size=30).map(lambda tail: b"/" + tail),
    ),
    query=st.one_of(st.binary(max_size=30), st.sampled_from([b"MaxItems=x", b"Action=SendMessage&QueueUrl=u"])),
    headers=st.dictionaries(
        st.sampled_from(["content-type", "x-amz-target", "authorization", "content-length", "x-amz-client-context"]),
        HEADER_VALUES,
    ),
    body=st.one_of(
        st.binary(max_size=60),
        st.sampled_from(
            [b"[" * 900, b"{" * 5, b'{"FunctionName":1}', b'{"Code":{"ZipFile":"*"}}', b"\xff\xfe", b"null", b'"x"']
        ),
    ),
)
async def test_malformed_requests_get_awss_shape(
    method: str, path: bytes, query: bytes, headers: dict[str, str], body: bytes
) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path.decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    await gateway(Operations())(scope, receive, send)
    start, *rest = sent
    given_back = {name.lower(): value for name, value in start["headers"]}
    text = b"".join(message["body"] for message in rest)
    assert start["status"] in (200, 201, 202, 204, 400, 404, 405, 413, 501)
    assert b"x-amzn-requestid" in given_back
    if start["status"] >= 400:
        assert b"x-amzn-errortype" in given_back or b"__type" in text or b"<ErrorResponse" in text or method == "HEAD"
    assert b"Traceback" not in text
