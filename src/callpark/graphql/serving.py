"""One API, compiled from its definition.

Made by `service.py`, which keeps the last good one until the next is whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from callpark.graphql.auth.access import Default
from callpark.graphql.caching import ApiCache
from callpark.graphql.documents import Documents
from callpark.graphql.execution import Resolver
from callpark.graphql.model import ApiDefinition, UserPoolConfig
from callpark.graphql.plan import PlanSettings
from callpark.graphql.resolvers.cached import CachePolicy, evict
from callpark.graphql.resolvers.compiler import ResolverParts, compile_resolvers
from callpark.graphql.schema import ApiSchema, build_schema
from callpark.kernel.errors import ProjectError
from graphql import GraphQLObjectType


@dataclass(frozen=True, slots=True)
class Served:
    """`waiting`: put by the control plane and not compiled yet; the next request does it. `kept`: stays when a project
    is applied."""

    definition: ApiDefinition
    warnings: tuple[str, ...] = ()
    schema: ApiSchema | None = None
    documents: Documents | None = None
    resolvers: Mapping[tuple[str, str], Resolver] = field(default_factory=dict)
    cache: ApiCache | None = None
    policies: Mapping[str, CachePolicy] = field(default_factory=dict)
    waiting: bool = False
    kept: bool = False

    def evict(self, evictions: Sequence[Sequence[object]]) -> int:
        """Forget entries of the cache; how many there were."""
        cache = self.cache
        return 0 if cache is None else sum(evict(cache, self.policies, each) for each in evictions)

    def flush(self) -> int:
        """Forget all that is cached; how many entries there were."""
        return 0 if self.cache is None else self.cache.forget_all()


def compile_api(api: ApiDefinition, parts: ResolverParts, before: Served | None) -> Served:
    """`before` is what was served under the id: a schema that did not change is not built again. Raises
    ProjectError."""
    limits = parts.sources.limits
    if not api.schema.strip():
        return Served(api, (f"API {api.name} has no schema: every request to it is refused",))
    if len(api.schema.encode()) > limits.schema_bytes:
        raise ProjectError(
            f"API {api.name}: the schema is larger than {limits.schema_bytes} bytes", "shorten the schema"
        )
    schema = same_schema(api, before) or build_schema(api.schema, str(api.schema_source or f"schema of API {api.name}"))
    cache = None if api.cache is None else ApiCache(parts.sources.clock, limits)
    compiled = compile_resolvers(api, schema, parts, cache)
    settings = PlanSettings(
        schema,
        compiled.by_field,
        _default(api),
        limits.selected_fields,
        depth_limit=api.query_depth_limit,
        introspection=api.introspection,
    )
    return Served(
        api,
        (*schema.warnings, *compiled.warnings),
        schema,
        Documents(settings, limits),
        compiled.by_field,
        cache,
        compiled.policies,
    )


def compile_kept(api: ApiDefinition, parts: ResolverParts, before: Served | None) -> Served:
    """An API of the control plane: resolvers whose field the schema has lost rest until it comes back. Raises
    ProjectError."""
    bare = compile_api(replace(api, resolvers=(), functions=()), parts, before)
    attached = tuple(each for each in api.resolvers if _has_field(bare.schema, each.type_name, each.field_name))
    compiled = compile_api(replace(api, resolvers=attached), parts, bare)
    return replace(compiled, definition=api, kept=True)


def _has_field(schema: ApiSchema | None, type_name: str, field_name: str) -> bool:
    named = None if schema is None else schema.graphql.type_map.get(type_name)
    return isinstance(named, GraphQLObjectType) and field_name in named.fields


def same_schema(api: ApiDefinition, before: Served | None) -> ApiSchema | None:
    """The built schema of `before`, when it is of the same text."""
    if before is None or (before.definition.schema, before.definition.schema_source) != (api.schema, api.schema_source):
        return None
    return before.schema


def _default(api: ApiDefinition) -> Default:
    denies = any(
        isinstance(each.configuration, UserPoolConfig) and each.configuration.default_action == "DENY"
        for each in api.authentication[:1]
    )
    return Default(api.default_mode, denies)
