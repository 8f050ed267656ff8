"""Nested stacks whose templates lie beside the parent's, as CDK and Amplify Gen 2 write them into cdk.out."""

import json
from pathlib import Path
from typing import Any

import pytest

from callpark.graphql.model import TableConfig
from callpark.kernel.errors import ProjectError
from tests.projects.projects import load, write

pytestmark = pytest.mark.unit


def nested(file: str, parameters: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """As CDK writes it: the address in pieces, the file in the metadata."""
    bucket = {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}
    pieces = ["https://s3.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}, "/", bucket, "/1a2b.json"]
    return {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"Parameters": parameters or {}, "TemplateURL": {"Fn::Join": ["", pieces]}},
        "Metadata": {"aws:asset:path": file, "aws:asset:property": "TemplateURL"},
        **more,
    }


ROOT: dict[str, Any] = {
    "Parameters": {"Stage": {"Type": "String", "Default": "dev"}},
    "Conditions": {"Live": {"Fn::Equals": [{"Ref": "Stage"}, "live"]}},
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "jobs-${Stage}"}}},
        "Data": nested(
            "Data.nested.template.json",
            {"QueueArn": {"Fn::GetAtt": ["Queue", "Arn"]}, "Stage": {"Ref": "Stage"}, "Zones": "a,b"},
            DependsOn=["Queue"],
        ),
        "Extra": nested("Extra.nested.template.json", Condition="Live"),
        "After": {
            "Type": "AWS::SQS::Queue",
            "DependsOn": ["Data", "Queue"],
            "Properties": {"QueueName": {"Fn::Sub": "after-${Data.Outputs.ApiName}"}},
        },
    },
    "Outputs": {
        "Url": {"Value": {"Fn::GetAtt": ["Data", "Outputs.ApiUrl"]}},
        "Zones": {"Value": {"Fn::Join": ["/", {"Fn::GetAtt": ["Data", "Outputs.Zones"]}]}},
        "Stack": {"Value": {"Ref": "Data"}},
        "Where": {"Value": {"Fn::GetAtt": "Data.Outputs.Where"}},
    },
}
API = {"Fn::GetAtt": ["Api", "ApiId"]}
DATA = {
    "Parameters": {
        "QueueArn": {"Type": "String"},
        "Stage": {"Type": "String"},
        "Zones": {"Type": "CommaDelimitedList"},
        "Limit": {"Type": "Number", "Default": 5},
    },
    "Conditions": {"IsDev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]}},
    "Mappings": {"Names": {"dev": {"api": "notes"}}},
    "Resources": {
        "Api": {
            "Type": "AWS::AppSync::GraphQLApi",
            "Properties": {
                "Name": {"Fn::FindInMap": ["Names", {"Ref": "Stage"}, "api"]},
                "AuthenticationType": "API_KEY",
                "QueryDepthLimit": {"Ref": "Limit"},
                "EnvironmentVariables": {
                    "QUEUE": {"Ref": "QueueArn"},
                },
            },
        },
        "Schema": {
            "Type": "AWS::AppSync::GraphQLSchema",
            "Properties": {"ApiId": API, "Definition": "type Query { a: Int }"},
        },
        "Model": nested(
            "Model.nested.template.json", {"ApiId": API, "Name": {"Fn::If": ["IsDev", "items-dev", "items"]}}
        ),
        "Resolver": {
            "Type": "AWS::AppSync::Resolver",
            "Condition": "IsDev",
            "DependsOn": ["Schema", "Model"],
            "Properties": {
                "ApiId": API,
                "TypeName": "Query",
                "FieldName": "a",
                "DataSourceName": {"Fn::GetAtt": ["Model", "Outputs.Source"]},
                "RequestMappingTemplate": "{}",
            },
        },
    },
    "Outputs": {
        "ApiUrl": {"Value": {"Fn::GetAtt": ["Api", "GraphQLUrl"]}},
        "ApiName": {"Value": "notes"},
        "Where": {"Value": {"Fn::Sub": ["${Stage} ${Api.ApiId} ${own} ${!kept}", {"own": {"Ref": "Stage"}}]}},
        "Zones": {"Value": {"Ref": "Zones"}},
    },
}
MODEL = {
    "Parameters": {"ApiId": {"Type": "String"}, "Name": {"Type": "String"}},
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": {"Ref": "Name"},
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        },
        "Source": {
            "Type": "AWS::AppSync::DataSource",
            "Properties": {
                "ApiId": {"Ref": "ApiId"},
                "Name": "Items",
                "Type": "AMAZON_DYNAMODB",
                "DynamoDBConfig": {"TableName": {"Ref": "Table"}, "AwsRegion": {"Ref": "AWS::Region"}},
            },
        },
    },
    "Outputs": {"Source": {"Value": {"Fn::GetAtt": ["Source", "Name"]}}},
}
EXTRA = {
    "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
    "Resources": {
        "One": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "one"}},
        "Two": {"Type": "AWS::SQS::Queue", "Condition": "Never", "Properties": {"QueueName": "two"}},
    },
}


