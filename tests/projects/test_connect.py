"""Connect instances, flows and numbers of templates, and bare flow files."""

import json
from pathlib import Path

import pytest

from callpark.flows.model import InstanceDefinition
from callpark.functions.model import Directory
from callpark.kernel.errors import ProjectError
from callpark.projects.flow_file import load_flow_file
from tests.projects.projects import HOME, load, loaded, refused, write

pytestmark = pytest.mark.unit

FLOW = {"Version": "2019-10-30", "StartAction": "a", "Actions": [{"Identifier": "a", "Type": "DisconnectParticipant"}]}
FUNCTION = "{ Type: AWS::Lambda::Function, Properties: { Runtime: python3.12, Handler: a.b, Code: src } }"
INSTANCE = (
    "{ Type: AWS::Connect::Instance, Properties: { IdentityManagementType: CONNECT_MANAGED, InstanceAlias: line } }"
)
FILES = {"src/a.py": ""}
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"

LINE = f"""
Transform: AWS::LanguageExtensions
Resources:
  Fn: {FUNCTION}
  Other: {FUNCTION}
  Instance: {INSTANCE}
  Association:
    Type: AWS::Connect::IntegrationAssociation
    Properties: {{ InstanceId: !GetAtt Instance.Arn, IntegrationType: LAMBDA_FUNCTION, IntegrationArn: !GetAtt Fn.Arn }}
  Flow:
    Type: AWS::Connect::ContactFlow
    Properties:
      InstanceArn: !Ref Instance
      Name: Line
      Content:
        Fn::ToJsonString: {{ Fn::Transform: {{ Name: AWS::Include, Parameters: {{ Location: flows/a.json }} }} }}
  Number:
    Type: AWS::Connect::PhoneNumber
    Metadata: {{ Callpark: {{ Number: "+441632960000", ContactFlow: !Ref Flow }} }}
    Properties: {{ TargetArn: !GetAtt Instance.Arn, CountryCode: GB, Type: DID }}
Outputs:
  Number: {{ Value: !GetAtt Number.Address }}
"""


def test_a_line(tmp_path: Path) -> None:
    included = {**FLOW, "Metadata": {"arn": {"Fn::GetAtt": ["Fn", "Arn"]}, "text": "${stays}"}}
    project = loaded(tmp_path, LINE, {**FILES, "flows/a.json": json.dumps(included)})
    assert project.instance is not None
    assert project.instance == InstanceDefinition(project.instance.arn, "line", (f"{ARN}Fn",))
    (flow,) = project.flows
    assert flow.arn.startswith(f"{project.instance.arn}/contact-flow/")
    assert flow.source == tmp_path / "flows/a.json"
    assert json.loads(flow.content) == {**FLOW, "Metadata": {"arn": f"{ARN}Fn", "text": "${stays}"}}
    (number,) = project.numbers
    assert (number.number, number.flow_arn) == ("+441632960000", flow.arn)
    assert project.outputs == {"Number": "+441632960000"}
    assert tmp_path / "flows/a.json" in project.watched
    assert project.warnings == ()


@pytest.mark.parametrize(
    ("association", "associated", "all_functions"),
    [
        ("", (), True),
        ("{ Type: AWS::Lambda::Permission, Properties: { FunctionName: !Ref Fn, Principal: connect.amazonaws.com,"
         " Action: lambda:InvokeFunction } }", (f"{ARN}Fn",), False),
        ("{ Type: AWS::Lambda::Permission, Properties: { FunctionName: !GetAtt Fn.Arn, Principal: s3.amazonaws.com,"
         " Action: lambda:InvokeFunction } }",
         (), True),
        ("{ Type: AWS::Connect::IntegrationAssociation, Properties: { InstanceId: abc, IntegrationType: LEX_BOT,"
         " IntegrationArn: arn } }", (), False),
    ],
)  # fmt: skip
def test_which_functions_may_be_called(
    tmp_path: Path, association: str, associated: tuple[str, ...], all_functions: bool
) -> None:
    flow = "{ Type: AWS::Connect::ContactFlow, Properties: { InstanceArn: abc, Name: n, Content: x } }"
    more = f"  Association: {association}\n" if association else ""
    project = loaded(tmp_path, f"Resources:\n  Fn: {FUNCTION}\n  Flow: {flow}\n{more}", FILES)
    assert project.instance is not None
    assert project.instance.arn == "arn:aws:connect:us-east-1:123456789012:instance/abc"
    assert project.instance.function_arns == associated
    assert project.instance.all_functions is all_functions


