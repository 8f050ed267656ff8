"""AWS::AppSync::* → GraphQL APIs.

`registry.py` asks for identities, `load.py` for the APIs. What belongs to an API says so with the API's id.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_AppSync.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from callpark.graphql.model import (
    ApiDefinition,
    ApiKey,
    AuthenticationProvider,
    CodeDefinition,
    FunctionDefinition,
    ResolverDefinition,
)
from callpark.graphql.urls import graphql_url, realtime_url
from callpark.kernel.errors import ProjectError
from callpark.projects.identity import token
from callpark.projects.intrinsics import Identity
from callpark.projects.resources import appsync_settings
from callpark.projects.resources.appsync_authentication import authentication
from callpark.projects.resources.appsync_sources import data_source
from callpark.projects.resources.code import source_text
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack

API = "AWS::AppSync::GraphQLApi"
SCHEMA = "AWS::AppSync::GraphQLSchema"
DATA_SOURCE = "AWS::AppSync::DataSource"
RESOLVER = "AWS::AppSync::Resolver"
FUNCTION = "AWS::AppSync::FunctionConfiguration"
API_KEY = "AWS::AppSync::ApiKey"
API_CACHE = "AWS::AppSync::ApiCache"
EVENT_API = "AWS::AppSync::Api"
"""What belongs to one is `appsync_events.py`'s, also data sources and keys."""

NEVER = 253_402_300_799.0
"""9999-12-31, in epoch seconds: a key without `Expires` is made anew at every load, so it does not expire here."""


def api_identity(resource: Resource, stack: Stack) -> Identity:
    api_id = _api_id(resource, stack)
    arn = stack.home.arn("appsync", f"apis/{api_id}")
    url, realtime = graphql_url(stack.base_url, api_id), realtime_url(stack.base_url, api_id)
    attributes = {
        "ApiId": api_id,
        "Arn": arn,
        "GraphQLUrl": url,
        "RealtimeUrl": realtime,
        "GraphQLDns": urlsplit(url).netloc,
        "RealtimeDns": urlsplit(realtime).netloc,
        "GraphQLEndpointArn": stack.home.arn("appsync", f"endpoints/graphql-api/{api_id}"),
    }
    return Identity(arn, attributes)


def schema_identity(resource: Resource, stack: Stack) -> Identity:
    return Identity(f"{owner(resource)}GraphQLSchema")


def data_source_identity(resource: Resource, stack: Stack) -> Identity:
    name = resource.properties.required("Name")
    arn = stack.home.arn("appsync", f"apis/{owner(resource)}/datasources/{name}")
    return Identity(arn, {"DataSourceArn": arn, "Name": name})


def resolver_identity(resource: Resource, stack: Stack) -> Identity:
    kind, field = resource.properties.required("TypeName"), resource.properties.required("FieldName")
    arn = stack.home.arn("appsync", f"apis/{owner(resource)}/types/{kind}/resolvers/{field}")
    return Identity(arn, {"ResolverArn": arn, "TypeName": kind, "FieldName": field})


def function_identity(resource: Resource, stack: Stack) -> Identity:
    function_id = _function_id(resource, stack)
    arn = stack.home.arn("appsync", f"apis/{owner(resource)}/functions/{function_id}")
    attributes = {
        "FunctionArn": arn,
        "FunctionId": function_id,
        "Name": resource.properties.required("Name"),
        "DataSourceName": resource.properties.required("DataSourceName"),
    }
    return Identity(arn, attributes)


def api_key_identity(resource: Resource, stack: Stack) -> Identity:
    key = _key(resource, stack)
    arn = stack.home.arn("appsync", f"apis/{owner(resource)}/apikey/{key}")
    return Identity(arn, {"ApiKey": key, "ApiKeyId": key, "Arn": arn})


def api_cache_identity(resource: Resource, stack: Stack) -> Identity:
    return Identity(f"{owner(resource)}ApiCache")


def _api_id(resource: Resource, stack: Stack) -> str:
    return token(stack.project, API, resource.logical_id)


def _function_id(resource: Resource, stack: Stack) -> str:
    return token(stack.project, FUNCTION, resource.logical_id)