NOWHERE = {"Ref": "No"}


def app(folder: Path, **files: dict[str, Any]) -> Path:
    made = {"Data": DATA, "Model": MODEL, "Extra": EXTRA, **files}
    texts = {f"cdk.out/{name}.nested.template.json": json.dumps(each) for name, each in made.items() if name != "Root"}
    return write(folder, {"cdk.out/App.template.json": json.dumps(files.get("Root", ROOT)), **texts})


def test_an_api_and_its_table_in_stacks_of_their_own(tmp_path: Path) -> None:
    project = load(app(tmp_path))
    (api,) = project.apis
    assert (api.name, api.query_depth_limit, api.schema) == ("notes", 5, "type Query { a: Int }")
    assert api.environment == {
        "QUEUE": "arn:aws:sqs:us-east-1:123456789012:jobs-dev",
    }
    (source,) = api.data_sources
    assert (source.name, source.configuration) == ("Items", TableConfig("items-dev"))
    assert [(each.type_name, each.data_source) for each in api.resolvers] == [("Query", "Items")]
    assert sorted(queue.name for queue in project.queues) == ["after-notes", "jobs-dev"]
    assert [each.logical_id for each in project.foreign] == ["DataModelTable"]
    assert project.outputs == {
        "Url": f"http://127.0.0.1:4566/apis/{api.api_id}/graphql",
        "Zones": "a/b",
        "Stack": "arn:aws:cloudformation:us-east-1:123456789012:stack/Data",
        "Where": f"dev {api.api_id} dev ${{kept}}",
    }
    assert project.warnings == ()
    assert {path.name for path in project.watched} >= {"App.template.json", "Model.nested.template.json"}


def test_conditions_of_a_stack_and_of_its_resources(tmp_path: Path) -> None:
    live = {
        **DATA,
        "Conditions": {"IsDev": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "dev"]}]}},
        "Mappings": {"Names": {"live": {"api": "n"}}},
    }
    project = load(app(tmp_path, Data=live), Stage="live")
    assert sorted(queue.name for queue in project.queues) == ["after-notes", "jobs-live", "one"]
    assert len(project.apis[0].resolvers) == 1


def test_a_template_named_by_its_address(tmp_path: Path) -> None:
    root = {"Resources": {"Extra": nested("gone.json")}}
    manifest = {
        "files": {
            "1a2b": {
                "source": {"path": "Extra.nested.template.json"},
                "destinations": {"d": {"objectKey": "1a2b.json"}},
            }
        }
    }
    folder = app(tmp_path, Root=root)
    write(folder, {"cdk.out/App.assets.json": json.dumps(manifest)})
    assert [queue.name for queue in load(folder).queues] == ["one"]


def test_a_stack_whose_template_is_elsewhere_is_warned_of(tmp_path: Path) -> None:
    root = {**ROOT, "Resources": {"Queue": ROOT["Resources"]["Queue"], "Far": nested("gone.json")}, "Outputs": {}}
    project = load(app(tmp_path, Root=root))
    (warning,) = project.warnings
    assert warning.endswith("AWS::CloudFormation::Stack: resources of this type are ignored")


@pytest.mark.parametrize(
    ("files", "cause"),
    [
        (
            {"Root": {"Resources": {"Data": nested("Data.nested.template.json")}}},
            "Data.nested.template.json: the parameter QueueArn has no value",
        ),
        (
            {"Extra": {"Resources": {"Again": nested("Extra.nested.template.json")}}},
            "Extra.nested.template.json is nested in itself, or too often",
        ),
        (
            {"Data": {**DATA, "Outputs": {}}},
            "the nested stack Data has no output ApiName",
        ),
        (
            {
                "Root": {
                    "Resources": {
                        "A": nested("Loop.nested.template.json", {"X": {"Fn::GetAtt": ["B", "Outputs.Y"]}}),
                        "B": nested("Loop.nested.template.json", {"X": {"Fn::GetAtt": ["A", "Outputs.Y"]}}),
                    }
                },
                "Loop": {
                    "Parameters": {"X": {"Type": "String"}},
                    "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "X"}}}},
                    "Outputs": {"Y": {"Value": {"Ref": "X"}}},
                },
            },
            "depend on each other",
        ),
        (
            {"Extra": {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "No"}}}}}},
            "No",
        ),
    ],
)
def test_refusals(tmp_path: Path, files: dict[str, Any], cause: str) -> None:
    with pytest.raises(ProjectError) as refused:
        load(app(tmp_path, **files))
    assert cause in refused.value.cause
    assert refused.value.remedy
