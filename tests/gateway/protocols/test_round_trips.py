"""botocore's serialiser → our parser, our serialiser → botocore's parser, on real operations with made-up values."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import botocore.parsers
import botocore.serialize
import pytest
from botocore.awsrequest import HeadersDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.gateway.codecs import error_codec, operation_codec
from callpark.gateway.models import OperationModel, Shape, payload_member, service_model
from callpark.gateway.protocols.wire import Request, Response
from callpark.gateway.routing import ProtocolName, Router
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Answer
from tests.gateway.parameters import house, members

pytestmark = pytest.mark.unit

QUICK = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

OPERATIONS: list[tuple[str, str]] = [
    ("lambda", "Invoke"),
    ("lambda", "CreateFunction"),
    ("lambda", "GetFunction"),
    ("lambda", "ListFunctions"),
    ("lambda", "UpdateFunctionConfiguration"),
    ("lambda", "UpdateFunctionCode"),
    ("lambda", "PublishVersion"),
    ("lambda", "PutFunctionEventInvokeConfig"),
    ("lambda", "ListFunctionEventInvokeConfigs"),
    ("lambda", "PutFunctionConcurrency"),
    ("lambda", "TagResource"),
    ("lambda", "UntagResource"),
    ("lambda", "InvokeAsync"),
    ("lambda", "GetLayerVersionByArn"),
    ("lambda", "ListProvisionedConcurrencyConfigs"),
    ("sqs", "CreateQueue"),
    ("sqs", "SendMessage"),
    ("sqs", "SendMessageBatch"),
    ("sqs", "ReceiveMessage"),
    ("sqs", "GetQueueAttributes"),
    ("sqs", "TagQueue"),
    ("sts", "AssumeRole"),
    ("sts", "GetCallerIdentity"),
    ("appsync", "CreateApiKey"),
    ("appsync", "CreateResolver"),
    ("connect", "CreateContactFlow"),
    ("connect", "StartOutboundVoiceContact"),
    ("connect", "SearchContacts"),
    ("logs", "FilterLogEvents"),
    ("logs", "PutLogEvents"),
    ("cloudwatch", "GetMetricData"),
    ("cloudwatch", "GetMetricStatistics"),
    ("cloudwatch", "GetMetricWidgetImage"),
    ("cloudwatch", "PutMetricData"),
]


def protocol(service: str) -> ProtocolName:
    name = botocore_protocol(service)
    if name == "smithy-rpc-v2-cbor":
        return "rpc-v2-cbor"
    assert name in ("rest-json", "json", "query")
    return name


def botocore_protocol(service: str) -> object:
    return service_model(service).metadata["protocol"]


def signing_name(service: str) -> str:
    return "monitoring" if service == "cloudwatch" else service


@lru_cache(maxsize=8)
def router(service: str) -> Router:
    return Router([service])


def as_request(service: str, wire: Mapping[str, Any]) -> Request:
    """What botocore would put on the wire, as the gateway sees it."""
    body, headers = wire["body"], {name.lower(): value for name, value in wire["headers"].items()}
    if isinstance(body, dict):
        body = urlencode(body, doseq=True)
        headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
    if isinstance(body, str):
        body = body.encode()
    path, _, fixed = wire["url_path"].partition("?")
    pairs = wire["query_string"].items() if isinstance(wire["query_string"], dict) else wire["query_string"]
    query = "&".join(part for part in (fixed, urlencode(list(pairs), doseq=True)) if part)
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/{signing_name(service)}/aws4_request"
    return Request(wire["method"], path, query, headers, body or b"")


def spoken(value: Any) -> Any:
    """Without empty structures, lists and maps: a form has no way to say them."""
    if isinstance(value, dict):
        return {name: kept for name, item in value.items() if (kept := spoken(item)) not in ({}, [])}
    return [kept for item in value if (kept := spoken(item)) not in ({}, [])] if isinstance(value, list) else value


def without_empty_blob_payload(shape: Shape, given: dict[str, Any]) -> dict[str, Any]:
    """An empty body and no body are the same bytes."""
    payload = payload_member(shape)
    return {name: value for name, value in given.items() if not (name == payload and not value)}


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
@QUICK
@given(data=st.data())
def test_parameters_arrive_as_botocore_sent_them(service: str, operation: str, data: st.DataObject) -> None:
    model = service_model(service).operation_model(operation)
    if model.input_shape is None:
        return
    sent = data.draw(members(model.input_shape))
    if protocol(service) == "query":
        sent = spoken(sent)
    serializer = botocore.serialize.create_serializer(botocore_protocol(service), include_validation=False)
    request = as_request(service, serializer.serialize_to_request(sent, model))

    route = router(service).route(request)
    assert (route.service, route.operation, route.protocol) == (service, operation, protocol(service))
    parsed = operation_codec(service, operation, route.protocol).parse(request, route.labels)
    assert parsed == house(without_empty_blob_payload(model.input_shape, sent))


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
@QUICK
@given(data=st.data())
def test_members_arrive_as_we_sent_them(service: str, operation: str, data: st.DataObject) -> None:
    model = service_model(service).operation_model(operation)
    if model.output_shape is None:
        return
    made = data.draw(members(model.output_shape))
    given_members = house(made)
    assert isinstance(given_members, dict)
    response = operation_codec(service, operation, protocol(service)).serialise(Answer(given_members), "r-1")
    read = parsed_by_botocore(model, response)
    wanted = without_empty_blob_payload(model.output_shape, made)
    got = without_empty_blob_payload(model.output_shape, read)
    statuses = {n for n, s in model.output_shape.members.items() if s.serialization.get("location") == "statusCode"}
    for name in statuses:
        assert got.pop(name) == response.status
    assert got == wanted


def parsed_by_botocore(model: OperationModel, response: Response) -> dict[str, Any]:
    parser = botocore.parsers.create_parser(botocore_protocol(model.service_model.service_name))
    headers = HeadersDict({name.decode(): value.decode("latin-1") for name, value in response.headers})
    payload = payload_member(model.output_shape) if model.output_shape and response.status < 300 else None
    raw = (
        payload is not None
        and model.output_shape is not None
        and model.output_shape.members[payload].type_name == "blob"
    )
    wire = {"status_code": response.status, "headers": headers, "body": b"" if raw else response.body}
    parsed: dict[str, Any] = parser.parse(wire, model.output_shape)
    parsed.pop("ResponseMetadata", None)
    # botocore hands the body of a blob payload over unread, as a stream.
    return parsed | {payload: response.body} if payload and raw else parsed


@pytest.mark.parametrize(
    ("service", "operation", "raised", "code"),
    [
        ("lambda", "GetFunction", CallerError("ResourceNotFoundException", 404, "gone"), "ResourceNotFoundException"),
        ("sqs", "SendMessage", CallerError("QueueDoesNotExist", 400, "no"), "AWS.SimpleQueueService.NonExistentQueue"),
        (
            "cloudwatch",
            "GetMetricStatistics",
            CallerError("InvalidParameterValueException", 400, "no such period"),
            "InvalidParameterValue",
        ),
        ("sts", "AssumeRole", CallerError("ExpiredTokenException", 400, "late & <old>"), "ExpiredTokenException"),
        (
            "connect",
            "CreateContactFlow",
            CallerError("InvalidParameterException", 400, "no"),
            "InvalidParameterException",
        ),
    ],
)
def test_botocore_reads_our_errors(service: str, operation: str, raised: CallerError, code: str) -> None:
    model = service_model(service).operation_model(operation)
    response = error_codec(service, protocol(service))(raised, "r-1")
    error = parsed_by_botocore(model, response)["Error"]
    assert (error["Code"], error["Message"], response.status) == (code, raised.message, raised.status)


def test_sqs_errors_carry_type_and_query_code() -> None:
    response = error_codec("sqs", "json")(CallerError("QueueDoesNotExist", 400, "gone"), "r-1")
    assert response.body == b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"gone"}'
    assert (b"x-amzn-query-error", b"AWS.SimpleQueueService.NonExistentQueue;Sender") in response.headers
