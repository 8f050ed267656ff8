"""Lambda functions of SAM and plain templates."""

import os
import zipfile
from pathlib import Path

import pytest

from callpark.functions.model import (
    AliasDefinition,
    Directory,
    EventInvokeConfig,
    FunctionConfiguration,
    FunctionDefinition,
    VersionDefinition,
)
from callpark.kernel.arn import Place
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.projects.load import load_project
from callpark.projects.model import Project
from tests.projects.projects import loaded, refused

pytestmark = pytest.mark.unit

ZIPPED = (
    "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Runtime: python3.12, Handler: app.f, Code: fn.zip}}}"
)
SAM = "Transform: AWS::Serverless-2016-10-31\n"
HANDLER = {"src/app.py": "def handler(event, context): ...\n"}


def only(project: Project) -> FunctionDefinition:
    (function,) = project.functions
    return function


def test_a_plain_function(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        """
Resources:
  Fn:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      Code: src
      Role: !GetAtt Role.Arn
      Description: does it
      Timeout: "60"
      MemorySize: 512
      ReservedConcurrentExecutions: 0
      LoggingConfig: { LogFormat: JSON, ApplicationLogLevel: DEBUG, SystemLogLevel: WARN, LogGroup: /shared }
      DeadLetterConfig: { TargetArn: !GetAtt Dead.Arn }
      Environment: { Variables: { A: a, N: 3, F: 0.5, B: true, QUEUE: !Ref Dead, EMPTY: "" } }
      Tags: [{ Key: k, Value: v }]
  Role: { Type: AWS::IAM::Role, Properties: { RoleName: runner } }
  Dead: { Type: AWS::SQS::Queue }
""",
        HANDLER,
    )
    assert only(project) == FunctionDefinition(
        FunctionConfiguration(
            name="Fn",
            runtime="python3.12",
            handler="app.handler",
            role="arn:aws:iam::123456789012:role/runner",
            description="does it",
            timeout_seconds=60,
            memory_megabytes=512,
            environment={
                "A": "a",
                "N": "3",
                "F": "0.5",
                "B": "true",
                "QUEUE": "http://127.0.0.1:4566/123456789012/Dead",
                "EMPTY": "",
            },
            log_format="JSON",
            application_log_level="DEBUG",
            system_log_level="WARN",
            log_group="/shared",
            dead_letter_target="arn:aws:sqs:us-east-1:123456789012:Dead",
        ),
        Directory(tmp_path / "src"),
        None,
        0,
    )
    assert project.warnings == ()
    assert project.watched == (tmp_path / "template.yaml", tmp_path / "src")


def test_a_serverless_function(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        SAM
        + """
Globals: { Function: { Runtime: python3.12, Timeout: 30, CodeUri: src/ } }
Parameters: { Stage: { Type: String, Default: dev } }
Resources:
  First:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "first-${Stage}"
      Handler: app.handler
      Policies: [AWSLambdaBasicExecutionRole, SQSSendMessagePolicy: { QueueName: q }]
      EventInvokeConfig:
        MaximumRetryAttempts: 1
        MaximumEventAgeInSeconds: 120
        DestinationConfig:
          OnFailure: { Type: Lambda, Destination: !GetAtt Second.Arn }
  Second:
    Type: AWS::Serverless::Function
    Properties: { Handler: app.handler, CodeUri: ./src, Environment: { Variables: { FIRST: !Ref Parameter } } }
""".replace("!Ref Parameter", "!Ref Stage"),
        HANDLER,
        Stage="test",
    )
    first, second = project.functions
    assert first.configuration.name == "first-test"
    assert first.configuration.timeout_seconds == 30
    assert first.code == second.code == Directory(tmp_path / "src")
    assert first.event_invoke_config == EventInvokeConfig(
        1, 120, None, "arn:aws:lambda:us-east-1:123456789012:function:Second"
    )
    assert second.configuration.environment == {"FIRST": "test"}
    assert second.event_invoke_config is None
    assert project.warnings == ()


def test_auto_publish_alias_publishes(tmp_path: Path) -> None:
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
      AutoPublishAlias: live
      EventInvokeConfig: { MaximumRetryAttempts: 0 }
Outputs:
  Alias: { Value: !Ref Fn.Alias }
  Version: { Value: !Ref Fn.Version }
""",
        HANDLER,
    )
    arn = "arn:aws:lambda:us-east-1:123456789012:function:Fn"
    assert project.outputs == {"Alias": f"{arn}:live", "Version": f"{arn}:1"}
    function = only(project)
    assert function.versions == (VersionDefinition("1"),)
    assert function.aliases == (AliasDefinition("live", "1"),)
    assert function.event_invoke_config is None
    assert function.qualified_event_invoke_configs == {"live": EventInvokeConfig(0, None, None, None)}
    assert project.warnings == ()


def test_inline_code_becomes_a_folder(tmp_path: Path, cache: Path) -> None:
    template = (
        SAM
        + """
