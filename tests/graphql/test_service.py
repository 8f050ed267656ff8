"""The slice's face: what clients see of queries, mutations, events and mistakes. Texts are recorded ones unless noted."""

from dataclasses import replace
from typing import Any

import pytest

from callpark.graphql.messages import GraphqlRequest, Publication
from callpark.graphql.model import DataSourceDefinition
from callpark.graphql.subscriptions import SubscriptionRefused
from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.errors import CallerError, ProjectError
from tests.graphql.conftest import ECHO, PASS_ON, Bench

pytestmark = pytest.mark.sim

SCHEMA = """
type Query { hello(name: String!, times: Int): String  item(id: ID!): Item  items: [Item]  must: Int!  at: AWSDateTime }
type Mutation { say(text: String): Item  ask(text: String!): Answer  other: String }
type Subscription {
  onSay(id: ID, text: String): Item @aws_subscribe(mutations: ["say"])
  guarded(id: ID): Item @aws_subscribe(mutations: ["say"])
}
type Item { id: ID!  text: String  parent: Item  tags: [String!] }
type Answer { id: ID!  status: String }
"""

INVOKE = "export function request(ctx) { return { operation: 'Invoke', payload: ctx.args }; }\n" + PASS_ON
NONE = "export function request(ctx) { return { payload: ctx.args }; }\n" + PASS_ON
EVENT = """
import { util } from '@aws-appsync/utils';
export function request(ctx) {
  ctx.stash.job = util.autoId();
  return { operation: 'Invoke', invocationType: 'Event', payload: { job: ctx.stash.job, text: ctx.args.text } };
}
export function response(ctx) {
  if (ctx.error) util.appendError(ctx.error.message, ctx.error.type);
  return { id: ctx.stash.job, status: ctx.error ? 'REJECTED' : 'STARTED' };
}
"""


async def test_a_unit_resolver_invokes_the_function_with_the_payload_only(bench: Bench) -> None:
    bench.api(SCHEMA, {"Query.item": INVOKE})
    assert await bench.data('{ item(id: "7") { id } }') == {"item": {"id": "7"}}
    assert bench.functions.invocations == [{"id": "7"}]


async def test_a_request_without_payload_sends_null(bench: Bench) -> None:
    bench.api(SCHEMA, {"Query.item": "export function request() { return { operation: 'Invoke' }; }\n" + PASS_ON})
    assert await bench.data('{ item(id: "7") { id } }') == {"item": None}
    assert bench.functions.invocations == [None]


async def test_an_event_answers_from_the_response_handler_before_the_function_runs(bench: Bench) -> None:
    bench.api(SCHEMA, {"Mutation.ask": EVENT})
    answer = (await bench.data('mutation { ask(text: "long") { id status } }'))["ask"]
    assert answer["status"] == "STARTED"
    assert bench.functions.events == [(ECHO, {"job": answer["id"], "text": "long"})]
    assert bench.functions.invocations == []


async def test_an_event_without_response_handler_is_null(bench: Bench) -> None:
    code = "export function request() { return { operation: 'Invoke', invocationType: 'Event', payload: 1 }; }"
    bench.api(SCHEMA, {"Query.item": code})
    assert await bench.data('{ item(id: "7") { id } }') == {"item": None}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("RequestEntityTooLargeException", "Lambda:RequestTooLargeException"),
        ("TooManyRequestsException", "Lambda:TooManyRequestsException"),
        ("AccessDeniedException", "Lambda:AWSLambdaException"),
    ],
)
async def test_an_event_that_cannot_be_enqueued_is_ctx_error(bench: Bench, code: str, expected: str) -> None:
    bench.api(SCHEMA, {"Mutation.ask": EVENT})
    bench.functions.refusal = CallerError(code, 400, "no room")
    response = await bench.run('mutation { ask(text: "x") { status } }')
    assert response.data == {"ask": {"status": "REJECTED"}}
    assert [(e["errorType"], e["message"]) for e in response.errors] == [(expected, "no room")]


async def test_a_function_error_has_appsyncs_exact_shape(bench: Bench) -> None:
    async def fail(event: object) -> object:
        raise ZeroDivisionError("I fail. always")

    code = (
        "export function request() { return { operation: 'Invoke' }; }\n"
        "export function response(ctx) { if (ctx.error) util.error(ctx.error.message, ctx.error.type);\n"
        "return ctx.result; }"
    )
    bench.api(SCHEMA, {"Query.items": code})
    bench.functions.handlers[ECHO] = fail
    response = await bench.run("{\n  items { id }\n}")
    assert response.body().decode() == (
        '{"data":{"items":null},"errors":[{"path":["items"],"data":null,"errorType":"Lambda:Unhandled",'
        '"errorInfo":null,"locations":[{"line":2,"column":3,"sourceName":null}],"message":"I fail. always"}]}'
    )


