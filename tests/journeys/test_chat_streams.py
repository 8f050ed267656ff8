"""A chat streamed to a topic that somebody else serves, and scanned through a bucket there: what arrives in a queue."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from callpark.app import App
from callpark.serving import served
from callpark.settings import Settings
from callpark.upstreams.fallback import installed
from tests.flows.building import content
from tests.flows.chat.chatting import ECHO, Client, Listener
from tests.journeys.archives import zipped
from tests.journeys.test_boto3 import ROLE, client

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not installed(), reason="the extra `aws` is not installed"),
]

SCANNER = """
import boto3

def handler(event, context):
    place = event["File"]["FileLocation"]["S3Location"]
    body = boto3.client("s3").get_object(Bucket=place["Bucket"], Key=place["Key"])["Body"].read()
    return {"Status": "REJECTED" if b"virus" in body else "APPROVED"}
"""


def deployed(app: App) -> dict[str, str]:
    """A topic with a queue, a scanner, and the flow."""
    queue = client(app, "sqs").create_queue(QueueName="said")["QueueUrl"]
    topic = client(app, "sns").create_topic(Name="chats")["TopicArn"]
    endpoint, raw = "arn:aws:sqs:us-east-1:123456789012:said", {"RawMessageDelivery": "true"}
    client(app, "sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint, Attributes=raw)
    scanner = client(app).create_function(
        FunctionName="Scanner",
        Runtime="python3.11",
        Role=ROLE,
        Handler="app.handler",
        Timeout=30,
        Code={"ZipFile": zipped(app=SCANNER)},
    )["FunctionArn"]
    connect = client(app, "connect")
    where = {"InstanceId": connect.list_instances()["InstanceSummaryList"][0]["Id"]}
    connect.create_integration_association(**where, IntegrationType="FILE_SCANNER", IntegrationArn=scanner)
    flow = connect.create_contact_flow(**where, Name="echo", Type="CONTACT_FLOW", Content=content(*ECHO))
    return {"queue": queue, "topic": topic, "flow": flow["ContactFlowId"]}


def received(app: App, queue: str, most: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < most:
        answer = client(app, "sqs").receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=20, MessageAttributeNames=["All"]
        )
        assert answer.get("Messages"), found
        found += answer["Messages"]
    return found


async def sent(customer: Client, token: str, text: bytes) -> None:
    offered = await customer.participant(
        "start_attachment_upload",
        AttachmentName="note.txt",
        ContentType="text/plain",
        AttachmentSizeInBytes=len(text),
        ConnectionToken=token,
    )
    upload = offered["UploadMetadata"]
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        assert (await http.put(upload["Url"], content=text, headers=upload["HeadersToInclude"])).status_code == 200
    given = {"AttachmentIds": [offered["AttachmentId"]], "ConnectionToken": token}
    await customer.participant("complete_attachment_upload", **given)


async def test_a_topic_hears_a_chat_and_a_scanner_sees_its_files(tmp_path: Path) -> None:
    async with served(Settings(data=tmp_path, port=0)) as app:
        made = await asyncio.to_thread(deployed, app)
        customer = Client(app)
        topic = {"StreamingEndpointArn": made["topic"]}
        begun = await customer.start(ContactFlowId=made["flow"], ChatStreamingConfiguration=topic)
        assert begun["StreamingId"]
        connection = await customer.connection(begun["ParticipantToken"])
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        async with Listener.at(connection["Websocket"]["Url"]) as listener:
            await customer.say(token, "hello")
            for text, verdict in ((b"hello", "APPROVED"), (b"a virus", "REJECTED")):
                await sent(customer, token, text)
                while True:
                    item = await listener.item()
                    if item["Type"] == "ATTACHMENT" and item["Attachments"][0]["Status"] != "IN_PROGRESS":
                        break
                assert item["Attachments"][0]["Status"] == verdict
        messages = await asyncio.to_thread(received, app, made["queue"], 4)
        bodies = [json.loads(message["Body"]) for message in messages]
        assert "hello" in [body.get("Content") for body in bodies]
        assert {body["ContactId"] for body in bodies} == {begun["ContactId"]}
        attributes = messages[0]["MessageAttributes"]
        assert attributes["MessageVisibility"]["StringValue"] == "ALL"
        assert attributes["InitialContactId"]["StringValue"] == begun["ContactId"]
