"""What each operation makes of an API: `ManagedApi → ManagedApi`. Pure, but for the check that compiles.

Called by the operations in `api/`, inside `ControlPlane.change`. Raise CallerError, then nothing changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from callpark.graphql.control import refusals, resolvers, settings, sources, types
from callpark.graphql.control.model import ManagedApi, Members, SchemaState
from callpark.graphql.model import ApiDefinition, ApiKey, FunctionDefinition, ResolverDefinition
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.limits import AppSyncLimits

Check: TypeAlias = Callable[[ApiDefinition], None]
"""Raises CallerError for a definition that cannot be served."""

_ANY_SCHEMA = "type Query { any: String }"
"""What does not touch the schema is checked against this one."""


def put_source(api: ManagedApi, members: Members, region: str, check: Check, *, new: bool) -> ManagedApi:
    name = str(members["name"])
    if new and name in api.sources:
        raise refusals.source_exists(name)
    if not new and name not in api.sources:
        raise refusals.source_not_found(name)
    source = sources.read_source(members, region)
    definition = api.definition
    users: list[ResolverDefinition | FunctionDefinition] = [*definition.resolvers, *definition.functions]
    direct = [
        each for each in users if each.data_source == name and each.code is None and each.request_template is None
    ]
    if direct and source.type != "AWS_LAMBDA":
        raise refusals.source_bypassed()
    check(replace(definition, schema=_ANY_SCHEMA, data_sources=(source,), functions=(), resolvers=()))
    return api.with_source(source, members)


def delete_source(api: ManagedApi, name: str) -> ManagedApi:
    if name not in api.sources:
        raise refusals.source_not_found(name)
    definition = api.definition
    users = [f"function {each.name}" for each in definition.functions if each.data_source == name]
    resolving = [each for each in definition.resolvers if each.data_source == name]
    users += [f"resolver {each.type_name}.{each.field_name}" for each in resolving]
    if users:
        raise refusals.source_in_use(name, users)
    return api.without_source(name)


def put_function(api: ManagedApi, function_id: str, members: Members, check: Check, *, new: bool) -> ManagedApi:
    if not new and function_id not in api.functions:
        raise refusals.function_not_found(function_id)
    function = resolvers.read_function(function_id, members)
    _need_source(api, function.data_source)
    check(replace(_with_sources_of(api, function), schema=_ANY_SCHEMA, functions=(function,), resolvers=()))
    return api.with_function(function, members)


def delete_function(api: ManagedApi, function_id: str) -> ManagedApi:
    if function_id not in api.functions:
        raise refusals.function_not_found(function_id)
    users = [f"{each.type_name}.{each.field_name}" for each in users_of(api, function_id)]
    if users:
        raise refusals.function_in_use(users)
    return api.without_function(function_id)


def users_of(api: ManagedApi, function_id: str) -> list[ResolverDefinition]:
    """The resolvers that a pipeline function is part of."""
    return [each for each in api.definition.resolvers if function_id in each.functions]


def put_resolver(api: ManagedApi, members: Members, check: Check, *, new: bool) -> ManagedApi:
    type_name, field_name = str(members["typeName"]), str(members["fieldName"])
    fields = types.fields_of(api.definition.schema)
    if type_name not in fields:
        raise refusals.type_not_found(type_name)
    if field_name not in fields[type_name]:
        raise refusals.field_not_found(type_name, field_name)
    if new and (type_name, field_name) in api.resolvers:
        raise refusals.resolver_exists()
    if not new and (type_name, field_name) not in api.resolvers:
        raise refusals.resolver_not_found(type_name, field_name)
    resolver = resolvers.read_resolver(members)
    if resolver.data_source is not None:
        _need_source(api, resolver.data_source)
    missing = [each for each in resolver.functions if each not in api.functions]
    if missing:
        raise refusals.functions_not_found(missing)
    steps = tuple(each for each in api.definition.functions if each.id in resolver.functions)
    check(replace(_with_sources_of(api, resolver, *steps), functions=steps, resolvers=(resolver,)))
    return api.with_resolver(resolver, members)


def delete_resolver(api: ManagedApi, type_name: str, field_name: str) -> ManagedApi:
    if (type_name, field_name) not in api.resolvers:
        raise refusals.resolver_not_found(type_name, field_name)
    return api.without_resolver(type_name, field_name)


def put_schema(api: ManagedApi, schema: str, problem: ProjectError | None) -> ManagedApi:
    """A schema that cannot be served is remembered as a failure, and the former one stays."""
    if problem is not None:
        return replace(api, schema_state=SchemaState("FAILED", refusals.schema_details(problem)))
    definition = replace(api.definition, schema=schema, schema_source=None)
    return replace(api, definition=definition, schema_state=SchemaState("SUCCESS"))


def with_schema(api: ManagedApi, schema: str, check: Check) -> ManagedApi:
    definition = replace(api.definition, schema=schema, schema_source=None)
    if not schema.strip():
        raise refusals.bad_request("The schema is empty.")
    check(replace(definition, functions=(), resolvers=(), data_sources=()))
    return replace(api, definition=definition)


def put_settings(api: ManagedApi, members: Members) -> ManagedApi:
    return replace(api, definition=settings.with_settings(api.definition, members), settings=members)


def put_key(api: ManagedApi, key: ApiKey, limits: AppSyncLimits) -> ManagedApi:
    """In the place of the one with its id, or as a new one."""
    keys = {each.key: each for each in api.definition.api_keys}
    if key.key not in keys and len(keys) >= limits.api_keys:
        message = f"Only {limits.api_keys} API keys are allowed for an API."
        raise CallerError("ApiKeyLimitExceededException", 400, message)
    return replace(api, definition=replace(api.definition, api_keys=tuple({**keys, key.key: key}.values())))


def key_of(api: ManagedApi, key_id: str) -> ApiKey:
    for key in api.definition.api_keys:
        if key.key == key_id:
            return key
    raise refusals.key_not_found(key_id)


def delete_key(api: ManagedApi, key_id: str) -> ManagedApi:
    key_of(api, key_id)
    kept = tuple(each for each in api.definition.api_keys if each.key != key_id)
    return replace(api, definition=replace(api.definition, api_keys=kept))


def put_cache(api: ManagedApi, members: Members, limits: AppSyncLimits, *, new: bool) -> ManagedApi:
    if new and api.cache is not None:
        raise refusals.bad_request("The API has already enabled caching.")
    if not new and api.cache is None:
        raise refusals.cache_missing("update")
    cache = resolvers.read_cache(members, limits.cache_seconds)
    kept = members if new else {**(api.cache or {}), **members}
    return replace(api, definition=replace(api.definition, cache=cache), cache=kept)


def delete_cache(api: ManagedApi) -> ManagedApi:
    if api.cache is None:
        raise refusals.cache_missing("delete")
    return replace(api, definition=replace(api.definition, cache=None), cache=None)


def put_environment(api: ManagedApi, variables: Mapping[str, str], limits: AppSyncLimits) -> ManagedApi:
    if len(variables) > limits.environment_variables:
        raise refusals.bad_request(f"An API has {limits.environment_variables} environment variables at most.")
    return replace(api, definition=replace(api.definition, environment=dict(variables)))


def _need_source(api: ManagedApi, name: str) -> None:
    if name not in api.sources:
        raise refusals.source_not_found(name)


def _with_sources_of(api: ManagedApi, *users: ResolverDefinition | FunctionDefinition) -> ApiDefinition:
    """The definition with the data sources that are used, and no others: they need not be made to check these."""
    names = {each.data_source for each in users}
    used = tuple(each for each in api.definition.data_sources if each.name in names)
    return replace(api.definition, data_sources=used)
