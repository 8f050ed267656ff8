"""Resources of services that others serve: their names, and the calls that bring them about."""

from collections.abc import Mapping
from pathlib import Path

import botocore.loaders
import botocore.model
import botocore.validate
import pytest

from callpark.projects.model import ForeignCall, Project
from tests.projects.projects import loaded, refused

pytestmark = pytest.mark.unit

EVERYTHING = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Simple: { Type: AWS::Serverless::SimpleTable, Properties: { PrimaryKey: { Name: id, Type: String } } }
  Orders:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: orders
      AttributeDefinitions: [{ AttributeName: a, AttributeType: S }, { AttributeName: b, AttributeType: N }]
      KeySchema: [{ AttributeName: a, KeyType: HASH }]
      ProvisionedThroughput: { ReadCapacityUnits: "5", WriteCapacityUnits: 2 }
      GlobalSecondaryIndexes:
        - IndexName: by-b
          KeySchema: [{ AttributeName: b, KeyType: HASH }]
          Projection: { ProjectionType: ALL }
      StreamSpecification: { StreamViewType: NEW_IMAGE }
      TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }
  Uploads:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: { Status: Enabled }
      CorsConfiguration: { CorsRules: [{ AllowedMethods: [GET], AllowedOrigins: ["*"], MaxAge: 30 }] }
      NotificationConfiguration:
        EventBridgeConfiguration: { EventBridgeEnabled: true }
        QueueConfigurations:
          - Event: "s3:ObjectCreated:*"
            Queue: !GetAtt Q.Arn
            Filter: { S3Key: { Rules: [{ Name: prefix, Value: in/ }] } }
  Q: { Type: AWS::SQS::Queue }
  News:
    Type: AWS::SNS::Topic
    Properties: { DisplayName: n, Subscription: [{ Protocol: sqs, Endpoint: !GetAtt Q.Arn }] }
  Ordered: { Type: AWS::SNS::Topic, Properties: { FifoTopic: true } }
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: bus } }
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: { SecretStringTemplate: '{"user":"x"}', GenerateStringKey: password, PasswordLength: 12 }
  Setting: { Type: AWS::SSM::Parameter, Properties: { Name: /app/setting, Type: String, Value: "42" } }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      InlineCode: "def handler(event, context): ..."
      Events:
        Topic: { Type: SNS, Properties: { Topic: !Ref News, FilterPolicy: { kind: [a] } } }
        Rule: { Type: EventBridgeRule, Properties: { EventBusName: !Ref Bus, Pattern: { source: [shop] } } }
        Drop: { Type: S3, Properties: { Bucket: !Ref Drops, Events: "s3:ObjectCreated:*" } }
  Drops: { Type: AWS::S3::Bucket }
Outputs:
  Table: { Value: !Ref Orders }
  TableArn: { Value: !GetAtt Orders.Arn }
  Bucket: { Value: !Ref Uploads }
  Domain: { Value: !GetAtt Uploads.RegionalDomainName }
  Topic: { Value: !Ref News }
  TopicName: { Value: !GetAtt Ordered.TopicName }
  Bus: { Value: !GetAtt Bus.Arn }
  Secret: { Value: !Ref Secret }
  Setting: { Value: !GetAtt Setting.Value }