Resources:
  Py: { Type: AWS::Serverless::Function, Properties: { Runtime: python3.12, Handler: index.f, InlineCode: "f = 1" } }
  Js: { Type: AWS::Lambda::Function, Properties: { Runtime: nodejs22.x, Handler: index.f, Code: { ZipFile: "1" } } }
"""
    )
    js, py = (function.code.path for function in loaded(tmp_path, template).functions[::-1])
    assert py.parent == cache / "inline"
    assert (py / "index.py").read_text() == "f = 1"
    assert (js / "index.js").read_text() == "1"
    assert [function.code.path for function in loaded(tmp_path, template).functions] == [py, js]
    assert sorted(folder.name for folder in (cache / "inline").iterdir()) == sorted([py.name, js.name])


def test_a_zip_becomes_a_folder(tmp_path: Path, cache: Path) -> None:
    with zipfile.ZipFile(tmp_path / "fn.zip", "w") as archive:
        archive.writestr("app.py", "x")
    folder = only(loaded(tmp_path, ZIPPED)).code.path
    assert folder.parent == cache / "zips"
    assert (folder / "app.py").read_text() == "x"
    assert only(loaded(tmp_path, ZIPPED)).code.path == folder


def test_a_zipped_bootstrap_can_be_run(tmp_path: Path, cache: Path) -> None:
    with zipfile.ZipFile(tmp_path / "fn.zip", "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, "#!/bin/sh\n")
    folder = only(loaded(tmp_path, ZIPPED.replace("python3.12", "provided.al2023"))).code.path
    assert os.access(folder / "bootstrap", os.X_OK)


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("../outside.py", "x", "Could not unzip uploaded file. Please check your file, then try to upload again."),
        ("app.py", "x" * 1001, "Unzipped size must be smaller than 1000 bytes"),
    ],
)
def test_a_zip_that_is_not_to_be_trusted(tmp_path: Path, cache: Path, name: str, content: str, cause: str) -> None:
    with zipfile.ZipFile(tmp_path / "fn.zip", "w") as archive:
        archive.writestr(name, content)
    (tmp_path / "template.yaml").write_text(ZIPPED)
    with pytest.raises(ProjectError) as refused:
        load_project(
            tmp_path,
            place=Place(),
            base_url="http://127.0.0.1:4566",
            limits=Limits().override(["lambda.unzipped_bytes=1000"]),
        )
    assert refused.value.cause == f"template.yaml:1: Resources.F.Properties.Code: fn.zip cannot be unpacked: {cause}"
    assert not (cache / "outside.py").exists()
    assert not (cache / "zips" / "outside.py").exists()


@pytest.mark.parametrize(
    ("properties", "cause"),
    [
        ("Code: src, Handler: a.b", "template.yaml:4: Resources.F.Properties: Runtime is missing"),
        ("Code: src, Runtime: python3.12", "template.yaml:4: Resources.F.Properties: Handler is missing"),
        (
            "Code: nowhere, Runtime: python3.12, Handler: a.b",
            "template.yaml:4: Resources.F.Properties.Code: there is no code at nowhere",
        ),
        (
            "Runtime: python3.12, Handler: a.b",
            "template.yaml:4: Resources.F.Properties.Code: the function has no code",
        ),
        (
            "Code: src, Runtime: python3.12, Handler: a.b, Timeout: soon",
            "template.yaml:4: Resources.F.Properties.Timeout: needs a whole number, not 'soon'",
        ),
        (
            "Code: src, Runtime: python3.12, Handler: a.b, Timeout: 901",
            "template.yaml:4: Resources.F.Properties.Timeout: 901 is outside 1 to 900",
        ),
        (
            "Code: src, Runtime: python3.12, Handler: a.b, Environment: {Variables: {A: [1]}}",
            "template.yaml:4: Resources.F.Properties.Environment.Variables.A: needs a text, not [1]",
        ),
        (
            "Code: src, Runtime: python3.12, Handler: a.b, FunctionName: a b",
            "template.yaml:4: Resources.F.Properties.FunctionName: 'a b' is not a function's name",
        ),
        (
            "Code: src, Runtime: python3.12, Handler: a.b, LoggingConfig: {LogFormat: XML}",
            "template.yaml:4: Resources.F.Properties.LoggingConfig: the log format 'XML' is unknown",
        ),
        (
            "Code: src, Runtime: python3.12, Handler: a.b, LoggingConfig: {ApplicationLogLevel: INFO}",
            "template.yaml:4: Resources.F.Properties.LoggingConfig.ApplicationLogLevel: "
            "logs in the format Text have no levels",
        ),
        (
            "Code: src, Runtime: python3.12, Handler: a.b, LoggingConfig: {LogFormat: JSON, SystemLogLevel: ERROR}",
            "template.yaml:4: Resources.F.Properties.LoggingConfig.SystemLogLevel: the log level 'ERROR' is unknown",
        ),
    ],
)
def test_refusals(tmp_path: Path, properties: str, cause: str) -> None:
    template = f"Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties: {{{properties}}}\n"
    error = refused(tmp_path, template, HANDLER)
    assert error.cause == cause
    assert error.remedy


def test_two_functions_of_one_name(tmp_path: Path) -> None:
    one = "{Type: AWS::Lambda::Function, Properties: {FunctionName: f, Runtime: python3.12, Handler: a.b, Code: src}}"
    error = refused(tmp_path, f"Resources:\n  A: {one}\n  B: {one}\n", HANDLER)
    assert error.cause == "template.yaml:3: Resources.B: a second function is named f"


def test_ignored_properties_are_named_once_each(tmp_path: Path) -> None:
    project = loaded(
        tmp_path,
        """
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.12
      Handler: a.b
      Code: src
      VpcConfig: { SubnetIds: [] }
      Layers: ["arn:aws:lambda:us-east-1:123456789012:layer:x:1"]
      PackageType: Zip
      TracingConfig: { Mode: PassThrough }
      LoggingConfig: { LogGroup: /x }
  Bucket: { Type: AWS::S3::Bucket, Properties: { BucketName: !Sub "b-${AWS::Region}" } }
  Image: { Type: AWS::Lambda::Function, Properties: { PackageType: Image, Code: { ImageUri: x } } }
