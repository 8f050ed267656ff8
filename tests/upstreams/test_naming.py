"""Which service a request means that is not for us."""

from collections.abc import Mapping

import pytest

from callpark.upstreams.naming import (
    Front,
    bucket_in_host,
    credential_scope,
    foreign_service,
    operation_name,
    signing_name,
)

pytestmark = pytest.mark.unit

OURS = frozenset({"lambda", "sqs", "logs", "cloudwatch", "sts"})
OWN_PATHS = frozenset({"2015-03-31", "tags", "v1"})


def front(path: str = "/", method: str = "POST", query: str = "", headers: Mapping[str, str] | None = None) -> Front:
    return Front(method, path, query, {"host": "127.0.0.1:4566", **(headers or {})})


def signed(service: str, **more: str) -> dict[str, str]:
    scope = f"callpark/20260101/us-east-1/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0", **more}


def found(request: Front) -> str | None:
    return foreign_service(request, OURS, lambda: OWN_PATHS)


@pytest.mark.parametrize(
    ("scope", "service"),
    [
        ("s3", "s3"),
        ("dynamodb", "dynamodb"),
        ("states", "stepfunctions"),
        ("unheard-of", "unheard-of"),
        ("lambda", None),
        ("sqs", None),
        ("monitoring", None),
    ],
)
def test_by_the_scope_of_the_signature(scope: str, service: str | None) -> None:
    assert found(front(headers=signed(scope))) == service


def test_services_that_share_a_signing_name() -> None:
    streams = signed("dynamodb", **{"x-amz-target": "DynamoDBStreams_20120810.ListStreams"})
    assert found(front(headers=streams)) == "dynamodbstreams"
    assert found(front("/v2/email/identities", headers=signed("ses"))) == "sesv2"
    assert found(front("/v20180820/jobs", headers=signed("s3"))) == "s3control"
    assert signing_name("sesv2") == "ses"
    assert signing_name("stepfunctions") == "states"


def test_by_the_scope_of_a_presigned_url() -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=x"
    )
    request = front("/bucket/key", "GET", query)
    assert found(request) == "s3"
    assert credential_scope(request) == ("eu-west-1", "s3")


@pytest.mark.parametrize(
    ("target", "service"),
    [
        ("AWSCognitoIdentityProviderService.InitiateAuth", "cognito-idp"),
        ("DynamoDB_20120810.GetItem", "dynamodb"),
        ("AmazonSQS.SendMessage", None),
        ("Nobody.Knows", None),
    ],
)
def test_by_the_target_of_an_unsigned_request(target: str, service: str | None) -> None:
    assert found(front(headers={"x-amz-target": target})) == service


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("s3.us-east-1.amazonaws.com", "s3"),
        ("bucket.s3.localhost:4566", "s3"),
        ("my.bucket.s3.eu-west-1.amazonaws.com", "s3"),
        ("dynamodb.us-east-1.amazonaws.com", "dynamodb"),
        ("sns.localhost:4566", "sns"),
        ("lambda.us-east-1.amazonaws.com", None),
        ("whatever.us-east-1.amazonaws.com", None),
        ("events.example.com", None),
        ("localhost:4566", None),
        ("[::1]:4566", None),
    ],
)
def test_by_the_host(host: str, service: str | None) -> None:
    assert found(front(method="GET", headers={"host": host})) == service


@pytest.mark.parametrize(
    ("request_", "service"),
    [
        (front("/bucket/key", "GET"), "s3"),
        (front("/bucket/a/b%20c", "HEAD"), "s3"),
        (front("/bucket", "GET", "AWSAccessKeyId=k&Signature=s&Expires=1"), "s3"),
        (front("/bucket", "POST", headers={"content-type": "multipart/form-data; boundary=x"}), "s3"),
        (front("/favicon.ico", "GET"), None),
        (front("/bucket", "GET"), None),
        (front("/", "GET"), None),
        (front("/_callpark/health", "GET"), None),
        (front("/Up/key", "GET"), None),
        (front("/2015-03-31/nothing", "GET"), None),
        (front("/2042-01-01/nothing", "GET"), None),
        (front("/tags/arn", "GET"), None),
    ],
)
def test_unsigned_requests_that_only_s3_has(request_: Front, service: str | None) -> None:
    assert found(request_) == service


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("bucket.s3.localhost:4566", "bucket"),
        ("a.b.s3.us-west-2.amazonaws.com", "a.b"),
        ("bucket.localhost:4566", "bucket"),
        ("s3.localhost:4566", None),
        ("localhost:4566", None),
        ("127.0.0.1:4566", None),
    ],
)
def test_buckets_in_host_names(host: str, bucket: str | None) -> None:
    assert bucket_in_host(host) == bucket


TRANSLATE = {"x-amz-target": "AWSShineFrontendService_20170701.TranslateText"}


@pytest.mark.parametrize(
    ("service", "request_", "body", "operation"),
    [
        ("translate", front(headers=TRANSLATE), b"{}", "TranslateText"),
        ("sns", front(), b"Version=2010-03-31&Action=ListOriginationNumbers", "ListOriginationNumbers"),
        ("sns", front(query="Action=ListTopics&Version=2010-03-31", method="GET"), b"", "ListTopics"),
        ("bedrock-runtime", front("/model/a.b%3A1/converse"), b"{}", "Converse"),
        ("bedrock-runtime", front("/model/a.b%3A1/converse-stream"), b"{}", "ConverseStream"),
        ("polly", front("/v1/speech"), b"{}", "SynthesizeSpeech"),
        ("polly", front("/v1/speech", "GET"), b"{}", None),
        ("apigateway", front("/restapis/1/stages/a/cache/data", "DELETE"), b"", "FlushStageCache"),
        ("unheard-of", front("/"), b"{}", None),
        ("translate", front(), b"\xff\xfe", None),
    ],
)
def test_the_operation_by_target_action_or_path(
    service: str, request_: Front, body: bytes, operation: str | None
) -> None:
    assert operation_name(service, request_, body) == operation
