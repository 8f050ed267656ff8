"""Resolvers whose values are remembered, and how their entries are found again. Compiled by `compiler.py`.

Queries read and fill the cache, mutations only evict: what a mutation returns must be what it did. A value with errors
is not kept.
https://docs.aws.amazon.com/appsync/latest/devguide/enabling-caching.html
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import CoroutineType
from typing import cast

import orjson

from callpark.graphql.caching import ApiCache, entry_key
from callpark.graphql.execution import FieldCall, Resolver
from callpark.graphql.model import CacheDefinition, ResolverCaching, ResolverDefinition
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import AppSyncLimits
from graphql import OperationType

_ROOTS = ("arguments", "source", "identity")


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How one field is cached: `names` are its keys as paths (`arguments.id`), in the resolver's order."""

    field: str
    names: tuple[str, ...]
    seconds: float


def cache_policy(
    resolver: ResolverDefinition, cache: CacheDefinition | None, limits: AppSyncLimits
) -> CachePolicy | None:
    """None when the field's values are not remembered. Raises ProjectError for keys that AppSync does not know."""
    caching = resolver.caching
    field = f"{resolver.type_name}.{resolver.field_name}"
    if caching is not None:
        _check(caching, field, limits)
    if cache is None or cache.behavior == "OPERATION_LEVEL_CACHING":
        return None
    if cache.behavior == "FULL_REQUEST_CACHING":
        return CachePolicy(field, _ROOTS, cache.ttl)
    if caching is None:
        return None
    names = tuple(_path(key) for key in caching.keys) or _ROOTS
    return CachePolicy(field, names, caching.ttl)


def cached_resolver(resolver: Resolver, policy: CachePolicy, cache: ApiCache) -> Resolver:
    """A hit is not a coroutine: it costs no task."""

    def resolve(call: FieldCall) -> object:
        if call.execution.operation is not OperationType.QUERY:
            return resolver(call)
        key = entry_key(policy.field, [[name, _value(call, name)] for name in policy.names])
        if key is None:
            return resolver(call)
        kept = cache.get(key)
        return fill(call, key) if kept is None else orjson.loads(kept)

    async def fill(call: FieldCall, key: str) -> object:
        value = resolver(call)
        if isinstance(value, CoroutineType):
            value = await value
        if not call.appended:
            with contextlib.suppress(orjson.JSONEncodeError):  # nested too deeply to be written
                cache.put(key, orjson.dumps(value), policy.seconds)
        return value

    return resolve


def evict(cache: ApiCache, policies: Mapping[str, CachePolicy], parameters: Sequence[object]) -> int:
    """`extensions.evictFromApiCache(typeName, fieldName, keyMap)`: how many entries are gone. Without keys all of the
    field go (our rule); with keys those that the field's resolver has must all be given."""
    type_name, field_name, *rest = parameters
    field = f"{type_name}.{field_name}"
    policy = policies.get(field)
    keys = cast(Mapping[str, object], rest[0]) if rest and isinstance(rest[0], dict) else {}
    if policy is None:
        return 0
    if not keys:
        return cache.forget_all(field)
    given = {_path(name): value for name, value in keys.items()}
    if set(given) != set(policy.names):
        return 0
    key = entry_key(field, [[name, given[name]] for name in policy.names])
    return 0 if key is None else int(cache.forget(key))


def _check(caching: ResolverCaching, field: str, limits: AppSyncLimits) -> None:
    if not 1 <= caching.ttl <= limits.cache_seconds:
        raise ProjectError(
            f"resolver {field}: a caching TTL of {caching.ttl:g} seconds",
            f"choose between 1 and {limits.cache_seconds:g}",
        )
    if len(caching.keys) > limits.caching_keys:
        raise ProjectError(f"resolver {field} has {len(caching.keys)} caching keys", f"at most {limits.caching_keys}")
    for key in caching.keys:
        if _path(key).split(".")[0] not in _ROOTS:
            raise ProjectError(
                f"resolver {field}: the caching key {key!r}",
                "keys come from $context.arguments, $context.source and $context.identity",
            )


def _path(key: str) -> str:
    """`$context.args.id`, `ctx.arguments.id` → `arguments.id`"""
    steps = key.strip().removeprefix("$").removeprefix("{").removesuffix("}").split(".")
    if steps[0] in ("context", "ctx"):
        steps = steps[1:]
    if steps and steps[0] == "args":
        steps[0] = "arguments"
    return ".".join(steps)


def _value(call: FieldCall, path: str) -> object:
    root, *steps = path.split(".")
    value: object = {
        "arguments": call.arguments,
        "source": call.source,
        "identity": call.execution.request.identity,
    }[root]
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
