"""The compiled plan against graphql-core's executor where resolvers wait, fail, and do neither: queries and mutations.

Invariants: equal data; an error wherever graphql-core has one, unless a parent became null; one error for one place; a
plain resolver never becomes a task; whatever waits is awaited.
"""

# ruff: noqa: E501 - generated documents read better unbroken

import asyncio
import gc
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from graphql.execution.values import get_variable_values
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.graphql.auth.access import Access, Default
from callpark.graphql.execution import Execution, FieldCall, Resolver
from callpark.graphql.failures import FieldFailure
from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.plan import PlanSettings, compile_plan
from callpark.graphql.schema import build_schema
from callpark.graphql.selection import switch_names
from graphql import (
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    execute,
    parse,
    validate,
)
from tests.graphql.test_plan_differential import ROOTS, SCHEMA, default, echo, kind_of, selections, swallowed

pytestmark = pytest.mark.unit
ACCESS = Access("API_KEY")

RESOLVED = [("Query", "resolved"), ("Query", "lazy"), ("Query", "anys"), ("Query", "must"), ("Node", "resolved"),
            ("Node", "echo"), ("Node", "sure"), ("Node", "name"), ("Leaf", "only")]  # fmt: skip


def value_of(kind: str, field: str, source: Any, arguments: Mapping[str, object]) -> object:
    return echo(dict(arguments)) if field == "echo" else source.get(field)


async def after_a_while(value: object, turns: int) -> object:
    for _ in range(turns):
        await asyncio.sleep(0)
    return value


class Waiting:
    """How many of our coroutines were made, and how many ran to their end."""

    def __init__(self) -> None:
        self.made = self.ended = 0


def ours(kind: str, field: str, root: Any, turns: int, counted: Waiting, *, fails: bool) -> Resolver:
    def plain(call: FieldCall) -> object:
        if fails:
            raise FieldFailure("failed")
        return value_of(kind, field, root if kind == "Query" else call.source, call.arguments)

    async def waiting(call: FieldCall) -> object:
        await after_a_while(None, turns)
        counted.ended += 1
        return plain(call)

    def resolve(call: FieldCall) -> object:
        counted.made += 1
        return waiting(call)

    return resolve if turns else plain


def theirs(manners: dict[tuple[str, str], tuple[int, bool]]) -> Any:
    def resolve(source: Any, info: Any, **arguments: object) -> object:
        turns, fails = manners.get((info.parent_type.name, info.field_name), (0, False))

        def plain() -> object:
            if fails:
                raise GraphQLError("failed")
            return default(source, info, **arguments)

        async def waiting() -> object:
            await after_a_while(None, turns)
            return plain()

        return waiting() if turns else plain()

    return resolve


