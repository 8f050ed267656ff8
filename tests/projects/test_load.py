"""Finding and loading projects: folders, CDK output, conditions, outputs, SAM's refusals, the cache."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from callpark.functions.model import Directory
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.projects.load import load_project
from tests.projects.projects import BASE_URL, HOME, load, loaded, refused, write

pytestmark = pytest.mark.unit

FUNCTION = "{ Type: AWS::Lambda::Function, Properties: { Runtime: python3.12, Handler: a.b, Code: src } }"
FILES = {"src/a.py": ""}


@pytest.mark.parametrize("name", ["template.yaml", "template.yml", "template.json", "stack.yaml"])
def test_a_template_is_found(tmp_path: Path, name: str) -> None:
    text = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}})
    write(tmp_path, {name: text})
    found = load(tmp_path / name if name.startswith("stack") else tmp_path)
    assert found.name == tmp_path.name
    assert found.root == tmp_path
    assert [queue.name for queue in found.queues] == ["Q"]


@pytest.mark.parametrize(
    ("files", "cause"),
    [
        (
            {"x": ""},
            "there is no template in {}: template.yaml, template.yml, template.json or cdk.out/*.template.json",
        ),
        (
            {"cdk.out/A.template.json": "{}", "cdk.out/B.template.json": "{}"},
            "{}/cdk.out holds 2 templates: A.template.json, B.template.json",
        ),
        ({"template.yaml": ""}, "template.yaml: there is no resource in it"),
        ({"template.yaml": "Resources: {}"}, "template.yaml: there is no resource in it"),
        ({"template.yaml": "Resources: [a]"}, "template.yaml: there is no resource in it"),
        ({"template.yaml": "Resource: {}"}, "template.yaml:1: a template has no section 'Resource'"),
        ({"template.yaml": "Resources:\n  A: x\n"}, "template.yaml:2: Resources.A: is not a resource"),
        ({"template.yaml": "Resources:\n  A: {}\n"}, "template.yaml:2: Resources.A: is not a resource"),
        (
            {"template.yaml": "Resources:\n  A: { Type: AWS::SQS::Queue, Properties: [1] }\n"},
            "template.yaml:2: Resources.A.Properties: are not a mapping",
        ),
        (
            {"template.yaml": "Parameters: x\nResources:\n  A: { Type: AWS::SQS::Queue }\n"},
            "template.yaml:1: Parameters is not a mapping",
        ),
        (
            {"template.yaml": "Resources:\n  A: { Type: AWS::SQS::Queue, Condition: C }\n"},
            "template.yaml:2: Resources.A.Condition: there is no condition 'C'",
        ),
        (
            {"template.yaml": "Resources:\n  A: { Type: AWS::Serverless::Function }\n"},
            "template.yaml:2: Resources.A: AWS::Serverless::Function needs SAM's transform",
        ),
        (
            {"template.yaml": "Resources: {A: {Type: AWS::SQS::Queue}}\nOutputs:\n  O: { Value: !Ref B }\n"},
            "template.yaml:3: Outputs.O.Value.Ref: there is no parameter or resource 'B'",
        ),
        (
            {"template.yaml": "Resources: {A: {Type: AWS::SQS::Queue}}\nOutputs:\n  O: { Export: x }\n"},
            "template.yaml:3: Outputs.O: the output has no Value",
        ),
    ],
)
def test_what_is_no_project(tmp_path: Path, files: dict[str, str], cause: str) -> None:
    write(tmp_path, files)
    with pytest.raises(ProjectError) as caught:
        load(tmp_path)
    assert caught.value.cause == cause.replace("{}", str(tmp_path))
    assert caught.value.remedy


def test_nothing_is_there(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="there is no project at"):
        load(tmp_path / "nowhere")


def test_a_template_that_is_too_large_or_no_text(tmp_path: Path) -> None:
    write(tmp_path, {"template.yaml": "#" * 2_000_000})
    with pytest.raises(ProjectError, match="is larger than 1048576 bytes"):
        load(tmp_path)
    (tmp_path / "template.yaml").write_bytes(b"A: \xff")
    with pytest.raises(ProjectError, match=r"is not UTF-8 text \(byte 3\)"):
        load(tmp_path)


CDK: dict[str, Any] = {
    "Resources": {
        "Fn1234": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {
                    "S3Bucket": {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"},
                    "S3Key": "aa11.zip",
                },
                "Handler": "index.handler",
                "Runtime": "python3.12",
                "Role": {"Fn::GetAtt": ["Role1234", "Arn"]},
            },
            "DependsOn": ["Role1234"],
            "Metadata": {"aws:cdk:path": "Stack/Fn", "aws:asset:path": "asset.aa11", "aws:asset:property": "Code"},
        },
        "ByKey": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Code": {"S3Bucket": "b", "S3Key": "bb22.zip"}, "Handler": "i.h", "Runtime": "nodejs22.x"},
        },
        "Role1234": {"Type": "AWS::IAM::Role", "Properties": {}},
        "Api": {"Type": "AWS::AppSync::GraphQLApi", "Properties": {"Name": "api", "AuthenticationType": "API_KEY"}},
        "Schema": {
            "Type": "AWS::AppSync::GraphQLSchema",
            "Properties": {"ApiId": {"Fn::GetAtt": ["Api", "ApiId"]}, "Definition": "type Query { a: Int }"},
        },
        "None": {
            "Type": "AWS::AppSync::DataSource",
            "Properties": {"ApiId": {"Fn::GetAtt": ["Api", "ApiId"]}, "Name": "None", "Type": "NONE"},
        },
        "Resolver": {
            "Type": "AWS::AppSync::Resolver",
            "Properties": {
                "ApiId": {"Fn::GetAtt": ["Api", "ApiId"]},
                "TypeName": "Query",
                "FieldName": "a",
                "DataSourceName": "None",
                "Runtime": {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"},
                "CodeS3Location": {"Fn::Sub": "s3://cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/cc33.js"},
            },
        },
        "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2"}, "Condition": "Available"},
    },
    "Conditions": {"Available": {"Fn::Or": [{"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}]}},
    "Parameters": {
        "BootstrapVersion": {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": "/cdk-bootstrap/hnb659fds/version",
        }
    },
    "Rules": {"CheckBootstrapVersion": {"Assertions": []}},
}


def test_cdk_output(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "cdk.out/Stack.template.json": json.dumps(CDK),
            "cdk.out/Inner.nested.template.json": "{}",
            "cdk.out/asset.aa11/index.py": "",
            "cdk.out/asset.bb22/i.js": "",
            "cdk.out/asset.cc33.js": "// resolver",
        },
    )
    project = load(tmp_path)
    assert project.name == tmp_path.name
    assert [function.code for function in project.functions] == [
        Directory(tmp_path / "cdk.out/asset.aa11"),
        Directory(tmp_path / "cdk.out/asset.bb22"),
    ]
    code = project.apis[0].resolvers[0].code
    assert code is not None
    assert (code.text, code.source) == ("// resolver", tmp_path / "cdk.out/asset.cc33.js")
    assert project.warnings == ()


CONDITIONAL = f"""
Parameters: {{ Stage: {{ Type: String, Default: dev }} }}
Conditions: {{ Prod: !Equals [!Ref Stage, prod] }}
Resources:
  Always: {FUNCTION}
  Prod: {FUNCTION.replace("{ Type", "{ Condition: Prod, Type")}
