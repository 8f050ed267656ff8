"""Caching: who is answered from memory, for how long, and who makes it forget. Reference §15, §4.7."""

from dataclasses import replace
from typing import Any, Literal

import pytest

from callpark.graphql.caching import ApiCache, entry_key
from callpark.graphql.model import CacheDefinition, ResolverCaching
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import AppSyncLimits
from tests.graphql.conftest import ECHO, PASS_ON, Bench

pytestmark = pytest.mark.unit

SCHEMA = """
type Query { post(id: ID!, lang: String): Post  other(id: ID!): Post  deep: Post }
type Mutation { evict(id: ID!): Int  read(id: ID!): Post }
type Post { id: ID  n: Int  author: Author }
type Author { name: String  n: Int }
"""
POST = 'export function request(ctx) { return { operation: "Invoke", payload: ctx.args }; }\n' + PASS_ON
EVICT = """
export function request(ctx) { return { operation: "Invoke" }; }
export function response(ctx) {
  extensions.evictFromApiCache('Query', 'post', KEYS);
  return 1;
}
"""
Behavior = Literal["FULL_REQUEST_CACHING", "PER_RESOLVER_CACHING", "OPERATION_LEVEL_CACHING"]


def serve(bench: Bench, behavior: Behavior | None, caching: ResolverCaching | None = None, evict: str = "{}") -> None:
    """`post` counts how often it was resolved, in `n`."""
    bench.api(
        SCHEMA,
        {
            "Query.post": POST,
            "Query.other": POST,
            "Post.author": POST,
            "Mutation.read": POST,
            "Mutation.evict": EVICT.replace("KEYS", evict),
        },
    )
    definition = bench.service.api("api")
    assert definition is not None
    cached = [
        replace(each, caching=caching if each.field_name == "post" else None, data_source="LAMBDA")
        for each in definition.resolvers
    ]
    cache = None if behavior is None else CacheDefinition(behavior, 60)
    bench.service.apply([replace(definition, resolvers=tuple(cached), cache=cache)])
    calls = 0

    async def handler(event: Any) -> object:
        nonlocal calls
        calls += 1
        return {"id": (event or {}).get("id"), "n": calls, "name": "x"}

    bench.functions.handlers[ECHO] = handler


async def n(bench: Bench, query: str = '{ post(id: "1") { n } }', **members: Any) -> Any:
    data = await bench.data(query, **members)
    return next(iter(data.values()))["n"]


@pytest.mark.parametrize("behavior", [None, "PER_RESOLVER_CACHING"])
async def test_nothing_is_remembered_unasked(bench: Bench, behavior: Behavior | None) -> None:
    serve(bench, behavior)
    assert [await n(bench), await n(bench)] == [1, 2]


async def test_a_resolver_remembers_by_its_keys_until_its_time_is_up(bench: Bench, clock: VirtualClock) -> None:
    serve(bench, "PER_RESOLVER_CACHING", ResolverCaching(30, ("$context.arguments.id",)))
    assert [await n(bench), await n(bench)] == [1, 1]
    assert await n(bench, '{ post(id: "1", lang: "de") { n } }') == 1, "lang is no key"
    assert await n(bench, '{ post(id: "2") { n } }') == 2
    await clock.advance(29.9)
    assert await n(bench) == 1
    await clock.advance(0.2)
    assert await n(bench) == 3


async def test_without_keys_arguments_source_and_identity_count(bench: Bench) -> None:
    serve(bench, "PER_RESOLVER_CACHING", ResolverCaching(30))
    assert await n(bench) == 1
    assert await n(bench, '{ post(id: "1", lang: "de") { n } }') == 2
    assert await n(bench, identity={"sub": "somebody"}) == 3
    assert await n(bench, identity={"sub": "somebody"}) == 3


@pytest.mark.parametrize(
    ("key", "same"),
    [
        ("$context.identity.sub", True),
        ("$ctx.identity.sub", True),
        ("context.identity.claims.group", True),
        ("$context.args.lang", False),
        ("$context.source.id", True),
    ],
)
async def test_keys_are_paths_into_the_context(bench: Bench, key: str, *, same: bool) -> None:
    serve(bench, "PER_RESOLVER_CACHING", ResolverCaching(30, (key,)))
    identity = {"sub": "s", "claims": {"group": "g"}, "sourceIp": ["1"]}
    first = await n(bench, '{ post(id: "1", lang: "en") { n } }', identity=identity)
    second = await n(bench, '{ post(id: "2", lang: "de") { n } }', identity={**identity, "sourceIp": ["2"]})
    assert (first == second) is same


async def test_full_request_caching_remembers_every_resolver_of_queries(bench: Bench, clock: VirtualClock) -> None:
    serve(bench, "FULL_REQUEST_CACHING")
    query = '{ a: post(id: "1") { author { n } } b: post(id: "2") { author { n } } }'
    assert await bench.data(query) == await bench.data(query)
    data = await bench.data(query)
    assert data["a"]["author"] != data["b"]["author"], "children of different parents are different entries"
    assert len(bench.functions.invocations) == 4
    await clock.advance(60)
    await bench.data(query)
    assert len(bench.functions.invocations) == 8


async def test_mutations_neither_read_nor_fill(bench: Bench) -> None:
    serve(bench, "FULL_REQUEST_CACHING")
    mutation = 'mutation { read(id: "1") { n } }'
    assert [await n(bench, mutation), await n(bench, mutation)] == [1, 2]


