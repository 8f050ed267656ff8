"""`dataSource` members ↔ data sources. Pure.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_DataSource.html
"""

from collections.abc import Callable, Iterator, Mapping

from callpark.graphql.control.model import Members
from callpark.graphql.control.refusals import bad_request
from callpark.graphql.model import (
    DatabaseConfig,
    DataSourceDefinition,
    EventBusConfig,
    HttpConfig,
    SearchConfig,
    Signing,
    SourceConfig,
    TableConfig,
)


def read_source(members: Members, region: str) -> DataSourceDefinition:
    """Raises CallerError when what the type needs is missing."""
    name, kind = str(members["name"]), str(members["type"])
    if kind == "AWS_LAMBDA":
        return DataSourceDefinition(name, kind, _text(_section(members, "lambdaConfig", kind), "lambdaFunctionArn"))
    reader = _READERS.get(kind)
    if reader is None:
        return DataSourceDefinition(name, kind)
    section, read = reader
    return DataSourceDefinition(name, kind, configuration=read(_section(members, section, kind), region))


def shown_source(source: DataSourceDefinition, region: str) -> Members:
    """What a project's data source says, as if CreateDataSource had been given it."""
    members: dict[str, object] = {"name": source.name, "type": source.type}
    match source.configuration:
        case None:
            if source.function_arn is not None:
                members["lambdaConfig"] = {"lambdaFunctionArn": source.function_arn}
        case HttpConfig(endpoint, signing):
            members["httpConfig"] = {"endpoint": endpoint, **_signing_members(signing)}
        case TableConfig(table, versioned):
            members["dynamodbConfig"] = {"tableName": table, "awsRegion": region, "versioned": versioned}
        case EventBusConfig(arn):
            members["eventBridgeConfig"] = {"eventBusArn": arn}
        case DatabaseConfig(cluster, database, schema):
            endpoint_members = {"dbClusterIdentifier": cluster, "databaseName": database, "schema": schema}
            members["relationalDatabaseConfig"] = {
                "relationalDatabaseSourceType": "RDS_HTTP_ENDPOINT",
                "rdsHttpEndpointConfig": {name: value for name, value in endpoint_members.items() if value},
            }
        case SearchConfig(endpoint, search_region):
            section = _READERS[source.type][0]
            members[section] = {"endpoint": endpoint, "awsRegion": search_region}
    return members


def inert(members: Members) -> Iterator[str]:
    """Members that are kept and shown, and change nothing here."""
    if members.get("metricsConfig") == "ENABLED":
        yield "metricsConfig"
    table = members.get("dynamodbConfig")
    if isinstance(table, Mapping) and table.get("useCallerCredentials"):
        yield "useCallerCredentials"


def _section(members: Members, name: str, kind: str) -> Members:
    found = members.get(name)
    if not isinstance(found, Mapping):
        raise bad_request(f"{name} is required for data sources of type {kind}.")
    return found


def _text(section: Members, name: str) -> str:
    found = section.get(name)
    if not isinstance(found, str) or not found:
        raise bad_request(f"{name} is required.")
    return found


def _optional(section: Members, name: str) -> str | None:
    return _text(section, name) if section.get(name) else None


def _table(section: Members, region: str) -> SourceConfig:
    return TableConfig(_text(section, "tableName"), bool(section.get("versioned")))


def _http(section: Members, region: str) -> SourceConfig:
    authorization = section.get("authorizationConfig")
    if not isinstance(authorization, Mapping):
        return HttpConfig(_text(section, "endpoint"))
    iam = _section(authorization, "awsIamConfig", "HTTP with authorization AWS_IAM")
    signing = Signing(_optional(iam, "signingRegion") or region, _text(iam, "signingServiceName"))
    return HttpConfig(_text(section, "endpoint"), signing)


def _signing_members(signing: Signing | None) -> dict[str, object]:
    if signing is None:
        return {}
    iam = {"signingRegion": signing.region, "signingServiceName": signing.service}
    return {"authorizationConfig": {"authorizationType": "AWS_IAM", "awsIamConfig": iam}}


def _event_bus(section: Members, region: str) -> SourceConfig:
    return EventBusConfig(_text(section, "eventBusArn"))


def _database(section: Members, region: str) -> SourceConfig:
    endpoint = _section(section, "rdsHttpEndpointConfig", "RELATIONAL_DATABASE")
    return DatabaseConfig(
        _text(endpoint, "dbClusterIdentifier"), _optional(endpoint, "databaseName"), _optional(endpoint, "schema")
    )


def _search(section: Members, region: str) -> SourceConfig:
    return SearchConfig(_text(section, "endpoint"), _optional(section, "awsRegion") or region)


_READERS: Mapping[str, tuple[str, Callable[[Members, str], SourceConfig]]] = {
    "AMAZON_DYNAMODB": ("dynamodbConfig", _table),
    "HTTP": ("httpConfig", _http),
    "AMAZON_EVENTBRIDGE": ("eventBridgeConfig", _event_bus),
    "RELATIONAL_DATABASE": ("relationalDatabaseConfig", _database),
    "AMAZON_OPENSEARCH_SERVICE": ("openSearchServiceConfig", _search),
    "AMAZON_ELASTICSEARCH": ("elasticsearchConfig", _search),
}
