"""Handlers and clients use AWS services that callpark does not serve: the fallback in its own process, real clients."""

import asyncio
import contextlib
import io
import json
import logging
import os
import signal
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from callpark.app import App
from callpark.functions.events.happenings import DestinationDelivered
from callpark.functions.model import Invocation
from callpark.kernel.clock import VirtualClock
from callpark.serving import served
from callpark.settings import Settings
from callpark.upstreams.fallback import Fallback, installed
from tests.journeys.archives import zipped

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not installed(), reason="the extra `aws` is not installed"),
]

HANDLER = """
import boto3, json, os

def handler(event, context):
    kind = "direct"
    if "Records" in event:
        kind = event["Records"][0].get("EventSource") or event["Records"][0].get("eventSource")
    elif "source" in event:
        kind = event["source"]
    boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item={"id": {"S": kind}})
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=kind, Body=json.dumps(event).encode())
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET"])["SecretString"]
    return {"secret": secret, "setting": boto3.client("ssm").get_parameter(Name="/app/setting")["Parameter"]["Value"]}
"""

SHOP = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders: { Type: AWS::Serverless::SimpleTable, Properties: { PrimaryKey: { Name: id, Type: String } } }
  Uploads: { Type: AWS::S3::Bucket }
  Drops: { Type: AWS::S3::Bucket }
  Queue: { Type: AWS::SQS::Queue }
  News:
    Type: AWS::SNS::Topic
    Properties: { Subscription: [{ Protocol: sqs, Endpoint: !GetAtt Queue.Arn }] }
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: bus } }
  Secret: { Type: AWS::SecretsManager::Secret, Properties: { SecretString: sesame } }
  Setting: { Type: AWS::SSM::Parameter, Properties: { Name: /app/setting, Type: String, Value: "42" } }
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: src
      Timeout: 30
      Environment: { Variables: { TABLE: !Ref Orders, BUCKET: !Ref Uploads, SECRET: !Ref Secret } }
      Events:
        Topic: { Type: SNS, Properties: { Topic: !Ref News } }
        Rule: { Type: EventBridgeRule, Properties: { EventBusName: !Ref Bus, Pattern: { source: [shop] } } }
        Drop: { Type: S3, Properties: { Bucket: !Ref Drops, Events: "s3:ObjectCreated:*" } }
"""

FAILING = """
Resources:
  Dead: { Type: AWS::SQS::Queue, Properties: { QueueName: dead } }
  Letters:
    Type: AWS::SNS::Topic
    Properties: { Subscription: [{ Protocol: sqs, Endpoint: !GetAtt Dead.Arn }] }
  Failed: { Type: AWS::SQS::Queue, Properties: { QueueName: failed } }
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: bus } }
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: { source: [lambda] }
      Targets: [{ Id: "1", Arn: !GetAtt Failed.Arn }]
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: Fails
      Runtime: python3.11
      Handler: index.handler
      Role: arn:aws:iam::123456789012:role/any
      DeadLetterConfig: { TargetArn: !Ref Letters }
      Code: { ZipFile: "def handler(event, context): raise ValueError('on purpose')" }
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref Function
      Qualifier: $LATEST
      DestinationConfig: { OnFailure: { Destination: !GetAtt Bus.Arn } }