Outputs:
  Bucket: { Value: !Ref Bucket }
  BucketArn: { Value: !GetAtt Bucket.Arn }
""",
        HANDLER,
    )
    assert project.outputs == {"Bucket": "b-us-east-1", "BucketArn": "arn:aws:s3:::b-us-east-1"}
    assert len(project.functions) == 1
    assert sorted(project.warnings) == [
        "template.yaml:15: Resources.Image: AWS::Lambda::Function: the function Image is a container image, "
        "which is not run; it is left out",
        "template.yaml:9: Resources.F.Properties.VpcConfig: AWS::Lambda::Function: the property is ignored",
    ]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("Code: src, Runtime: java21, Handler: a", "the function F is written for java21, which is not run"),
    ],
)
def test_a_function_that_cannot_run_is_left_out(tmp_path: Path, properties: str, reason: str) -> None:
    template = f"Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties: {{{properties}}}\n"
    project = loaded(tmp_path, template + "Outputs: { Arn: { Value: !GetAtt F.Arn } }\n", HANDLER)
    assert project.functions == ()
    assert project.outputs == {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:F"}
    assert project.warnings == (f"template.yaml:2: Resources.F: AWS::Lambda::Function: {reason}; it is left out",)


def test_dependencies_that_nobody_installed(tmp_path: Path) -> None:
    template = """
Resources:
  Py: { Type: AWS::Lambda::Function, Properties: { Runtime: python3.12, Handler: a.b, Code: py } }
  Js: { Type: AWS::Lambda::Function, Properties: { Runtime: nodejs22.x, Handler: a.b, Code: js } }
"""
    files = {
        "py/requirements.txt": "# comment\nboto3\nHTTPX>=0.2 ; python_version > '3'\n-r other.txt\nrich\n",
        "py/rich-14.0.dist-info/METADATA": "",
        "js/package.json": '{"dependencies": {"left-pad": "1", "@aws-sdk/client-sqs": "3", "got": "1"}}',
        "js/node_modules/got/index.js": "",
    }
    project = loaded(tmp_path, template, files)
    assert project.warnings == (
        "template.yaml:3: Resources.Py.Properties.Code: py/requirements.txt asks for HTTPX, not installed beside the "
        f"handler; run `pip install -r {tmp_path}/py/requirements.txt -t {tmp_path}/py`, or `sam build` and serve "
        ".aws-sam/build/template.yaml",
        "template.yaml:4: Resources.Js.Properties.Code: js/package.json asks for left-pad, not installed beside the "
        f"handler; run `npm install` in {tmp_path}/js, or `sam build` and serve .aws-sam/build/template.yaml",
    )


@pytest.mark.parametrize(
    "name",
    ["Fn", "Fn:live", "123456789012:function:Fn", "arn:aws:lambda:us-east-1:123456789012:function:Fn:live"],
)
def test_an_event_invoke_config_names_its_function_in_any_form(tmp_path: Path, name: str) -> None:
    project = loaded(
        tmp_path,
        f"""
Resources:
  Fn: {{Type: AWS::Lambda::Function, Properties: {{Runtime: python3.12, Handler: app.f, Code: src}}}}
  Async:
    Type: AWS::Lambda::EventInvokeConfig
    Properties: {{ FunctionName: "{name}", Qualifier: live, MaximumRetryAttempts: 1 }}
  Version: {{Type: AWS::Lambda::Version, Properties: {{FunctionName: !Ref Fn}}}}
  Alias:
    Type: AWS::Lambda::Alias
    Properties: {{ FunctionName: !Ref Fn, FunctionVersion: !GetAtt Version.Version, Name: live }}
""",
        HANDLER,
    )
    assert only(project).qualified_event_invoke_configs == {"live": EventInvokeConfig(1, None, None, None)}
