"""The compiled plan against graphql-core's executor: generated documents and data on one rich schema.

Invariants: equal data; the same places in error, except inside an object that became null as a whole: how many of its
fields were looked at before is nobody's promise.
"""
# ruff: noqa: E501 - generated documents read better unbroken

from typing import Any

import pytest
from graphql.execution.values import get_variable_values
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.graphql.auth.access import Access, Default
from callpark.graphql.execution import Execution, FieldCall
from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.plan import PlanSettings, compile_plan
from callpark.graphql.schema import build_schema
from callpark.graphql.selection import switch_names
from graphql import (
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
    execute_sync,
    parse,
    validate,
)

pytestmark = pytest.mark.unit

SCHEMA = build_schema(
    """
    type Query { node: Node  must: Node!  thing: Thing  any: Any  list: [Node]  strict: [Node!]!  grid: [[Int!]]
      things: [Thing!]  anys: [Any]  name: String  number: Int!  colour: Colour  resolved: Node  lazy: [Node!] }
    type Node implements Thing { id: ID!  name: String  count: Int  price: Float  on: Boolean!  colour: Colour  child: Node
      sure: Node!  list: [Node!]  tags: [String!]!  resolved: Node  echo(text: String = "d", n: Int, e: Colour): String }
    type Leaf implements Thing { id: ID!  name: String  only: Int }
    interface Thing { id: ID!  name: String }
    union Any = Node | Leaf
    enum Colour { RED GREEN }
    """,
    "schema",
)
for _name in ("Node", "Leaf"):  # graphql-core's way to say that objects are JSON objects
    _type = SCHEMA.graphql.type_map[_name]
    assert isinstance(_type, GraphQLObjectType)
    _type.is_type_of = lambda value, info: isinstance(value, dict)
LEAVES = {
    "Node": [
        "id",
        "name",
        "count",
        "price",
        "on",
        "colour",
        "tags",
        "__typename",
        'echo(text: "x", n: $n)',
        "echo(e: RED)",
    ],
    "Leaf": ["id", "name", "only", "__typename"],
    "Thing": ["id", "name", "__typename"],
    "Any": ["__typename"],
    "Query": ["name", "number", "colour", "grid", "__typename"],
}
OBJECTS = {
    "Node": [("child", "Node"), ("sure", "Node"), ("list", "Node"), ("resolved", "Node")],
    "Query": [("node", "Node"), ("must", "Node"), ("thing", "Thing"), ("any", "Any"), ("list", "Node"), ("strict", "Node"),
              ("things", "Thing"), ("anys", "Any"), ("resolved", "Node"), ("lazy", "Node")],
}  # fmt: skip
SWITCHES = ["", "", "", " @skip(if: $a)", " @include(if: $b)", " @include(if: true)", " @skip(if: true)"]


@st.composite
def selections(draw: st.DrawFn, parent: str, depth: int = 0) -> str:
    parts: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        choice = draw(st.integers(0, 9))
        switch = draw(st.sampled_from(SWITCHES))
        if choice < 4 or depth > 3:
            leaf = draw(st.sampled_from(LEAVES[parent]))
            # An alias goes with one field only: conflicting selections are executable by nobody.
            aliases = ["", "", f"{leaf}2: "] if "(" not in leaf else [f"echo{len(leaf)}: "]
            alias = draw(st.sampled_from(aliases))
            parts.append(f"{alias}{leaf}{switch}")
        elif choice < 8 and OBJECTS.get(parent):
            name, kind = draw(st.sampled_from(OBJECTS[parent]))
            alias = draw(st.sampled_from(["", "", f"{name}2: "]))
            parts.append(f"{alias}{name}{switch} {{ {draw(selections(kind, depth + 1))} }}")
        else:
            kind = draw(st.sampled_from(["Node", "Leaf", "Thing"] if parent in ("Thing", "Any") else [parent]))
            if choice == 8:
                parts.append(f"... on {kind}{switch} {{ {draw(selections(kind, depth + 1))} }}")
            else:
                parts.append(f"...{'F' if kind == 'Node' else 'G' if kind in ('Thing', 'Leaf') else 'Q'}{switch}")
    return " ".join(parts)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.just(2**40),
    st.floats(-5, 5),
    st.text(max_size=3),
    st.just("RED"),
    st.just([]),
)


def values(depth: int = 0) -> st.SearchStrategy[Any]:
    if depth > 3:
        return SCALARS
    node = values(depth + 1)
    well_formed = st.fixed_dictionaries(
        {
            "__typename": st.sampled_from(["Node", "Leaf"]),
            "id": st.just("1"),
            "on": st.just(True),
            "tags": st.just(["t"]),
        },
        optional={
            "name": SCALARS,
            "count": SCALARS,
            "price": SCALARS,
            "colour": st.sampled_from(["RED", "GREEN", "BLUE", None]),
            "child": node,
            "sure": node,
            "list": st.lists(node, max_size=3),
            "resolved": node,
            "only": SCALARS,
        },
    )
    return st.one_of(well_formed, well_formed, well_formed, st.none(), SCALARS, st.lists(SCALARS, max_size=2))


ROOTS = st.fixed_dictionaries(
    {name: values(1) for name, _ in OBJECTS["Query"] if name not in ("list", "strict", "things", "anys", "lazy")}
    | {name: st.one_of(st.lists(values(1), max_size=3), SCALARS) for name in ("list", "strict", "things", "anys", "lazy")}
    | {"number": st.one_of(st.just(1), SCALARS), "grid": st.one_of(st.just([[1], None, [2, None]]), SCALARS), "name": SCALARS,
       "colour": SCALARS}
)  # fmt: skip