"""


def client(app: App, name: str, endpoint: str | None = None) -> Any:  # boto3's clients have no types
    return boto3.client(
        name,
        endpoint_url=endpoint or app.base_url,
        region_name="us-east-1",
        aws_access_key_id="callpark",
        aws_secret_access_key="callpark",
    )


def project(folder: Path, template: str) -> Path:
    (folder / "project" / "src").mkdir(parents=True)
    (folder / "project" / "template.yaml").write_text(template)
    (folder / "project" / "src" / "app.py").write_text(HANDLER)
    return folder / "project"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with served(Settings(data=tmp_path / "data", port=0)) as app:
        yield app


def fallback(app: App) -> Fallback:
    (found,) = [value for value in vars(app.upstreams).values() if isinstance(value, Fallback)]
    return found


@contextlib.asynccontextmanager
async def noticing(text: str) -> AsyncIterator[None]:
    """Ends when callpark has logged something."""
    noticed, log = asyncio.Event(), logging.getLogger("callpark")

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if text in record.getMessage():
                noticed.set()

    handler = Handler()
    log.addHandler(handler)
    try:
        yield
        await noticed.wait()
    finally:
        log.removeHandler(handler)


async def test_what_a_template_declares_is_there_and_calls_its_function(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", port=0)
    async with served(settings, project(tmp_path, SHOP)) as app:
        assert app.deployment.warnings == []
        orders: list[str] = []

        def use() -> None:
            lambda_, dynamodb, s3 = client(app, "lambda"), client(app, "dynamodb"), client(app, "s3")
            answer = json.loads(lambda_.invoke(FunctionName="Function", Payload=b'{"a": 1}')["Payload"].read())
            assert answer == {"secret": "sesame", "setting": "42"}
            assert json.loads(s3.get_object(Bucket="uploads", Key="direct")["Body"].read()) == {"a": 1}
            assert dynamodb.scan(TableName="Orders")["Items"] == [{"id": {"S": "direct"}}]

            news = "arn:aws:sns:us-east-1:123456789012:News"
            client(app, "sns").publish(TopicArn=news, Message="hello", Subject="greeting")
            entry = {"Source": "shop", "DetailType": "sold", "Detail": "{}", "EventBusName": "bus"}
            assert client(app, "events").put_events(Entries=[entry])["FailedEntryCount"] == 0
            s3.put_object(Bucket="drops", Key="in", Body=b"1")

            sqs = client(app, "sqs")
            url = sqs.get_queue_url(QueueName="Queue")["QueueUrl"]
            (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
            assert json.loads(message["Body"])["Message"] == "hello"

        await asyncio.to_thread(use)
        items = {"TableName": "Orders"}
        while len(orders) < 4:  # the three events run when they run; the test's own timeout bounds it
            found = await app.upstreams.call("dynamodb", "Scan", items)
            orders = [item["id"]["S"] for item in found["Items"]]  # type: ignore[attr-defined]
        assert sorted(orders) == ["aws:s3", "aws:sns", "direct", "shop"]
        told = await app.upstreams.call("s3", "GetObject", {"Bucket": "uploads", "Key": "aws:sns"})
        (record,) = json.loads(told["Body"])["Records"]  # type: ignore[arg-type]
        assert (record["Sns"]["Message"], record["Sns"]["Subject"]) == ("hello", "greeting")

        process_id = fallback(app).process_id
        assert process_id is not None
        async with noticing("the fallback (moto) has ended with status -9; its tables, buckets and topics are gone"):
            os.killpg(process_id, signal.SIGKILL)
        found = await app.upstreams.call("dynamodb", "Scan", items)
        assert found["Items"] == []
        assert fallback(app).process_id not in (None, process_id)


async def test_the_whole_failure_path_through_a_topic_and_a_bus(tmp_path: Path, clock: VirtualClock) -> None:
    """Three failures on the virtual clock → SNS dead-letter topic and OnFailure bus → messages in our queues."""
    settings = Settings(data=tmp_path / "data", port=0)
    async with served(settings, project(tmp_path, FAILING), clock=clock) as app:
        start = clock.now()
        accepted = await clock.run_until(app.functions.invoke_event(Invocation("Fails", b'{"n": 1}')))
        await clock.run_until(app.functions.wait_for_event(accepted))
        assert clock.now() - start == pytest.approx(180, abs=1)
        await clock.settle()

        (dead,) = await clock.run_until(
            app.queues.receive(app.queues.queue("arn:aws:sqs:us-east-1:123456789012:dead"), 1, wait=5)
        )
        letter = json.loads(dead.message.body)
        assert letter["Message"] == '{"n": 1}'
        assert {name: (a["Type"], a["Value"]) for name, a in letter["MessageAttributes"].items()} == {
            "RequestID": ("String", accepted),
            "ErrorCode": ("Number", "200"),
            "ErrorMessage": ("String", "on purpose"),
        }
        (failed,) = await clock.run_until(
            app.queues.receive(app.queues.queue("arn:aws:sqs:us-east-1:123456789012:failed"), 1, wait=5)
        )
        event = json.loads(failed.message.body)
        function = "arn:aws:lambda:us-east-1:123456789012:function:Fails:$LATEST"
        assert (event["source"], event["detail-type"]) == ("lambda", "Lambda Function Invocation Result - Failure")
        assert event["resources"] == ["arn:aws:events:us-east-1:123456789012:event-bus/bus", function]
        context = event["detail"]["requestContext"]
        assert (context["requestId"], context["condition"], context["approximateInvokeCount"]) == (
            accepted,
            "RetriesExhausted",
            3,
        )
        delivered = [e.happening for e in app.trace.entries(accepted)]
        assert any(isinstance(happening, DestinationDelivered) for happening in delivered)


async def test_clients_of_services_that_are_not_ours(app: App) -> None:
    def use() -> None:
        s3 = client(app, "s3")
        s3.create_bucket(Bucket="bucket")
        large = os.urandom(9_000_000)
        s3.upload_fileobj(io.BytesIO(large), "bucket", "large")  # in parts
        s3.put_object(Bucket="bucket", Key="a b/ü+?.txt", Body=b"small", Metadata={"x": "y"})
        assert s3.get_object(Bucket="bucket", Key="large")["Body"].read() == large
        found = s3.get_object(Bucket="bucket", Key="a b/ü+?.txt")
        assert (found["Body"].read(), found["Metadata"]) == (b"small", {"x": "y"})
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "a b/ü+?.txt"})
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == b"small"
        by_name = client(app, "s3", app.base_url.replace("127.0.0.1", "localhost"))
        assert by_name.get_object(Bucket="bucket", Key="a b/ü+?.txt")["Body"].read() == b"small"
        with pytest.raises(ClientError, match="NoSuchKey"):
            s3.get_object(Bucket="bucket", Key="none")
        with pytest.raises(ClientError, match="callpark does not implement AssumeRole of the service sts"):
            client(app, "sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/any", RoleSessionName="abc")
        with pytest.raises(ClientError, match="callpark does not implement ListRules of the service connect"):
            client(app, "connect").list_rules(InstanceId="callpark", PublishStatus="PUBLISHED")

        lambda_, code = client(app, "lambda"), {"S3Bucket": "bucket", "S3Key": "code.zip"}
        new = {"Runtime": "python3.11", "Role": "arn:aws:iam::123456789012:role/any", "Handler": "app.handler"}
        missing = "S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
        with pytest.raises(ClientError, match=f"Error occurred while GetObject. {missing}") as error:
            lambda_.create_function(FunctionName="InS3", Code=code, **new)
        assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
        s3.put_object(Bucket="bucket", Key="code.zip", Body=zipped(app="def handler(event, context): return 1"))
        lambda_.create_function(FunctionName="InS3", Code=code, **new)
        lambda_.get_waiter("function_active_v2").wait(FunctionName="InS3")
        assert lambda_.invoke(FunctionName="InS3")["Payload"].read() == b"1"
        s3.put_object(Bucket="bucket", Key="code.zip", Body=zipped(app="def handler(event, context): return 2"))
        lambda_.update_function_code(FunctionName="InS3", **code)
        assert lambda_.invoke(FunctionName="InS3")["Payload"].read() == b"2"
        layer = lambda_.publish_layer_version(LayerName="layer", Content=code)
        assert layer["Version"] == 1

    await asyncio.to_thread(use)


async def test_the_fallback_ends_with_us(tmp_path: Path) -> None:
    async with served(Settings(data=tmp_path, port=0)) as app:
        await app.upstreams.call("sns", "CreateTopic", {"Name": "t"})
        process_id = fallback(app).process_id
        assert process_id is not None
        assert app.health().upstreams[-1].server == "moto"
    with pytest.raises(ProcessLookupError):
        os.killpg(process_id, 0)