@pytest.fixture(autouse=True)
def graphql_core_forgets_coroutines() -> Iterator[None]:
    """It leaves those of a parent that became null; ours are counted."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


FORGOTTEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@FORGOTTEN
@given(
    selections("Query"),
    selections("Node", 2),
    selections("Thing", 3),
    ROOTS,
    st.fixed_dictionaries(
        {each: st.tuples(st.integers(0, 3), st.sampled_from([False] * 7 + [True])) for each in RESOLVED}
    ),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_plan_and_graphql_core_agree_when_resolvers_wait_and_fail(
    query: str, node: str, thing: str, root: dict[str, Any], manners: dict[tuple[str, str], tuple[int, bool]], a: bool
) -> None:
    text = (
        f"query ($a: Boolean!, $b: Boolean!, $n: Int) {{ {query} }} fragment F on Node {{ {node.replace('...F', 'id')} }} "
        f"fragment G on Thing {{ {thing.replace('...G', 'id').replace('...F', 'id')} }} fragment Q on Query {{ name }}"
    )
    document = parse(text)
    if {error.message.split("'")[0] for error in validate(SCHEMA.graphql, document)} - {"Fragment ", "Variable "}:
        return
    raw = {"a": a, "b": not a, "n": 1}
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    variables = get_variable_values(SCHEMA.graphql, operation.variable_definitions, raw)
    assert isinstance(variables, dict)
    counted = Waiting()
    resolvers = {(k, f): ours(k, f, root, turns, counted, fails=fails) for (k, f), (turns, fails) in manners.items()}
    plan = compile_plan(
        PlanSettings(SCHEMA, resolvers, Default("API_KEY"), 20_000), document, operation, fragments, ACCESS,
        {name: bool(variables[name]) for name in switch_names(operation, fragments)},
    )  # fmt: skip
    execution = Execution(GraphqlRequest(text, variables=raw), variables, 10_000, lambda name, value: None)

    async def both() -> tuple[Any, Any]:
        mine = plan.start(execution, root)
        done = mine if isinstance(mine, dict) or mine is None else await mine  # type: ignore[misc]
        result = execute(
            SCHEMA.graphql, document, root, variable_values=raw, field_resolver=theirs(manners), type_resolver=kind_of
        )
        return done, await result if asyncio.iscoroutine(result) else result

    data, expected = asyncio.run(both())
    assert data == expected.data
    mine = [entry["path"] for entry in execution.errors]
    wanted = [error.path for error in expected.errors or []]
    assert all(swallowed(path, data) for path in mine if path not in wanted)
    assert all(swallowed(path, data) for path in wanted if path not in mine)
    assert len(mine) == len({tuple(path) for path in mine}), "one error for one place"  # type: ignore[arg-type]
    assert bool(mine) == bool(wanted)
    assert counted.made == counted.ended, "whatever waits is awaited"


MUTATIONS = build_schema(
    "type Query { a: Int } type Mutation { a: Int  b: Int!  c: Item  d: [Item!] } type Item { n: Int!  a: Int }",
    "schema",
)
ITEM = st.one_of(st.none(), st.fixed_dictionaries({"n": st.one_of(st.none(), st.integers(0, 3)), "a": st.just(1)}))


@FORGOTTEN
@given(
    st.lists(st.sampled_from(["a", "b", "c { n a }", "d { n }", "x: a", "y: b", "c { a }"]), min_size=1, max_size=6),
    st.fixed_dictionaries({"a": st.integers(0, 3), "b": st.one_of(st.none(), st.just(2)), "c": ITEM,
                           "d": st.one_of(st.none(), st.lists(ITEM, max_size=3))}),
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3)),
)  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_mutation_fields_run_one_after_the_other(
    fields: list[str], root: dict[str, Any], turns: dict[str, int]
) -> None:
    document = parse(f"mutation {{ {' '.join(fields)} }}")
    if validate(MUTATIONS.graphql, document):
        return
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    steps: list[str] = []

    async def later(name: str) -> object:
        steps.append(f"{name} begins")
        await after_a_while(None, turns[name])
        steps.append(f"{name} ends")
        return root[name]

    def resolver(name: str) -> Resolver:
        def plain(call: FieldCall) -> object:
            steps.extend((f"{name} begins", f"{name} ends"))
            return root[name]

        return (lambda call: later(name)) if turns.get(name) else plain

    resolvers = {("Mutation", name): resolver(name) for name in "abcd"}
    plan = compile_plan(
        PlanSettings(MUTATIONS, resolvers, Default("API_KEY"), 100), document, operation, {}, ACCESS, {}
    )
    execution = Execution(GraphqlRequest(""), {}, 100, lambda name, value: None)

    async def both() -> tuple[Any, Any]:
        mine = plan.start(execution, {})
        done = mine if isinstance(mine, dict) or mine is None else await mine  # type: ignore[misc]
        return done, execute(MUTATIONS.graphql, document, root)

    data, expected = asyncio.run(both())
    assert data == expected.data
    assert bool(execution.errors) == bool(expected.errors)
    asked = [part for key in dict.fromkeys(fields) for part in [key.rpartition(":")[2].strip().partition(" ")[0]]]
    once = list(
        dict.fromkeys((field.partition(" ")[0], name) for field, name in zip(dict.fromkeys(fields), asked, strict=True))
    )
    assert steps == [step for _, name in once for step in (f"{name} begins", f"{name} ends")]


async def test_plain_resolvers_never_become_tasks() -> None:
    """A thousand of them, nested, cost no task and no turn of the loop; one that waits costs its own."""
    document = parse("{ lazy { resolved { resolved { echo } } } }")
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    deep = {"id": "1", "resolved": {"id": "2", "resolved": {"id": "3"}}}
    resolvers: dict[tuple[str, str], Resolver] = {
        ("Query", "lazy"): lambda call: [deep] * 1_000,
        ("Node", "resolved"): lambda call: call.source["resolved"],  # type: ignore[index]
        ("Node", "echo"): lambda call: "e",
    }
    made: list[object] = []
    loop = asyncio.get_running_loop()

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **options)

    loop.set_task_factory(factory)
    try:
        plan = compile_plan(
            PlanSettings(SCHEMA, resolvers, Default("API_KEY"), 100), document, operation, {}, ACCESS, {}
        )
        data = plan.start(Execution(GraphqlRequest(""), {}, 10_000, lambda name, value: None), {})
        assert isinstance(data, dict), "no coroutine"
        assert len(data["lazy"]) == 1_000
        assert made == []
        resolvers["Node", "echo"] = lambda call: after_a_while("e", 1)
        plan = compile_plan(
            PlanSettings(SCHEMA, resolvers, Default("API_KEY"), 100), document, operation, {}, ACCESS, {}
        )
        assert (await plan.start(Execution(GraphqlRequest(""), {}, 10_000, lambda name, value: None), {}))["lazy"]  # type: ignore[misc]
        assert len(made) == 1_000
    finally:
        loop.set_task_factory(None)


@pytest.mark.parametrize("argument", ["text: 1", "n: 1.5", "e: BLUE", 'n: "1"', "e: RED, n: {}"])
def test_a_constant_argument_that_does_not_fit_fails_when_the_plan_is_made(argument: str) -> None:
    document = parse(f"{{ node {{ echo({argument}) }} }}")
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    plan_settings = PlanSettings(SCHEMA, {("Node", "echo"): lambda call: "e"}, Default("API_KEY"), 100)
    with pytest.raises(GraphQLError, match="has invalid value"):
        compile_plan(plan_settings, document, operation, {}, ACCESS, {})