"""


def calls(project: Project, logical_id: str) -> list[tuple[str, Mapping[str, object]]]:
    (resource,) = [resource for resource in project.foreign if resource.logical_id == logical_id]
    return [(call.operation, call.parameters) for call in resource.calls]


def problems(call: ForeignCall) -> str:
    """What botocore finds wrong with a call."""
    description = botocore.loaders.Loader().load_service_model(call.service, "service-2")
    shape = botocore.model.ServiceModel(description).operation_model(call.operation).input_shape
    report = botocore.validate.ParamValidator().validate(call.parameters, shape)
    return str(report.generate_report())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return loaded(tmp_path_factory.mktemp("project"), EVERYTHING)


def test_every_call_is_one_that_aws_would_take(project: Project) -> None:
    for resource in project.foreign:
        for call in resource.calls:
            assert problems(call) == "", resource


def test_nothing_of_it_is_ignored(project: Project) -> None:
    assert project.warnings == ()


def test_what_references_give(project: Project) -> None:
    assert project.outputs == {
        "Table": "orders",
        "TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/orders",
        "Bucket": "uploads",
        "Domain": "uploads.s3.us-east-1.amazonaws.com",
        "Topic": "arn:aws:sns:us-east-1:123456789012:News",
        "TopicName": "Ordered.fifo",
        "Bus": "arn:aws:events:us-east-1:123456789012:event-bus/bus",
        "Secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:Secret",
        "Setting": "42",
    }


def test_a_table(project: Project) -> None:
    (create, table), (expire, expiry) = calls(project, "Orders")
    assert (create, expire) == ("CreateTable", "UpdateTimeToLive")
    assert table["ProvisionedThroughput"] == {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2}
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert expiry["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    ((_, simple),) = calls(project, "Simple")
    assert simple["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert simple["BillingMode"] == "PAY_PER_REQUEST"


def test_a_bucket(project: Project) -> None:
    made = dict(calls(project, "Uploads"))
    assert made["CreateBucket"] == {"Bucket": "uploads"}
    assert made["PutBucketVersioning"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert made["PutBucketCors"]["CORSConfiguration"] == {
        "CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 30}]
    }
    assert made["PutBucketNotificationConfiguration"]["NotificationConfiguration"] == {
        "QueueConfigurations": [
            {
                "QueueArn": "arn:aws:sqs:us-east-1:123456789012:Q",
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}},
            }
        ],
        "EventBridgeConfiguration": {},
    }


def test_what_sam_makes_of_a_functions_events(project: Project) -> None:
    function = "arn:aws:lambda:us-east-1:123456789012:function:F"
    found = {call.operation: call.parameters for resource in project.foreign for call in resource.calls}
    assert found["PutTargets"]["Targets"] == [{"Arn": function, "Id": "FRuleLambdaTarget"}]
    assert found["PutRule"]["EventPattern"] == '{"source":["shop"]}'
    (subscribed,) = [r for r in project.foreign if r.type == "AWS::SNS::Subscription"]
    (call,) = subscribed.calls
    assert (call.parameters["Protocol"], call.parameters["Endpoint"]) == ("lambda", function)
    assert call.parameters["Attributes"] == {"FilterPolicy": '{"kind":["a"]}'}
    notified = dict(calls(project, "Drops"))["PutBucketNotificationConfiguration"]
    assert notified["NotificationConfiguration"] == {
        "LambdaFunctionConfigurations": [{"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}]
    }


def test_what_belongs_to_others_comes_after_them(project: Project) -> None:
    order = [resource.logical_id for resource in project.foreign]
    assert order.index("Bus") < order.index("FRule")
    assert order.index("News") < order.index("FTopic")


def test_a_generated_secret_is_the_same_at_every_load(project: Project, tmp_path: Path) -> None:
    ((_, secret),) = calls(project, "Secret")
    assert str(secret["SecretString"]).startswith('{"user":"x","password":"')
    again = loaded(project.root, EVERYTHING)
    assert calls(again, "Secret") == calls(project, "Secret")
    assert len(str(secret["SecretString"])) == len('{"user":"x","password":""}') + 12


def test_schedules_and_what_is_not_kept_are_named(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        """
Resources:
  Hourly: { Type: AWS::Events::Rule, Properties: { ScheduleExpression: rate(1 hour), Targets: [] } }
  Bucket: { Type: AWS::S3::Bucket, Properties: { LifecycleConfiguration: { Rules: [] }, BucketEncryption: {} } }
""",
    )
    assert list(project.warnings) == [
        "template.yaml:3: Resources.Hourly.Properties.ScheduleExpression: AWS::Events::Rule: schedules do not fire",
        "template.yaml:4: Resources.Bucket.Properties.LifecycleConfiguration: AWS::S3::Bucket: the property is ignored",
    ]


def test_a_subscription_needs_to_say_to_what(tmp_path: Path) -> None:
    error = refused(tmp_path, "Resources: { S: { Type: AWS::SNS::Subscription, Properties: { Protocol: sqs } } }")
    assert "TopicArn is missing" in error.cause
