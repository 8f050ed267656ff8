"""An API of the control plane as a row of the store. Pure; used by `plane.py`.

What is served is read anew from the members. Rows written by an earlier callpark lack the later members, so those have
defaults.
"""

from dataclasses import replace

import msgspec

from callpark.graphql.control import resolvers, settings, sources
from callpark.graphql.control.model import ManagedApi, SchemaState
from callpark.graphql.model import ApiDefinition, ApiKey

_Members = dict[str, object]


class _Row(msgspec.Struct, frozen=True):
    api_id: str
    settings: _Members
    schema: str = ""
    schema_state: SchemaState = msgspec.field(default_factory=SchemaState)
    sources: list[_Members] = []
    functions: dict[str, _Members] = {}
    resolvers: list[_Members] = []
    keys: list[ApiKey] = []
    environment: dict[str, str] = {}
    cache: _Members | None = None
    tags: dict[str, str] = {}


_decode = msgspec.json.Decoder(_Row).decode


def row(api: ManagedApi) -> bytes:
    definition = api.definition
    return msgspec.json.encode(
        {
            "api_id": api.api_id,
            "settings": api.settings,
            "schema": definition.schema,
            "schema_state": api.schema_state,
            "sources": list(api.sources.values()),
            "functions": api.functions,
            "resolvers": list(api.resolvers.values()),
            "keys": definition.api_keys,
            "environment": definition.environment,
            "cache": api.cache,
            "tags": api.tags,
        }
    )


def api_of(value: bytes, region: str, longest_cache_seconds: float) -> ManagedApi:
    """Raises CallerError when this callpark refuses what an earlier one took."""
    kept = _decode(value)
    bare = ApiDefinition(
        api_id=kept.api_id,
        name="",
        authentication=(),
        schema=kept.schema,
        api_keys=tuple(kept.keys),
        environment=kept.environment,
        cache=None if kept.cache is None else resolvers.read_cache(kept.cache, longest_cache_seconds),
    )
    api = ManagedApi(
        settings.with_settings(bare, kept.settings),
        kept.settings,
        cache=kept.cache,
        tags=kept.tags,
        schema_state=kept.schema_state,
    )
    for members in kept.sources:
        api = api.with_source(sources.read_source(members, region), members)
    for function_id, members in kept.functions.items():
        api = api.with_function(resolvers.read_function(function_id, members), members)
    for members in kept.resolvers:
        api = api.with_resolver(resolvers.read_resolver(members), members)
    return api


def said(declared: ManagedApi) -> bytes:
    """What a project says of an API, the same at all nodes; keys run out by the clock, so they are left out."""
    return row(replace(declared, definition=replace(declared.definition, api_keys=())))


def amended(declared: ManagedApi, value: bytes, region: str, longest_cache_seconds: float) -> ManagedApi:
    """A project's API as the control plane has changed it. Raises CallerError."""
    return replace(api_of(value, region, longest_cache_seconds), declared=declared.declared)


def declared_api(definition: ApiDefinition, region: str) -> ManagedApi:
    """A project's API, with members as if it had been made through the control plane."""
    return ManagedApi(
        definition,
        settings.shown_settings(definition),
        {each.name: sources.shown_source(each, region) for each in definition.data_sources},
        {each.id: resolvers.shown_function(each) for each in definition.functions},
        {(each.type_name, each.field_name): resolvers.shown_resolver(each) for each in definition.resolvers},
        None if definition.cache is None else resolvers.shown_cache(definition.cache),
        schema_state=SchemaState("SUCCESS" if definition.schema.strip() else "NOT_APPLICABLE"),
        declared=True,
    )
