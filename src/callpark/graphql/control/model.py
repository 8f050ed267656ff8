"""What the control plane keeps of an API: its definition, which is served, and members as AWS shows them.

Frozen; changed by the pure modules beside this one, kept by `plane.py`. Members are AWS's (`dataSource`, `resolver`, …)
as the caller gave them, because callpark acts on fewer than it shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, TypeVar

from callpark.graphql.model import ApiDefinition, DataSourceDefinition, FunctionDefinition, ResolverDefinition

Members: TypeAlias = Mapping[str, object]

_Part = TypeVar("_Part", bound=DataSourceDefinition | FunctionDefinition | ResolverDefinition)


@dataclass(frozen=True, slots=True)
class SchemaState:
    """What became of the last schema that was sent; `details` of a failure."""

    status: Literal["SUCCESS", "FAILED", "NOT_APPLICABLE"] = "NOT_APPLICABLE"
    details: str = ""


@dataclass(frozen=True, slots=True)
class ManagedApi:
    """`sources` by name, `functions` by id, `resolvers` by (type, field). `declared`: a project's, which brings it
    again at its next load."""

    definition: ApiDefinition
    settings: Members
    sources: Mapping[str, Members] = field(default_factory=dict)
    functions: Mapping[str, Members] = field(default_factory=dict)
    resolvers: Mapping[tuple[str, str], Members] = field(default_factory=dict)
    cache: Members | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    schema_state: SchemaState = field(default_factory=SchemaState)
    declared: bool = False

    @property
    def api_id(self) -> str:
        return self.definition.api_id

    def with_source(self, definition: DataSourceDefinition, members: Members) -> "ManagedApi":
        sources = _put(self.definition.data_sources, definition, "name")
        return replace(
            self,
            definition=replace(self.definition, data_sources=sources),
            sources={**self.sources, definition.name: members},
        )

    def without_source(self, name: str) -> "ManagedApi":
        sources = tuple(each for each in self.definition.data_sources if each.name != name)
        return replace(
            self, definition=replace(self.definition, data_sources=sources), sources=_without(self.sources, name)
        )

    def with_function(self, definition: FunctionDefinition, members: Members) -> "ManagedApi":
        functions = _put(self.definition.functions, definition, "id")
        return replace(
            self,
            definition=replace(self.definition, functions=functions),
            functions={**self.functions, definition.id: members},
        )

    def without_function(self, function_id: str) -> "ManagedApi":
        functions = tuple(each for each in self.definition.functions if each.id != function_id)
        return replace(
            self,
            definition=replace(self.definition, functions=functions),
            functions=_without(self.functions, function_id),
        )

    def with_resolver(self, definition: ResolverDefinition, members: Members) -> "ManagedApi":
        field_key = (definition.type_name, definition.field_name)
        resolvers = _put(self.definition.resolvers, definition, "type_name", "field_name")
        return replace(
            self,
            definition=replace(self.definition, resolvers=resolvers),
            resolvers={**self.resolvers, field_key: members},
        )

    def without_resolver(self, type_name: str, field_name: str) -> "ManagedApi":
        key = (type_name, field_name)
        resolvers = tuple(each for each in self.definition.resolvers if (each.type_name, each.field_name) != key)
        return replace(
            self,
            definition=replace(self.definition, resolvers=resolvers),
            resolvers=_without(self.resolvers, key),
        )


_Key = TypeVar("_Key")


def _without(members: Mapping[_Key, Members], key: _Key) -> dict[_Key, Members]:
    return {name: each for name, each in members.items() if name != key}


def _put(parts: tuple[_Part, ...], part: _Part, *key: str) -> tuple[_Part, ...]:
    """In the place of the one with the same key, or at the end."""
    same = [all(getattr(each, name) == getattr(part, name) for name in key) for each in parts]
    if not any(same):
        return (*parts, part)
    return tuple([part if replaced else each for each, replaced in zip(parts, same, strict=True)])
