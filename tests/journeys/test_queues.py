"""Queues through unmodified clients: boto3, the AWS CLI, and the older query protocol by hand."""

import asyncio
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as xml
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from callpark.app import App
from callpark.queues.delivery.waiters import Waiters
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.compat

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"

TEMPLATE = """
Resources:
  Work:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: work
      VisibilityTimeout: 45
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2 }
      Tags: [{ Key: team, Value: calls }]
  Dead: { Type: AWS::SQS::Queue }
Outputs:
  WorkUrl: { Value: !Ref Work }
"""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with served(Settings(data=tmp_path / "data", port=0)) as app:
        yield app


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when a receiver has begun to wait."""
    begun, wait = asyncio.Event(), Waiters.wait

    async def note(waiters: Waiters, until: float, key: str) -> None:
        begun.set()
        await wait(waiters, until, key)

    monkeypatch.setattr(Waiters, "wait", note)
    return begun


async def in_thread(work: Callable[[], None]) -> None:
    await asyncio.to_thread(work)


def client(app: App) -> Any:  # boto3's clients are made at run time and have no types
    return boto3.client(
        "sqs",
        endpoint_url=app.base_url,
        region_name="us-east-1",
        aws_access_key_id="callpark",
        aws_secret_access_key="callpark",
    )


async def test_boto3_checks_every_digest(app: App) -> None:
    """boto3 refuses a send or a receive whose MD5 does not fit."""

    def use() -> None:
        sqs = client(app)
        url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "5"}, tags={"a": "b"})["QueueUrl"]
        assert url == f"{app.base_url}/123456789012/q"
        assert sqs.get_queue_url(QueueName="q")["QueueUrl"] == url
        attributes = {
            "Title": {"DataType": "String", "StringValue": "The Whistler ✓"},
            "Weeks": {"DataType": "Number", "StringValue": "6"},
            "Picture": {"DataType": "Binary.png", "BinaryValue": bytes(range(256))},
        }
        sent = sqs.send_message(QueueUrl=url, MessageBody="héllo\n<&>", MessageAttributes=attributes)
        (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"])[
            "Messages"
        ]
        assert message["MessageId"] == sent["MessageId"]
        assert message["Body"] == "héllo\n<&>"
        assert message["MessageAttributes"] == attributes
        assert message["Attributes"]["ApproximateReceiveCount"] == "1"
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=60)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        assert "Messages" not in sqs.receive_message(QueueUrl=url), "recorded: no Messages key"
        assert sqs.list_queues()["QueueUrls"] == [url]
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "b"}
        sqs.purge_queue(QueueUrl=url)
        sqs.delete_queue(QueueUrl=url)

    await in_thread(use)


async def test_boto3_sees_both_names_of_an_error(app: App) -> None:
    """Recorded: Error.Code from the compatibility header, QueryErrorCode from the type."""

    def use() -> None:
        sqs = client(app)
        with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
            sqs.send_message(QueueUrl=f"{app.base_url}/123456789012/none", MessageBody="a")
        assert caught.value.response["Error"] == {
            "Code": "AWS.SimpleQueueService.NonExistentQueue",
            "QueryErrorCode": "QueueDoesNotExist",
            "Message": "The specified queue does not exist.",
            "Type": "Sender",
        }
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        entries = [{"Id": str(number), "MessageBody": "a"} for number in range(11)]
        with pytest.raises(sqs.exceptions.TooManyEntriesInBatchRequest, match="You have sent 11"):
            sqs.send_message_batch(QueueUrl=url, Entries=entries)
        with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
            sqs.delete_message(QueueUrl=url, ReceiptHandle="forged")
        with pytest.raises(ClientError, match="Message must be shorter than 1048576 bytes"):
            sqs.send_message(QueueUrl=url, MessageBody="x" * 2_000_000)
        with pytest.raises(sqs.exceptions.InvalidMessageContents):
            sqs.send_message(QueueUrl=url, MessageBody="\x00")
        sqs.purge_queue(QueueUrl=url)
        with pytest.raises(sqs.exceptions.PurgeQueueInProgress):
            sqs.purge_queue(QueueUrl=url)

    await in_thread(use)


async def test_a_long_poll_of_one_client_is_woken_by_the_send_of_another(app: App, waits: asyncio.Event) -> None:
    def receive() -> list[Any]:
        sqs = client(app)
        return list(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"])

    url = await asyncio.to_thread(lambda: client(app).create_queue(QueueName="q")["QueueUrl"])
    waiting = asyncio.create_task(asyncio.to_thread(receive))
    await asyncio.wait_for(waits.wait(), 20)
    await asyncio.to_thread(lambda: client(app).send_message(QueueUrl=url, MessageBody="wake up"))
    (message,) = await asyncio.wait_for(waiting, 5)
    assert message["Body"] == "wake up"


async def test_a_long_poll_does_not_hold_the_server_up(tmp_path: Path, waits: asyncio.Event) -> None:
    async with served(Settings(data=tmp_path, port=0)) as app:
        queue = await app.queues.administration.create("q", {}, {})
        headers = {"x-amz-target": "AmazonSQS.ReceiveMessage", "content-type": "application/x-amz-json-1.0"}
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            body = {"QueueUrl": app.queues.url(queue), "WaitTimeSeconds": 20}
            waiting = asyncio.create_task(http.post(app.base_url, json=body, headers=headers))
            await asyncio.wait_for(waits.wait(), 20)
            app.queues.dismiss()
            answer = await asyncio.wait_for(waiting, 5)
    assert (answer.status_code, answer.json()) == (200, {})


async def test_a_client_that_has_hung_up_takes_no_message(app: App, waits: asyncio.Event) -> None:
    queue = await app.queues.administration.create("q", {}, {})
    host, _, port = app.base_url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"QueueUrl": app.queues.url(queue), "WaitTimeSeconds": 20}).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await asyncio.wait_for(waits.wait(), 20)
    waits.clear()
    writer.close()
    await writer.wait_closed()
    second = asyncio.create_task(app.queues.receive(queue, 1, 20))
    await asyncio.wait_for(waits.wait(), 20)
    await asyncio.to_thread(lambda: client(app).send_message(QueueUrl=app.queues.url(queue), MessageBody="a"))
    (received,) = await asyncio.wait_for(second, 5)
    assert received.state.receives == 1


async def test_a_projects_queues(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    async with served(Settings(data=tmp_path / "data", port=0), tmp_path) as app:
        assert app.deployment.project is not None
        assert app.deployment.warnings == []
        assert app.health().queues == ["Dead", "work"]
        url = app.deployment.project.outputs["WorkUrl"]

        def use() -> None:
            sqs = client(app)
            assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout", "RedrivePolicy"])[
                "Attributes"
            ] == {
                "VisibilityTimeout": "45",
                "RedrivePolicy": '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:Dead",'
                '"maxReceiveCount":2}',
            }
            assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "calls"}
            sqs.send_message(QueueUrl=url, MessageBody="kept")

        await in_thread(use)
        await app.deployment.reload()
        assert (await app.queues.counts(app.queues.at(url))).visible == 1


async def query(app: App, path: str, **fields: str) -> tuple[int, xml.Element]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.post(
            f"{app.base_url}{path}",
            content=urlencode({"Version": "2012-11-05", **fields}),
            headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
        )
    return answer.status_code, xml.fromstring(answer.text)


def texts(element: xml.Element, *names: str) -> list[str | None]:
    return [found.text for found in element.iterfind(".//" + "/".join(f"{NAMESPACE}{name}" for name in names))]


async def test_the_query_protocol(app: App) -> None:
    fields = {"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "7", "Tag.1.Key": "k", "Tag.1.Value": "v"}
    status, answer = await query(app, "/", Action="CreateQueue", QueueName="q", **fields)
    assert status == 200
    (url,) = texts(answer, "QueueUrl")
    assert url == f"{app.base_url}/123456789012/q"
    path = "/123456789012/q"

    _, answer = await query(app, path, Action="GetQueueAttributes", **{"AttributeName.1": "VisibilityTimeout"})
    assert texts(answer, "Attribute", "Name") == ["VisibilityTimeout"]
    assert texts(answer, "Attribute", "Value") == ["7"]
    _, answer = await query(app, path, Action="ListQueueTags")
    assert (texts(answer, "Tag", "Key"), texts(answer, "Tag", "Value")) == (["k"], ["v"])

    batch = {
        f"SendMessageBatchRequestEntry.{number}.{name}": value
        for number, entry in enumerate(({"Id": "a", "MessageBody": "<a>"}, {"Id": "b", "MessageBody": "\x02"}), 1)
        for name, value in entry.items()
    }
    batch |= {
        "SendMessageBatchRequestEntry.1.MessageAttribute.1.Name": "n",
        "SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType": "Binary",
        "SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.BinaryValue": "AAE=",
    }
    _, answer = await query(app, path, Action="SendMessageBatch", **batch)
    assert texts(answer, "SendMessageBatchResultEntry", "Id") == ["a"]
    assert texts(answer, "BatchResultErrorEntry", "Code") == ["InvalidMessageContents"]

    asked = {"AttributeName.1": "All", "MessageAttributeName.1": "All", "MaxNumberOfMessages": "10"}
    _, answer = await query(app, path, Action="ReceiveMessage", **asked)
    assert texts(answer, "Message", "Body") == ["<a>"]
    assert texts(answer, "MessageAttribute", "Value", "BinaryValue") == ["AAE="]
    (handle,) = texts(answer, "ReceiptHandle")
    assert handle is not None
    status, _ = await query(app, path, Action="DeleteMessage", ReceiptHandle=handle)
    assert status == 200
    _, answer = await query(app, path, Action="ReceiveMessage")
    assert texts(answer, "Message") == []


async def test_a_queue_url_can_be_posted_to_with_json_too(app: App) -> None:
    queue = await app.queues.administration.create("q", {}, {})
    url = app.queues.url(queue)
    headers = {"x-amz-target": "AmazonSQS.SendMessage", "content-type": "application/x-amz-json-1.0"}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        sent = await http.post(url, json={"QueueUrl": url, "MessageBody": "a"}, headers=headers)
        refused = await http.post(url, json={"QueueUrl": url}, headers=headers)
    assert sent.json()["MD5OfMessageBody"] == "0cc175b9c0f1b6a831c399e269772661"
    assert (refused.status_code, refused.headers["x-amzn-query-error"]) == (400, "MissingParameter;Sender")
    assert refused.json() == {
        "__type": "com.amazonaws.sqs#MissingRequiredParameterException",
        "message": "The request must contain the parameter MessageBody.",
    }


async def test_recorded_errors_of_the_query_protocol(app: App) -> None:
    status, answer = await query(app, "/123456789012/none", Action="ReceiveMessage")
    assert status == 400
    assert texts(answer, "Code") == ["AWS.SimpleQueueService.NonExistentQueue"]
    assert texts(answer, "Message") == ["The specified queue does not exist for this wsdl version."]
    assert texts(answer, "Type") == ["Sender"]
    assert texts(answer, "Detail") == [None]
    status, answer = await query(app, "/", Action="CreateQueue", QueueName="not a name")
    assert (status, texts(answer, "Code")) == (400, ["InvalidParameterValue"])


def aws(app: App, *arguments: str) -> Any:
    """Version 1 of the CLI has SQS's endpoint from a table of its own, so AWS_ENDPOINT_URL does not reach it."""
    result = subprocess.run(
        [sys.executable, "-m", "awscli", "--endpoint-url", app.base_url, "sqs", *arguments, "--output", "json"],
        env={
            **os.environ,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "callpark",
            "AWS_SECRET_ACCESS_KEY": "callpark",
        },
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    return json.loads(result.stdout) if result.stdout.strip() else {}


async def test_the_aws_cli(app: App) -> None:
    def use() -> None:
        url = aws(app, "create-queue", "--queue-name", "q.fifo", "--attributes", "FifoQueue=true")["QueueUrl"]
        group = ("--message-group-id", "g", "--message-deduplication-id", "1")
        sent = aws(app, "send-message", "--queue-url", url, "--message-body", "hello", *group)
        assert len(sent["SequenceNumber"]) == 20
        (message,) = aws(app, "receive-message", "--queue-url", url, "--wait-time-seconds", "1")["Messages"]
        assert message["Body"] == "hello"
        assert aws(app, "delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"]) == {}

    await in_thread(use)
