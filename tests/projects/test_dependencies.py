"""The order of resources, circles, references to nothing."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.kernel.errors import ProjectError
from callpark.projects.dependencies import order
from callpark.projects.document import Place, Value

pytestmark = pytest.mark.unit


def where(place: Place) -> str:
    return "t.yaml"


def resource(properties: Value = None, **rest: Value) -> Value:
    return {"Type": "T", "Properties": properties, **rest}


def test_what_is_referred_to_comes_first() -> None:
    resources = {
        "A": resource({"x": [{"Ref": "B"}, {"Fn::Sub": ["${C.Arn} ${own}", {"own": {"Ref": "D"}}]}]}),
        "B": resource({"x": {"Fn::If": ["c", {"Fn::GetAtt": ["C", "Arn"]}, {"Fn::GetAtt": "D.Arn"}]}}),
        "C": resource(DependsOn=["D"]),
        "D": resource({"x": {"Ref": "P"}}),
    }
    assert order(resources, {"P"}, where) == ["D", "C", "B", "A"]


@pytest.mark.parametrize(
    ("resources", "cause"),
    [
        (
            {"A": resource({"Ref": "B"}), "B": resource({"Fn::Sub": "${C.Arn}"}), "C": resource({"Ref": "A"})},
            "t.yaml: the resources depend on each other: A → B → C → A",
        ),
        ({"A": resource({"Ref": "A"})}, "t.yaml: the resources depend on each other: A → A"),
        (
            {"A": resource({"x": {"Fn::Sub": "${B}"}})},
            "t.yaml: Resources.A.Properties.x.Fn::Sub: there is no parameter or resource 'B'",
        ),
        (
            {"A": resource(DependsOn="B")},
            "t.yaml: Resources.A.DependsOn: there is no parameter or resource 'B'",
        ),
        (
            {"A": resource(Metadata={"Callpark": {"ContactFlow": {"Ref": "B"}}})},
            "t.yaml: Resources.A.Metadata.Callpark.ContactFlow.Ref: there is no parameter or resource 'B'",
        ),
    ],
)
def test_refusals(resources: dict[str, Value], cause: str) -> None:
    with pytest.raises(ProjectError) as caught:
        order(resources, set(), where)
    assert caught.value.cause == cause


def test_a_long_chain_is_no_problem() -> None:
    resources = {f"R{n}": resource({"Ref": f"R{n + 1}"}) for n in range(20_000)} | {"R20000": resource()}
    assert order(resources, set(), where)[0] == "R20000"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_order_or_circle(edges: list[tuple[int, int]]) -> None:
    resources: dict[str, Value] = {}
    for n in range(10):
        references: list[Value] = [{"Ref": f"R{b}"} for a, b in edges if a == n]
        resources[f"R{n}"] = resource(references)
    try:
        found = order(resources, set(), where)
    except ProjectError as error:
        names = error.cause.rpartition(": ")[2].split(" → ")
        assert names[0] == names[-1]
        assert all((int(a[1:]), int(b[1:])) in edges for a, b in itertools.pairwise(names))
    else:
        assert sorted(found) == sorted(resources)
        assert all(found.index(f"R{b}") < found.index(f"R{a}") for a, b in edges)
