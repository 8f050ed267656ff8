"""AWS::AppSync::DataSource → data sources. Called by `appsync.py`.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-appsync-datasource.html
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from callpark.functions.model import FunctionDefinition
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
from callpark.projects.resources.lambda_names import target_of
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack

_DATA_SOURCE = "AWS::AppSync::DataSource"


def data_source(part: Resource, stack: Stack) -> DataSourceDefinition:
    """Raises ProjectError for a data source that lacks what its type needs."""
    properties = part.properties
    properties.without_effect("ServiceRoleArn", "Description")
    properties.default("MetricsConfig", "DISABLED")
    name, kind = properties.required("Name"), properties.required("Type")
    if kind == "AWS_LAMBDA":
        return DataSourceDefinition(name, kind, _section(properties, "LambdaConfig").required("LambdaFunctionArn"))
    reader = _READERS.get(kind)
    if reader is None:
        return DataSourceDefinition(name, kind)
    section, read = reader
    return DataSourceDefinition(name, kind, configuration=read(_section(properties, section), stack))


def warn_strangers(resources: Iterable[Resource], functions: Sequence[FunctionDefinition], stack: Stack) -> None:
    """Data sources whose function the project does not declare: clients may still make it."""
    known = {function.configuration.name for function in functions}
    for resource in resources:
        config = resource.properties.mapping("LambdaConfig") if resource.type == _DATA_SOURCE else None
        if config is not None:
            name = target_of(config.required("LambdaFunctionArn")).name
            if name not in known:
                stack.warn(resource.place, f"{resource.type}: there is no function {name} here; its resolvers fail")


def _section(properties: Properties, name: str) -> Properties:
    found = properties.mapping(name)
    if found is None:
        raise properties.blame(properties.place, f"{name} is missing", "say in it what the data source reaches")
    return found


def _table(config: Properties, stack: Stack) -> SourceConfig:
    config.without_effect("AwsRegion")
    config.default("UseCallerCredentials", False, "false")
    versioned = config.text("Versioned") == "true"
    if versioned:
        config.without_effect("DeltaSyncConfig")  # refused with a warning of its own when the API is compiled
    return TableConfig(config.required("TableName"), versioned)


def _http(config: Properties, stack: Stack) -> SourceConfig:
    authorization = config.mapping("AuthorizationConfig")
    signing = None
    if authorization is not None:
        if authorization.required("AuthorizationType") != "AWS_IAM":
            raise authorization.wrong("AuthorizationType", "only AWS_IAM is known", "write AWS_IAM")
        iam = _section(authorization, "AwsIamConfig")
        signing = Signing(iam.text("SigningRegion") or stack.home.region, iam.required("SigningServiceName"))
    return HttpConfig(config.required("Endpoint"), signing)


def _event_bus(config: Properties, stack: Stack) -> SourceConfig:
    return EventBusConfig(config.required("EventBusArn"))


def _database(config: Properties, stack: Stack) -> SourceConfig:
    kind = config.text("RelationalDatabaseSourceType")
    if kind not in (None, "RDS_HTTP_ENDPOINT"):
        raise config.wrong("RelationalDatabaseSourceType", f"{kind!r} is unknown", "write RDS_HTTP_ENDPOINT")
    endpoint = _section(config, "RdsHttpEndpointConfig")
    endpoint.without_effect("AwsRegion", "AwsSecretStoreArn")
    return DatabaseConfig(
        endpoint.required("DbClusterIdentifier"), endpoint.text("DatabaseName"), endpoint.text("Schema")
    )


def _search(config: Properties, stack: Stack) -> SourceConfig:
    return SearchConfig(config.required("Endpoint"), config.text("AwsRegion") or stack.home.region)


_READERS: Mapping[str, tuple[str, Callable[[Properties, Stack], SourceConfig]]] = {
    "AMAZON_DYNAMODB": ("DynamoDBConfig", _table),
    "HTTP": ("HttpConfig", _http),
    "AMAZON_EVENTBRIDGE": ("EventBridgeConfig", _event_bus),
    "RELATIONAL_DATABASE": ("RelationalDatabaseConfig", _database),
    "AMAZON_OPENSEARCH_SERVICE": ("OpenSearchServiceConfig", _search),
    "AMAZON_ELASTICSEARCH": ("ElasticsearchConfig", _search),
}
