"""An API's declared resolvers, compiled against its schema. Called by `service.py`; raises ProjectError."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from callpark.graphql.caching import ApiCache
from callpark.graphql.datasources.lambda_ import LambdaSource
from callpark.graphql.datasources.port import DataSource
from callpark.graphql.execution import Resolver
from callpark.graphql.model import (
    ApiDefinition,
    CodeDefinition,
    DataSourceDefinition,
    FunctionDefinition,
    ResolverDefinition,
)
from callpark.graphql.request_log import Stage
from callpark.graphql.resolvers.cached import CachePolicy, cache_policy, cached_resolver
from callpark.graphql.resolvers.logged import logged_resolver
from callpark.graphql.resolvers.pipeline import pipeline_resolver
from callpark.graphql.resolvers.run import Handlers, ResolverEnvironment
from callpark.graphql.resolvers.sources import SourceParts, make_source
from callpark.graphql.resolvers.step import CodeStep, DirectStep, Step
from callpark.graphql.resolvers.templates import MappingTemplates, TemplateStep
from callpark.graphql.resolvers.unit import unit_resolver
from callpark.graphql.runtimes.js.host import CodeUnit, JavaScriptHost
from callpark.graphql.runtimes.js.module import BrokenCode
from callpark.graphql.runtimes.vtl.failures import BrokenTemplate
from callpark.graphql.runtimes.vtl.host import Template, VtlHost
from callpark.graphql.schema import ApiSchema
from callpark.kernel.errors import ProjectError
from graphql import GraphQLObjectType


@dataclass(frozen=True, slots=True)
class ResolverParts:
    """What resolvers are built from."""

    host: JavaScriptHost
    templates: VtlHost
    sources: SourceParts
    environment: ResolverEnvironment
    functions_per_pipeline: int


class _Declared(Protocol):
    """What a unit resolver and a pipeline function have in common."""

    @property
    def code(self) -> CodeDefinition | None: ...
    @property
    def request_template(self) -> CodeDefinition | None: ...
    @property
    def response_template(self) -> CodeDefinition | None: ...
    @property
    def max_batch_size(self) -> int: ...


@dataclass(slots=True)
class CompiledResolvers:
    """`policies`: "Type.field" → how its values are cached."""

    by_field: dict[tuple[str, str], Resolver] = field(default_factory=dict)
    policies: dict[str, CachePolicy] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def compile_resolvers(
    api: ApiDefinition, schema: ApiSchema, parts: ResolverParts, cache: ApiCache | None = None
) -> CompiledResolvers:
    """Every resolver of the API by (type, field), and what to warn of. Raises ProjectError."""
    return _Compiler(api, schema, parts, cache).run()


class _Compiler:
    def __init__(self, api: ApiDefinition, schema: ApiSchema, parts: ResolverParts, cache: ApiCache | None) -> None:
        self._cache = cache
        self._api = api
        self._schema = schema
        self._parts = parts
        self._compiled = CompiledResolvers()
        self._sources: dict[str, DataSource] = {each.name: self._source(each) for each in api.data_sources}
        self._functions: Mapping[str, FunctionDefinition] = {each.id: each for each in api.functions}
        self._steps: dict[str, Step] = {}

    def run(self) -> CompiledResolvers:
        for function in self._api.functions:
            self._function(function.id, f"function {function.name}")
        for resolver in self._api.resolvers:
            where = f"resolver {resolver.type_name}.{resolver.field_name}"
            named = self._schema.graphql.type_map.get(resolver.type_name)
            if not isinstance(named, GraphQLObjectType) or resolver.field_name not in named.fields:
                raise ProjectError(
                    f"API {self._api.name}: {where}: the schema has no such field",
                    "correct TypeName and FieldName, or add the field to the schema",
                )
            if (resolver.type_name, resolver.field_name) in self._compiled.by_field:
                raise ProjectError(f"API {self._api.name}: {where} is declared twice", "keep one of them")
            made = self._pipeline(resolver, where) if resolver.kind == "PIPELINE" else self._unit(resolver, where)
            self._compiled.by_field[resolver.type_name, resolver.field_name] = self._logged(
                self._cached(made, resolver)
            )
        return self._compiled

    def _logged(self, made: Resolver) -> Resolver:
        logs = self._api.logs
        return made if logs is None or logs.level == "NONE" else logged_resolver(made)

    def _cached(self, made: Resolver, declared: ResolverDefinition) -> Resolver:
        policy = cache_policy(declared, self._api.cache, self._parts.sources.limits)
        if policy is None or self._cache is None:
            return made
        self._compiled.policies[policy.field] = policy
        return cached_resolver(made, policy, self._cache)

    def _unit(self, resolver: ResolverDefinition, where: str) -> Resolver:
        return unit_resolver(self._step(resolver, resolver.data_source or "", where), self._parts.environment)

    def _pipeline(self, resolver: ResolverDefinition, where: str) -> Resolver:
        most = self._parts.functions_per_pipeline
        if len(resolver.functions) > most:
            raise ProjectError(
                f"API {self._api.name}: {where} has {len(resolver.functions)} functions, AppSync allows {most}",
                "split the pipeline",
            )
        steps = [(self._stage(name), self._function(name, where)) for name in resolver.functions]
        code: Handlers | None = self._templates(resolver, where)
        if resolver.code is not None:
            code = self._load(resolver.code, where)
        return pipeline_resolver(code, steps, self._parts.environment)

    def _stage(self, name: str) -> Stage:
        function = self._functions.get(name)
        return Stage("function", name, "" if function is None else function.name)

    def _function(self, name: str, where: str) -> Step:
        if name not in self._functions:
            raise ProjectError(
                f"API {self._api.name}: {where} uses function '{name}', which does not exist",
                f"declared are: {', '.join(self._functions) or 'none'}",
            )
        if name not in self._steps:
            function = self._functions[name]
            self._steps[name] = self._step(function, function.data_source, f"function {function.name}")
        return self._steps[name]

    def _step(self, declared: _Declared, data_source: str, where: str) -> Step:
        source = self._sources.get(data_source)
        if source is None:
            raise ProjectError(
                f"API {self._api.name}: {where} uses data source '{data_source}', which does not exist",
                f"declared are: {', '.join(self._sources) or 'none'}",
            )
        batch_size = min(declared.max_batch_size, self._parts.sources.limits.batch_size)
        if batch_size and not isinstance(source, LambdaSource):
            self._warn(f"{where}: MaxBatchSize has no effect, its data source is no function")
        templates = self._templates(declared, where)
        if templates is not None and (templates.request is not None or isinstance(source, LambdaSource)):
            return TemplateStep(templates, source, batch_size)
        if declared.code is None:
            if isinstance(source, LambdaSource):
                return DirectStep(source, batch_size)
            raise ProjectError(
                f"API {self._api.name}: {where} has no code and no request template, and its data source "
                f"'{data_source}' needs a request",
                "add Code with a request and a response handler",
            )
        code = self._load(declared.code, where)
        if "request" not in code.exports:
            raise ProjectError(
                f"API {self._api.name}: {_named(declared.code, where)} exports no request handler",
                "add `export function request(ctx)`",
            )
        return CodeStep(code, source, batch_size)

    def _templates(self, declared: _Declared, where: str) -> MappingTemplates | None:
        request, response = declared.request_template, declared.response_template
        if request is None and response is None:
            return None
        if declared.code is not None:
            raise ProjectError(
                f"API {self._api.name}: {where} has Code and mapping templates", "keep one of the two kinds"
            )
        return MappingTemplates(
            None if request is None else self._template(request, where, "request mapping template"),
            None if response is None else self._template(response, where, "response mapping template"),
        )

    def _template(self, declared: CodeDefinition, where: str, role: str) -> Template:
        try:
            template = self._parts.templates.load(declared.text)
        except BrokenTemplate as error:
            raise ProjectError(
                f"API {self._api.name}: {_named(declared, where, role)}:{error.line}:{error.column}: {error.message}",
                "correct the template",
            ) from error
        for warning in template.warnings:
            self._warn(f"{where}: {role}: {warning}")
        return template

    def _load(self, code: CodeDefinition, where: str) -> CodeUnit:
        try:
            unit = self._parts.host.load(code.text)
        except BrokenCode as error:
            first = error.errors[0]
            more = f" (and {len(error.errors) - 1} more)" if len(error.errors) > 1 else ""
            raise ProjectError(
                f"{_named(code, where)}:{first.line}:{first.column}: {first.value}{more}",
                "change the code to what APPSYNC_JS supports",
            ) from error
        for warning in unit.warnings:
            self._warn(f"{where}: {warning}")
        return unit

    def _source(self, declared: DataSourceDefinition) -> DataSource:
        try:
            return make_source(declared, self._parts.sources, self._warn)
        except ProjectError as error:
            raise ProjectError(f"API {self._api.name}: {error.cause}", error.remedy) from None

    def _warn(self, text: str) -> None:
        self._compiled.warnings.append(f"API {self._api.name}: {text}")


def _named(code: CodeDefinition, where: str, role: str = "code.js") -> str:
    return f"{where} {role}" if code.source is None else str(code.source)