def echo(arguments: dict[str, object]) -> str:
    return repr(sorted(arguments.items()))


def default(source: Any, info: Any, **arguments: object) -> object:
    """graphql-core's resolver with AppSync's view of sources: JSON objects only."""
    if info.field_name == "echo":
        return echo(arguments)
    value = source.get(info.field_name)
    kind = str(info.return_type).strip("!")
    if isinstance(value, str) and kind.startswith("["):
        raise GraphQLError("a string is no list")
    return value


def swallowed(path: Any, data: Any) -> bool:
    """Whether a parent of the place is null."""
    for step in path:
        if data is None:
            return True
        data = data[step]
    return False


def kind_of(value: Any, info: Any, abstract: Any) -> str | None:
    return value.get("__typename") if isinstance(value, dict) else None


@given(
    selections("Query"),
    selections("Node", 2),
    selections("Thing", 3),
    ROOTS,
    st.booleans(),
    st.booleans(),
    st.sampled_from([{}, {"n": 3}, {"n": None}]),
)
@settings(max_examples=200, deadline=None)
def test_plan_and_graphql_core_agree(
    query: str, node: str, thing: str, root: dict[str, Any], a: bool, b: bool, given_n: dict[str, Any]
) -> None:
    text = (
        f"query ($a: Boolean!, $b: Boolean!, $n: Int) {{ {query} }} fragment F on Node {{ {node.replace('...F', 'id')} }} "
        f"fragment G on Thing {{ {thing.replace('...G', 'id').replace('...F', 'id')} }} fragment Q on Query {{ name }}"
    )
    document = parse(text)
    faults = {error.message.split("'")[0] for error in validate(SCHEMA.graphql, document)}
    if faults - {"Fragment ", "Variable "}:
        return  # conflicting aliases and the like: not executable by anybody
    raw = {"a": a, "b": b, **given_n}
    operation = next(n for n in document.definitions if isinstance(n, OperationDefinitionNode))
    expected = execute_sync(
        SCHEMA.graphql, document, root, variable_values=raw, field_resolver=default, type_resolver=kind_of
    )
    fragments = {n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)}
    variables = get_variable_values(SCHEMA.graphql, operation.variable_definitions, raw)
    assert isinstance(variables, dict)
    names = switch_names(operation, fragments)
    resolvers = {
        ("Query", "resolved"): lambda call: root["resolved"],
        ("Query", "lazy"): lambda call: root["lazy"],
        ("Node", "resolved"): lambda call: call.source.get("resolved"),
        ("Node", "echo"): lambda call: echo(dict(call.arguments)),
    }
    plan = compile_plan(
        PlanSettings(SCHEMA, resolvers, Default("API_KEY"), 20_000), document, operation, fragments, Access("API_KEY"),
        {name: bool(variables[name]) for name in names},
    )  # fmt: skip
    execution = Execution(GraphqlRequest(text, variables=raw), variables, 10_000, lambda name, value: None)
    data = plan.start(execution, root)
    assert data == expected.data
    ours = [entry["path"] for entry in execution.errors]
    theirs = [error.path for error in expected.errors or []]
    assert all(swallowed(path, data) for path in ours if path not in theirs)
    assert all(swallowed(path, data) for path in theirs if path not in ours)
    assert len(ours) == len({tuple(path) for path in ours}), "one error for one place"  # type: ignore[arg-type]
    assert bool(ours) == bool(theirs)


async def test_coroutines_and_plain_values_complete_alike() -> None:
    document = parse("{ resolved { id sure { id } child { id resolved { name } } } list { resolved { id } } }")
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    root = {
        "resolved": {"id": "1", "sure": None, "child": {"id": "2", "resolved": {"name": "n"}}},
        "list": [{"resolved": {"id": "3"}}, {"resolved": {}}, None],
    }

    async def later(value: object) -> object:
        return value

    def plain(call: FieldCall) -> object:
        return (root if call.site.parent_type == "Query" else call.source)["resolved"]  # type: ignore[index]

    outcomes = []
    for resolve in (plain, lambda call: later(plain(call))):
        resolvers = {("Query", "resolved"): resolve, ("Node", "resolved"): resolve}
        settings_ = PlanSettings(SCHEMA, resolvers, Default("API_KEY"), 100)
        plan = compile_plan(settings_, document, operation, {}, Access("API_KEY"), {})
        execution = Execution(GraphqlRequest(""), {}, 100, lambda name, value: None)
        data: Any = plan.start(execution, root)
        outcomes.append((data if isinstance(data, dict) else await data, [e["path"] for e in execution.errors]))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0] == (
        {"resolved": None, "list": [{"resolved": {"id": "3"}}, {"resolved": None}, None]},
        [["resolved", "sure"], ["list", 1, "resolved", "id"]],
    )


@pytest.mark.parametrize("left", [0, 1, 2])
def test_resolver_executions_are_limited(left: int) -> None:
    document = parse("{ a: resolved { id } b: resolved { id } c: resolved { id } }")
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    settings_ = PlanSettings(SCHEMA, {("Query", "resolved"): lambda call: {"id": "1"}}, Default("API_KEY"), 100)
    execution = Execution(GraphqlRequest(""), {}, left, lambda name, value: None)
    compile_plan(settings_, document, operation, {}, Access("API_KEY"), {}).start(execution, {})
    assert [e["errorType"] for e in execution.errors] == ["ResolverExecutionLimitReached"] * (3 - left)
