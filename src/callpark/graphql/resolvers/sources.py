"""An API's declared data sources, made. Called by `compiler.py`; one line for each type of AppSync's.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_DataSource.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callpark.graphql.datasources.bedrock import BedrockSource
from callpark.graphql.datasources.dynamodb.source import DynamoSource
from callpark.graphql.datasources.event_bridge import EventBridgeSource
from callpark.graphql.datasources.http import HttpSource
from callpark.graphql.datasources.lambda_ import FunctionInvoker, LambdaSource
from callpark.graphql.datasources.none import NoneSource
from callpark.graphql.datasources.open_search import OpenSearchSource
from callpark.graphql.datasources.port import DataSource, Outside
from callpark.graphql.datasources.refused import RefusedSource
from callpark.graphql.datasources.relational import RelationalSource
from callpark.graphql.datasources.timed import TimedSource
from callpark.graphql.model import (
    DatabaseConfig,
    DataSourceDefinition,
    EventBusConfig,
    HttpConfig,
    SearchConfig,
    TableConfig,
)
from callpark.kernel.clock import Clock
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import AppSyncLimits


@dataclass(frozen=True, slots=True)
class SourceParts:
    """What data sources are made from."""

    functions: FunctionInvoker
    outside: Outside
    clock: Clock
    ids: Ids
    limits: AppSyncLimits


def make_source(declared: DataSourceDefinition, parts: SourceParts, warn: Callable[[str], None]) -> DataSource:
    """Raises ProjectError for a declaration that lacks what its type needs; an unknown type is refused when asked."""
    make = _MAKERS.get(declared.type)
    if make is not None:
        return make(declared, parts, warn)
    why = f"callpark does not know data sources of type {declared.type} (data source {declared.name})"
    warn(f"{why}; its fields will fail")
    return RefusedSource(why)


def _none(declared: DataSourceDefinition, parts: SourceParts, warn: Callable[[str], None]) -> DataSource:
    return NoneSource()


def _lambda(declared: DataSourceDefinition, parts: SourceParts, warn: Callable[[str], None]) -> DataSource:
    if not declared.function_arn:
        raise _missing(declared, "names no function", "LambdaConfig.LambdaFunctionArn")
    return LambdaSource(declared.function_arn, parts.functions, parts.clock)


def _http(declared: DataSourceDefinition, parts: SourceParts, warn: Callable[[str], None]) -> DataSource:
    config = declared.configuration
    if not isinstance(config, HttpConfig):
        raise _missing(declared, "has no endpoint", "HttpConfig.Endpoint")
    source = HttpSource(config, parts.outside.http, parts.outside.base_url, parts.limits.evaluated_bytes)
    return TimedSource(source, parts.clock, "Http")


def _dynamodb(declared: DataSourceDefinition, parts: SourceParts, warn: Callable[[str], None]) -> DataSource:
    config = declared.configuration
    if not isinstance(config, TableConfig):
        raise _missing(declared, "names no table", "DynamoDBConfig.TableName")
    if config.versioned:
        warn(f"data source {declared.name}: callpark has no conflict detection, its fields will fail")
    return TimedSource(DynamoSource(config, parts.outside.upstreams, parts.ids), parts.clock, "DynamoDB")


def _event_bridge(declared: DataSourceDefinition, parts: SourceParts, warn: Callable[[str], None]) -> DataSource:
    config = declared.configuration
    if not isinstance(config, EventBusConfig):
        raise _missing(declared, "names no event bus", "EventBridgeConfig.EventBusArn")
    return TimedSource(EventBridgeSource(config.event_bus_arn, parts.outside.upstreams), parts.clock, "EventBridge")


def _relational(declared: DataSourceDefinition, parts: SourceParts, warn: Callable[[str], None]) -> DataSource:
    config = declared.configuration
    if not isinstance(config, DatabaseConfig):
        raise _missing(declared, "names no cluster", "RelationalDatabaseConfig.RdsHttpEndpointConfig")
    source = RelationalSource(config, parts.outside.databases, parts.limits.evaluated_bytes)
    return TimedSource(source, parts.clock, "RDSHttp")


def _open_search(declared: DataSourceDefinition, parts: SourceParts, warn: Callable[[str], None]) -> DataSource:
    config = declared.configuration
    if not isinstance(config, SearchConfig):
        raise _missing(declared, "has no endpoint", "OpenSearchServiceConfig.Endpoint")
    outside = parts.outside
    source = OpenSearchSource(config, outside.http, outside.upstreams, parts.limits.evaluated_bytes)
    return TimedSource(source, parts.clock, "OpenSearch")


def _bedrock(declared: DataSourceDefinition, parts: SourceParts, warn: Callable[[str], None]) -> DataSource:
    source = BedrockSource(parts.outside.upstreams)
    return TimedSource(source, parts.clock, "BedrockRuntime", parts.limits.bedrock_seconds)


def _missing(declared: DataSourceDefinition, what: str, where: str) -> ProjectError:
    return ProjectError(f"data source {declared.name} {what}", f"give it {where}")


_MAKERS: Mapping[str, Callable[[DataSourceDefinition, SourceParts, Callable[[str], None]], DataSource]] = {
    "NONE": _none,
    "AWS_LAMBDA": _lambda,
    "HTTP": _http,
    "AMAZON_DYNAMODB": _dynamodb,
    "AMAZON_EVENTBRIDGE": _event_bridge,
    "RELATIONAL_DATABASE": _relational,
    "AMAZON_OPENSEARCH_SERVICE": _open_search,
    "AMAZON_ELASTICSEARCH": _open_search,
    "AMAZON_BEDROCK_RUNTIME": _bedrock,
}