def event_api_id(resource: Resource, stack: Stack) -> str:
    return token(stack.project, EVENT_API, resource.logical_id)


def _key(resource: Resource, stack: Stack) -> str:
    return f"da2-{token(stack.project, API_KEY, resource.logical_id)}"


def owner(resource: Resource) -> str:
    return resource.properties.required("ApiId")


def apis(resources: Sequence[Resource], stack: Stack) -> tuple[ApiDefinition, ...]:
    """Every API with all that names its id. Raises ProjectError for a resource of an API that the template lacks."""
    declared = {_api_id(resource, stack): resource for resource in resources if resource.type == API}
    parts: dict[str, list[Resource]] = {api_id: [] for api_id in declared}
    event_apis = {event_api_id(resource, stack) for resource in resources if resource.type == EVENT_API}
    for resource in resources:
        if resource.type in (SCHEMA, DATA_SOURCE, RESOLVER, FUNCTION, API_KEY, API_CACHE):
            api_id = owner(resource)
            if api_id in event_apis and resource.type in (DATA_SOURCE, API_KEY):
                continue
            if api_id not in parts:
                raise not_an_api(resource, api_id)
            parts[api_id].append(resource)
    return tuple(_Assembly(api_id, declared[api_id], parts[api_id], stack).api() for api_id in declared)


def not_an_api(resource: Resource, api_id: str) -> ProjectError:
    return resource.properties.wrong(
        "ApiId", f"no API of this template has the id {api_id!r}", "write !GetAtt TheApi.ApiId"
    )


def api_key(part: Resource, stack: Stack) -> ApiKey:
    properties = part.properties
    properties.without_effect("ApiKeyId")
    expires = properties.integer("Expires")
    return ApiKey(
        key=_key(part, stack),
        expires=NEVER if expires is None else float(expires),
        description=properties.text("Description") or "",
    )


def source_of(
    properties: Properties, name: str, most_bytes: int, stack: Stack, location_name: str | None = None
) -> tuple[str, Path | None] | None:
    """What stands in `name`, or in the file that `location_name` (else `<name>S3Location`) names."""
    location_name = location_name or f"{name}S3Location"
    text, location = properties.text(name), properties.text(location_name)
    if text is not None or location is None:
        return None if text is None else (text, None)
    return source_text(location, (*properties.place, location_name), most_bytes, stack)


def largest_source(stack: Stack) -> int:
    """In bytes, of code and templates."""
    return 4 * stack.limits.appsync.code_characters


