"""Function URLs: payload format 2.0 in both directions, and cross-origin answers."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.functions.model import FunctionUrl
from callpark.functions.url_cors import preflight, with_cors
from callpark.functions.url_events import (
    HTTP_INTEGRATION,
    INTERNAL_ERROR,
    Prelude,
    UrlAnswer,
    UrlRequest,
    answer,
    event,
    refusal_without_signature,
)
from callpark.kernel.arn import Place

pytestmark = pytest.mark.unit

URL = FunctionUrl("abc123", "NONE", "BUFFERED", 0.0, 0.0)
SIGNED = FunctionUrl("abc123", "AWS_IAM", "BUFFERED", 0.0, 0.0)
CORS = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "AllowHeaders": ["x-a"], "MaxAge": 60,
        "AllowCredentials": True, "ExposeHeaders": ["x-b"]}  # fmt: skip


def request(
    method: str = "POST", body: bytes = b"", query: str = "", headers: tuple[tuple[str, str], ...] = ()
) -> UrlRequest:
    return UrlRequest(method, "/my/path", query, headers, body, "HTTP/1.1", "127.0.0.1")


def event_of(asked: UrlRequest, url: FunctionUrl = URL) -> dict[str, object]:
    made = json.loads(event(asked, url, Place(), "id-1", 1583348638.39))
    assert isinstance(made, dict)
    return made


def test_the_event_has_format_two() -> None:
    headers = (("content-type", "application/json"), ("x-a", "1"), ("x-a", "2"), ("cookie", "a=1; b=2"),
               ("user-agent", "curl"))  # fmt: skip
    assert event_of(request(body=b'{"k": 1}', query="p=1&p=2&q=", headers=headers)) == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my/path",
        "rawQueryString": "p=1&p=2&q=",
        "cookies": ["a=1", "b=2"],
        "headers": {"content-type": "application/json", "x-a": "1,2", "user-agent": "curl"},
        "queryStringParameters": {"p": "1,2", "q": ""},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc123",
            "domainName": "abc123.lambda-url.us-east-1.on.aws",
            "domainPrefix": "abc123",
            "http": {
                "method": "POST",
                "path": "/my/path",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "curl",
            },
            "requestId": "id-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "04/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
        "body": '{"k": 1}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("media", "body", "encoded"),
    [
        ("text/plain", b"hi", False),
        ("application/vnd.api+json", b"{}", False),
        ("text/plain", b"\xff", True),
        ("application/x-www-form-urlencoded", b"a=1", True),
        ("image/png", b"png", True),
        ("", b"unknown", True),
    ],
)
def test_bodies_are_text_or_base64(media: str, body: bytes, encoded: bool) -> None:
    made = event_of(request(body=body, headers=(("content-type", media),)))
    assert made["isBase64Encoded"] is encoded
    assert made["body"] == (base64.b64encode(body).decode() if encoded else body.decode())


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"message": "Hello"}', UrlAnswer(200, (("content-type", "application/json"),), b'{"message": "Hello"}')),
        (b'"Hello"', UrlAnswer(200, (("content-type", "application/json"),), b'"Hello"')),
        (b"null", UrlAnswer(200, (("content-type", "application/json"),), b"null")),
        (b'{"statusCode": 404}', UrlAnswer(404, [("content-type", "application/json")], b"")),
        (
            b'{"statusCode": "201", "headers": {"Content-Type": "text/html", "X-N": 7}, "cookies": ["a=1", "b=2"],'
            b' "body": "PGI+", "isBase64Encoded": true}',
            UrlAnswer(
                201,
                [("content-type", "text/html"), ("x-n", "7"), ("set-cookie", "a=1"), ("set-cookie", "b=2")],
                b"<b>",
            ),
        ),
        (b'{"statusCode": 200, "body": {"a": 1}}', UrlAnswer(200, [("content-type", "application/json")], b'{"a":1}')),
        (b'{"statusCode": 99}', INTERNAL_ERROR),
        (b'{"statusCode": "many"}', INTERNAL_ERROR),
        (b'{"statusCode": 200, "body": "?", "isBase64Encoded": true}', INTERNAL_ERROR),
        (b'{"statusCode": 200, "headers": {"x": "a\\r\\nset-cookie: b"}}', INTERNAL_ERROR),
        (b"no json", INTERNAL_ERROR),
    ],
)
def test_answers(payload: bytes, expected: UrlAnswer) -> None:
    assert answer(payload) == expected


_MEMBERS = st.sampled_from(["statusCode", "headers", "cookies", "body", "isBase64Encoded", "x"])
_ANSWERS = st.recursive(
    st.none() | st.integers() | st.text() | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(_MEMBERS, inner),
    max_leaves=10,
)


@settings(deadline=None, max_examples=100)
@given(_ANSWERS)
def test_whatever_a_handler_answers_is_http(value: object) -> None:
    given_answer = answer(json.dumps(value).encode())
    assert 200 <= given_answer.status <= 599
    assert all(isinstance(name, str) and "\n" not in text for name, text in given_answer.headers)
    assert isinstance(given_answer.body, bytes)


def test_a_signature_is_asked_for() -> None:
    assert refusal_without_signature(URL, request()) is None
    refused = refusal_without_signature(SIGNED, request())
    assert refused is not None
    assert (refused.status, refused.body) == (403, b'{"Message":"Forbidden"}')
    signed = request(headers=(("authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/lambda/…"),))
    assert refusal_without_signature(SIGNED, signed) is None
    context = event_of(signed, SIGNED)["requestContext"]
    assert isinstance(context, dict)
    assert context["authorizer"]["iam"]["accessKey"] == "AKID"


def test_a_prelude_may_come_in_pieces() -> None:
    whole = b'{"statusCode": 201, "headers": {"Content-Type": "text/plain"}}' + bytes(8) + b"first"
    for cut in range(1, len(whole) - 5):
        prelude = Prelude(HTTP_INTEGRATION)
        head = prelude.feed(whole[:cut])
        if head is None:
            head = prelude.feed(whole[cut:])
        assert head is not None
        assert (head.status, list(head.headers)) == (201, [("content-type", "text/plain")])
        assert whole.endswith(head.body)
    assert Prelude("text/event-stream").feed(b"data") == UrlAnswer(
        200, (("content-type", "text/event-stream"),), b"data"
    )
    assert Prelude(HTTP_INTEGRATION).feed(b"no json" + bytes(8)) is INTERNAL_ERROR
    assert Prelude(HTTP_INTEGRATION).feed(b"x" * 70_000) is INTERNAL_ERROR


def test_preflight_never_reaches_the_function() -> None:
    asked = request("OPTIONS", headers=(("origin", "https://a.example"), ("access-control-request-method", "GET")))
    answered = preflight(CORS, asked)
    assert answered is not None
    assert dict(answered.headers) == {
        "access-control-allow-origin": "https://a.example",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-b",
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "x-a",
        "access-control-max-age": "60",
        "vary": "Origin",
    }
    assert preflight({}, asked) is None
    assert preflight(CORS, request("OPTIONS")) is None
    other = request("OPTIONS", headers=(("origin", "https://b.example"), ("access-control-request-method", "GET")))
    stranger = preflight(CORS, other)
    assert stranger is not None
    assert stranger.headers == ()


def test_the_configuration_wins_over_the_function() -> None:
    own = UrlAnswer(200, [("access-control-allow-origin", "evil"), ("x-a", "1")], b"body")
    asked = request(headers=(("origin", "https://c.example"),))
    assert with_cors({}, asked, own) is own
    assert with_cors({"AllowOrigins": ["*"]}, asked, own).headers == [
        ("x-a", "1"),
        ("access-control-allow-origin", "*"),
    ]