Outputs:
  Which: {{ Value: !If [Prod, !GetAtt Prod.Arn, !Ref Always] }}
  Prod: {{ Condition: Prod, Value: !Ref Prod }}
  List: {{ Value: !Split [",", "a,b"] }}
  Number: {{ Value: 3 }}
"""


@pytest.mark.parametrize(
    ("stage", "names", "outputs"),
    [
        ("dev", ["Always"], {"Which": "Always", "List": "a,b", "Number": "3"}),
        (
            "prod",
            ["Always", "Prod"],
            {
                "Which": "arn:aws:lambda:us-east-1:123456789012:function:Prod",
                "Prod": "Prod",
                "List": "a,b",
                "Number": "3",
            },
        ),
    ],
)
def test_conditions_decide(tmp_path: Path, stage: str, names: list[str], outputs: dict[str, str]) -> None:
    project = loaded(tmp_path, CONDITIONAL, FILES, Stage=stage)
    assert [function.configuration.name for function in project.functions] == names
    assert project.outputs == outputs


def test_a_reference_to_what_is_not_made(tmp_path: Path) -> None:
    template = CONDITIONAL.replace("{ Condition: Prod, Value: !Ref Prod }", "{ Value: !Ref Prod }")
    error = refused(tmp_path, template, FILES)
    assert error.cause == "template.yaml:9: Outputs.Prod.Value.Ref: Prod is not made, because its condition is false"


def test_a_circle_is_named(tmp_path: Path) -> None:
    one = "{ Type: AWS::SQS::Queue, Properties: { QueueName: !Ref %s } }"
    error = refused(tmp_path, f"Resources:\n  A: {one % 'B'}\n  B: {one % 'A'}\n")
    assert error.cause == "template.yaml:3: the resources depend on each other: A → B → A"


def test_an_unknown_macro_is_named(tmp_path: Path) -> None:
    project = loaded(tmp_path, "Transform: [Mine]\nResources: { A: { Type: AWS::IAM::Role } }\n")
    assert project.warnings == ("template.yaml:1: the transform Mine is not run",)


SAM = "Transform: AWS::Serverless-2016-10-31\nResources:\n"


@pytest.mark.parametrize(
    ("resources", "problems"),
    [
        (
            "  A: { Type: AWS::Serverless::Function, Properties: { Runtime: python3.12, Handler: a.b } }\n",
            ["template.yaml:3: Resource with id [A] is invalid."],
        ),
        (
            "  A: { Type: AWS::Serverless::Function, Properties: { CodeUri: src, Handler: a.b, Nope: 1 } }\n"
            "  B: { Type: AWS::Serverless::GraphQLApi, Properties: {} }\n",
            ["template.yaml:3: Resource with id [A] is invalid.", "template.yaml:4: Resource with id [B] is invalid."],
        ),
        ("  A: { Type: AWS::Serverless::Function, Properties: [] }\n", ["Resource with id [A] is invalid."]),
    ],
)
def test_sam_refuses(tmp_path: Path, resources: str, problems: list[str]) -> None:
    error = refused(tmp_path, SAM + resources, FILES)
    assert error.cause.startswith("template.yaml: SAM refuses the template: ")
    for problem in problems:
        assert problem in error.cause


def test_what_sam_makes_and_nobody_serves_is_one_warning(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        SAM
        + """
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: a.b
      CodeUri: src
      Policies: [AWSLambdaExecute, { DynamoDBCrudPolicy: { TableName: t } }]
      Events: { Hello: { Type: Api, Properties: { Path: /, Method: get } } }
  App: { Type: AWS::Serverless::Application, Properties: { Location: other.yaml } }
