"""The whole failure path with default settings: attempts at 0, 60 and 180 s, then dead-letter queue and OnFailure.

Real Python handlers, the real stores and queues, virtual time.
"""

import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callpark.app import App
from callpark.functions.environments.happenings import AttemptStarted
from callpark.functions.events.happenings import DestinationFailed
from callpark.functions.model import Invocation
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SystemIds
from callpark.projects.load import load_project
from callpark.queues.model import Received
from callpark.settings import Settings
from callpark.store.sqlite.store import SqliteStore

pytestmark = pytest.mark.process

TEMPLATE = """
Resources:
  Dead: { Type: AWS::SQS::Queue, Properties: { QueueName: dead } }
  Failed: { Type: AWS::SQS::Queue, Properties: { QueueName: failed } }
  Done: { Type: AWS::SQS::Queue, Properties: { QueueName: done } }
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: Sometimes
      Runtime: python3.11
      Handler: index.handler
      Role: arn:aws:iam::123456789012:role/any
      DeadLetterConfig: { TargetArn: !GetAtt Dead.Arn }
      Code:
        ZipFile: |
          def handler(event, context):
              if event["fail"]:
                  raise ValueError("Test exception (this is intentional)")
              return "fine"
  Ordered: { Type: AWS::SQS::Queue, Properties: { QueueName: ordered.fifo, FifoQueue: true } }
  OtherFunction:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: IntoFifo
      Runtime: python3.11
      Handler: index.handler
      Role: arn:aws:iam::123456789012:role/any
      Code: { ZipFile: "def handler(event, context): return 1" }
  OtherConfig:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref OtherFunction
      Qualifier: $LATEST
      DestinationConfig: { OnSuccess: { Destination: !GetAtt Ordered.Arn } }
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref Function
      Qualifier: $LATEST
      DestinationConfig:
        OnFailure: { Destination: !GetAtt Failed.Arn }
        OnSuccess: { Destination: !GetAtt Done.Arn }
"""


@asynccontextmanager
async def opened(clock: VirtualClock) -> AsyncIterator[App]:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "template.yaml").write_text(TEMPLATE)
        settings = Settings(data=folder / "data", port=0)
        app = App(settings, "http://127.0.0.1:1", SqliteStore.open(settings.data, clock), clock=clock, ids=SystemIds())
        await app.start(lambda: load_project(folder, place=settings.place, base_url=app.base_url))
        try:
            yield app
        finally:
            await app.close()


async def only_message(app: App, name: str) -> Received:
    queue = app.queues.queue(app.settings.place.arn("sqs", name))
    (message,) = await app.queues.receive(queue, 10, 0)
    return message


async def test_an_event_that_always_fails(clock: VirtualClock) -> None:
    async with opened(clock) as app:
        accepted = clock.now()
        payload = b'{ "fail":  true }'
        request_id = await app.functions.invoke_event(Invocation("Sometimes", payload))
        await clock.run_until(app.functions.wait_for_event(request_id))
        runs = [e.at - accepted for e in app.trace.entries(request_id) if isinstance(e.happening, AttemptStarted)]
        assert runs == [0, 60, 180]

        dead = (await only_message(app, "dead")).message
        assert dead.body == payload.decode(), "the caller's bytes, untouched"
        told = {name: (value.data_type, value.text) for name, value in dead.attributes.items()}
        assert told == {
            "RequestID": ("String", request_id),
            "ErrorCode": ("Number", "200"),
            "ErrorMessage": ("String", "Test exception (this is intentional)"),
        }

        failed = (await only_message(app, "failed")).message
        record = json.loads(failed.body)
        assert not failed.attributes, "(recorded) no message attributes"
        assert (failed.trace_header or "").startswith("Root="), "(recorded) but the trace, as AWSTraceHeader"
        assert record["requestContext"]["condition"] == "RetriesExhausted"
        assert record["requestContext"]["approximateInvokeCount"] == 3
        assert record["requestPayload"] == {"fail": True}
        assert record["responsePayload"]["errorMessage"] == "Test exception (this is intentional)"


async def test_an_event_that_succeeds(clock: VirtualClock) -> None:
    async with opened(clock) as app:
        request_id = await app.functions.invoke_event(Invocation("Sometimes", b'{"fail": false}'))
        await clock.run_until(app.functions.wait_for_event(request_id))
        record = json.loads((await only_message(app, "done")).message.body)
        assert record["requestContext"]["condition"] == "Success"
        assert record["responsePayload"] == "fine"


async def test_a_fifo_queue_as_destination_is_accepted_and_fails_at_delivery(clock: VirtualClock) -> None:
    """(recorded, lambda.md §5.2)"""
    async with opened(clock) as app:
        request_id = await app.functions.invoke_event(Invocation("IntoFifo", b"{}"))
        result = await clock.run_until(app.functions.wait_for_event(request_id))
        assert result.condition == "Success"
        happenings = [entry.happening for entry in app.trace.entries(request_id)]
        (failed,) = [happening for happening in happenings if isinstance(happening, DestinationFailed)]
        assert (failed.kind, failed.target) == ("OnSuccess", app.settings.place.arn("sqs", "ordered.fifo"))
        assert "is a FIFO queue" in failed.reason
