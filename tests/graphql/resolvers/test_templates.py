"""Unit and pipeline resolvers with mapping templates, over a service: both template versions, `#return`, mixtures."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.model import (
    CodeDefinition,
    FunctionDefinition,
    ResolverDefinition,
)
from callpark.graphql.subscriptions import SubscriptionRefused
from callpark.kernel.errors import CallerError, ProjectError
from tests.graphql.conftest import ECHO, Bench

pytestmark = pytest.mark.unit

SCHEMA = """
type Query { a(id: ID, n: Int): Post list: [Post] word(x: String): String }
type Mutation { start(input: String): Post }
type Subscription { onStart(severity: Int): Post @aws_subscribe(mutations: ["start"]) }
type Post { id: ID title: String related: [Post] author: String }
"""
TO_RESULT = "$util.toJson($ctx.result)"
INVOKE = '{"version": "2018-05-29", "operation": "Invoke", "payload": $util.toJson($ctx.args)}'
OLD_INVOKE = INVOKE.replace("2018-05-29", "2017-02-28")


def template(text: str | None) -> CodeDefinition | None:
    return None if text is None else CodeDefinition(text)


def unit(
    field: str, request: str | None, response: str | None, source: str = "LAMBDA", **more: Any
) -> ResolverDefinition:
    type_name, field_name = field.split(".")
    return ResolverDefinition(
        type_name,
        field_name,
        "UNIT",
        source,
        request_template=template(request),
        response_template=template(response),
        **more,
    )


def function(name: str, request: str | None, response: str | None, source: str = "NONE") -> FunctionDefinition:
    return FunctionDefinition(
        name, name, source, None, request_template=template(request), response_template=template(response)
    )


def pipeline(field: str, before: str | None, after: str | None, *functions: str) -> ResolverDefinition:
    type_name, field_name = field.split(".")
    return ResolverDefinition(
        type_name,
        field_name,
        "PIPELINE",
        functions=functions,
        request_template=template(before),
        response_template=template(after),
    )


def apply(bench: Bench, *resolvers: ResolverDefinition, functions: tuple[FunctionDefinition, ...] = ()) -> list[str]:
    bench.api(SCHEMA)
    declared = bench.service.api("api")
    assert declared is not None
    api = replace(declared, resolvers=resolvers, functions=functions)
    return bench.service.apply([api])


async def run(bench: Bench, query: str) -> tuple[Any, list[Any]]:
    response = await bench.service.execute("api", GraphqlRequest(query))
    return response.data, [(each["errorType"], each["message"], each["data"]) for each in response.errors]


async def test_a_unit_resolver_invokes_its_function(bench: Bench) -> None:
    assert apply(bench, unit("Query.a", INVOKE, TO_RESULT)) == []
    assert await run(bench, '{ a(id: "7") { id } }') == ({"a": {"id": "7"}}, [])
    assert bench.functions.invocations == [{"id": "7"}]


async def test_an_event_is_accepted_and_the_response_template_answers(bench: Bench) -> None:
    request = INVOKE.replace('"payload"', '"invocationType": "Event", "payload"')
    response = '#if($ctx.error) $util.error($ctx.error.message, $ctx.error.type) #end\n{"id": "j", "title": "STARTED"}'
    apply(bench, unit("Mutation.start", request, response))
    assert await run(bench, 'mutation { start(input: "x") { id title } }') == (
        {"start": {"id": "j", "title": "STARTED"}},
        [],
    )
    assert bench.functions.events == [(ECHO, {"input": "x"})]
    bench.functions.refusal = CallerError("TooManyRequestsException", 429, "Rate exceeded")
    data, errors = await run(bench, 'mutation { start(input: "x") { id } }')
    assert data == {"start": None}
    assert errors == [("Lambda:TooManyRequestsException", "Rate exceeded", None)]


async def fail(event: Any) -> object:
    raise ArithmeticError("I fail. always")


async def test_2018_a_failure_is_in_the_context_and_the_response_template_decides(bench: Bench) -> None:
    bench.functions.handlers[ECHO] = fail
    apply(bench, unit("Query.a", INVOKE, '{"id": "$ctx.error.type", "title": "$ctx.error.message"}'))
    assert await run(bench, "{ a { id title } }") == (
        {"a": {"id": "Lambda:Unhandled", "title": "I fail. always"}},
        [],
    )


async def test_2018_without_a_response_template_a_failure_is_raised(bench: Bench) -> None:
    bench.functions.handlers[ECHO] = fail
    apply(bench, unit("Query.a", INVOKE, None))
    assert await run(bench, "{ a { id } }") == ({"a": None}, [("Lambda:Unhandled", "I fail. always", None)])


async def test_2017_a_failure_is_added_and_the_context_does_not_show_it(bench: Bench) -> None:
    bench.functions.handlers[ECHO] = fail
    apply(bench, unit("Query.a", OLD_INVOKE, '{"id": "$!ctx.error.type"}'))
    data, errors = await run(bench, "{ a { id } }")
    assert data == {"a": None}
    assert [each[:2] for each in errors] == [("Lambda:Unhandled", "I fail. always")]


@pytest.mark.parametrize(("request_template", "expected"), [(OLD_INVOKE, None), (INVOKE, {"id": "made"})])
async def test_a_null_result_skips_the_response_template_of_2017_only(
    bench: Bench, request_template: str, expected: object
) -> None:
    async def nothing(event: Any) -> object:
        return None

    bench.functions.handlers[ECHO] = nothing
    apply(bench, unit("Query.a", request_template, '{"id": "made"}'))
    assert await run(bench, "{ a { id } }") == ({"a": expected}, [])


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ('{"operation": "Invoke"}', "Value for field '$[version]' not found."),
        ('{"version": "1", "operation": "Invoke"}', "Unsupported template version '1', use 2018-05-29."),
        ('"words"', "Expected JSON object but got 'STRING' instead."),
        ("[]", "Expected JSON object but got 'ARRAY' instead."),
        ("#set($x = 1)", "Template transformation yielded an empty response."),
        ('{"a": 1, "a": 2}', "Duplicate field 'a' detected on Object. Duplicate JSON keys are not allowed."),
        ("{} {}", "Trailing characters at the end of the JSON string are not allowed."),
    ],
)  # fmt: skip
async def test_a_request_that_is_none_is_an_error_of_type_mapping_template(
    bench: Bench, template: str, message: str
) -> None:
    apply(bench, unit("Query.a", template, TO_RESULT))
    assert await run(bench, "{ a { id } }") == ({"a": None}, [("MappingTemplate", message, None)])


async def test_a_function_without_a_request_template_receives_the_context(bench: Bench) -> None:
    async def title(event: Any) -> object:
        return {"id": event["arguments"]["id"], "title": event["info"]["fieldName"]}

    bench.functions.handlers[ECHO] = title
    apply(bench, unit("Query.a", None, '#set($ctx.result.title = "t-$ctx.result.title")$util.toJson($ctx.result)'))
    assert await run(bench, '{ a(id: "1") { id title } }') == ({"a": {"id": "1", "title": "t-a"}}, [])


async def test_children_are_batched_to_one_invocation(bench: Bench) -> None:
    async def authors(event: Any) -> object:
        return [f"author of {each}" for each in event]

    bench.functions.handlers[ECHO] = authors
    request = '{"version": "2018-05-29", "operation": "BatchInvoke", "payload": $util.toJson($ctx.source.id)}'
    listed = '{"version": "2018-05-29", "payload": [{"id": "1"}, {"id": "2"}]}'
    apply(
        bench,
        unit("Query.list", listed, TO_RESULT, "NONE"),
        unit("Post.author", request, TO_RESULT, max_batch_size=10),
    )
    data, errors = await run(bench, "{ list { author } }")
    assert (data, errors) == ({"list": [{"author": "author of 1"}, {"author": "author of 2"}]}, [])
    assert bench.functions.invocations == [["1", "2"]]


async def test_unauthorized_ends_the_field(bench: Bench) -> None:
    check = '#if($ctx.identity.username != "admin")$util.unauthorized()#end{"version": "2018-05-29", "payload": {}}'
    apply(bench, unit("Query.a", check, TO_RESULT, "NONE"))
    assert await run(bench, "{ a { id } }") == ({"a": None}, [("Unauthorized", "Unauthorized", None)])


async def test_the_data_of_an_error_is_what_the_client_selected(bench: Bench) -> None:
    request = '$util.error("no", "Mine", {"id": "1", "title": "secret"}, {"code": 7})'
    apply(bench, unit("Query.a", request, TO_RESULT, "NONE"))
    response = await bench.service.execute("api", GraphqlRequest("{ a { id } }"))
    assert response.data == {"a": None}
    (error,) = response.errors
    assert (error["message"], error["errorType"], error["data"], error["errorInfo"]) == (
        "no",
        "Mine",
        {"id": "1"},
        {"code": 7},
    )


async def test_an_error_without_a_message_still_has_one(bench: Bench) -> None:
    apply(bench, unit("Query.a", "$util.error($ctx.args.none)", TO_RESULT, "NONE"))
    assert await run(bench, "{ a { id } }") == ({"a": None}, [(None, "null", None)])


async def test_appended_errors_leave_the_data(bench: Bench) -> None:
    response = '$util.appendError("careful", "Warned")$util.toJson($ctx.result)'
    apply(bench, unit("Query.a", INVOKE, response))
    assert await run(bench, '{ a(id: "1") { id } }') == ({"a": {"id": "1"}}, [("Warned", "careful", None)])


async def test_a_subscription_sets_its_filter_or_is_refused(bench: Bench) -> None:
    response = """#if($ctx.args.severity > 9)$util.unauthorized()#end
    $extensions.setSubscriptionFilter($util.transform.toSubscriptionFilter({"title": {"ge": $ctx.args.severity}}))
    $util.toJson($null)"""
    apply(bench, unit("Subscription.onStart", '{"version": "2018-05-29", "payload": {}}', response, "NONE"))
    prepared = await bench.service.subscribe("api", GraphqlRequest("subscription { onStart(severity: 7) { id } }"))
    wanted = {"fieldName": "title", "operator": "ge", "value": 7}
    assert prepared.filter == {"filterGroup": [{"filters": [wanted]}]}
    with pytest.raises(SubscriptionRefused) as refused:
        await bench.service.subscribe("api", GraphqlRequest("subscription { onStart(severity: 10) { id } }"))
    assert [each["errorType"] for each in refused.value.errors] == ["Unauthorized"]


# pipelines

BEFORE = '$util.qr($ctx.stash.put("id", $ctx.args.id))#set($ctx.args.n = 41){}'
NONE = '{"version": "2018-05-29", "payload": $util.toJson($ctx.prev.result)}'
FIRST = '{"version": "2018-05-29", "payload": {"title": "$ctx.stash.id"}}'


async def test_a_pipeline_shares_stash_and_arguments_and_passes_results_on(bench: Bench) -> None:
    second = '{"version": "2018-05-29", "payload": {"title": "$ctx.prev.result.title+$ctx.args.n"}}'
    functions = (function("first", FIRST, TO_RESULT), function("second", second, TO_RESULT))
    apply(bench, pipeline("Query.a", BEFORE, "$util.toJson($ctx.prev.result)", "first", "second"), functions=functions)
    assert await run(bench, '{ a(id: "s") { title } }') == ({"a": {"title": "s+41"}}, [])


@pytest.mark.parametrize(
    ("before", "request_template", "response", "expected"),
    [
        ('#return({"title": "before"})', FIRST, TO_RESULT, "before"),
        (BEFORE, '#return({"title": "request"})', TO_RESULT, "request, second, after"),
        (BEFORE, FIRST, '#return({"title": "response"})', "response, second, after"),
        (BEFORE, FIRST, TO_RESULT, "s, second, after"),
    ],
)
async def test_where_return_returns_to(
    bench: Bench, before: str, request_template: str, response: str, expected: str
) -> None:
    second = function("second", NONE, '#set($ctx.result.title = "$ctx.result.title, second")$util.toJson($ctx.result)')
    after = '#set($ctx.result.title = "$ctx.result.title, after")$util.toJson($ctx.result)'
    apply(
        bench,
        pipeline("Query.a", before, after, "first", "second"),
        functions=(function("first", request_template, response), second),
    )
    assert await run(bench, '{ a(id: "s") { title } }') == ({"a": {"title": expected}}, [])


async def test_return_in_a_unit_resolver_skips_the_data_source(bench: Bench) -> None:
    apply(bench, unit("Query.a", '#return({"id": "early"})', '{"id": "late"}'))
    assert await run(bench, "{ a { id } }") == ({"a": {"id": "early"}}, [])
    assert bench.functions.invocations == []
    apply(bench, unit("Query.a", "#return", '{"id": "late"}'))
    assert await run(bench, "{ a { id } }") == ({"a": None}, [])


async def test_an_error_in_a_function_ends_the_pipeline(bench: Bench) -> None:
    functions = (function("first", '$util.error("stop here", "E")', TO_RESULT), function("second", NONE, TO_RESULT))
    apply(bench, pipeline("Query.a", "{}", '{"title": "after"}', "first", "second"), functions=functions)
    assert await run(bench, "{ a { title } }") == ({"a": None}, [("E", "stop here", None)])


async def test_templates_and_javascript_mix(bench: Bench) -> None:
    javascript = FunctionDefinition(
        "js",
        "js",
        "NONE",
        CodeDefinition(
            "export function request(ctx) { ctx.stash.seen = 'js'; return { payload: ctx.prev.result } }\n"
            "export function response(ctx) { return { title: ctx.result.title + ' js' } }"
        ),
    )
    after = '{"title": "$ctx.prev.result.title $ctx.stash.seen $ctx.env.STAGE"}'
    apply(
        bench,
        pipeline("Query.a", "{}", after, "first", "js"),
        functions=(function("first", '{"version": "2018-05-29", "payload": {"title": "vtl"}}', TO_RESULT), javascript),
    )
    assert await run(bench, "{ a { title } }") == ({"a": {"title": "vtl js js test"}}, [])


async def test_no_template_touches_what_others_see(bench: Bench) -> None:
    """The parent's value and the data source's result are shared; a template changes only its own copy."""
    listed = '{"version": "2018-05-29", "payload": [{"id": "1", "title": "t"}]}'
    spoil = (
        '$util.qr($ctx.source.put("title", "spoilt"))$util.qr($ctx.source.remove("id"))'
        '{"version": "2018-05-29", "payload": "mine"}'
    )
    apply(
        bench,
        unit("Query.list", listed, TO_RESULT, "NONE"),
        unit("Post.author", spoil, TO_RESULT, "NONE"),
    )
    assert await run(bench, "{ list { author title id } }") == (
        {"list": [{"author": "mine", "title": "t", "id": "1"}]},
        [],
    )


def test_a_template_that_is_none_does_not_load_and_says_where(bench: Bench) -> None:
    with pytest.raises(ProjectError) as caught:
        apply(bench, unit("Query.a", '{\n  #if($x) "a"\n}', TO_RESULT))
    assert caught.value.cause == "API Test: resolver Query.a request mapping template:3:2: #if without its #end"


def test_a_template_out_of_a_file_is_named_by_it(bench: Bench) -> None:
    broken = CodeDefinition("\n#end", Path("resolvers/Query.a.req.vtl"))
    resolver = ResolverDefinition("Query", "a", "UNIT", "LAMBDA", request_template=broken)
    with pytest.raises(ProjectError, match=r"^API Test: resolvers/Query\.a\.req\.vtl:2:1: "):
        apply(bench, resolver)


def test_code_and_templates_exclude_each_other(bench: Bench) -> None:
    with pytest.raises(ProjectError, match="Code and mapping templates"):
        apply(bench, unit("Query.a", INVOKE, TO_RESULT, code=CodeDefinition("export function request() {}")))


def test_what_callpark_lacks_is_named_at_load(bench: Bench) -> None:
    assert apply(bench, unit("Query.a", "$util.frobnicate($ctx.args)", TO_RESULT)) == [
        "API Test: resolver Query.a: request mapping template: callpark does not have $util.frobnicate"
    ]


async def test_a_string_field_may_be_printed_json(bench: Bench) -> None:
    apply(
        bench,
        unit("Query.word", '{"version": "2018-05-29", "payload": $util.toJson($ctx.args)}', '"$ctx.result"', "NONE"),
    )
    data, errors = await run(bench, '{ word(x: "y") }')
    assert (data, errors) == ({"word": "{x=y}"}, [])
    assert json.dumps(data)