async def test_a_direct_resolver_sends_the_context_and_names_the_exception_class(bench: Bench) -> None:
    async def fail(event: object) -> object:
        raise ZeroDivisionError("by nought")

    bench.api(SCHEMA, {"Query.item": None})
    await bench.run("query ($i: ID!) { item(id: $i) { id ...F } } fragment F on Item { t: text }", {"i": "1"})
    (sent,) = bench.functions.invocations
    assert isinstance(sent, dict)
    assert set(sent) == {"arguments", "identity", "source", "request", "prev", "info", "stash"}
    assert sent["arguments"] == {"id": "1"}
    assert sent["info"]["selectionSetList"] == ["id", "t"]
    assert sent["info"]["selectionSetGraphQL"] == "{\n  id\n  ...F\n}"
    assert sent["info"]["variables"] == {"i": "1"}
    bench.functions.handlers[ECHO] = fail
    response = await bench.run('{ item(id: "1") { id } }')
    assert (response.errors[0]["errorType"], response.errors[0]["message"]) == ("ZeroDivisionError", "by nought")


async def test_a_function_that_outlasts_the_request_times_out(bench: Bench, clock: VirtualClock) -> None:
    async def slow(event: object) -> object:
        await sleep(clock, 100)
        return None

    bench.api(SCHEMA, {"Query.item": None})
    bench.functions.handlers[ECHO] = slow
    response = await clock.run_until(bench.run('{ item(id: "1") { id } }'))
    assert [(e["errorType"], e["message"]) for e in response.errors] == [
        ("Lambda:ExecutionTimeoutException", "Execution timed out.")
    ]


async def test_a_batch_of_one_unwraps_and_a_wrong_length_names_both(bench: Bench) -> None:
    code = "export function request() { return { operation: 'BatchInvoke', payload: { id: '1' } }; }"
    bench.api(SCHEMA, {"Query.item": code})
    assert await bench.data('{ item(id: "1") { id } }') == {"item": {"id": "1"}}

    async def two(event: object) -> object:
        return [1, 2]

    bench.functions.handlers[ECHO] = two
    response = await bench.run('{ item(id: "1") { id } }')
    assert response.errors[0]["errorType"] == "Lambda:IllegalArgument"
    assert response.errors[0]["message"] == "A batch of 1 needs an answer of 1 item, the function gave 2."


async def test_query_fields_run_at_the_same_time_and_mutation_fields_do_not(bench: Bench, clock: VirtualClock) -> None:
    async def slow(event: object) -> object:
        await sleep(clock, 5)
        return {"id": "1"}

    bench.api(SCHEMA, {"Query.item": INVOKE, "Mutation.say": INVOKE})
    bench.functions.handlers[ECHO] = slow
    start = clock.now()
    await clock.run_until(bench.data('{ a: item(id: "1") { id } b: item(id: "2") { id } }'))
    assert clock.now() - start == pytest.approx(5)
    start = clock.now()
    await clock.run_until(bench.data("mutation { a: say { id } b: say { id } }"))
    assert clock.now() - start == pytest.approx(10)


