"""Event source mappings through unmodified boto3: real server, real handlers, every recorded text of a refusal."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from callpark.app import App
from callpark.functions.sources.happenings import BatchEnded
from callpark.kernel.trace import Entry
from callpark.serving import served
from callpark.settings import Settings
from tests.journeys.archives import zipped

pytestmark = pytest.mark.compat

HANDLER = """
import json, os, boto3
sqs = boto3.client("sqs")
def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["SEEN"], MessageBody=json.dumps(event))
    bad = [one["messageId"] for one in event["Records"] if "bad" in one["body"]]
    return {"batchItemFailures": [{"itemIdentifier": one} for one in bad]}
"""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with served(Settings(data=tmp_path / "data", port=0)) as app:
        yield app


class Account:
    """boto3's clients of one server. What they answer has no types of its own."""

    def __init__(self, app: App) -> None:
        session = boto3.Session("a", "b", region_name="us-east-1")
        config = Config(retries={"total_max_attempts": 1})
        self.functions: Any = session.client("lambda", endpoint_url=app.base_url, config=config)
        self.queues: Any = session.client("sqs", endpoint_url=app.base_url, config=config)
        self.seen = self.queues.create_queue(QueueName="seen")["QueueUrl"]

    def queue(self, name: str, **attributes: str) -> tuple[str, str]:
        """URL and ARN."""
        url = self.queues.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        found = self.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    def function(self, name: str, code: str = HANDLER, **variables: str) -> None:
        self.functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role="arn:aws:iam::123456789012:role/r",
            Handler="app.handler",
            Code={"ZipFile": zipped(app=code)},
            Environment={"Variables": {"SEEN": self.seen, **variables}},
        )

    def refused(self, operation: str, **parameters: object) -> tuple[int, str, str]:
        with pytest.raises(ClientError) as refusal:
            getattr(self.functions, operation)(**parameters)
        response = refusal.value.response
        error = response["Error"]
        return response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]

    def next_event(self) -> dict[str, Any]:
        """What the function was given next."""
        (message,) = self.queues.receive_message(QueueUrl=self.seen, WaitTimeSeconds=20)["Messages"]
        self.queues.delete_message(QueueUrl=self.seen, ReceiptHandle=message["ReceiptHandle"])
        event: dict[str, Any] = json.loads(message["Body"])
        return event

    def close(self) -> None:
        self.functions.close()
        self.queues.close()


async def as_a_client(app: App, use: Callable[[Account], None]) -> None:
    """In a thread of its own, as boto3 blocks."""

    def whole() -> None:
        account = Account(app)
        try:
            use(account)
        finally:
            account.close()

    await asyncio.to_thread(whole)


async def test_the_life_of_a_mapping(app: App) -> None:
    await as_a_client(app, _life)


def _life(account: Account) -> None:
    url, arn = account.queue("q", VisibilityTimeout="3")
    account.function("f")
    created = account.functions.create_event_source_mapping(
        EventSourceArn=arn, FunctionName="f", FunctionResponseTypes=["ReportBatchItemFailures"], Tags={"a": "1"}
    )
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (created["State"], created["StateTransitionReason"]) == ("Creating", "USER_INITIATED")
    mapping_id = created["UUID"]
    found = account.functions.get_event_source_mapping(UUID=mapping_id)
    assert (found["State"], found["LastModified"]) == ("Enabled", created["LastModified"])
    assert account.functions.list_tags(Resource=found["EventSourceMappingArn"])["Tags"] == {"a": "1"}
    (listed,) = account.functions.list_event_source_mappings(FunctionName="f")["EventSourceMappings"]
    assert listed["UUID"] == mapping_id

    entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(["good", "bad"])]
    account.queues.send_message_batch(QueueUrl=url, Entries=entries)
    records = account.next_event()["Records"]
    assert {one["body"] for one in records} <= {"good", "bad"}
    again = records
    while [one["attributes"]["ApproximateReceiveCount"] for one in again if one["body"] == "bad"] != ["2"]:
        again = account.next_event()["Records"]
    assert [one["body"] for one in again] == ["bad"]

    updated = account.functions.update_event_source_mapping(UUID=mapping_id, Enabled=False)
    assert updated["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert updated["State"] == "Disabling"
    deleted = account.functions.delete_event_source_mapping(UUID=mapping_id)
    assert (deleted["ResponseMetadata"]["HTTPStatusCode"], deleted["State"]) == (202, "Deleting")
    assert account.refused("get_event_source_mapping", UUID=mapping_id) == (
        404,
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )


async def test_the_recorded_refusals(app: App) -> None:
    await as_a_client(app, _refusals)


def _refusals(account: Account) -> None:
    _, arn = account.queue("q")
    account.function("f")
    invalid = (400, "InvalidParameterValueException")
    create = "create_event_source_mapping"
    assert account.refused(create, FunctionName="f") == (*invalid, "Unrecognized event source.")
    assert account.refused(create, FunctionName="none", EventSourceArn=arn) == (*invalid, "Function does not exist")
    assert account.refused(create, FunctionName="f", EventSourceArn=f"{arn}-none") == (
        *invalid,
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
        "SQS Error Message: The specified queue does not exist.",
    )
    bad_filter = {"Filters": [{"Pattern": '{"body": {"a": []}}'}]}
    assert account.refused(create, FunctionName="f", EventSourceArn=arn, FilterCriteria=bad_filter) == (
        *invalid,
        "Invalid filter pattern definition.",
    )
    assert account.refused(create, FunctionName="f", EventSourceArn=arn, BatchSize=11) == (
        *invalid,
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
    )
    mapping = account.functions.create_event_source_mapping(FunctionName="f", EventSourceArn=arn)
    assert account.refused(create, FunctionName="f", EventSourceArn=arn) == (
        409,
        "ResourceConflictException",
        f'An event source mapping with SQS arn (" {arn} ") and function (" f ") already exists. '
        f"Please update or delete the existing mapping with UUID {mapping['UUID']}",
    )


LOOPING = """
import json, os, boto3
sqs = boto3.client("sqs")
def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=str(int(event["Records"][0]["body"]) + 1))
"""


async def test_a_loop_through_a_queue_is_stopped(app: App, caplog: pytest.LogCaptureFixture) -> None:
    """§9: after about 16 invocations in one chain the next is stopped, here because the messages carry the trace."""
    stopped = asyncio.Event()
    errors: list[str | None] = []

    def read(entry: Entry) -> None:
        if isinstance(entry.happening, BatchEnded):
            errors.append(entry.happening.error)
            if len(errors) == 17:
                stopped.set()

    app.trace.listen(read)
    await as_a_client(app, _loop)
    async with asyncio.timeout(30):
        await stopped.wait()
    # The sixteenth run ends after it has sent the message whose invocation is refused.
    assert (errors.count(None), errors.count("RecursiveInvocationException")) == (16, 1)
    caplog.clear()


def _loop(account: Account) -> None:
    url, arn = account.queue("loop")
    account.function("f", LOOPING, QUEUE=url)
    account.functions.create_event_source_mapping(EventSourceArn=arn, FunctionName="f")
    account.queues.send_message(QueueUrl=url, MessageBody="0")
