"""Operations of foreign services on the wire, by botocore's models."""

import base64
import hashlib

import pytest

from callpark.kernel.errors import CallerError
from callpark.upstreams.wire import HttpAnswer, operation_wire

pytestmark = pytest.mark.unit


TOKEN = "acdfea21-b80e-4f38-85f2-052b595aa392"
OWN = "own" * 11


def token() -> str:
    return TOKEN


def test_a_json_operation() -> None:
    wire = operation_wire("dynamodb", "PutItem")
    request = wire.request({"TableName": "t", "Item": {"b": {"B": b"\0\1"}}}, token)
    assert (request.method, request.target) == ("POST", "/")
    assert request.headers["X-Amz-Target"] == "DynamoDB_20120810.PutItem"
    assert request.body == b'{"TableName": "t", "Item": {"b": {"B": "AAE="}}}'
    answered = operation_wire("dynamodb", "GetItem").members(
        HttpAnswer(200, {"content-type": "application/x-amz-json-1.0"}, b'{"Item":{"b":{"B":"AAE="}}}')
    )
    assert answered == {"Item": {"b": {"B": b"\0\1"}}}


def test_a_query_operation() -> None:
    request = operation_wire("sns", "Publish").request({"TopicArn": "arn:t", "Message": "a b"}, token)
    assert request.target == "/"
    assert request.body == b"Action=Publish&Version=2010-03-31&TopicArn=arn%3At&Message=a+b"
    assert "x-www-form-urlencoded" in request.headers["Content-Type"]


def test_an_object_key_in_the_path_and_its_content_as_bytes() -> None:
    wire = operation_wire("s3", "GetObject")
    request = wire.request({"Bucket": "b", "Key": "a b/ü+?.txt", "VersionId": "v 1"}, token)
    assert (request.method, request.target) == ("GET", "/b/a%20b/%C3%BC%2B%3F.txt?versionId=v%201")
    members = wire.members(HttpAnswer(200, {"etag": '"x"', "content-length": "2"}, b"\xff\xfe"))
    assert (members["Body"], members["ETag"]) == (b"\xff\xfe", '"x"')
    assert "ResponseMetadata" not in members


def test_bodies_whose_digest_s3_asks_for() -> None:
    request = operation_wire("s3", "DeleteObjects").request(
        {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}}, token
    )
    digest = hashlib.md5(request.body, usedforsecurity=False).digest()
    assert request.headers["Content-MD5"] == base64.b64encode(digest).decode()


def test_idempotency_tokens_are_filled_in() -> None:
    wire = operation_wire("secretsmanager", "CreateSecret")
    assert TOKEN.encode() in wire.request({"Name": "n"}, token).body
    assert OWN.encode() in wire.request({"Name": "n", "ClientRequestToken": OWN}, token).body


@pytest.mark.parametrize(
    ("service", "operation", "answer", "code", "message"),
    [
        (
            "dynamodb",
            "GetItem",
            HttpAnswer(
                400, {}, b'{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"gone"}'
            ),
            "ResourceNotFoundException",
            "gone",
        ),
        (
            "s3",
            "GetObject",
            HttpAnswer(404, {}, b"<Error><Code>NoSuchKey</Code><Message>no key</Message></Error>"),
            "NoSuchKey",
            "no key",
        ),
        ("s3", "HeadObject", HttpAnswer(404, {}, b""), "404", "Not Found"),
        (
            "sns",
            "Publish",
            HttpAnswer(
                404,
                {},
                b"<ErrorResponse><Error><Code>NotFound</Code><Message>no topic</Message></Error></ErrorResponse>",
            ),
            "NotFound",
            "no topic",
        ),
    ],
)
def test_the_services_own_error(service: str, operation: str, answer: HttpAnswer, code: str, message: str) -> None:
    with pytest.raises(CallerError) as error:
        operation_wire(service, operation).members(answer)
    assert (error.value.code, error.value.status, error.value.message) == (code, answer.status, message)


def test_an_answer_that_is_none() -> None:
    with pytest.raises(CallerError) as error:
        operation_wire("sns", "Publish").members(HttpAnswer(200, {}, b"<not xml"))
    assert (error.value.code, error.value.status) == ("BadGateway", 502)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code"),
    [
        ("dynamodb", "GetItem", {"TableName": 1}, "ValidationException"),
        ("dynamodb", "Fly", {}, "UnknownOperationException"),
        ("nothing", "GetItem", {}, "UnknownOperationException"),
        ("bedrock-runtime", "InvokeModelWithResponseStream", {}, "NotImplemented"),
    ],
)
def test_what_cannot_be_called(service: str, operation: str, parameters: dict[str, object], code: str) -> None:
    with pytest.raises(CallerError) as error:
        operation_wire(service, operation).request(parameters, token)
    assert error.value.code == code


def test_an_errors_own_members_are_its_body() -> None:
    reasons = b'{"Code":"ConditionalCheckFailed","Item":{"b":{"B":"AAE="}},"Message":"no"}'
    told = b'{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"cancelled [X]",'
    answer = HttpAnswer(
        400, {"content-type": "application/x-amz-json-1.0"}, told + b'"CancellationReasons":[' + reasons + b"]}"
    )
    with pytest.raises(CallerError) as refused:
        operation_wire("dynamodb", "TransactWriteItems").members(answer)
    assert refused.value.code == "TransactionCanceledException"
    assert refused.value.body == {
        "message": "cancelled [X]",
        "CancellationReasons": [{"Code": "ConditionalCheckFailed", "Item": {"b": {"B": b"\0\1"}}, "Message": "no"}],
    }
