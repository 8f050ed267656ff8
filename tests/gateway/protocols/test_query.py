"""The query protocol as older SQS SDKs speak it: forms and XML by the names of the old API."""

from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from callpark.gateway.codecs import operation_codec
from callpark.gateway.protocols.wire import Request
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Answer

pytestmark = pytest.mark.unit


def form(fields: dict[str, str], path: str = "/") -> Request:
    headers = {"content-type": "application/x-www-form-urlencoded", "host": "localhost:4566"}
    return Request("POST", path, "", headers, urlencode(fields).encode())


@pytest.mark.parametrize(
    ("operation", "fields", "parameters"),
    [
        (
            "CreateQueue",
            {"QueueName": "q", "Attribute.1.Name": "DelaySeconds", "Attribute.1.Value": "5", "Tag.1.Key": "a",
             "Tag.1.Value": "b"},
            {"QueueName": "q", "Attributes": {"DelaySeconds": "5"}, "tags": {"a": "b"}},
        ),
        (
            "SendMessage",
            {"QueueUrl": "u", "MessageBody": "hi", "DelaySeconds": "3", "MessageAttribute.1.Name": "n",
             "MessageAttribute.1.Value.DataType": "Binary", "MessageAttribute.1.Value.BinaryValue": "AQI="},
            {"QueueUrl": "u", "MessageBody": "hi", "DelaySeconds": 3,
             "MessageAttributes": {"n": {"DataType": "Binary", "BinaryValue": b"\x01\x02"}}},
        ),
        (
            "DeleteMessageBatch",
            {"QueueUrl": "u", "DeleteMessageBatchRequestEntry.2.Id": "b", "DeleteMessageBatchRequestEntry.1.Id": "a"},
            {"QueueUrl": "u", "Entries": [{"Id": "a"}, {"Id": "b"}]},
        ),
        (
            "ReceiveMessage",
            {"QueueUrl": "u", "AttributeName.1": "All", "MessageAttributeName.1": "x.*", "MaxNumberOfMessages": "10"},
            {"QueueUrl": "u", "AttributeNames": ["All"], "MessageAttributeNames": ["x.*"], "MaxNumberOfMessages": 10},
        ),
    ],
)  # fmt: skip
def test_old_forms(operation: str, fields: dict[str, str], parameters: dict[str, object]) -> None:
    codec = operation_codec("sqs", operation, "query")
    assert codec.parse(form({"Action": operation, "Version": "2012-11-05", **fields}), {}) == parameters


def test_fields_that_no_member_has_are_named(caplog: pytest.LogCaptureFixture) -> None:
    fields = {"Action": "DeleteQueue", "Version": "2012-11-05", "QueueUrl": "u", "Force": "1", "X-Amz-Date": "d"}
    assert operation_codec("sqs", "DeleteQueue", "query").parse(form(fields), {}) == {"QueueUrl": "u"}
    assert [record.getMessage() for record in caplog.records] == [
        "DeleteQueueRequest has no member Force; it is ignored, as AWS ignores it"
    ]


def test_a_form_posted_to_the_queue_names_it() -> None:
    request = form({"Action": "SendMessage", "MessageBody": "hi"}, "/123456789012/q")
    parameters = operation_codec("sqs", "SendMessage", "query").parse(request, {})
    assert parameters["QueueUrl"] == "http://localhost:4566/123456789012/q"


def test_old_xml() -> None:
    message = {"MessageId": "m", "Body": "a<b>\r&\x00", "Attributes": {"SenderId": "s"}}
    response = operation_codec("sqs", "ReceiveMessage", "query").serialise(
        Answer({"Messages": [message, message]}), "r"
    )
    space = "{http://queue.amazonaws.com/doc/2012-11-05/}"
    root = ElementTree.fromstring(response.body)
    assert root.tag == f"{space}ReceiveMessageResponse"
    found = root.findall(f"{space}ReceiveMessageResult/{space}Message")
    assert [item.findtext(f"{space}Body") for item in found] == ["a<b>\r&\ufffd"] * 2
    assert found[0].findtext(f"{space}Attribute/{space}Name") == "SenderId"
    assert root.findtext(f"{space}ResponseMetadata/{space}RequestId") == "r"


@pytest.mark.parametrize(
    "fields",
    [
        {"DelaySeconds": "soon"},
        {".".join("a" * 100): "1"},
        {"MessageAttribute.1.Name": "n", "MessageAttribute.1.Value.BinaryValue": "*"},
    ],
)
def test_forms_that_cannot_be_read(fields: dict[str, str]) -> None:
    with pytest.raises(CallerError, match="SerializationException"):
        operation_codec("sqs", "SendMessage", "query").parse(form({"QueueUrl": "u", **fields}), {})
