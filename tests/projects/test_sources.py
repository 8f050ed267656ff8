"""Event source mappings in templates: as CloudFormation writes them, and as SAM's events."""

import json
from pathlib import Path

import pytest

from callpark.functions.sources.model import Pollers, SourceSettings
from callpark.projects.model import Project
from tests.projects.projects import load

pytestmark = pytest.mark.unit

SAM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Queue: { Type: AWS::SQS::Queue }
  Function:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: f
      Runtime: python3.11
      Handler: index.handler
      InlineCode: "def handler(event, context): ..."
      Events:
        Q:
          Type: SQS
          Properties:
            Queue: !GetAtt Queue.Arn
            BatchSize: 100
            MaximumBatchingWindowInSeconds: 5
            Enabled: false
            FilterCriteria: { Filters: [ { Pattern: '{"body": {"a": [1]}}' } ] }
            FunctionResponseTypes: [ ReportBatchItemFailures ]
            ScalingConfig: { MaximumConcurrency: 3 }
Outputs:
  Id: { Value: !Ref FunctionQ }
  Arn: { Value: !GetAtt FunctionQ.EventSourceMappingArn }
"""

PLAIN = """
Resources:
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: f
      Runtime: python3.11
      Handler: index.handler
      Role: arn:aws:iam::123456789012:role/r
      Code: { ZipFile: "def handler(event, context): ..." }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Function
      EventSourceArn: SOURCE
      ProvisionedPollerConfig: { MinimumPollers: 2, MaximumPollers: 4 }
      FilterCriteria: { Filters: [ { Pattern: { body: { a: [ 1 ] } } } ] }
      KmsKeyArn: some-key
      Tags: [ { Key: a, Value: b } ]
"""


def loaded(folder: Path, text: str) -> Project:
    (folder / "template.yaml").write_text(text)
    return load(folder)


def test_an_sqs_event_of_sam(tmp_path: Path) -> None:
    project = loaded(tmp_path, SAM)
    (source,), (queue,) = project.sources, project.queues
    assert project.warnings == ()
    assert (source.queue_arn, source.function) == (queue.arn, "f")
    assert source.settings == SourceSettings(
        enabled=False,
        batch_size=100,
        window_seconds=5,
        filters=('{"body": {"a": [1]}}',),
        response_types=("ReportBatchItemFailures",),
        maximum_concurrency=3,
    )
    assert project.outputs["Id"] == source.mapping_id
    assert project.outputs["Arn"] == f"arn:aws:lambda:us-east-1:123456789012:event-source-mapping:{source.mapping_id}"
    assert loaded(tmp_path, SAM).sources == project.sources, "the UUID does not change from load to load"


def test_a_mapping_of_cloudformation(tmp_path: Path) -> None:
    arn = "arn:aws:sqs:us-east-1:123456789012:q"
    project = loaded(tmp_path, PLAIN.replace("SOURCE", arn))
    (source,) = project.sources
    assert (source.queue_arn, dict(source.tags)) == (arn, {"a": "b"})
    assert source.settings.pollers == Pollers(2, 4)
    (pattern,) = source.settings.filters
    assert json.loads(pattern) == {"body": {"a": [1]}}
    (warning,) = project.warnings
    assert "KmsKeyArn" in warning


@pytest.mark.parametrize(
    ("source", "service"),
    [("arn:aws:kinesis:us-east-1:123456789012:stream/s", "kinesis"),
     ("arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/x", "dynamodb"), ("nothing", "this kind")],
)  # fmt: skip
def test_other_sources_are_named(tmp_path: Path, source: str, service: str) -> None:
    project = loaded(tmp_path, PLAIN.replace("SOURCE", source))
    assert project.sources == ()
    (warning,) = project.warnings
    assert f"sources of {service} are not served; it is left out" in warning
