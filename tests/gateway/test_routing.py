"""From request to operation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.gateway.protocols.wire import Request
from callpark.gateway.routing import Route, Router, invoke_route, likely_protocol, scoped_service
from callpark.gateway.uris import UriMatcher
from callpark.kernel.errors import CallerError

pytestmark = pytest.mark.unit

ROUTER = Router(["lambda", "sqs", "sts", "appsync", "connect", "connectparticipant"])


def signed(service: str) -> dict[str, str]:
    scope = f"AK/20260101/eu-west-1/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


def request(
    method: str, path: str, query: str = "", headers: dict[str, str] | None = None, body: bytes = b""
) -> Request:
    return Request(method, path, query, headers or {}, body)


SEND = b"Action=SendMessage"
UNKNOWN = "UnknownOperationException"
REST, QUERY = "rest-json", "query"
PRESIGNED = "X-Amz-Credential=AK%2F20260101%2Fr%2Flambda%2Faws4_request"
IDENTITY = "Action=GetCallerIdentity&Version=2011-06-15"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


@pytest.mark.parametrize(
    ("arrived", "service", "operation", "protocol"),
    [
        (request("POST", "/2015-03-31/functions/f/invocations"), "lambda", "Invoke", REST),
        (request("GET", "/2015-03-31/functions/"), "lambda", "ListFunctions", REST),
        (request("GET", "/2019-09-25/functions/f/event-invoke-config"), "lambda", "GetFunctionEventInvokeConfig", REST),
        (request("GET", "/2018-10-31/layers", "find=LayerVersion&Arn=a"), "lambda", "GetLayerVersionByArn", REST),
        (request("GET", "/2018-10-31/layers"), "lambda", "ListLayers", REST),
        (request("POST", "/", headers={"x-amz-target": "AmazonSQS.SendMessage"}), "sqs", "SendMessage", "json"),
        (request("POST", "/1/q", headers=signed("sqs") | FORM, body=SEND), "sqs", "SendMessage", QUERY),
        (request("POST", "/", headers=FORM, body=IDENTITY.encode()), "sts", "GetCallerIdentity", QUERY),
        (request("GET", "/", IDENTITY), "sts", "GetCallerIdentity", QUERY),
        (request("GET", "/v1/apis", headers=signed("appsync")), "appsync", "ListGraphqlApis", REST),
        (request("POST", "/participant/connection"), "connectparticipant", "CreateParticipantConnection", REST),
        (request("POST", "/participant/event", headers=signed("execute-api")), "connectparticipant", "SendEvent", REST),
        (request("GET", "/2015-03-31/functions", PRESIGNED), "lambda", "ListFunctions", REST),
        (request("POST", "/v1/apis", headers={"host": "appsync.r.localhost"}), "appsync", "CreateGraphqlApi", REST),
    ],
)  # fmt: skip
def test_routes(arrived: Request, service: str, operation: str, protocol: str) -> None:
    route = ROUTER.route(arrived)
    assert (route.service, route.operation, route.protocol) == (service, operation, protocol)


@pytest.mark.parametrize(
    ("arrived", "code", "status", "named"),
    [
        (request("GET", "/bucket", headers=signed("s3")), "NotImplemented", 501, "s3"),
        (request("POST", "/", headers={"x-amz-target": "DynamoDB_20120810.GetItem"}), "NotImplemented", 501, "GetItem"),
        (request("POST", "/", headers={"x-amz-target": "AmazonSQS.Explode"}), UNKNOWN, 404, "Explode"),
        (request("POST", "/", headers=FORM, body=b"Action=Explode"), UNKNOWN, 404, "Explode"),
        (request("GET", "/nowhere/at/all"), UNKNOWN, 404, "/nowhere/at/all"),
        (request("PATCH", "/2015-03-31/functions"), "MethodNotAllowedException", 405, "GET, POST"),
    ],
)  # fmt: skip
def test_refusals_name_what_is_missing(arrived: Request, code: str, status: int, named: str) -> None:
    with pytest.raises(CallerError) as caught:
        ROUTER.route(arrived)
    assert (caught.value.code, caught.value.status) == (code, status)
    assert named in caught.value.message


def test_an_encoded_arn_is_one_label() -> None:
    label = "arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af%2Fg"
    assert ROUTER.route(request("GET", f"/2015-03-31/functions/{label}")) == Route(
        "lambda", "GetFunction", "rest-json", {"FunctionName": label}
    )


@pytest.mark.parametrize(
    ("method", "path", "label"),
    [
        ("POST", b"/2015-03-31/functions/f/invocations", b"f"),
        ("POST", b"/2015-03-31/functions/arn%3Aaws/invocations", b"arn%3Aaws"),
        ("POST", b"/2015-03-31/functions//invocations", None),
        ("POST", b"/2015-03-31/functions/a/b/invocations", None),
        ("POST", b"/2015-03-31/functions/invocations", None),
        ("GET", b"/2015-03-31/functions/f/invocations", None),
        ("POST", b"/2015-03-31/functions/f/code", None),
    ],
)
def test_the_short_way_to_invoke(method: str, path: bytes, label: bytes | None) -> None:
    route = invoke_route(method, path)
    expected = None if label is None else Route("lambda", "Invoke", "rest-json", {"FunctionName": label.decode()})
    assert route == expected


def test_greedy_labels_take_slashes() -> None:
    matcher = UriMatcher()
    matcher.add("GET", "/{Bucket}/{Key+}", "GetObject")
    matcher.add("GET", "/{Bucket}", "ListObjects")
    matcher.add("GET", "/{Bucket}/{Key+}/tail", "Tail")
    found = {path: matcher.match("GET", path, "") for path in ("/b", "/b/k/k2", "/b/k/tail")}
    assert [(m.operation, dict(m.labels)) for m in found.values() if m] == [
        ("ListObjects", {"Bucket": "b"}),
        ("GetObject", {"Bucket": "b", "Key": "k/k2"}),
        ("GetObject", {"Bucket": "b", "Key": "k/tail"}),
    ]


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
    st.lists(st.text("abc{}%+/.:~1", max_size=6), max_size=12).map(lambda parts: "/" + "/".join(parts)),
    st.text("Action=&Version%X-Amz-Credential/;", max_size=60),
    st.dictionaries(
        st.sampled_from(["authorization", "x-amz-target", "content-type", "host"]),
        st.one_of(
            st.text(max_size=20),
            st.just("application/x-www-form-urlencoded"),
            st.just(signed("lambda")["authorization"]),
        ),
    ),
    st.binary(max_size=40),
)
def test_nothing_breaks_the_router(method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> None:
    arrived = request(method, path, query, headers, body)
    assert likely_protocol(arrived) in ("rest-json", "json", "query")
    scoped_service(arrived)
    try:
        status = 200 if ROUTER.route(arrived).service else 0
    except CallerError as error:
        status = error.status
    assert status in (200, 404, 405, 501)
