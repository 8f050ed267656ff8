"""The HTTP data source: what goes out, what comes back, what fails and how. Reference §8, §1.2 (the older trick)."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest

from callpark.graphql.datasources.aws_endpoints import is_aws_service, localised
from callpark.graphql.datasources.http import HttpSource, prepare
from callpark.graphql.datasources.outbound import Outbound
from callpark.graphql.datasources.port import Outcome
from callpark.graphql.datasources.timed import TimedSource
from callpark.graphql.failures import FieldFailure
from callpark.graphql.model import HttpConfig, Signing
from callpark.kernel.clock import SystemClock, VirtualClock
from tests.graphql.datasources.http_server import HttpServer, http_server

pytestmark = pytest.mark.process
BASE = "http://127.0.0.1:4566"


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with http_server() as served:
        yield served


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    made = Outbound(VirtualClock())
    yield made
    await made.aclose()


async def ask(outbound: Outbound, endpoint: str, most: int = 1_000_000, **request: Any) -> Outcome:
    source = HttpSource(HttpConfig(endpoint), outbound, BASE, most)
    return await source.call({"method": "GET", "resourcePath": "/", **request}, 0.0)


async def test_what_goes_out_and_what_comes_back(server: HttpServer, outbound: Outbound) -> None:
    outcome = await ask(
        outbound,
        server.url,
        method="post",
        resourcePath="/a b/c?x=1",
        params={
            "query": {"q": "ä&b", "n": 1, "on": True, "list": [1, 2], "none": None},
            "headers": {"X-Mine": "yes", "X-Number": 3, "Host": "elsewhere", "Content-Length": "999"},
            "body": {"k": "ü"},
        },
    )
    assert outcome == Outcome(
        {
            "statusCode": 200,
            "headers": {"Content-Type": "application/json", "X-Two": "a,b", "Content-Length": "7"},
            "body": '{"a":1}',
        }
    )
    ((line, headers, body),) = server.requests
    assert line == "POST /a%20b/c?x=1&q=%C3%A4%26b&n=1&on=true&list=1&list=2"
    assert (headers["x-mine"], headers["x-number"], headers["content-type"]) == ("yes", "3", "application/json")
    assert server.url.endswith(headers["host"])
    assert body == '{"k":"ü"}'.encode()


async def test_text_goes_as_it_is_and_connections_are_used_again(server: HttpServer, outbound: Outbound) -> None:
    params = {"headers": {"content-type": "text/plain"}, "body": "plain"}
    for _ in range(3):
        await ask(outbound, server.url, method="PUT", params=params)
    assert [(headers["content-type"], body) for _, headers, body in server.requests] == [("text/plain", b"plain")] * 3
    assert server.connections == 1


@pytest.mark.parametrize("status", [301, 404, 503])
async def test_no_status_is_an_error_and_no_redirect_is_followed(
    server: HttpServer, outbound: Outbound, status: int
) -> None:
    server.answer = f"HTTP/1.1 {status} Whatever\r\nLocation: /other\r\nContent-Length: 2\r\n\r\nno".encode()
    outcome = await ask(outbound, server.url)
    assert outcome.error is None
    assert isinstance(outcome.result, dict)
    assert (outcome.result["statusCode"], outcome.result["body"]) == (status, "no")
    assert len(server.requests) == 1


async def test_compressed_answers_and_bytes_that_are_no_text(server: HttpServer, outbound: Outbound) -> None:
    packed = gzip.compress(b"hello")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    server.answer = head + packed
    assert (await ask(outbound, server.url)).result["body"] == "hello"  # type: ignore[index]
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe"
    assert (await ask(outbound, server.url)).result["body"] == "\ufffd\ufffd"  # type: ignore[index]


async def test_an_answer_without_end_is_cut_off(server: HttpServer, outbound: Outbound) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n"
    outcome = await ask(outbound, server.url, most=1000)
    assert outcome.error is not None
    assert outcome.error.type == "Http:ResponseTooLargeException"


@pytest.mark.parametrize(("answer", "kind"), [(None, "ProtocolException"), (b"garbage\r\n\r\n", "ProtocolException")])
async def test_half_answers_are_errors(server: HttpServer, outbound: Outbound, answer: bytes | None, kind: str) -> None:
    server.answer = answer
    outcome = await ask(outbound, server.url)
    assert outcome.error is not None
    assert outcome.error.type == f"Http:{kind}"


@pytest.mark.parametrize(
    ("endpoint", "kind"),
    [("http://127.0.0.1:1", "ConnectException"), ("ftp://127.0.0.1", "MalformedURLException")],
)
async def test_nobody_there(outbound: Outbound, endpoint: str, kind: str) -> None:
    outcome = await ask(outbound, endpoint)
    assert outcome.error is not None
    assert outcome.error.type == f"Http:{kind}"


async def test_a_server_that_never_answers(server: HttpServer) -> None:
    clock = SystemClock()
    server.silent = True
    outbound = Outbound(clock)
    source = TimedSource(HttpSource(HttpConfig(server.url), outbound, BASE, 1000), clock, "Http", 0.05)
    outcome = await source.call({"method": "GET", "resourcePath": "/"}, clock.now() + 30)
    await outbound.aclose()
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("Http:ExecutionTimeoutException", "Execution timed out.")


async def test_aws_endpoints_are_this_server(server: HttpServer, outbound: Outbound) -> None:
    """The trick of calling the Lambda API with an Event: the request reaches us, and says whom it was meant for."""
    config = HttpConfig("https://lambda.eu-west-1.amazonaws.com", Signing("eu-west-1", "lambda"))
    path = "/2015-03-31/functions/story/invocations"
    outcome = await HttpSource(config, outbound, server.url, 1000).call(
        {
            "method": "POST",
            "resourcePath": path,
            "params": {"headers": {"X-Amz-Invocation-Type": "Event"}, "body": {"a": 1}},
        },
        0.0,
    )
    assert outcome.error is None
    ((line, headers, body),) = server.requests
    assert line == f"POST {path}"
    assert headers["host"] == "lambda.eu-west-1.amazonaws.com"
    assert headers["x-amz-invocation-type"] == "Event"
    assert "/eu-west-1/lambda/aws4_request" in headers["authorization"]
    assert "SignedHeaders=" in headers["authorization"]
    assert body == b'{"a":1}'


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://lambda.us-east-1.amazonaws.com/x", True),
        ("https://bedrock-runtime.eu-central-1.amazonaws.com", True),
        ("https://runtime.sagemaker.ap-southeast-2.amazonaws.com", True),
        ("https://sync-states.us-gov-west-1.amazonaws.com", True),
        ("https://abc123.execute-api.us-east-1.amazonaws.com/prod", False),
        ("https://search-x.us-east-1.es.amazonaws.com", False),
        ("https://example.com", False),
        ("http://localhost:9000", False),
    ],
)
def test_which_addresses_are_aws_services(url: str, *, ours: bool) -> None:
    assert is_aws_service(url) is ours
    assert localised(url, BASE)[0].startswith(BASE if ours else url)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"resourcePath": "/"}, r"\$\[method\]"),
        ({"method": "GET"}, r"\$\[resourcePath\]"),
        ({"method": "HEAD", "resourcePath": "/"}, "Unsupported HTTP method 'HEAD'"),
        ({"method": "GET", "resourcePath": "x"}, "must start with '/'"),
        ({"method": "GET", "resourcePath": "/", "params": []}, "Expected JSON object"),
        ({"method": "GET", "resourcePath": "/", "params": {"headers": "x"}}, "Expected JSON object"),
    ],
)
def test_requests_that_are_not_understood(request_: dict[str, Any], words: str) -> None:
    with pytest.raises(FieldFailure, match=words):
        prepare(request_, HttpConfig("http://x"))
