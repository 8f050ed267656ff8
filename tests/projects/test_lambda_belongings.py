"""AWS::Lambda::Version, Alias, Url, Permission, LayerVersion: what a template declares beside a function."""

from pathlib import Path

import pytest

from callpark.functions.model import (
    AliasDefinition,
    Directory,
    LayerDefinition,
    PermissionDefinition,
    UrlDefinition,
    VersionDefinition,
)
from tests.projects.projects import loaded, refused

pytestmark = pytest.mark.unit

SAM = "Transform: AWS::Serverless-2016-10-31\n"
ARN = "arn:aws:lambda:us-east-1:123456789012:"
FILES = {"src/app.py": "def handler(event, context): ...\n", "layer/python/shared.py": "X = 1\n"}
FUNCTION = """
Resources:
  Fn: { Type: AWS::Lambda::Function, Properties: { Runtime: python3.12, Handler: app.handler, Code: src } }
"""


def test_versions_are_numbered_and_an_alias_weighs_them(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        FUNCTION
        + """
  One: { Type: AWS::Lambda::Version, Properties: { FunctionName: !Ref Fn, Description: first } }
  Two: { Type: AWS::Lambda::Version, Properties: { FunctionName: !GetAtt Fn.Arn, CodeSha256: abc } }
  Live:
    Type: AWS::Lambda::Alias
    Properties:
      FunctionName: !Ref Fn
      Name: live
      Description: what callers use
      FunctionVersion: !GetAtt One.Version
      ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: "2" }
      RoutingConfig:
        AdditionalVersionWeights: [{ FunctionVersion: !GetAtt Two.Version, FunctionWeight: 0.25 }]
Outputs:
  One: { Value: !Ref One }
  Live: { Value: !Ref Live }
""",
        FILES,
    )
    (function,) = project.functions
    assert function.versions == (VersionDefinition("1", "first"), VersionDefinition("2"))
    assert function.aliases == (AliasDefinition("live", "1", "what callers use", {"2": 0.25}, 2),)
    assert project.outputs == {"One": f"{ARN}function:Fn:1", "Live": f"{ARN}function:Fn:live"}
    assert project.warnings == ()


def test_a_version_that_was_published_elsewhere_is_the_newest_code(tmp_path: Path) -> None:
    alias = "{ Type: AWS::Lambda::Alias, Properties: { FunctionName: !Ref Fn, Name: live, FunctionVersion: '7' } }"
    project = loaded(tmp_path, f"{FUNCTION}  Live: {alias}\n", FILES)
    assert project.functions[0].aliases == (AliasDefinition("live", "$LATEST"),)
    (warning,) = project.warnings
    assert warning.endswith("version 7 of Fn is not declared here; $LATEST stands for it")


def test_a_function_url_of_sam(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        SAM
        + """
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src
      FunctionUrlConfig: { AuthType: NONE, InvokeMode: RESPONSE_STREAM, Cors: { AllowOrigins: ["*"] } }
Outputs:
  Url: { Value: !GetAtt FnUrl.FunctionUrl }
""",
        FILES,
    )
    (function,) = project.functions
    assert function.urls == (UrlDefinition(None, "NONE", "RESPONSE_STREAM", {"AllowOrigins": ["*"]}),)
    assert project.outputs["Url"].startswith("http://127.0.0.1:4566/_urls/")
    conditions = [permission.statement["Condition"] for permission in function.permissions]
    assert {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}} in conditions
    assert project.warnings == ()


def test_permissions_are_statements(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        FUNCTION
        + """
  Allow:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref Fn
      Action: lambda:InvokeFunction
      Principal: s3.amazonaws.com
      SourceAccount: "123456789012"
""",
        FILES,
    )
    statement = {
        "Sid": "Allow",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"{ARN}function:Fn",
        "Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012"}},
    }
    assert project.functions[0].permissions == (PermissionDefinition("Allow", statement),)


def test_layers_of_sam_and_cloudformation(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        SAM
        + """
Resources:
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: { LayerName: shared, ContentUri: layer, CompatibleRuntimes: [python3.12] }
  Fn:
    Type: AWS::Serverless::Function
    Properties: { Runtime: python3.12, Handler: app.handler, CodeUri: src, Layers: [!Ref Shared] }
""",
        FILES,
    )
    folder = tmp_path / "layer"
    assert project.layers == (LayerDefinition("shared", Directory(folder), compatible_runtimes=("python3.12",)),)
    assert project.functions[0].configuration.layers == (f"{ARN}layer:shared:1",)
    assert folder in project.watched
    assert project.warnings == ()


def test_a_layer_that_was_not_built_is_named(tmp_path: Path) -> None:
    layer = "{ Type: AWS::Lambda::LayerVersion, Properties: { Content: src } }"
    project = loaded(tmp_path, f"{FUNCTION}  Layer: {layer}\n", FILES)
    assert "src/ has none of python/, nodejs/" in project.warnings[0]


@pytest.mark.parametrize(
    ("resource", "cause"),
    [
        ("AWS::Lambda::Alias, Properties: { FunctionName: Fn, Name: live, FunctionVersion: $LATEST,"
         " RoutingConfig: { AdditionalVersionWeights: [{ FunctionVersion: $LATEST, FunctionWeight: 2 }] } }",
         "2 is no weight"),
        ("AWS::Lambda::Version, Properties: { FunctionName: Fn, ProvisionedConcurrencyConfig:"
         " { ProvisionedConcurrentExecutions: 0 } }", "0 environments cannot be provisioned"),
        ("AWS::Lambda::Url, Properties: { TargetFunctionArn: Fn, AuthType: LOOSE }", "'LOOSE' is unknown"),
        ("AWS::Lambda::Url, Properties: { TargetFunctionArn: Fn, AuthType: NONE, InvokeMode: FAST }",
         "'FAST' is unknown"),
        ("AWS::Lambda::Permission, Properties: { FunctionName: Fn, Action: a, Principal: nobody }",
         "The provided principal was invalid."),
        ("AWS::Lambda::LayerVersion, Properties: { LayerName: x }", "the layer has no content"),
    ],
)  # fmt: skip
def test_what_cannot_be(tmp_path: Path, resource: str, cause: str) -> None:
    error = refused(tmp_path, f"{FUNCTION}  Bad: {{ Type: {resource} }}\n", FILES)
    assert cause in error.cause


@pytest.mark.parametrize(
    ("resource", "warning"),
    [
        ("AWS::Lambda::Alias, Properties: { FunctionName: Gone, Name: live, FunctionVersion: $LATEST }",
         "AWS::Lambda::Alias: there is no function Gone here; it is left out"),
        ("AWS::Lambda::Url, Properties: { TargetFunctionArn: Fn, Qualifier: live, AuthType: NONE }",
         "AWS::Lambda::Url: Fn has no live here; it is left out"),
    ],
)  # fmt: skip
def test_what_belongs_to_nothing_is_left_out(tmp_path: Path, resource: str, warning: str) -> None:
    project = loaded(tmp_path, f"{FUNCTION}  Lost: {{ Type: {resource} }}\n", FILES)
    assert [line.partition(": Resources.Lost: ")[2] for line in project.warnings] == [warning]
    assert project.functions[0].urls == ()