async def test_values_with_errors_are_not_kept(bench: Bench) -> None:
    serve(bench, "PER_RESOLVER_CACHING", ResolverCaching(30))
    definition = bench.service.api("api")
    assert definition is not None
    assert definition.resolvers[0].code is not None
    code = POST.replace("return ctx.result", 'util.appendError("careful"); return ctx.result')
    first = replace(definition.resolvers[0], code=replace(definition.resolvers[0].code, text=code))
    bench.service.apply([replace(definition, resolvers=(first, *definition.resolvers[1:]))])
    for _ in range(2):
        response = await bench.run('{ post(id: "1") { n } }')
        assert [e["message"] for e in response.errors] == ["careful"]
    assert len(bench.functions.invocations) == 2


async def test_whole_answers(bench: Bench) -> None:
    serve(bench, "OPERATION_LEVEL_CACHING")
    query = "query Q($id: ID!) { post(id: $id) { n } }"
    headers = {"x-tenant": "a", "x-amzn-trace-id": "1"}
    assert await n(bench, query, variables={"id": "1"}, headers=headers) == 1
    again: dict[str, Any] = {"variables": {"id": "1"}, "headers": {**headers, "x-amzn-trace-id": "2", "host": "h"}}
    assert await n(bench, query, **again) == 1
    assert await n(bench, query, **again, identity={"sourceIp": ["1"]}) == 1
    assert await n(bench, query, **{**again, "headers": {"x-tenant": "b"}}) == 2
    assert await n(bench, query, **{**again, "variables": {"id": "2"}}) == 3
    assert await n(bench, query, **again, identity={"sub": "s"}) == 4
    assert await n(bench, query, **again, auth_mode="API_KEY", operation_name="Q") == 5


@pytest.mark.parametrize(
    ("keys", "evicted"),
    [
        ('{ "context.arguments.id": ctx.args.id, "context.identity.sub": null }', 1),
        ('{ "ctx.identity.sub": null, "ctx.args.id": ctx.args.id }', 1),
        ('{ "$context.args.id": ctx.args.id, "$context.identity.sub": null }', 1),
        ('{ "context.arguments.id": "9", "context.identity.sub": null }', 0),
        ('{ "context.arguments.id": ctx.args.id }', 0),
        ("{}", 2),
        ("null", 2),
    ],
)
async def test_a_mutation_evicts_and_says_how_many(bench: Bench, keys: str, evicted: int) -> None:
    caching = ResolverCaching(30, ("$context.arguments.id", "$context.identity.sub"))
    serve(bench, "PER_RESOLVER_CACHING", caching, keys)
    assert await n(bench) == 1
    await n(bench, '{ post(id: "2") { n } }')
    response = await bench.run('mutation { evict(id: "1") }')
    assert response.extensions == {"apiCacheEntriesDeleted": evicted}
    assert await n(bench) == (4 if evicted else 1)


async def test_a_query_evicts_nothing_and_is_warned_of(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    serve(bench, "PER_RESOLVER_CACHING", ResolverCaching(30))
    definition = bench.service.api("api")
    assert definition is not None
    moved = replace(definition.resolvers[-1], type_name="Query", field_name="deep")
    bench.service.apply([replace(definition, resolvers=(*definition.resolvers[:-1], moved))])
    response = await bench.run("{ deep { id } }")
    assert response.extensions is None
    assert "evictFromApiCache has no effect" in caplog.text


async def test_flushing_forgets_everything(bench: Bench) -> None:
    serve(bench, "FULL_REQUEST_CACHING")
    await n(bench)
    assert bench.service.flush_cache("api") == 1
    assert bench.service.flush_cache("api") == bench.service.flush_cache("nothing") == 0
    assert await n(bench) == 2


async def test_an_unchanged_api_keeps_its_cache_and_a_changed_one_does_not(bench: Bench) -> None:
    serve(bench, "FULL_REQUEST_CACHING")
    await n(bench)
    definition = bench.service.api("api")
    assert definition is not None
    warnings = bench.service.apply([replace(definition)])
    assert await n(bench) == 1
    assert bench.service.apply([replace(definition)]) == warnings
    bench.service.apply([replace(definition, name="other")])
    assert await n(bench) == 2


@pytest.mark.parametrize(
    ("caching", "cause"),
    [
        (ResolverCaching(0), "TTL of 0 seconds"),
        (ResolverCaching(3601), "TTL of 3601 seconds"),
        (ResolverCaching(1, ("$context.stash.x",)), "caching key"),
        (ResolverCaching(1, tuple(f"$context.arguments.a{n}" for n in range(26))), "26 caching keys"),
    ],
)
def test_what_appsync_would_not_take(bench: Bench, caching: ResolverCaching, cause: str) -> None:
    with pytest.raises(ProjectError, match=cause):
        serve(bench, "PER_RESOLVER_CACHING", caching)


def test_a_cache_is_bounded_in_number_and_size(clock: VirtualClock) -> None:
    cache = ApiCache(clock, AppSyncLimits(cache_entries=3, cache_bytes=100))
    for key in "abcd":
        cache.put(key, b"1", 60)
    assert [cache.get(key) for key in "abcd"] == [None, b"1", b"1", b"1"]
    cache.put("e", b"x" * 97, 60)
    assert [cache.get(key) for key in "bcde"] == [None, None, b"1", b"x" * 97]
    cache.put("f", b"x" * 101, 60)
    assert cache.get("f") is None
    assert cache.get("e") is not None, "what is too large drives nobody out"
    assert cache.forget_all() == 2


def test_keys_are_the_values_not_their_order_and_depth_is_bounded() -> None:
    assert entry_key("Q.f", {"a": 1, "b": 2}) == entry_key("Q.f", {"b": 2, "a": 1}) != entry_key("Q.f", {"a": 1})
    deep: Any = []
    for _ in range(1000):
        deep = [deep]
    assert entry_key("Q.f", deep) is None