async def test_a_pipeline_shares_stash_and_changed_arguments(bench: Bench) -> None:
    first = (
        "export function request(ctx) { ctx.stash.seen = [ctx.prev.result.start]; ctx.args.name = 'changed';"
        " return { payload: 'one' }; }\n" + PASS_ON
    )
    second = (
        "export function request(ctx) { ctx.stash.seen.push(ctx.prev.result);"
        " return { payload: ctx.stash.seen.join('+') + '/' + ctx.args.name }; }\n" + PASS_ON
    )
    own = (
        "export function request(ctx) { return { start: 'zero' }; }\n"
        "export function response(ctx) { return ctx.prev.result + '/' + (ctx.result === ctx.prev.result); }"
    )
    bench.api(SCHEMA, {"Query.hello": (own, "f1", "f2")}, functions={"f1": ("NONE", first), "f2": ("NONE", second)})
    assert await bench.data('{ hello(name: "n") }') == {"hello": "zero+one/changed/true"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [("", "early>two>end"), (", {skipTo: 'END'}", "early>end"), (", {skipTo: 'NEXT'}", "early>two>end")],
)
async def test_early_return_of_a_pipeline_function(bench: Bench, options: str, expected: str) -> None:
    first = f"export function request() {{ runtime.earlyReturn('early'{options}); return {{}}; }}\n" + (
        "export function response() { return 'never'; }"
    )
    second = "export function request(ctx) { return { payload: ctx.prev.result + '>two' }; }\n" + PASS_ON
    own = "export function request() { return {}; }\nexport function response(ctx) { return ctx.prev.result + '>end'; }"
    bench.api(SCHEMA, {"Query.hello": (own, "f1", "f2")}, functions={"f1": ("LAMBDA", first), "f2": ("NONE", second)})
    assert await bench.data('{ hello(name: "n") }') == {"hello": expected}
    assert bench.functions.invocations == []


async def test_errors_of_util_error_are_filtered_and_end_the_field(bench: Bench) -> None:
    code = (
        "export function request() { util.appendError('first', 'A');"
        " util.error('second', 'B', { id: 1, secret: 2 }, { why: 3 }); }\n" + PASS_ON
    )
    bench.api(SCHEMA, {"Query.item": code}, source="NONE")
    response = await bench.run('{ item(id: "1") { id } }')
    assert response.data == {"item": None}
    assert [(e["message"], e["errorType"], e["data"], e["errorInfo"]) for e in response.errors] == [
        ("first", "A", None, None),
        ("second", "B", {"id": 1}, {"why": 3}),
    ]


async def test_console_lines_reach_the_trace_with_their_position(bench: Bench) -> None:
    code = "export function request(ctx) {\n  console.log('hi', ctx.env.STAGE);\n  return {};\n}\n" + PASS_ON
    bench.api(SCHEMA, {"Query.hello": code}, source="NONE")
    await bench.data('{ hello(name: "n") }')
    (lines,) = [e.happening.lines for e in bench.trace.entries() if hasattr(e.happening, "lines")]
    assert len(lines) == 1
    assert lines[0].startswith("INFO - code.js:2:")
    assert lines[0].endswith(': "hi" "test"')


async def test_a_null_where_none_may_be_bubbles(bench: Bench) -> None:
    code = "export function request() { return { payload: [{ id: '1' }, { text: 't' }] }; }\n" + PASS_ON
    bench.api(SCHEMA, {"Query.items": code}, source="NONE")
    response = await bench.run("{ items { id text } must }")
    assert response.data is None
    assert sorted(str(entry["message"]) for entry in response.errors) == [
        "Cannot return null for non-nullable type: 'ID' within parent 'Item' (/items[1]/id)",
        "Cannot return null for non-nullable type: 'Int' within parent 'Query' (/must)",
    ]
    response = await bench.run("{ items { id text } }")
    assert response.data == {"items": [{"id": "1", "text": None}, None]}


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


async def test_introspection(bench: Bench) -> None:
    bench.api(SCHEMA)
    data = await bench.data(
        "query Q($n: String!) { __type(name: $n) { name } s: __schema { queryType { name } } }", {"n": "Item"}
    )
    assert data == {"__type": {"name": "Item"}, "s": {"queryType": {"name": "Query"}}}


async def test_a_mutation_publishes_what_it_selected_and_a_subscription_takes_its_part(bench: Bench) -> None:
    bench.api(
        SCHEMA,
        {
            "Mutation.say": "export function request(ctx) {"
            " return { payload: { id: '1', text: ctx.args.text, tags: ['a'] } }; }\n" + PASS_ON
        },
        source="NONE",
    )
    prepared = await bench.service.subscribe(
        "api",
        GraphqlRequest(
            "subscription S($t: String) { heard: onSay(text: $t) { key: id text tags __typename } }",
            variables={"t": None},
        ),
    )
    assert (prepared.field_name, prepared.mutations, prepared.arguments) == ("onSay", ("say",), {"text": None})
    await bench.data('mutation { first: say(text: "hi") { key: id words: text } other }')
    (publication,) = bench.published
    assert publication.field_name == "say"
    assert publication.value == {"__typename": "Item", "id": "1", "text": "hi"}
    assert prepared.project(publication.value) == {
        "data": {"heard": {"key": "1", "text": "hi", "tags": None, "__typename": "Item"}}
    }
    await bench.data('mutation { say(text: "hi") { text } }')
    assert prepared.project(bench.published[1].value) == {
        "data": {"heard": None},
        "errors": [
            {
                "path": ["heard", "key"],
                "locations": None,
                "message": "Cannot return null for non-nullable type: 'ID' within parent 'Item' (/heard/key)",
            }
        ],
    }


