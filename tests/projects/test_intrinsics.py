"""CloudFormation's functions: what each gives, and how each refuses."""

import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.kernel.errors import ProjectError
from callpark.projects import conditions
from callpark.projects.document import Place, Value
from callpark.projects.intrinsics import Evaluator, Identity

pytestmark = pytest.mark.unit

HERE: Place = ("Resources", "X", "Properties", "P")


def evaluator() -> Evaluator:
    return Evaluator(
        where=lambda place: "t.yaml:7",
        region="eu-west-2",
        parameters={"Stage": "prod", "Zones": ["a", "b"]},
        pseudo={"AWS::Region": "eu-west-2"},
        mappings={"Sizes": {"prod": {"memory": 512, "names": ["x", "y"]}}},
        conditions={"Yes": True, "No": False},
        excluded=frozenset({"Gone"}),
        identities={
            "Fn": Identity("name", {"Arn": "arn:fn"}),
            "Table": Identity("tbl", {"Arn": "arn:t"}, placeholder="tbl"),
        },
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Stage"}, "prod"),
        ({"Ref": "Zones"}, ["a", "b"]),
        ({"Ref": "AWS::Region"}, "eu-west-2"),
        ({"Ref": "Fn"}, "name"),
        ({"Fn::GetAtt": ["Fn", "Arn"]}, "arn:fn"),
        ({"Fn::GetAtt": "Fn.Arn"}, "arn:fn"),
        ({"Fn::GetAtt": ["Table", "StreamArn"]}, "tbl"),
        ({"Fn::Sub": "${Stage}-${Fn.Arn}-${AWS::Region}-${!Kept}"}, "prod-arn:fn-eu-west-2-${Kept}"),
        ({"Fn::Sub": ["${a}-${Stage}-${n}-${b}", {"a": {"Ref": "Fn"}, "n": 3, "b": True}]}, "name-prod-3-true"),
        ({"Fn::Sub": "no variables $ {x} $x"}, "no variables $ {x} $x"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 3, True]]}, "a-prod-3-true"),
        ({"Fn::Join": ["", {"Ref": "Zones"}]}, "ab"),
        ({"Fn::Join": [",", ["a", {"Ref": "AWS::NoValue"}, "b"]]}, "a,b"),
        ({"Fn::Select": [1, {"Ref": "Zones"}]}, "b"),
        ({"Fn::Select": ["0", ["x", "y"]]}, "x"),
        ({"Fn::Split": [",", "a,b,,c"]}, ["a", "b", "", "c"]),
        ({"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::Sub": "a/b/${Stage}"}]}]}, "prod"),
        ({"Fn::If": ["Yes", "a", {"Ref": "Nothing"}]}, "a"),
        ({"Fn::If": ["No", {"Ref": "Nothing"}, "b"]}, "b"),
        ({"a": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, "b": 2}, {"b": 2}),
        ([{"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, 2], [2]),
        ({"Ref": "AWS::NoValue"}, None),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 512),
        ({"Fn::FindInMap": ["Sizes", "prod", "names"]}, ["x", "y"]),
        ({"Fn::FindInMap": ["Sizes", "test", "memory", {"DefaultValue": 128}]}, 128),
        ({"Fn::Base64": {"Ref": "Stage"}}, "cHJvZA=="),
        ({"Fn::GetAZs": ""}, ["eu-west-2a", "eu-west-2b", "eu-west-2c"]),
        ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, ["eu-west-2a", "eu-west-2b", "eu-west-2c"]),
        ({"Fn::Length": {"Ref": "Zones"}}, 2),
        ({"Fn::ToJsonString": {"f": {"Fn::GetAtt": ["Fn", "Arn"]}, "n": 1}}, '{"f": "arn:fn", "n": 1}'),
        ({"Ref": "Fn", "other": 1}, {"Ref": "Fn", "other": 1}),
        ({"Condition": {"StringEquals": "x"}}, {"Condition": {"StringEquals": "x"}}),
    ],
)
def test_values(value: Value, expected: Value) -> None:
    assert evaluator().value(value, HERE) == expected


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ({"Ref": "Nothing"}, "Ref: there is no parameter or resource 'Nothing'"),
        ({"Ref": "Gone"}, "Ref: Gone is not made, because its condition is false"),
        ({"Ref": ["Fn"]}, "Ref: takes the name of a parameter or resource"),
        ({"Fn::GetAtt": ["Fn", "Name"]}, "Fn::GetAtt: Fn has no attribute 'Name'"),
        ({"Fn::GetAtt": "Fn"}, "Fn::GetAtt: takes a resource and an attribute"),
        ({"Fn::Sub": "${Nothing}"}, "Fn::Sub: there is no parameter or resource 'Nothing'"),
        ({"Fn::Sub": "${a b}"}, "Fn::Sub: the variable '${a b}' is not a name: letters, digits, '_', '.' and ':' only"),
        ({"Fn::Sub": 3}, "Fn::Sub: takes a text, or a list of a text and a mapping"),
        ({"Fn::Sub": "${Zones}"}, "Fn::Sub: needs a text, not a list"),
        ({"Fn::Join": ["-"]}, "Fn::Join: takes a list of 2 values"),
        ({"Fn::Join": ["-", "a"]}, "Fn::Join: takes a delimiter and a list"),
        ({"Fn::Select": [2, {"Ref": "Zones"}]}, "Fn::Select: there is no item 2 in a list of 2"),
        ({"Fn::Select": [-1, ["a"]]}, "Fn::Select: there is no item -1 in a list of 1"),
        ({"Fn::Select": ["²", ["a"]]}, "Fn::Select: there is no item '²' in a list of 1"),
        ({"Fn::Split": ["", "a"]}, "Fn::Split: takes a delimiter that is not empty"),
        ({"Fn::If": ["Maybe", 1, 2]}, "Fn::If: there is no condition 'Maybe'"),
        ({"Fn::If": ["Yes", 1]}, "Fn::If: takes a list of 3 values"),
        (
            {"Fn::FindInMap": ["Sizes", "test", "memory"]},
            "Fn::FindInMap: there is no Sizes.test.memory under Mappings ('test' is missing)",
        ),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, "Fn::Cidr: Fn::Cidr is not supported"),
    ],
)
def test_refusals(value: Value, cause: str) -> None:
    with pytest.raises(ProjectError) as caught:
        evaluator().value(value, HERE)
    assert caught.value.cause == f"t.yaml:7: Resources.X.Properties.P.{cause}"