@pytest.mark.parametrize(
    ("country", "start", "length"), [("GB", "+441632960", 13), ("US", "+1202555", 12), ("DE", "+4955501", 12)]
)
def test_a_number_that_nobody_chose(tmp_path: Path, country: str, start: str, length: int) -> None:
    number = f"{{ Type: AWS::Connect::PhoneNumber, Properties: {{ TargetArn: abc, CountryCode: {country} }} }}"
    project = loaded(tmp_path, f"Resources:\n  N: {number}\n")
    assert project.numbers[0].number.startswith(start)
    assert len(project.numbers[0].number) == length
    assert project.numbers[0].flow_arn is None
    assert project.warnings == (
        "template.yaml:2: Resources.N: AWS::Connect::PhoneNumber: no flow answers the number; CloudFormation cannot "
        "say which does: add Metadata: {Callpark: {ContactFlow: !Ref TheFlow}}",
    )


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (
            ('"+441632960000"', "12ab"),
            "template.yaml:19: Resources.Number.Metadata.Callpark.Number: '12ab' is not a number in E.164",
        ),
        (
            ("ContactFlow: !Ref Flow", "ContactFlow: Flow"),
            "template.yaml:19: Resources.Number.Metadata.Callpark.ContactFlow: 'Flow' is not a flow of this template",
        ),
        (
            ("ContactFlow: !Ref Flow", "ContactFlow: !Ref Flaw"),
            "template.yaml:19: Resources.Number.Metadata.Callpark.ContactFlow.Ref: "
            "there is no parameter or resource 'Flaw'",
        ),
        (
            ("flows/a.json", "flows/b.json"),
            "template.yaml:16: Resources.Flow.Properties.Content.Fn::Transform: there is no file flows/b.json",
        ),
        (
            ("flows/a.json", "s3://b/a.json"),
            "template.yaml:16: Resources.Flow.Properties.Content.Fn::Transform: s3://b/a.json cannot be fetched",
        ),
        (
            ("Name: AWS::Include", "Name: Mine"),
            "template.yaml:16: Resources.Flow.Properties.Content.Fn::Transform: the macro 'Mine' cannot be run here",
        ),
        (
            ("InstanceArn: !Ref Instance", "InstanceArn: other"),
            "a second Connect instance",
        ),
    ],
)
def test_refusals(tmp_path: Path, change: tuple[str, str], cause: str) -> None:
    error = refused(tmp_path, LINE.replace(*change), {**FILES, "flows/a.json": json.dumps(FLOW)})
    assert cause in error.cause
    assert error.remedy


def test_a_broken_included_file_names_itself(tmp_path: Path) -> None:
    error = refused(tmp_path, LINE, {**FILES, "flows/a.json": '{"Version": }'})
    assert error.cause.startswith("a.json:1:13: ")


def test_unknown_metadata_are_named(tmp_path: Path) -> None:
    number = "{ Type: AWS::Connect::PhoneNumber, Metadata: { Callpark: { Flow: x } }, Properties: { TargetArn: abc } }"
    project = loaded(tmp_path, f"Resources:\n  N: {number}\n")
    warning = "template.yaml:2: Resources.N.Metadata.Callpark.Flow: this metadata is ignored; "
    assert f"{warning}Number and ContactFlow are known" in project.warnings


def test_a_bare_flow_file(tmp_path: Path) -> None:
    write(tmp_path, {"async.json": json.dumps(FLOW), "a.py": "", "b.js": "", "lib/pkg/mod.py": "", "lib/m.mjs": ""})
    project = load_flow_file(
        tmp_path / "async.json",
        functions=(
            f"One={tmp_path}/a.py:run",
            f"Two={tmp_path}/a.py",
            f"Three={tmp_path}/b.js",
            f"Four={tmp_path}/lib:pkg.mod.run",
            f"Five={tmp_path}/lib:m.run",
        ),
        place=HOME,
    )
    found = [(f.configuration.name, f.configuration.handler, f.configuration.runtime[:6]) for f in project.functions]
    assert found == [
        ("One", "a.run", "python"),
        ("Two", "a.lambda_handler", "python"),
        ("Three", "b.handler", "nodejs"),
        ("Four", "pkg.mod.run", "python"),
        ("Five", "m.run", "nodejs"),
    ]
    assert {f.code for f in project.functions} == {Directory(tmp_path), Directory(tmp_path / "lib")}
    assert project.instance is not None
    assert project.instance.all_functions
    assert json.loads(project.flows[0].content) == FLOW
    assert project.numbers[0].flow_arn == project.flows[0].arn
    assert load(tmp_path / "async.json").flows == project.flows


@pytest.mark.parametrize(
    "flow",
    [
        FLOW,
        {"Name": "n", "Type": "CONTACT_FLOW", "Content": FLOW},
        {"Content": json.dumps(FLOW)},
        {"modules": [], "version": "1", "start": "x"},
    ],
)
def test_every_form_of_a_flow_is_one(tmp_path: Path, flow: dict[str, object]) -> None:
    write(tmp_path, {"f.json": json.dumps(flow)})
    assert json.loads(load(tmp_path / "f.json").flows[0].content) == flow


@pytest.mark.parametrize(
    ("option", "cause"),
    [
        ("One", "--function One: not a function"),
        ("=a.py", "--function =a.py: not a function"),
        ("One=nope.py", "--function One=nope.py: there is no file nope.py"),
        ("One={}/t.txt", "--function One={}/t.txt: t.txt is neither Python nor JavaScript"),
        ("One={}", "--function One={}: which handler of the folder?"),
        ("One={}:m.f", "--function One={}:m.f: {} holds no m.py or m.js"),
    ],
)
def test_functions_that_are_none(tmp_path: Path, option: str, cause: str) -> None:
    write(tmp_path, {"f.json": json.dumps(FLOW), "t.txt": ""})
    with pytest.raises(ProjectError) as caught:
        load_flow_file(tmp_path / "f.json", functions=[option.format(tmp_path)], place=HOME)
    assert caught.value.cause == cause.replace("{}", str(tmp_path))


def test_a_file_that_is_no_flow(tmp_path: Path) -> None:
    write(tmp_path, {"f.json": "{}"})
    with pytest.raises(ProjectError, match=r"f\.json is not a contact flow"):
        load_flow_file(tmp_path / "f.json", functions=(), place=HOME)
    with pytest.raises(ProjectError, match="there is no flow file"):
        load_flow_file(tmp_path / "g.json", functions=(), place=HOME)