Outputs:
  Url: { Value: !Sub "https://${ServerlessRestApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}" }
  Inner: { Value: !GetAtt App.Outputs.X }
""",
        FILES,
    )
    assert project.outputs == {"Url": "https://ServerlessRestApi.execute-api.us-east-1.amazonaws.com", "Inner": "App"}
    assert len(project.warnings) == 2
    nested, made = sorted(project.warnings, reverse=True)
    assert nested == "template.yaml:12: Resources.App: AWS::Serverless::Application: resources of this type are ignored"
    assert made.startswith(
        "template.yaml: the SAM transform made resources that are ignored: ServerlessRestApi (AWS::Api"
    )


def test_a_translation_is_remembered(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = (
        SAM
        + "  A: { Type: AWS::Serverless::Function, Properties: { Runtime: python3.12, Handler: a.b, CodeUri: src } }\n"
    )
    first = loaded(tmp_path, template, FILES)
    (kept,) = (cache / "sam").iterdir()
    with monkeypatch.context() as blocked:
        for name in [name for name in sys.modules if name.startswith("samtranslator")]:
            blocked.setitem(sys.modules, name, None)
        assert load(tmp_path) == first
    for damage in ("", "[]", "{}", "{"):
        kept.write_text(damage)
        assert load(tmp_path) == first
    shutil.rmtree(cache)
    cache.write_text("in the way")
    assert load(tmp_path) == first


def test_sam_build_output_belongs_to_its_project(tmp_path: Path) -> None:
    template = (
        SAM
        + "  A: { Type: AWS::Serverless::Function, Properties: { Runtime: python3.12, Handler: a.b, CodeUri: A } }\n"
    )
    write(tmp_path, {".aws-sam/build/template.yaml": template, ".aws-sam/build/A/a.py": ""})
    project = load(tmp_path / ".aws-sam/build/template.yaml")
    assert project.name == tmp_path.name
    assert project.functions[0].code == Directory(tmp_path / ".aws-sam/build/A")


def test_a_document_in_s3_of_what_is_not_served(tmp_path: Path) -> None:
    include = 'Fn::Transform: { Name: AWS::Include, Parameters: { Location: !Sub "s3://${AWS::StackName}/api.yaml" } }'
    properties = f"{{ StageName: p, DefinitionBody: {{ {include} }} }}"
    project = loaded(tmp_path, f"{SAM}  Api: {{ Type: AWS::Serverless::Api, Properties: {properties} }}\n")
    first, *_ = project.warnings
    assert first == (
        "template.yaml:3: Resources.Api.Properties.DefinitionBody.Fn::Transform: AWS::Include needs a Location that is "
        "a text; it is left out"
    )


def test_rules_are_not_checked(tmp_path: Path) -> None:
    rules = "Rules: { InUse: { Assertions: [] }, CheckBootstrapVersion: { Assertions: [] } }\n"
    project = loaded(tmp_path, f"{rules}Resources: {{ A: {{ Type: AWS::IAM::Role }} }}\n")
    assert project.warnings == ("template.yaml:1: Rules.InUse: is ignored",)


def test_limits_are_the_callers(tmp_path: Path) -> None:
    write(tmp_path, {"template.yaml": f"Resources: {{ A: {FUNCTION} }}", **FILES})
    limits = Limits().override(["project.template_nodes=5"])
    with pytest.raises(ProjectError, match="more than 5 values"):
        load_project(tmp_path, place=HOME, base_url=BASE_URL, limits=limits)