def test_what_is_evaluated_in_part_is_named_once() -> None:
    subject = evaluator()
    for _ in range(2):
        assert subject.value({"Fn::ImportValue": {"Fn::Sub": "${Stage}-vpc"}}, HERE) == "prod-vpc"
        subject.value("{{resolve:ssm:/a/b}}", HERE)
    assert subject.warnings == [
        "t.yaml:7: Resources.X.Properties.P.Fn::ImportValue: other stacks' exports are unknown here; "
        "Fn::ImportValue gives its name, 'prod-vpc'",
        "t.yaml:7: the dynamic reference in '{{resolve:ssm:/a/b}}' is not resolved, the text stays as it is",
    ]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"Fn::Equals": [{"Ref": "Stage"}, "prod"]}, True),
        ({"Fn::Equals": [{"Ref": "Stage"}, "dev"]}, False),
        ({"Fn::Equals": ["3", 3]}, True),
        ({"Fn::Equals": ["true", True]}, True),
        ({"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}, True),
        ({"Fn::And": [{"Condition": "IsProd"}, {"Fn::Equals": ["a", "a"]}]}, True),
        ({"Fn::And": [{"Condition": "IsProd"}, {"Fn::Equals": ["a", "b"]}]}, False),
        ({"Fn::Or": [{"Fn::Not": [{"Condition": "IsProd"}]}, {"Fn::Equals": ["a", "a"]}]}, True),
        ({"Condition": "IsProd"}, True),
    ],
)
def test_conditions(condition: Value, holds: bool) -> None:
    section: dict[str, Value] = {"It": condition, "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}}
    assert conditions.evaluate(section, evaluator())["It"] is holds


@pytest.mark.parametrize(
    ("section", "cause"),
    [
        (
            {"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}},
            "the conditions depend on each other: A → B → A",
        ),
        ({"A": {"Condition": "B"}}, "there is no condition 'B'"),
        ({"A": "x"}, "is not a condition"),
        ({"A": {"Fn::And": []}}, "takes a list of 1 to 10 values"),
    ],
)
def test_condition_refusals(section: dict[str, Value], cause: str) -> None:
    with pytest.raises(ProjectError) as caught:
        conditions.evaluate(section, evaluator())
    assert caught.value.cause.endswith(cause)


@given(st.lists(st.text("ab;", max_size=4), min_size=1), st.just(";"))
def test_split_undoes_join(parts: list[str], delimiter: str) -> None:
    whole = [part.replace(";", "") for part in parts]
    joined: Value = {"Fn::Split": [delimiter, {"Fn::Join": [delimiter, list(whole)]}]}
    assert evaluator().value(joined, HERE) == whole


@given(st.text(st.characters(exclude_characters="$", codec="utf-8")))
def test_texts_without_variables_stay(text: str) -> None:
    assert evaluator().value({"Fn::Sub": text}, HERE) == text
    assert base64.b64decode(str(evaluator().value({"Fn::Base64": text}, HERE))).decode() == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_plain_values_are_their_own_value(value: Value) -> None:
    assert evaluator().value(value, HERE) == value
    assert json.loads(str(evaluator().value({"Fn::ToJsonString": value}, HERE))) == value


functions = st.sampled_from(
    ["Ref", *(f"Fn::{name}" for name in ("GetAtt", "Sub", "Join", "Select", "Split", "If", "FindInMap", "Length"))]
)
calls = st.recursive(
    values | st.sampled_from(["Stage", "Fn", "Yes", "Sizes", "prod", "AWS::NoValue"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.builds(lambda name, argument: {name: argument}, functions, inner | st.lists(inner, max_size=4))
    ),
    max_leaves=10,
)


@given(calls)
def test_any_call_is_evaluated_or_refused(value: Value) -> None:
    with contextlib.suppress(ProjectError):
        assert not isinstance(evaluator().value(value, HERE), Identity)
