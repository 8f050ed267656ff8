"""Siblings gathered into batches: who goes together, who gets which item, what fails whom. Reference §1.4."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.model import CodeDefinition, FunctionDefinition
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import Limits
from tests.graphql.conftest import ECHO, PASS_ON, Bench

pytestmark = pytest.mark.sim

SCHEMA = """
type Query { posts(count: Int!): [Post]  post: Post }
type Post { id: ID  author: Author  comments: [Comment]  sync: String }
type Comment { id: ID  author: Author }
type Author { name: String }
"""
POSTS = """
export function request(ctx) {
  const posts = [];
  for (const id of 'abcdefghij'.split('')) if (posts.length < ctx.args.count) posts.push({ id });
  return { payload: posts };
}
"""
BATCHED = 'export function request(ctx) { return { operation: "BatchInvoke", payload: ctx.source.id }; }\n'
NONE = "export function request(ctx) { return { payload: null }; }\n"


def api(bench: Bench, size: int, code: str | None = BATCHED + PASS_ON, *, comments: str = "") -> None:
    resolvers: dict[str, Any] = {"Query.posts": POSTS, "Post.author": code, "Comment.author": code}
    if comments:
        resolvers["Post.comments"] = comments
    bench.api(SCHEMA, resolvers)
    definition = bench.service.api("api")
    assert definition is not None
    bench.service.apply(
        [
            replace(
                definition,
                resolvers=tuple(
                    replace(each, data_source="NONE")
                    if each.field_name == "posts"
                    else replace(each, max_batch_size=size)
                    for each in definition.resolvers
                ),
            )
        ]
    )


async def names(event: Any) -> object:
    return [{"name": f"by {each}"} for each in event]


@pytest.mark.parametrize(
    ("size", "batches"),
    [
        (0, [["a"], ["b"], ["c"], ["d"], ["e"]]),
        (1, [["a"], ["b"], ["c"], ["d"], ["e"]]),
        (2, [["a", "b"], ["c", "d"], ["e"]]),
        (5, [["a", "b", "c", "d", "e"]]),
        (2000, [["a", "b", "c", "d", "e"]]),
    ],
)
async def test_siblings_go_together_and_each_gets_its_own(bench: Bench, size: int, batches: list[list[str]]) -> None:
    api(bench, size)
    bench.functions.handlers[ECHO] = names
    data = await bench.data("{ posts(count: 5) { id author { name } } }")
    assert data["posts"] == [{"id": each, "author": {"name": f"by {each}"}} for each in "abcde"]
    assert bench.functions.invocations == batches


async def test_a_level_below_another_batch_is_gathered_across_parents(bench: Bench) -> None:
    """Parents with one child and with several: all children of the level in one invocation."""
    api(bench, 100, comments=BATCHED + PASS_ON)

    async def handler(event: Any) -> object:
        if len(event[0]) == 2:
            return [{"name": each} for each in event]
        return [[{"id": f"{each}{n}"} for n in range(1 if each == "a" else 3)] for each in event]

    bench.functions.handlers[ECHO] = handler
    data = await bench.data("{ posts(count: 3) { comments { author { name } } } }")
    assert [[each["author"]["name"] for each in post["comments"]] for post in data["posts"]] == [
        ["a0"],
        ["b0", "b1", "b2"],
        ["c0", "c1", "c2"],
    ]
    assert bench.functions.invocations == [["a", "b", "c"], ["a0", "b0", "b1", "b2", "c0", "c1", "c2"]]


async def test_two_requests_never_share_a_batch(bench: Bench) -> None:
    api(bench, 100)
    bench.functions.handlers[ECHO] = names
    await asyncio.gather(*(bench.data("{ posts(count: 2) { author { name } } }") for _ in range(2)))
    assert bench.functions.invocations == [["a", "b"], ["a", "b"]]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([{"name": "x"}], "A batch of 3 needs an answer of 3 items, the function gave 1."),
        ([None] * 4, "A batch of 3 needs an answer of 3 items, the function gave 4."),
        ({"name": "x"}, "A batch of 3 needs an answer of 3 items, the function gave no list."),
    ],
)
async def test_an_answer_of_another_length_fails_every_item(bench: Bench, answer: object, message: str) -> None:
    code = BATCHED + "export function response(ctx) { util.error(ctx.error.message, ctx.error.type); }"
    api(bench, 100, code)

    async def handler(event: Any) -> object:
        return answer

    bench.functions.handlers[ECHO] = handler
    response = await bench.run("{ posts(count: 3) { author { name } } }")
    assert [(e["path"], e["errorType"], e["message"]) for e in response.errors] == [
        (["posts", index, "author"], "Lambda:IllegalArgument", message) for index in range(3)
    ]


async def test_an_exception_fails_the_whole_batch_and_null_items_are_null(bench: Bench) -> None:
    api(bench, 100, BATCHED + 'export function response(ctx) { return ctx.error ? util.error("E") : ctx.result; }')

    async def broken(event: Any) -> object:
        raise ArithmeticError("no")

    bench.functions.handlers[ECHO] = broken
    response = await bench.run("{ posts(count: 2) { author { name } } }")
    assert response.data == {"posts": [{"author": None}] * 2}
    assert len(response.errors) == 2

    async def nothing(event: Any) -> object:
        return [None, {"name": "n"}]

    bench.functions.handlers[ECHO] = nothing
    assert await bench.data("{ posts(count: 2) { author { name } } }") == {
        "posts": [{"author": None}, {"author": {"name": "n"}}]
    }


async def test_a_refused_invocation_is_everybodys(bench: Bench) -> None:
    api(bench, 100, BATCHED)
    bench.functions.refusal = CallerError("TooManyRequestsException", 429, "Rate exceeded.")
    response = await bench.run("{ posts(count: 2) { author { name } } }")
    assert [e["errorType"] for e in response.errors] == ["Lambda:TooManyRequestsException"] * 2


async def test_a_batch_as_event_is_one_event_with_the_list(bench: Bench) -> None:
    event = BATCHED.replace("payload:", 'invocationType: "Event", payload:')
    api(bench, 100, event + 'export function response(ctx) { return { name: ctx.result === null ? "null" : "?" }; }')
    data = await bench.data("{ posts(count: 3) { author { name } } }")
    assert data["posts"] == [{"author": {"name": "null"}}] * 3
    assert bench.functions.events == [(ECHO, ["a", "b", "c"])]


async def test_direct_resolvers_send_a_list_of_contexts_and_read_errors_of_items(bench: Bench) -> None:
    api(bench, 100, None)

    async def handler(event: Any) -> object:
        assert [each["source"]["id"] for each in event] == ["a", "b", "c"]
        return [
            {"data": {"name": "n"}, "other": 1},
            {"data": {"name": "kept"}, "errorMessage": "m", "errorType": "T"},
            {"data": None},
        ]

    bench.functions.handlers[ECHO] = handler
    response = await bench.run("{ posts(count: 3) { author { name } } }")
    assert response.data == {"posts": [{"author": {"name": "n"}}, {"author": None}, {"author": None}]}
    assert [(e["path"], e["errorType"], e["message"], e["data"]) for e in response.errors] == [
        (["posts", 1, "author"], "T", "m", {"name": "kept"})
    ]


async def test_requests_of_one_sibling_may_differ(bench: Bench) -> None:
    """Only those that say BatchInvoke go together; the others are asked for alone."""
    code = """
    export function request(ctx) {
      return { operation: ctx.source.id === 'b' ? 'Invoke' : 'BatchInvoke', payload: ctx.source.id };
    }
    """
    api(bench, 100, code)

    async def handler(event: Any) -> object:
        return await names(event) if isinstance(event, list) else {"name": "alone"}

    bench.functions.handlers[ECHO] = handler
    data = await bench.data("{ posts(count: 3) { author { name } } }")
    assert [each["author"]["name"] for each in data["posts"]] == ["by a", "alone", "by c"]
    assert sorted(map(str, bench.functions.invocations)) == ["['a', 'c']", "b"]


async def test_a_request_that_is_given_up_takes_its_batch_along(bench: Bench) -> None:
    api(bench, 100)
    cancelled: list[Any] = []
    started = asyncio.Event()

    async def forever(event: Any) -> object:
        started.set()
        try:
            return await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(event)
            raise

    bench.functions.handlers[ECHO] = forever
    query = "{ posts(count: 3) { author { name } } }"
    task = asyncio.create_task(bench.service.execute("api", GraphqlRequest(query)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled == [["a", "b", "c"]]


async def test_a_batch_size_on_another_data_source_is_warned_of(bench: Bench) -> None:
    bench.api(SCHEMA, {"Query.post": NONE}, source="NONE")
    definition = bench.service.api("api")
    assert definition is not None
    one = replace(definition, resolvers=tuple(replace(each, max_batch_size=5) for each in definition.resolvers))
    assert bench.service.apply([one]) == [
        "API Test: resolver Query.post: MaxBatchSize has no effect, its data source is no function"
    ]


async def test_a_batch_is_whole_however_crowded_the_loop_is(clock: VirtualClock, ids: SeededIds) -> None:
    """Siblings of a batch do not make way for others, so that they are not too late for it; neither do pipelines that
    have a function with batches."""
    bench = Bench(clock, ids, Limits().override(["appsync.turn_seconds=0"]))
    api(bench, 100)
    bench.functions.handlers[ECHO] = names
    await bench.data("{ posts(count: 10) { author { name } } }")
    assert bench.functions.invocations == [list("abcdefghij")]
    bench.functions.invocations.clear()

    definition = bench.service.api("api")
    assert definition is not None
    around = CodeDefinition(
        "export function request(ctx) { return {}; }\nexport function response(ctx) { return ctx.prev.result; }"
    )
    step = FunctionDefinition("f", "f", "LAMBDA", CodeDefinition(BATCHED + PASS_ON), max_batch_size=100)
    pipelines = tuple(
        replace(each, kind="PIPELINE", data_source=None, functions=("f",), code=around, max_batch_size=0)
        if each.field_name == "author"
        else each
        for each in definition.resolvers
    )
    bench.service.apply([replace(definition, resolvers=pipelines, functions=(step,))])
    data = await bench.data("{ posts(count: 10) { author { name } } }")
    assert [each["author"]["name"] for each in data["posts"]] == [f"by {each}" for each in "abcdefghij"]
    assert bench.functions.invocations == [list("abcdefghij")]
    bench.service.close()
