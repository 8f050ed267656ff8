"""AWS::Logs::LogGroup: what a template's log groups become."""

from pathlib import Path

import pytest

from callpark.kernel.errors import ProjectError
from callpark.logs.model import GroupDefinition
from tests.projects.projects import loaded

pytestmark = pytest.mark.unit

ARN = "arn:aws:logs:us-east-1:123456789012:log-group"


def test_every_property(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        """
Resources:
  Kept:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Sub /aws/lambda/${AWS::Region}
      RetentionInDays: "14"
      LogGroupClass: STANDARD
      DeletionProtectionEnabled: false
      Tags: [{ Key: team, Value: calls }]
  Own: { Type: AWS::Logs::LogGroup }
  Odd: { Type: AWS::Logs::LogGroup, Properties: { KmsKeyId: k, LogGroupClass: INFREQUENT_ACCESS } }
Outputs:
  Name: { Value: !Ref Own }
  Arn: { Value: !GetAtt Kept.Arn }
""",
    )
    assert project.log_groups == (
        GroupDefinition("/aws/lambda/us-east-1", 14, {"team": "calls"}),
        GroupDefinition("Own"),
        GroupDefinition("Odd"),
    )
    assert project.outputs == {"Name": "Own", "Arn": f"{ARN}:/aws/lambda/us-east-1:*"}
    assert [warning.partition(": ")[2] for warning in project.warnings] == [
        "Resources.Odd.Properties.KmsKeyId: AWS::Logs::LogGroup: the property is ignored",
        "Resources.Odd.Properties.LogGroupClass: AWS::Logs::LogGroup: the property is ignored",
    ]


def test_a_retention_that_aws_does_not_know(tmp_path: Path) -> None:
    template = "Resources: {G: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 8}}}"
    with pytest.raises(ProjectError, match="RetentionInDays: 8 is no number of days that AWS knows"):
        loaded(tmp_path, template)
