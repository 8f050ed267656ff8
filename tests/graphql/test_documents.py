"""Documents: whatever a client sends is answered or refused as AppSync would, and the caches stay bounded."""
# ruff: noqa: E501 - documents and sentences read better unbroken

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.graphql.auth.access import Access, Default, Grant
from callpark.graphql.documents import Documents
from callpark.graphql.plan import Plan, PlanSettings
from callpark.graphql.schema import build_schema
from callpark.graphql.validation import InvalidDocument
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.limits import AppSyncLimits

pytestmark = pytest.mark.unit

SCHEMA = build_schema(
    "type Query { a(x: In, e: E, d: AWSDate): Int  b: Query } input In { n: Int! s: [String!] } enum E { RED }",
    "schema",
)
SETTINGS = PlanSettings(SCHEMA, {}, Default("API_KEY"), 50)
PIECES = st.sampled_from(
    [
        "{",
        "}",
        "(",
        ")",
        "a",
        "b",
        "x",
        "e",
        "d",
        "$v",
        ":",
        "!",
        "[",
        "]",
        "...",
        "F",
        "on",
        "Query",
        "fragment",
        "query",
        "mutation",
        "subscription",
        "@skip",
        "@include",
        "if",
        "true",
        '"t"',
        "1",
        "RED",
        "n",
        "s",
        ",",
        "In",
        "Int",
        "__typename",
        "__schema",
        "__type",
        "name",
        '"2020-01-01"',
        "null",
    ]
)
VALUES = st.none() | st.integers() | st.text(max_size=3)


@given(
    st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=25).map(" ".join)),
    st.dictionaries(st.sampled_from(["v", "w"]), VALUES, max_size=2),
)
@settings(max_examples=300, deadline=None)
def test_anything_is_a_plan_or_a_refusal(query: str, variables: dict[str, object]) -> None:
    documents = Documents(SETTINGS, AppSyncLimits())
    outcome: object = None
    try:
        document = documents.document(query)
        operation = documents.operation(document, None)
        coerced = documents.variables(operation, variables)
        outcome = documents.plan(document, operation, Access("API_KEY"), coerced)
    except (InvalidDocument, CallerError) as refused:
        outcome = refused
    if isinstance(outcome, InvalidDocument):
        assert all(entry["message"] and entry["path"] is None for entry in outcome.entries)
    elif isinstance(outcome, CallerError):
        assert outcome.status == 400
    else:
        assert isinstance(outcome, Plan)


INVALID_VARIABLES: list[tuple[str, dict[str, object], str]] = [
    ("query ($v: In!) { a(x: $v) }", {}, "Variable 'v' has coerced Null value for NonNull type 'In!'"),
    ("query ($v: In!) { a(x: $v) }", {"v": None}, "Variable 'v' has coerced Null value for NonNull type 'In!'"),
    (
        "query ($v: In!) { a(x: $v) }",
        {"v": {"n": 1, "zz": 1}},
        "The variables input contains a field name 'zz' that is not defined for input object type 'In' ",
    ),
    ("query ($v: In) { a(x: $v) }", {"v": {}}, "Field 'n' of variable 'v' has coerced Null value for NonNull type 'Int!'"),
    ("query ($v: E) { a(e: $v) }", {"v": "BLUE"}, "Variable 'v' has an invalid value. Value 'BLUE' does not exist in 'E' enum."),
    (
        "query ($v: AWSDate) { a(d: $v) }",
        {"v": "2020-13-01"},
        "Variable 'v' has an invalid value. Unable to parse `2020-13-01` as a valid AWSDate.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("query", "variables", "message"), INVALID_VARIABLES)
def test_variables_that_do_not_fit(query: str, variables: dict[str, object], message: str) -> None:
    documents = Documents(SETTINGS, AppSyncLimits())
    operation = documents.operation(documents.document(query), None)
    with pytest.raises(InvalidDocument) as invalid:
        documents.variables(operation, variables)
    assert [entry["message"] for entry in invalid.value.entries] == [message]


def test_a_plan_is_compiled_once_per_switch_and_kept() -> None:
    documents = Documents(SETTINGS, AppSyncLimits())
    query = "query ($v: Boolean!) { a @include(if: $v) b { a } }"
    document = documents.document(query)
    operation = documents.operation(document, None)
    shown = documents.plan(document, operation, Access("API_KEY"), {"v": True})
    assert documents.plan(documents.document(query), operation, Access("API_KEY"), {"v": True}) is shown
    assert documents.plan(document, operation, Access("API_KEY"), {"v": False}) is not shown


def test_the_cache_forgets_the_oldest_and_never_keeps_long_documents() -> None:
    documents = Documents(SETTINGS, AppSyncLimits(document_cache_entries=2, cached_document_characters=30))
    first = documents.document("{ a }")
    second = documents.document("{ b { a } }")
    assert documents.document("{ a }") is first
    documents.document("{ x: a }")
    assert documents.document("{ a }") is first
    assert documents.document("{ b { a } }") is not second
    long = "{ a } #" + "-" * 40
    assert documents.document(long) is not documents.document(long)


def test_fragments_that_explode_are_refused_before_they_are_compiled() -> None:
    parts = [f"fragment F{i} on Query {{ x: b {{ ...F{i + 1} }} y: b {{ ...F{i + 1} }} }}" for i in range(12)]
    query = "{ ...F0 } " + " ".join(parts) + " fragment F12 on Query { a }"
    documents = Documents(SETTINGS, AppSyncLimits(selected_fields=50))
    document = documents.document(query)
    with pytest.raises(InvalidDocument, match="more than 50 fields"):
        documents.plan(document, documents.operation(document, None), Access("API_KEY"), {})


BROKEN_SCHEMAS = [
    ("type Query {", "schema:1:13: Syntax Error"),
    ("type Query { a: Nope }", "schema:1:17: Unknown type 'Nope'."),
    ("type Other { a: Int }", "schema: Query root type must be provided."),
    ("scalar Money type Query { a: Money }", "schema:1:1: custom scalar 'Money': AppSync has no custom scalars"),
    ("type Query { a: Int a: Int }", "schema:1:14: Field 'Query.a' can only be defined once."),
    ("type Query { a: Int @nope }", "schema:1:21: Unknown directive '@nope'."),
    (
        'type Query { a: Int } type Subscription { s: Int @aws_subscribe(mutations: ["m"]) }',
        "schema:1:50: @aws_subscribe on Subscription.s names 'm', which is no field of Mutation",
    ),
    (
        'type Query { a: Int } type Mutation { m: String } type Subscription { s: Int @aws_subscribe(mutations: ["m"]) }',
        "schema:1:78: @aws_subscribe on Subscription.s: it returns Int, but the mutation 'm' returns String",
    ),
    ("{" * 3000, "schema:1:2: Syntax Error"),
]  # fmt: skip


@pytest.mark.parametrize(("sdl", "cause"), BROKEN_SCHEMAS)
def test_broken_schemas_say_where_and_what(sdl: str, cause: str) -> None:
    with pytest.raises(ProjectError) as refused:
        build_schema(sdl, "schema")
    assert refused.value.cause.startswith(cause)


def test_projects_may_declare_what_appsync_knows_already() -> None:
    schema = build_schema(
        "scalar AWSDate directive @aws_api_key on FIELD_DEFINITION type Query { d: AWSDate @aws_api_key @canonical }",
        "schema",
    )
    assert schema.rules.fields == {("Query", "d"): (Grant("API_KEY"),)}
    assert schema.warnings == ("schema: @canonical is accepted and has no effect yet",)