@dataclass(frozen=True, slots=True)
class _Assembly:
    """One API and the resources that belong to it."""

    api_id: str
    resource: Resource
    parts: Sequence[Resource]
    stack: Stack

    def api(self) -> ApiDefinition:
        properties = self.resource.properties
        properties.without_effect("Tags", "OwnerContact")
        if properties.text("ApiType") == "MERGED":
            raise properties.wrong("ApiType", "merged APIs are not supported", "serve one of the source APIs instead")
        properties.default("ApiType", "GRAPHQL")
        properties.default("Visibility", "GLOBAL")
        properties.default("XrayEnabled", False, "false")
        schema, schema_source = self._schema()
        data_sources = tuple(data_source(part, self.stack) for part in self._of(DATA_SOURCE))
        known = {source.name for source in data_sources}
        functions = tuple(self._function(part, known) for part in self._of(FUNCTION))
        resolvers = [
            self._resolver(part, known, {function.id for function in functions}) for part in self._of(RESOLVER)
        ]
        return ApiDefinition(
            api_id=self.api_id,
            name=properties.required("Name"),
            authentication=self._authentication(properties),
            schema=schema,
            schema_source=schema_source,
            data_sources=data_sources,
            functions=functions,
            resolvers=tuple(resolvers),
            api_keys=tuple(api_key(part, self.stack) for part in self._of(API_KEY)),
            environment=properties.text_map("EnvironmentVariables"),
            query_depth_limit=appsync_settings.limit(properties, "QueryDepthLimit", 75),
            resolver_count_limit=appsync_settings.limit(
                properties, "ResolverCountLimit", self.stack.limits.appsync.resolver_executions
            ),
            introspection=appsync_settings.introspection(properties),
            cache=next((appsync_settings.cache(part) for part in self._of(API_CACHE)), None),
            logs=appsync_settings.logs(properties),
        )

    def _authentication(self, properties: Properties) -> tuple[AuthenticationProvider, ...]:
        ways = (properties, *properties.mappings("AdditionalAuthenticationProviders"))
        return tuple(authentication(each, self.stack) for each in ways)

    def _of(self, kind: str) -> list[Resource]:
        return [part for part in self.parts if part.type == kind]

    def _schema(self) -> tuple[str, Path | None]:
        schemas = self._of(SCHEMA)
        if len(schemas) != 1:
            raise self.stack.blame(
                self.resource.place,
                f"the API has {len(schemas) or 'no'} schema{'s' if schemas else ''}",
                f"declare one {SCHEMA} for it",
            )
        properties = schemas[0].properties
        found = source_of(properties, "Definition", self.stack.limits.appsync.schema_bytes, self.stack)
        if found is None:
            raise self.stack.blame(properties.place, "the schema has no text", "add Definition or DefinitionS3Location")
        return found

    def _function(self, part: Resource, data_sources: set[str]) -> FunctionDefinition:
        properties = part.properties
        properties.without_effect("Description", "FunctionVersion")
        return FunctionDefinition(
            id=_function_id(part, self.stack),
            name=properties.required("Name"),
            data_source=_known(properties, "DataSourceName", properties.required("DataSourceName"), data_sources),
            code=self._code(part),
            max_batch_size=properties.integer("MaxBatchSize") or 0,
            request_template=self._text(properties, "RequestMappingTemplate"),
            response_template=self._text(properties, "ResponseMappingTemplate"),
        )

    def _resolver(self, part: Resource, data_sources: set[str], functions: set[str]) -> ResolverDefinition:
        properties = part.properties
        kind = _kind(properties)
        properties.default("MetricsConfig", "DISABLED")
        source = properties.text("DataSourceName")
        if kind == "UNIT" and source is None:
            raise self.stack.blame(
                properties.place, "DataSourceName is missing", "name the data source of the resolver"
            )
        pipeline = properties.mapping("PipelineConfig")
        steps = pipeline.texts("Functions") if pipeline is not None else ()
        for step in steps:
            _known(properties, "PipelineConfig", step, functions)
        return ResolverDefinition(
            type_name=properties.required("TypeName"),
            field_name=properties.required("FieldName"),
            kind=kind,
            data_source=_known(properties, "DataSourceName", source, data_sources) if source is not None else None,
            functions=steps,
            code=self._code(part),
            max_batch_size=properties.integer("MaxBatchSize") or 0,
            request_template=self._text(properties, "RequestMappingTemplate"),
            response_template=self._text(properties, "ResponseMappingTemplate"),
            caching=appsync_settings.caching(properties),
        )

    def _code(self, part: Resource) -> CodeDefinition | None:
        properties = part.properties
        runtime = properties.mapping("Runtime")
        if runtime is not None:
            runtime.without_effect("RuntimeVersion")
            if runtime.required("Name") != "APPSYNC_JS":
                raise properties.wrong("Runtime", "only APPSYNC_JS is known", "write Name: APPSYNC_JS")
        return self._text(properties, "Code")

    def _text(self, properties: Properties, name: str) -> CodeDefinition | None:
        found = source_of(properties, name, largest_source(self.stack), self.stack)
        return None if found is None else CodeDefinition(*found)


def _kind(properties: Properties) -> Literal["UNIT", "PIPELINE"]:
    match properties.text("Kind"):
        case "PIPELINE":
            return "PIPELINE"
        case None | "UNIT":
            return "UNIT"
        case other:
            raise properties.wrong("Kind", f"{other!r} is unknown", "use UNIT or PIPELINE")


def _known(properties: Properties, name: str, value: str, known: set[str]) -> str:
    if value not in known:
        choices = ", ".join(sorted(known)) or "none"
        raise properties.wrong(name, f"the API has no {value!r}", f"declare it; the API has: {choices}")
    return value