async def test_an_abstract_result_is_published_with_its_type(bench: Bench) -> None:
    schema = """
    type Query { a: Int }
    interface Thing { id: ID! }
    type One implements Thing { id: ID!  one: Int }
    type Two implements Thing { id: ID!  two: Int }
    type Mutation { make(n: Int!): Thing  many: [Thing!] }
    type Subscription { made: Thing @aws_subscribe(mutations: ["make"])  all: [Thing!] @aws_subscribe(mutations: ["many"]) }
    """
    make = (
        "export function request(ctx) { return { payload: ctx.args.n === 1"
        " ? { __typename: 'One', id: '1', one: 1 } : { __typename: 'Two', id: '2', two: 2 } }; }\n" + PASS_ON
    )
    many = (
        "export function request() { return { payload:"
        " [{ __typename: 'One', id: '1', one: 1 }, { __typename: 'Two', id: '2', two: 2 }] }; }\n" + PASS_ON
    )
    bench.api(schema, {"Mutation.make": make, "Mutation.many": many}, source="NONE")
    parts = "{ id ... on One { o: one } ... on Two { two } }"
    made = await bench.service.subscribe("api", GraphqlRequest(f"subscription {{ made {parts} }}"))
    every = await bench.service.subscribe("api", GraphqlRequest(f"subscription {{ all {parts} }}"))
    response = await bench.run(f"mutation {{ a: make(n: 1) {parts} b: make(n: 2) {parts} many {parts} }}")
    assert response.body().startswith(b'{"data":{"a":{"id":"1","o":1},"b":{"id":"2","two":2},"many":[{"id":"1"')
    one, two, both = (each.value for each in bench.published)
    assert one == {"__typename": "One", "id": "1", "one": 1}
    assert made.project(two) == {"data": {"made": {"id": "2", "two": 2}}}
    assert every.project(both) == {"data": {"all": [{"id": "1", "o": 1}, {"id": "2", "two": 2}]}}


