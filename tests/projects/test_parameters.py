"""Parameters: defaults, overrides, types, and what is not allowed."""

import pytest

from callpark.kernel.errors import ProjectError
from callpark.projects.document import Place, Value
from callpark.projects.parameters import resolve

pytestmark = pytest.mark.unit


def where(place: Place) -> str:
    return "t.yaml"


@pytest.mark.parametrize(
    ("declaration", "given", "value"),
    [
        ({"Type": "String", "Default": "a"}, {}, "a"),
        ({"Type": "String", "Default": "a"}, {"P": "b"}, "b"),
        ({"Type": "String"}, {"P": ""}, ""),
        ({"Type": "String", "Default": True}, {}, "true"),
        ({"Type": "Number", "Default": 2.5}, {}, "2.5"),
        ({"Type": "Number", "MinValue": 1, "MaxValue": "3"}, {"P": "3"}, "3"),
        ({"Type": "CommaDelimitedList", "Default": "a, b,c"}, {}, ["a", "b", "c"]),
        ({"Type": "List<Number>"}, {"P": "1,2"}, ["1", "2"]),
        ({"Type": "AWS::EC2::VPC::Id"}, {"P": "vpc-1"}, "vpc-1"),
        ({"Type": "String", "AllowedValues": ["x", 3]}, {"P": "3"}, "3"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, {"P": "abc"}, "abc"),
    ],
)
def test_values(declaration: dict[str, Value], given: dict[str, str], value: Value) -> None:
    assert resolve({"P": declaration}, given, where).values == {"P": value}


@pytest.mark.parametrize(
    ("declaration", "given", "cause"),
    [
        ({"Type": "String"}, {}, "t.yaml: Parameters.P: has no default and no value was given"),
        ({"Default": "x"}, {}, "t.yaml: Parameters.P: has no Type"),
        ("x", {}, "t.yaml: Parameters.P: is not a mapping"),
        ({"Type": "String", "AllowedValues": ["x"]}, {"P": "y"}, "t.yaml: Parameters.P: 'y' is not allowed"),
        (
            {"Type": "CommaDelimitedList", "AllowedValues": ["x"]},
            {"P": "x,y"},
            "t.yaml: Parameters.P: 'y' is not allowed",
        ),
        ({"Type": "Number"}, {"P": "y"}, "t.yaml: Parameters.P: 'y' is not a number"),
        ({"Type": "Number", "MaxValue": 3}, {"P": "4"}, "t.yaml: Parameters.P: 4 is outside … to 3"),
        ({"Type": "String", "MinLength": 2}, {"P": "a"}, "t.yaml: Parameters.P: its length 1 is outside 2 to …"),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "small letters"},
            {"P": "A"},
            "t.yaml: Parameters.P: 'A' does not match [a-z]+ (small letters)",
        ),
        (
            {"Type": "String", "AllowedPattern": "["},
            {"P": "A"},
            "t.yaml: Parameters.P: AllowedPattern '[' cannot be read",
        ),
        ({"Type": "String", "Default": "a"}, {"Q": "b"}, "the template has no parameter 'Q'"),
    ],
)
def test_refusals(declaration: Value, given: dict[str, str], cause: str) -> None:
    with pytest.raises(ProjectError) as caught:
        resolve({"P": declaration}, given, where)
    assert caught.value.cause == cause
    assert caught.value.remedy


def test_a_stored_parameter_is_named() -> None:
    found = resolve({"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/a/b"}}, {}, where)
    assert found.values == {"P": "/a/b"}
    assert found.warnings == (
        "t.yaml: parameter P: the Systems Manager parameter '/a/b' is not looked up; its name is used, "
        "or give the value with --parameter P=…",
    )
