"""Whatever is done to a template, it loads or is refused as the project's fault."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.kernel.errors import ProjectError
from tests.projects.projects import load, write
from tests.projects.test_load import CDK

pytestmark = pytest.mark.unit

PLAIN: dict[str, Any] = {
    "Parameters": {"Stage": {"Type": "String", "Default": "dev", "AllowedValues": ["dev", "prod"]}},
    "Mappings": {"M": {"dev": {"size": 128}}},
    "Conditions": {**CDK["Conditions"], "Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
    "Resources": {
        **CDK["Resources"],
        "Local": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.12",
                "Handler": "a.b",
                "Code": "asset.aa11",
                "MemorySize": {"Fn::FindInMap": ["M", {"Ref": "Stage"}, "size"]},
                "Environment": {
                    "Variables": {"URL": {"Fn::GetAtt": ["Api", "GraphQLUrl"]}, "S": {"Fn::Sub": "${Stage}"}}
                },
                "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}},
            },
        },
        "Async": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {"FunctionName": {"Ref": "Local"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 1},
        },
        "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}},
        "Instance": {"Type": "AWS::Connect::Instance", "Properties": {"InstanceAlias": "line"}},
        "Flow": {
            "Type": "AWS::Connect::ContactFlow",
            "Properties": {"InstanceArn": {"Ref": "Instance"}, "Name": "flow", "Content": "{}"},
        },
        "Number": {
            "Type": "AWS::Connect::PhoneNumber",
            "Metadata": {"Callpark": {"Number": "+441632960000", "ContactFlow": {"Ref": "Flow"}}},
            "Properties": {"TargetArn": {"Ref": "Instance"}, "CountryCode": "GB"},
        },
    },
    "Outputs": {"Url": {"Value": {"Fn::Join": ["/", [{"Fn::GetAtt": ["Api", "GraphQLUrl"]}, {"Ref": "Stage"}]]}}},
}

SAM: dict[str, Any] = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Globals": {"Function": {"Runtime": "python3.12", "CodeUri": "asset.aa11"}},
    "Resources": {
        "Fn": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Handler": "a.b",
                "Policies": ["AWSLambdaExecute"],
                "EventInvokeConfig": {"MaximumRetryAttempts": 1},
                "AutoPublishAlias": "live",
            },
        },
        "Api": {
            "Type": "AWS::Serverless::GraphQLApi",
            "Properties": {
                "Auth": {"Type": "API_KEY"},
                "SchemaInline": "type Query { a: Int }",
                "ApiKeys": {"Main": {}},
                "DataSources": {"Lambda": {"Source": {"FunctionArn": {"Fn::GetAtt": ["Fn", "Arn"]}}}},
                "Functions": {
                    "call": {
                        "DataSource": "Source",
                        "InlineCode": "x",
                        "Runtime": {"Name": "APPSYNC_JS", "Version": "1.0.0"},
                    }
                },
                "Resolvers": {"Query": {"a": {"Pipeline": ["call"]}}},
            },
        },
    },
}


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a document."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        yield (*place, key)
        yield from places(item, (*place, key))


SNIPPETS = st.sampled_from(
    [
        *(None, True, 0, -1, 1.5, "", "x", "Fn", "Api", "${Fn}", "${", "s3://b/k", ".."),
        *([], {}, [None], {"": None}, "²", "\ud800", "a\0b", "9" * 400),
        *({"Ref": "Flow"}, {"Ref": "Nope"}, {"Ref": 3}, {"Fn::GetAtt": ["Api", "Arn"]}, {"Fn::Sub": "${AWS::Region}"}),
        *({"Fn::If": ["Prod", 1, {"Ref": "AWS::NoValue"}]}, {"Fn::Select": [9, ["a"]]}, {"Fn::Transform": {"Name": 1}}),
        *({"Ref": "AWS::NoValue"}, {"Fn::GetAtt": [1]}, {"Fn::Join": ["", [{}]]}, {"Fn::ToJsonString": {"a": 1}}),
    ]
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    mutated = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        every = list(places(mutated))
        if not every:
            break
        *above, last = draw(st.sampled_from(every))
        holder = mutated
        for key in above:
            holder = holder[key]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                holder[last] = copy.deepcopy(draw(SNIPPETS))
            case "remove":
                del holder[last]
            case "add" if isinstance(holder, dict):
                key = draw(st.sampled_from(["Ref", "Fn::Sub", "Fn::If", "Condition", "Code", "Type", "Metadata", "x"]))
                holder[key] = copy.deepcopy(draw(SNIPPETS))
    return mutated


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {"asset.aa11/index.py": "", "asset.bb22/i.js": "", "asset.cc33.js": "", "template.json": ""}
    return write(tmp_path_factory.mktemp("fuzz"), files)


def load_mutated(folder: Path, document: dict[str, Any]) -> None:
    (folder / "template.json").write_text(json.dumps(document))
    refusals: list[ProjectError] = []
    try:
        load(folder)
    except ProjectError as error:
        refusals.append(error)
    assert all(refusal.cause and refusal.remedy for refusal in refusals)


@pytest.mark.parametrize("document", [PLAIN, SAM])
def test_what_is_mutated_loads_as_it_is(folder: Path, document: dict[str, Any]) -> None:
    (folder / "template.json").write_text(json.dumps(document))
    assert load(folder).functions


@given(document=mutations(PLAIN))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_plain_templates(folder: Path, document: dict[str, Any]) -> None:
    load_mutated(folder, document)


@given(document=mutations(SAM))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_serverless_templates(folder: Path, document: dict[str, Any]) -> None:
    load_mutated(folder, document)
