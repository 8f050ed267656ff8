"""The slice's face: what clients see of queries, mutations and events. Texts are recorded ones unless noted."""

import pytest

from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.errors import CallerError
from tests.graphql.conftest import ECHO, PASS_ON, Bench
from tests.graphql.items import EVENT, INVOKE, SCHEMA

pytestmark = pytest.mark.sim


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


async def test_introspection(bench: Bench) -> None:
    bench.api(SCHEMA)
    data = await bench.data(
        "query Q($n: String!) { __type(name: $n) { name } s: __schema { queryType { name } } }", {"n": "Item"}
    )
    assert data == {"__type": {"name": "Item"}, "s": {"queryType": {"name": "Query"}}}


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
        "export function request(ctx) {"
        " return { payload: { id: `${ctx.source.id}+`, text: ctx.info.parentTypeName } }; }\n" + PASS_ON
    )
    root = "export function request(ctx) { return { payload: [{ id: '1' }, { id: `${ctx.source}` }] }; }\n" + PASS_ON
    bench.api(SCHEMA, {"Query.items": root, "Item.parent": child}, source="NONE")
    assert await bench.data("{ items { parent { id text parent { id } } } }") == {
        "items": [
            {"parent": {"id": "1+", "text": "Item", "parent": {"id": "1++"}}},
            {"parent": {"id": "null+", "text": "Item", "parent": {"id": "null++"}}},
        ]
    }


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
            "Ask.thing": "export function request(ctx) {"
            " return { payload: { __typename: 'Film', name: 'f', minutes: 9 } }; }",
            "Ask.things": "export function request(ctx) {"
            " return { payload:"
            " [{ __typename: 'Book', pages: 3 }, { __typename: 'Film' }, { __typename: 'Colour' }, {}] }; }",
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
