"""What functions and queues are sent by moto's rules and topics."""

import json

import pytest

pytest.importorskip("moto", reason="the extra `aws` is not installed")

from callpark.upstreams.moto_bridge import at_path, event_as_json, notification, target_input, transformed

pytestmark = pytest.mark.unit

EVENT = {"source": "shop", "detail": {"id": 7, "text": 'say "hi"', "list": [1]}, "time": 0}


def test_an_event_has_its_time_in_iso_8601() -> None:
    assert event_as_json({**EVENT, "ingestion-time": 1})["time"] == "1970-01-01T00:00:00Z"
    assert "ingestion-time" not in event_as_json({**EVENT, "ingestion-time": 1})


@pytest.mark.parametrize(
    ("path", "value"),
    [("$", EVENT), ("$.source", "shop"), ("$.detail.id", 7), ("$.detail.none.deeper", None)],
)
def test_paths(path: str, value: object) -> None:
    assert at_path(EVENT, path) == value


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({}, json.dumps(EVENT)),
        ({"Input": '{"constant":1}'}, '{"constant":1}'),
        ({"InputPath": "$.detail.list"}, "[1]"),
        ({"InputTransformer": {"InputPathsMap": {"n": "$.detail.id"}, "InputTemplate": '{"n": <n>}'}}, '{"n": 7}'),
    ],
)
def test_what_a_target_gets(target: dict[str, object], text: str) -> None:
    assert target_input(target, EVENT) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('"order <id> is <text>"', '"order 7 is say \\"hi\\""'),
        ('{"a": <text>, "b": "<id>", "c": <list>}', '{"a": "say \\"hi\\"", "b": "7", "c": [1]}'),
        ('{"a": <unknown>}', '{"a": <unknown>}'),
        ('{"e": <aws.events.event.json>}', '{"e": ' + json.dumps(EVENT) + "}"),
    ],
)
def test_templates(template: str, text: str) -> None:
    paths = {"id": "$.detail.id", "text": "$.detail.text", "list": "$.detail.list"}
    assert transformed(template, paths, EVENT) == text


def test_what_lambda_makes_of_a_topics_message() -> None:
    """docs.aws.amazon.com/lambda/latest/dg/with-sns.html: members and their spelling."""
    posted = {
        "MessageId": "m",
        "TopicArn": "arn:t",
        "Message": "hello",
        "Timestamp": "2026-01-01T00:00:00.000Z",
        "SignatureVersion": "2",
        "Signature": "s",
        "SigningCertURL": "https://c",
        "UnsubscribeURL": "https://u",
    }
    attributes = {"a": {"Type": "String", "Value": "v"}}
    (record,) = json.loads(notification("arn:t:1", posted, attributes))["Records"]
    assert list(record) == ["EventSource", "EventVersion", "EventSubscriptionArn", "Sns"]
    assert record["EventSource"] == "aws:sns"
    told = record["Sns"]
    assert (told["Subject"], told["SigningCertUrl"], told["UnsubscribeUrl"]) == (None, "https://c", "https://u")
    assert told["MessageAttributes"] == attributes
