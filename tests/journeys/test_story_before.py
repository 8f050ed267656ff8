"""examples/story-stream/before: the same story by way of a queue; a real server, real handlers, boto3 as it is."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import boto3
import pytest

from callpark.app import App
from callpark.cli.story_client import Listener, Token, tell_story
from callpark.functions.sources.happenings import BatchEnded
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Entry
from callpark.serving import served
from callpark.settings import Settings
from tests.journeys.servers import started
from tests.story_example import STORY, settings_of, story_example

pytestmark = pytest.mark.compat


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    project = story_example(tmp_path)
    settings = Settings(data=tmp_path / "data", port=0, parameters=settings_of(project), limits=Limits())
    async with served(settings, project / "before") as app:
        yield app


def batches(app: App, count: int) -> "asyncio.Future[list[BatchEnded]]":
    """Resolves with the first `count` batches, once they have ended."""
    ended: list[BatchEnded] = []
    future: asyncio.Future[list[BatchEnded]] = asyncio.get_running_loop().create_future()

    def read(entry: Entry) -> None:
        if isinstance(entry.happening, BatchEnded):
            ended.append(entry.happening)
            if len(ended) == count:
                future.set_result(ended)

    app.trace.listen(read)
    return future


async def test_the_story_is_told_by_way_of_the_queue(app: App) -> None:
    assert app.deployment.warnings == []
    (api,) = app.health().apis
    ended = batches(app, 1)
    async with asyncio.timeout(30):
        listener = await Listener.open(api)
        text, _ = await tell_story(api, "a moon")
        tokens: list[Token] = [token async for token in listener.tokens()]
        await listener.close()
        (batch,) = await ended
    assert text == '{"data":{"tellStory":"OK"}}'
    assert [token.index for token in tokens] == list(range(len(tokens)))
    assert "".join(token.text for token in tokens).strip() == STORY
    assert (batch.function, batch.messages, batch.deleted, batch.error) == ("NarratorOfTheQueue", 1, 1, None)
    counts = await app.queues.counts(app.queues.queue(app.settings.place.arn("sqs", "Stories")))
    assert (counts.visible, counts.in_flight) == (0, 0)


async def test_a_story_that_cannot_be_told_stays_for_its_visibility(app: App) -> None:
    ended = batches(app, 1)
    queue = app.queues.queue(app.settings.place.arn("sqs", "Stories"))
    sqs = boto3.client("sqs", endpoint_url=app.base_url, region_name="us-east-1", aws_access_key_id="a",
                       aws_secret_access_key="b")  # fmt: skip
    async with asyncio.timeout(30):
        await asyncio.to_thread(sqs.send_message, QueueUrl=app.queues.url(queue), MessageBody="no story")
        (batch,) = await ended
    assert (batch.deleted, batch.error) == (0, "Unhandled")
    counts = await app.queues.counts(queue)
    assert (counts.visible, counts.in_flight) == (0, 1)
    sqs.close()


TEMPLATE = """
Resources:
  Queue: {{ Type: AWS::SQS::Queue, Properties: {{ QueueName: work, VisibilityTimeout: 3 }} }}
  Done: {{ Type: AWS::SQS::Queue, Properties: {{ QueueName: done }} }}
  Worker:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: Worker
      Runtime: python3.11
      Handler: index.handler
      Role: arn:aws:iam::123456789012:role/any
      Environment: {{ Variables: {{ DONE: !Ref Done }} }}
      Code:
        ZipFile: |
          import json, os, time, boto3
          sqs = boto3.client("sqs")
          def handler(event, context):
              time.sleep({seconds})
              for record in event["Records"]:
                  sqs.send_message(QueueUrl=os.environ["DONE"], MessageBody=record["body"])
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {{ EventSourceArn: !GetAtt Queue.Arn, FunctionName: !Ref Worker, BatchSize: 1 }}
"""


async def test_kill_9_while_a_batch_runs(tmp_path: Path) -> None:
    """What was received and not deleted is given to the function again once its visibility has ended."""
    project, data = tmp_path / "project", tmp_path / "data"
    project.mkdir()
    template = project / "template.yaml"
    template.write_text(TEMPLATE.format(seconds=60))

    def client(endpoint: str) -> "boto3.client":
        return boto3.client("sqs", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a",
                            aws_secret_access_key="b")  # fmt: skip

    async with started(project, data) as server:
        sqs = client(server.endpoint)
        url = (await asyncio.to_thread(sqs.get_queue_url, QueueName="work"))["QueueUrl"]
        for number in range(3):
            await asyncio.to_thread(sqs.send_message, QueueUrl=url, MessageBody=json.dumps(number))
        names = ["ApproximateNumberOfMessagesNotVisible"]
        async with asyncio.timeout(20):
            while True:
                found = await asyncio.to_thread(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=names)
                if found["Attributes"][names[0]] == "3":
                    break
        await server.kill()
        sqs.close()
    template.write_text(TEMPLATE.format(seconds=0))
    async with started(project, data) as server:
        sqs = client(server.endpoint)
        done = (await asyncio.to_thread(sqs.get_queue_url, QueueName="done"))["QueueUrl"]
        bodies: set[str] = set()
        async with asyncio.timeout(30):
            while bodies != {"0", "1", "2"}:
                answer = await asyncio.to_thread(
                    sqs.receive_message, QueueUrl=done, WaitTimeSeconds=10, MaxNumberOfMessages=10
                )
                bodies |= {message["Body"] for message in answer.get("Messages", [])}
        sqs.close()
