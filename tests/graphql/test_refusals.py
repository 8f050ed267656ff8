"""What clients and projects are told is wrong. Texts are recorded ones unless noted."""

from dataclasses import replace
from typing import Any

import pytest

from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.model import DataSourceDefinition
from callpark.kernel.errors import CallerError, ProjectError
from tests.graphql.conftest import PASS_ON, Bench
from tests.graphql.items import INVOKE, NONE, SCHEMA

pytestmark = pytest.mark.sim


# ruff: noqa: E501 - recorded sentences are not broken
VALIDATION = [
    ("{ badfield }", "Validation error of type FieldUndefined: Field 'badfield' in type 'Query' is undefined @ 'badfield'"),
    ("{ items { nope } }", "Validation error of type FieldUndefined: Field 'nope' in type 'Item' is undefined @ 'items/nope'"),
    ("{ items }", "Validation error of type SubSelectionRequired: Sub selection required for type [Item] of field items @ 'items'"),
    ("{ must { x } }", "Validation error of type SubSelectionNotAllowed: Sub selection not allowed on leaf type Int! of field must @ 'must'"),
    ("{ hello }", "Validation error of type MissingFieldArgument: Missing field argument name @ 'hello'"),
    ('{ hello(name: "a", x: 1) }', "Validation error of type UnknownArgument: Unknown field argument x @ 'hello'"),
    ("{ hello(name: 1) }", "Validation error of type WrongType: argument 'name' with value 'IntValue{value=1}' is not a valid 'String' @ 'hello'"),
    ("{ hello(name: $n) }", "Validation error of type UndefinedVariable: Undefined variable n @ 'hello'"),
    ("query ($n: String) { must }", "Validation error of type UnusedVariable: Unused variable n"),
    ("query ($n: Int) { hello(name: $n) }", "Validation error of type VariableTypeMismatch: Variable type 'Int' doesn't match expected type 'String!' @ 'hello'"),
    ("{ ...F }", "Validation error of type UndefinedFragment: Undefined fragment F"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "message"), VALIDATION, ids=[query for query, _ in VALIDATION])
async def test_validation_errors_are_worded_as_appsync_words_them(bench: Bench, query: str, message: str) -> None:
    bench.api(SCHEMA)
    response = await bench.run(query)
    assert response.data is None
    assert response.errors[0]["message"] == message
    assert list(response.errors[0]) == ["path", "locations", "message"]
    assert response.errors[0]["path"] is None


async def test_documents_that_cannot_be_parsed_are_answered(bench: Bench) -> None:
    bench.api(SCHEMA)
    for query in ("{", "{ a", "{" * 8000, "query " * 16000):
        response = await bench.run(query)
        assert response.data is None
        assert "InvalidSyntax" in str(response.errors[0]["message"])


async def test_a_variable_that_is_missing(bench: Bench) -> None:
    bench.api(SCHEMA, {"Query.item": INVOKE})
    response = await bench.run("query ($id: ID!) { item(id: $id) { id } }")
    assert [e["message"] for e in response.errors] == ["Variable 'id' has coerced Null value for NonNull type 'ID!'"]
    assert response.data is None


@pytest.mark.parametrize(
    ("api_id", "query", "status", "code", "message"),
    [
        ("api", "query A { must } query B { must }", 400, "BadRequestException", "Missing operation name."),
        ("bare", "{ must }", 502, "GraphQLSchemaException", "No schema definition exists."),
        ("gone", "{ must }", 404, "NotFoundException", "GraphQL API gone not found."),
    ],
)
async def test_refusals(bench: Bench, api_id: str, query: str, status: int, code: str, message: str) -> None:
    bench.api(SCHEMA)
    definition = bench.service.api("api")
    assert definition is not None
    bench.service.apply([definition, replace(definition, api_id="bare", schema="", resolvers=())])
    with pytest.raises(CallerError) as refused:
        await bench.service.execute(api_id, GraphqlRequest(query))
    assert (refused.value.status, refused.value.code) == (status, code)
    assert refused.value.body == {"errors": [{"errorType": code, "message": message}]}


async def test_what_does_not_compile_leaves_the_last_good_version_serving(bench: Bench) -> None:
    bench.api(SCHEMA, {"Query.hello": NONE.replace("ctx.args", "ctx.args.name")}, source="NONE")
    with pytest.raises(ProjectError, match=r"code\.js:1:"):
        bench.api(SCHEMA, {"Query.hello": "export function request(ctx) { while (true) {} }"}, source="NONE")
    with pytest.raises(ProjectError):
        bench.api("type Query {")
    assert await bench.data('{ hello(name: "still") }') == {"hello": "still"}


async def test_data_sources_of_an_unknown_type_warn_at_load_and_fail_by_name(bench: Bench) -> None:
    warnings = bench.api(
        SCHEMA, {"Query.hello": NONE}, source="GRAPH", sources=(DataSourceDefinition("GRAPH", "AMAZON_NEPTUNE"),)
    )
    assert any("AMAZON_NEPTUNE" in warning for warning in warnings)
    response = await bench.run('{ hello(name: "x") }')
    assert "AMAZON_NEPTUNE" in str(response.errors[0]["message"])


async def test_directives_deny_fields_of_other_modes(bench: Bench) -> None:
    bench.api("type Query { open: String @aws_api_key  closed: String @aws_iam  both: String @aws_iam @aws_api_key }")
    response = await bench.run("{ open closed both }")
    assert response.data == {"open": None, "closed": None, "both": None}
    assert [(e["errorType"], e["message"]) for e in response.errors] == [
        ("Unauthorized", "Not Authorized to access closed on type Query")
    ]


BROKEN_PROJECTS: list[tuple[dict[str, object], str]] = [
    ({"resolvers": {"Query.nope": NONE}}, "no such field"),
    ({"resolvers": {"Query.hello": NONE}, "source": "ELSEWHERE"}, "'ELSEWHERE', which does not exist"),
    ({"resolvers": {"Query.hello": (None, "f")}}, "'f', which does not exist"),
    ({"resolvers": {"Query.hello": None}, "source": "NONE"}, "has no code"),
    ({"resolvers": {"Query.hello": PASS_ON}}, "exports no request handler"),
    ({"resolvers": {"Query.hello": "export function request(ctx) { return { ; }"}}, "code.js:1:41: TS1136"),
    ({"resolvers": {"Query.hello": "const a = undefined.b;\nexport function request() {}"}}, "TypeError"),
    ({"functions": {"f": ("NONE", "export function request() { for (;;) {} }")}}, "code.js:1:29: For statements"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "cause"), BROKEN_PROJECTS, ids=[cause for _, cause in BROKEN_PROJECTS])
async def test_broken_projects_are_refused_with_the_cause(bench: Bench, members: dict[str, Any], cause: str) -> None:
    with pytest.raises(ProjectError) as refused:
        bench.api(SCHEMA, **members)
    assert cause in refused.value.cause
    assert refused.value.remedy
