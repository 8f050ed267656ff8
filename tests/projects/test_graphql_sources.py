"""Data sources, caches, logs and limits of AppSync APIs in templates."""

from pathlib import Path

import pytest

from callpark.graphql.model import (
    ApiDefinition,
    CacheDefinition,
    DatabaseConfig,
    DataSourceDefinition,
    EventBusConfig,
    HttpConfig,
    LogDefinition,
    ResolverCaching,
    SearchConfig,
    Signing,
    TableConfig,
)
from tests.projects.projects import loaded, refused

pytestmark = pytest.mark.unit


def template(api: str = "", source: str = "Type: NONE", more: str = "", resolver: str = "") -> str:
    return f"""
Resources:
  Api: {{ Type: AWS::AppSync::GraphQLApi, Properties: {{ Name: api, AuthenticationType: API_KEY {api} }} }}
  Schema:
    Type: AWS::AppSync::GraphQLSchema
    Properties: {{ ApiId: !GetAtt Api.ApiId, Definition: "type Query {{ a: Int }}" }}
  Source: {{ Type: AWS::AppSync::DataSource, Properties: {{ ApiId: !GetAtt Api.ApiId, Name: S, {source} }} }}
  Resolver:
    Type: AWS::AppSync::Resolver
    Properties: {{ ApiId: !GetAtt Api.ApiId, TypeName: Query, FieldName: a, DataSourceName: S, Code: "//" {resolver} }}
{more}
"""


def api_of(folder: Path, text: str) -> ApiDefinition:
    project = loaded(folder, text)
    assert not project.warnings
    (api,) = project.apis
    return api


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Type: NONE", DataSourceDefinition("S", "NONE")),
        ("Type: AMAZON_BEDROCK_RUNTIME, ServiceRoleArn: r", DataSourceDefinition("S", "AMAZON_BEDROCK_RUNTIME")),
        (
            "Type: AMAZON_DYNAMODB, DynamoDBConfig: { TableName: t, AwsRegion: r, UseCallerCredentials: false }",
            DataSourceDefinition("S", "AMAZON_DYNAMODB", configuration=TableConfig("t")),
        ),
        (
            "Type: AMAZON_DYNAMODB, DynamoDBConfig: { TableName: t, Versioned: true, DeltaSyncConfig: { A: 1 } }",
            DataSourceDefinition("S", "AMAZON_DYNAMODB", configuration=TableConfig("t", versioned=True)),
        ),
        (
            "Type: HTTP, HttpConfig: { Endpoint: 'https://x' }, MetricsConfig: DISABLED",
            DataSourceDefinition("S", "HTTP", configuration=HttpConfig("https://x")),
        ),
        (
            "Type: HTTP, HttpConfig: { Endpoint: e, AuthorizationConfig: { AuthorizationType: AWS_IAM, "
            "AwsIamConfig: { SigningRegion: eu-west-1, SigningServiceName: states } } }",
            DataSourceDefinition("S", "HTTP", configuration=HttpConfig("e", Signing("eu-west-1", "states"))),
        ),
        (
            "Type: AMAZON_EVENTBRIDGE, EventBridgeConfig: { EventBusArn: arn }",
            DataSourceDefinition("S", "AMAZON_EVENTBRIDGE", configuration=EventBusConfig("arn")),
        ),
        (
            "Type: RELATIONAL_DATABASE, RelationalDatabaseConfig: { RelationalDatabaseSourceType: RDS_HTTP_ENDPOINT, "
            "RdsHttpEndpointConfig: { DbClusterIdentifier: arn, DatabaseName: d, AwsRegion: r, AwsSecretStoreArn: s}}",
            DataSourceDefinition("S", "RELATIONAL_DATABASE", configuration=DatabaseConfig("arn", "d")),
        ),
        (
            "Type: AMAZON_OPENSEARCH_SERVICE, OpenSearchServiceConfig: { Endpoint: e, AwsRegion: eu-west-1 }",
            DataSourceDefinition("S", "AMAZON_OPENSEARCH_SERVICE", configuration=SearchConfig("e", "eu-west-1")),
        ),
        (
            "Type: AMAZON_ELASTICSEARCH, ElasticsearchConfig: { Endpoint: e, AwsRegion: eu-west-1 }",
            DataSourceDefinition("S", "AMAZON_ELASTICSEARCH", configuration=SearchConfig("e", "eu-west-1")),
        ),
    ],
)
def test_data_sources(tmp_path: Path, written: str, read: DataSourceDefinition) -> None:
    assert api_of(tmp_path, template(source=written)).data_sources == (read,)


