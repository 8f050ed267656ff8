"""Requests for services that are not ours, passed through the gateway to an upstream on a real socket."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import httpx
import pytest

from callpark.gateway.app import Gateway
from callpark.kernel.arn import Place
from callpark.kernel.clock import SystemClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import GatewayLimits, UpstreamLimits
from callpark.kernel.operations import Call
from callpark.upstreams.assignments import Assignments, Emulator
from callpark.upstreams.calls import Upstreams
from callpark.upstreams.passing import Passing
from tests.upstreams.scripted import ScriptedServer, scripted

pytestmark = pytest.mark.process

LIMITS = replace(UpstreamLimits(), connect_seconds=2.0, silence_seconds=0.3)


async def nothing(call: Call) -> Mapping[str, object]:
    return {"Functions": []}


def scope(service: str, region: str = "us-east-1") -> dict[str, str]:
    credential = f"Credential=AKID/20260101/{region}/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"}


class Moto:
    """A fallback that runs elsewhere."""

    generation = 1

    def __init__(self, url: str) -> None:
        self._url = url

    async def address(self) -> str:
        return self._url

    async def close(self) -> None:
        pass


class NoOwnServices:
    """Nothing is served by callpark itself."""

    def serves(self, service: str) -> bool:
        return False

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        raise AssertionError(f"nobody expects {operation} of {service}")


class Front:
    """A gateway in process whose foreign services go to `assignments`, and to the fallback at `moto`."""

    def __init__(self, assignments: Assignments, moto: str | None = None) -> None:
        self.upstreams = Upstreams(
            clock=SystemClock(),
            ids=SeededIds(1),
            limits=LIMITS,
            place=Place(),
            assignments=assignments,
            fallback=None if moto is None else Moto(moto),
            own=NoOwnServices,
        )
        gateway = Gateway(
            {("lambda", "ListFunctions"): nothing},
            mounts=[],
            ids=SeededIds(1),
            limits=GatewayLimits(),
            place=Place(),
            health=dict,
            foreign=Passing(self.upstreams, {"lambda"}, "us-east-1", GatewayLimits()),
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(gateway, raise_app_exceptions=False), base_url="http://localhost:4566"
        )

    async def aclose(self) -> None:
        await self.client.aclose()
        await self.upstreams.close()


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedServer]:
    async with scripted() as server:
        yield server


@pytest.fixture
async def front(upstream: ScriptedServer) -> AsyncIterator[Front]:
    front = Front(Assignments(default=Emulator(upstream.url)))
    yield front
    await front.aclose()


@pytest.fixture
async def signing(upstream: ScriptedServer) -> AsyncIterator[Front]:
    front = Front(Assignments(default=Emulator(upstream.url, "minio", "secret")))
    yield front
    await front.aclose()


async def test_an_emulator_gets_what_the_client_sent(front: Front, upstream: ScriptedServer) -> None:
    upstream.answer = (
        b"HTTP/1.1 201 Created\r\nX-Own: a\r\nSet-Cookie: b=1\r\nSet-Cookie: c=2\r\nConnection: keep-alive\r\n"
        b"content-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x01\x02\x03"
    )
    headers = {**scope("s3"), "x-amz-meta-a": "b", "content-type": "text/plain", "te": "trailers"}
    request = front.client.build_request("PUT", "/bucket/a%20b%2Fc%2B?x-id=PutObject", headers=headers, content=b"body")
    answer = await front.client.send(request, stream=True)
    raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert (answer.status_code, raw) == (201, b"\x01\x02\x03")
    assert answer.headers["x-own"] == "a"
    assert answer.headers.get_list("set-cookie") == ["b=1", "c=2"]
    assert "connection" not in answer.headers
    (received,) = upstream.received
    assert received.line == "PUT /bucket/a%20b%2Fc%2B?x-id=PutObject HTTP/1.1"
    assert received.body == b"body"
    sent = {name.lower(): value for name, value in received.headers.items()}
    assert (sent["host"], sent["x-amz-meta-a"], sent["authorization"]) == (
        "localhost:4566",
        "b",
        headers["authorization"],
    )
    assert "te" not in sent


async def test_what_is_ours_stays_here(front: Front, upstream: ScriptedServer) -> None:
    answer = await front.client.get("/2015-03-31/functions/", headers=scope("lambda"))
    assert answer.json() == {"Functions": []}
    refused = await front.client.get("/2015-03-31/functions/f", headers=scope("lambda"))
    assert refused.status_code == 501
    assert upstream.received == []


async def test_a_body_of_unknown_length_is_passed_in_pieces(front: Front, upstream: ScriptedServer) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 65_536

    answer = await front.client.put("/bucket/key", headers=scope("s3"), content=pieces())
    assert answer.text == "ok"
    (received,) = upstream.received
    assert len(received.body) == 64 * 65_536


async def test_errors_are_as_the_upstream_gave_them(front: Front, upstream: ScriptedServer) -> None:
    body = b'{"__type":"ResourceNotFoundException","message":"gone"}'
    upstream.answer = b"HTTP/1.1 400 Bad Request\r\nx-amzn-requestid: r\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )
    headers = {**scope("dynamodb"), "x-amz-target": "DynamoDB_20120810.GetItem"}
    answer = await front.client.post("/", headers=headers, content=b"{}")
    assert (answer.status_code, answer.content, answer.headers["x-amzn-requestid"]) == (400, body, "r")


async def test_an_upstream_that_is_not_there() -> None:
    front = Front(Assignments(default=Emulator("http://127.0.0.1:9")))
    s3 = await front.client.get("/bucket/key", headers=scope("s3"))
    assert s3.status_code == 503
    assert "<Error><Code>ServiceUnavailable</Code><Message>the upstream of s3 at http://127.0.0.1:9 cannot" in s3.text
    dynamodb = await front.client.post("/", headers={**scope("dynamodb"), "x-amz-target": "DynamoDB_20120810.GetItem"})
    assert dynamodb.json()["__type"] == "com.amazonaws.dynamodb#ServiceUnavailable"
    sns = await front.client.post("/", headers=scope("sns"), content=b"Action=ListTopics")
    assert "<ErrorResponse" in sns.text
    assert "<Code>ServiceUnavailable</Code>" in sns.text
    await front.aclose()


async def test_nobody_serves_it() -> None:
    front = Front(Assignments())
    answer = await front.client.get("/bucket/key", headers=scope("s3"))
    assert answer.status_code == 501
    assert "install callpark[aws], or name who serves it: --upstream s3=" in answer.text
    unheard = await front.client.get("/x", headers=scope("unheard-of"))
    assert (unheard.status_code, unheard.headers["x-amzn-errortype"]) == (501, "NotImplemented")
    with pytest.raises(CallerError) as error:
        await front.upstreams.call("s3", "ListBuckets", {})
    assert (error.value.code, error.value.status) == ("ServiceUnavailable", 503)
    assert front.upstreams.remedy("s3") is not None
    await front.aclose()


async def test_an_upstream_that_says_nothing(front: Front, upstream: ScriptedServer) -> None:
    upstream.answer = None
    answer = await front.client.get("/bucket/key", headers=scope("s3"))
    assert answer.status_code == 504
    assert "did not answer within 0.3 s" in answer.text


async def test_an_upstream_that_is_no_http_server(front: Front, upstream: ScriptedServer) -> None:
    upstream.answer, upstream.hang_up = b"SSH-2.0-x\r\n", True
    answer = await front.client.get("/bucket/key", headers=scope("s3"))
    assert answer.status_code == 502
    assert "did not answer properly" in answer.text


async def test_an_answer_that_breaks_off(
    front: Front, upstream: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answer, upstream.hang_up = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", True
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    passing = Passing(front.upstreams, {"lambda"}, "us-east-1", GatewayLimits())
    headers = [(name.encode(), value.encode()) for name, value in scope("s3").items()]
    request = {"method": "GET", "path": "/b/k", "raw_path": b"/b/k", "query_string": b"", "headers": headers}
    await passing("s3", request, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 200
    assert b"".join(m["body"] for m in sent[1:]) == b"half"  # type: ignore[misc]
    assert sent[-1]["more_body"] is True
    assert "an answer was broken off" in caplog.text


async def test_requests_are_signed_anew_with_the_upstreams_keys(signing: Front, upstream: ScriptedServer) -> None:
    headers = {**scope("s3", "eu-west-1"), "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-date": "20200101T000000Z"}
    await signing.client.put("/bucket/a%20b", headers=headers, content=b"body")
    (received,) = upstream.received
    sent = {name.lower(): value for name, value in received.headers.items()}
    assert received.line == "PUT /bucket/a%20b HTTP/1.1"
    assert sent["host"] == f"127.0.0.1:{upstream.port}"
    assert "Credential=minio/" in sent["authorization"]
    assert "/eu-west-1/s3/aws4_request" in sent["authorization"]
    assert not sent["x-amz-date"].startswith("2020")


async def test_a_presigned_url_is_signed_anew(signing: Front, upstream: ScriptedServer) -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=0&versionId=v"
    )
    await signing.client.get(f"/key?{query}", headers={"host": "bucket.s3.localhost:4566"})
    (received,) = upstream.received
    assert received.line == "GET /bucket/key?versionId=v HTTP/1.1"
    assert "Credential=minio/" in received.headers["Authorization"]


async def test_the_whole_body_is_signed_for_other_services(signing: Front, upstream: ScriptedServer) -> None:
    headers = {**scope("dynamodb"), "x-amz-target": "DynamoDB_20120810.GetItem"}
    await signing.client.post("/", headers=headers, content=b'{"TableName":"t"}')
    (received,) = upstream.received
    assert received.body == b'{"TableName":"t"}'
    assert "/us-east-1/dynamodb/aws4_request" in received.headers["Authorization"]


async def test_signed_chunks_cannot_be_signed_anew(signing: Front, upstream: ScriptedServer) -> None:
    headers = {**scope("s3"), "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    answer = await signing.client.put("/bucket/key", headers=headers, content=b"x")
    assert answer.status_code == 501
    assert "signed chunks" in answer.text
    assert upstream.received == []


async def test_calls_of_our_own(front: Front, upstream: ScriptedServer) -> None:
    upstream.answer = b'HTTP/1.1 200 OK\r\ncontent-length: 32\r\n\r\n{"Item":{"id":{"S":"1"}}}       '
    found = await front.upstreams.call("dynamodb", "GetItem", {"TableName": "t", "Key": {"id": {"S": "1"}}})
    assert found == {"Item": {"id": {"S": "1"}}}
    (received,) = upstream.received
    assert json.loads(received.body) == {"TableName": "t", "Key": {"id": {"S": "1"}}}
    assert "/us-east-1/dynamodb/aws4_request" in received.headers["Authorization"]


PAGE = (
    b"HTTP/1.1 500 INTERNAL SERVER ERROR\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: 15\r\n\r\n"
    b"<!doctype html>"
)


async def test_a_page_of_the_fallback_becomes_an_error_that_names_the_operation(upstream: ScriptedServer) -> None:
    upstream.answer = PAGE
    front = Front(Assignments(), upstream.url)
    target = {"x-amz-target": "AWSShineFrontendService_20170701.TranslateText"}
    answer = await front.client.post("/", headers={**scope("translate"), **target}, content=b"{}")
    told = (
        "callpark does not implement TranslateText of translate, and moto, which serves translate here, has no answer"
    )
    assert answer.status_code == 501
    assert answer.json()["__type"].endswith("NotImplemented")
    assert answer.json()["message"].startswith(told)
    form = {"Action": "ListOriginationNumbers", "Version": "2010-03-31"}
    answer = await front.client.post("/", headers=scope("sns"), data=form)
    assert answer.status_code == 501
    assert "ListOriginationNumbers of sns" in answer.text
    assert answer.text.lstrip().startswith("<")
    with pytest.raises(CallerError, match="callpark does not implement TranslateText of translate") as error:
        await front.upstreams.call(
            "translate", "TranslateText", {"Text": "a", "SourceLanguageCode": "en", "TargetLanguageCode": "de"}
        )
    assert error.value.status == 501
    await front.aclose()


async def test_a_page_of_another_upstream_is_passed_on(front: Front, upstream: ScriptedServer) -> None:
    upstream.answer = PAGE
    answer = await front.client.post("/", headers=scope("translate"), content=b"{}")
    assert (answer.status_code, answer.text) == (500, "<!doctype html>")
