"""AWS::SQS::Queue: what a template's queues become."""

import json
from pathlib import Path

import pytest

from callpark.kernel.errors import ProjectError
from callpark.queues.model import QueueDefinition
from tests.projects.projects import loaded

pytestmark = pytest.mark.unit

ARN = "arn:aws:sqs:us-east-1:123456789012"
URL = "http://127.0.0.1:4566/123456789012"


def test_every_property(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        """
Resources:
  Work:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: work.fifo
      FifoQueue: true
      ContentBasedDeduplication: true
      DeduplicationScope: messageGroup
      FifoThroughputLimit: perMessageGroupId
      DelaySeconds: 5
      KmsDataKeyReusePeriodSeconds: 300
      KmsMasterKeyId: key
      MaximumMessageSize: "2048"
      MessageRetentionPeriod: 60
      ReceiveMessageWaitTimeSeconds: 20
      SqsManagedSseEnabled: false
      VisibilityTimeout: 45
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3 }
      RedriveAllowPolicy: '{"redrivePermission": "denyAll"}'
      Tags: [{ Key: team, Value: calls }]
  Dead: { Type: AWS::SQS::Queue, Properties: { FifoQueue: true } }
Outputs:
  Url: { Value: !Ref Work }
  Arn: { Value: !GetAtt Work.Arn }
  Name: { Value: !GetAtt Work.QueueName }
""",
    )
    work, dead = project.queues
    attributes = dict(work.attributes)
    assert json.loads(attributes.pop("RedrivePolicy")) == {
        "deadLetterTargetArn": f"{ARN}:Dead.fifo",
        "maxReceiveCount": 3,
    }
    assert attributes == {
        "FifoQueue": "true",
        "ContentBasedDeduplication": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
        "DelaySeconds": "5",
        "KmsDataKeyReusePeriodSeconds": "300",
        "KmsMasterKeyId": "key",
        "MaximumMessageSize": "2048",
        "MessageRetentionPeriod": "60",
        "ReceiveMessageWaitTimeSeconds": "20",
        "SqsManagedSseEnabled": "false",
        "VisibilityTimeout": "45",
        "RedriveAllowPolicy": '{"redrivePermission": "denyAll"}',
    }
    assert work.tags == {"team": "calls"}
    assert dead == QueueDefinition("Dead.fifo", f"{ARN}:Dead.fifo", f"{URL}/Dead.fifo", {"FifoQueue": "true"})
    assert project.outputs == {"Url": f"{URL}/work.fifo", "Arn": f"{ARN}:work.fifo", "Name": "work.fifo"}
    assert project.warnings == ()


def test_what_nobody_reads_is_a_warning(tmp_path: Path) -> None:
    project = loaded(tmp_path, "Resources:\n  Q: { Type: AWS::SQS::Queue, Properties: { Colour: red } }\n")
    (warning,) = project.warnings
    assert "Resources.Q.Properties.Colour" in warning


def test_a_property_of_the_wrong_type(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"RedrivePolicy: needs a mapping"):
        loaded(tmp_path, "Resources:\n  Q: { Type: AWS::SQS::Queue, Properties: { RedrivePolicy: [1] } }\n")