async def test_a_publisher_that_breaks_does_not_break_the_mutation(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(publication: Publication) -> None:
        raise RuntimeError("no")

    bench.api(
        SCHEMA,
        {"Mutation.say": "export function request() { return { payload: { id: '1' } }; }\n" + PASS_ON},
        source="NONE",
    )
    bench.service.on_publish(broken)
    assert await bench.data("mutation { say { id } }") == {"say": {"id": "1"}}
    assert "publishing say of API api failed" in caplog.text
    caplog.clear()


@pytest.mark.parametrize(
    "payload",
    ["'\\ud800'", "'\\ud800'.concat('x')"],
)
async def test_half_a_character_is_a_field_error(bench: Bench, payload: str) -> None:
    bench.api(
        SCHEMA,
        {"Query.hello": f"export function request() {{ return {{ payload: {payload} }}; }}\n" + PASS_ON},
        source="NONE",
    )
    response = await bench.run('{ hello(name: "n") }')
    assert [(e["errorType"], e["message"]) for e in response.errors] == [
        ("Code", "The evaluated result is not JSON, or larger than 5242880 bytes.")
    ]


@pytest.mark.parametrize("code", [INVOKE, None])
async def test_input_that_nests_too_deeply_is_a_field_error(bench: Bench, code: str | None) -> None:
    bench.api("type Query { a(json: AWSJSON): AWSJSON }", {"Query.a": code})
    response = await bench.run("query ($j: AWSJSON) { a(json: $j) }", {"j": "[" * 600 + "]" * 600})
    assert response.data == {"a": None}
    assert "cannot be written as JSON" in str(response.errors[0]["message"])


async def test_children_see_their_parent_as_source(bench: Bench) -> None:
    child = (
        "export function request(ctx) { return { payload: { id: `${ctx.source.id}+`, text: ctx.info.parentTypeName } }; }\n"
        + PASS_ON
    )
    root = "export function request(ctx) { return { payload: [{ id: '1' }, { id: `${ctx.source}` }] }; }\n" + PASS_ON
    bench.api(SCHEMA, {"Query.items": root, "Item.parent": child}, source="NONE")
    assert await bench.data("{ items { parent { id text parent { id } } } }") == {
        "items": [
            {"parent": {"id": "1+", "text": "Item", "parent": {"id": "1++"}}},
            {"parent": {"id": "null+", "text": "Item", "parent": {"id": "null++"}}},
        ]
    }


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


async def test_a_mutation_field_that_fails_publishes_nothing(bench: Bench) -> None:
    bench.api(SCHEMA, {"Mutation.say": "export function request() { util.error('no'); }\n" + PASS_ON}, source="NONE")
    assert (await bench.run("mutation { say { id } }")).errors
    assert bench.published == []


async def test_subscriptions_of_one_shape_share_it_whatever_their_arguments(bench: Bench) -> None:
    bench.api(SCHEMA)
    shapes = set()
    for query in (
        'subscription { onSay(id: "1") { id } }',
        'subscription { onSay(id: "2") { id } }',
        "subscription ($i: ID) { onSay(id: $i) { id } }",
    ):
        shapes.add((await bench.service.subscribe("api", GraphqlRequest(query))).shape)
    assert len(shapes) == 1
    other = await bench.service.subscribe("api", GraphqlRequest("subscription { onSay { id text } }"))
    assert other.shape not in shapes


async def test_a_subscription_resolver_may_refuse_and_may_filter(bench: Bench) -> None:
    code = (
        "export function request(ctx) { if (!ctx.args.id) util.unauthorized(); return {}; }\n"
        "export function response() {"
        " extensions.setSubscriptionFilter({ filterGroup: [{ filters: [] }] }); return null; }"
    )
    bench.api(SCHEMA, {"Subscription.guarded": code}, source="NONE")
    with pytest.raises(SubscriptionRefused) as refused:
        await bench.service.subscribe("api", GraphqlRequest("subscription { guarded { id } }"))
    assert (refused.value.errors[0]["errorType"], refused.value.errors[0]["message"]) == (
        "Unauthorized",
        "Unauthorized",
    )
    prepared = await bench.service.subscribe("api", GraphqlRequest('subscription { guarded(id: "1") { id } }'))
    assert prepared.filter == {"filterGroup": [{"filters": []}]}


@pytest.mark.parametrize(
    "query", ["{ must }", "subscription { nope }", "subscription { onSay { id } guarded { id } }", "{"]
)
async def test_what_is_no_subscription_is_refused(bench: Bench, query: str) -> None:
    bench.api(SCHEMA)
    with pytest.raises(SubscriptionRefused) as refused:
        await bench.service.subscribe("api", GraphqlRequest(query))
    assert refused.value.errors[0]["message"]


async def test_types_may_be_extended_and_roots_may_have_other_names(bench: Bench) -> None:
    bench.api(
        """
        schema { query: Ask }
        type Ask { thing: Thing  things: [Either] }
        extend type Ask { more: Int }
        interface Thing { id: ID }
        extend interface Thing { name: String }
        type Book implements Thing { id: ID  name: String  pages: Int }
        type Film implements Thing { id: ID  name: String }
        extend type Film { minutes: Int }
        union Either = Book
        extend union Either = Film
        enum Colour { RED }
        extend enum Colour { BLUE }
        """,
        {
            "Ask.more": "export function request(ctx) { return { payload: 5 }; }",
            "Ask.thing": "export function request(ctx) { return { payload: { __typename: 'Film', name: 'f', minutes: 9 } }; }",
            "Ask.things": "export function request(ctx) { return { payload: [{ __typename: 'Book', pages: 3 }, { __typename: 'Film' },"
            " { __typename: 'Colour' }, {}] }; }",
        },
        source="NONE",
    )
    data = await bench.data("{ more thing { __typename name ... on Film { minutes } ... on Book { pages } } }")
    assert data == {"more": 5, "thing": {"__typename": "Film", "name": "f", "minutes": 9}}
    response = await bench.run("{ things { __typename ... on Book { pages } } }")
    assert response.data == {"things": [{"__typename": "Book", "pages": 3}, {"__typename": "Film"}, None, None]}
    assert [each["path"] for each in response.errors] == [["things", 2], ["things", 3]]
    assert "Abstract type 'Either' must resolve to an Object type" in str(response.errors[0]["message"])
    names = await bench.data('{ __type(name: "Colour") { enumValues { name } } }')
    assert names == {"__type": {"enumValues": [{"name": "RED"}, {"name": "BLUE"}]}}