@pytest.mark.parametrize(
    ("written", "cause"),
    [
        ("Type: HTTP", "HttpConfig is missing"),
        ("Type: HTTP, HttpConfig: {}", "Endpoint is missing"),
        ("Type: HTTP, HttpConfig: { Endpoint: e, AuthorizationConfig: { AuthorizationType: X } }", "only AWS_IAM"),
        ("Type: AMAZON_DYNAMODB, DynamoDBConfig: {}", "TableName is missing"),
        ("Type: AMAZON_EVENTBRIDGE", "EventBridgeConfig is missing"),
        ("Type: RELATIONAL_DATABASE, RelationalDatabaseConfig: {}", "RdsHttpEndpointConfig is missing"),
        ("Type: AWS_LAMBDA", "LambdaConfig is missing"),
    ],
)
def test_data_sources_that_lack_something(tmp_path: Path, written: str, cause: str) -> None:
    assert cause in refused(tmp_path, template(source=written)).cause


def test_a_function_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:gone:live"
    project = loaded(tmp_path, template(source=f"Type: AWS_LAMBDA, LambdaConfig: {{ LambdaFunctionArn: '{arn}' }}"))
    (warning,) = project.warnings
    assert "Resources.Source: AWS::AppSync::DataSource: there is no function gone here; its resolvers fail" in warning


def test_what_an_api_declares_besides(tmp_path: Path) -> None:
    api = api_of(
        tmp_path,
        template(
            ", QueryDepthLimit: 5, ResolverCountLimit: '7', IntrospectionConfig: DISABLED, "
            "LogConfig: { CloudWatchLogsRoleArn: r, FieldLogLevel: ERROR, ExcludeVerboseContent: true }",
            resolver=", CachingConfig: { Ttl: 30, CachingKeys: [$context.arguments.id] }, MetricsConfig: DISABLED",
            more="""
  Cache:
    Type: AWS::AppSync::ApiCache
    Properties: { ApiId: !GetAtt Api.ApiId, Type: SMALL, Ttl: 60, ApiCachingBehavior: PER_RESOLVER_CACHING,
                  AtRestEncryptionEnabled: true }
""",
        ),
    )
    assert (api.query_depth_limit, api.resolver_count_limit, api.introspection) == (5, 7, False)
    assert api.logs == LogDefinition("ERROR", verbose=False)
    assert api.cache == CacheDefinition("PER_RESOLVER_CACHING", 60)
    assert api.resolvers[0].caching == ResolverCaching(30, ("$context.arguments.id",))


def test_what_is_there_without_a_word(tmp_path: Path) -> None:
    api = api_of(tmp_path, template())
    assert (api.query_depth_limit, api.resolver_count_limit, api.introspection) == (0, 0, True)
    assert (api.logs, api.cache, api.resolvers[0].caching) == (None, None, None)


@pytest.mark.parametrize(
    ("api", "cause"),
    [
        (", QueryDepthLimit: 76", "76 is out of range"),
        (", ResolverCountLimit: 10001", "10001 is out of range"),
        (", IntrospectionConfig: MAYBE", "'MAYBE' is unknown"),
        (", LogConfig: { FieldLogLevel: SOME }", "'SOME' is unknown"),
    ],
)
def test_settings_that_appsync_refuses(tmp_path: Path, api: str, cause: str) -> None:
    assert cause in refused(tmp_path, template(api)).cause


@pytest.mark.parametrize(
    ("properties", "cause"),
    [
        ("Ttl: 60, ApiCachingBehavior: ALL", "'ALL' is unknown"),
        ("ApiCachingBehavior: FULL_REQUEST_CACHING", "Ttl is missing"),
        ("Ttl: 60", "ApiCachingBehavior is missing"),
    ],
)
def test_caches_that_appsync_refuses(tmp_path: Path, properties: str, cause: str) -> None:
    more = f"  Cache: {{ Type: AWS::AppSync::ApiCache, Properties: {{ ApiId: !GetAtt Api.ApiId, {properties} }} }}"
    assert cause in refused(tmp_path, template(more=more)).cause
